package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A door is the file system that a configuration is read through where not every file in it may be: each is judged by the
// directory that it lies in, and so is each symbolic link on the way. What lies below .git isn't read whoever asks:
// actions/checkout keeps the job's token there. The language and the kinds know no other way to a file, so that nothing
// which reads one passes by it.
type door struct {
	fs.FS                              // of the repository; links don't lead out of it
	top   string                       // where it stands on this machine
	judge func(directory string) error // why a directory's files aren't read, given its absolute path; nil where all are

	mu    sync.Mutex // files are read side by side
	known map[string]error
}

// maxLinks is how many symbolic links may follow one another, as on Linux.
const maxLinks = 40

// newDoor makes a door of a repository at top; judge says of a directory why its files aren't read, and is nil where all
// but git's own are.
func newDoor(repository fs.FS, top string, judge func(directory string) error) *door {
	return &door{FS: repository, top: top, judge: judge, known: map[string]error{}}
}

// Open implements fs.FS.
func (d *door) Open(name string) (fs.File, error) {
	if err := d.pass("open", name, true); err != nil {
		return nil, err
	}
	return d.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (d *door) ReadFile(name string) ([]byte, error) {
	if err := d.pass("read", name, true); err != nil {
		return nil, err
	}
	return fs.ReadFile(d.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (d *door) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := d.pass("list", name, true); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return isGit(e.Name()) }), err
}

// Stat implements fs.StatFS.
func (d *door) Stat(name string) (fs.FileInfo, error) {
	if err := d.pass("stat", name, true); err != nil {
		return nil, err
	}
	return fs.Stat(d.FS, name)
}

// Lstat implements fs.ReadLinkFS.
func (d *door) Lstat(name string) (fs.FileInfo, error) {
	if err := d.pass("lstat", name, false); err != nil {
		return nil, err
	}
	return fs.Lstat(d.FS, name)
}

// ReadLink implements fs.ReadLinkFS.
func (d *door) ReadLink(name string) (string, error) {
	if err := d.pass("readlink", name, false); err != nil {
		return "", err
	}
	return fs.ReadLink(d.FS, name)
}

// pass walks to a file and judges on the way. Last says whether a link at the end is followed.
func (d *door) pass(op, name string, last bool) error {
	if !fs.ValidPath(name) {
		return nil // the file system refuses it
	}
	err := d.walk(name, last)
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (d *door) walk(name string, last bool) error {
	at, rest := ".", strings.Split(path.Clean(name), "/")
	links := 0
	for len(rest) > 0 {
		if isGit(rest[0]) {
			return errGit
		}
		next := path.Join(at, rest[0])
		rest = rest[1:]
		if !fs.ValidPath(next) {
			return d.verdict(at) // out of the repository, which the file system refuses
		}
		info, err := fs.Lstat(d.FS, next)
		if err != nil { // what isn't there is nobody's; whose directory it is missing from counts
			return d.verdict(at)
		}
		if info.Mode()&fs.ModeSymlink == 0 || len(rest) == 0 && !last {
			if info.IsDir() {
				at = next
			} else if len(rest) > 0 {
				return d.verdict(at)
			}
			continue
		}
		if err = d.verdict(at); err != nil {
			return err
		}
		target, err := fs.ReadLink(d.FS, next)
		if links++; err != nil || path.IsAbs(target) || links > maxLinks {
			return errors.Join(err, errors.New("its symbolic link can't be followed inside of the repository"))
		}
		rest = append(strings.Split(path.Clean(target), "/"), rest...)
	}
	return d.verdict(at)
}

// verdict judges a directory of the repository, once.
func (d *door) verdict(dir string) error {
	if d.judge == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err, ok := d.known[dir]
	if !ok {
		err = d.judge(filepath.Join(d.top, filepath.FromSlash(dir)))
		d.known[dir] = err
	}
	return err
}

// errGit is why nothing of git's own is read.
var errGit = errors.New("it lies in .git, where the job's token may be kept, and nothing in there is read in a job; pass what you need of it as a variable, such as the commit: vars: commit=${{ github.sha }}")

// isGit says whether a name is .git for some file system: letter case, an NTFS stream or short name, trailing dots and
// spaces, and characters that HFS+ ignores make no difference there, as git itself has it.
func isGit(name string) bool {
	name, _, _ = strings.Cut(name, ":")
	name = strings.Map(func(r rune) rune {
		if r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff {
			return -1
		}
		return r
	}, strings.TrimRight(name, ". "))
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

// stranger is why a file isn't read.
func stranger(workspace, directory, event string) error {
	place := "the workspace"
	if dir, err := checkout(workspace, directory); err == nil {
		if rel, err := filepath.Rel(workspace, dir); err == nil && rel != "." {
			place = "the checkout " + filepath.ToSlash(rel)
		}
	}
	return fmt.Errorf("it lies in %s, whose commit isn't known to be this repository's own, and on %s nothing of such a checkout is used in a job with credentials; "+
		"check out this repository's own commit there, run on pull_request, or, to let whoever wrote the file do what the role can, say %s: true", place, event, untrustedInput)
}
