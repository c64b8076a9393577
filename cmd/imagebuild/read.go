package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	// largestConfiguration is what a file of the language may hold, as dsl has it.
	largestConfiguration = 8 << 20
	// largestPlan is what a plan file may hold; one of 5,000 changes holds some 20 MB.
	largestPlan = 64 << 20
	// largestSmall is what a file of a few settings may hold: roles, faults, state.
	largestSmall = 4 << 20
)

// A sizeError is a file that is larger than anything that is expected of it.
type sizeError struct {
	name        string // as the file's system has it, without its directory
	size, limit int64
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("%s is too large: it holds %d bytes, and imagebuild reads at most %d MiB", e.name, e.size, e.limit>>20)
}

// readFile is os.ReadFile for files of the user's, refused by their size before they are read. What has no size, a
// pipe, is read as far as limit.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user named it
	if err != nil {
		return nil, err
	}
	raw, err := readOpen(f, limit)
	return raw, errors.Join(err, f.Close())
}

// readWithin is readFile for files of a repository.
func readWithin(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := readOpen(f, limit)
	return raw, errors.Join(err, f.Close())
}

// readOpen reads an open file whole.
func readOpen(f fs.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, &sizeError{info.Name(), info.Size(), limit}
	}
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		return nil, &sizeError{info.Name(), int64(len(raw)), limit}
	}
	return raw, err
}
