package component

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A patchwork is a root of many overlays on a tmpfs, for user namespaces. What a document puts
// directly into a directory that is not one of them, such as the root itself, ends with the run.
type patchwork struct {
	*setup
	mask, stage string
	mounts      []string // where the machine has something mounted
}

// fill makes what a directory of the machine or of a layer holds.
func (p *patchwork) fill(rel string) error {
	for _, name := range p.names(rel) {
		child := filepath.Join(rel, name)
		if slices.Contains([]string{"proc", "sys", "dev", "run", "lost+found"}, child) {
			continue
		}
		if err := p.place(child); err != nil {
			return fmt.Errorf("/%s: %w", child, err)
		}
	}
	return nil
}

// layers are where an entry may be, the topmost first.
func (p *patchwork) layers(rel string) []string {
	var out []string
	for _, l := range slices.Concat([]string{p.Upper}, p.Lowers, []string{p.mask, "/"}) {
		out = append(out, filepath.Join(l, rel))
	}
	return out
}

func (p *patchwork) names(rel string) []string {
	var out []string
	for _, dir := range p.layers(rel) {
		// A directory that is not there, or not to be read, adds nothing.
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// place makes one entry as the topmost layer has it.
func (p *patchwork) place(rel string) error {
	at := filepath.Join(p.stage, rel)
	for _, path := range p.layers(rel) {
		info, err := os.Lstat(path)
		switch {
		case err != nil:
		case info.IsDir():
			return p.directory(rel, path)
		case info.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(to, at)
		case info.Mode().IsRegular():
			if err := os.WriteFile(at, nil, 0o600); err != nil {
				return err
			}
			if err := unix.Mount(path, at, "", unix.MS_BIND, ""); err != nil {
				return err
			}
			return setAttributes(at, unix.MOUNT_ATTR_RDONLY, 0)
		default:
			// A device without numbers marks a deletion; sockets and other devices have no place in an image.
			return nil
		}
	}
	return nil
}

func (p *patchwork) directory(rel, top string) error {
	at := filepath.Join(p.stage, rel)
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	if err := likeHost(at, top); err != nil {
		return err
	}
	if p.stackOf(p.mask, rel).host != "" && p.holdsMount("/"+rel) {
		return p.fill(rel)
	}
	upper := filepath.Join(p.Upper, rel)
	if err := os.MkdirAll(upper, 0o755); err != nil { //nolint:gosec // it gets the mode of the directory it stands for
		return err
	}
	if err := likeHost(upper, top); err != nil {
		return err
	}
	if slices.Contains([]string{"etc", "opt", "srv", "usr", "var"}, rel) { // where software is put
		if err := p.adopt(rel, adoptedLevels); err != nil {
			return err
		}
	}
	return p.overlayAt(p.mask, rel, at)
}

// adoptedLevels is how deep below a directory of the root adopt goes: to /etc/nginx/conf.d and /usr/local/bin,
// some hundreds of directories; one level more is thousands, which take seconds.
const adoptedLevels = 2

// adopt puts the directories that the layers below hold under rel into the layer on top. The kernel
// lets nobody in a user namespace put files into a directory whose owner has no place in it, as the
// machine's root has none; a directory of several layers has the owner of the topmost.
func (p *patchwork) adopt(rel string, levels int) error {
	upper := filepath.Join(p.Upper, rel)
	stack := []string{upper}
	if !p.opaque(upper) {
		k := p.stackOf(p.mask, rel)
		stack = append(append(stack, k.lowers...), k.mask, k.host)
	}
	decided := map[string]bool{}
	for _, dir := range stack {
		if dir == "" {
			continue
		}
		entries, _ := os.ReadDir(dir) // one that is not there, or not to be read, adds nothing
		for _, e := range entries {
			if decided[e.Name()] {
				continue
			}
			decided[e.Name()] = true // by the topmost layer that has it, a deletion included
			if !e.IsDir() {
				continue
			}
			if err := p.adoptOne(filepath.Join(rel, e.Name()), filepath.Join(dir, e.Name()), levels); err != nil {
				return err
			}
		}
	}
	return nil
}

// adoptOne makes the directory rel in the layer on top as the one at top is, and goes on below it.
func (p *patchwork) adoptOne(rel, top string, levels int) error {
	upper := filepath.Join(p.Upper, rel)
	err := os.Mkdir(upper, 0o700)
	switch {
	case err == nil:
		if err = likeOwn(upper, top); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	if levels == 1 {
		return nil
	}
	return p.adopt(rel, levels-1)
}

// likeOwn is likeHost for a directory that the user who started this must be able to remove: without
// the write permission, which root itself needs nowhere, its content would stay for ever.
func likeOwn(path, host string) error {
	if err := likeHost(path, host); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o700 == 0o700 {
		return nil
	}
	return os.Chmod(path, info.Mode()|0o700)
}

func (p *patchwork) holdsMount(dir string) bool {
	return slices.ContainsFunc(p.mounts, func(m string) bool { return strings.HasPrefix(m, dir+"/") })
}

// mountPoints are where the machine has something mounted (proc_pid_mountinfo(5), field 5).
func mountPoints() ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			out = append(out, unescapeOctal(fields[4]))
		}
	}
	return out, lines.Err()
}

// unescapeOctal undoes the kernel's \040 for what would divide fields.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
