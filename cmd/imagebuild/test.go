package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// testFlags are test's own flags.
type testFlags struct {
	isolationFlags

	parallel      int
	junit         string
	json, verbose bool
}

func (p *program) testCommand() *cobra.Command {
	g := &planning{p: p, command: "test", offline: true}
	var f testFlags
	c := &cobra.Command{
		Use: "test [PATH]", Short: "Run the components of a configuration here, and build nothing", Args: cobra.MaximumNArgs(1),
		Long: "test plans the configuration at PATH (default: this directory) without AWS and, for each build, runs its\n" +
			"components in an isolated root on this machine: the phases build and validate, then, in a fresh root on top\n" +
			"of what they changed, the phase test. A build whose parent is another build runs on what that one changed.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			defer func() { err = errors.Join(err, g.close()) }()
			limits, err := f.limits()
			if err != nil {
				return err
			}
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			builds, err := rehearsal.Builds(plan.Graph)
			if err != nil {
				return &exit{status: statusMistake, err: err}
			}
			if len(builds) == 0 {
				return mistake("write a build block, or an image block", "there is nothing to test in %s: it makes no image", g.path)
			}
			t := &tester{p: p, g: g, f: f, limits: limits}
			return t.run(c.Context(), plan, builds)
		},
	}
	g.conf.add(c)
	f.add(c)
	g.addReport(c)
	return c
}

func (f *testFlags) add(c *cobra.Command) {
	f.isolationFlags.add(c, component.RootAuto, "what components run in: "+rootHelp+", which takes an image like the parent's system where one is known and can be fetched")
	c.Flags().IntVar(&f.parallel, "parallel", runtime.NumCPU(), "at most `n` builds at once")
	c.Flags().StringVar(&f.junit, "junit", "", "also write the results as JUnit XML to `file`")
	c.Flags().BoolVar(&f.json, "json", false, "write events as JSON lines to standard output, and the text to standard error")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show what components print while they run")
}

// A tester is one run of imagebuild test.
type tester struct {
	p      *program
	g      *planning
	f      testFlags
	limits component.Limits
	roots  *testRoots
	out    io.Writer // the text
	err    error     // of the first write that failed
	events io.Writer // JSON lines; nil where nobody wants them
	logs   map[*rehearsal.Build]*report.Tail
}

// run rehearses the builds and tells how it went.
func (t *tester) run(ctx context.Context, plan *planner.Plan, builds []*rehearsal.Build) (err error) {
	var screen io.WriteCloser = report.Redact(t.p.stdout, t.g.cfg.Secrets)
	if t.f.json {
		screen = report.RedactJSON(t.p.stdout, t.g.cfg.Secrets)
	}
	text := report.Redact(t.p.stderr, t.g.cfg.Secrets)
	defer func() { err = errors.Join(err, screen.Close(), text.Close()) }()
	t.out = screen
	if t.f.json {
		t.out, t.events = text, screen
	}
	dir, err := os.MkdirTemp("", "imagebuild-test-")
	if err != nil {
		return &exit{status: statusFailed, err: fmt.Errorf("making a directory for what components change: %w", err)}
	}
	defer func() { err = errors.Join(err, component.RemoveTree(dir)) }()
	t.roots = &testRoots{p: t.p, f: t.f, limits: t.limits}
	defer func() { err = errors.Join(err, t.roots.close()) }()
	if err = t.roots.open(ctx); err != nil {
		return err
	}
	staging, err := t.p.stageFiles(ctx, plan.Graph, t.g.region)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staging.close()) }()
	start := t.p.now()
	results, failed := rehearsal.Run(ctx, builds, rehearsal.Options{
		Root: t.roots.choose, Self: t.p.self, Dir: dir, Parallel: t.f.parallel, S3Endpoint: staging.endpoint, Sink: func(e rehearsal.Event) { t.fold(text, e) }, Now: t.p.now,
	})
	t.p.reporter.rehearsed(t.g, results, t.logs)
	if err := report.RehearsalVerdict(t.out, results, t.p.now().Sub(start), t.p.textOptions(t.p.stdout)); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	if err := t.writeJUnit(results); err != nil {
		return &exit{status: statusFailed, err: err, hint: "name a file that can be written: --junit FILE"}
	}
	if t.err != nil {
		return &exit{status: statusFailed, err: t.err}
	}
	return t.verdict(ctx, results, failed)
}

// verdict is how the program ends.
func (t *tester) verdict(ctx context.Context, results []*rehearsal.Result, failed error) error {
	passed := 0
	for _, r := range results {
		if r.Status == rehearsal.Failed {
			failed = errors.Join(failed, errors.New(r.Build.Name))
		}
		if r.Status == rehearsal.Passed {
			passed++
		}
	}
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return told(statusInterrupted)
	case failed != nil:
		return told(statusFailed) // each build has said why
	case passed == 0 && t.f.root != component.RootNone:
		return told(statusFailed) // nothing was tested, and that was not what was asked for
	}
	return nil
}

// fold shows an event. Text about what is going on goes to standard error.
func (t *tester) fold(progress io.Writer, e rehearsal.Event) {
	var errs []error
	options := t.g.textOptions(t.p.stdout)
	if t.f.json {
		options = t.g.textOptions(t.p.stderr)
	}
	name := report.Neutral(e.Build.Name)
	switch e.Kind {
	case rehearsal.BuildStarted:
		_, err := fmt.Fprintf(progress, "%s: %s\n", name, report.Neutral(e.Result.Root))
		errs = append(errs, err)
	case rehearsal.LogLine:
		t.keep(e)
		if !t.f.verbose {
			break
		}
		for _, line := range report.Lines(e.Line) {
			_, err := fmt.Fprintf(progress, "%s | %s\n", name, line)
			errs = append(errs, err)
		}
	case rehearsal.BuildFinished:
		errs = append(errs, report.Rehearsed(t.out, e.Result, t.g.cfg.Files, options))
	case rehearsal.StepFinished: // told with its build
	}
	if t.events != nil && (e.Kind != rehearsal.LogLine || t.f.verbose) {
		line, err := report.RehearsalLine(e)
		if err == nil {
			_, err = io.WriteString(t.events, line)
		}
		errs = append(errs, err)
	}
	if t.err == nil {
		t.err = errors.Join(errs...)
	}
}

// keep keeps a line for the report, where there is to be one.
func (t *tester) keep(e rehearsal.Event) {
	if t.p.reporter == nil {
		return
	}
	if t.logs == nil {
		t.logs = map[*rehearsal.Build]*report.Tail{}
	}
	if t.logs[e.Build] == nil {
		t.logs[e.Build] = report.NewTail(t.p.reporter.logLines, t.g.cfg.Secrets)
	}
	t.logs[e.Build].Add(e.Line)
}

func (t *tester) writeJUnit(results []*rehearsal.Result) error {
	if t.f.junit == "" {
		return nil
	}
	f, err := os.Create(t.f.junit)
	if err != nil {
		return fmt.Errorf("writing the JUnit report: %w", err)
	}
	return errors.Join(redacted(f, t.g.cfg, func(w io.Writer) error { return report.JUnit(w, results) }), f.Close())
}
