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
	streams *streams
	secrets *secrets
	asker   *asker            // nil where nobody can be asked
	asked   map[string]string // SSM parameters that were asked for
	// chain are the documents that led to a nested one, outermost first; depth is their number.
	chain []string
	depth int
	// resume is where an earlier run stopped, and stop is where this one does, for a reboot; else nil.
	resume *State
	stop   *frame
}

func newRunner(job Job, env []string, emit func(Event)) *runner {
	if job.WorkingDirectory == "" {
		job.WorkingDirectory = "/tmp"
	}
	hidden := &secrets{}
	return &runner{
		job: job, emit: func(e Event) { emit(hidden.event(e)) }, result: &Result{Status: Success},
		streams: &streams{}, secrets: hidden, asked: map[string]string{},
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
	resume *frame // where to go on after a reboot; nil for the beginning
	place  int    // in Job.Documents
}

// A record is what later steps may refer to.
type record struct {
	Inputs  []Input             `json:"inputs,omitempty"`
	Outputs []map[string]string `json:"outputs,omitempty"`
}

// run carries out the job. All documents are read before the first one starts.
func (r *runner) run(ctx context.Context) *Result {
	defer r.streams.end()
	defer func() { r.secrets.result(r.result) }()
	if r.resume != nil {
		r.result = &r.resume.Result
		r.result.Reboot = false
		r.log(Event{}, "Recovery completed for detailed output.")
		r.log(Event{}, "Executor: System has rebooted successfully")
	} else {
		r.log(Event{}, "Setup: STARTED SETUP")
	}
	docs := r.load()
	if r.result.Status == Failed && (r.resume == nil || len(docs) < len(r.job.Documents)) {
		return r.result
	}
	if r.reason == "" && r.job.Start == "" {
		if err := os.MkdirAll(r.job.WorkingDirectory, 0o755); err != nil { //nolint:gosec // the image's users need to enter it
			r.refuse(Event{}, "The working directory cannot be made: "+err.Error()+".")
			return r.result
		}
	}
	r.debug(Event{}, "Setup: FINISHED SETUP")
	r.debug(Event{}, "Executor: STARTED EXECUTION OF ALL DOCUMENTS")
	if r.each(ctx, docs); r.stop == nil {
		r.debug(Event{}, "Executor: FINISHED EXECUTION OF ALL DOCUMENTS")
		r.conclude()
	}
	return r.result
}

// each runs the documents one after another, from where an earlier run stopped.
func (r *runner) each(ctx context.Context, docs []*documentRun) {
	for i, d := range docs {
		if r.resume != nil {
			switch at := r.resume.Frame; {
			case i < at.Document:
				continue
			case i == at.Document:
				d.resume, d.ran, d.status = &at, at.Ran, at.Status
			}
		}
		if d.ran == nil {
			d.ran = map[string]record{}
		}
		d.run(ctx)
		if r.stop != nil {
			r.stop.Document, r.result.Reboot = i, true
			return
		}
		r.sum(d)
		if d.status == Failed {
			return
		}
	}
}

// load reads every document and says of all of them what is wrong.
func (r *runner) load() []*documentRun {
	var docs []*documentRun
	for i, jd := range r.job.Documents {
		d := &documentRun{runner: r, JobDocument: jd, ran: map[string]record{}, status: Success, place: i}
		d.say("Setup: Document " + d.source())
		var diags hcl.Diagnostics
		r.debug(d.event(), "Setup: STARTED PARSING DOCUMENT %s", d.Name)
		d.doc, diags = Parse([]byte(jd.Source), jd.Name)
		r.debug(d.event(), "Setup: FINISHED PARSING DOCUMENT %s", d.Name)
		for _, diag := range diags {
			if diag.Severity == hcl.DiagError {
				r.refuse(d.event(), fmt.Sprintf("%s: line %d: %s", d.Name, diag.Subject.Start.Line, diag.Detail))
			}
		}
		if diags.HasErrors() {
			continue
		}
		r.debug(d.event(), "Setup: STARTED DOCUMENT VALIDATION FOR PARAMETERS")
		for _, problem := range d.bind() {
			r.refuse(d.event(), problem)
		}
		r.debug(d.event(), "Setup: FINISHED DOCUMENT VALIDATION FOR PARAMETERS")
		docs = append(docs, d)
	}
	return docs
}

// source says where a document is from; AWSTOE's words for local paths are known.
func (d *documentRun) source() string {
	switch {
	case d.ARN != "":
		return d.ARN + " is a component build version ARN"
	case strings.HasPrefix(d.Name, "s3://"):
		return d.Name + " is an S3 path"
	}
	return d.Name + " is a local path"
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
	defer func() {
		if d.stop == nil {
			d.mark(DocumentFinished, "", d.status)
		}
	}()
	d.say("Document " + d.Name)
	for i := range d.doc.Phases {
		ph := &d.doc.Phases[i]
		if len(d.job.Phases) > 0 && !slices.Contains(d.job.Phases, ph.Name) || d.resume != nil && i < d.resume.Phase {
			continue
		}
		stop := d.runPhase(ctx, ph)
		if d.stop != nil {
			d.stop.Phase, d.stop.Status, d.stop.Ran = i, d.status, kept(d.ran)
		}
		if stop {
			return
		}
		d.resume = nil
	}
}

// runPhase carries out one phase and reports whether it ends the document.
func (d *documentRun) runPhase(ctx context.Context, ph *Phase) (stop bool) {
	d.mark(PhaseStarted, ph.Name, "")
	d.say("Phase " + ph.Name)
	status, from := Success, 0
	if d.resume != nil {
		status, from = d.resume.PhaseStatus, d.resume.Step
	}
	for j := from; j < len(ph.Steps); j++ {
		s := &stepRun{documentRun: d, phase: ph.Name, step: &ph.Steps[j]}
		if d.resume != nil && j == from && d.resume.Decided {
			s.resume = d.resume
		}
		stop = s.run(ctx)
		if d.stop != nil {
			d.stop.Step, d.stop.PhaseStatus = j, status
			if !d.stop.Decided {
				d.stop.Step, d.stop.PhaseStatus = j+1, worse(status, s.result.Status)
			}
			return true
		}
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

// kept is what steps left, in the form in which it can be read back.
func kept(ran map[string]record) map[string]record {
	out := map[string]record{}
	for step, r := range ran {
		c := record{Outputs: r.Outputs}
		for _, in := range r.Inputs {
			texts := Input{}
			for name, v := range in {
				texts[name] = asText(v)
			}
			c.Inputs = append(c.Inputs, texts)
		}
		out[step] = c
	}
	return out
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

// debug logs what AWSTOE writes to application.log alone, when the job asks for it.
func (r *runner) debug(e Event, format string, args ...any) {
	if !r.job.Debug {
		return
	}
	e.Kind, e.Time, e.Line = DebugLine, now(), oneLine(fmt.Sprintf(format, args...), maxLine)
	r.emit(e)
}

func (d *documentRun) event() Event {
	return Event{Document: d.Name, ARN: d.ARN, Index: d.place, Depth: d.depth}
}

func (d *documentRun) say(line string) { d.log(d.event(), line) }

func now() time.Time { return time.Now().UTC() }
