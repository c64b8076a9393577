package component

import (
	"context"
	"errors"
)

// The kinds of root a RootSpec may ask for. "dir:PATH" is a further one: a tree of files to change.
const (
	RootAuto    = "auto"    // overlay where it is possible, else none
	RootOverlay = "overlay" // a copy-on-write view of this machine
	RootNone    = "none"    // nothing runs, steps are listed as not run
	RootHost    = "host"    // this machine itself, as AWSTOE does; for people who asked for exactly that
)

// A RootSpec says what documents are run in.
type RootSpec struct {
	// Kind is "auto", "overlay", "none", "host" or "dir:PATH".
	Kind string
	// Lowers are the upper directories of earlier images, nearest first, that lie between the
	// machine and Upper in an overlay.
	Lowers []string
	// Upper is where an overlay's changes go; it is made when missing and is the caller's to keep.
	// "" for a temporary one that is removed after each run.
	Upper string
	// Scratch is where temporary directories are made; "" for the system's.
	Scratch string
	// Mask are directories of the machine that appear empty in an overlay, besides /root and what is in /home.
	Mask []string
	// Environ is the caller's environment. Nothing of it is handed on but the variables that say how
	// to reach the network: proxies and certificate files.
	Environ []string
}

// A Root is a place to run documents in.
type Root struct {
	kind, reason string
	spec         RootSpec
	self         string
}

// OpenRoot finds out whether the root asked for is possible by making it once. self is the path of
// this program, whose main must call [AgentMain] first.
func OpenRoot(ctx context.Context, spec RootSpec, self string) (Root, error) {
	return Root{}, errors.ErrUnsupported
}

// Kind is the kind of root taken: "overlay", "dir", "host" or "none".
func (r Root) Kind() string { return r.kind }

// Describe says in one sentence which kind of root was taken, and why.
func (r Root) Describe() string { return r.reason }

// Run carries out a job and hands each event to emit, in order, from one goroutine. The error is about the
// machinery: a step that fails is in the Result.
func (r Root) Run(ctx context.Context, job Job, emit func(Event)) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// AgentMain is the hook by which this program runs inside a root. main and TestMain call it before
// anything else with os.Args and exit with code when it handled the call.
func AgentMain(args []string) (handled bool, code int) { return false, 0 }
