package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// stderrLines is how many last lines of a failed step's error stream are quoted.
const stderrLines = 20

// RunText writes the end of a run for people: the failures where the configuration caused them, then
// one line for each image with what became of it, then the totals.
func RunText(w io.Writer, r *Report, o TextOptions) error {
	b := &strings.Builder{}
	var failures hcl.Diagnostics
	for _, it := range r.Failed() {
		failures = append(failures, it.Diagnostic())
	}
	if err := Diagnostics(b, r.Meta.Files, failures, o); err != nil {
		return err
	}
	r.textItems(b, o)
	b.WriteString(r.verdict(o) + "\n")
	if s := r.whereabouts(); s != "" {
		b.WriteString(s + "\n")
	}
	return write(w, b)
}

// shown are the items a summary has lines for: images, and whatever else did not come out well.
func (r *Report) shown() []*Item {
	var out []*Item
	for _, it := range r.Items {
		if it.Image || it.Status == executor.Failed {
			out = append(out, it)
		}
	}
	return out
}

func (r *Report) textItems(b *strings.Builder, o TextOptions) {
	items := r.shown()
	titles, outcome := make([]string, len(items)), 0
	for i, it := range items {
		titles[i], outcome = Neutral(it.Title()), max(outcome, columns(it.Outcome()))
	}
	title := nameColumn(titles...)
	for i, it := range items {
		line := inColumn(titles[i], title) + "  " + o.paint(pad(it.Outcome(), outcome), statusShade(it.Status))
		if d := it.Took(); d > 0 {
			line += "  " + short(d)
		}
		amis := it.AMIs()
		switch {
		case len(amis) > 0:
			line += "  " + amiList(amis)
		case it.why() != "":
			line += "  " + it.why()
		case it.Image && len(it.Regions) > 0:
			line += "  " + Neutral(strings.Join(it.Regions, ", "))
		}
		b.WriteString("  " + strings.TrimRight(line, " ") + "\n")
		if remark, ok := it.Outputs["remark"].(string); ok {
			b.WriteString("    " + o.paint(Neutral(remark), yellow) + "\n")
		}
	}
	if len(items) > 0 {
		b.WriteString("\n")
	}
}

func amiList(amis []AMI) string {
	var out []string
	for _, a := range amis {
		out = append(out, Neutral(strings.TrimSpace(a.ID+" "+a.Region)))
	}
	return strings.Join(out, ", ")
}

// why says why work on it was not done or given up; "" where it was done, or where a diagnostic says it.
func (it *Item) why() string {
	if skipped, ok := errors.AsType[*executor.SkippedError](it.Err); ok {
		return Neutral(skipped.Because.String()) + " did not finish"
	}
	if it.Status == executor.Canceled && it.Err != nil {
		return firstLine(it.Err)
	}
	return ""
}

// Outcome says in a word or two how it came out.
func (it *Item) Outcome() string {
	switch it.Status {
	case executor.Applied:
		switch it.Verb {
		case planner.Create:
			if it.Image {
				return "built"
			}
			return "created"
		case planner.Update:
			return "updated"
		case planner.Delete:
			return "deleted"
		case planner.Wait:
			return "built, by another run"
		case planner.None, planner.Later:
		}
		return "done"
	case executor.Unchanged:
		if it.Verb == planner.Later {
			return "left to the merge"
		}
		if it.Image {
			return "reused"
		}
		return "unchanged"
	case executor.Failed:
		return "failed"
	case executor.Skipped:
		return "not tried"
	case executor.Canceled:
		if e, ok := errors.AsType[*executor.InterruptedError](it.Err); ok && e.Lives {
			return "still being made"
		}
		return "canceled"
	}
	return "not finished"
}

// verdict is the last line: whether all is well, and how much of what there was.
func (r *Report) verdict(o TextOptions) string {
	made := make(map[planner.Verb]int)
	later := 0
	for _, it := range r.Items {
		switch {
		case it.Status == executor.Applied:
			made[it.Verb]++
		case it.Status == executor.Unchanged && it.Verb == planner.Later:
			later++
		}
	}
	var parts []string
	for _, c := range []struct {
		n    int
		says string
	}{
		{made[planner.Create], "created"},
		{made[planner.Update], "updated"},
		{made[planner.Delete], "deleted"},
		{made[planner.Wait], "built by another run"},
		{r.Count(executor.Unchanged) - later, "unchanged"},
		{later, "left to the merge"},
		{r.Count(executor.Failed), "failed"},
		{r.Count(executor.Skipped), "not tried because of that"},
		{r.Count(executor.Canceled), "canceled"},
		{r.Count(""), "not finished"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.says))
		}
	}
	word, color := "Done", green
	switch {
	case r.Count(executor.Failed) > 0:
		word, color = "Failed", red
	case r.Count(executor.Canceled)+r.Count("") > 0:
		word, color = "Interrupted", yellow
	case r.Count(executor.Applied) == 0:
		word = "Nothing to do"
	}
	s := o.paint(word, color) + " after " + short(r.Took())
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	s += "."
	if r.Meta.Sandbox {
		s += " Built in the sandbox. Nothing was created on AWS."
	}
	return s
}

