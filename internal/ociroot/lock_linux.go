package ociroot

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A lock is a lock on an open file, which ends with the process at the latest.
type lock struct{ file *os.File }

type lockKind int

const (
	shared    lockKind = unix.LOCK_SH
	exclusive lockKind = unix.LOCK_EX
)

// errLocked says that somebody else holds the lock.
var errLocked = errors.New("the image's tree is in use")

func openLock(path string, how lockKind) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the cache's own file
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(f.Fd()), int(how)|unix.LOCK_NB); err == nil {
		return &lock{f}, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errLocked
	}
	return nil, errors.Join(err, f.Close())
}

// share makes an exclusive lock a shared one.
func (l *lock) share() error { return unix.Flock(int(l.file.Fd()), unix.LOCK_SH) }

// touch notes the time of use.
func (l *lock) touch() error {
	now := time.Now()
	return os.Chtimes(l.file.Name(), now, now)
}

func (l *lock) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
