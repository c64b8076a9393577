package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/report"
)

// statusReboot is AWSTOE's exit status when a document asks for a reboot: the caller restarts the
// machine and runs the same command again.
const statusReboot = 194

func (p *program) runCommand() *cobra.Command {
	r := &running{p: p}
	c := &cobra.Command{
		Use: "run --documents FILE[,FILE…]", Short: "Run component documents as AWSTOE does", Args: cobra.NoArgs,
		Long: "run carries out component documents on Linux without AWS. It takes the flags of `awstoe run`, prints its\n" +
			"result as JSON on standard output, and leaves its log folder. Like AWSTOE it acts on this machine;\n" +
			"--root overlay keeps what the documents do to a view of it that is thrown away.",
		RunE: func(c *cobra.Command, _ []string) error {
			if r.version {
				return p.printVersion()
			}
			return r.run(c)
		},
	}
	r.add(c)
	return c
}

// add declares AWSTOE's flags, with its short forms, and the few of our own.
func (r *running) add(c *cobra.Command) {
	f, s := c.Flags(), &r.flags
	joinedVar(f, &s.documents, "documents", "d", "the `documents` to run, separated by commas, may be repeated: files, s3:// addresses, ARNs of component build versions")
	f.VarP(onceFlag{&r.config, new(bool)}, "config", "c", "read what to run from a JSON `file`, in place of --documents")
	joinedVar(f, &s.Phases, "phases", "p", "the `phases` to run, separated by commas (default: all)")
	joinedVar(f, &s.parameters, "parameters", "", "values of the documents' parameters: `name=value,name=value`")
	f.StringVarP(&s.ExecutionID, "execution-id", "i", "", "the `name` of this run in its log (default: a new UUID)")
	f.StringVarP(&s.LogDirectory, "log-directory", "l", "", "make the log folder in `dir` (default: this directory)")
	f.StringVarP(&s.StateDirectory, "state-directory", "s", "", "keep in `dir` where a run stands that asked for a reboot, to go on from there")
	f.StringVar(&s.DocumentS3BucketOwner, "document-s3-bucket-owner", "", "the `account` that must own the buckets of s3:// documents")
	f.StringVarP(&s.LogS3BucketName, "log-s3-bucket-name", "b", "", "upload the log folder to this `bucket`")
	f.StringVarP(&s.LogS3KeyPrefix, "log-s3-key-prefix", "k", "", "put the log folder below this `prefix` in the bucket")
	f.StringVar(&s.LogS3BucketOwner, "log-s3-bucket-owner", "", "the `account` that must own that bucket")
	f.StringVar(&s.CWLogGroup, "cw-log-group", "", "send console.log to this CloudWatch log `group`")
	f.StringVar(&s.CWLogStream, "cw-log-stream", "", "the `stream` in that group (default: the execution id)")
	f.StringVar(&s.CWLogRegion, "cw-log-region", "", "the `region` of that group")
	f.BoolVar(&s.CWIgnoreFailures, "cw-ignore-failures", false, "go on when CloudWatch does not take the log")
	joinedVar(f, &r.blocked, "blocked-action-modules", "", "`actions` that must not run, separated by commas")
	f.BoolVarP(&s.Trace, "trace", "t", false, "show the application log too")
	f.BoolVar(&r.credentials, "with-credentials", false, "let documents in a root of their own read and write in AWS as the caller may; on the machine itself they always do")
	f.BoolVarP(&r.version, "version", "v", false, "print the version")
	r.isolation.add(c, component.RootHost, "what to act on: host, which is this machine, "+rootHelp)
}

// A running is one `imagebuild run`.
type running struct {
	p         *program
	flags     runSettings
	isolation isolationFlags
	config    string
	blocked   string
	version   bool
	// credentials lets documents of an isolated root use the caller's.
	credentials bool
}

// run goes the whole way. From where AWSTOE's own set-up begins, a failure is told in the result too.
func (r *running) run(c *cobra.Command) error {
	settings, err := r.settings(c)
	if err != nil {
		return err
	}
	blocked, err := actionNames(r.blocked)
	if err != nil {
		return err
	}
	limits, err := r.isolation.limits()
	if err != nil {
		return err
	}
	if settings.ExecutionID, err = executionID(settings.ExecutionID); err != nil {
		return err
	}
	x := &execution{p: r.p, runSettings: settings, result: runResult{ExecutionID: settings.ExecutionID}}
	x.job = component.Job{
		Phases: list(settings.Phases), Blocked: blocked, Debug: true,
		Reboots: component.RebootMarker, WorkingDirectory: r.workingDirectory(),
	}
	spec := component.RootSpec{
		Kind: r.isolation.root, Environ: r.p.environ(), Pass: r.isolation.env,
		Network: r.isolation.network, Limits: limits,
	}
	if spec.Kind == component.RootHost && (spec.Network == component.NetworkNone || spec.Network == component.NetworkPrivate) {
		return mistake("add --root overlay, or another root of the documents' own", "--network %s needs a root that is not this machine itself", spec.Network)
	}
	if spec.Kind == component.RootHost {
		// AWSTOE's scripts start where it was started, with its environment.
		spec.Pass, x.job.Start = []string{"*"}, r.p.cwd
	}
	x.credentials = r.credentials || spec.Kind == component.RootHost
	return x.carryOut(c.Context(), spec)
}

