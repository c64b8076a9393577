package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// reportedLines is how many last lines of each log a file of --report holds.
const reportedLines = 20_000

// addReport gives a command the flag --report.
func (g *planning) addReport(c *cobra.Command) {
	var file string
	c.Flags().StringVar(&file, "report", "", "also write what came of it to `file`: .json for imagebuild report, .html or .md to be read")
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if file == "" {
			return run(c, args)
		}
		return g.reported(file, func() error { return run(c, args) })
	}
}

// reported runs a command and writes what came of it to a file, which is there however it ended.
func (g *planning) reported(file string, run func() error) error {
	switch filepath.Ext(file) {
	case ".json", ".html", ".md":
	default:
		return mistake("choose a name that ends in .json, .html or .md", "--report cannot be %s: its name does not say what to write", file)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(g.p.cwd, file)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil { // before an hour is spent on what cannot be told
		return mistake("name a file that can be written: --report FILE", "making the report's directory: %w", err)
	}
	var last *report.Document
	outer := g.p.reporter
	g.p.reporter = g.p.reporter.also(func(d *report.Document) { last = d })
	if outer == nil {
		g.p.reporter.about = g.p.whereabouts()
	}
	err := run()
	about := g.p.reporter.of(g, g.command)
	g.p.reporter = outer
	raw, unrendered := renderReport(file, ended(last, err, about))
	if unrendered == nil {
		unrendered = g.p.writeOut(file, raw)
	}
	if unrendered != nil {
		return errors.Join(err, &exit{status: statusFailed, err: fmt.Errorf("writing the report: %w", unrendered), hint: "name a file that can be written: --report FILE"})
	}
	return err
}

// also is a reporter that tells one more, and keeps more lines of logs.
func (r *reporter) also(tell func(*report.Document)) *reporter {
	if r == nil {
		return &reporter{
			logLines: reportedLines, tell: tell,
			plan: func(*planning, *planner.Plan) error { return nil },
			kept: func(string) {},
		}
	}
	both := *r
	both.logLines = max(r.logLines, reportedLines)
	both.tell = func(d *report.Document) { r.tell(d); tell(d) }
	return &both
}

// whereabouts is what a step of GitHub Actions says of where a document comes from; elsewhere nothing.
// What cannot be read there leads to fewer links.
func (p *program) whereabouts() report.About {
	e, err := github.ReadEnvironment(func(name string) string { v, _ := p.lookupEnv(name); return v })
	if e == nil || !e.Actions {
		return report.About{}
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "warning: the report has not all links: %v\n", err)
	}
	return report.About{Source: report.Source{
		Server: e.ServerURL, Repository: e.Repository.String(), SHA: e.Head, Run: e.RunID, Attempt: int(e.RunAttempt), Job: e.CheckRunID,
	}}
}

// ended is what a command came to: what it told last, corrected by how it ended.
func ended(last *report.Document, err error, about report.About) *report.Document {
	if err == nil && last != nil {
		return last
	}
	if err == nil {
		return report.MistakesDocument(nil, about)
	}
	e := exitOf(err)
	if last != nil && e.status == statusInterrupted {
		last.Outcome = report.Interrupted // what failed by that says so itself
		return last
	}
	if last != nil && (e.status == statusChanges || last.Outcome != report.Succeeded) {
		return last
	}
	outcome := map[int]report.Outcome{statusFailed: report.Failed, statusMistake: report.Mistaken, statusInterrupted: report.Interrupted}[e.status]
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Ended before it was done", Detail: fmt.Sprintf("It ended with status %d; the log says why.", e.status)}
	if e.err != nil {
		d.Detail = strings.TrimSuffix(e.err.Error(), ".") + "."
		if e.hint != "" {
			d.Detail += " Hint: " + strings.TrimSuffix(e.hint, ".") + "."
		}
	}
	doc := report.MistakesDocument(hcl.Diagnostics{d}, about)
	if last != nil {
		last.Findings = append(doc.Findings, last.Findings...)
		doc = last
	}
	doc.Outcome = outcome
	return doc
}

func renderReport(file string, d *report.Document) ([]byte, error) {
	docs := []*report.Document{d}
	switch filepath.Ext(file) {
	case ".html":
		var b bytes.Buffer
		err := report.HTML(&b, docs)
		return b.Bytes(), err
	case ".md":
		return []byte(report.Summary(docs)), nil
	}
	return d.JSON()
}
