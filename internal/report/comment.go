package report

import (
	"fmt"
	"strings"
)

// How long renderings may be, in bytes. GitHub takes 65,536 characters of a comment and 1 MiB of a
// step's summary; what is posted with it (the marker) needs some of that.
const (
	MaxComment = 60_000
	MaxSummary = 1_000_000
)

// Comment renders documents as GitHub's Markdown in at most budget bytes, for a pull request's
// comment: one document as a whole, several (the legs of a matrix) under one title with one table
// and a section for each.
//
// What is too long is cut step by step: logs to their last 40 lines, to 10, the graph, what did not
// fail, everything but the table, rows of that, and at last all but the counts. The result is valid Markdown whatever
// the documents hold, and says what was cut and where the rest is.
func Comment(docs []*Document, budget int) string { return render(docs, budget, head|body) }

// A part is what of a comment is rendered. A check run shows the two apart.
type part int

const (
	head part = 1 << iota // title, what happens next, table
	body                  // everything else
)

func render(docs []*Document, budget int, p part) string {
	for _, l := range ladder() {
		c := &commentary{docs: docs, level: l, budget: budget, part: p}
		if c.render(); c.b.Len() <= budget {
			return c.b.String()
		}
	}
	return shortest(docs, budget)
}

// Summary renders documents for a job's summary.
func Summary(docs []*Document) string { return Comment(docs, MaxSummary) }

// A level is one step of the ladder: how much of a document is shown.
type level struct {
	tail     int  // last lines of each log
	sections bool // findings, failures and their logs, not the table alone
	lists    bool // logs of what did not fail, and all resources
	graph    bool
	rows     int // of each table
	text     int // columns of each foreign text
}

func ladder() []level {
	const all = 1 << 30
	return []level{
		{tail: all, sections: true, lists: true, graph: true, rows: 500, text: 1000},
		{tail: 40, sections: true, lists: true, graph: true, rows: 500, text: 1000},
		{tail: 10, sections: true, lists: true, graph: true, rows: 200, text: 500},
		{tail: 10, sections: true, lists: true, rows: 200, text: 300},
		{tail: 10, sections: true, rows: 100, text: 300},
		{rows: 100, text: 200},
		{rows: 25, text: 100},
		{rows: 5, text: 60},
	}
}

// A commentary is Markdown in the making at one level.
type commentary struct {
	b      strings.Builder
	docs   []*Document
	level  level
	budget int
	part   part

	// What the level left out.
	cutLines, cutRows, cutTexts int
	cutGraph, cutLists          bool
	cutSections                 bool
}

// over says that nothing more needs to be rendered: the level is too much already.
func (c *commentary) over() bool { return c.b.Len() > c.budget }

func (c *commentary) printf(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

// text is foreign text as Markdown, cut to the level's length.
func (c *commentary) text(s string) string { return markdownInline(c.fit(Neutral(s))) }

// bold is foreign text in bold face.
func (c *commentary) bold(s string) string {
	if s = c.text(strings.TrimSpace(Neutral(s))); s != "" {
		return "**" + s + "**"
	}
	return ""
}

// paragraph is text at the beginning of a line.
func (c *commentary) paragraph(s string) string { return markdownText(c.fit(Neutral(s))) }

func (c *commentary) code(s string) string { return markdownCode(c.fit(Neutral(s))) }

func (c *commentary) fit(s string) string {
	out := fit(s, c.level.text)
	if out != s {
		c.cutTexts++
	}
	return out
}

func (c *commentary) render() {
	switch {
	case c.part&head == 0:
	case len(c.docs) == 1:
		d := c.docs[0]
		c.heading(d.mark()+" "+d.title(), d.Path, d.counts())
		c.next(d)
		c.table()
	default:
		c.overview()
		c.table()
	}
	for _, d := range c.docs {
		if c.over() || c.part&body == 0 {
			break
		}
		c.document(d)
	}
	c.whatWasCut()
	c.footer()
}

// heading is the first line: mark and command, the configuration, and how much came out how.
func (c *commentary) heading(title, path, counts string) {
	c.printf("## %s", markdownInline(title))
	if path != "" && path != "." {
		c.printf(" %s", c.code(path))
	}
	if counts != "" {
		c.printf(": %s", c.text(counts))
	}
	c.printf("\n\n")
}

func (c *commentary) next(d *Document) {
	if d.notCompared() {
		c.printf("> [!WARNING]\n> **Not compared with AWS.** %s\n\n", c.text(d.offlineSentence()))
	}
	c.printf("**What happens next:** %s\n\n", c.text(d.next()))
	if says := d.estimates(); c.level.sections && len(says) > 0 {
		c.printf("%s\n\n", c.paragraph(strings.Join(says, " ")))
	}
	if d.Sandbox {
		c.printf("Built in the sandbox. Nothing was created on AWS.\n\n")
	}
}

// overview is the head of several documents.
func (c *commentary) overview() {
	worst := c.worst()
	if worst == nil {
		c.heading("imagebuild", "", "no reports")
		return
	}
	c.heading(worst.mark()+" "+worst.title(), "", legCounts(c.docs))
	c.next(worst)
	if c.level.sections {
		return
	}
	for i, d := range c.docs {
		if i == c.level.rows {
			c.cutRows += len(c.docs) - i
			break
		}
		c.printf("- %s\n", c.legTitle(d))
	}
	c.printf("\n")
}

// legCounts says how many of several documents came out how.
func legCounts(docs []*Document) string {
	words := make([]string, 0, len(docs))
	for _, d := range docs {
		word := string(d.Outcome)
		if d.notCompared() {
			word = notCompared
		}
		words = append(words, word)
	}
	return count(len(docs), "job") + ", " + strings.Join(tally(words), ", ")
}

// worst is the document that decides: one that failed before one that goes on before one that succeeded.
func (c *commentary) worst() *Document {
	for _, o := range []Outcome{Failed, Mistaken, Interrupted, Running, Succeeded} {
		for _, d := range c.docs {
			if d.Outcome == o {
				return d
			}
		}
	}
	return nil
}

// legTitle is one line about one of several documents, as inline HTML.
func (c *commentary) legTitle(d *Document) string {
	name := d.Leg
	if name == "" {
		name = strings.TrimSpace(d.Command + " " + d.Path)
	}
	return fmt.Sprintf("%s %s: %s", d.mark(), c.code(name), c.text(d.counts()))
}

// document is everything about one document behind the table.
func (c *commentary) document(d *Document) {
	if !c.level.sections {
		c.cutSections = c.cutSections || len(d.Findings) > 0 || d.hasSections()
		return
	}
	if len(c.docs) > 1 {
		open := ""
		if d.Outcome == Failed || d.Outcome == Mistaken {
			open = " open"
		}
		c.printf("<details%s><summary>%s</summary>\n\n", open, c.legTitle(d))
		defer c.printf("</details>\n\n")
	}
	c.findings(d)
	c.checks(d)
	for _, same := range d.failureFolds() {
		if !c.over() {
			c.failure(d, same)
		}
	}
	for i := range d.Resources {
		if !c.over() {
			c.log(d, &d.Resources[i])
		}
	}
	c.everything(d)
	c.graph(d)
	if len(c.docs) > 1 {
		c.printf("%s\n\n", c.origin(d))
	}
}

// hasSections says whether there is more to a document than its rows in the table.
func (d *Document) hasSections() bool {
	for i := range d.Resources {
		if r := &d.Resources[i]; r.Failure != nil || r.Log != nil || len(r.Steps) > 0 {
			return true
		}
	}
	return len(d.Resources) > 1
}