func (r *running) workingDirectory() string {
	dir, _ := r.p.lookupEnv("WORKING_DIRECTORY")
	return dir
}

// actionNames reads --blocked-action-modules. A name that is no action would block nothing.
func actionNames(text string) ([]string, error) {
	names := list(text)
	for _, n := range names {
		if _, known := component.ModuleNamed(n); !known {
			return nil, mistake("AWS's guide lists the action modules, ExecuteBash and Reboot among them", "--blocked-action-modules: there is no action %s", n)
		}
	}
	return names, nil
}

// An execution is a run whose command line was understood.
type execution struct {
	p *program
	runSettings
	job    component.Job
	state  *runState // of the run that is gone on with; nil for a new one
	log    *component.LogFolder
	aws    *runClients
	result runResult
	// credentials says that the documents may use the caller's. What runs on the machine itself has them anyway.
	credentials bool
}

// carryOut runs the documents, prints the result and returns the exit status.
func (x *execution) carryOut(ctx context.Context, spec component.RootSpec) error {
	status, err := x.execute(ctx, spec)
	if err != nil {
		if errors.Is(context.Cause(ctx), errInterrupted) {
			status = statusInterrupted
		}
		x.result.Status = string(component.Failed)
		x.result.FailureMessage = err.Error()
		fmt.Fprintf(x.p.stderr, "error: %s\n", report.Neutral(err.Error()))
		if known, ok := errors.AsType[*exit](err); ok && known.hint != "" {
			fmt.Fprintf(x.p.stderr, "hint: %s\n", known.hint)
		}
	}
	if err := x.result.print(x.p.stdout); err != nil {
		return fmt.Errorf("printing the result: %w", err)
	}
	if status == statusDone {
		return nil
	}
	return told(status)
}

// execute returns the exit status; an error means that the run has no result, or that its log is
// not where it was asked for.
func (x *execution) execute(ctx context.Context, spec component.RootSpec) (int, error) {
	x.aws = newRunClients(x.p)
	if err := x.prepare(ctx); err != nil {
		return statusFailed, err
	}
	root, done, err := x.p.openRunRoot(ctx, spec)
	if err != nil {
		return statusFailed, err
	}
	defer done()
	fmt.Fprintf(x.p.stderr, "imagebuild run: %s.\n", report.Neutral(root.Describe()))
	if err = x.openLog(); err != nil {
		return statusFailed, err
	}
	unserve, err := x.serveS3(ctx)
	if err != nil {
		return statusFailed, errors.Join(err, x.log.Finish(nil, err, x.p.now()))
	}
	defer unserve()
	shipping, err := x.ship(ctx)
	if err != nil {
		return statusFailed, errors.Join(err, x.log.Finish(nil, err, x.p.now()))
	}
	result, broken := root.Run(ctx, x.job, x.sink(shipping))
	err = errors.Join(broken, shipping.close(), x.log.Finish(result, broken, x.p.now()))
	if broken == nil {
		x.result.take(result)
	}
	if upload := x.upload(ctx); upload != nil {
		err = errors.Join(err, upload)
	}
	if err != nil {
		return statusFailed, err
	}
	return x.conclude(result)
}

// sink is where events go: the log folder, the person who watches, CloudWatch.
func (x *execution) sink(shipping *logShipper) func(component.Event) {
	return func(e component.Event) {
		x.log.Take(e)
		if e.Kind != component.LogLine {
			return
		}
		shipping.take(e)
		if !x.Trace {
			x.show(e.Line)
		}
	}
}

// show writes an entry of the log for a person. Lines after its first are marked, so that none can
// pass for an entry, or for a command to a GitHub runner.
func (x *execution) show(entry string) {
	for i, l := range report.Lines(entry) {
		if i > 0 {
			l = "| " + l
		}
		fmt.Fprintln(x.p.stderr, l)
	}
}

// conclude keeps or removes the state and chooses the exit status.
func (x *execution) conclude(result *component.Result) (int, error) {
	if result.Reboot {
		fmt.Fprintln(x.p.stderr, "imagebuild run: the documents ask for a reboot; restart the machine and run the same command again.")
		return statusReboot, x.keepState()
	}
	if err := x.dropState(); err != nil {
		return statusFailed, err
	}
	if result.Status == component.Failed {
		return statusFailed, nil
	}
	return statusDone, nil
}

// openRunRoot finds the root that was asked for. done lets it go.
func (p *program) openRunRoot(ctx context.Context, spec component.RootSpec) (root component.Root, done func(), err error) {
	chosen, err := p.chooseRoot(ctx, spec.Kind)
	if err != nil {
		return root, nil, err
	}
	done = func() {
		if kept := chosen.close(); kept != nil {
			fmt.Fprintf(p.stderr, "warning: letting go of the image: %s\n", report.Neutral(kept.Error()))
		}
	}
	spec.Kind, spec.Base = chosen.Kind, chosen.Base
	if root, err = component.OpenRoot(ctx, spec, p.self); err != nil {
		done()
		return root, nil, fmt.Errorf("opening the root %s: %w", spec.Kind, err)
	}
	return root, done, nil
}

// list reads a list separated by commas.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
