package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
)

// maxTableRows is how many changes the table of PlanMarkdown shows; the sections below it have all.
const maxTableRows = 100

// PlanMarkdown writes a plan as GitHub's Markdown: the totals, a table of what is to be done,
// warnings, a section for each build, and the graph. Names and reasons are text there, whatever they hold.
func PlanMarkdown(w io.Writer, p *planner.Plan) error {
	v := newView(p)
	b := &strings.Builder{}
	if p.Offline {
		b.WriteString("**Not compared with AWS**: whatever exists already is counted as new.\n\n")
	}
	fmt.Fprintf(b, "### Plan: %s\n\n", v.summary())
	if s := v.estimateSentence(); s != "" {
		b.WriteString(s + "\n\n")
	}
	v.markdownTable(b)
	markdownWarnings(b, filesOf(p), p.Diags)
	for _, g := range v.groups() {
		v.markdownGroup(b, g)
	}
	if len(p.Changes) > 1 {
		fmt.Fprintf(b, "<details><summary>Graph</summary>\n\n```mermaid\n%s```\n\n</details>\n", mermaid(p))
	}
	return write(w, b)
}

func (v *view) markdownTable(b *strings.Builder) {
	rows := 0
	for _, c := range v.plan.Changes {
		if c.Verb == planner.None {
			continue
		}
		rows++
		if rows == 1 {
			b.WriteString("| Image | Resource | Kind | Verb | Region | Reason |\n|---|---|---|---|---|---|\n")
		}
		if rows > maxTableRows {
			continue
		}
		regions := v.region
		if isImage(c.Node) {
			regions = strings.Join(v.regions(c.Node), ", ")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s %s | %s | %s |\n", markdownCode(c.Group), markdownCode(shortAddr(c.Addr)), markdownText(c.Kind.Name),
			markdownText(symbol(c.Verb)), c.Verb, markdownText(regions), markdownText(c.Reason))
	}
	if rows > 0 {
		b.WriteString("\n")
	}
	if rows > maxTableRows {
		fmt.Fprintf(b, "The table shows %d of %d changes; the sections below have them all.\n\n", maxTableRows, rows)
	}
}

// filesOf are the sources of a plan's configuration, where it has them.
func filesOf(p *planner.Plan) map[string]*hcl.File {
	if p.Graph == nil || p.Graph.Config == nil {
		return nil
	}
	return p.Graph.Config.Files
}

// markdownWarnings writes the warnings of a plan as one alert.
func markdownWarnings(b *strings.Builder, files map[string]*hcl.File, diags hcl.Diagnostics) {
	if len(diags) == 0 {
		return
	}
	b.WriteString("> [!WARNING]\n")
	for _, same := range diagnosticFolds(newSources(files), diags) {
		d := diags[same.first()]
		where := ""
		if d.Subject != nil {
			where = fmt.Sprintf(" (%s, line %d)", markdownCode(d.Subject.Filename), d.Subject.Start.Line)
		}
		fmt.Fprintf(b, "> - **%s**%s: %s", markdownText(d.Summary), where, markdownText(strings.Join(Lines(d.Detail), " ")))
		if also := same.also(alsoAt, func(i int) string {
			if s := diags[i].Subject; s != nil {
				return markdownCode(fmt.Sprintf("%s:%d", s.Filename, s.Start.Line))
			}
			return ""
		}); also != "" {
			b.WriteString(" " + also)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

func (v *view) markdownGroup(b *strings.Builder, g group) {
	n := make(map[planner.Verb]int)
	for _, c := range g.changes {
		n[c.Verb]++
	}
	_, says := (&bundle{verbs: n}).counts()
	fmt.Fprintf(b, "<details><summary>%s: %s</summary>\n\n", markdownText(g.title()), markdownText(says))
	for _, c := range g.changes {
		fmt.Fprintf(b, "- %s %s", markdownText(symbol(c.Verb)), markdownCode(c.Addr.String()))
		if l := v.label(c.Node); l != "" {
			b.WriteString(" " + markdownText(l))
		}
		for _, d := range v.details(c.Node) {
			b.WriteString(", " + markdownText(d))
		}
		if r := v.reason(c); r != "" {
			b.WriteString(": " + markdownText(r))
		}
		if c.Origin.Filename != "" {
			fmt.Fprintf(b, " (%s, line %d)", markdownCode(c.Origin.Filename), c.Origin.Start.Line)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n</details>\n\n")
}
