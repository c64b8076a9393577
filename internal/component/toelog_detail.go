package component

import (
	"time"
)

// running is the status of what has begun and not ended; AWS publishes no word for it.
const running Status = "inProgress"

// A detail is detailedoutput.json.
type detail struct {
	ExecutionID    string            `json:"executionId"`
	Status         Status            `json:"status"`
	StartTime      string            `json:"startTime"`
	EndTime        string            `json:"endTime"`
	FailureMessage string            `json:"failureMessage"`
	Documents      []*detailDocument `json:"documents"`
}

type detailDocument struct {
	Name           string         `json:"name"`
	FilePath       string         `json:"filePath"`
	Status         Status         `json:"status"`
	Description    string         `json:"description"`
	StartTime      string         `json:"startTime"`
	EndTime        string         `json:"endTime"`
	FailureMessage string         `json:"failureMessage"`
	Phases         []*detailPhase `json:"phases"`
}

type detailPhase struct {
	Name           string        `json:"name"`
	Status         Status        `json:"status"`
	StartTime      string        `json:"startTime"`
	EndTime        string        `json:"endTime"`
	FailureMessage string        `json:"failureMessage"`
	Steps          []*detailStep `json:"steps"`
}

type detailStep struct {
	Name           string `json:"name"`
	Status         Status `json:"status"`
	FailureMessage string `json:"failureMessage"`
	TimeoutSeconds int    `json:"timeoutSeconds"`
	OnFailure      string `json:"onFailure"`
	MaxAttempts    int    `json:"maxAttempts"`
	Action         string `json:"action"`
	StartTime      string `json:"startTime"`
	EndTime        string `json:"endTime"`
	// Inputs and Outputs are texts that hold JSON arrays.
	Inputs  string      `json:"inputs"`
	Outputs string      `json:"outputs"`
	Loop    *detailLoop `json:"loop"`
	// DetailedOutput holds what ExecuteDocument ran, one entry per iteration.
	DetailedOutput []*detail `json:"detailedOutput"`
}

// A detailLoop is a step's loop as the document writes it.
type detailLoop struct {
	Name    string    `json:"name,omitempty"`
	For     *countFor `json:"for,omitempty"`
	ForEach any       `json:"forEach,omitempty"`
}

type countFor struct {
	Start    int `json:"start"`
	End      int `json:"end"`
	UpdateBy int `json:"updateBy"`
}

type listFor struct {
	List      string `json:"list"`
	Delimiter string `json:"delimiter,omitempty"`
}

func loopOf(l *Loop) *detailLoop {
	switch {
	case l == nil:
		return nil
	case l.For.Step != 0:
		return &detailLoop{Name: l.Name, For: &countFor{l.For.Start, l.For.End, l.For.Step}}
	case l.List != "":
		return &detailLoop{Name: l.Name, ForEach: listFor{l.List, l.Delimiter}}
	}
	return &detailLoop{Name: l.Name, ForEach: l.Each}
}

// A detailFile keeps detailedoutput.json: documents, phases and steps appear in it as they begin.
type detailFile struct {
	jsonFile
	detail detail
	docs   []*Document // nil where one cannot be read
	names  []JobDocument
	at     map[int]*detailDocument // by place in the job
}

func newDetailFile(dir string, run LogRun) *detailFile {
	d := &detailFile{
		names:  run.Documents,
		at:     map[int]*detailDocument{},
		detail: detail{ExecutionID: run.ExecutionID, Status: running, StartTime: seconds(run.Start), Documents: []*detailDocument{}},
	}
	d.jsonFile = newJSONFile(dir, "detailedoutput.json", &d.detail)
	for _, jd := range run.Documents {
		doc, _ := Parse([]byte(jd.Source), jd.Name) // the run itself says what is wrong with it
		d.docs = append(d.docs, doc)
	}
	return d
}

// read recovers the file after a reboot.
func (d *detailFile) read() error {
	if err := d.jsonFile.read(); err != nil {
		return err
	}
	for i, doc := range d.detail.Documents {
		d.at[i] = doc
	}
	return nil
}

// seconds is a time as detailedoutput.json writes it; nothing for none.
func seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// begin adds what begins, unless it began before a reboot.
func (d *detailFile) begin(e Event) {
	doc := d.document(e)
	if e.Kind == DocumentStarted {
		return
	}
	ph := doc.phase(e)
	if e.Kind == StepStarted {
		d.step(ph, e)
	}
}

func (d *detailFile) document(e Event) *detailDocument {
	if doc, ok := d.at[e.Index]; ok {
		return doc
	}
	doc := &detailDocument{Name: e.Document, FilePath: e.Document, Status: running, StartTime: seconds(e.Time), Phases: []*detailPhase{}}
	if e.Index < len(d.docs) && d.docs[e.Index] != nil {
		doc.Name, doc.Description = d.docs[e.Index].Name, d.docs[e.Index].Description
	}
	d.at[e.Index] = doc
	d.detail.Documents = append(d.detail.Documents, doc)
	return doc
}

