package ociroot

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stall is how long a download may bring nothing before it is given up.
const stall = time.Minute

// errStalled is the cause of a context that a standing download ended.
var errStalled = errors.New("the download brought nothing for a minute")

// An unpacking applies the layers of an image to an empty directory, the lowest first.
type unpacking struct {
	Options
	ctx     context.Context //nolint:containedctx // an unpacking is one call and lives no longer
	cancel  context.CancelCauseFunc
	image   string
	root    *os.Root
	asRoot  bool
	read    int64 // bytes, uncompressed
	written int64 // bytes of files
	entries int
	devices int

	// fresh are the paths that the present layer made; above are the directories over them.
	fresh, above map[string]bool
	// parent and resolved are the last directory that was looked up, which is mostly the next one too;
	// "" once a link or a removal may lead elsewhere.
	parent, resolved string
}

func (u *unpacking) all(img v1.Image, dir string) (err error) {
	layers, err := img.Layers()
	if err != nil {
		return fmt.Errorf("reading its layers: %w", err)
	}
	conf, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading its configuration: %w", err)
	}
	if len(layers) > maxLayers || len(conf.RootFS.DiffIDs) != len(layers) {
		return &RefusedError{Why: fmt.Sprintf("it has %d layers, and its configuration names %d; at most %d are taken", len(layers), len(conf.RootFS.DiffIDs), maxLayers)}
	}
	if err = os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it is the root directory of a system
		return err
	}
	if u.root, err = os.OpenRoot(dir); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.root.Close()) }()
	u.asRoot = os.Geteuid() == 0
	for i, l := range layers {
		size := ""
		if !IsPath(u.image) {
			if n, err := l.Size(); err == nil {
				size = fmt.Sprintf(" (%.1f MB)", float64(n)/1e6)
			}
		}
		u.Progress(fmt.Sprintf("%s: layer %d of %d%s", u.image, i+1, len(layers), size))
		if err := u.layer(l, conf.RootFS.DiffIDs[i]); err != nil {
			return fmt.Errorf("layer %d of %d: %w", i+1, len(layers), err)
		}
	}
	if u.devices > 0 {
		u.Progress(fmt.Sprintf("%s: %d devices and pipes were left out; every root has a /dev of its own", u.image, u.devices))
	}
	return nil
}

// layer applies one layer and compares what it read with what the configuration says it is.
func (u *unpacking) layer(l v1.Layer, want v1.Hash) (err error) {
	stream, err := l.Uncompressed()
	if err != nil {
		return err
	}
	standing := time.AfterFunc(stall, func() { u.cancel(errStalled) })
	defer standing.Stop()
	defer func() { err = errors.Join(err, stream.Close()) }()
	sum := sha256.New()
	counted := readerFunc(func(p []byte) (int, error) {
		if u.ctx.Err() != nil {
			return 0, context.Cause(u.ctx)
		}
		n, err := stream.Read(p)
		if n > 0 {
			standing.Reset(stall)
		}
		u.read += int64(n)
		if tooMany := u.bounded(u.read); tooMany != nil {
			return 0, tooMany
		}
		return n, err
	})
	u.fresh, u.above, u.parent, u.resolved = map[string]bool{}, map[string]bool{}, "", ""
	whole := io.TeeReader(counted, sum)
	archive := tar.NewReader(whole)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := u.entry(h, archive); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.Hex {
		return &RefusedError{Why: fmt.Sprintf("the layer's digest is sha256:%s and should be %s", got, want)}
	}
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// bounded says that n bytes are too many. What is read and what is written are counted each for itself:
// a sparse file, or a long header, is little of the one and much of the other.
func (u *unpacking) bounded(n int64) error {
	if n > u.Limit {
		return &RefusedError{Why: fmt.Sprintf("it unpacks to more than %d bytes", u.Limit)}
	}
	return nil
}

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// entry applies one entry of a layer.
func (u *unpacking) entry(h *tar.Header, body io.Reader) error {
	u.entries++
	if u.entries > maxEntries {
		return &RefusedError{Why: fmt.Sprintf("it has more than %d entries", maxEntries)}
	}
	name, err := inside(h.Name)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if name == "." {
		return u.attributes(h, ".")
	}
	dir, err := u.follow(path.Dir(name))
	if err != nil {
		return err
	}
	base := path.Base(name)
	switch {
	case base == opaque:
		return u.removeOld(dir)
	case strings.HasPrefix(base, whiteout+whiteout):
		return nil // aufs kept its own records so (OCI image specification, layer.md)
	case strings.HasPrefix(base, whiteout):
		gone := strings.TrimPrefix(base, whiteout)
		if gone == "" || gone == "." || gone == ".." {
			return &RefusedError{h.Name, "deletes no file that could be named"}
		}
		return u.removeOldAt(path.Join(dir, gone))
	}
	at := path.Join(dir, base)
	made, err := u.place(h, body, at)
	if made {
		u.mark(at)
	}
	return err
}

// inside is the name as a local slash path, or says why it is none.
func inside(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || strings.ContainsRune(name, 0) || path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", &RefusedError{name, "would lie outside of the image"}
	}
	return clean, nil
}

func (u *unpacking) mark(at string) {
	u.fresh[at] = true
	for d := path.Dir(at); d != "." && !u.above[d]; d = path.Dir(d) {
		u.above[d] = true
	}
}

// follow is the directory a name leads to, links resolved as in a system whose root is the tree. What is
// missing of it is made.
func (u *unpacking) follow(dir string) (string, error) {
	const maxLinks = 40 // as many as the kernel follows
	if u.parent == dir {
		return u.resolved, nil
	}
	at, links := ".", 0
	rest := strings.Split(dir, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", &RefusedError{dir, "leads out of the image by a link"}
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		info, err := u.root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err = u.root.Mkdir(next, 0o755); err != nil {
				return "", err
			}
			at = next
		case err != nil:
			return "", err
		case info.IsDir():
			at = next
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return "", &RefusedError{dir, "leads through too many links"}
			}
			to, err := u.root.Readlink(next)
			if err != nil {
				return "", err
			}
			if path.IsAbs(to) {
				at = "."
			}
			rest = append(strings.Split(to, "/"), rest...)
		default:
			return "", &RefusedError{dir, "leads through a file that is no directory"}
		}
	}
	u.parent, u.resolved = dir, at
	return at, nil
}
