package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/org/imagebuild-action/executor"
)

// logTailLines is how much of a failed image's log RunMarkdown quotes.
const logTailLines = 40

// RunMarkdown writes a run as GitHub's Markdown: the verdict, a table of the images, and for each
// failure what failed, where it was written, and the end of its output.
func RunMarkdown(w io.Writer, r *Report) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "### %s\n\n", markdownText(r.verdict(TextOptions{})))
	if items := r.shown(); len(items) > 0 {
		b.WriteString("| Image | Outcome | Version | AMI | Duration |\n|---|---|---|---|---|\n")
		for _, it := range items {
			var amis []string
			for _, a := range it.AMIs() {
				amis = append(amis, strings.TrimSpace(markdownCode(a.ID)+" "+markdownText(a.Region)))
			}
			took := ""
			if d := it.Took(); d > 0 {
				took = short(d)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", markdownCode(it.Title()), markdownText(it.Outcome()), markdownText(it.Ver), strings.Join(amis, "<br>"), took)
		}
		b.WriteString("\n")
	}
	for _, it := range r.Failed() {
		it.markdownFailure(b)
	}
	return write(w, b)
}

func (it *Item) markdownFailure(b *strings.Builder) {
	d := it.Diagnostic()
	detail := Lines(d.Detail)
	fmt.Fprintf(b, "#### %s: %s\n\n", markdownCode(it.Title()), markdownText(d.Summary))
	if d.Subject != nil {
		fmt.Fprintf(b, "At %s, line %d.\n\n", markdownCode(d.Subject.Filename), d.Subject.Start.Line)
	}
	b.WriteString(fence(detail, ""))
	b.WriteString("\n")
	if last := it.Log.Last(logTailLines); len(last) > 0 && it.Status == executor.Failed {
		fmt.Fprintf(b, "<details><summary>Last %s of %d of the log</summary>\n\n%s\n</details>\n\n", count(len(last), "line"), it.Log.Total(), fence(last, ""))
	}
}
