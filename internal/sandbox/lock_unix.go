//go:build unix && !aix && !solaris

package sandbox

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir refuses a second server on one directory. The kernel drops the lock when the process dies.
func lockDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: a fixed name below the server's own directory
	if err != nil {
		return nil, fmt.Errorf("lock the sandbox's directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another sandbox is running on %s: stop it, or choose another directory", dir)
	}
	return f, nil
}
