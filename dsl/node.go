package dsl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A node is a value that others may need first: a local, a data block, the instances or one known
// attribute of a block. Together they form a graph that is walked on demand.
type node struct {
	name   string    // "local.a", "component.base.name"
	at     hcl.Range // where it is written
	state  nodeState
	cyclic bool
	eval   func() bool // computes the value; false when something was reported instead
}

type nodeState byte

const (
	untouched nodeState = iota
	evaluating
	ready
	broken
)

// force evaluates the node unless that was done. It returns false when the value is not to be had;
// what is wrong has then been reported, once.
func (l *loader) force(n *node) bool {
	switch n.state {
	case ready:
		return true
	case broken:
		return false
	case evaluating:
		l.reportCycle(n)
		return false
	case untouched:
	}
	n.state = evaluating
	l.active = append(l.active, n)
	ok := n.eval()
	l.active = l.active[:len(l.active)-1]
	n.state = broken
	if ok && !n.cyclic {
		n.state = ready
	}
	return n.state == ready
}

// reportCycle reports that n needs itself, naming every value on the way.
func (l *loader) reportCycle(n *node) {
	start := slices.Index(l.active, n)
	cycle := l.active[start:]
	if slices.ContainsFunc(cycle, func(c *node) bool { return c.cyclic }) {
		for _, c := range cycle {
			c.cyclic = true
		}
		return
	}
	var way []string
	for _, c := range cycle {
		c.cyclic = true
		way = append(way, c.name+" ("+place(c.at)+")")
	}
	if few := 10; len(way) > few {
		way = append(way[:few:few], fmt.Sprintf("%d others", len(way)-few))
	}
	way = append(way, n.name)
	l.report(mistake(n.at, "Values need one another",
		"None of these can be evaluated, because each needs the next: %s. Write one of them without the other.", strings.Join(way, " → ")))
}
