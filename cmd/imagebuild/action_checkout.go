package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// commitID is a git object id, SHA-1 or SHA-256.
var commitID = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// maxRefFile bounds what is read of a file in .git: a ref is a line, packed-refs may have many.
const maxRefFile = 16 << 20

// checkedOut is the commit that the workspace's .git says is checked out. There is no git in the
// action's image, and none is needed: HEAD is an id or names a file that holds one.
func checkedOut(workspace string) (string, error) {
	git, err := os.OpenRoot(filepath.Join(workspace, ".git")) // links do not lead out of it
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
