package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// A comment draws graphs up to these: larger ones are drawn, but nobody can read them there.
const (
	maxGraphNodes = 60
	maxGraphEdges = 120
)

const graphClasses = `  classDef failed fill:#ffebe9,stroke:#cf222e,color:#660018,stroke-width:3px
  classDef skipped fill:#f6f8fa,stroke:#6e7781,color:#24292f,stroke-dasharray:4
`

// graph is what needs what: drawn, or as a text where it is too large to be read.
func (c *commentary) graph(d *Document) {
	if !slices.ContainsFunc(d.Resources, func(r Resource) bool { return len(r.Needs) > 0 }) {
		return
	}
	if !c.level.graph {
		c.cutGraph = true
		return
	}
	drawn, ok := d.mermaid()
	if ok {
		c.printf("<details><summary>Graph</summary>\n\n```mermaid\n%s```\n\n</details>\n\n", drawn)
		return
	}
	c.printf("<details><summary>Graph, by build: %s are too many to draw</summary>\n\n", count(len(d.Resources), "resource"))
	tree := d.tree()
	c.cutRows += max(0, len(tree)-c.level.rows)
	c.fenced(tree[:min(len(tree), c.level.rows)], "text")
	c.printf("</details>\n\n")
}

// mermaid draws the resources, arrows from what is needed to what needs it; false where they are too many.
func (d *Document) mermaid() (string, bool) {
	if len(d.Resources) > maxGraphNodes {
		return "", false
	}
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[string]string{}
	for i := range d.Resources {
		ids[d.Resources[i].Address] = fmt.Sprintf("n%d", i+1)
	}
	for i, name := range d.builds() {
		indent := "  "
		if name != "" {
			fmt.Fprintf(&b, "  subgraph g%d[\"%s\"]\n", i+1, mermaidText(fit(Neutral("build "+name), maxBoxText)))
			indent = "    "
		}
		for j := range d.Resources {
			if r := &d.Resources[j]; r.Build == name && ids[r.Address] == fmt.Sprintf("n%d", j+1) {
				fmt.Fprintf(&b, "%sn%d[\"%s\"]:::%s\n", indent, j+1, d.box(r), class(r))
			}
		}
		if name != "" {
			b.WriteString("  end\n")
		}
	}
	edges := 0
	for i := range d.Resources {
		r := &d.Resources[i]
		for _, a := range r.Needs {
			if from, to := ids[a], ids[r.Address]; from != "" && from != to {
				fmt.Fprintf(&b, "  %s --> %s\n", from, to)
				edges++
			}
		}
	}
	b.WriteString(mermaidClasses + graphClasses)
	return b.String(), edges <= maxGraphEdges && b.Len() <= maxMermaidText
}

// box is the text in a resource's box.
func (d *Document) box(r *Resource) string {
	out := mermaidText(fit(Neutral(symbol(r.Verb)+"\u00a0"+r.Address), maxBoxText))
	if second := fit(Neutral(cmp.Or(r.Label, r.Outcome)), maxBoxText); second != "" {
		out += "<br/>" + mermaidText(second)
	}
	return out
}

// class is how a box looks: what became of it, or what is to become of it.
func class(r *Resource) string {
	switch r.Status {
	case executor.Failed:
		return "failed"
	case executor.Skipped, executor.Canceled:
		return "skipped"
	case executor.Applied, executor.Unchanged:
	}
	if r.Verb == "" || r.Verb == planner.Later {
		return string(planner.None)
	}
	return string(r.Verb)
}

// builds are the names of the builds, in the order of their first resources.
func (d *Document) builds() []string {
	var out []string
	seen := map[string]bool{}
	for i := range d.Resources {
		if name := d.Resources[i].Build; !seen[name] {
			seen[name], out = true, append(out, name)
		}
	}
	return out
}

// tree says, build by build, how many resources there are and which builds it needs.
func (d *Document) tree() []string {
	owner, n := map[string]string{}, map[string]int{}
	for i := range d.Resources {
		r := &d.Resources[i]
		owner[r.Address] = r.Build
		n[r.Build]++
	}
	needs := map[string]map[string]bool{}
	for i := range d.Resources {
		r := &d.Resources[i]
		for _, a := range r.Needs {
			if b, ok := owner[a]; ok && b != r.Build {
				if needs[r.Build] == nil {
					needs[r.Build] = map[string]bool{}
				}
				needs[r.Build][b] = true
			}
		}
	}
	var out []string
	for _, name := range d.builds() {
		out = append(out, fmt.Sprintf("%s: %s", group{name: name}.title(), count(n[name], "resource")))
		for _, b := range slices.Sorted(maps.Keys(needs[name])) {
			out = append(out, "  needs "+group{name: b}.title())
		}
	}
	return out
}
