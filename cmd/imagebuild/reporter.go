package main

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A reporter is told what a command finds and does, as plain data besides what it writes. Its methods
// do nothing where it is nil, which is what a program on a terminal has.
type reporter struct {
	// about is what every document says of where it comes from.
	about report.About
	// logLines is how many last lines of each log are kept; 0 is the report's own number.
	logLines int
	// plan is told every plan that holds, before it is shown or carried out. What it returns ends the command.
	plan func(g *planning, plan *planner.Plan) error
	// tell takes what a command came to: the last one counts.
	tell func(*report.Document)
	// progress takes a run under way; changed says that what it would return has changed.
	progress func(now func() *report.Document) (changed func())
	// parted takes the plan's layers as JSON: docs/matrix.md.
	parted func(layers string) error
	// kept is told the directory that holds a run's whole logs.
	kept func(dir string)
}

// of completes what the documents of one command say.
func (r *reporter) of(g *planning, command string) report.About {
	a := r.about
	a.Command, a.Version, a.Region = command, version, g.region
	a.Sandbox = g.target != nil && g.target.server != nil
	if a.Path == "" && g.loc != nil {
		a.Path = g.loc.host.Dir
	}
	if g.cfg != nil {
		a.Secrets, a.Files = append(slices.Clip(a.Secrets), g.cfg.Secrets...), g.cfg.Files
	}
	return a
}

func (r *reporter) mistaken(g *planning, diags hcl.Diagnostics) {
	if r != nil && diags.HasErrors() {
		r.tell(report.MistakesDocument(diags, r.of(g, g.command)))
	}
}

func (r *reporter) planned(g *planning, plan *planner.Plan) error {
	if r == nil {
		return nil
	}
	r.tell(report.PlanDocument(plan, g.diags, r.of(g, g.command)))
	return r.plan(g, plan)
}

// proposed is told of a plan that is only shown and binds nothing.
func (r *reporter) proposed(g *planning, plan *planner.Plan) {
	if r != nil {
		r.tell(report.PlanDocument(plan, g.diags, r.of(g, g.command)))
	}
}

// ran is told of a run that is over.
func (r *reporter) ran(g *planning, rep *report.Report) {
	if r != nil {
		r.tell(report.RunDocument(rep, time.Time{}, r.of(g, g.command)))
	}
}

func (r *reporter) matrix(layers string) error {
	if r == nil || r.parted == nil {
		return nil
	}
	return r.parted(layers)
}

func (r *reporter) rehearsed(g *planning, results []*rehearsal.Result, logs map[*rehearsal.Build]*report.Tail) {
	if r != nil {
		r.tell(report.RehearsalDocument(results, logs, r.of(g, g.command)))
	}
}

func (r *reporter) recorded(dir string) {
	if r != nil {
		r.kept(dir)
	}
}

// meta adds what the reporter wants of a run's report.
func (r *reporter) meta(m report.Meta) report.Meta {
	if r != nil {
		m.LogLines = r.logLines
	}
	return m
}

// following returns the sink that folds a run's events. With a reporter the report may be looked at
// from elsewhere while the run goes on; a line of a log alone is no change.
func (r *reporter) following(g *planning, rep *report.Report) func(executor.Event) {
	if r == nil || r.progress == nil {
		return rep.Fold
	}
	var mu sync.Mutex
	about := r.of(g, g.command)
	changed := r.progress(func() *report.Document {
		mu.Lock()
		defer mu.Unlock()
		return report.RunDocument(rep, g.p.now(), about)
	})
	return func(e executor.Event) {
		mu.Lock()
		rep.Fold(e)
		mu.Unlock()
		if _, line := e.(executor.Log); !line {
			changed()
		}
	}
}
