package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// maxOpenLog is how many lines of a log are shown without being asked for.
const maxOpenLog = 12

// place is where something stands in the configuration, linked to the commit that was built.
func (c *commentary) place(d *Document, p *Place) string {
	if p == nil {
		return ""
	}
	return link(c.code(fmt.Sprintf("%s:%d", p.File, p.Line)), d.Source.blob(p))
}

// findings are mistakes with what they are about, then warnings as one alert.
func (c *commentary) findings(d *Document) {
	n := 0
	var others []string
	for _, same := range d.findingFolds() {
		f := &d.Findings[same.first()]
		if n++; n > c.level.rows {
			c.cutRows++
			continue
		}
		detail := c.paragraph(strings.Join(Lines(f.Detail), " "))
		if also := same.also(alsoAt, func(i int) string { return c.place(d, d.Findings[i].Place) }); also != "" {
			detail = strings.TrimSpace(detail + " " + also)
		}
		if f.Severity != Error {
			others = append(others, strings.TrimSpace(fmt.Sprintf("> - %s %s", c.bold(f.Summary), c.place(d, f.Place)))+": "+detail)
			continue
		}
		c.printf("#### ❌ %s\n\n", c.text(f.Summary))
		c.quote(d, f.Place, f.Quote)
		c.printf("%s\n\n", detail)
	}
	if len(others) > 0 {
		c.printf("> [!WARNING]\n%s\n\n", strings.Join(others, "\n"))
	}
}

// quote is a place and the lines of the configuration there.
func (c *commentary) quote(d *Document, p *Place, lines []string) {
	if p != nil {
		c.printf("%s\n\n", c.place(d, p))
	}
	if len(lines) > 0 {
		c.fenced(lines[:min(len(lines), maxQuoted)], "hcl")
	}
}

// fenced is foreign lines in a code block.
func (c *commentary) fenced(lines []string, language string) {
	var out []string
	for _, l := range lines {
		for _, part := range Lines(l) {
			out = append(out, c.fit(part))
		}
	}
	c.printf("%s\n", fence(out, language))
}

// checks is what doctor asked.
func (c *commentary) checks(d *Document) {
	signs := map[CheckOutcome]string{CheckPassed: "✅", CheckWarning: "⚠️", CheckFailed: "❌", CheckSkipped: "⏭️"}
	for i, k := range d.Checks {
		if i == 0 {
			c.printf("| Check | Found | What to do |\n|---|---|---|\n")
		}
		if i >= c.level.rows {
			c.cutRows++
			continue
		}
		c.printf("| %s %s | %s | %s |\n", signs[k.Outcome], c.text(k.Name), c.text(k.Detail), c.text(k.Hint))
	}
	if len(d.Checks) > 0 {
		c.printf("\n")
	}
}

// failure says what failed, where it was written, and what it said last.
func (c *commentary) failure(d *Document, same fold) {
	r := &d.Resources[same.first()]
	f := r.Failure
	c.printf("### ❌ %s: %s\n\n", c.code(r.Title), c.text(f.Summary))
	switch {
	case f.Step != "":
		c.printf("Step %s", c.code(f.Step))
		if f.Action != "" {
			c.printf(" (%s)", c.text(f.Action))
		}
		c.printf(" of phase %s failed: %s\n\n", c.code(f.Phase), c.bold(cmp.Or(f.ExitStatus, f.Message)))
	case f.RequestID != "":
		c.printf("AWS answered %s with %s: %s\n\nThe request id is %s: AWS Support asks for it.\n\n",
			c.code(operation(planner.Op(f.Operation))), c.code(cmp.Or(f.Code, "an error")), c.text(f.Message), c.code(f.RequestID))
	default:
		c.printf("%s\n\n", c.paragraph(sentence(f.Message)))
	}
	c.quote(d, f.Place, f.Quote)
	if len(f.Stderr) > 0 {
		c.printf("It wrote last to its error stream:\n\n")
		c.fenced(f.Stderr[max(0, len(f.Stderr)-stderrLines):], "text")
	}
	if f.FullLog != "" {
		c.printf("%s\n\n", c.paragraph(f.FullLog))
	}
	if also := same.also(alsoFor, func(i int) string { return c.code(d.Resources[i].Address) }); also != "" {
		c.printf("%s\n\n", also)
	}
}

