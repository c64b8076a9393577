//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// handOver gives files in a directory to its owner, where this process may.
func handOver(root *os.Root, files []string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	var errs []error
	for _, f := range files {
		errs = append(errs, root.Lchown(f, int(owner.Uid), int(owner.Gid)))
	}
	return errors.Join(errs...)
}

// handOverTree gives a directory and all that is in it to the owner of the directory that it stands in, where this
// process may. A directory that isn't there is fine.
func handOverTree(dir string) error {
	root, err := os.OpenRoot(filepath.Dir(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var files []string
	err = fs.WalkDir(root.FS(), filepath.Base(dir), func(path string, _ fs.DirEntry, failed error) error {
		if failed == nil {
			files = append(files, filepath.FromSlash(path))
		}
		return failed
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, handOver(root, files), root.Close())
}
