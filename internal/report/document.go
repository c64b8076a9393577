package report

import (
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// DocumentFormat is the version of Document's JSON. A reader takes this one alone: the jobs of one workflow
// run the same program.
const DocumentFormat = "1.0"

// A Document is what one command found or did, as plain data: everything that a comment, a summary,
// a check run, annotations, a page or a terminal shows of it. It goes from job to job as JSON (docs/report.md).
//
// Secrets are covered when it is made. Its text is otherwise as it was given, and hostile: each
// rendering makes it harmless for its own medium.
type Document struct {
	FormatVersion string  `json:"format_version"`
	Command       string  `json:"command"` // plan, build, test, validate, doctor
	Outcome       Outcome `json:"outcome"`
	// Leg tells it from the other documents of a matrix: "eu-west-1, x86_64"; "" where there is one.
	Leg     string `json:"leg,omitempty"`
	Path    string `json:"path,omitempty"`    // of the configuration, from the repository's root
	Version string `json:"version,omitempty"` // of the program
	Region  string `json:"region,omitempty"`
	Account string `json:"account,omitempty"` // "" where it is not known, or nobody is to know
	// Offline says that nothing was compared with AWS, Sandbox that AWS was the sandbox.
	Offline bool `json:"offline,omitempty"`
	Sandbox bool `json:"sandbox,omitempty"`
	// PlanDigest is sha256 of the plan's JSON, secrets covered: "sha256:…"; "" without a plan.
	PlanDigest  string       `json:"plan_digest,omitempty"`
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	Source      Source       `json:"source,omitzero"`
	// Started and Ended are of the run; zero of a plan. While a run goes on Ended is when the document was made.
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`

	Resources []Resource `json:"resources,omitempty"` // in the plan's order; of a test the builds
	Findings  []Finding  `json:"findings,omitempty"`  // in the order they were made
	Checks    []Check    `json:"checks,omitempty"`    // of doctor
	Estimate  *Estimate  `json:"estimate,omitempty"`

	counted struct { // what ran found of so many resources
		resources int
		ran       bool
	}
}

// An Outcome is how a command came out.
type Outcome string

// The outcomes. A plan, and whatever else only looks, succeeds.
const (
	Succeeded   Outcome = "succeeded"
	Failed      Outcome = "failed"
	Mistaken    Outcome = "mistaken" // the configuration or the command line is wrong; nothing was begun
	Interrupted Outcome = "interrupted"
	Running     Outcome = "running"
)

// A PullRequest is the one that a plan or a build is of.
type PullRequest struct {
	Repository string `json:"repository,omitempty"`
	Number     int    `json:"number"`
	// KeptSeconds is how long what it made is kept after its last build.
	KeptSeconds float64 `json:"kept_seconds,omitempty"`
}

// A Source is where a document came from, as far as links are to lead there. Parts that are not
// what GitHub writes in their place are as good as absent.
type Source struct {
	Server     string `json:"server,omitempty"`     // https://github.com
	Repository string `json:"repository,omitempty"` // owner/name
	SHA        string `json:"sha,omitempty"`        // of the commit that was built: of a pull request its head
	Run        int64  `json:"run,omitempty"`        // the workflow run's id
	Attempt    int    `json:"attempt,omitempty"`
	Job        int64  `json:"job,omitempty"`  // the job's id, which is that of its check run
	Step       int    `json:"step,omitempty"` // the number of the step in the job, from 1
	// Artifact is the address of the full report, "" where there is none.
	Artifact string `json:"artifact,omitempty"`
}

// A Resource is one resource of the plan, or one build of a test, and what became of it.
type Resource struct {
	Address string       `json:"address"`
	Kind    string       `json:"kind"`
	Build   string       `json:"build,omitempty"` // the build it belongs to
	Title   string       `json:"title"`           // what people call it
	Image   bool         `json:"image,omitempty"`
	Label   string       `json:"label,omitempty"` // name and version in AWS, and what is not known of them
	Version string       `json:"version,omitempty"`
	Digest  string       `json:"digest,omitempty"`
	Verb    planner.Verb `json:"verb,omitempty"`
	Reason  string       `json:"reason,omitempty"` // why this verb
	Regions []string     `json:"regions,omitempty"`
	Needs   []string     `json:"needs,omitempty"` // addresses
	Origin  *Place       `json:"origin,omitempty"`
	// EstimateSeconds is how long it took before; 0 where nothing is known.
	EstimateSeconds float64 `json:"estimate_seconds,omitempty"`

	Status executor.Status `json:"status,omitempty"` // "" until it has finished, and in a plan
	// Outcome says in words how it came out: "built", "reused", "not tried"; "" in a plan.
	Outcome string    `json:"outcome,omitempty"`
	State   string    `json:"state,omitempty"` // AWS's own word; an open set
	Step    string    `json:"step,omitempty"`  // the workflow step last entered
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	ARN     string    `json:"arn,omitempty"`
	IDs     []ID      `json:"ids,omitempty"`
	Remark  string    `json:"remark,omitempty"`
	Why     string    `json:"why,omitempty"` // why it was not tried or given up
	Retried int       `json:"retried,omitempty"`
	Failure *Failure  `json:"failure,omitempty"`
	Steps   []Step    `json:"steps,omitempty"` // of a test
	Log     *Log      `json:"log,omitempty"`
}

// An ID is what an image is called in one region: an AMI id, or an AppStream image's name.
type ID struct {
	Region string `json:"region,omitempty"`
	ID     string `json:"id"`
}

// A Place is a part of the configuration. Lines and columns begin at 1; an end is behind the last character.
type Place struct {
	File      string `json:"file"` // from the repository's root
	Line      int    `json:"line"`
	Column    int    `json:"column,omitempty"`
	EndLine   int    `json:"end_line,omitempty"`
	EndColumn int    `json:"end_column,omitempty"`
}

// A Failure is why a resource is not there.
type Failure struct {
	Summary    string `json:"summary"`
	Message    string `json:"message,omitempty"`
	Code       string `json:"code,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
	Operation  string `json:"operation,omitempty"`
	Component  string `json:"component,omitempty"`
	Phase      string `json:"phase,omitempty"`
	Step       string `json:"step,omitempty"`
	Action     string `json:"action,omitempty"`
	ExitStatus string `json:"exit_status,omitempty"`
	// Stderr is the end of the failed command's error stream, by line.
	Stderr []string `json:"stderr,omitempty"`
	Place  *Place   `json:"place,omitempty"`
	// Quote are the lines of the configuration from Place.Line on.
	Quote []string `json:"quote,omitempty"`
	// FullLog says where the whole log is.
	FullLog string `json:"full_log,omitempty"`
}

// A Step is one step of a test.
type Step struct {
	Component string  `json:"component,omitempty"`
	Phase     string  `json:"phase"`
	Name      string  `json:"name"`
	Outcome   string  `json:"outcome"` // ok, failed, not run, …
	Why       string  `json:"why,omitempty"`
	Failed    bool    `json:"failed,omitempty"`
	Seconds   float64 `json:"seconds,omitempty"`
}

// A Log is the end of a log, or the whole of it.
type Log struct {
	Lines []string `json:"lines"`
	Total int      `json:"total"` // how many lines there were
}

// A Finding is a mistake or a warning.
type Finding struct {
	Severity Severity `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
	Place    *Place   `json:"place,omitempty"`
	// Block is what the block in that place is called.
	Block string   `json:"block,omitempty"`
	Quote []string `json:"quote,omitempty"`
}

// A Severity is how much a finding matters.
type Severity string

// The severities, as GitHub's annotations have them.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice"
)

// A Check is one question that doctor asked.
type Check struct {
	Name    string       `json:"name"`
	Outcome CheckOutcome `json:"outcome"`
	Detail  string       `json:"detail,omitempty"` // what was found
	Hint    string       `json:"hint,omitempty"`   // what to do
}

// A CheckOutcome is how a Check came out.
type CheckOutcome string

// The outcomes of a check.
const (
	CheckPassed  CheckOutcome = "passed"
	CheckWarning CheckOutcome = "warning"
	CheckFailed  CheckOutcome = "failed"
	CheckSkipped CheckOutcome = "skipped" // it could not be asked
)

// An Estimate is what carrying out a plan takes, as far as that is known without asking what it costs.
type Estimate struct {
	// Seconds is how long the longest chain of the plan took before, 0 where nothing is known; Unknown
	// is how many images to be built were never built before and are not counted.
	Seconds float64 `json:"seconds,omitempty"`
	Unknown int     `json:"unknown,omitempty"`
	// Builds are the machines that build and test.
	Builds []BuildMachine `json:"builds,omitempty"`
	// Images is how many images will be stored, by region.
	Images []RegionCount `json:"images,omitempty"`
}

// A BuildMachine is what one image is built on.
type BuildMachine struct {
	Image string `json:"image"` // its title
	// Types are the instance types allowed, of which AWS takes one that there is; none where AWS chooses.
	Types []string `json:"types,omitempty"`
	// Hours is how long one ran for it before; 0 where nothing is known.
	Hours float64 `json:"hours,omitempty"`
}

// A RegionCount is how many there are in a region.
type RegionCount struct {
	Region string `json:"region"`
	Count  int    `json:"count"`
}
