package kind_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

const treeConfig = `
imagebuild {
  staging {
    bucket = "stage"
  }
}
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "file" {
    source      = "tree/"
    destination = "/srv"
  }
}
`

// compileFS compiles a configuration and fails the test when that is not possible.
func compileFS(t *testing.T, fsys fs.FS) *planner.Graph {
	t.Helper()
	cfg, diags := loadFS(fsys)
	if !diags.HasErrors() {
		g, more := planner.Compile(cfg, kind.All(), "eu-west-1")
		diags = append(diags, more...)
		if g != nil {
			return g
		}
	}
	t.Fatal(diags)
	return nil
}

func stagedContent(t *testing.T, g *planner.Graph) dsl.Content {
	t.Helper()
	for _, n := range g.Nodes {
		if n.Content != nil {
			return n.Content
		}
	}
	t.Fatal("no staged file")
	return nil
}

// TestArchiveIsTheSame holds that an archive follows from names, contents and executable bits alone.
func TestArchiveIsTheSame(t *testing.T) {
	hostile := []string{"a b", "it's $(x)`y`.txt", "-rf", "line\nbreak", "ü/ﬁ", "sub/*", "\"quoted\"", "{{ x }}"}
	tree := func(mode fs.FileMode, at time.Time) fstest.MapFS {
		fsys := fstest.MapFS{"main.ib.hcl": {Data: []byte(treeConfig)}}
		for _, name := range hostile {
			fsys["tree/"+name] = &fstest.MapFile{Data: []byte(name), Mode: mode, ModTime: at}
		}
		fsys["tree/run.sh"] = &fstest.MapFile{Data: []byte("#!/bin/sh\n"), Mode: mode | 0o100, ModTime: at}
		fsys["tree/link"] = &fstest.MapFile{Data: []byte("sub/*"), Mode: fs.ModeSymlink | mode}
		fsys["tree/.git/HEAD"] = &fstest.MapFile{Data: []byte(at.String())}
		return fsys
	}
	one := readContent(t, stagedContent(t, compileFS(t, tree(0o644, time.Unix(1, 0)))))
	two := readContent(t, stagedContent(t, compileFS(t, tree(0o664, time.Unix(2, 0)))))
	if !bytes.Equal(one, two) {
		t.Error("the same files at another time and under another umask give another archive")
	}
	want := map[string]string{"run.sh": "0755 #!/bin/sh\n", "link": "0777 -> sub/*"}
	for _, name := range hostile {
		want[name] = "0644 " + name
	}
	if got := listTar(t, one); !maps.Equal(got, want) {
		t.Errorf("archive holds %q, want %q", got, want)
	}
	// Unpacked by the machine's own tar as the step does, the files are there.
	dir := t.TempDir()
	archive := filepath.Join(dir, "a.tar.gz")
	if err := os.WriteFile(archive, one, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "tar", "-xzf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	for _, name := range hostile {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != name {
			t.Errorf("%q: %q, %v", name, b, err)
		}
	}
}

func listTar(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		mode := strings.Replace("0"+fs.FileMode(h.Mode).Perm().String(), "0", "", 1)
		switch {
		case h.Linkname != "":
			out[h.Name] = "0777 -> " + h.Linkname
		case mode == "-rwxr-xr-x":
			out[h.Name] = "0755 " + string(b)
		default:
			out[h.Name] = "0644 " + string(b)
		}
	}
}

// TestLinksStayInside holds that a link out of the tree is an error and not a file of the machine.
func TestLinksStayInside(t *testing.T) {
	for _, target := range []string{"/etc/passwd", "../main.ib.hcl", "../../x", "sub/../../main.ib.hcl"} {
		fsys := fstest.MapFS{
			"main.ib.hcl": {Data: []byte(treeConfig)},
			"tree/link":   {Data: []byte(target), Mode: fs.ModeSymlink},
		}
		cfg, diags := loadFS(fsys)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = planner.Compile(cfg, kind.All(), "eu-west-1")
		if !slices.ContainsFunc(diags.Errs(), func(err error) bool { return strings.Contains(err.Error(), "Link leaves the directory") }) {
			t.Errorf("%s: %v", target, diags)
		}
	}
}

// TestArchiveClosedEarly holds that an archive that is not read to its end leaves nothing behind.
func TestArchiveClosedEarly(t *testing.T) {
	fsys := fstest.MapFS{"main.ib.hcl": {Data: []byte(treeConfig)}, "tree/big": {Data: bytes.Repeat([]byte("random enough"), 1<<16)}}
	r, err := stagedContent(t, compileFS(t, fsys)).Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil { // returns only when the packing goroutine has ended
		t.Error(err)
	}
}
