package kind

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// An entry is one file, symbolic link or empty directory of an archive.
type entry struct {
	name string // in the archive
	path string // in the repository
	mode fs.FileMode
	link string // the target of a symbolic link
	text string // the content where path is "": a file that exists only in the archive
}

// maxEntries bounds what one archive holds; a tree of more files is a mistake (a cache, node_modules).
const maxEntries = 50_000

// collect lists what lies under root, in name order, under prefix in the archive. Modes are made
// those that git keeps, so that one commit gives one archive wherever it is checked out. Version
// control's own directories are left out: they differ from one checkout to the next.
func collect(fsys fs.FS, root, prefix string, at hcl.Range) ([]entry, *hcl.Diagnostic) {
	var out []entry
	var bad *hcl.Diagnostic
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, root), "/")
		if root == "." {
			rel = p
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		e := entry{name: path.Join(prefix, rel), path: p, mode: 0o644}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			e.link, bad = linkTarget(fsys, root, p, at)
			e.mode = fs.ModeSymlink | 0o777
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			e.mode = gitMode(info.Mode())
		default:
			bad = failure(at, "File not readable", "%q is neither a file, a directory nor a symbolic link.", p)
		}
		if bad == nil && len(out) == maxEntries {
			bad = failure(at, "Too many files", "There are more than %d files under %q. Name the directory that is needed alone.", maxEntries, root)
		}
		if bad != nil {
			return fs.SkipAll
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, failure(at, "File not readable", "%q cannot be read: %s.", root, reason(err))
	}
	return out, bad
}

// gitMode is what git would record of a file's permissions.
func gitMode(m fs.FileMode) fs.FileMode {
	if m&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

// linkTarget reads a symbolic link, which must stay inside the tree that is archived.
func linkTarget(fsys fs.FS, root, p string, at hcl.Range) (string, *hcl.Diagnostic) {
	target, err := fs.ReadLink(fsys, p)
	if err != nil {
		return "", failure(at, "File not readable", "%q cannot be read: %s.", p, reason(err))
	}
	to := path.Join(path.Dir(p), target)
	if path.IsAbs(target) || root != "." && to != root && !strings.HasPrefix(to, root+"/") || root == "." && !fs.ValidPath(to) {
		return "", failure(at, "Link leaves the directory",
			"The symbolic link %q points to %q, outside of %q, where nothing would be on the machine. Copy the file, or name a directory that holds both.", p, target, root)
	}
	return target, nil
}

// An archive is a set of files packed the same way each time.
type archive struct {
	fsys    fs.FS
	entries []entry // in name order
	zip     bool    // for Windows, which unpacks nothing else by itself; otherwise tar.gz
}

// newArchive orders the entries, so that the order they were found in does not matter.
func newArchive(fsys fs.FS, entries []entry, zipped bool) archive {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return archive{fsys, slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name }), zipped}
}

// Open packs the files while the result is read.
func (a archive) Open() (io.ReadCloser, error) {
	r, w := io.Pipe()
	p := &packing{PipeReader: r, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		write := a.writeTar
		if a.zip {
			write = a.writeZip
		}
		w.CloseWithError(write(w)) // never fails; nil closes with io.EOF
	}()
	return p, nil
}

// A packing is an archive being made.
type packing struct {
	*io.PipeReader
	done chan struct{}
}

// Close ends the packing and waits until it has.
func (p *packing) Close() error {
	err := p.PipeReader.Close()
	<-p.done
	return err
}

// A fixed time stands for all files: what a checkout made of theirs is no content. It is the first
// that zip can write.
func archiveTime() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

func (a archive) writeTar(w io.Writer) error {
	gz := gzip.NewWriter(w)
	tw := tar.NewWriter(gz)
	for _, e := range a.entries {
		h := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Mode: int64(e.mode.Perm()),
			Uname: "root", Gname: "root", ModTime: archiveTime(), Format: tar.FormatPAX,
		}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
			if err := tw.WriteHeader(h); err != nil {
				return fmt.Errorf("packing %s: %w", e.name, err)
			}
			continue
		}
		err := a.withFile(e, func(r io.Reader, size int64) error {
			h.Size = size
			if err := tw.WriteHeader(h); err != nil {
				return err
			}
			_, err := io.Copy(tw, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("packing %s: %w", e.name, err)
		}
	}
	return errors.Join(tw.Close(), gz.Close())
}

func (a archive) writeZip(w io.Writer) error {
	zw := zip.NewWriter(w)
	for _, e := range a.entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: archiveTime()}
		h.SetMode(e.mode)
		err := a.withFile(e, func(r io.Reader, _ int64) error {
			f, err := zw.CreateHeader(h)
			if err != nil {
				return err
			}
			_, err = io.Copy(f, r)
			return err
		})
		if err != nil {
			return fmt.Errorf("packing %s: %w", e.name, err)
		}
	}
	return zw.Close()
}

// withFile opens an entry's content.
func (a archive) withFile(e entry, use func(io.Reader, int64) error) (err error) {
	if e.path == "" {
		return use(strings.NewReader(e.text), int64(len(e.text)))
	}
	f, err := a.fsys.Open(e.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(f, info.Size())
}

// A plainFile is one file of the repository as it is.
type plainFile struct {
	fsys fs.FS
	path string
}

// Open opens the file.
func (p plainFile) Open() (io.ReadCloser, error) { return p.fsys.Open(p.path) }

// A memory is content that was made while planning.
type memory string

// Open reads from memory.
func (m memory) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(m))), nil }

// windowsName says why Windows could not hold a file of that name; "" where it can.
func windowsName(name string) string {
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case strings.ContainsAny(part, `<>:"|?*\`) || strings.ContainsFunc(part, func(r rune) bool { return r < ' ' }):
			return `a character that Windows does not allow in names`
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return "a dot or space at an end, which Windows drops"
		}
	}
	return ""
}
