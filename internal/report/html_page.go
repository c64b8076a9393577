package report

import (
	_ "embed" // the style sheet
	"fmt"
	"html"
	"strings"
)

//go:embed page.css
var pageStyle string

// A markup is HTML in the making. Its arguments are escaped, both as text and within quoted attributes; its
// formats are ours.
type markup struct{ strings.Builder }

func (m *markup) add(format string, args ...string) {
	escaped := make([]any, len(args))
	for i, a := range args {
		escaped[i] = html.EscapeString(a)
	}
	fmt.Fprintf(m, format, escaped...)
}

// linked adds code, as a link where there is an address.
func (m *markup) linked(text, href string) {
	if href == "" {
		m.add("<code>%s</code>", text)
		return
	}
	m.add(`<a href="%s"><code>%s</code></a>`, href, text)
}

func (p page) render() string {
	var m markup
	m.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>
`, p.Title)
	fmt.Fprint(&m, pageStyle)
	m.add("</style>\n</head>\n<body>\n<h1>%s</h1>\n", p.Title)
	if p.Several {
		m.add("<ul>\n")
		for _, d := range p.Documents {
			m.add("<li><a href=\"#%s\">%s</a></li>\n", d.ID, d.Title)
		}
		m.add("</ul>\n")
	}
	for i := range p.Documents {
		p.Documents[i].render(&m)
	}
	m.add("</body>\n</html>\n")
	return m.String()
}

func (d *htmlDocument) render(m *markup) {
	m.add("<section id=\"%s\">\n<h2>%s</h2>\n<p><strong>What happens next:</strong> %s</p>\n", d.ID, d.Title, d.Next)
	for _, n := range d.Notes {
		m.add("<p>%s</p>\n", n)
	}
	for _, f := range d.Findings {
		m.add("<div class=\"problem %s\"><h3>%s</h3>\n", f.Class, f.Title)
		f.place(m)
		m.add("<p class=\"prose\">%s</p>", f.Text)
		f.others(m)
		m.add("</div>\n")
	}
	d.checks(m)
	for _, f := range d.Failures {
		m.add("<div class=\"problem %s\"><h3>❌ %s</h3>\n<p class=\"prose\">%s</p>\n", f.Class, f.Title, f.Text)
		f.place(m)
		if f.Stderr != "" {
			m.add("<p>It wrote last to its error stream:</p>\n<pre>%s</pre>\n", f.Stderr)
		}
		if f.FullLog != "" {
			m.add("<p>%s</p>", f.FullLog)
		}
		f.others(m)
		m.add("</div>\n")
	}
	d.rows(m)
	for _, l := range d.Logs {
		l.render(m)
	}
	m.add("<p class=\"facts\">\n")
	for _, f := range d.Facts {
		m.add("<span>%s ", f.Name)
		if f.Href != "" {
			m.add(`<a href="%s">%s</a>`, f.Href, f.Text)
		} else {
			m.add("%s", f.Text)
		}
		m.add("</span>\n")
	}
	m.add("</p>\n</section>\n")
}

func (m *markup) table(columns ...string) {
	m.add("<div class=\"wide\"><table><thead><tr>")
	for _, c := range columns {
		m.add("<th>%s</th>", c)
	}
	m.add("</tr></thead><tbody>\n")
}

func (m *markup) endTable() { m.add("</tbody></table></div>\n") }

func (d *htmlDocument) checks(m *markup) {
	if len(d.Checks) == 0 {
		return
	}
	m.table("Check", "Outcome", "Found", "What to do")
	for _, c := range d.Checks {
		m.add("<tr><td>%s</td><td class=\"did %s\">%s</td><td>%s</td><td>%s</td></tr>\n", c.Name, c.Class, c.Outcome, c.Detail, c.Hint)
	}
	m.endTable()
}

func (d *htmlDocument) rows(m *markup) {
	if len(d.Rows) == 0 {
		return
	}
	m.table("Resource", "Kind", "Verb", "In AWS", "Region", "Reason", "Duration", "Id")
	for _, r := range d.Rows {
		m.add("<tr><td>")
		m.linked(r.Title, r.Href)
		if r.Needs != "" {
			m.add("<div class=\"needs\">needs %s</div>", r.Needs)
		}
		m.add("</td><td>%s</td><td class=\"did %s\">%s %s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>", r.Kind, r.Class, r.Sign, r.Did, r.Label, r.Region, r.Reason, r.Took)
		for _, id := range r.IDs {
			m.add("<code>%s</code><br>", id)
		}
		m.add("</td></tr>\n")
	}
	m.endTable()
}

func (l *htmlLog) render(m *markup) {
	m.add("<details")
	if l.Open {
		m.add(" open")
	}
	m.add("><summary>%s", l.Title)
	if l.Says != "" {
		m.add(", its log: %s", l.Says)
	}
	m.add("</summary>\n")
	if len(l.Steps) > 0 {
		m.table("Component", "Phase", "Step", "Outcome", "Duration")
		for _, s := range l.Steps {
			m.add("<tr class=\"%s\"><td>%s</td><td>%s</td><td><code>%s</code></td><td class=\"did\">%s</td><td>%s</td></tr>\n", s.Class, s.Component, s.Phase, s.Name, s.Outcome, s.Took)
		}
		m.endTable()
	}
	if l.Text != "" {
		m.add("<pre>%s</pre>\n", l.Text)
	}
	m.add("</details>\n")
}

// others adds where else a problem holds.
func (p *htmlProblem) others(m *markup) {
	if len(p.Others) == 0 {
		return
	}
	m.add("<details><summary>Also in %s</summary><p>\n", count(len(p.Others), "other place"))
	for _, o := range p.Others {
		m.linked(o.Text, o.Href)
		m.add("<br>\n")
	}
	m.add("</p></details>\n")
}

// place adds where a problem is, and the lines there.
func (p *htmlProblem) place(m *markup) {
	if p.Place != "" {
		m.add("<p>")
		m.linked(p.Place, p.Href)
		m.add("</p>\n")
	}
	if p.Quote != "" {
		m.add("<pre>%s</pre>\n", p.Quote)
	}
}
