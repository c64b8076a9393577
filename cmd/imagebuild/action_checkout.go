package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// commitID is a git object id, SHA-1 or SHA-256.
var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// maxRefFile bounds what is read of a file in .git: a ref is a line, packed-refs may have many.
const maxRefFile = 16 << 20

// checkout is the directory of the checkout that a path belongs to: a workflow may check out two commits, one
// inside of the other, and only the one that the configuration is of counts. It is never above the workspace.
func checkout(workspace, path string) (string, error) {
	root, err := filepath.EvalSymlinks(workspace)
	if err != nil {
		return "", fmt.Errorf("looking for the checkout: %w", err)
	}
	dir, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return root, nil // there is no configuration, whoever's it is
	}
	if err != nil {
		return "", fmt.Errorf("looking for the checkout: %w", err)
	}
	if rel, err := filepath.Rel(root, dir); err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("looking for the checkout: %s is outside of the workspace", path)
	}
	for ; dir != root; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			break
		}
	}
	return dir, nil
}

// checkedOut is the commit that the .git of a path's checkout says is checked out. There is no git in the
// action's image, and none is needed: HEAD is an id or names a file that holds one.
func checkedOut(workspace, path string) (string, error) {
	dir, err := checkout(workspace, path)
	if err != nil {
		return "", err
	}
	// A file, as submodules and worktrees have, or a link leads to a repository elsewhere: nothing binds its commit to
	// this job.
	if info, missing := os.Lstat(filepath.Join(dir, ".git")); missing != nil || !info.IsDir() {
		return "", fmt.Errorf("looking for the checkout: %s has no directory .git of its own", dir)
	}
	git, err := os.OpenRoot(filepath.Join(dir, ".git")) // links do not lead out of it
	if err != nil {
		return "", fmt.Errorf("looking for the checkout: %w", err)
	}
	defer func() { err = errors.Join(err, git.Close()) }()
	name := "HEAD"
	for range 5 { // a ref may name another
		line, err := refFile(git, name)
		if err != nil {
			return packedRef(git, name)
		}
		ref, symbolic := strings.CutPrefix(line, "ref: ")
		if !symbolic {
			if !commitID.MatchString(line) {
				return "", fmt.Errorf("reading .git/%s: it holds no commit", name)
			}
			return line, nil
		}
		name = strings.TrimSpace(ref)
	}
	return "", errors.New("reading .git/HEAD: refs lead to refs without end")
}

func refFile(git *os.Root, name string) (string, error) {
	info, err := git.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRefFile {
		return "", fmt.Errorf("%s is no ref", name)
	}
	raw, err := git.ReadFile(name)
	return strings.TrimSpace(string(raw)), err
}

// packedRef finds a ref that has no file of its own.
func packedRef(git *os.Root, name string) (string, error) {
	all, err := refFile(git, "packed-refs")
	if err != nil {
		return "", fmt.Errorf("looking for what is checked out: .git knows no %s", name)
	}
	for line := range strings.Lines(all) {
		id, ref, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && ref == name && commitID.MatchString(id) {
			return id, nil
		}
	}
	return "", fmt.Errorf("looking for what is checked out: .git knows no %s", name)
}
