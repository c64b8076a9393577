package component

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountSys shows the machine's devices and settings, read-only. sysfs shows the network interfaces of the namespace
// that mounts it, so that a root with a network of its own has a sysfs of its own where the kernel permits; it doesn't
// to users from whom something of the machine's is hidden, as in containers.
func (s *setup) mountSys() error {
	if err := target("/sys"); err != nil {
		return err
	}
	own := s.Network == NetworkNone || s.Network == NetworkPrivate
	if own && unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") == nil {
		if err := unix.Mount("./sys/fs/cgroup", "/sys/fs/cgroup", "", unix.MS_BIND|unix.MS_REC, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("mounting /sys/fs/cgroup: %w", err)
		}
		return protectSys()
	}
	if err := unix.Mount("./sys", "/sys", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting /sys: %w", err)
	}
	if own {
		if err := hideInterfaces(); err != nil {
			return fmt.Errorf("hiding the machine's network in /sys: %w", err)
		}
	}
	return protectSys()
}

func protectSys() error {
	if err := setAttributes("/sys", unix.MOUNT_ATTR_RDONLY, unix.AT_RECURSIVE); err != nil {
		return fmt.Errorf("protecting /sys: %w", err)
	}
	return nil
}

// hideInterfaces covers the directories that list the machine's network interfaces, and those of their devices.
func hideInterfaces() error {
	links, err := filepath.Glob("/sys/class/net/*")
	if err != nil {
		return err
	}
	dirs := map[string]bool{"/sys/class/net": true}
	for _, l := range links {
		if device, err := filepath.EvalSymlinks(l); err == nil {
			dirs[filepath.Dir(device)] = true
		}
	}
	for dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			continue // a kernel without networks has none
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=555,size=4k"); err != nil {
			return err
		}
	}
	return nil
}
