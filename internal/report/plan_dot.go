package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// PlanDOT writes a plan's graph for Graphviz, builds as clusters, arrows from what is needed to what needs it.
func PlanDOT(w io.Writer, p *planner.Plan) error {
	v := newView(p)
	b := &strings.Builder{}
	b.WriteString("digraph imagebuild {\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=11];\n  edge [color=\"#6e7781\"];\n")
	ids := map[dsl.Addr]string{}
	for i, g := range v.groups() {
		indent := "  "
		if g.name != "" {
			fmt.Fprintf(b, "  subgraph cluster_%d {\n    label=\"%s\";\n    color=\"#6e7781\";\n", i+1, dotText(g.title()))
			indent = "    "
		}
		for _, c := range g.changes {
			id := fmt.Sprintf("n%d", len(ids)+1)
			ids[c.Addr] = id
			label := dotText(symbol(c.Verb) + " " + c.Addr.String())
			if l := v.label(c.Node); l != "" {
				label += `\n` + dotText(l)
			}
			p := verbPalette(c.Verb)
			fmt.Fprintf(b, "%s%s [label=\"%s\", tooltip=\"%s\", fillcolor=\"%s\", color=\"%s\", fontcolor=\"%s\"];\n",
				indent, id, label, dotText(c.Reason), p.fill, p.stroke, p.ink)
		}
		if g.name != "" {
			b.WriteString("  }\n")
		}
	}
	for _, c := range p.Changes {
		for _, a := range c.Needs {
			if from, ok := ids[a]; ok {
				fmt.Fprintf(b, "  %s -> %s;\n", from, ids[c.Addr])
			}
		}
	}
	b.WriteString("}\n")
	return write(w, b)
}

// dotText writes foreign text into a quoted string, where a backslash begins an escape (\N is the
// node's own name) and & an HTML entity.
func dotText(s string) string {
	return dotEscapes.Replace(Neutral(s))
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")

// A palette is how a verb looks in a picture.
type palette struct{ fill, stroke, ink string }

func verbPalette(v planner.Verb) palette {
	switch v {
	case planner.Create:
		return palette{"#dafbe1", "#1a7f37", "#0b3d17"}
	case planner.Update:
		return palette{"#fff8c5", "#9a6700", "#4d2d00"}
	case planner.Delete:
		return palette{"#ffebe9", "#cf222e", "#660018"}
	case planner.Wait:
		return palette{"#ddf4ff", "#0969da", "#032f62"}
	case planner.None, planner.Later:
	}
	return palette{"#f6f8fa", "#6e7781", "#24292f"}
}
