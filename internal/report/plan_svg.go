package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// The drawing brings its own colours, light where the reader's are light or not known, dark where they are dark.
const svgStyle = `<style>
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #24292f }
.page { fill: #ffffff }
.lane { fill: #f6f8fa; stroke: #d0d7de }
.title { font-weight: bold; fill: #57606a }
.second { fill: #57606a; font-size: 11px }
.edge { fill: none; stroke: #8c959f; stroke-width: 1.3 }
.tip { fill: #8c959f }
.create rect { fill: #dafbe1; stroke: #1a7f37 }
.update rect { fill: #fff8c5; stroke: #9a6700 }
.delete rect { fill: #ffebe9; stroke: #cf222e }
.wait rect { fill: #ddf4ff; stroke: #0969da }
.none rect { fill: #ffffff; stroke: #8c959f }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.page { fill: #0d1117 }
.lane { fill: #161b22; stroke: #30363d }
.title, .second { fill: #8b949e }
.edge { stroke: #6e7681 }
.tip { fill: #6e7681 }
.create rect { fill: #12261e; stroke: #3fb950 }
.update rect { fill: #2e2a1f; stroke: #d29922 }
.delete rect { fill: #2d1518; stroke: #f85149 }
.wait rect { fill: #121d2f; stroke: #58a6ff }
.none rect { fill: #0d1117; stroke: #6e7681 }
}
</style>
`

// PlanSVG draws a plan's graph as one self-contained SVG file: each build a band, what is needed left
// of what needs it, the reason of each verb as the box's title.
func PlanSVG(w io.Writer, p *planner.Plan) error {
	v := newView(p)
	l := newLayout(v)
	b := &strings.Builder{}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`+"\n",
		l.width, l.height, l.width, l.height, xmlText("Plan: "+v.summary()))
	b.WriteString(svgStyle)
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>` + "\n")
	fmt.Fprintf(b, `<rect class="page" width="%.0f" height="%.0f"/>`+"\n", l.width, l.height)
	for _, la := range l.lanes {
		fmt.Fprintf(b, `<rect class="lane" x="%d" y="%.1f" width="%.1f" height="%.1f" rx="8"/><text class="title" x="%d" y="%.1f">%s</text>`+"\n",
			margin, la.y, l.width-2*margin, la.h, margin+boxPadding, la.y+18, xmlText(la.title))
	}
	for _, box := range l.boxes {
		for _, to := range box.outs {
			fmt.Fprintf(b, `<path class="edge" d="%s" marker-end="url(#tip)"/>`+"\n", route(box, to))
		}
	}
	for _, box := range l.boxes {
		svgBox(b, box)
	}
	b.WriteString("</svg>\n")
	return write(w, b)
}

// route is an arrow's path: a curve from column to column, straight past the boxes of each.
func route(from, to *cell) string {
	var b strings.Builder
	x, y := from.x+from.w, from.middle()
	fmt.Fprintf(&b, "M%.1f %.1f", x, y)
	for {
		tx, ty := to.x, to.middle()
		bend := (tx - x) / 2
		fmt.Fprintf(&b, "C%.1f %.1f %.1f %.1f %.1f %.1f", x+bend, y, tx-bend, ty, tx, ty)
		if to.change != nil {
			return b.String()
		}
		x, y = to.x+to.w, ty
		fmt.Fprintf(&b, "H%.1f", x)
		to = to.outs[0]
	}
}

func svgBox(b *strings.Builder, c *cell) {
	title := c.change.Addr.String()
	if c.change.Reason != "" {
		title += ": " + c.change.Reason
	}
	fmt.Fprintf(b, `<g class="%s"><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="6"/>`,
		c.change.Verb, xmlText(title), c.x, c.y, c.w, c.h)
	first := c.middle() + 4
	if c.lines[1] != "" {
		first = c.y + 17
		fmt.Fprintf(b, `<text class="second" x="%.1f" y="%.1f">%s</text>`, c.x+boxPadding, c.y+33, xmlText(c.lines[1]))
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text></g>`+"\n", c.x+boxPadding, first, xmlText(c.lines[0]))
}

// xmlText writes foreign text into XML; Neutral has removed what XML cannot hold.
func xmlText(s string) string {
	return xmlEscapes.Replace(Neutral(s))
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
