package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func folderActions() map[string]action {
	return map[string]action{
		"CopyFolder":           copyFolders,
		"CreateFolder":         createFolder,
		"DeleteFolder":         deleteFolder,
		"MoveFolder":           moveFolders,
		"SetFolderOwner":       setFolderOwner,
		"SetFolderPermissions": setFolderPermissions,
	}
}

// createFolder keeps what an existing folder holds: documents call it on folders such as /temp.
func createFolder(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	mode, err := permissions(in.text("permissions"), 0o777)
	if err != nil {
		return nil, err
	}
	if err := mayWrite(path, in.flag("overwrite", true)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, mode.Perm()); err != nil {
		return nil, err
	}
	if in.text("permissions") != "" {
		if err := os.Chmod(path, mode); err != nil {
			return nil, err
		}
	}
	return nil, chown(path, in.text("owner"), in.text("group"))
}

// deleteFolder with force deletes whatever the path is, also a file: AWS's own documents do that.
func deleteFolder(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	path = filepath.Clean(path)
	if in.flag("force", false) {
		return nil, os.RemoveAll(path)
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.say("DeleteFolder: there is no folder " + path)
		return nil, nil
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no folder", path)
	}
	return nil, os.Remove(path)
}

func copyFiles(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.transfer(in, false, func(from, to string) error { return copyFile(ctx, from, to) })
}

func moveFiles(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.transfer(in, false, func(from, to string) error { return move(from, to, func() error { return copyFile(ctx, from, to) }) })
}

func copyFolders(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.transfer(in, true, func(from, to string) error { return copyTree(ctx, from, to) })
}

func moveFolders(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.transfer(in, true, func(from, to string) error { return move(from, to, func() error { return copyTree(ctx, from, to) }) })
}

// transfer finds out what is to go where. A destination that ends with a separator keeps the
// source's name; a source with a wildcard needs such a destination.
func (s *stepRun) transfer(in Input, folders bool, do func(from, to string) error) error {
	source, destination := s.path(in.text("source")), s.path(in.text("destination"))
	into := endsWithSeparator(destination)
	if isPattern(source) && !into {
		return fmt.Errorf("the source %s has a wildcard, so the destination must end with a separator", source)
	}
	names, err := matches(source)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("the source %s does not exist", source)
	}
	for _, from := range names {
		info, err := os.Stat(from)
		if err != nil {
			return err
		}
		if info.IsDir() != folders {
			if isPattern(source) {
				continue
			}
			return fmt.Errorf("the source %s is %s", from, map[bool]string{true: "a folder", false: "no folder"}[info.IsDir()])
		}
		to := destination
		if into {
			to = filepath.Join(destination, filepath.Base(from))
		}
		if err := mayWrite(to, in.flag("overwrite", true)); err != nil {
			return err
		}
		if err := makeParents(to); err != nil {
			return err
		}
		if err := do(from, to); err != nil {
			return err
		}
	}
	return nil
}

// move renames, and copies where that is not possible: to another file system, or onto a folder
// that has something in it.
func move(from, to string, otherwise func() error) error {
	if os.Rename(from, to) == nil {
		return nil
	}
	if err := otherwise(); err != nil {
		return err
	}
	return os.RemoveAll(from)
}

// copyFile copies content and mode, following a link at from.
func copyFile(ctx context.Context, from, to string) error {
	if err := errors.Join(regular(from), regular(to)); err != nil {
		return err
	}
	src, err := os.Open(from) //nolint:gosec // the document names the files it works on
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it was only read
	info, err := src.Stat()
	if err != nil {
		return err
	}
	if there, statErr := os.Stat(to); statErr == nil && os.SameFile(info, there) {
		return fmt.Errorf("%s and %s are the same file", from, to)
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm()) //nolint:gosec // the document names the files it works on
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, stopping(ctx, src))
	return errors.Join(err, dst.Close(), os.Chmod(to, info.Mode()))
}

// copyTree copies what from holds into to, over what is there.
func copyTree(ctx context.Context, from, to string) error {
	if rel, err := filepath.Rel(from, to); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("the folder %s cannot be copied into itself", from)
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyEntry(ctx, d, path, filepath.Join(to, rel))
	})
}

func copyEntry(ctx context.Context, d fs.DirEntry, from, to string) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		return os.Chmod(to, info.Mode())
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.Symlink(target, to)
	case info.Mode().IsRegular():
		return copyFile(ctx, from, to)
	default:
		return fmt.Errorf("%s is neither a file nor a folder nor a link", from)
	}
}

// stopping is a reader that ends when ctx does.
func stopping(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
