package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor"
)

// What GitHub takes: of each severity for each step from the log, and of texts (the runner cuts a
// message at 4096 characters, the API a title at 255).
const (
	MaxAnnotations       = 10
	maxAnnotationMessage = 4000
	maxAnnotationTitle   = 250
)

// An Annotation is a finding or a failure as GitHub shows it on a line of a file. Its text is
// harmless in a terminal; whoever writes it as a workflow command escapes it for that.
type Annotation struct {
	Severity Severity
	// File is from the repository's root, "" for none; then there are no numbers either.
	File                             string
	Line, EndLine, Column, EndColumn int
	Title, Message                   string
	rank                             int
}

// Annotations are the findings and failures of documents, failures first, then mistakes, warnings and
// notices; what several legs say alike is said once. No severity has more than limit: the last of
// one that has more says how many, and that the report has them all.
func Annotations(docs []*Document, limit int) []Annotation {
	var all []Annotation
	seen := map[Annotation]bool{}
	for _, d := range docs {
		for _, a := range d.annotations() {
			if !seen[a] {
				seen[a], all = true, append(all, a)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Annotation) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var out []Annotation
	for _, s := range []Severity{Error, Warning, Notice} {
		var some []Annotation
		for _, a := range all {
			if a.Severity == s {
				a.rank = 0
				some = append(some, a)
			}
		}
		if n := len(some) - limit; n > 0 && limit > 0 {
			more := Annotation{Severity: s, Title: fmt.Sprintf("And %d more", n+1), Message: fmt.Sprintf("%d more of this severity are in the report: GitHub shows no more than %d here.", n+1, limit)}
			some = append(some[:limit-1], more)
		}
		out = append(out, some...)
	}
	return out
}

// The order of annotations: what failed, what is wrong, what may be wrong, the rest.
const (
	rankFailure = iota
	rankError
	rankWarning
	rankNotice
)

func (d *Document) annotations() []Annotation {
	var out []Annotation
	if d.notCompared() && d.Command != "validate" { // which never is
		a := annotation(Warning, nil, "Not compared with AWS", d.offlineSentence()+" Give the job credentials, for instance with role-to-assume, or say offline: true where this is meant.")
		a.rank = rankFailure
		out = append(out, a)
	}
	for _, same := range d.failureFolds() {
		r := &d.Resources[same.first()]
		a := annotation(Error, r.Failure.Place, r.Failure.Summary, alongside(r.Failure.text(r.Address), same.also(alsoFor, d.resourceName)))
		a.rank = rankFailure
		out = append(out, a)
	}
	for _, same := range d.findingFolds() {
		f := &d.Findings[same.first()]
		out = append(out, annotation(f.Severity, f.Place, f.Summary, alongside(f.Detail, same.also(alsoAt, d.findingPlace))))
	}
	for _, c := range d.Checks {
		switch c.Outcome {
		case CheckFailed:
			out = append(out, annotation(Error, nil, c.Name, strings.TrimSpace(c.Detail+"\n"+c.Hint)))
		case CheckWarning:
			out = append(out, annotation(Warning, nil, c.Name, strings.TrimSpace(c.Detail+"\n"+c.Hint)))
		case CheckPassed, CheckSkipped:
		}
	}
	return out
}

// alongside is a text and, in a line of its own, where else it holds.
func alongside(text, also string) string {
	if also == "" {
		return text
	}
	return strings.TrimPrefix(text+"\n"+also, "\n")
}

// text is a failure in a few lines.
func (f *Failure) text(address string) string {
	how := cmp.Or(f.ExitStatus, f.Message)
	var out string
	switch {
	case f.Step != "":
		out = fmt.Sprintf("%s: step %q of phase %q failed: %s", address, f.Step, f.Phase, how)
	case f.Code != "":
		out = fmt.Sprintf("%s: %s: %s", address, f.Code, f.Message)
	default:
		out = address + ": " + f.Message
	}
	if f.RequestID != "" {
		out += "\nThe request id is " + f.RequestID + "."
	}
	if last := f.Stderr; len(last) > 0 {
		out += "\n" + strings.Join(last[max(0, len(last)-stderrLines):], "\n")
	}
	return out
}

func annotation(s Severity, p *Place, title, message string) Annotation {
	a := Annotation{Severity: s, Title: cut(Neutral(title), maxAnnotationTitle), Message: cut(strings.Join(Lines(message), "\n"), maxAnnotationMessage)}
	a.rank = map[Severity]int{Error: rankError, Warning: rankWarning, Notice: rankNotice}[s]
	if !p.committed() || p.Line < 1 {
		return a
	}
	a.File, a.Line = Neutral(path.Clean(p.File)), p.Line
	a.EndLine = max(p.EndLine, p.Line)
	if a.EndLine == a.Line { // GitHub takes columns on one line alone
		a.Column, a.EndColumn = p.Column, max(p.Column, p.EndColumn-1)
	}
	return a
}

// cut is the first n bytes of s, to the border of a rune, with an ellipsis where something is missing.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// A CheckOutput is what a check run says.
type CheckOutput struct {
	// Conclusion is success, failure, cancelled or neutral; "" while a run goes on.
	Conclusion string
	Title      string // up to 255 characters
	// Summary and Text are Markdown of up to 65,535 characters each: how it came out, and everything else.
	Summary, Text string
	Annotations   []Annotation // up to 50, which is what one request takes
}

const (
	maxCheckText        = 65_000
	maxCheckAnnotations = 50
)

// NewCheckOutput renders documents for a check run.
func NewCheckOutput(docs []*Document) CheckOutput {
	out := CheckOutput{
		Summary: render(docs, maxCheckText, head), Text: render(docs, maxCheckText, body),
		Annotations: Annotations(docs, maxCheckAnnotations),
	}
	out.Annotations = out.Annotations[:min(len(out.Annotations), maxCheckAnnotations)]
	w := (&commentary{docs: docs}).worst()
	if w == nil {
		out.Conclusion, out.Title = "neutral", "There are no reports"
		return out
	}
	out.Conclusion = map[Outcome]string{Failed: "failure", Mistaken: "failure", Interrupted: "cancelled", Succeeded: "success", Running: ""}[w.Outcome]
	out.Title = cut(Neutral(w.title()+": "+w.counts()), maxAnnotationTitle)
	if len(docs) > 1 {
		out.Title = cut(Neutral(legCounts(docs)+"; "+w.title()+": "+w.counts()), maxAnnotationTitle)
	}
	return out
}

// ExitFailed reports whether a job that shows these documents should fail: one of them tells of a
// failure, a mistake or an interruption.
func ExitFailed(docs []*Document) bool {
	return slices.ContainsFunc(docs, func(d *Document) bool {
		return d.Outcome == Failed || d.Outcome == Mistaken || d.Outcome == Interrupted ||
			slices.ContainsFunc(d.Resources, func(r Resource) bool { return r.Status == executor.Failed })
	})
}
