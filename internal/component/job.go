package component

import (
	"context"
	"time"
)

// A Job is what one run does: documents, one after another, each with the phases asked for.
type Job struct {
	Documents []JobDocument
	// Phases are the names of the phases to run; none means all. Documents decide the order.
	Phases []string
	// S3Endpoint is where S3Download and S3Upload send plain path-style requests
	// ("http://127.0.0.1:4566"); without one those actions fail.
	S3Endpoint string
	// SSM holds the values of {{ aws:ssm:NAME }} by NAME.
	SSM map[string]string
	// WorkingDirectory is where scripts start and their $WORKING_DIRECTORY; "" for /tmp.
	// It is made when it does not exist.
	WorkingDirectory string
	// Start is where scripts start, and relative paths with them, when that is another directory
	// than WorkingDirectory; it must exist.
	Start string
	// Debug asks for the further events of kind DebugLine.
	Debug bool
	// Blocked are actions that fail instead of running.
	Blocked []string
	// Components are the documents of {action: ExecuteDocument} by the ARN of their build version;
	// what is not among them is asked of the Resolver.
	Components map[string]string
	// Reboots says how a reboot is met; "" for RebootMarker.
	Reboots RebootMode
	// StateDirectory is where a run in RebootExit mode leaves where it stands, for the next run to
	// take up ([ReadState]). It is a directory of the machine, also when the root is another.
	StateDirectory string
	// Resolver answers what a document refers to and the job does not hold; nil where nobody does.
	Resolver Resolver `json:"-"`
}

// A RebootMode is how a run meets the action Reboot, or a script that ends with status 194.
type RebootMode string

// The modes.
const (
	// RebootMarker marks it in the log and goes on: with the same step after 194, at most five
	// times, with the next one after Reboot.
	RebootMarker RebootMode = "marker"
	// RebootExit ends the run with Result.Reboot, as AWSTOE does under an agent that restarts the
	// machine. The state is kept in Job.StateDirectory, and the next run with that directory goes on
	// from there, whatever its own documents are.
	RebootExit RebootMode = "exit"
)

// A Resolver fetches from outside of the root what documents refer to. It is called in the process
// that runs the root, while the step waits; ctx ends with the step's time.
type Resolver interface {
	// Parameter is a value of SSM Parameter Store by its name ("/app/key"). secret says that it is a
	// SecureString, which is kept out of logs and results.
	Parameter(ctx context.Context, name string) (value string, secret bool, err error)
	// Document is the text that ExecuteDocument names by an s3:// address or the ARN of a component's
	// build version. owner is the account that must own the bucket; "" for any.
	Document(ctx context.Context, address, owner string) (source string, err error)
}

// A JobDocument is one document of a job and the values of its parameters.
type JobDocument struct {
	Name   string // as it appears in the log; a file's base name or a component's name
	ARN    string // the component's build version; "" outside Image Builder
	Source string // YAML or JSON
	// Path is where it was read from inside of the root; what ExecuteDocument names by a relative path
	// lies beside it. "" for text that was no file: then it lies in the working directory.
	Path       string
	Parameters map[string]string
	// Unsupported says why the document can't run here; its first step then ends as unsupported with
	// these words. "" for a document that can.
	Unsupported string
}

// A Status is how a step, a phase, a document or a run came out. The two first are AWSTOE's own
// words; AWS publishes no others.
type Status string

// The statuses.
const (
	Success                   Status = "success"
	Failed                    Status = "failed"
	IgnoredFailure            Status = "ignoredFailure"            // of a step
	SuccessWithIgnoredFailure Status = "successWithIgnoredFailure" // of all above a step
	Skipped                   Status = "skipped"                   // by the step's if
	Unsupported               Status = "unsupported"               // of a step whose action cannot run here; what holds it has failed
	NotRun                    Status = "notRun"                    // nothing runs in a root of kind none
)

// An EventKind tells events apart.
type EventKind string

