package component

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The kinds of root a RootSpec may ask for. "dir:PATH" is a further one: a tree of files to change.
const (
	RootAuto    = "auto"    // overlay where it is possible, else none
	RootOverlay = "overlay" // a copy-on-write view of this machine
	RootNone    = "none"    // nothing runs, steps are listed as not run
	RootHost    = "host"    // this machine itself, as AWSTOE does; for people who asked for exactly that
	rootDir     = "dir"
)

// A RootSpec says what documents are run in.
type RootSpec struct {
	// Kind is "auto", "overlay", "none", "host" or "dir:PATH".
	Kind string
	// Base is a directory that holds a Linux file system and stands in an overlay for the machine's
	// own; it is never written to. "" for the machine.
	Base string
	// BaseName is what sentences call Base, such as the image it was made of; "" for its path.
	BaseName string
	// Lowers are the upper directories of earlier images, nearest first, that lie between the
	// machine, or Base, and Upper in an overlay.
	Lowers []string
	// Upper is where an overlay's changes go; it is made when missing and is the caller's to keep.
	// "" for a temporary one that is removed after each run.
	Upper string
	// Scratch is where temporary directories are made; "" for the system's.
	Scratch string
	// Mask are directories of the machine that appear empty in an overlay, besides /root and what is in /home.
	Mask []string
	// Network is one of the constants; "" for the machine's. A network of a root's own reaches the
	// S3Endpoint of its jobs by a listener of its own, and nothing else of the machine.
	Network string
	// Limits bound what the documents may use of the machine.
	Limits Limits
	// Environ is the caller's environment. Nothing of it is handed on but the variables that say how
	// to reach the network, proxies and certificate files, and those named in Pass.
	Environ []string
	// Pass names further variables of Environ to hand on. "*" hands on all of them, and in a root of
	// kind host alone.
	Pass []string
}

// A Root is a place to run documents in.
type Root struct {
	kind   string // "overlay", "dir", "host", "none"
	reason string
	dir    string // of kind dir
	user   bool   // made in a user namespace
	spec   RootSpec
	self   string

	mirrors []string // "host:port" of private networks that a private network reaches all the same
}

// A RootError says that the root asked for cannot be made, and what to do.
type RootError struct {
	Kind string
	Err  error
}

func (e *RootError) Error() string {
	return fmt.Sprintf("documents cannot be run in a root of kind %s: %s. %s", e.Kind, e.Err, advice(e.Kind))
}

func (e *RootError) Unwrap() error { return e.Err }

func advice(kind string) string {
	if runtime.GOOS != "linux" {
		return "Isolated roots exist on Linux alone; choose the root none, which lists the steps without running them"
	}
	if kind == rootDir {
		return "Run as root, and give a directory that holds a Linux file system"
	}
	return "Run as root, or allow user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), " +
		"and keep the changes on a disk file system or a tmpfs, which a container's own file system is not; " +
		"or choose the root none, which lists the steps without running them"
}

