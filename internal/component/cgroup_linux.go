package component

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// engineTasks are the threads that the engine itself has beside the documents' processes.
const engineTasks = 48

// A controlGroup is the control groups (cgroups(7)) of one run. They bound what all of its processes use together.
type controlGroup struct {
	dirs []string
	// memory and processes say which limits it enforces.
	memory, processes bool
}

// newGroup makes the control groups for limits, as far as this process may.
func newGroup(l Limits) (*controlGroup, error) {
	g := &controlGroup{}
	if l.Memory == 0 && l.Processes == 0 {
		return g, nil
	}
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		for _, parent := range m.parents {
			if err := g.under(parent, m.unified, l); err != nil {
				return nil, errors.Join(err, g.remove())
			}
		}
	}
	return g, nil
}

// under makes a group below parent for what parent can bound and no other group does yet.
func (g *controlGroup) under(parent string, unified bool, l Limits) error {
	available := controllers(parent, unified)
	memory := l.Memory > 0 && !g.memory && slices.Contains(available, "memory")
	processes := l.Processes > 0 && !g.processes && slices.Contains(available, "pids")
	// A process is in one group of the unified hierarchy, so that is made once and for all.
	if !memory && !processes || unified && len(g.dirs) > 0 {
		return nil
	}
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("imagebuild-%d-", os.Getpid()))
	if err != nil {
		return nil //nolint:nilerr // there may be another place, and what is not bounded by a group is bounded otherwise or refused
	}
	g.dirs = append(g.dirs, dir)
	if memory {
		if err := limitMemory(dir, unified, l.Memory); err != nil {
			return err
		}
		g.memory = true
	}
	if processes {
		if err := setLimit(dir, "pids.max", int64(l.Processes+engineTasks)); err != nil {
			return err
		}
		g.processes = true
	}
	return nil
}

func limitMemory(dir string, unified bool, limit int64) error {
	if !unified {
		return setLimit(dir, "memory.limit_in_bytes", limit)
	}
	// A machine without swap has no such file.
	if err := setLimit(dir, "memory.swap.max", 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return setLimit(dir, "memory.max", limit)
}

func setLimit(dir, name string, value int64) error {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(strconv.FormatInt(value, 10)), 0o600); err != nil {
		return fmt.Errorf("limiting the run: %w", err)
	}
	return nil
}

// controllers are what a new group below parent could bound.
func controllers(parent string, unified bool) []string {
	if !unified {
		var out []string
		for file, name := range map[string]string{"memory.limit_in_bytes": "memory", "pids.current": "pids"} {
			if _, err := os.Stat(filepath.Join(parent, file)); err == nil {
				out = append(out, name)
			}
		}
		// The root group of the first version bounds nothing itself and has no pids.current.
		if len(out) == 0 && filepath.Base(parent) == "pids" {
			out = []string{"pids"}
		}
		return out
	}
	raw, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control")) //nolint:gosec // parent is one of the machine's control groups
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw))
}

// A cgroupMount is one hierarchy, and the groups below which this process may be able to make its own.
type cgroupMount struct {
	unified bool
	parents []string
}

// cgroupMounts are the hierarchies that hold memory and processes, the unified one first.
func cgroupMounts() ([]cgroupMount, error) {
	own, err := ownGroups()
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("looking for control groups: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	var out []cgroupMount
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		left, right, _ := strings.Cut(lines.Text(), " - ")
		place, kind := strings.Fields(left), strings.Fields(right)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		at := unescapeOctal(place[4])
		switch kind[0] {
		case "cgroup2":
			// Groups are leaves: a group of ours lies beside the one we are in, or at the top.
			m := cgroupMount{unified: true, parents: []string{filepath.Join(at, filepath.Dir(own[""])), at}}
			out = slices.Insert(out, 0, m)
		case "cgroup":
			options := strings.Split(kind[2], ",")
			for _, c := range []string{"memory", "pids"} {
				if slices.Contains(options, c) {
					out = append(out, cgroupMount{parents: []string{filepath.Join(at, own[c]), at}})
				}
			}
		}
	}
	return out, lines.Err()
}

// ownGroups are this process's groups by controller; the unified hierarchy's is "".
func ownGroups() (map[string]string, error) {
	raw, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("looking for control groups: %w", err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for c := range strings.SplitSeq(parts[1], ",") {
			out[c] = parts[2]
		}
	}
	return out, nil
}

// add puts a process, and all that it starts from now on, into the groups.
func (g *controlGroup) add(pid int) error {
	for _, dir := range g.dirs {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o600); err != nil {
			return fmt.Errorf("limiting the run: %w", err)
		}
	}
	return nil
}

// remove removes the groups. The kernel takes a moment to notice that their last process has ended.
func (g *controlGroup) remove() error {
	var errs []error
	for _, dir := range g.dirs {
		err := os.Remove(dir)
		for deadline := time.Now().Add(2 * time.Second); err != nil && time.Now().Before(deadline); {
			<-time.After(10 * time.Millisecond)
			err = os.Remove(dir)
		}
		errs = append(errs, err)
	}
	g.dirs = nil
	return errors.Join(errs...)
}
