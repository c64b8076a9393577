package ociroot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keptTrees is how many trees a cache holds besides those in use; the ones used longest ago go first.
const keptTrees = 6

// partPrefix begins the names of trees that are being made; one older than partAge was given up.
const (
	partPrefix = ".part-"
	partAge    = 24 * time.Hour
)

// A cache is a directory of trees, each with a lock beside it that its users share.
type cache struct {
	Options
	dir string
}

// treeName is the tree's name in the cache. Trees made without root have other owners than those made by it.
func treeName(digest string) string {
	if os.Geteuid() != 0 {
		return digest + "-user"
	}
	return digest
}

// take returns the tree of a digest and has it made where it is missing, by one process at a time.
func (c *cache) take(ctx context.Context, digest string, fill func(dir string) error) (*Tree, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; told = true {
		if t, err := c.existing(digest); t != nil || err != nil {
			return t, err
		}
		l, err := c.lock(digest, exclusive)
		if err == nil {
			return c.fill(l, digest, fill)
		}
		if !errors.Is(err, errLocked) {
			return nil, err
		}
		if !told {
			c.Progress("waiting for another run that is unpacking the same image")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// existing is a tree that is there, nil where it is not.
func (c *cache) existing(digest string) (*Tree, error) {
	dir := filepath.Join(c.dir, treeName(digest))
	l, err := c.lock(digest, shared)
	if errors.Is(err, errLocked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, l.close()
	}
	return c.tree(l, digest)
}

// fill makes the tree under an exclusive lock and keeps a shared one.
func (c *cache) fill(l *lock, digest string, unpack func(string) error) (t *Tree, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	dir := filepath.Join(c.dir, treeName(digest))
	if _, statErr := os.Stat(dir); statErr != nil {
		part, tempErr := os.MkdirTemp(c.dir, partPrefix)
		if tempErr != nil {
			return nil, tempErr
		}
		if err = unpack(part); err == nil {
			err = os.Rename(part, dir)
		}
		if err != nil {
			return nil, errors.Join(err, removeTree(part))
		}
	}
	if err = l.share(); err != nil {
		return nil, err
	}
	if t, err = c.tree(l, digest); err != nil {
		return nil, err
	}
	return t, c.prune()
}

func (c *cache) tree(l *lock, digest string) (*Tree, error) {
	if err := l.touch(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	t := &Tree{Dir: filepath.Join(c.dir, treeName(digest)), Digest: "sha256:" + digest, lock: l}
	if os.Geteuid() != 0 {
		t.Note = "unpacked without root, so every file belongs to one user and programs keep no capabilities"
	}
	return t, nil
}

func (c *cache) lock(digest string, how lockKind) (*lock, error) {
	return openLock(filepath.Join(c.dir, treeName(digest)+".lock"), how)
}

// prune removes trees that nobody uses beyond those that are kept, and what was given up.
func (c *cache) prune() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	type used struct {
		name string
		when time.Time
	}
	var trees []used
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case strings.HasPrefix(e.Name(), partPrefix):
			if time.Since(info.ModTime()) > partAge {
				errs = append(errs, removeTree(filepath.Join(c.dir, e.Name())))
			}
		case !e.IsDir():
			if name, ok := strings.CutSuffix(e.Name(), ".lock"); ok {
				trees = append(trees, used{name, info.ModTime()})
			}
		}
	}
	slices.SortFunc(trees, func(a, b used) int { return b.when.Compare(a.when) })
	for _, t := range trees[min(len(trees), keptTrees):] {
		errs = append(errs, c.drop(t.name))
	}
	return errors.Join(errs...)
}

// drop removes a tree unless somebody uses it. Its lock stays: others may be about to take it.
func (c *cache) drop(name string) error {
	dir := filepath.Join(c.dir, name)
	if _, err := os.Stat(dir); err != nil {
		return nil //nolint:nilerr // it was removed before
	}
	l, err := openLock(dir+".lock", exclusive)
	if errors.Is(err, errLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	// Under its own name a tree is whole; it leaves that name before it is taken apart.
	gone, err := os.MkdirTemp(c.dir, partPrefix)
	if err == nil {
		err = os.Rename(dir, filepath.Join(gone, "tree"))
	}
	return errors.Join(err, l.close(), removeTree(gone))
}

// removeTree removes also directories that do not let themselves be emptied.
func removeTree(dir string) error {
	if dir == "" || os.RemoveAll(dir) == nil {
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

// A memory is which image a name meant when its registry was last asked.
type memory struct {
	Image  string    `json:"image"`
	Digest string    `json:"digest"`
	When   time.Time `json:"when"`
}

func (c *cache) memoryFile(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(c.Cache, "names", hex.EncodeToString(sum[:])+".json")
}

func (c *cache) remember(ref, digest string) error {
	raw, err := json.Marshal(memory{ref, digest, time.Now().UTC()})
	if err != nil {
		return err
	}
	file := c.memoryFile(ref)
	if err = os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(file), partPrefix)
	if err != nil {
		return err
	}
	_, err = part.Write(raw)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("remembering the image: %w", err), os.Remove(part.Name()))
	}
	return nil
}

// remembered is the tree of what the name meant last, nil where that is not known or the tree is gone.
func (c *cache) remembered(ref string) *Tree {
	raw, err := os.ReadFile(c.memoryFile(ref))
	if err != nil {
		return nil
	}
	var m memory
	if json.Unmarshal(raw, &m) != nil || len(m.Digest) != 64 || strings.Trim(m.Digest, "0123456789abcdef") != "" {
		return nil
	}
	t, err := c.existing(m.Digest)
	if err != nil || t == nil {
		return nil
	}
	t.Image, t.Remembered = ref, m.When
	return t
}
