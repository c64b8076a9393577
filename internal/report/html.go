package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// HTML writes documents as one page that needs nothing else: no script, nothing from another
// address (its content security policy says so to the browser), in light and dark. It has everything
// that is in the documents, whole logs included.
//
// It is written without a template: with one in the program the linker keeps every method of every type, which
// more than doubles it.
func HTML(w io.Writer, docs []*Document) error {
	p := page{Title: "imagebuild", Several: len(docs) > 1}
	if worst := (&commentary{docs: docs}).worst(); worst != nil {
		p.Title = Neutral(worst.mark() + " " + worst.title() + ": " + worst.counts())
		if p.Several {
			p.Title = Neutral(worst.mark() + " " + worst.title() + ": " + legCounts(docs))
		}
	}
	for i, d := range docs {
		p.Documents = append(p.Documents, newHTMLDocument(d, i+1))
	}
	if _, err := io.WriteString(w, p.render()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// What the page shows. Every text in it is Neutral; html_page.go escapes it.
type (
	page struct {
		Title     string
		Several   bool
		Documents []htmlDocument
	}
	htmlDocument struct {
		ID          string
		Title, Next string
		Facts       []htmlFact
		Notes       []string
		Rows        []htmlRow
		Findings    []htmlProblem
		Failures    []htmlProblem
		Checks      []htmlCheck
		Logs        []htmlLog
	}
	htmlFact struct{ Name, Text, Href string }
	htmlRow  struct {
		Sign, Title, Href, Kind, Did, Class, Label, Region, Reason, Took, Needs string
		IDs                                                                     []string
	}
	htmlProblem struct {
		Title, Class, Place, Href, Quote, Text, Stderr, FullLog string
		Others                                                  []htmlPlace // where else it holds
	}
	htmlPlace struct{ Text, Href string }
	htmlCheck struct{ Class, Name, Outcome, Detail, Hint string }
	htmlLog   struct {
		Title, Says, Text string
		Open              bool
		Steps             []htmlStep
	}
	htmlStep struct{ Component, Phase, Name, Outcome, Took, Class string }
)

func newHTMLDocument(d *Document, n int) htmlDocument {
	name := strings.TrimSpace(strings.Join([]string{d.title(), d.Path, d.Leg}, " "))
	h := htmlDocument{ID: fmt.Sprintf("d%d", n), Title: Neutral(d.mark() + " " + name + ": " + d.counts()), Next: Neutral(d.next()), Facts: d.facts()}
	for _, s := range d.estimates() {
		h.Notes = append(h.Notes, Neutral(s))
	}
	if d.Sandbox {
		h.Notes = append(h.Notes, "Built in the sandbox. Nothing was created on AWS.")
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		h.Rows = append(h.Rows, d.htmlRow(r))
		if r.Log != nil || len(r.Steps) > 0 {
			h.Logs = append(h.Logs, d.htmlLog(r))
		}
	}
	d.htmlProblems(&h)
	for _, c := range d.Checks {
		h.Checks = append(h.Checks, htmlCheck{string(c.Outcome), Neutral(c.Name), string(c.Outcome), Neutral(c.Detail), Neutral(c.Hint)})
	}
	return h
}

// htmlProblems adds the failures and the findings, those that say the same once with every place.
func (d *Document) htmlProblems(h *htmlDocument) {
	for _, same := range d.failureFolds() {
		r := &d.Resources[same.first()]
		f := r.Failure
		p := htmlProblem{
			Title: Neutral(r.Title + ": " + f.Summary), Class: "failed", Place: placeText(f.Place), Href: d.Source.blob(f.Place),
			Quote: neutralLines(f.Quote), Text: Neutral(Lines(f.text(r.Address))[0]), Stderr: neutralLines(f.Stderr), FullLog: Neutral(f.FullLog),
		}
		for _, i := range same.members[1:] {
			p.Others = append(p.Others, htmlPlace{d.resourceName(i), d.Source.blob(d.Resources[i].Failure.Place)})
		}
		h.Failures = append(h.Failures, p)
	}
	for _, same := range d.findingFolds() {
		f := &d.Findings[same.first()]
		p := htmlProblem{
			Title: Neutral(f.Summary), Class: string(f.Severity), Place: placeText(f.Place), Href: d.Source.blob(f.Place),
			Quote: neutralLines(f.Quote), Text: strings.Join(Lines(f.Detail), "\n"),
		}
		for _, i := range same.members[1:] {
			p.Others = append(p.Others, htmlPlace{d.findingPlace(i), d.Source.blob(d.Findings[i].Place)})
		}
		h.Findings = append(h.Findings, p)
	}
}

// facts are where a document came from.
func (d *Document) facts() []htmlFact {
	var out []htmlFact
	add := func(name, text, href string) {
		if text != "" {
			out = append(out, htmlFact{name, Neutral(text), href})
		}
	}
	s := d.Source
	if s.Run > 0 {
		add("Run", fmt.Sprintf("%d, attempt %d", s.Run, max(1, s.Attempt)), s.run())
	}
	if s.job() != "" {
		add("Job", strconv.FormatInt(s.Job, 10), s.job())
	}
	add("Commit", s.SHA, s.commit())
	add("Plan", d.PlanDigest, "")
	add("Region", d.Region, "")
	add("Account", d.Account, "")
	if !d.Started.IsZero() {
		add("Began", d.Started.UTC().Format("2006-01-02 15:04:05 UTC"), "")
	}
	if t := d.Ended.Sub(d.Started); t > 0 {
		add("Took", short(t), "")
	}
	add("imagebuild", d.Version, "")
	return out
}

func (d *Document) htmlRow(r *Resource) htmlRow {
	h := htmlRow{
		Sign: d.sign(r), Title: Neutral(r.Address), Href: d.Source.blob(r.Origin), Kind: Neutral(r.Kind), Did: Neutral(d.did(r)), Class: class(r),
		Label: Neutral(r.Label), Region: Neutral(strings.Join(r.Regions, ", ")), Reason: Neutral(d.reason(r)), Needs: Neutral(strings.Join(r.Needs, ", ")),
	}
	if t := d.took(r); t > 0 {
		h.Took = short(t)
	} else if r.EstimateSeconds > 0 && r.Status == "" {
		h.Took = "about " + short(seconds(r.EstimateSeconds))
	}
	for _, id := range r.IDs {
		h.IDs = append(h.IDs, Neutral(strings.TrimSpace(id.ID+" "+id.Region)))
	}
	if len(h.IDs) == 0 && r.ARN != "" {
		h.IDs = []string{Neutral(r.ARN)}
	}
	return h
}

func (d *Document) htmlLog(r *Resource) htmlLog {
	h := htmlLog{Title: Neutral(r.Title + ": " + d.did(r)), Open: r.Failure != nil}
	if r.Log != nil {
		h.Says, h.Text = count(r.Log.Total, "line"), neutralLines(r.Log.Lines)
		if n := len(r.Log.Lines); n < r.Log.Total {
			h.Says = fmt.Sprintf("the last %s of %d", count(n, "line"), r.Log.Total)
		}
	}
	for _, s := range r.Steps {
		step := htmlStep{Component: Neutral(s.Component), Phase: Neutral(s.Phase), Name: Neutral(s.Name), Outcome: Neutral(s.Outcome), Took: short(seconds(s.Seconds))}
		if s.Why != "" {
			step.Outcome += ": " + Neutral(s.Why)
		}
		if s.Failed {
			step.Class = "failed"
		}
		h.Steps = append(h.Steps, step)
	}
	return h
}

func placeText(p *Place) string {
	if p == nil {
		return ""
	}
	return Neutral(fmt.Sprintf("%s:%d", p.File, p.Line))
}

// neutralLines is foreign lines as one text, each Neutral.
func neutralLines(lines []string) string {
	var out []string
	for _, l := range lines {
		out = append(out, Lines(l)...)
	}
	return strings.Join(out, "\n")
}