func (r *Report) whereabouts() string {
	var out []string
	if r.Meta.Logs != "" {
		out = append(out, "Full logs: "+Neutral(r.Meta.Logs))
	}
	if r.Meta.Events != "" {
		out = append(out, "Record of the run: "+Neutral(r.Meta.Events))
	}
	return strings.Join(out, "\n")
}

// Diagnostic says why an item failed, at what the author of the configuration wrote: the failed
// provisioner or the attribute AWS refused, else the block.
func (it *Item) Diagnostic() *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Resource not created", Subject: rangeOrNil(it.Origin)}
	f := it.Failure
	about := culprit{it.Addr.String(), namesOf(it.Addr.String(), it.Name, it.Ver)}
	defer func() { d.Extra = about }()
	if f == nil {
		d.Detail = fmt.Sprintf("%s failed: %s.", it.Addr, strings.TrimSuffix(errorText(it.Err), "."))
		return d
	}
	if s := rangeOrNil(f.Range); s != nil {
		d.Subject = s
	}
	switch {
	case f.Step != "":
		d.Summary = "Build step failed"
		d.Detail = it.stepDetail(f)
	case f.RequestID != "":
		d.Summary = "Call refused by AWS"
		d.Detail = fmt.Sprintf("%s: AWS answered %s with %s: %s", it.Addr, operation(f.Operation), orElse(f.Code, "an error"), sentence(f.Message))
		d.Detail += "\nThe request id is " + f.RequestID + ": AWS Support asks for it."
		about.names = append(about.names, f.RequestID)
	default:
		if it.Image {
			d.Summary = "Image not built"
		}
		d.Detail = fmt.Sprintf("%s: %s", it.Addr, sentence(f.Message))
		if f.Code != "" {
			d.Detail = fmt.Sprintf("%s: %s: %s", it.Addr, f.Code, sentence(f.Message))
		}
	}
	if f.Advice != "" {
		d.Detail += "\n" + f.Advice
	}
	if s := fullLog(f); s != "" {
		d.Detail += "\n" + s
	}
	return d
}

// stepDetail says which step of an image's build failed, how, and what it last wrote to its error stream.
func (it *Item) stepDetail(f *executor.Failure) string {
	how := orElse(f.ExitStatus, sentence(f.Message))
	s := fmt.Sprintf("%s: step %q", it.Addr, f.Step)
	if f.Action != "" {
		s += " (" + f.Action + ")"
	}
	s += fmt.Sprintf(" of phase %q ended with %s", f.Phase, sentence(how))
	if f.ExitStatus == "" {
		s = fmt.Sprintf("%s: step %q of phase %q failed: %s", it.Addr, f.Step, f.Phase, how)
	}
	if last := stderrTail(f); len(last) > 0 {
		s += "\nIt wrote last to its error stream:\n  | " + strings.Join(last, "\n  | ")
	}
	return s
}

// stderrTail are the last lines of a failed step's error stream, without those that are blank at the end.
func stderrTail(f *executor.Failure) []string {
	if strings.TrimSpace(f.Stderr) == "" {
		return nil
	}
	l := Lines(strings.TrimRight(f.Stderr, " \t\r\n"))
	return l[max(0, len(l)-stderrLines):]
}

// fullLog says where the whole log of a failed build is; "" where nobody knows.
func fullLog(f *executor.Failure) string {
	switch {
	case f.LogFile != "":
		return "The full log is in " + f.LogFile + "."
	case f.LogGroup != "" && f.LogStream != "":
		return fmt.Sprintf("The full log is in CloudWatch Logs, group %s, stream %s.", f.LogGroup, f.LogStream)
	case f.LogGroup != "":
		return "The full log is in CloudWatch Logs, group " + f.LogGroup + "."
	}
	return ""
}

func rangeOrNil(r hcl.Range) *hcl.Range {
	if r == (hcl.Range{}) {
		return nil
	}
	return &r
}

// operation is the call's own name: CreateComponent of "imagebuilder:CreateComponent".
func operation(op planner.Op) string {
	if _, name, ok := strings.Cut(string(op), ":"); ok {
		return name
	}
	return orElse(string(op), "the call")
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// sentence ends s with a full stop where it ends with nothing.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

func errorText(err error) string {
	if err == nil {
		return "no reason was given"
	}
	return err.Error()
}
