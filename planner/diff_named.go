package planner

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// foreignName is a whole name that is taken without being known to stand for this content.
func (d *differ) foreignName(c *Change) {
	at := c.at(c.Kind.nameMember())
	if c.Observed.Digest == "" {
		d.diags = append(d.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Content not compared", Subject: at.Ptr(),
			Detail: fmt.Sprintf("%s is there but has no tag %s, so it is used whatever it holds. Leave the name out, so that it follows from the content, if that is not meant.",
				c.Title(), TagDigest),
		})
		d.stated(c)
		return
	}
	create(c, c.Title()+" has other content")
	d.diags = append(d.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Name already taken", Subject: at.Ptr(),
		Detail: c.Title() + " exists with other content, and is never changed once it is made. Take another name, or leave it out, so that it follows from the content.",
	})
}

// stated decides about what has a state of its own and no version. The set of states is open: one that is
// not known here is something still being made.
func (d *differ) stated(c *Change) {
	switch have := c.Observed; have.State {
	case "AVAILABLE", "COMPLETED", "":
		switch {
		case d.opts.Rebuild && c.Fixed != "":
			none(c, fmt.Sprintf("reused: %s is %s, and a name that is given stays what it is", c.Title(), have.State))
		case len(have.Missing) > 0 && c.Kind.Mend != nil:
			m, diags := c.Kind.Mend(c.Node, have)
			d.diags = append(d.diags, diags...)
			c.Verb, c.Op, c.Args = Update, m.Op, m.Args
			c.Reason = c.Title() + " lacks " + m.Lacks
		default:
			none(c, fmt.Sprintf("reused: %s is there", c.Title()))
		}
	case "FAILED", "TIMED_OUT":
		create(c, fmt.Sprintf("made again: %s is %s, and is deleted first", c.Title(), have.State))
	case "DELETING", "DEPRECATED":
		create(c, fmt.Sprintf("made again: %s is %s", c.Title(), have.State))
	default:
		c.Verb, c.Op, c.Reason = Wait, "", fmt.Sprintf("being made: %s is %s", c.Title(), have.State)
	}
}

// partial leaves of an update what differs, and says what is to be taken away.
func (c *Change) partial(differ []string) {
	name := c.Kind.nameMember()
	var gone []any
	for m := range c.Args {
		if m != name && !slices.Contains(differ, m) && !slices.Contains(c.Kind.always(), m) {
			delete(c.Args, m)
		}
	}
	for _, m := range differ {
		if word := c.Kind.ClearedBy[m]; word != "" && c.Input[m] == nil {
			gone = append(gone, word)
		}
	}
	if len(gone) > 0 {
		c.Args["AttributesToDelete"] = gone
	}
}

// always are members that tell which one is meant.
func (k *Kind) always() []string {
	if k.Naming == NamedAfter {
		return k.Identity
	}
	return nil
}

// surplusChanges are changes of a node's kind that go before the node's own, and those that go last.
type surplusChanges struct{ before, after []*Change }

// surplus asks the kind what is to be taken away. What goes last waits for all that stands on the node, so
// that pointers have moved when what they pointed to goes.
func (d *differ) surplus(g *Graph, c *Change) (out surplusChanges) {
	if c.Kind.Surplus == nil || c.Observed == nil || c.Digest == "" {
		return out
	}
	changes, diags := c.Kind.Surplus(g, c.Node, c.Observed)
	d.diags = append(d.diags, diags...)
	for _, s := range changes {
		if s.First {
			out.before = append(out.before, s)
			after := *c.Node
			after.After = append(slices.Clone(after.After), s.Addr)
			c.Node = &after
			continue
		}
		s.Needs = append(s.Needs, g.standing(c.Addr)...)
		out.after = append(out.after, s)
	}
	return out
}

// standing are a node and all that needs it.
func (g *Graph) standing(on dsl.Addr) []dsl.Addr {
	in := map[dsl.Addr]bool{on: true}
	out := []dsl.Addr{on}
	for _, n := range g.Nodes { // in dependency order
		if slices.ContainsFunc(n.Needs, func(a dsl.Addr) bool { return in[a] }) && !in[n.Addr] {
			in[n.Addr] = true
			out = append(out, n.Addr)
		}
	}
	return out
}
