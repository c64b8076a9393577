package sandbox

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/component"
)

// A task is one step of one of AWS's own workflows. A nil do is a step that has nothing to do on
// this machine, which has no instances.
type task struct {
	name, action string
	skip         bool
	unless       func() bool // skips it, too; what was known only when it came to its turn
	do           func(context.Context) (outputs object, err error)
}

// build is AWS's build-image workflow.
func (m *making) build(ctx context.Context) error {
	windows := text(m.fixed, "platform") == "Windows"
	if err := m.enter(ctx, "CREATING"); err != nil {
		return err
	}
	m.tellUndone()
	err := m.workflow(ctx, "build/build-image", []task{
		{name: "LaunchBuildInstance", action: "LaunchInstance"},
		{name: "ApplyBuildComponents", action: "ExecuteComponents", do: m.applyBuild},
		{name: "InventoryCollection", action: "CollectImageMetadata", unless: func() bool { return !m.collects() }, do: m.collect},
		{name: "RunSanitizeScript", action: "SanitizeInstance", skip: windows},
		{name: "RunSysPrepScript", action: "RunSysPrep", skip: !windows},
		{name: "CreateOutputAMI", action: "CreateImage", do: m.createAMI},
		{name: "TerminateBuildInstance", action: "TerminateInstance"},
	})
	if err != nil {
		return err
	}
	m.change(func() { m.w.From = map[bool]string{true: "TESTING", false: "DISTRIBUTING"}[m.w.Test] })
	return nil
}

// test is AWS's test-image workflow: a fresh root on top of the result, thrown away afterwards.
func (m *making) test(ctx context.Context) error {
	if err := m.enter(ctx, "TESTING"); err != nil {
		return err
	}
	err := m.workflow(ctx, "test/test-image", []task{
		{name: "LaunchTestInstance", action: "LaunchInstance"},
		{name: "CollectImageScanFindings", action: "CollectImageScanFindings", skip: true},
		{name: "ApplyTestComponents", action: "ExecuteComponents", do: func(ctx context.Context) (object, error) {
			spec := m.b.spec(m.rootKind())
			if _, err := m.standOn(ctx, &spec, m.w.Layers); err != nil {
				return nil, err
			}
			spec.Lowers = m.b.layers(m.w.Layers)
			return m.components(ctx, spec, "test")
		}},
		{name: "TerminateTestInstance", action: "TerminateInstance"},
	})
	if err != nil {
		return err
	}
	m.change(func() { m.w.From = "DISTRIBUTING" })
	return nil
}

// workflow runs one workflow's steps, keeping its record.
func (m *making) workflow(ctx context.Context, name string, tasks []task) error {
	typ, _, _ := strings.Cut(name, "/")
	m.change(func() {
		m.wf = &execution{
			ID: "wf-" + uuid.NewString(), Image: m.r.ARN, Status: "RUNNING", Total: len(tasks), Started: m.b.opts.Now(),
			Workflow: arnPrefix(m.r.ref.region, "aws") + "workflow/" + name + "/1.0.0/1",
			Type:     strings.ToUpper(typ),
		}
		m.b.db.executions.put(m.wf.ID, m.wf)
	})
	for _, t := range tasks {
		if err := m.perform(ctx, t); err != nil {
			return err
		}
	}
	m.change(func() {
		m.wf.end("COMPLETED", "", m.b.opts.Now())
		m.b.db.executions.put(m.wf.ID, m.wf)
	})
	m.wf, m.step = nil, nil
	return nil
}

func (m *making) perform(ctx context.Context, t task) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	m.change(func() {
		m.step = &stepExecution{ID: "step-" + uuid.NewString(), Name: t.name, Action: t.action, Status: "RUNNING", Started: m.b.opts.Now()}
		m.wf.Steps = append(m.wf.Steps, m.step)
		m.b.db.executions.put(m.wf.ID, m.wf)
	})
	var outputs object
	status, message := "COMPLETED", ""
	var err error
	switch {
	case t.skip, t.unless != nil && t.unless():
		status = "SKIPPED"
	case t.do == nil:
		message = "The sandbox has no instances: nothing was done."
	default:
		from := m.b.logs.length(m.log)
		outputs, err = t.do(ctx)
		if t.action == "ExecuteComponents" {
			m.copyLog(from)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			status, message = "FAILED", err.Error()
		} else {
			status = "CANCELLED"
		}
	}
	m.change(func() {
		m.step.Status, m.step.Message, m.step.Ended = status, clip(message, 500), m.b.opts.Now()
		if outputs != nil {
			m.step.Outputs = canonical(outputs)
		}
		m.b.db.executions.put(m.wf.ID, m.wf)
	})
	m.say("Workflow step %s (%s): %s", t.name, t.action, status)
	return err
}

