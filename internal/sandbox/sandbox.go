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
	"time"
)

// A StandIn is a directory with a Linux system that an image is built on.
type StandIn struct {
	Dir  string // "" for this machine's own system
	Name string // such as the container image it was made of
	Why  string // why it is this machine's, a clause
}

// Options say what kind of AWS to be. The zero value is usable.
type Options struct {
	// Dir keeps the state; "" is a temporary directory that Close removes.
	Dir string
	// Root is where components run: "auto" (also ""), "overlay", "none" or "dir:PATH".
	Root string
	// Base is a directory with a Linux file system that stands in an overlay for the machine's; "" for the machine.
	Base string
	// BaseName is what sentences call Base, such as the image it was made of; "" for its path.
	BaseName string
	// System finds what stands in for the system of a parent image ("Amazon Linux 2023", "" where that is not
	// known) when Root is auto and there is no Base; ref, unless "", is the very StandIn.Name that the layers below
	// were made on. nil is this machine for all.
	System func(ctx context.Context, system, ref string) (StandIn, error)
	// Network is the network of components, as component.RootSpec has it; "" is this machine's.
	Network string
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
	// Environ is the environment that components inherit the proxy and certificate variables from,
	// and nothing else; nil is an empty one.
	Environ []string
	// AppStream is what only that service asks.
	AppStream AppStreamOptions
	// Issuers are whose web identity tokens STS believes, after it has verified them. Without any it
	// takes every token that is well formed and has not ended.
	Issuers []Issuer
	// Roles are the roles that can be assumed, by those whom they trust. Without any, every role
	// exists and trusts everybody.
	Roles []Role
	// GuestUser and GuestPassword are who may log on to the machines inside of AppStream's image builders over
	// WinRM; "" are Administrator and Sandbox-1.
	GuestUser, GuestPassword string
	// Faults are errors to answer instead of doing the work, and mishaps of what was made.
	Faults []Fault
	// HostNames are further names that requests may call this server by, besides its addresses, localhost, this
	// machine's own name and AWS's.
	HostNames []string
	// Log receives a line about what the server does that no client sees; nil drops it.
	Log func(string)
}
