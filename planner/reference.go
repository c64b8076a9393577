package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// connect makes every reference lead to a node or a look-up, and notes which nodes need which.
func (c *compiler) connect() {
	for _, n := range c.sorted {
		in, _ := rewrite(map[string]any(n.Input), c.expanded)
		n.Input, _ = in.(map[string]any)
		n.Work = n.Work.Resolve(c.expanded)
		n.Work.Refs(func(at hcl.Range, r dsl.Ref) {
			if c.followAt(at, r) {
				n.Needs = append(n.Needs, r.Addr)
			}
		})
		n.Input.Refs(func(path string, r dsl.Ref) {
			if r.Addr != n.Addr && c.follow(n, path, r) {
				n.Needs = append(n.Needs, r.Addr)
			}
		})
		var after []dsl.Addr
		for _, a := range n.After {
			if made := c.made[a]; len(made) > 0 {
				after = append(after, made...)
			} else if _, ok := c.nodes[a]; ok {
				after = append(after, a)
			}
		}
		n.After = distinct(after)
		n.Needs = distinct(append(n.Needs, n.After...))
	}
}

// expanded leads a reference to a block that was expanded on to the one block made of it.
func (c *compiler) expanded(r dsl.Ref) any {
	if made := c.made[r.Addr]; len(made) == 1 {
		return dsl.Ref{Addr: made[0], Attr: r.Attr}
	}
	return r
}

func distinct(addrs []dsl.Addr) []dsl.Addr {
	slices.SortFunc(addrs, compareAddr)
	return slices.Compact(addrs)
}

// follow checks one reference of an input, and says whether it leads to a node.
func (c *compiler) follow(n *Node, path string, r dsl.Ref) bool {
	if !c.followAt(n.at(path), r) {
		return false
	}
	target := c.nodes[r.Addr]
	if want := n.Kind.Accepts[lastMember(path)]; want != nil && !slices.Contains(want, target.Kind.Name) {
		c.fail(n.at(path), "Reference to the wrong kind", fmt.Sprintf("%s is of kind %s. Write %s here.", r.Addr, target.Kind.Name, orList(want)))
		return false
	}
	return true
}

// followAt checks that a reference leads to a node which has what is asked of it.
func (c *compiler) followAt(at hcl.Range, r dsl.Ref) bool {
	if isLookup(r.Addr) {
		if strings.HasPrefix(r.Type, "data.") && !c.partly && !slices.ContainsFunc(c.scope.Config.Data, func(b *dsl.Block) bool { return b.Addr == r.Addr }) {
			c.fail(at, "Unknown reference", fmt.Sprintf("There is no %s.", r.Addr))
		}
		return false
	}
	if made := c.made[r.Addr]; len(made) > 1 {
		var names []string
		for _, a := range distinct(slices.Clone(made)) {
			names = append(names, dsl.Ref{Addr: a, Attr: r.Attr}.String())
		}
		c.fail(at, "Ambiguous reference", fmt.Sprintf("%s makes several: write %s.", r.Addr, strings.Join(names, " or ")))
		return false
	}
	target, ok := c.nodes[r.Addr]
	if !ok {
		if b, declared := c.scope.blocks[r.Addr]; !declared {
			if !c.partly {
				c.fail(at, "Unknown reference", fmt.Sprintf("There is no %s.", r.Addr))
			}
		} else if k := c.kindOf(r.Addr); k != nil && k.Lower == nil && !c.diags.HasErrors() && !c.partly {
			c.fail(at, "Unusable reference", fmt.Sprintf("%s (declared at %s) makes nothing that could be referred to.", r.Addr, b.Range))
		}
		return false
	}
	if !slices.Contains(target.Kind.Block.Exports, r.Attr) {
		c.fail(at, "Unknown attribute", fmt.Sprintf("%s has no %q. What can be asked of it: %s.", r.Addr, r.Attr, strings.Join(target.Kind.Block.Exports, ", ")))
		return false
	}
	return true
}

// lastMember is the member a path ends in: "distributions[0].region" ends in "region".
func lastMember(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ := strings.Cut(path, "[")
	return name
}

func orList(kinds []string) string {
	var b strings.Builder
	for i, k := range kinds {
		if i > 0 {
			b.WriteString(" or ")
		}
		b.WriteString("a reference to ")
		b.WriteString(k)
	}
	return b.String()
}

// watch puts questions back as they were written where a pipeline is to watch their answers: the
// answer of today would make AWS watch nothing.
func (c *compiler) watch() {
	for _, n := range c.sorted {
		if n.Kind.Watches == nil {
			continue
		}
		for _, a := range n.Kind.Watches(n) {
			if watched, ok := c.nodes[a]; ok {
				watched.Input = watched.Input.Resolve(func(r dsl.Ref) any {
					if r.Type == LookupType {
						return r.Name
					}
					return r
				})
			}
		}
	}
}

// collect gathers the look-ups that are left.
func (c *compiler) collect() {
	for _, n := range c.sorted {
		n.Input.Refs(func(path string, r dsl.Ref) { c.ask(n.at(path), r) })
		n.Work.Refs(c.ask)
	}
}

// ask notes a reference that is a look-up, under the first place that asks.
func (c *compiler) ask(at hcl.Range, r dsl.Ref) {
	if !isLookup(r.Addr) {
		return
	}
	if old, ok := c.looks[r.Addr]; !ok || compareRange(at, old.Origin) < 0 {
		c.looks[r.Addr] = Lookup{Addr: r.Addr, Origin: at}
	}
}

// order puts needed nodes before those that need them, otherwise by address, and reports circles.
func (c *compiler) order() []*Node {
	const (
		unseen = iota
		open
		done
	)
	state := make(map[dsl.Addr]int, len(c.sorted))
	out := make([]*Node, 0, len(c.sorted))
	var path []dsl.Addr
	var visit func(n *Node)
	visit = func(n *Node) {
		switch state[n.Addr] {
		case done:
			return
		case open:
			circle := append(slices.Clone(path[slices.Index(path, n.Addr):]), n.Addr)
			var names []string
			for _, a := range circle {
				names = append(names, a.String())
			}
			c.fail(n.Origin, "Circular reference", strings.Join(names, " needs ")+", so that none of them could be made first. Remove one of these references.")
			return
		case unseen:
		}
		state[n.Addr] = open
		path = append(path, n.Addr)
		for _, a := range n.Needs {
			if need := c.nodes[a]; need != nil {
				visit(need)
			}
		}
		path = path[:len(path)-1]
		state[n.Addr] = done
		out = append(out, n)
	}
	for _, n := range c.sorted {
		visit(n)
	}
	return out
}