// end closes an execution and what is still running of it.
func (e *execution) end(status, message string, now time.Time) {
	e.Status, e.Message, e.Ended = status, message, now
	for _, s := range e.Steps {
		if s.Status == "RUNNING" {
			s.Status, s.Message, s.Ended = status, message, now
		}
	}
}

// rootKind is where this image's components run: nowhere unless it is Linux.
func (m *making) rootKind() string {
	if text(m.fixed, "platform") != "Linux" {
		return component.RootNone
	}
	return m.b.kind
}

// applyBuild runs phases build and validate on top of the base image's layers.
func (m *making) applyBuild(ctx context.Context) (object, error) {
	if err := m.enter(ctx, "BUILDING"); err != nil {
		return nil, err
	}
	spec := m.b.spec(m.rootKind())
	stand, err := m.standOn(ctx, &spec, m.w.Base)
	if err != nil {
		return nil, err
	}
	if spec.Kind != component.RootNone {
		m.say("Sandbox: %s stands for the base image %s; only what images built here changed is on top of it.%s", cmp.Or(spec.BaseName, spec.Base, "this machine"), text(m.fixed, "imageRecipe", "parentImage"), because(stand.Why))
	}
	if err = m.b.remember(m.layer(), stand.Name); err != nil {
		return nil, err
	}
	spec.Upper = filepath.Join(m.b.dir, "layers", m.layer())
	spec.Lowers = m.b.layers(m.w.Base)
	if err = m.b.discard(spec.Upper); err != nil {
		return nil, err
	}
	out, err := m.components(ctx, spec, "build", "validate")
	if err != nil {
		if derr := m.b.discard(spec.Upper); derr != nil {
			m.b.opts.Log(derr.Error())
		}
	}
	return out, err
}

// components runs phases of all the image's components in one job, in the recipe's order.
func (m *making) components(ctx context.Context, spec component.RootSpec, phases ...string) (object, error) {
	select {
	case <-m.b.reached:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	root, err := component.OpenRoot(ctx, spec, m.b.opts.Self)
	if err != nil {
		return nil, err
	}
	m.say("Sandbox: %s", root.Describe())
	res, err := root.Run(ctx, m.job(phases), func(e component.Event) {
		if e.Kind == component.LogLine {
			m.line(m.b.opts.Now(), e.Line)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, err
	}
	return m.outcome(root, res)
}

func (m *making) outcome(root component.Root, res *component.Result) (object, error) {
	out := object{"status": string(res.Status), "output": canonical(object{
		"executedStepCount": res.ExecutedSteps, "failedStepCount": res.Failed, "ignoredFailedStepCount": res.IgnoredFailed,
	})}
	if res.Status == component.NotRun {
		why := root.Describe()
		if platform := text(m.fixed, "platform"); platform != "Linux" {
			why = "it cannot run those of a " + platform + " image"
		}
		m.change(func() {
			m.w.NotRun = "The sandbox ran none of the recipe's components: " + strings.TrimSuffix(why, ".") + "."
		})
		m.say("%s", m.w.NotRun)
		return out, nil
	}
	if res.Status == component.Success || res.Status == component.SuccessWithIgnoredFailure {
		return out, nil
	}
	stop := &stopped{message: res.FailureMessage}
	if f := res.FirstFailure; f != nil {
		stop.component = object{
			"componentArn": f.ARN, "phaseName": f.Phase, "stepName": f.Name, "action": f.Action,
			"errorMessage": nonEmpty(clip(f.Message, 1024)),
		}
	}
	return out, stop
}

// job gathers the documents and what they may refer to.
func (m *making) job(phases []string) component.Job {
	m.b.db.Lock()
	defer m.b.db.Unlock()
	job := component.Job{
		Phases:           phases,
		S3Endpoint:       m.b.endpoint,
		Resolver:         resolver{m.b, m.w.Account, m.r.ref.region},
		WorkingDirectory: text(m.fixed, "imageRecipe", "workingDirectory"),
	}
	for _, u := range m.w.Uses {
		d := component.JobDocument{Name: u.ARN, ARN: u.ARN, Parameters: u.Parameters}
		if c := m.b.db.exact(u.ARN); c != nil {
			d.Name, d.Source = text(c.Body, "name"), text(c.Body, "data")
			d.Unsupported = unsupportedHere(c)
		}
		job.Documents = append(job.Documents, d)
	}
	return job
}