// OpenRoot finds out whether the root asked for is possible by making it once. self is the path of
// this program, whose main must call [AgentMain] first.
func OpenRoot(ctx context.Context, spec RootSpec, self string) (Root, error) {
	r := Root{spec: spec, self: self, user: os.Geteuid() != 0}
	dir, isDir := strings.CutPrefix(spec.Kind, rootDir+":")
	switch {
	case spec.Kind == RootNone:
		r.kind, r.reason = RootNone, "nothing is run in a root of kind none; the steps are only listed"
		return r, nil
	case spec.Kind == RootHost:
		r.kind, r.reason = RootHost, "the documents act on this machine itself"
		if err := r.supported(); err != nil {
			return r, err
		}
		return r, r.bound()
	case isDir:
		r.kind = rootDir
		full, err := filepath.Abs(dir)
		if err != nil {
			return Root{}, &RootError{rootDir, err}
		}
		r.dir, r.reason = full, "the documents act on the file tree "+full+", in namespaces of their own"
	case spec.Base != "" && (spec.Kind == RootAuto || spec.Kind == RootOverlay || spec.Kind == ""):
		full, err := filepath.Abs(spec.Base)
		if err != nil {
			return Root{}, &RootError{RootOverlay, err}
		}
		r.spec.Base = full
		r.kind, r.reason = RootOverlay, "the documents act on a copy-on-write view of "+cmp.Or(spec.BaseName, full)+", in namespaces of their own; nothing of it or of this machine changes"
	case spec.Kind == RootAuto, spec.Kind == RootOverlay, spec.Kind == "":
		r.kind, r.reason = RootOverlay, "the documents act on a copy-on-write view of this machine, in namespaces of their own; nothing of the machine changes"
	default:
		return Root{}, fmt.Errorf("there is no root of kind %q: it is auto, overlay, none or dir:PATH", spec.Kind)
	}
	if r.user {
		r.reason += "; made without root, so files that belong to others cannot be changed in it"
	}
	if err := r.bound(); err != nil {
		return Root{}, err
	}
	err := r.connect(ctx)
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return Root{}, context.Cause(ctx)
	case spec.Kind == RootAuto, spec.Kind == "":
		r.kind, r.reason = RootNone, "nothing is run and the steps are only listed, because "+(&RootError{RootOverlay, err}).Error()
		return r, nil
	}
	return Root{}, &RootError{r.kind, err}
}

// bound finds out how the limits and the network asked for are enforced, and says so in the reason.
func (r *Root) bound() error {
	switch n := r.spec.Network; {
	case n != "" && !slices.Contains(Networks(), n):
		return fmt.Errorf("there is no network %q: it is %s", n, strings.Join(Networks(), ", "))
	case r.kind == RootHost && (n == NetworkNone || n == NetworkPrivate):
		return &RootError{r.kind, errors.New("what acts on this machine itself has its network")}
	case r.kind == RootHost && r.spec.Limits.Disk > 0:
		return &RootError{r.kind, errors.New("the disk of this machine itself cannot be limited")}
	case n == NetworkNone:
		r.reason += "; no network but its own loopback"
	}
	l := r.spec.Limits
	if l.Memory < 0 || l.Processes < 0 || l.Disk < 0 {
		return errors.New("a limit must not be negative")
	}
	if l == (Limits{}) {
		return nil
	}
	how, err := r.enforced()
	if err != nil {
		return &RootError{r.kind, err}
	}
	r.reason += "; " + how
	return nil
}

// Kind is the kind of root taken: "overlay", "dir", "host" or "none".
func (r Root) Kind() string { return r.kind }

// Describe says in one sentence which kind of root was taken, and why.
func (r Root) Describe() string { return r.reason }

// Run carries out a job and hands each event to emit, in order, from one goroutine. The error is
// about the machinery, or ctx's when that ended; a step that fails is in the Result.
func (r Root) Run(ctx context.Context, job Job, emit func(Event)) (*Result, error) {
	if r.kind == RootNone {
		n := newRunner(job, nil, emit)
		n.reason = r.reason
		return n.run(ctx), nil
	}
	if r.kind == "" {
		return nil, errors.New("the root was not opened")
	}
	return r.isolated(ctx, job, emit)
}

// environment is all that a document's commands inherit.
func (r Root) environment() []string {
	if r.kind == RootHost && slices.Contains(r.spec.Pass, "*") {
		return slices.Clone(r.spec.Environ)
	}
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive",
	}
	for _, kv := range r.spec.Environ {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains(networkVariables(), name) || slices.Contains(r.spec.Pass, name) {
			env = slices.DeleteFunc(env, func(have string) bool { return strings.HasPrefix(have, name+"=") })
			env = append(env, kv)
		}
	}
	return env
}

// networkVariables say how to reach the network and whom to trust there; they hold no credentials
// of the cloud or the pipeline.
func networkVariables() []string {
	return []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
		"GIT_SSL_CAINFO", "PIP_CERT", "AWS_CA_BUNDLE",
	}
}
