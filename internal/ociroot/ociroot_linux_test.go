package ociroot_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/imagebuild-action/internal/ociroot"
)

// An entry is one entry of a layer; the zero type is a file.
type entry struct {
	name, body, link string
	kind             byte
	mode             int64
	uid              int
	size             int64 // claimed, where it is not the body's
	pax              map[string]string
}

func layer(tb testing.TB, entries ...entry) v1.Layer {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: e.mode, Uid: e.uid, Gid: e.uid, Size: int64(len(e.body)), PAXRecords: e.pax}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if e.size > 0 {
			h.Size = e.size
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil && !strings.Contains(err.Error(), "missed writing") {
		tb.Fatal(err)
	}
	raw := b.Bytes()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func image(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	return imageFor(t, runtime.GOARCH, layers...)
}

func imageFor(t *testing.T, arch string, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	conf.OS, conf.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, conf); err != nil {
		t.Fatal(err)
	}
	return img
}

// archive saves an image as docker save does and returns the file.
func archive(t *testing.T, img v1.Image) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, name.MustParseReference("example.test/base:1"), img); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, ref string, o ociroot.Options) *ociroot.Tree {
	t.Helper()
	tree, err := ociroot.Open(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

func read(t *testing.T, tree *ociroot.Tree, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(tree.Dir, file))
	if err != nil {
		t.Error(err)
	}
	return string(raw)
}

func missing(t *testing.T, tree *ociroot.Tree, files ...string) {
	t.Helper()
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(tree.Dir, f)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there (%v)", f, err)
		}
	}
}

// twoLayers is an image whose second layer changes, deletes and links what the first one made.
func twoLayers(t *testing.T) v1.Image {
	t.Helper()
	return image(t,
		layer(t,
			entry{name: "etc/", kind: tar.TypeDir}, entry{name: "etc/release", body: "one"}, entry{name: "etc/gone", body: "x"},
			entry{name: "etc/kept", body: "kept"}, entry{name: "opt/old/file", body: "x"}, entry{name: "opt/old/deep/file", body: "x"},
			entry{name: "usr/bin/tool", body: "tool", mode: 0o4755, uid: 12}, entry{name: "bin", kind: tar.TypeSymlink, link: "usr/bin"},
			entry{name: "var/run", kind: tar.TypeSymlink, link: "/run"}, entry{name: "tmp/", kind: tar.TypeDir, mode: 0o1777},
			entry{name: "was-dir/file", body: "x"}, entry{name: "was-file", body: "x"},
			entry{name: "dev/null", kind: tar.TypeChar},
		),
		layer(t,
			entry{name: "etc/release", body: "two"}, entry{name: "etc/.wh.gone"},
			entry{name: "opt/old/new", body: "new"}, entry{name: "opt/old/.wh..wh..opq"},
			entry{name: "bin/second", kind: tar.TypeLink, link: "bin/tool"}, // through a link to a directory
			entry{name: "var/run/pid", body: "1"},                           // through an absolute one
			entry{name: "was-dir", body: "file now"}, entry{name: "was-file/", kind: tar.TypeDir},
			entry{name: ".wh.never-was"},
		))
}

