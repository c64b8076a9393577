package component

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// enter makes the root and makes it the root directory of every process in this mount namespace.
// What it does after the change of root resolves paths inside the root: a link that an earlier
// document left there leads nowhere else.
func (s *setup) enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	stage := filepath.Join(s.Run, "root")
	if err := os.Mkdir(stage, 0o755); err != nil { //nolint:gosec // it becomes a root directory
		return err
	}
	var err error
	if s.Dir != "" {
		err = unix.Mount(s.Dir, stage, "", unix.MS_BIND, "")
	} else {
		err = s.overlay(stage)
	}
	if err != nil {
		return fmt.Errorf("mounting the root: %w", err)
	}
	// Devices made in the root must not work.
	if err := setAttributes(stage, unix.MOUNT_ATTR_NODEV, 0); err != nil {
		return fmt.Errorf("disabling devices in the root: %w", err)
	}
	if err := pivot(stage); err != nil {
		return fmt.Errorf("changing the root directory: %w", err)
	}
	// From here on "/" is the new root and the working directory is the old one.
	if err := errors.Join(mountProc(), s.mountSys(), mountDev(), mountRun()); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the machine's root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := os.MkdirAll(scratch, 0o777); err != nil { //nolint:gosec // /tmp is for all
		return err
	}
	if err := unix.Sethostname([]byte("imagebuild")); err != nil {
		return fmt.Errorf("naming the root: %w", err)
	}
	return s.resolver()
}

// pivot makes stage the root and leaves the old root as the working directory.
func pivot(stage string) error {
	old, err := unix.Open("/", unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(old) //nolint:errcheck // a directory was only read
	if err := os.Chdir(stage); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return err
	}
	return unix.Fchdir(old)
}

func setAttributes(path string, set uint64, flags uint) error {
	return unix.MountSetattr(unix.AT_FDCWD, path, flags, &unix.MountAttr{Attr_set: set})
}

// target makes sure that there is a directory to mount on.
func target(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // system directories are for all
		return fmt.Errorf("making %s: %w", dir, err)
	}
	return nil
}

// mountProc shows the root's own processes. What in it changes or tells of the machine is read-only or hidden,
// as container engines do.
func mountProc() error {
	if err := target("/proc"); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	for _, p := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"} {
		if err := unix.Mount(p, p, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			if errors.Is(err, unix.ENOENT) {
				continue
			}
			return fmt.Errorf("protecting %s: %w", p, err)
		}
		if err := setAttributes(p, unix.MOUNT_ATTR_RDONLY, unix.AT_RECURSIVE); err != nil {
			return fmt.Errorf("protecting %s: %w", p, err)
		}
	}
	for _, p := range []string{"/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug"} {
		err := unix.Mount("./dev/null", p, "", unix.MS_BIND, "")
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err = errors.Join(err, setAttributes(p, unix.MOUNT_ATTR_RDONLY, 0)); err != nil {
			return fmt.Errorf("hiding %s: %w", p, err)
		}
	}
	for _, p := range []string{"/proc/acpi", "/proc/scsi"} {
		if err := unix.Mount("tmpfs", p, "tmpfs", unix.MS_RDONLY, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("hiding %s: %w", p, err)
		}
	}
	return nil
}

// mountDev makes a /dev of a few harmless devices, which are the machine's.
func mountDev() error {
	if err := target("/dev"); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755,size=64k"); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		path := "/dev/" + name
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		if err := unix.Mount("."+path, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", path, err)
		}
		// A device can be written to on a read-only mount; its mode and owner cannot be changed.
		if err := setAttributes(path, unix.MOUNT_ATTR_RDONLY, 0); err != nil {
			return fmt.Errorf("protecting %s: %w", path, err)
		}
	}
	for _, dir := range []string{"/dev/pts", "/dev/shm"} {
		if err := target(dir); err != nil {
			return err
		}
	}
	if err := unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return fmt.Errorf("mounting /dev/pts: %w", err)
	}
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return fmt.Errorf("mounting /dev/shm: %w", err)
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, "/dev/"+name); err != nil {
			return err
		}
	}
	return nil
}

// mountRun gives an empty /run: the machine's holds the sockets of its services.
func mountRun() error {
	if err := target("/run"); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	if err := os.Mkdir("/run/lock", 0o700); err != nil {
		return err
	}
	return unix.Chmod("/run/lock", 0o1777)
}

// resolver makes names resolvable where /etc/resolv.conf is missing, or is a link into the machine's /run.
func (s *setup) resolver() error {
	const file = "/etc/resolv.conf"
	if s.Network == NetworkPrivate {
		return s.coverResolver(file)
	}
	info, err := os.Stat(file)
	// The file of a container image, or of a tree made elsewhere, says nothing of this machine's network.
	if s.ResolvConf == "" || err == nil && (s.Base == "" || !info.Mode().IsRegular()) {
		return nil //nolint:nilerr // without a configuration of the machine's there is nothing to bring
	}
	path := file
	if to, err := os.Readlink(file); err == nil {
		path = to
		if !filepath.IsAbs(to) {
			path = filepath.Join("/etc", to)
		}
	}
	if err := target(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(s.ResolvConf), 0o644); err != nil { //nolint:gosec // every process resolves names
		return fmt.Errorf("providing %s: %w", file, err)
	}
	return nil
}

// coverResolver shows the resolver of a private network. It isn't part of the image: it is mounted over
// the file, or lies in /run where the file is a link into that.
func (s *setup) coverResolver(file string) error {
	path := file
	if to, err := os.Readlink(file); err == nil {
		if path = to; !filepath.IsAbs(to) {
			path = filepath.Join("/etc", to)
		}
	}
	cover := path
	inRun := strings.HasPrefix(path, "/run/") || strings.HasPrefix(path, "/var/run/")
	if !inRun {
		cover = "/run/resolv.conf"
	}
	for _, at := range []string{path, cover} {
		if err := target(filepath.Dir(at)); err != nil {
			return err
		}
		f, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // every process resolves names
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("providing %s: %w", at, err)
		}
	}
	if err := os.WriteFile(cover, []byte(s.ResolvConf), 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("providing %s: %w", file, err)
	}
	if inRun {
		return nil
	}
	if err := unix.Mount(cover, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("covering %s: %w", file, err)
	}
	return nil
}
