package report

import (
	"fmt"
	"strings"
)

// whatWasCut says what is missing and where it is.
func (c *commentary) whatWasCut() {
	var what []string
	if c.cutLines > 0 {
		what = append(what, count(c.cutLines, "line")+" of logs")
	}
	if c.cutGraph {
		what = append(what, "the graph")
	}
	switch {
	case c.cutSections:
		what = append(what, "everything but the table")
	case c.cutLists:
		what = append(what, "the logs of what did not fail", "the list of all resources")
	}
	if c.cutRows > 0 {
		what = append(what, count(c.cutRows, "row"))
	}
	if c.cutTexts > 0 {
		what = append(what, "the ends of "+count(c.cutTexts, "long text"))
	}
	if len(what) > 0 {
		c.printf("> [!NOTE]\n> Left out since there is no room for it: %s. %s\n\n", strings.Join(what, ", "), rest(c.docs))
	}
}

// rest says where all of it is, as Markdown.
func rest(docs []*Document) string {
	var places []string
	for _, d := range docs {
		if a := d.Source.artifact(); a != "" {
			places = append(places, link("the full report", a))
		}
		if j := d.Source.job(); j != "" {
			places = append(places, link("the job's log", j))
		}
		if len(places) > 0 {
			return "All of it is in " + strings.Join(places, " and in ") + "."
		}
		if r := d.Source.run(); r != "" {
			return "All of it is in the logs of " + link("the run", r) + "."
		}
	}
	return "All of it is in the report that --report writes."
}

// shortest is what fits where nothing else does: the counts and a link, less than that, at last nothing.
func shortest(docs []*Document, budget int) string {
	mark, counts := "✅", ""
	if w := (&commentary{docs: docs}).worst(); w != nil {
		mark, counts = w.mark(), fit(Neutral(w.counts()), 200)
	}
	const says = "Too long to be shown here."
	for _, s := range []string{
		fmt.Sprintf("## %s imagebuild: %s\n\n%s %s\n", mark, markdownInline(counts), says, rest(docs)),
		fmt.Sprintf("%s imagebuild: %s %s\n", mark, says, rest(docs)),
		fmt.Sprintf("%s imagebuild: %s\n", mark, says),
		says + "\n",
	} {
		if len(s) <= budget {
			return s
		}
	}
	return says[:max(0, min(len(says), budget))] // ASCII: any border is a character's
}
