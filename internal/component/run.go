package component

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// A runner carries out one job in the process it is in.
type runner struct {
	job    Job
	env    []string
	emit   func(Event)
	result *Result
	// reason is why nothing is run; "" where everything is.
	reason string
	// streams are the pipes of background processes that outlive their step.
	streams streams
}

func newRunner(job Job, env []string, emit func(Event)) *runner {
	if job.WorkingDirectory == "" {
		job.WorkingDirectory = "/tmp"
	}
	return &runner{
		job: job, emit: emit, result: &Result{Status: Success},
		env: append(slices.Clip(env), "WORKING_DIRECTORY="+job.WorkingDirectory),
	}
}

// A documentRun is one document of a job while it runs.
type documentRun struct {
	*runner
	JobDocument
	doc    *Document
	values map[string]string // parameters and constants
	ran    map[string]record // what steps left, by "phase.step"
	status Status
	place  int // in Job.Documents
}

// A record is what later steps may refer to.
type record struct {
	inputs  []Input
	outputs []map[string]string
}

// run carries out the job. All documents are read before the first one starts.
func (r *runner) run(ctx context.Context) *Result {
	defer r.streams.end()
	r.log(Event{}, "Setup: STARTED SETUP")
	docs := r.load()
	if r.result.Status == Failed {
		return r.result
	}
	if r.reason == "" && r.job.Start == "" {
		if err := os.MkdirAll(r.job.WorkingDirectory, 0o755); err != nil { //nolint:gosec // the image's users need to enter it
			r.refuse(Event{}, "The working directory cannot be made: "+err.Error()+".")
			return r.result
		}
	}
	for _, d := range docs {
		d.run(ctx)
		r.sum(d)
		if d.status == Failed {
			break
		}
	}
	r.conclude()
	return r.result
}

// load reads every document and says of all of them what is wrong.
func (r *runner) load() []*documentRun {
	var docs []*documentRun
	for i, jd := range r.job.Documents {
		d := &documentRun{runner: r, JobDocument: jd, ran: map[string]record{}, status: Success, place: i}
		if d.ARN == "" {
			d.say("Setup: Document " + d.Name + " is a local path")
		} else {
			d.say("Setup: Document " + d.ARN + " is a component build version ARN")
		}
		var diags hcl.Diagnostics
		d.doc, diags = Parse([]byte(jd.Source), jd.Name)
		for _, diag := range diags {
			if diag.Severity == hcl.DiagError {
				r.refuse(d.event(), fmt.Sprintf("%s: line %d: %s", d.Name, diag.Subject.Start.Line, diag.Detail))
			}
		}
		if diags.HasErrors() {
			continue
		}
		for _, problem := range d.bind() {
			r.refuse(d.event(), problem)
		}
		docs = append(docs, d)
	}
	return docs
}

// refuse ends the job before anything ran.
func (r *runner) refuse(e Event, why string) {
	r.log(e, "Setup: "+why)
	r.result.Status = Failed
	if r.result.FailureMessage == "" {
		r.result.FailureMessage = why
	}
}

// bind gives the document's parameters their values.
func (d *documentRun) bind() []string {
	var problems, unknown []string
	d.values = map[string]string{}
	for _, c := range d.doc.Constants {
		d.values[c.Name] = c.Value
	}
	for _, name := range slices.Sorted(maps.Keys(d.Parameters)) {
		if d.doc.Parameter(name) == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		problems = append(problems, "The following parameters are not defined in the provided component: "+strings.Join(unknown, ", "))
	}
	for _, p := range d.doc.Parameters {
		v, given := d.Parameters[p.Name]
		switch {
		case !given && !p.HasDefault:
			problems = append(problems, fmt.Sprintf("The parameter %s has no default and was given no value.", p.Name))
		case !given:
			v = p.Default
		case len(p.Allowed) > 0 && !slices.Contains(p.Allowed, v):
			problems = append(problems, fmt.Sprintf("The value %q of the parameter %s is not among its allowedValues: %s.", v, p.Name, strings.Join(p.Allowed, ", ")))
		}
		d.values[p.Name] = v
	}
	return problems
}

