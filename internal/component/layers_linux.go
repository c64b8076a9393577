package component

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// overlay mounts the layers at stage. In a user namespace the kernel does not let go of the mounts
// below the machine's root (EINVAL), so there, without a base, each directory without any gets an overlay of its own.
func (s *setup) overlay(stage string) error {
	mask, err := s.maskLayer()
	if err != nil {
		return fmt.Errorf("hiding directories: %w", err)
	}
	if !s.User || s.Base != "" {
		return s.overlayAt(mask, "", stage)
	}
	// What is mounted from here on is this namespace's own, which the kernel does let go of.
	mounts, err := mountPoints()
	if err != nil {
		return err
	}
	return (&patchwork{setup: s, mask: mask, stage: stage, mounts: mounts}).fill("")
}

// A stack is what lies below Upper at one directory.
type stack struct {
	lowers []string // directories of earlier images, nearest first
	mask   string   // "" where the mask does not reach
	host   string   // "" where a layer above hides the machine's directory
}

// stackOf finds the layers of a directory. A layer that deleted it, or made it anew, hides all below:
// the kernel looks for that in every directory but the one where an overlay begins.
func (s *setup) stackOf(mask, rel string) stack {
	var k stack
	for _, l := range s.Lowers {
		dir := filepath.Join(l, rel)
		info, err := os.Lstat(dir)
		switch {
		case err != nil:
			continue
		case !info.IsDir():
			return k
		}
		k.lowers = append(k.lowers, dir)
		if s.opaque(dir) {
			return k
		}
	}
	host := filepath.Join(s.base(), rel)
	if dir := filepath.Join(mask, rel); isDirectory(dir) {
		if s.opaque(dir) {
			k.lowers = append(k.lowers, dir)
			return k
		}
		k.mask = dir
	}
	if isDirectory(host) {
		k.host = host
	}
	return k
}

// base is the directory that all layers lie on.
func (s *setup) base() string {
	if s.Base == "" {
		return "/"
	}
	return s.Base
}

func isDirectory(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

func (s *setup) opaqueAttribute() string {
	if s.User {
		return "user.overlay.opaque"
	}
	return "trusted.overlay.opaque"
}

func (s *setup) opaque(dir string) bool {
	value := make([]byte, 8)
	n, err := unix.Lgetxattr(dir, s.opaqueAttribute(), value)
	return err == nil && string(value[:n]) == "y"
}

// overlayAt mounts the layers of one directory. A layer that lies below the machine's directory,
// which is itself one, is refused by the kernel (ELOOP); then the machine's directory becomes an
// overlay of its own first.
func (s *setup) overlayAt(mask, rel, at string) error {
	k := s.stackOf(mask, rel)
	upper := filepath.Join(s.Upper, rel)
	work, err := os.MkdirTemp(s.Work, "w")
	if err != nil {
		return err
	}
	below := slices.Clone(k.lowers)
	for _, dir := range []string{k.mask, k.host} {
		if dir != "" {
			below = append(below, dir)
		}
	}
	if len(below) == 0 {
		empty, mkErr := os.MkdirTemp(s.Run, "empty")
		if mkErr != nil {
			return mkErr
		}
		below = []string{empty}
	}
	err = s.mountOverlay(at, below, upper, work)
	if !errors.Is(err, unix.ELOOP) {
		return err
	}
	base, err := os.MkdirTemp(s.Run, "base")
	if err != nil {
		return err
	}
	changed := k.mask
	if changed == "" {
		if changed, err = os.MkdirTemp(s.Run, "empty"); err != nil {
			return err
		}
		if err = likeHost(changed, k.host); err != nil {
			return err
		}
	}
	baseWork, err := os.MkdirTemp(s.Run, "work")
	if err != nil {
		return err
	}
	if err := s.mountOverlay(base, []string{k.host}, changed, baseWork); err != nil {
		return err
	}
	return s.mountOverlay(at, append(slices.Clone(k.lowers), base), upper, work)
}

func (s *setup) mountOverlay(at string, lowers []string, upper, work string) error {
	escaped := make([]string, len(lowers))
	for i, l := range lowers {
		escaped[i] = escapeLayer(l)
	}
	options := "lowerdir=" + strings.Join(escaped, ":") + ",upperdir=" + escapeLayer(upper) + ",workdir=" + escapeLayer(work)
	if s.User {
		options += ",userxattr"
	}
	if len(options) >= os.Getpagesize() {
		return fmt.Errorf("the names of %d layers are too long for the kernel; use a directory with a shorter path", len(lowers))
	}
	err := unix.Mount("overlay", at, "overlay", unix.MS_NODEV, options)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("the kernel refuses %s as the upper layer of an overlay: %w", upper, err)
	}
	return err
}

// escapeLayer protects what separates layers and options from each other.
func escapeLayer(path string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(path)
}

// maskLayer is a layer of opaque directories: what the machine has in them is not seen, and what
// documents put there is part of the image as anywhere else.
func (s *setup) maskLayer() (string, error) {
	layer := filepath.Join(s.Run, "mask")
	if err := os.Mkdir(layer, 0o755); err != nil { //nolint:gosec // it is part of a root directory
		return "", err
	}
	if err := likeHost(layer, s.base()); err != nil {
		return "", err
	}
	for _, path := range s.Mask {
		info, err := os.Lstat(filepath.Join(s.base(), path))
		if err != nil {
			return "", err
		}
		rel := strings.Trim(path, "/")
		at := filepath.Join(layer, rel)
		if !info.IsDir() {
			if err := errors.Join(s.maskParents(layer, filepath.Dir(rel)), s.maskFile(at)); err != nil {
				return "", fmt.Errorf("hiding %s: %w", path, err)
			}
			continue
		}
		if err := s.maskParents(layer, rel); err != nil {
			return "", err
		}
		if err := unix.Setxattr(at, s.opaqueAttribute(), []byte("y"), 0); err != nil {
			return "", fmt.Errorf("marking %s: %w", path, err)
		}
	}
	return layer, s.maskPasswords(layer)
}

// maskParents makes a directory of the mask, and those above it, as the machine's are.
func (s *setup) maskParents(layer, rel string) error {
	at := layer
	for part := range strings.SplitSeq(rel, "/") {
		at = filepath.Join(at, part)
		err := os.Mkdir(at, 0o755) //nolint:gosec // it gets the mode of the machine's directory
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := likeHost(at, filepath.Join(s.base(), strings.TrimPrefix(at, layer))); err != nil {
			return err
		}
	}
	return nil
}

// likeHost gives a directory of the mask the mode and owner of the machine's, which it would hide otherwise.
func likeHost(path, host string) error {
	var st unix.Stat_t
	if err := unix.Stat(host, &st); err != nil {
		return err
	}
	// In a user namespace only one's own files can be owned.
	if err := os.Lchown(path, int(st.Uid), int(st.Gid)); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return err
	}
	return unix.Chmod(path, st.Mode&0o7777)
}
