package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A savedPlan is the plan that build is to carry out.
type savedPlan struct {
	file    string // "" for none
	bound   *binding
	trusted bool // its digest is the one that the job that made it said
}

// planFilePath is the file of the input plan-file. It stands in the workspace: pull requests choose what is in
// it, and no name may lead out of it.
func (a *action) planFilePath() (string, error) {
	name := a.in["plan-file"]
	if !strings.HasSuffix(name, ".json") {
		return "", fmt.Errorf("input plan-file: %q does not end in .json", name)
	}
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(a.workspace(), name)
		if err != nil {
			return "", fmt.Errorf("input plan-file: %w", err)
		}
		name = rel
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("input plan-file: %q leads out of the workspace", name)
	}
	return name, nil
}

// readPlanFile reads the plan that build is to carry out, if one is named.
func (a *action) readPlanFile() error {
	if a.in["plan-file"] == "" || a.in["command"] != "build" {
		return nil
	}
	name, err := a.planFilePath()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(a.workspace()) // links do not lead out of it
	if err != nil {
		return fmt.Errorf("opening the workspace: %w", err)
	}
	var raw []byte
	f, err := root.Open(name)
	if err == nil {
		raw, err = readOpen(f, largestPlan)
		err = errors.Join(err, f.Close())
	}
	if closed := root.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("reading the plan file: %w", err)
	}
	a.saved.file = filepath.Join(a.workspace(), name)
	if want := a.in["plan-digest"]; want != "" {
		if got := digest(raw); got != want {
			return fmt.Errorf("the plan file is not the one that was planned: its digest was %s and is %s", want, got)
		}
		a.saved.trusted = true
	}
	_, a.saved.bound, err = unbind(raw)
	if err == nil && a.saved.bound == nil {
		err = errUnbound
	}
	return err
}

// meant refuses a plan that is of another job, before anything is planned or asked.
func (s savedPlan) meant(now binding) error {
	if s.bound == nil {
		return nil
	}
	now.Configuration, now.Account, now.Region = s.bound.Configuration, s.bound.Account, s.bound.Region
	return s.refuse(now)
}

// refuse says why a plan is not carried out in this job; nil where it may be.
func (s savedPlan) refuse(now binding) error {
	differences := s.bound.prove(now, s.trusted)
	if len(differences) == 0 {
		return nil
	}
	for i, d := range differences {
		differences[i] = report.Neutral(d)
	}
	return mistake("plan again in this run, or hand on the plan's digest: plan-digest: ${{ needs.plan.outputs.plan-digest }}", "the plan file was not made for this job: %s", strings.Join(differences, "; "))
}

// job is what this job binds plans to.
func (a *action) job() binding {
	return binding{
		Version: version, Repository: a.env.Repository.ID, SHA: a.env.Head, PullRequest: a.env.PullRequest,
		Run: a.env.RunID, Created: a.p.now().UTC(),
	}
}

// planned is told of every plan before it is shown or carried out.
func (a *action) planned(g *planning, plan *planner.Plan) error {
	var b bytes.Buffer
	if err := redactedJSON(&b, g.cfg, func(w io.Writer) error { return planJSON(w, plan) }); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	a.plan = b.Bytes()
	a.planDigest = digest(a.plan)
	switch {
	case g.command == "plan" && a.in["plan-file"] != "" && a.in["command"] == "plan":
		return a.writePlanFile()
	case g.command == "build":
		if err := a.provePlan(); err != nil {
			return err
		}
		l, err := a.ledgerOf(plan)
		if err == nil {
			err = a.keep(l)
		}
		if err != nil {
			return &exit{status: statusFailed, err: err, hint: "nothing was begun"}
		}
	}
	return nil
}

// writePlanFile writes the plan bound to this job.
func (a *action) writePlanFile() error {
	name, err := a.planFilePath()
	if err != nil {
		return mistake("name a file in the workspace", "%w", err)
	}
	file, err := bind(a.plan, a.job())
	if err == nil {
		err = a.write(name, file)
	}
	if err != nil {
		return &exit{status: statusFailed, err: fmt.Errorf("writing the plan file: %w", err)}
	}
	a.planDigest, a.planFile = digest(file), filepath.Join(a.workspace(), name)
	return nil
}

// provePlan refuses a plan that was made for something else than this job. That it is also what would be
// planned now was compared before.
func (a *action) provePlan() error {
	if a.saved.bound == nil {
		return nil
	}
	doc, err := planner.ParsePlan(a.plan)
	if err != nil {
		return &exit{status: statusFailed, err: err}
	}
	return a.saved.refuse(a.job().of(bytes.TrimSpace(a.plan), doc))
}
