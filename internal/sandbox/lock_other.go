//go:build !unix || aix || solaris

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

type lockFile struct{ *os.File }

func (l lockFile) Close() error { return errors.Join(l.File.Close(), os.Remove(l.Name())) }

// lockDir refuses a second server on one directory, by a file that exists while a server runs.
func lockDir(dir string) (io.Closer, error) {
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another sandbox is running on %s: stop it, or remove %s when none is", dir, name)
	}
	if err != nil {
		return nil, fmt.Errorf("lock the sandbox's directory: %w", err)
	}
	return lockFile{f}, nil
}
