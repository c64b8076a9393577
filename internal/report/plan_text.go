package report

import (
	"io"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// Beyond these the columns of PlanText give up being straight, that one long name does not push all others out of sight.
const (
	maxAddrColumn  = 44
	maxLabelColumn = 44
)

// PlanText writes a plan for people: by build, one line for each resource with what is to be done,
// its name and version, and why; then the totals and, where earlier builds tell, how long it may
// take. Warnings that belong to the plan are not written: see Diagnostics.
func PlanText(w io.Writer, p *planner.Plan, o TextOptions) error {
	b := &strings.Builder{}
	v := newView(p)
	groups := v.groups()
	for i, g := range groups {
		if i > 0 {
			b.WriteString("\n")
		}
		if len(groups) > 1 || g.name != "" {
			b.WriteString(o.paint(Neutral(g.title()), bold) + "\n")
		}
		v.textGroup(b, g, o)
	}
	if len(groups) > 0 {
		b.WriteString("\n")
	}
	if l := legend(p); l != "" {
		b.WriteString(o.paint(l, faint) + "\n")
	}
	b.WriteString(o.paint("Plan:", bold) + " " + v.summary() + ".\n")
	if s := v.estimateSentence(); s != "" {
		b.WriteString(s + "\n")
	}
	return write(w, b)
}

func (v *view) textGroup(b *strings.Builder, g group, o TextOptions) {
	addrs, labels := make([]string, len(g.changes)), make([]string, len(g.changes))
	var addrColumn, labelColumn int
	for i, c := range g.changes {
		addrs[i], labels[i] = Neutral(c.Addr.String()), v.label(c.Node)
		if n := columns(addrs[i]); n <= maxAddrColumn {
			addrColumn = max(addrColumn, n)
		}
		if n := columns(labels[i]); n <= maxLabelColumn {
			labelColumn = max(labelColumn, n)
		}
	}
	for i, c := range g.changes {
		line := pad(addrs[i], addrColumn)
		if labelColumn > 0 {
			line += "  " + pad(labels[i], labelColumn)
		}
		reason := Neutral(v.reason(c))
		if c.Estimate > 0 && c.Verb != planner.None && c.Verb != planner.Later {
			reason = strings.TrimSuffix(reason, ".") + " (about " + short(c.Estimate) + ")"
		}
		under := v.details(c.Node)
		switch {
		case reason == "":
			line = strings.TrimRight(line, " ")
		case o.Width == 0 || 4+columns(line)+2+columns(reason) <= o.Width:
			line += "  " + o.paint(reason, faint)
		default:
			line = strings.TrimRight(line, " ")
			under = append(wrap(reason, max(20, o.Width-6)), under...)
		}
		b.WriteString("  " + o.paint(symbol(c.Verb), verbShade(c.Verb)) + " " + line + "\n")
		for _, l := range under {
			b.WriteString("      " + o.paint(l, faint) + "\n")
		}
	}
}

// legend explains the symbols that occur; the empty plan has none.
func legend(p *planner.Plan) string {
	meaning := []struct {
		verb planner.Verb
		says string
	}{
		{planner.Create, "create"},
		{planner.Update, "update"},
		{planner.Delete, "delete"},
		{planner.None, "there already"},
		{planner.Wait, "being built: wait for it"},
		{planner.Later, "left to the merge"},
	}
	used := make(map[planner.Verb]bool)
	for _, c := range p.Changes {
		used[c.Verb] = true
	}
	var out []string
	for _, m := range meaning {
		if used[m.verb] {
			out = append(out, symbol(m.verb)+" "+m.says)
		}
	}
	return strings.Join(out, "   ")
}
