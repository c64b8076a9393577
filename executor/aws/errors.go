package aws

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// Codes of what kept a call from being answered, beside AWS's own.
const (
	NoCredentials    = "NoCredentials"
	ConnectionFailed = "ConnectionFailed" // no answer, or none that could be read
	InvalidInput     = "InvalidInput"     // the operation does not take this input; nothing was sent
)

const noCredentials = "no AWS credentials found" //nolint:gosec // it is a sentence

// A CallError is why one call failed.
type CallError struct {
	Op        planner.Op
	Region    string
	Code      string // AWS's error code, or one of this package's
	Message   string
	RequestID string
	Status    int // of HTTP; 0 where there was no answer
	// Bucket is the region that S3 says the bucket is in when it was asked in another; "" otherwise.
	Bucket string

	err error
}

func (e *CallError) Error() string {
	if e.Code == NoCredentials { // nothing was called
		return e.Message
	}
	s := fmt.Sprintf("%s in %s: %s: %s", e.Op, e.Region, e.Code, e.Message)
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Unwrap is the SDK's error.
func (e *CallError) Unwrap() error { return e.err }

// callError takes the SDK's error apart.
func callError(name planner.Op, region string, err error) error {
	e := &CallError{Op: name, Region: region, Code: ConnectionFailed, Message: err.Error(), err: err}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		e.Status = answer.HTTPStatusCode()
		if e.Status == http.StatusMovedPermanently {
			e.Bucket = answer.Response.Header.Get("X-Amz-Bucket-Region")
		}
	}
	if identified, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok {
		e.RequestID = identified.ServiceRequestID()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code, e.Message = awsmodel.ErrorCode(api.ErrorCode()), api.ErrorMessage()
		return e
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		e.Message = op.Unwrap().Error()
		return e
	}
	e.Code = InvalidInput // the SDK was not reached
	return e
}

// Code is the error code of a failed call; "" where err is none.
func Code(err error) string {
	if e, ok := errors.AsType[*CallError](err); ok {
		return e.Code
	}
	return ""
}

// The classes of failures that may pass by themselves.
//
//nolint:gochecknoglobals // a table, never written
var (
	throttled = &executor.RetryClass{Name: "throttled", Max: 10, First: 2 * time.Second, Cap: time.Minute}
	transient = &executor.RetryClass{Name: "transient", Max: 6, First: time.Second, Cap: 20 * time.Second}
	// Something else works on the resource: an update right after another.
	busy = &executor.RetryClass{Name: "in use", Max: 5, First: 2 * time.Second, Cap: 15 * time.Second}
	// An instance profile made a moment ago is not known everywhere for some ten seconds.
	propagation = &executor.RetryClass{Name: "instance profile not known yet", Max: 3, First: 4 * time.Second, Cap: 10 * time.Second}
	// AppStream asks to "wait a few minutes and try again".
	concurrent = &executor.RetryClass{Name: "changed by another call", Max: 4, First: time.Minute, Cap: 4 * time.Minute}
	// A role made a moment ago is not known to AppStream for up to two minutes.
	roleUnknown = &executor.RetryClass{Name: "role not known yet", Max: 4, First: 10 * time.Second, Cap: 40 * time.Second}
	// The build did not begin because EC2 or Systems Manager was throttled.
	unstarted = &executor.RetryClass{Name: "build not started", Max: 3, First: 30 * time.Second, Cap: 5 * time.Minute, Anew: true}
)

