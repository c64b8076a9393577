package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/component"
)

// isolationFlags say what component documents run in, and what they may use there.
type isolationFlags struct {
	root, network string
	memory, disk  string
	processes     int
	env           []string
}

func (f *isolationFlags) add(c *cobra.Command, root, help string) {
	c.Flags().StringVar(&f.root, "root", root, help)
	addNetwork(c, &f.network)
	c.Flags().StringVar(&f.memory, "memory", "", "at most so many `bytes` of memory for each run, such as 512m or 2g")
	c.Flags().StringVar(&f.disk, "disk", "", "each run may grow its root by at most so many `bytes`, such as 2g")
	c.Flags().IntVar(&f.processes, "processes", 0, "at most `n` processes and threads at a time for each run")
	c.Flags().StringArrayVar(&f.env, "env", nil, "hand this environment `variable` to components in a root of their own; may be repeated")
}

// limits reads the flags that bound what components may use.
func (f *isolationFlags) limits() (component.Limits, error) {
	out := component.Limits{Processes: f.processes}
	for name, to := range map[string]*int64{"memory": &out.Memory, "disk": &out.Disk} {
		given := map[string]string{"memory": f.memory, "disk": f.disk}[name]
		if given == "" {
			continue
		}
		n, ok := byteSize(given)
		if !ok {
			return out, mistake("write a number of bytes, or one with k, m, g or t: --"+name+" 512m", "--%s cannot be %q", name, given)
		}
		*to = n
	}
	return out, knownNetwork(f.network)
}

// addNetwork adds --network wherever components run isolated.
func addNetwork(c *cobra.Command, to *string) {
	*to = component.NetworkAuto
	choose(c, to, "network", "the network of components: private reaches public addresses alone, auto is private where that is possible", component.Networks()...)
}

func knownNetwork(network string) error {
	if !slices.Contains(component.Networks(), network) {
		return mistake("choose "+strings.Join(component.Networks(), ", "), "--network cannot be %q", network)
	}
	return nil
}

// byteSize reads "512m": a number and a power of 1024.
func byteSize(s string) (int64, bool) {
	var n int64
	var unit string
	if count, err := fmt.Sscanf(s, "%d%s", &n, &unit); count == 0 || err != nil && !errors.Is(err, io.EOF) && count < 1 {
		return 0, false
	}
	shift, ok := map[string]uint{"": 0, "k": 10, "K": 10, "m": 20, "M": 20, "g": 30, "G": 30, "t": 40, "T": 40}[unit]
	return n << shift, ok && n > 0 && n < 1<<(62-shift)
}