func (doc *detailDocument) phase(e Event) *detailPhase {
	for _, ph := range doc.Phases {
		if ph.Name == e.Phase {
			return ph
		}
	}
	ph := &detailPhase{Name: e.Phase, Status: running, StartTime: seconds(e.Time), Steps: []*detailStep{}}
	doc.Phases = append(doc.Phases, ph)
	return ph
}

func (d *detailFile) step(ph *detailPhase, e Event) *detailStep {
	for _, s := range ph.Steps {
		if s.Name == e.Step {
			return s
		}
	}
	s := &detailStep{
		Name: e.Step, Action: e.Action, Status: running, StartTime: seconds(e.Time),
		TimeoutSeconds: int(defaultTimeout / time.Second), OnFailure: Abort, MaxAttempts: 1, Inputs: "[]", Outputs: "[]",
	}
	if e.Index < len(d.docs) {
		s.written(d.docs[e.Index].step(e.Phase, e.Step))
	}
	ph.Steps = append(ph.Steps, s)
	return s
}

// written takes in what the document says of a step.
func (s *detailStep) written(step *Step) {
	if step == nil {
		return
	}
	if step.TimeoutSeconds != 0 {
		s.TimeoutSeconds = step.TimeoutSeconds
	}
	s.MaxAttempts, s.OnFailure = max(1, step.MaxAttempts), orDefault(step.OnFailure, Abort)
	s.Loop = loopOf(step.Loop)
	if !step.DisableLogging {
		s.Inputs = asJSON(orEmpty(reportedInputs(step.Inputs)))
	}
}

// step returns a step by name, or nil.
func (d *Document) step(phase, name string) *Step {
	if d == nil {
		return nil
	}
	ph := d.Phase(phase)
	if ph == nil {
		return nil
	}
	for i := range ph.Steps {
		if ph.Steps[i].Name == name {
			return &ph.Steps[i]
		}
	}
	return nil
}

// end completes what ended.
func (d *detailFile) end(e Event) {
	doc := d.document(e)
	switch e.Kind { //nolint:exhaustive // see LogFolder.Take
	case DocumentFinished:
		doc.Status, doc.EndTime = e.Status, seconds(e.Time)
		for _, ph := range doc.Phases {
			if ph.Status == Failed && doc.FailureMessage == "" {
				doc.FailureMessage = "Phase " + ph.Name + " failed!"
			}
		}
	case PhaseFinished:
		ph := doc.phase(e)
		ph.Status, ph.EndTime = e.Status, seconds(e.Time)
		for _, s := range ph.Steps {
			if (s.Status == Failed || s.Status == Unsupported) && ph.FailureMessage == "" {
				ph.FailureMessage = "Step " + s.Name + " failed!"
			}
		}
	case StepFinished:
		if e.Result != nil {
			d.step(doc.phase(e), e).ended(e.Result)
		}
	}
}

// ended takes in a step's result.
func (s *detailStep) ended(r *StepResult) {
	s.Status, s.FailureMessage, s.EndTime = r.Status, r.Message, seconds(r.End)
	if r.OnFailure != "" {
		s.TimeoutSeconds, s.OnFailure, s.MaxAttempts = r.TimeoutSeconds, r.OnFailure, r.MaxAttempts
	}
	if len(r.Inputs) > 0 {
		s.Inputs = asJSON(r.Inputs)
	}
	s.Outputs = asJSON(orEmpty(r.Outputs))
	for _, n := range r.Nested {
		s.DetailedOutput = append(s.DetailedOutput, nestedDetail(n))
	}
}

// nestedDetail is the run of a nested document, which has no folder of its own.
func nestedDetail(r *Result) *detail {
	if r == nil {
		return nil
	}
	d := &detailFile{at: map[int]*detailDocument{}, detail: detail{Status: r.Status, FailureMessage: r.FailureMessage, Documents: []*detailDocument{}}}
	for i := range r.Steps {
		step := &r.Steps[i]
		e := Event{Kind: StepStarted, Time: step.Start, Document: step.Document, Phase: step.Phase, Step: step.Name, Action: step.Action}
		ph := d.document(e).phase(e)
		d.step(ph, e).ended(step)
		ph.Status, ph.EndTime = worse(firstStatus(ph), step.Status), seconds(step.End)
	}
	for _, doc := range d.detail.Documents {
		doc.Status, doc.FailureMessage = r.Status, r.FailureMessage
		if last := len(doc.Phases) - 1; last >= 0 {
			doc.EndTime = doc.Phases[last].EndTime
		}
	}
	if n := len(r.Steps); n > 0 {
		d.detail.StartTime, d.detail.EndTime = seconds(r.Steps[0].Start), seconds(r.Steps[n-1].End)
	}
	return &d.detail
}

func firstStatus(ph *detailPhase) Status {
	if ph.Status == running {
		return Success
	}
	return ph.Status
}

// finish completes the file with how the whole run came out.
func (d *detailFile) finish(status Status, message string, at time.Time) {
	d.detail.Status, d.detail.FailureMessage, d.detail.EndTime = status, message, seconds(at)
}

// orEmpty makes a list that is not there an empty one, which JSON tells apart.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
