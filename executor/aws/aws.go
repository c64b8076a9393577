// Package aws speaks to AWS, and alone imports its SDK: calls by name, what exists, what a name
// stands for, builds followed to their end with their logs.
//
// It refuses to know the language and the kinds of resources. It is given operations and inputs
// in the wire's vocabulary and answers in the same; what must be told apart is told apart by
// operation, never by kind. Credentials stay inside the SDK.
package aws

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// Config says which AWS to speak to, and as whom.
type Config struct {
	Region   string // "" takes what the environment and the profile say
	Profile  string // of the shared configuration files; "" the default one
	Endpoint string // the URL of another AWS, the sandbox; "" is AWS's own
	// KeyID, SecretKey and Token are credentials given outright; where KeyID is "", the SDK's
	// default chain finds them: environment, profiles, web identity, SSO, container, instance.
	KeyID, SecretKey, Token string
	// HTTP replaces the SDK's HTTP client; nil keeps it.
	HTTP *http.Client
	// CallsPerSecond bounds calls to one service in one region. 0 is the table's bound for AWS
	// and none for another endpoint.
	CallsPerSecond float64
}

// Options are how a plan is carried out.
type Options struct {
	Plan     *planner.Plan // leads failed steps back to what wrote them
	OnCancel executor.OnCancel
	Images   int    // builds under way at once; 0 is no bound of ours
	Run      string // the value of the tag imagebuild:run; "" leaves the tag out
	// Interval is how often builds are asked after; 0 is 10 s, the service team's own choice.
	Interval time.Duration
	// CallsPerSecond bounds all that following builds costs: states, steps and logs; 0 is 1.
	CallsPerSecond float64
	// LogDir is where this machine keeps the logs that CloudWatch would, in the sandbox; "" for none.
	LogDir string
}

// Clients are AWS's services, in any region.
type Clients struct{}

// New finds credentials and region. It makes no call to AWS.
func New(_ context.Context, _ Config) (*Clients, error) { return nil, errors.New("not connected") }

// Region is the region that is meant where none is named.
func (c *Clients) Region() string { return "" }

// Call performs one operation, once. Input and output are in the wire's vocabulary.
func (c *Clients) Call(_ context.Context, _ planner.Op, _ string, _ json.RawMessage) (json.RawMessage, error) {
	return nil, errors.New("not connected")
}

// Check reports whether the input is one the operation can take. It sends nothing.
func Check(_ planner.Op, _ json.RawMessage) error { return nil }

// Identity asks AWS who is calling.
func (c *Clients) Identity(_ context.Context) (account, arn string, err error) {
	return "", "", errors.New("not connected")
}

// Data answers data blocks.
func (c *Clients) Data(_ context.Context) func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
	return nil
}

// Facts answers the graph's look-ups.
func (c *Clients) Facts(_ context.Context, _ *planner.Graph) (planner.Facts, hcl.Diagnostics) {
	return nil, nil
}

// Observe says what of the graph exists.
func (c *Clients) Observe(_ context.Context, _ *planner.Graph) (map[dsl.Addr]*planner.Observed, hcl.Diagnostics) {
	return nil, nil
}

// Driver carries changes out.
func (c *Clients) Driver(_ Options) executor.Driver { return nil }
