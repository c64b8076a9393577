package component

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func setFileOwner(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.setOwner(in, false)
}

func setFolderOwner(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	return nil, s.setOwner(in, true)
}

// setOwner gives a file, or a folder and all in it, another owner. Without a group it is the owner's own.
func (s *stepRun) setOwner(in Input, folder bool) error {
	path := s.path(in.text("path"))
	uid, gid, err := account(in.text("owner"))
	if err != nil {
		return err
	}
	if g := in.text("group"); g != "" {
		if gid, err = group(g); err != nil {
			return err
		}
	}
	if err := isFolder(path, folder); err != nil {
		return err
	}
	if !folder || !in.flag("recursive", true) {
		return os.Chown(path, uid, gid)
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, uid, gid) //nolint:gosec // the document owns the tree and could do the same
	})
}

func isFolder(path string, folder bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() != folder {
		return fmt.Errorf("%s is %s", path, map[bool]string{true: "a folder", false: "no folder"}[info.IsDir()])
	}
	return nil
}

func setFilePermissions(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	mode, err := permissions(in.text("permissions"), 0)
	if err != nil {
		return nil, err
	}
	if err := isFolder(path, false); err != nil {
		return nil, err
	}
	return nil, os.Chmod(path, mode)
}

// setFolderPermissions gives files and folders the same mode; links are left alone, they have none.
func setFolderPermissions(_ context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := s.path(in.text("path"))
	mode, err := permissions(in.text("permissions"), 0)
	if err != nil {
		return nil, err
	}
	if err := isFolder(path, true); err != nil {
		return nil, err
	}
	if !in.flag("recursive", true) {
		return nil, os.Chmod(path, mode)
	}
	return nil, filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chmod(p, mode) //nolint:gosec // the document owns the tree and could do the same
	})
}

// chown changes owner and group where they are given, by name or number.
func chown(path, owner, grp string) error {
	uid, gid := -1, -1
	var err error
	if owner != "" {
		if uid, gid, err = account(owner); err != nil {
			return err
		}
	}
	if grp != "" {
		if gid, err = group(grp); err != nil {
			return err
		}
	}
	if uid < 0 && gid < 0 {
		return nil
	}
	return os.Chown(path, uid, gid)
}

// account looks an owner up in the root's own /etc/passwd: the system's resolver would ask the
// machine's. A number is its own answer and has no group.
func account(name string) (uid, gid int, err error) {
	if n, numErr := strconv.Atoi(name); numErr == nil && n >= 0 {
		return n, -1, nil
	}
	f, err := entry("/etc/passwd", name)
	if err != nil {
		return 0, 0, err
	}
	if len(f) < 4 {
		return 0, 0, fmt.Errorf("there is no user %q", name)
	}
	if uid, err = strconv.Atoi(f[2]); err != nil {
		return 0, 0, fmt.Errorf("the user %q: %w", name, err)
	}
	if gid, err = strconv.Atoi(f[3]); err != nil {
		return 0, 0, fmt.Errorf("the user %q: %w", name, err)
	}
	return uid, gid, nil
}

func group(name string) (int, error) {
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return n, nil
	}
	f, err := entry("/etc/group", name)
	if err != nil {
		return 0, err
	}
	if len(f) < 3 {
		return 0, fmt.Errorf("there is no group %q", name)
	}
	gid, err := strconv.Atoi(f[2])
	if err != nil {
		return 0, fmt.Errorf("the group %q: %w", name, err)
	}
	return gid, nil
}

// entry finds a name in a file of colon-separated fields; nil where it is not there.
func entry(file, name string) ([]string, error) {
	f, err := os.Open(file) //nolint:gosec // /etc/passwd or /etc/group
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if fields[0] == name {
			return fields, nil
		}
	}
	return nil, lines.Err()
}