// The kinds of event.
const (
	DocumentStarted  EventKind = "documentStarted"
	DocumentFinished EventKind = "documentFinished"
	PhaseStarted     EventKind = "phaseStarted"
	PhaseFinished    EventKind = "phaseFinished"
	StepStarted      EventKind = "stepStarted"
	StepFinished     EventKind = "stepFinished"
	LogLine          EventKind = "log"
	// DebugLine is an entry that AWSTOE writes to application.log alone; see Job.Debug.
	DebugLine EventKind = "debug"
)

// An Event is something that happened during a run.
type Event struct {
	Kind     EventKind `json:"kind"`
	Time     time.Time `json:"time"`
	Document string    `json:"document,omitempty"` // JobDocument.Name
	ARN      string    `json:"arn,omitempty"`
	Index    int       `json:"index,omitempty"` // the document's place in Job.Documents
	Phase    string    `json:"phase,omitempty"`
	Step     string    `json:"step,omitempty"`
	Action   string    `json:"action,omitempty"`
	// Depth is 0 in a document of the job, and one more in each that ExecuteDocument nests.
	Depth int `json:"depth,omitempty"`
	// Status is that of what finished, Duration and Result are a finished step's.
	Status   Status        `json:"status,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
	Result   *StepResult   `json:"result,omitempty"`
	// Line is one entry of AWSTOE's console.log without its timestamp. Only the two entries that
	// carry a script's stderr hold line breaks. What a script printed is made valid UTF-8 and cut at 64 KiB.
	Line string `json:"line,omitempty"`
}

// A Result is how a whole run came out.
type Result struct {
	Status Status `json:"status"`
	// ExecutedSteps counts the steps that ran, skipped ones included.
	ExecutedSteps int `json:"executedSteps"`
	Failed        int `json:"failed"`
	IgnoredFailed int `json:"ignoredFailed"`
	// Steps are in the order they ran.
	Steps []StepResult `json:"steps"`
	// Reboot says that the run stopped for the machine to be restarted and is to be run again
	// afterwards (RebootExit alone). AWSTOE ends with exit status 194 then. Status is how far it came.
	Reboot bool `json:"reboot,omitempty"`
	// FailureMessage is AWSTOE's: "Document <ARN or name> failed!"; "" on success.
	FailureMessage string `json:"failureMessage,omitempty"`
	// FirstFailure is the first step that failed and was not ignored; nil where there is none, also
	// when a document could not even be started.
	FirstFailure *StepResult `json:"firstFailure,omitempty"`
}

// A StepResult is how one step came out.
type StepResult struct {
	Document string    `json:"document"`
	ARN      string    `json:"arn,omitempty"`
	Phase    string    `json:"phase"`
	Name     string    `json:"name"`
	Action   string    `json:"action"`
	Status   Status    `json:"status"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	// Message says why a step failed, was skipped or not run: "exit status 7".
	Message string `json:"message,omitempty"`
	// ExitCode is the last command's; 0 where none ran, -1 where a signal ended it.
	ExitCode int `json:"exitCode,omitempty"`
	// Stderr is the last 8 KiB of the last command's.
	Stderr string `json:"stderr,omitempty"`
	// TimeoutSeconds, OnFailure and MaxAttempts are the step's settings, defaults filled in.
	TimeoutSeconds int    `json:"timeoutSeconds,omitempty"`
	OnFailure      string `json:"onFailure,omitempty"`
	MaxAttempts    int    `json:"maxAttempts,omitempty"`
	// Inputs are those of the last operation round, expressions resolved, one entry per operation;
	// with disableLogging there are none.
	Inputs []Input `json:"inputs,omitempty"`
	// Outputs has one entry per operation.
	Outputs []map[string]string `json:"outputs,omitempty"`
	// Nested are the runs of an ExecuteDocument step, one per iteration of its loop.
	Nested []*Result `json:"nested,omitempty"`
}
