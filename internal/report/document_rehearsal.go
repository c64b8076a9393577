package report

import (
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/rehearsal"
)

// RehearsalDocument is a test: its builds as resources, with their steps. Logs are what each build's
// components printed; nil where nobody kept them.
func RehearsalDocument(results []*rehearsal.Result, logs map[*rehearsal.Build]*Tail, a About) *Document {
	d := a.document(Succeeded)
	for _, r := range results {
		if r.Status == rehearsal.Failed {
			d.Outcome = Failed
		}
		if d.Started.IsZero() || !r.Start.IsZero() && r.Start.Before(d.Started) {
			d.Started = r.Start
		}
		if r.End.After(d.Ended) {
			d.Ended = r.End
		}
		res := rehearsed(r, a)
		if log := logs[r.Build]; log != nil && log.Total() > 0 {
			res.Log = &Log{Lines: log.Last(maxLogLines), Total: log.Total()}
		}
		d.Resources = append(d.Resources, res)
	}
	d.boundLogs()
	d.cover(a.Secrets)
	return d
}

func rehearsed(r *rehearsal.Result, a About) Resource {
	out := Resource{
		Address: r.Build.Addr.String(), Kind: r.Build.Addr.Type, Build: r.Build.Name, Title: r.Build.Name, Image: true,
		Outcome: rehearsalWord(r.Status), Started: r.Start, Ended: r.End, Origin: place(r.Build.Origin), State: r.Root,
	}
	switch r.Status {
	case rehearsal.Passed:
		out.Status = executor.Applied
	case rehearsal.Failed:
		out.Status = executor.Failed
	case rehearsal.NotRun:
		out.Status, out.Why = executor.Skipped, r.Why
	}
	if r.Build.On != nil {
		out.Needs = []string{r.Build.On.Addr.String()}
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		word, _ := stepWord(s)
		out.Steps = append(out.Steps, Step{
			Component: componentTitle(s.Component.Name), Phase: s.Phase, Name: s.Name, Outcome: word, Failed: s.Failed(), Seconds: max(0, s.End.Sub(s.Start).Seconds()),
		})
	}
	for _, c := range r.Build.Components {
		if c.NotRun != "" {
			out.Steps = append(out.Steps, Step{Component: componentTitle(c.Name), Phase: "all", Name: "all steps", Outcome: "not run", Why: c.NotRun})
		}
	}
	if r.Status == rehearsal.Failed {
		out.Failure = rehearsalFailure(r, a)
	}
	return out
}

// rehearsalFailure is the first of a build's failures: those after it are mostly its consequences.
func rehearsalFailure(r *rehearsal.Result, a About) *Failure {
	diags := rehearsalDiagnostics(r)
	if len(diags) == 0 {
		return nil
	}
	out := &Failure{Summary: diags[0].Summary, Message: r.Why}
	out.Place, out.Quote = quoted(newSources(a.Files), diags[0])
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Failed() {
			f := stepFailure(s)
			out.Message, out.Component, out.Phase, out.Step, out.Action = f.Message, componentTitle(s.Component.Name), f.Phase, f.Step, f.Action
			out.ExitStatus, out.Stderr = f.ExitStatus, stderrTail(f)
			break
		}
	}
	return out
}
