package kind

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// A found is a file or directory of the configuration's repository.
type found struct {
	path  string // within Host.FS
	info  fs.FileInfo
	slash bool // the name ended with a slash: a directory's content rather than itself
}

// locate finds what the configuration names: relative to the configuration's directory, as its own
// files are, or else to the working directory, as Packer has it. Nothing outside of the repository
// is looked at.
func locate(h dsl.Host, name written) (found, *hcl.Diagnostic) {
	if name.s == "" || strings.ContainsRune(name.s, 0) || h.FS == nil {
		return found{}, failure(name.at, "File not found", "%q names no file.", name.s)
	}
	inside := false
	for _, p := range candidates(h, name.s) {
		if !fs.ValidPath(p) {
			continue
		}
		inside = true
		info, err := fs.Stat(h.FS, p)
		if err == nil {
			return found{p, info, strings.HasSuffix(name.s, "/")}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return found{}, failure(name.at, "File not readable", "%q cannot be read: %s.", name.s, reason(err))
		}
	}
	if !inside {
		return found{}, failure(name.at, "Path leaves the repository",
			"%q lies outside of the repository that holds the configuration, and nothing there is read. Copy the file into the repository.", name.s)
	}
	return found{}, failure(name.at, "File not found",
		"There is no %q in the configuration's directory, nor in the working directory. Write its path relative to one of the two.", name.s)
}

// candidates are the paths in the repository that a name may mean, the first that is there counts.
func candidates(h dsl.Host, name string) []string {
	if rest, ok := strings.CutPrefix(name, strings.TrimSuffix(h.Root, "/")+"/"); ok && h.Root != "" {
		return []string{path.Clean(rest)}
	}
	if path.IsAbs(name) {
		return nil
	}
	out := []string{path.Join(h.Dir, name)}
	if h.Cwd != "" && path.Clean(h.Cwd) != path.Clean(h.Dir) {
		out = append(out, path.Join(h.Cwd, name))
	}
	return out
}

// absent reports whether a name means nothing in the repository. What can't be looked at is there.
func absent(h dsl.Host, name string) bool {
	return !slices.ContainsFunc(candidates(h, name), func(p string) bool {
		if !fs.ValidPath(p) {
			return false
		}
		_, err := fs.Stat(h.FS, p)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// reason is an error without the path, which the sentence around it has already.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// readFile reads a file of at most limit bytes.
func readFile(h dsl.Host, name written, limit int64) ([]byte, *hcl.Diagnostic) {
	f, d := locate(h, name)
	if d != nil {
		return nil, d
	}
	if !f.info.Mode().IsRegular() {
		return nil, failure(name.at, "File not readable", "%q is no regular file.", name.s)
	}
	src, err := readAll(h.FS, f.path, limit)
	if err != nil {
		return nil, failure(name.at, "File not readable", "%q cannot be read: %s.", name.s, reason(err))
	}
	if int64(len(src)) > limit {
		return nil, failure(name.at, "File too large", "%q has more than %d bytes. Put it on the machine with a file provisioner, and run it from there.", name.s, limit)
	}
	return src, nil
}

// readAll reads up to one byte more than limit, so that the caller sees when there is more.
func readAll(fsys fs.FS, name string, limit int64) (_ []byte, err error) {
	r, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, limit+1))
}