// passing are the codes that pass by themselves, by service; "" is for all. The SDK's own lists lack
// CallRateLimitExceededException and status 429 (measured), and hold nothing of the kind for builds.
var passing = map[string]map[string]*executor.RetryClass{ //nolint:gochecknoglobals // a table, never written
	"": {
		"Throttling": throttled, "ThrottlingException": throttled, "ThrottledException": throttled,
		"RequestThrottled": throttled, "RequestThrottledException": throttled, "RequestLimitExceeded": throttled,
		"TooManyRequestsException": throttled, "BandwidthLimitExceeded": throttled,
		"InternalFailure": transient, "InternalError": transient, "InternalServerError": transient,
		"InternalServiceError": transient, "ServiceUnavailable": transient, "ServiceUnavailableException": transient,
		"RequestTimeout": transient, "RequestTimeoutException": transient,
		ConnectionFailed: transient,
	},
	"imagebuilder": {
		"CallRateLimitExceededException": throttled, // of the EC2 calls the service makes for us
		"ServiceException":               transient,
		"ResourceInUseException":         busy,
		dependedOn:                       busy, // by what was deleted a moment ago
		buildNotStarted:                  unstarted,
	},
	// LimitExceededException is not among them: it is a quota here, though the SDK's lists take it for throttling.
	"appstream": {
		"RequestLimitExceededException":   throttled, // of the EC2 calls the service makes for us
		"ConcurrentModificationException": concurrent,
		"InvalidRoleException":            roleUnknown,
	},
	"s3":  {"SlowDown": throttled},
	"ec2": {"EC2ThrottledException": throttled, "Unavailable": transient},
}

// Classify says whether a failure may pass by itself and how to meet it; nil when it will not.
func Classify(err error) *executor.RetryClass {
	op, code, status, message := parts(err)
	service, _, _ := strings.Cut(string(op), ":")
	for _, s := range []string{service, ""} {
		if class, ok := passing[s][code]; ok {
			return class
		}
	}
	switch {
	case op == "imagebuilder:CreateInfrastructureConfiguration" && code == "InvalidParameterValueException" && parameter(message) == "instanceProfileName":
		return propagation
	case status == http.StatusTooManyRequests:
		return throttled
	case slices.Contains([]int{500, 502, 503, 504}, status):
		return transient
	}
	return nil
}

func parts(err error) (op planner.Op, code string, status int, message string) {
	if e, ok := errors.AsType[*CallError](err); ok {
		return e.Op, e.Code, e.Status, e.Message
	}
	if f, ok := errors.AsType[*executor.Failure](err); ok {
		return f.Operation, f.Code, 0, f.Message
	}
	return "", "", 0, ""
}

// AWS names the member it refuses in its text alone.
var parameterPath = regexp.MustCompile(`^The value supplied for parameter '([^']+)'`)

// parameter is the path of the input member that the text of an error names; "" for none.
func parameter(message string) string {
	if m := parameterPath.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// failure shows a failed call to the author of the configuration, at what caused it. Other errors
// pass as they are.
func failure(n *planner.Node, err error) error {
	if _, shown := errors.AsType[*executor.Failure](err); shown {
		return err
	}
	e, ok := errors.AsType[*CallError](err)
	if !ok {
		return err
	}
	return &executor.Failure{
		Code: e.Code, Message: advised(e.Message, err), RequestID: e.RequestID, Operation: e.Op,
		Range: written(n, parameter(e.Message)), Cause: e,
	}
}

// pointed is failure for a call that a member of the input caused.
func pointed(n *planner.Node, err error, member string) error {
	shown := failure(n, err)
	f, ok := errors.AsType[*executor.Failure](shown)
	if !ok {
		return shown
	}
	at := *f
	at.Range = written(n, member)
	return &at
}

// advised adds to a text what the error knows to do about it.
func advised(s string, err error) string {
	if hint := hintOf(err); hint != "" {
		return strings.TrimRight(s, ".") + ". " + hint
	}
	return s
}

// hintOf is what an error knows to do about it; "" where it knows nothing.
func hintOf(err error) string {
	if h, ok := errors.AsType[hinted](err); ok {
		return h.Hint()
	}
	return ""
}

// written is where the configuration wrote the member at path, or what encloses it.
func written(n *planner.Node, path string) hcl.Range {
	for path != "" {
		if r, ok := n.Ranges[path]; ok {
			return r
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return n.Origin
}
