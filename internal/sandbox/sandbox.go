// Package sandbox is AWS on loopback, for people without an account and for tests: Image Builder, and as
// much of STS, S3, CloudWatch Logs, SSM parameters and EC2 images as building an image touches.
//
// It speaks the wire protocols to unmodified clients and knows nothing of the program whose calls it
// answers. Requests are checked against AWS's own model before any behaviour sees them. Building an image
// really runs the recipe's components, in a throw-away root where the machine allows one. It refuses to
// pretend: what it does not do is answered by an error of the operation's own model, and nothing it
// answers proves what only AWS can prove (permissions, networks, instance types, Windows, real AMIs).
package sandbox

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Options say what kind of AWS to be. The zero value is usable.
type Options struct {
	// Dir keeps the state; "" is a temporary directory that Close removes.
	Dir string
	// Root is where components run: "auto" (also ""), "overlay", "none" or "dir:PATH".
	Root string
	// Self is the program to run again as the agent inside a root; its main must call component's agent hook.
	Self string
	// Now is the clock; nil is the machine's.
	Now func() time.Time
	// Account is the 12-digit account that owns everything; "" is 123456789012.
	Account string
	// Region answers requests that name none; "" is us-east-1.
	Region string
	// ListDelay hides new components and images from lists for a while; AWS documents up to two minutes.
	ListDelay time.Duration
	// StageTimes is how long an image stays at least in a state, by AWS's name of it: "BUILDING".
	StageTimes map[string]time.Duration
	// Builds is how many images are built at once; the others wait in PENDING. 0 is one per processor.
	Builds int
	// Quotas replace AWS's default quotas, by kind as ARNs spell it: "image-pipeline".
	Quotas map[string]int
	// Faults are errors to answer instead of doing the work.
	Faults []Fault
	// Log receives a line about what the server does that no client sees; nil drops it.
	Log func(string)
}

// A Fault makes calls of one operation fail.
type Fault struct {
	Operation string // "CreateImage"
	// First is the first call that fails, counted from 1; 0 is 1.
	First int
	// Count is how many calls fail from there; 0 is 1, negative all.
	Count int
	Code  string // the error code: "CallRateLimitExceededException"
	// Status is the HTTP status; 0 takes the model's.
	Status  int
	Message string
}

// A Server is one AWS.
type Server struct{}

// Open starts a server on the state in opts.Dir. Images that were being built when an earlier server
// died are built again under their ARNs. ctx bounds the opening alone; Close ends the server.
func Open(_ context.Context, _ Options) (*Server, error) {
	return nil, errors.New("the sandbox cannot be opened")
}

// ServeHTTP answers every service on one port: they are told apart by signature, target header and path.
func (s *Server) ServeHTTP(http.ResponseWriter, *http.Request) {}

// Listen serves on addr ("127.0.0.1:0") until Close, and returns the endpoint's URL.
func (s *Server) Listen(_ string) (string, error) { return "", nil }

// Banner says in plain sentences what this server is, where components run and why there, and what it cannot prove.
func (s *Server) Banner() string { return "" }

// Calls counts the requests so far by operation: "imagebuilder:CreateImage".
func (s *Server) Calls() map[string]int { return nil }

// Close stops serving, ends running builds in such a way that the next Open starts them again, waits for
// them, and writes the state.
func (s *Server) Close() error { return nil }
