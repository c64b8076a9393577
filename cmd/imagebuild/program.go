package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/org/imagebuild-action/executor/aws"
)

// Exit statuses. They are part of the interface: scripts branch on them.
const (
	statusDone        = 0   // done, or nothing to do
	statusFailed      = 1   // the run failed
	statusMistake     = 2   // the configuration or the command line is wrong
	statusChanges     = 3   // plan --exit-code: there are changes
	statusInterrupted = 130 // stopped by a signal
)

// A program is one run of imagebuild on given streams and environment.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookupEnv      func(string) (string, bool)
	environ        func() []string
	cwd            string // absolute
	self           string // the program's own file, started again for work inside an isolated root
	now            func() time.Time
	// identity is the role that AWS is called as; nil leaves it to the environment. onCredentials is
	// told all credentials before they are used; nil tells nobody.
	identity      *aws.WebIdentity
	onCredentials func(keyID, secret, token string)
	// expectsAWS says that whoever started this meant AWS to be asked: without credentials a plan fails then.
	expectsAWS bool
	// onSecrets is told what is sensitive in a configuration as soon as it is read; nil tells nobody.
	onSecrets func(secrets []string)
	reporter  *reporter // nil tells nobody
	// runID names what a run makes in its tags; "" is the time.
	runID string
	// visible says which variables of the environment configurations and components may see; nil says all.
	visible func(name string) bool
	// judge says of a directory why no configuration may read its files; nil lets all be read.
	judge func(directory string) error
}

// hinted is an error that knows what to do about it.
type hinted interface {
	error
	Hint() string
}

// An exit ends the program with a status. Err is printed unless it is nil because
// what happened was already told.
type exit struct {
	status int
	err    error
	hint   string
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// mistake is an error of the command line, with what to do about it.
func mistake(hint, format string, args ...any) error {
	return &exit{status: statusMistake, err: fmt.Errorf(format, args...), hint: hint}
}

// told ends the program with a status after everything was said.
func told(status int) error { return &exit{status: status} }

// run carries out one command line and returns the exit status.
//
// Errors read as age's do: one line "error: …" that begins in lower case and says what happened and where,
// then "hint: …" lines that say what to do. Diagnostics of a configuration are drawn instead, with carets.
func (p *program) run(ctx context.Context, args []string) int {
	ctx, stop := p.withSignals(ctx)
	defer stop()
	return p.end(p.execute(ctx, args))
}

// execute is run for a context that signals end already. How it ended is still to be told.
func (p *program) execute(ctx context.Context, args []string) error {
	root := p.command() //nolint:contextcheck // commands take their context when cobra runs them
	root.SetArgs(doubleDashes(root, args))
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return root.ExecuteContext(ctx)
}

// exitOf is how a command that ended with an error ends the program.
func exitOf(err error) *exit {
	e, ok := errors.AsType[*exit](err)
	if !ok {
		e = &exit{status: statusMistake, err: err, hint: "imagebuild --help lists the commands and their flags"}
	}
	if h, knows := errors.AsType[hinted](err); knows && e.hint == "" {
		e.hint = h.Hint()
	}
	return e
}

// end tells an error, once, and returns the exit status that it stands for.
func (p *program) end(err error) int {
	if err == nil {
		return statusDone
	}
	e := exitOf(err)
	if e.err != nil {
		fmt.Fprintf(p.stderr, "error: %v\n", e.err)
		if e.hint != "" {
			fmt.Fprintf(p.stderr, "hint: %s\n", e.hint)
		}
	}
	return e.status
}

// command is the tree of commands, one file each.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "imagebuild",
		Short: "Plan and build machine images on AWS",
		Long: "imagebuild reads HCL in the manner of Packer, plans it into a graph of EC2 Image Builder calls, checks\n" +
			"them offline, runs them, and reuses what did not change.",
		SilenceUsage: true, SilenceErrors: true, Version: strings.TrimPrefix(versionLine(), "imagebuild "),
	}
	root.AddCommand(
		p.validateCommand(), p.planCommand(), p.buildCommand(), p.testCommand(), p.graphCommand(),
		p.fmtCommand(), p.doctorCommand(), p.gcCommand(), p.iamCommand(), p.initCommand(), p.matrixCommand(), p.sandboxCommand(), p.runCommand(), p.versionCommand(), p.reportCommand(),
		p.actionCommand(), p.appstreamCommand(),
	)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return mistake(c.CommandPath()+" --help lists its flags", "%w", err)
	})
	root.SetHelpCommand(helpCommand(root))
	strict(root)
	return root
}

// colour reports whether w is a terminal that wants colour.
func (p *program) colour(w io.Writer) bool {
	if _, off := p.lookupEnv("NO_COLOR"); off {
		return false
	}
	if t, _ := p.lookupEnv("TERM"); t == "dumb" {
		return false
	}
	return terminal(w)
}

func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the terminal's width in columns, or 100 where w is none.
func (p *program) width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
			return n
		}
	}
	return 100
}

// doubleDashes lets long flags be written with one dash, as Packer's are: -var-file becomes --var-file.
func doubleDashes(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true}
	for _, c := range append(root.Commands(), root) {
		collectFlags(c, known)
	}
	out := make([]string, len(args))
	for i, a := range args {
		if a == "--" {
			copy(out[i:], args[i:])
			break
		}
		out[i] = a
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") {
			name, _, _ := strings.Cut(a[1:], "=")
			if len(name) > 1 && known[name] {
				out[i] = "-" + a
			}
		}
	}
	return out
}