func TestLayers(t *testing.T) {
	var told []string
	tree := open(t, archive(t, twoLayers(t)), ociroot.Options{Cache: t.TempDir(), Progress: func(l string) { told = append(told, l) }})
	for file, want := range map[string]string{
		"etc/release": "two", "etc/kept": "kept", "opt/old/new": "new", "usr/bin/second": "tool", "run/pid": "1", "was-dir": "file now",
	} {
		if got := read(t, tree, file); got != want {
			t.Errorf("%s holds %q, want %q", file, got, want)
		}
	}
	missing(t, tree, "etc/gone", "etc/.wh.gone", "opt/old/file", "opt/old/deep", "opt/old/.wh..wh..opq", "dev/null", ".wh.never-was")
	info, err := os.Stat(filepath.Join(tree.Dir, "usr/bin/tool"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o755|fs.ModeSetuid {
		t.Errorf("the tool's mode is %v", info.Mode())
	}
	if st, ok := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (!ok || st.Uid != 12) {
		t.Errorf("the tool belongs to %v", st)
	}
	if info, err := os.Stat(filepath.Join(tree.Dir, "tmp")); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("/tmp is %v (%v)", info, err)
	}
	if len(told) != 3 || !strings.Contains(told[2], "1 devices and pipes were left out") {
		t.Errorf("told %q", told)
	}
}

// TestHostile opens images that nobody should build; each is refused, and nothing outside of the cache changes.
func TestHostile(t *testing.T) {
	outside := t.TempDir()
	for what, c := range map[string]struct {
		layers []entry
		says   string
	}{
		"absolute":          {[]entry{{name: outside + "/x"}}, "would lie outside"},
		"parent":            {[]entry{{name: "a/../../x"}}, "would lie outside"},
		"link up":           {[]entry{{name: "up", kind: tar.TypeSymlink, link: "../../../.."}, {name: "up" + outside + "/x"}}, "leads out of the image"},
		"links in a circle": {[]entry{{name: "a", kind: tar.TypeSymlink, link: "b"}, {name: "b", kind: tar.TypeSymlink, link: "a"}, {name: "a/x"}}, "too many links"},
		"hard link out":     {[]entry{{name: "x", kind: tar.TypeLink, link: "../../../../etc/passwd"}}, "would lie outside"},
		"hard link nowhere": {[]entry{{name: "x", kind: tar.TypeLink, link: "etc/passwd"}}, "is no file of the image"},
		"device":            {[]entry{{name: "usr/disk", kind: tar.TypeBlock}}, "is a device"},
		"device under dev":  {[]entry{{name: "dev", kind: tar.TypeSymlink, link: "usr"}, {name: "dev/disk", kind: tar.TypeBlock}}, "is a device"},
		"whiteout of all":   {[]entry{{name: "a/.wh..."}, {name: "a/.wh..", body: ""}}, "deletes no file"},
		"file as folder":    {[]entry{{name: "a", body: "x"}, {name: "a/b", body: "x"}}, "no directory"},
		"too large":         {[]entry{{name: "a", body: strings.Repeat("x", 1<<20)}}, "more than 65536 bytes"},
		"sparse":            {[]entry{{name: "a", size: 1 << 40}}, "more than 65536 bytes"},
	} {
		t.Run(what, func(t *testing.T) {
			cache := t.TempDir()
			_, err := ociroot.Open(t.Context(), archive(t, image(t, layer(t, c.layers...))), ociroot.Options{Cache: cache, Limit: 1 << 16})
			if _, ok := errors.AsType[*ociroot.RefusedError](err); !ok || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a refusal that says %q", err, c.says)
			}
			left, globErr := filepath.Glob(cache + "/trees/*")
			if globErr != nil || len(left) != 1 || !strings.HasSuffix(left[0], ".lock") {
				t.Errorf("the cache holds %q", left)
			}
		})
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside there is %v (%v)", left, err)
	}
}

// TestAbsoluteLinksStayInside writes through a link to a directory of the machine, which inside is another.
func TestAbsoluteLinksStayInside(t *testing.T) {
	outside := t.TempDir()
	tree := open(t, archive(t, image(t, layer(t,
		entry{name: "way", kind: tar.TypeSymlink, link: outside}, entry{name: "way/x", body: "inside"},
	))), ociroot.Options{Cache: t.TempDir()})
	if got := read(t, tree, filepath.Join(outside, "x")); got != "inside" {
		t.Errorf("inside there is %q", got)
	}
	if _, err := os.Stat(outside + "/x"); err == nil {
		t.Error("the image wrote to the machine")
	}
}

// TestOverlayAttributes proves that attributes an overlay obeys are not taken over.
func TestOverlayAttributes(t *testing.T) {
	tree := open(t, archive(t, image(t, layer(t, entry{name: "x", body: "x", pax: map[string]string{
		"SCHILY.xattr.user.overlay.redirect": "/etc", "SCHILY.xattr.trusted.overlay.metacopy": "y",
	}}))), ociroot.Options{Cache: t.TempDir()})
	names := make([]byte, 1024)
	if n, err := syscall.Listxattr(filepath.Join(tree.Dir, "x"), names); err != nil || bytes.Contains(names[:n], []byte("overlay")) {
		t.Errorf("its attributes are %q (%v)", names[:max(n, 0)], err)
	}
}

func TestLayoutPicksThisMachine(t *testing.T) {
	other := "arm64"
	if runtime.GOARCH == other {
		other = "amd64"
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: imageFor(t, other, layer(t, entry{name: "which", body: "other"})), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: other}}},
		mutate.IndexAddendum{Add: image(t, layer(t, entry{name: "which", body: "this"})), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}},
	)
	dir := t.TempDir()
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	if got := read(t, open(t, dir, ociroot.Options{Cache: cache}), "which"); got != "this" {
		t.Errorf("the other machine's image was taken: %q", got)
	}
	_, err := ociroot.Open(t.Context(), archive(t, imageFor(t, other, layer(t, entry{name: "x"}))), ociroot.Options{Cache: cache})
	if err == nil || !strings.Contains(err.Error(), "it is for linux/"+other) {
		t.Errorf("an image for another machine: %v", err)
	}
}

