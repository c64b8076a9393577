package ociroot

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// place makes what an entry describes at a path without links and reports whether it did.
func (u *unpacking) place(h *tar.Header, body io.Reader, at string) (made bool, err error) {
	switch h.Typeflag {
	case tar.TypeChar, tar.TypeBlock:
		// Old base images bring a /dev, which is hidden by the root's own. Elsewhere a device has no business,
		// and one with the numbers 0 and 0 would delete what lies below it in an overlay.
		if !strings.HasPrefix(at, "dev/") {
			return false, &RefusedError{h.Name, "is a device"}
		}
		u.devices++
		return false, nil
	case tar.TypeFifo:
		u.devices++
		return false, nil
	case tar.TypeDir:
		err = u.directory(at)
	case tar.TypeReg, tar.TypeGNUSparse:
		return true, u.file(h, body, at)
	case tar.TypeSymlink:
		if err = u.clear(at); err == nil {
			err = u.root.Symlink(h.Linkname, at)
		}
		u.parent = ""
	case tar.TypeLink:
		return true, u.link(h, at)
	default:
		return false, &RefusedError{h.Name, fmt.Sprintf("is of the unknown type %q", h.Typeflag)}
	}
	if err != nil {
		return false, err
	}
	return true, u.attributes(h, at)
}

// clear removes what a lower layer, or an earlier entry, has at a path.
func (u *unpacking) clear(at string) error {
	info, err := u.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		u.parent = ""
		return u.root.RemoveAll(at)
	}
	return u.root.Remove(at)
}

func (u *unpacking) directory(at string) error {
	info, err := u.root.Lstat(at)
	if err == nil && info.IsDir() {
		return nil
	}
	if err := u.clear(at); err != nil {
		return err
	}
	u.parent = ""
	return u.root.Mkdir(at, 0o700)
}

func (u *unpacking) file(h *tar.Header, body io.Reader, at string) (err error) {
	u.written += h.Size
	if err = u.bounded(u.written); err != nil {
		return err
	}
	if err = u.clear(at); err != nil {
		return err
	}
	f, err := u.root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.Copy(f, body); err != nil {
		return err
	}
	if err := u.attributes(h, at); err != nil {
		return err
	}
	// Giving a file to somebody takes its capabilities away, so that they come last.
	if c := h.PAXRecords["SCHILY.xattr.security.capability"]; c != "" && u.asRoot {
		if err := setCapability(f, c); err != nil {
			return fmt.Errorf("giving %s its capabilities: %w", at, err)
		}
	}
	return u.root.Chtimes(at, h.ModTime, h.ModTime)
}

// link makes a second name of a file that is there already.
func (u *unpacking) link(h *tar.Header, at string) error {
	name, err := inside(h.Linkname)
	if err != nil {
		return err
	}
	dir, err := u.follow(path.Dir(name))
	if err != nil {
		return err
	}
	from := path.Join(dir, path.Base(name))
	info, err := u.root.Lstat(from)
	if err != nil || info.IsDir() {
		return &RefusedError{h.Name, fmt.Sprintf("is a link to %q, which is no file of the image", h.Linkname)}
	}
	if from == at {
		return nil
	}
	if err := u.clear(at); err != nil {
		return err
	}
	return u.root.Link(from, at)
}

// attributes gives a file its owner and mode; without root all belongs to whoever unpacks it.
func (u *unpacking) attributes(h *tar.Header, at string) error {
	if u.asRoot {
		if h.Uid < 0 || h.Gid < 0 {
			return &RefusedError{h.Name, "has no owner that could be"}
		}
		if err := u.root.Lchown(at, h.Uid, h.Gid); err != nil {
			return err
		}
	}
	if h.Typeflag == tar.TypeSymlink {
		return nil
	}
	mode := h.FileInfo().Mode()
	if !u.asRoot && mode.IsDir() {
		mode |= 0o700 // else nobody could fill or remove it
	}
	return u.root.Chmod(at, mode.Perm()|mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

// removeOld empties a directory of what lower layers left in it.
func (u *unpacking) removeOld(dir string) error {
	u.parent = ""
	d, err := u.root.Open(dir)
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	if err = errors.Join(err, d.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := u.removeOldAt(path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// removeOldAt removes one path of lower layers; what the present layer put there or below stays.
func (u *unpacking) removeOldAt(at string) error {
	info, err := u.root.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	u.parent = ""
	switch {
	case info.IsDir() && (u.fresh[at] || u.above[at]):
		return u.removeOld(at)
	case u.fresh[at]:
		return nil
	}
	return u.root.RemoveAll(at)
}
