package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/rehearsal"
)

// Rehearsed writes how the rehearsal of one build came out: its steps, what was not run and why, and the
// failures where the configuration caused them.
func Rehearsed(w io.Writer, r *rehearsal.Result, files map[string]*hcl.File, o TextOptions) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s: %s", o.paint(Neutral(r.Build.Name), bold), o.paint(rehearsalWord(r.Status), rehearsalShade(r.Status)))
	if len(r.Steps) > 0 && r.Status != rehearsal.NotRun {
		b.WriteString(", " + short(r.End.Sub(r.Start)))
	}
	if r.Why != "" && r.Status == rehearsal.NotRun {
		b.WriteString(": " + Neutral(r.Why))
	}
	b.WriteString("\n")
	rehearsedSteps(b, r, o)
	for _, c := range r.Build.Components {
		if c.NotRun != "" {
			fmt.Fprintf(b, "  %s %s: %s\n", o.paint("not run", yellow), Neutral(componentTitle(c.Name)), Neutral(c.NotRun))
		}
	}
	if r.Status == rehearsal.Failed {
		if err := Diagnostics(b, files, rehearsalDiagnostics(r), o); err != nil {
			return err
		}
	}
	return write(w, b)
}

func rehearsedSteps(b *strings.Builder, r *rehearsal.Result, o TextOptions) {
	names, phases := make([]string, len(r.Steps)), 0
	for i, s := range r.Steps {
		names[i], phases = Neutral(s.Name), max(phases, min(maxAddrColumn, columns(Neutral(s.Phase))))
	}
	wide := nameColumn(names...)
	several := rehearsedComponents(r) > 1
	for i, s := range r.Steps {
		said, tint := stepWord(&s)
		name := pad(names[i], wide)
		if columns(names[i]) > wide { // as in other tables, but behind the phase
			name = names[i] + "\n  " + pad("", phases+2+wide)
		}
		line := fmt.Sprintf("  %s  %s  %s  %s", pad(Neutral(s.Phase), phases), name,
			pad(short(s.End.Sub(s.Start)), 6), o.paint(said, tint))
		if several {
			line += o.paint("  "+Neutral(s.Component.Name), faint)
		}
		b.WriteString(line + "\n")
	}
}

// rehearsedComponents counts the components that were run.
func rehearsedComponents(r *rehearsal.Result) int {
	n := 0
	for _, c := range r.Build.Components {
		if c.NotRun == "" {
			n++
		}
	}
	return n
}

// componentTitle is the name of a component whose ARN is given: aws:update-linux of AWS's own.
func componentTitle(arn string) string {
	_, rest, ok := strings.Cut(arn, ":component/")
	if !ok {
		return arn
	}
	name, _, _ := strings.Cut(rest, "/")
	if strings.Contains(arn, ":aws:component/") {
		return "aws:" + name
	}
	return name
}

func stepWord(s *rehearsal.Step) (string, shade) {
	switch s.Status {
	case component.Success:
		return "ok", green
	case component.Failed:
		return "failed", red
	case component.Unsupported:
		return "unsupported here", red
	case component.IgnoredFailure:
		return "failed, ignored", yellow
	case component.Skipped:
		return "skipped by its if", faint
	case component.NotRun, component.SuccessWithIgnoredFailure:
		return "not run", yellow
	}
	return string(s.Status), yellow
}

func rehearsalWord(s rehearsal.Status) string {
	if s == rehearsal.NotRun {
		return "not run"
	}
	return string(s)
}

func rehearsalShade(s rehearsal.Status) shade {
	switch s {
	case rehearsal.Passed:
		return green
	case rehearsal.Failed:
		return red
	case rehearsal.NotRun:
		return yellow
	}
	return ""
}