// run carries out the selected phases of a document.
func (d *documentRun) run(ctx context.Context) {
	d.mark(DocumentStarted, "", "")
	defer func() { d.mark(DocumentFinished, "", d.status) }()
	d.say("Document " + d.Name)
	for i := range d.doc.Phases {
		ph := &d.doc.Phases[i]
		if len(d.job.Phases) > 0 && !slices.Contains(d.job.Phases, ph.Name) {
			continue
		}
		if stop := d.runPhase(ctx, ph); stop {
			return
		}
	}
}

// runPhase carries out one phase and reports whether it ends the document.
func (d *documentRun) runPhase(ctx context.Context, ph *Phase) (stop bool) {
	d.mark(PhaseStarted, ph.Name, "")
	d.say("Phase " + ph.Name)
	status := Success
	for j := range ph.Steps {
		s := &stepRun{documentRun: d, phase: ph.Name, step: &ph.Steps[j]}
		stop = s.run(ctx)
		status = worse(status, s.result.Status)
		if stop = stop || ctx.Err() != nil; stop {
			break
		}
	}
	d.mark(PhaseFinished, ph.Name, status)
	return stop
}

// worse is a phase's status after one more of its steps.
func worse(phase, step Status) Status {
	switch {
	case step == NotRun:
		return NotRun
	case step == Failed || step == Unsupported || phase == Failed:
		return Failed
	case step == IgnoredFailure:
		return SuccessWithIgnoredFailure
	}
	return phase
}

// mark tells that a document or a phase of it begins or has ended.
func (d *documentRun) mark(kind EventKind, phase string, status Status) {
	e := d.event()
	e.Kind, e.Time, e.Phase, e.Status = kind, now(), phase, status
	d.emit(e)
}

// sum adds a finished document to the result.
func (r *runner) sum(d *documentRun) {
	switch {
	case d.status == Failed:
		r.result.Status = Failed
		name := d.ARN
		if name == "" {
			name = d.Name
		}
		if r.result.FailureMessage == "" {
			r.result.FailureMessage = "Document " + name + " failed!"
		}
	case d.status == SuccessWithIgnoredFailure && r.result.Status == Success:
		r.result.Status = SuccessWithIgnoredFailure
	}
}

// conclude writes the last lines of the log; newer versions of AWSTOE add a block on the first failure.
func (r *runner) conclude() {
	if r.reason != "" {
		r.result.Status = NotRun
		r.log(Event{}, "Nothing was run: "+r.reason)
		return
	}
	if r.result.Status != Failed {
		r.log(Event{}, "TOE has completed execution successfully")
		return
	}
	r.log(Event{}, "TOE has completed execution with failure - Execution failed!")
	f := r.result.FirstFailure
	if f == nil {
		return
	}
	e := Event{Document: f.Document, ARN: f.ARN, Phase: f.Phase, Step: f.Name, Action: f.Action}
	lines := []string{"Document: " + f.Document, "ComponentArn: " + f.ARN, "Phase: " + f.Phase, "Step: " + f.Name, "Action: " + f.Action}
	if f.Message != "" {
		lines = append(lines, "ErrorMessage: "+f.Message)
	}
	for _, l := range lines {
		r.log(e, l)
	}
	if f.Stderr != "" {
		r.block(e, "Stderr: "+f.Stderr)
	}
}

func (r *runner) log(e Event, line string) { r.block(e, oneLine(line, maxLine+256)) }

// block logs a text that may have several lines.
func (r *runner) block(e Event, text string) {
	e.Kind, e.Time, e.Line = LogLine, now(), text
	r.emit(e)
}

func (d *documentRun) event() Event { return Event{Document: d.Name, ARN: d.ARN, Index: d.place} }

func (d *documentRun) say(line string) { d.log(d.event(), line) }

func now() time.Time { return time.Now().UTC() }
