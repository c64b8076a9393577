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

// A patchwork is a root of many overlays, for user namespaces. A directory below which the machine has
// something mounted cannot be a layer there; it is an overlay on a skeleton, whose entries are mounted
// one by one.
type patchwork struct {
	*setup
	mask, stage string
	mounts      []string // where the machine has something mounted
}

// fill makes a directory below which the machine has something mounted: an overlay of what earlier
// images and this one put into it, with the machine's own entries mounted over it.
func (p *patchwork) fill(rel string) error {
	skeleton, err := os.MkdirTemp(p.Run, "skeleton")
	if err != nil {
		return err
	}
	if err = likeOwn(skeleton, filepath.Join("/", rel)); err != nil {
		return err
	}
	var mounted []string
	for _, name := range p.names(rel) {
		child := filepath.Join(rel, name)
		if slices.Contains(ownMounts(), child) {
			if err = os.Mkdir(filepath.Join(skeleton, name), 0o755); err != nil { //nolint:gosec // system directories are for all
				return err
			}
			continue
		}
		over, outlining := p.outline(child, filepath.Join(skeleton, name))
		if outlining != nil {
			return fmt.Errorf("/%s: %w", child, outlining)
		}
		if over {
			mounted = append(mounted, child)
		}
	}
	work, err := os.MkdirTemp(p.Work, "w")
	if err != nil {
		return err
	}
	lowers := slices.Concat(p.stackOf(p.mask, rel).lowers, []string{skeleton})
	if err := p.mountOverlay(filepath.Join(p.stage, rel), lowers, filepath.Join(p.Upper, rel), work); err != nil {
		return err
	}
	for _, child := range mounted {
		if err := p.place(child); err != nil {
			return fmt.Errorf("/%s: %w", child, err)
		}
	}
	return nil
}

// ownMounts are the directories that enter mounts anew, by their names in the root, and one that only file systems use.
func ownMounts() []string { return []string{"proc", "sys", "dev", "run", "lost+found"} }

// layers are where an entry may be, the topmost first.
func (p *patchwork) layers(rel string) []string {
	var out []string
	for _, l := range slices.Concat([]string{p.Upper}, p.Lowers, []string{p.mask, "/"}) {
		out = append(out, filepath.Join(l, rel))
	}
	return out
}

// names are what the machine has in a directory, or the mask.
func (p *patchwork) names(rel string) []string {
	var out []string
	for _, dir := range []string{filepath.Join(p.mask, rel), filepath.Join("/", rel)} {
		// A directory that is not there, or not to be read, adds nothing.
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// outline makes the entry of a skeleton for one of the machine's, and reports whether something is to be
// mounted over it. What an image changed or deleted is in the overlay's own layers.
func (p *patchwork) outline(rel, at string) (mounted bool, err error) {
	path, info := p.topmost(rel)
	changed := path != filepath.Join("/", rel) && path != filepath.Join(p.mask, rel)
	switch {
	case info == nil:
		return false, nil
	case info.IsDir():
		if err := os.Mkdir(at, 0o700); err != nil {
			return false, err
		}
		if err := likeOwn(at, path); err != nil {
			return false, err
		}
		// It must be there before the overlay of the directory that holds it is.
		upper := filepath.Join(p.Upper, rel)
		if err := os.MkdirAll(upper, 0o755); err != nil { //nolint:gosec // it gets the mode of the directory it stands for
			return false, err
		}
		return true, likeHost(upper, path)
	case changed:
		return false, nil
	case info.Mode()&os.ModeSymlink != 0:
		to, err := os.Readlink(path)
		if err != nil {
			return false, err
		}
		return false, os.Symlink(to, at)
	case info.Mode().IsRegular():
		return true, os.WriteFile(at, nil, 0o600)
	default: // sockets and devices have no place in an image
		return false, nil
	}
}

// topmost is the layer's path that decides what an entry is; nil where no layer has it.
func (p *patchwork) topmost(rel string) (string, os.FileInfo) {
	for _, path := range p.layers(rel) {
		if info, err := os.Lstat(path); err == nil {
			return path, info
		}
	}
	return "", nil
}

// place mounts one of the machine's entries, as the topmost layer has it.
func (p *patchwork) place(rel string) error {
	path, info := p.topmost(rel)
	at := filepath.Join(p.stage, rel)
	if info.IsDir() {
		return p.directory(rel, at)
	}
	if err := unix.Mount(path, at, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return setAttributes(at, unix.MOUNT_ATTR_RDONLY, 0)
}

func (p *patchwork) directory(rel, at string) error {
	if p.stackOf(p.mask, rel).host != "" && p.holdsMount("/"+rel) {
		return p.fill(rel)
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