// log is a resource's steps and the end of its log, folded away unless it failed or is short.
func (c *commentary) log(d *Document, r *Resource) {
	lines := 0
	if r.Log != nil {
		lines = len(r.Log.Lines)
	}
	if lines+len(r.Steps) == 0 {
		return
	}
	if !c.level.lists && r.Status != executor.Failed {
		c.cutLists = true
		return
	}
	shown := min(lines, c.level.tail)
	c.cutLines += lines - shown
	open, says := "", ""
	if r.Status == executor.Failed || lines+len(r.Steps) <= maxOpenLog {
		open = " open"
	}
	switch {
	case lines > 0 && shown == r.Log.Total:
		says = ", its log of " + count(shown, "line")
	case lines > 0:
		says = fmt.Sprintf(", the last %s of %d of its log", count(shown, "line"), r.Log.Total)
	}
	c.printf("<details%s><summary>%s %s: %s%s</summary>\n\n", open, markdownText(d.sign(r)), c.code(r.Title), c.text(d.did(r)), says)
	c.steps(r)
	if shown > 0 {
		c.fenced(r.Log.Lines[lines-shown:], "text")
	}
	c.printf("</details>\n\n")
}

func (c *commentary) steps(r *Resource) {
	for i, s := range r.Steps {
		if i == 0 {
			c.printf("| Component | Phase | Step | Outcome | Duration |\n|---|---|---|---|---|\n")
		}
		if i >= c.level.rows {
			c.cutRows++
			continue
		}
		said := s.Outcome
		if s.Why != "" {
			said += ": " + s.Why
		}
		sign := ""
		if s.Failed {
			sign = "❌ "
		}
		c.printf("| %s | %s | %s | %s%s | %s |\n", c.code(s.Component), c.text(s.Phase), c.code(s.Name), sign, c.text(said), short(seconds(s.Seconds)))
	}
	if len(r.Steps) > 0 {
		c.printf("\n")
	}
}

// everything is a list of all resources, where the table has not all of them.
func (c *commentary) everything(d *Document) {
	if len(d.Resources) == len(d.shown()) {
		return
	}
	if !c.level.lists {
		c.cutLists = true
		return
	}
	c.printf("<details><summary>All %s</summary>\n\n| Resource | Verb | In AWS | Reason |\n|---|---|---|---|\n", count(len(d.Resources), "resource"))
	for i := range d.Resources {
		if i >= c.level.rows {
			c.cutRows += len(d.Resources) - i
			break
		}
		r := &d.Resources[i]
		c.printf("| %s | %s&nbsp;%s | %s | %s |\n", link(c.code(r.Address), d.Source.blob(r.Origin)), markdownText(d.sign(r)), c.text(d.did(r)), c.text(r.Label), c.text(d.reason(r)))
	}
	c.printf("\n</details>\n\n")
}

// origin is where one document came from: run, job, commit, plan, program.
func (c *commentary) origin(d *Document) string {
	var parts []string
	s := d.Source
	if s.Run > 0 {
		text := fmt.Sprintf("run %d", s.Run)
		if s.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", s.Attempt)
		}
		parts = append(parts, link(text, s.run()))
	}
	if j := s.job(); j != "" {
		parts = append(parts, link("log of the job", j))
	}
	if a := s.artifact(); a != "" {
		parts = append(parts, link("full report", a))
	}
	if commitSHA.MatchString(s.SHA) {
		parts = append(parts, "commit "+link(markdownCode(s.SHA[:7]), s.commit()))
	}
	if d.PlanDigest != "" {
		parts = append(parts, "plan "+c.code(fit(d.PlanDigest, len("sha256:")+12)))
	}
	if d.Region != "" {
		parts = append(parts, c.text(d.Region))
	}
	if t := d.Ended.Sub(d.Started); t > 0 {
		parts = append(parts, "took "+short(t))
	}
	if d.Version != "" {
		parts = append(parts, "imagebuild "+c.text(d.Version))
	}
	if len(parts) == 0 {
		return ""
	}
	return "<sub>" + strings.Join(parts, " · ") + "</sub>"
}

// footer is the last line: where a single document came from. Several say it each in its own
// section, and where there are none of these the first says it for all.
func (c *commentary) footer() {
	if c.part&body != 0 && len(c.docs) > 0 && (len(c.docs) == 1 || !c.level.sections) {
		c.printf("%s\n", c.origin(c.docs[0]))
	}
}
