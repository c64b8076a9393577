package component

import "time"

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
	// Blocked are actions that fail instead of running.
	Blocked []string
}

// A JobDocument is one document of a job and the values of its parameters.
type JobDocument struct {
	Name       string // as it appears in the log; a file's base name or a component's name
	ARN        string // the component's build version; "" outside Image Builder
	Source     string // YAML or JSON
	Parameters map[string]string
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
	StepStarted  EventKind = "stepStarted"
	StepFinished EventKind = "stepFinished"
	LogLine      EventKind = "log"
)

// An Event is something that happened during a run.
type Event struct {
	Kind     EventKind `json:"kind"`
	Time     time.Time `json:"time"`
	Document string    `json:"document,omitempty"` // JobDocument.Name
	ARN      string    `json:"arn,omitempty"`
	Phase    string    `json:"phase,omitempty"`
	Step     string    `json:"step,omitempty"`
	Action   string    `json:"action,omitempty"`
	// Status and Duration are a finished step's.
	Status   Status        `json:"status,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
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
	// Outputs has one entry per operation.
	Outputs []map[string]string `json:"outputs,omitempty"`
}
