package executor

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// An Event is something that happened while a plan ran. docs/events.md describes the record
// that each becomes in events.jsonl and with --json.
//
//sumtype:decl
type Event interface{ event() }

type (
	// Started comes before anything else about an address.
	Started struct {
		Addr dsl.Addr
		At   time.Time
		Verb planner.Verb
	}
	// Progressed says that a resource entered another state, or another step of its workflow.
	Progressed struct {
		Addr  dsl.Addr
		At    time.Time
		State string // AWS's own word: BUILDING, TESTING; open set
		Step  string // the workflow step now running, or "component/phase/step"; may be empty
	}
	// Log is one line from the machine that builds the image; Source is "imagebuild" where it is a
	// remark of our own about the log.
	Log struct {
		Addr   dsl.Addr
		At     time.Time
		Source string // the log stream it was read from
		Line   string
	}
	// Retried says that an attempt failed and when the next one is.
	Retried struct {
		Addr    dsl.Addr
		At      time.Time
		Attempt int
		Wait    time.Duration
		Err     error
	}
	// Finished comes last, exactly once for every address in the plan.
	Finished struct {
		Addr    dsl.Addr
		At      time.Time
		Status  Status
		Outputs Outputs
		Err     error // *Failure where AWS or a component said why
	}
)

func (Started) event()    {}
func (Progressed) event() {}
func (Log) event()        {}
func (Retried) event()    {}
func (Finished) event()   {}

// Outputs are what an address turned out to be: "arn" and its fellows.
type Outputs map[string]any

// A Status is how an address came out.
type Status string

// The statuses.
const (
	Applied   Status = "applied"
	Unchanged Status = "unchanged"
	Failed    Status = "failed"
	Skipped   Status = "skipped" // something it needs did not finish
	Canceled  Status = "canceled"
)

// A Failure is why AWS refused a call, or why a build failed, in parts that can be shown.
type Failure struct { //nolint:errname // a noun of the reports, for which it is more than an error
	Code      string // AWS's error code, or "BuildFailed"
	Message   string
	RequestID string
	Operation planner.Op
	// Range is the configuration that caused it: the attribute, or the provisioner whose step failed.
	Range hcl.Range

	// What follows is set when a component's step failed.
	Component  string // the component's ARN
	Phase      string
	Step       string
	Action     string
	ExitStatus string // "exit status 7"
	Stderr     string // the last lines of it
	LogGroup   string // where the full log is
	LogStream  string
	LogFile    string // a file on this machine, in the sandbox
	Advice     string // sentences that say what to do next; "" where nobody knows

	// Cause is the error it was made of, where it was made of one.
	Cause error
}

// Unwrap is the cause.
func (f *Failure) Unwrap() error { return f.Cause }

func (f *Failure) Error() string {
	if f.Step != "" {
		return "step " + f.Step + " of phase " + f.Phase + " failed: " + f.Message
	}
	if f.Code == "" {
		return f.Message
	}
	return f.Code + ": " + f.Message
}
