package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// GitHub draws a Mermaid diagram up to these (Mermaid's maxTextSize and maxEdges).
const (
	maxMermaidText  = 50_000
	maxMermaidEdges = 500
)

// PlanMermaid writes a plan's graph as a Mermaid flowchart, arrows from what is needed to what needs it.
// A graph larger than GitHub draws is shown by build instead of by resource, and if that is too
// large still, its first builds; both are said in the diagram.
func PlanMermaid(w io.Writer, p *planner.Plan) error {
	b := &strings.Builder{}
	b.WriteString(mermaid(p))
	return write(w, b)
}

func mermaid(p *planner.Plan) string {
	v := newView(p)
	if s, edges := v.mermaidNodes(); edges <= maxMermaidEdges && len(s) <= maxMermaidText {
		return s
	}
	for n := len(v.collapsed()); ; n /= 2 {
		if s, edges := v.mermaidGroups(n); n == 0 || edges <= maxMermaidEdges && len(s) <= maxMermaidText {
			return s
		}
	}
}

const mermaidClasses = `  classDef create fill:#dafbe1,stroke:#1a7f37,color:#0b3d17
  classDef update fill:#fff8c5,stroke:#9a6700,color:#4d2d00
  classDef delete fill:#ffebe9,stroke:#cf222e,color:#660018
  classDef wait fill:#ddf4ff,stroke:#0969da,color:#032f62
  classDef none fill:#f6f8fa,stroke:#6e7781,color:#24292f
`

// mermaidNodes draws every resource, and counts the arrows.
func (v *view) mermaidNodes() (string, int) {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[dsl.Addr]string{}
	for i, g := range v.groups() {
		indent := "  "
		if g.name != "" {
			fmt.Fprintf(&b, "  subgraph g%d[\"%s\"]\n", i+1, mermaidText(g.title()))
			indent = "    "
		}
		for _, c := range g.changes {
			id := fmt.Sprintf("n%d", len(ids)+1)
			ids[c.Addr] = id
			label := mermaidText(symbol(c.Verb) + " " + c.Addr.String())
			if l := v.label(c.Node); l != "" {
				label += "<br/>" + mermaidText(l)
			}
			fmt.Fprintf(&b, "%s%s[\"%s\"]:::%s\n", indent, id, label, c.Verb)
		}
		if g.name != "" {
			b.WriteString("  end\n")
		}
	}
	edges := 0
	for _, c := range v.plan.Changes {
		for _, a := range c.Needs {
			if from, ok := ids[a]; ok {
				fmt.Fprintf(&b, "  %s --> %s\n", from, ids[c.Addr])
				edges++
			}
		}
	}
	b.WriteString(mermaidClasses)
	return b.String(), edges
}

// A bundle is what stands for several resources where there are too many to draw.
type bundle struct {
	title string
	verbs map[planner.Verb]int
	needs map[string]bool // keys of other bundles
}

// bundleKey is a build, or a kind of what belongs to none.
func bundleKey(c *planner.Change) (key, title string) {
	if c.Group != "" {
		return "build " + c.Group, "build " + c.Group
	}
	return "kind " + c.Kind.Name, c.Kind.Name
}

func (v *view) collapsed() map[string]*bundle {
	out := map[string]*bundle{}
	for _, c := range v.plan.Changes {
		key, title := bundleKey(c)
		b := out[key]
		if b == nil {
			b = &bundle{title: title, verbs: make(map[planner.Verb]int), needs: map[string]bool{}}
			out[key] = b
		}
		b.verbs[c.Verb]++
		for _, a := range c.Needs {
			if other := v.changes[a]; other != nil {
				if k, _ := bundleKey(other); k != key {
					b.needs[k] = true
				}
			}
		}
	}
	return out
}

// mermaidGroups draws the first n bundles, and counts the arrows.
func (v *view) mermaidGroups(n int) (string, int) {
	bundles := v.collapsed()
	keys := slices.Sorted(maps.Keys(bundles))
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	fmt.Fprintf(&b, "  note[\"%s\"]\n", mermaidText(fmt.Sprintf("%d resources are too many to draw: shown by build", len(v.plan.Changes))))
	ids := map[string]string{}
	for _, k := range keys[:min(n, len(keys))] {
		ids[k] = fmt.Sprintf("b%d", len(ids)+1)
		g := bundles[k]
		verb, says := g.counts()
		fmt.Fprintf(&b, "  %s[\"%s<br/>%s\"]:::%s\n", ids[k], mermaidText(g.title), mermaidText(says), verb)
	}
	if n < len(keys) {
		fmt.Fprintf(&b, "  more[\"%s\"]\n", mermaidText(fmt.Sprintf("and %d more", len(keys)-n)))
	}
	edges := 0
	for _, k := range keys[:min(n, len(keys))] {
		for _, need := range slices.Sorted(maps.Keys(bundles[k].needs)) {
			if from, ok := ids[need]; ok {
				fmt.Fprintf(&b, "  %s --> %s\n", from, ids[k])
				edges++
			}
		}
	}
	b.WriteString(mermaidClasses)
	return b.String(), edges
}

// counts says what is to be done in a bundle, and which verb it shows.
func (b *bundle) counts() (planner.Verb, string) {
	shown := planner.None
	var parts []string
	for _, verb := range []planner.Verb{planner.Wait, planner.Later, planner.None, planner.Delete, planner.Update, planner.Create} {
		if n := b.verbs[verb]; n > 0 {
			parts = append([]string{fmt.Sprintf("%s %d", symbol(verb), n)}, parts...)
			if verb != planner.None && verb != planner.Later {
				shown = verb
			}
		}
	}
	return shown, strings.Join(parts, "  ")
}

// mermaidText writes foreign text into a quoted label: all but letters, digits and harmless
// punctuation as Mermaid's entities, which also keeps out its directives (%%{…}) and Markdown strings.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range Neutral(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r > 0x7e || strings.ContainsRune(" ._-/:=+,()~", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
