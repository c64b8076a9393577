package component

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// RemoveTree removes what documents left in the upper directory of an overlay, also directories that
// they took all permissions from.
func RemoveTree(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // the directory is about to be removed
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
