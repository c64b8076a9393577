package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// Select keeps of a graph what matches one of the only globs (everything, where there are none) and
// none of the except globs, and all that it needs. A glob is matched against the name of a build,
// and against the address of what belongs to no build. A glob that matches nothing is an error:
// a misspelt name must not build less, or more, than was meant.
func (g *Graph) Select(only, except []string) error {
	if len(only) == 0 && len(except) == 0 {
		return nil
	}
	names := g.selectable()
	for _, glob := range slices.Concat(only, except) {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%q is no glob: %w", glob, err)
		}
		if !slices.ContainsFunc(names, func(n string) bool { return matches(glob, n) }) {
			return fmt.Errorf("%q matches no build; there are %s", glob, strings.Join(names, ", "))
		}
	}
	keep := map[dsl.Addr]bool{}
	for _, n := range slices.Backward(g.Nodes) {
		name := selectName(n)
		wanted := len(only) == 0 || anyMatches(only, name)
		if keep[n.Addr] || wanted && !anyMatches(except, name) {
			keep[n.Addr] = true
			for _, a := range slices.Concat(n.Needs, n.After) {
				keep[a] = true
			}
		}
	}
	g.Nodes = slices.DeleteFunc(g.Nodes, func(n *Node) bool { return !keep[n.Addr] })
	g.dropLookups()
	return nil
}

// dropLookups forgets the questions that no node asks any more.
func (g *Graph) dropLookups() {
	asked := map[dsl.Addr]bool{}
	for _, n := range g.Nodes {
		n.Input.Refs(func(_ string, r dsl.Ref) { asked[r.Addr] = true })
		n.Work.Refs(func(_ hcl.Range, r dsl.Ref) { asked[r.Addr] = true })
	}
	g.Lookups = slices.DeleteFunc(g.Lookups, func(l Lookup) bool { return !asked[l.Addr] })
}

// selectable are the names that globs are matched against, sorted.
func (g *Graph) selectable() []string {
	var names []string
	for _, n := range g.Nodes {
		names = append(names, selectName(n))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func selectName(n *Node) string {
	if n.Group != "" {
		return n.Group
	}
	return n.Addr.String()
}

func anyMatches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return matches(g, name) })
}

// matches is path.Match for globs that were checked before.
func matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return err == nil && ok
}