// TestTamperedLayout changes a layer on disk: it is no longer what the configuration says.
func TestTamperedLayout(t *testing.T) {
	dir := t.TempDir()
	good, bad := layer(t, entry{name: "x", body: "good"}), layer(t, entry{name: "x", body: "evil"})
	if _, err := layout.Write(dir, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image(t, good)})); err != nil {
		t.Fatal(err)
	}
	digest, err := good.Digest()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := bad.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", digest.Hex), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ociroot.Open(t.Context(), dir, ociroot.Options{Cache: t.TempDir()}); err == nil {
		t.Error("a changed layer was taken")
	}
}

// serve is a registry that holds an image, and counts requests for layers.
func serve(t *testing.T, img v1.Image) (server *httptest.Server, ref string) {
	t.Helper()
	server = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref = strings.TrimPrefix(server.URL, "http://") + "/base:1"
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parsed, img); err != nil {
		t.Fatal(err)
	}
	return server, ref
}

// TestRegistry fetches an image once, also when many want it, and remembers it when the registry is gone.
func TestRegistry(t *testing.T) {
	server, ref := serve(t, twoLayers(t))
	cache := t.TempDir()
	var mu sync.Mutex
	fetched := 0
	o := ociroot.Options{Cache: cache, Patience: 10 * time.Second, Progress: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(line, "layer 1 of 2") {
			fetched++
		}
	}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := read(t, open(t, ref, o), "etc/release"); got != "two" {
				t.Errorf("it holds %q", got)
			}
		})
	}
	wg.Wait()
	if fetched != 1 {
		t.Errorf("the image was fetched %d times", fetched)
	}
	server.Close()
	if tree := open(t, ref, o); tree.Remembered.IsZero() || read(t, tree, "etc/release") != "two" {
		t.Error("the image was forgotten with its registry")
	}
	_, err := ociroot.Open(t.Context(), strings.Replace(ref, "base", "other", 1), o)
	known, ok := errors.AsType[*ociroot.Error](err)
	if !ok || !strings.Contains(known.Advice, "check the name, the network") {
		t.Errorf("a registry that is gone: %v", err)
	}
}

// TestSilentRegistry waits no longer than it may.
func TestSilentRegistry(t *testing.T) {
	l := httptest.NewUnstartedServer(nil).Listener
	t.Cleanup(func() { _ = l.Close() })
	start := time.Now()
	_, err := ociroot.Open(t.Context(), l.Addr().String()+"/base:1", ociroot.Options{Cache: t.TempDir(), Patience: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "did not answer in time") || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

// TestCacheKeepsFewTrees opens more images than are kept; those in use stay.
func TestCacheKeepsFewTrees(t *testing.T) {
	cache := t.TempDir()
	var first *ociroot.Tree
	for i := range 9 {
		ref := archive(t, image(t, layer(t, entry{name: "n", body: strings.Repeat("x", i+1)})))
		tree, err := ociroot.Open(t.Context(), ref, ociroot.Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = tree
			continue
		}
		if err := tree.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var trees []string
	entries, err := os.ReadDir(cache + "/trees")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			trees = append(trees, e.Name())
		}
	}
	if len(trees) != 7 || read(t, first, "n") != "x" {
		t.Errorf("the cache holds %d trees, want 6 and the one in use", len(trees))
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cache := t.TempDir()
	_, err := ociroot.Open(ctx, archive(t, twoLayers(t)), ociroot.Options{Cache: cache})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, globErr := filepath.Glob(cache + "/trees/.part-*"); globErr != nil || len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// FuzzOpen unpacks layers of any bytes. Whatever they say, nothing outside of the cache comes to be.
func FuzzOpen(f *testing.F) {
	for _, entries := range [][]entry{
		{{name: "etc/", kind: tar.TypeDir}, {name: "etc/release", body: "one"}, {name: "bin", kind: tar.TypeSymlink, link: "usr/bin"}},
		{{name: "a/x", body: "1"}, {name: "a/.wh..wh..opq"}, {name: "a/.wh.x"}, {name: "b", kind: tar.TypeLink, link: "a/x"}},
		{{name: "up", kind: tar.TypeSymlink, link: "../../canary"}, {name: "up/x", body: "out"}},
	} {
		stream, err := layer(f, entries...).Uncompressed()
		if err != nil {
			f.Fatal(err)
		}
		raw, err := io.ReadAll(stream)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
		if err != nil {
			return // its first bytes say that it is compressed, and it is not
		}
		dir := t.TempDir()
		tree, err := ociroot.Open(t.Context(), archive(t, image(t, l)), ociroot.Options{Cache: dir + "/cache", Limit: 1 << 20})
		if err == nil {
			err = tree.Close()
			if err != nil {
				t.Error(err)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("beside the cache there is %v (%v)", left, err)
		}
	})
}
