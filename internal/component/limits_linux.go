package component

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// leastData is the least memory that a process is limited to by itself: the engine is one of them.
const leastData = 256 << 20

// remaining finds out how the limits are enforced that g does not enforce.
func (r Root) remaining(g *controlGroup) (remainder, error) {
	l, out := r.spec.Limits, remainder{Disk: r.spec.Limits.Disk, Threads: r.spec.Limits.Processes > 0}
	if !g.memory {
		out.Data = l.Memory
	}
	if out.Data > 0 {
		out.Data = max(out.Data, leastData)
	}
	if !g.processes && l.Processes > 0 {
		if !r.user || r.kind == RootHost {
			return out, errors.New("the number of processes cannot be limited: no control group with pids may be made here, and root is subject to no other limit")
		}
		out.Processes = l.Processes + engineTasks
	}
	return out, nil
}

// enforced says in words how the limits are enforced.
func (r Root) enforced() (string, error) {
	l := r.spec.Limits
	g, err := newGroup(l)
	if err != nil {
		return "", err
	}
	rest, err := r.remaining(g)
	if err = errors.Join(err, g.remove()); err != nil {
		return "", err
	}
	var parts []string
	switch {
	case rest.Data > 0:
		parts = append(parts, fmt.Sprintf("each process has at most %d MiB of memory of its own (no control group may be made here)", rest.Data>>20))
	case l.Memory > 0:
		parts = append(parts, fmt.Sprintf("all processes together have at most %d MiB of memory (control group)", l.Memory>>20))
	}
	switch {
	case rest.Processes > 0:
		parts = append(parts, fmt.Sprintf("there are at most %d processes (resource limit of the user namespace)", l.Processes))
	case l.Processes > 0:
		parts = append(parts, fmt.Sprintf("there are at most %d processes (control group)", l.Processes))
	}
	if l.Disk > 0 {
		parts = append(parts, fmt.Sprintf("no file grows beyond %d MiB, and the run is ended when its changes together are measured, every quarter of a second or so, to be more", l.Disk>>20))
	}
	return strings.Join(parts, "; "), nil
}

// apply sets the limits that this process and all it starts have.
func (m remainder) apply() error {
	for what, limit := range map[int]int64{unix.RLIMIT_DATA: m.Data, unix.RLIMIT_NPROC: int64(m.Processes), unix.RLIMIT_FSIZE: m.Disk} {
		if limit <= 0 {
			continue
		}
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: uint64(limit), Max: uint64(limit)}); err != nil {
			return fmt.Errorf("limiting the run: %w", err)
		}
	}
	return nil
}

// A meter measures how much a tree has grown. It keeps the tree open: after the change of root
// nothing else leads there.
type meter struct {
	root  *os.Root
	limit int64
	start int64
}

// measureTick is the shortest pause between two measurements.
const measureTick = 250 * time.Millisecond

// newMeter opens the tree whose growth is limited; nil where there is no limit.
func (s *setup) newMeter(limit int64) (*meter, error) {
	if limit <= 0 {
		return nil, nil
	}
	dir := s.Upper
	if s.Dir != "" {
		dir = s.Dir
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("measuring the root: %w", err)
	}
	m := &meter{root: root, limit: limit}
	m.start = m.size()
	return m, nil
}

// size is what the tree's files take on the disk. What vanishes meanwhile takes nothing.
func (m *meter) size() int64 {
	var sum int64
	_ = fs.WalkDir(m.root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		if d.IsDir() && (path == "proc" || path == "sys" || path == "dev" || path == "run") {
			return filepath.SkipDir
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				sum += st.Blocks * 512
			}
		}
		return nil
	})
	return sum
}

// watch returns an error when the tree has grown too large, and nil when ctx ends first.
func (m *meter) watch(ctx context.Context) error {
	for pause := measureTick; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		begin := time.Now()
		if grown := m.size() - m.start; grown > m.limit {
			return fmt.Errorf("the documents wrote %d MiB, and the limit is %d MiB", grown>>20, m.limit>>20)
		}
		pause = max(measureTick, 5*time.Since(begin))
	}
}
