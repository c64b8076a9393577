// Package rehearsal runs the components of a configuration's builds on this machine, each build in a root
// of its own, so that they are tested before anything is built: the phases build and validate, then, in a
// fresh root on top of what these changed, the phase test.
//
// It knows plans and component documents. It refuses to know AWS, how a root's files come to be, and how
// results are shown.
package rehearsal

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
)

// A Build is one image of a configuration as far as it can be rehearsed.
type Build struct {
	Addr   dsl.Addr
	Name   string // what people call it: the build's name, or the image's address
	Origin hcl.Range
	// Platform is AWS's word for its components' platform: "Linux", "Windows", "macOS"; "" without components.
	Platform string
	// Parent is the parent image as far as the plan knows it: an ARN, "ssm:/path", an AMI id, what a
	// data block filters by, or for container recipes the name of a container image. "" where On is set.
	Parent string
	// Container says that Parent is a container image, and the build makes another.
	Container bool
	// On is the build of this configuration whose image is the parent; nil where it is none of these.
	On *Build
	// Components are in the recipe's order.
	Components       []*Component
	WorkingDirectory string
}

// A Component is one component of a build.
type Component struct {
	Name       string
	Node       *planner.Node // nil where it is not of this configuration
	Source     string        // its document; "" where NotRun says why there is none
	Parameters map[string]string
	NotRun     string // a sentence; "" where it is run
}

// origin is what wrote a step: the provisioner, or the step's own line in a document.
func (c *Component) origin(phase, step string) hcl.Range {
	if r, ok := c.Node.Steps[phase+"/"+step]; ok {
		return r
	}
	return c.Node.Origin
}

// A Status is how a build came out.
type Status string

// The statuses.
const (
	Passed Status = "passed"
	Failed Status = "failed"
	NotRun Status = "notRun" // nothing of it ran, and Result.Why says why
)

// A Result is how a build came out, and each of its steps.
type Result struct {
	Build  *Build
	Status Status
	// Why says what no step says: why nothing ran, or which part could not.
	Why string
	// Root says what the build ran in, "" where it did not.
	Root       string
	Start, End time.Time
	Steps      []Step
}

// A Step is how one step came out.
type Step struct {
	component.StepResult
	Component *Component
	Origin    hcl.Range
}

// Failed says whether the step makes its build fail.
func (s *Step) Failed() bool {
	return s.Status == component.Failed || s.Status == component.Unsupported
}

// An EventKind tells events apart.
type EventKind string

// The kinds of event.
const (
	BuildStarted  EventKind = "buildStarted"
	StepFinished  EventKind = "stepFinished"
	LogLine       EventKind = "log"
	BuildFinished EventKind = "buildFinished"
)

// An Event is something that happened during a rehearsal.
type Event struct {
	Kind   EventKind
	Time   time.Time
	Build  *Build
	Step   *Step   // of StepFinished
	Line   string  // of LogLine: one entry of AWSTOE's console.log
	Result *Result // of BuildStarted as far as it is known, and of BuildFinished
}
