// Package session does what a planner.Work says inside a machine: it connects, runs scripts, puts files there,
// fills the application catalogue and starts the making of the image.
//
// It refuses to know AWS and the kinds of resource: where a machine is, what is kept in S3 and where secrets
// lie is asked of interfaces declared here, which executor/aws satisfies.
package session

import (
	"context"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// A Communicator runs commands in a machine and puts files there.
type Communicator interface {
	// Run runs a command to its end, hands on what it prints line by line, and returns its exit status. An
	// error that is a *DroppedError says that the command may have run, or may be running still.
	Run(ctx context.Context, c Command, print func(Line)) (exit int, err error)
	// Put writes a file, and its directories where there are none. The digest of what arrived is compared.
	Put(ctx context.Context, path string, f File) error
	// Close ends the connection. What was started in the machine is not waited for.
	Close() error
}

// A Command is a program text and what runs it.
type Command struct {
	Shell  Shell
	Script string
	// Interpreter runs a script of the shell Posix: "/bin/sh -e".
	Interpreter string
	Environment map[string]string
}

// A Shell is what understands a script.
type Shell string

// The shells.
const (
	PowerShell Shell = "powershell"
	Batch      Shell = "cmd"
	Posix      Shell = "sh"
)

// A Line is one line that a command printed, without its end.
type Line struct {
	Stderr bool
	Text   string
}

// A File is content with its sha256 in hex.
type File struct {
	Content planner.Content
	SHA256  string
	Size    int64
}

// A Machine is what the session works in, as the cloud sees it.
type Machine interface {
	// Address is its IP address now; "" while it has none. It may differ after every start.
	Address(ctx context.Context) (string, error)
	// Cycle stops the machine and starts it again, and returns once it runs.
	Cycle(ctx context.Context) error
	// Await returns once the machine runs again after it was restarted from inside.
	Await(ctx context.Context) error
}

// Images says whether the making of an image has begun, which only the cloud knows: the
// session inside ends when it does.
type Images interface {
	Begun(ctx context.Context, image string) (bool, error)
}

// Secrets are what is kept elsewhere.
type Secrets interface {
	// Secret is the value of "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#key".
	Secret(ctx context.Context, name string) (string, error)
}

// Objects are a bucket.
type Objects interface {
	Put(ctx context.Context, key string, content planner.Content) error
	// Get reads an object; an error that is ErrNoObject where there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Presign is a URL from which an object can be read for so long without credentials.
	Presign(ctx context.Context, key string, valid time.Duration) (string, error)
}

// Controller runs a program on this machine, with env as its whole environment: Ansible is run from here.
type Controller interface {
	Run(ctx context.Context, p Program, print func(Line)) (exit int, err error)
}

// A Program is what a Controller runs.
type Program struct {
	Argv  []string
	Env   map[string]string
	Files map[string]planner.Content // by their name below the working directory
}