// rehearsalDiagnostics are why a build failed, at what wrote the steps.
func rehearsalDiagnostics(r *rehearsal.Result) hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, s := range r.Steps {
		if s.Failed() {
			out = append(out, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Step failed", Subject: rangeOrNil(s.Origin),
				Detail: (&Item{Addr: r.Build.Addr}).stepDetail(stepFailure(&s)),
			})
		}
	}
	if r.Why != "" {
		out = append(out, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Build not tested", Subject: rangeOrNil(r.Build.Origin),
			Detail: fmt.Sprintf("%s: %s", r.Build.Addr, sentence(r.Why)),
		})
	}
	return out
}

func stepFailure(s *rehearsal.Step) *executor.Failure {
	f := &executor.Failure{Step: s.Name, Phase: s.Phase, Action: s.Action, Message: s.Message, Stderr: s.Stderr}
	if s.ExitCode != 0 {
		f.ExitStatus = s.Message
	}
	return f
}

// RehearsalVerdict writes the last line: how many builds came out how.
func RehearsalVerdict(w io.Writer, results []*rehearsal.Result, took time.Duration, o TextOptions) error {
	count := make(map[rehearsal.Status]int)
	for _, r := range results {
		count[r.Status]++
	}
	var parts []string
	for _, s := range []rehearsal.Status{rehearsal.Passed, rehearsal.Failed, rehearsal.NotRun} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], rehearsalWord(s)))
		}
	}
	word, tint := "Passed", green
	switch {
	case count[rehearsal.Failed] > 0:
		word, tint = "Failed", red
	case count[rehearsal.Passed] == 0:
		word, tint = "Nothing was tested", yellow
	}
	b := &strings.Builder{}
	b.WriteString(o.paint(word, tint) + " after " + short(took))
	if parts != nil {
		b.WriteString(": " + strings.Join(parts, ", "))
	}
	b.WriteString(". Nothing was built; only a build proves what only AWS can prove.\n")
	return write(w, b)
}

// A rehearsalRecord is one line of what test --json prints, as docs/test.md describes it.
type rehearsalRecord struct {
	Event     rehearsal.EventKind `json:"event"`
	Time      time.Time           `json:"time"`
	Build     string              `json:"build"`
	Address   string              `json:"address"`
	Root      string              `json:"root,omitempty"`
	Status    string              `json:"status,omitempty"`
	Reason    string              `json:"reason,omitempty"`
	Component string              `json:"component,omitempty"`
	Phase     string              `json:"phase,omitempty"`
	Step      string              `json:"step,omitempty"`
	Action    string              `json:"action,omitempty"`
	Seconds   float64             `json:"seconds,omitempty"`
	Stderr    string              `json:"stderr,omitempty"`
	Origin    *origin             `json:"origin,omitempty"`
	Line      string              `json:"line,omitempty"`
}

type origin struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// RehearsalLine is an event as JSON on one line.
func RehearsalLine(e rehearsal.Event) (string, error) {
	r := rehearsalRecord{Event: e.Kind, Time: e.Time, Build: e.Build.Name, Address: e.Build.Addr.String(), Line: e.Line}
	at := hcl.Range{}
	if e.Result != nil {
		r.Root, r.Reason, at = e.Result.Root, e.Result.Why, e.Build.Origin
		if e.Kind == rehearsal.BuildFinished {
			r.Status, r.Seconds = string(e.Result.Status), e.Result.End.Sub(e.Result.Start).Seconds()
		}
	}
	if s := e.Step; s != nil {
		r.Component, r.Phase, r.Step, r.Action = s.Component.Name, s.Phase, s.Name, s.Action
		r.Status, r.Reason, r.Stderr, r.Seconds, at = string(s.Status), s.Message, s.Stderr, s.End.Sub(s.Start).Seconds(), s.Origin
	}
	if at != (hcl.Range{}) {
		r.Origin = &origin{path.Clean(at.Filename), at.Start.Line, at.Start.Column}
	}
	b := &bytes.Buffer{}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return "", fmt.Errorf("encode event: %w", err)
	}
	return visibleJSON(b.String()), nil
}
