package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// buildOptions are build's own flags.
type buildOptions struct {
	json     bool
	onCancel string
	parallel int
	logDir   string
}

func (p *program) buildCommand() *cobra.Command {
	g := &planning{p: p, command: "build", must: true}
	var o buildOptions
	c := &cobra.Command{
		Use: "build [PATH | PLAN.json [PATH]]", Short: "Build images that don't exist yet", Args: cobra.MaximumNArgs(2),
		Long: "build plans the configuration at PATH (default: this directory) and applies the plan. Images that are\n" +
			"there already are reused, images being built are waited for. Given a plan that plan --out wrote, it plans\n" +
			"again and refuses when anything differs.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			saved, err := g.buildArgs(args)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			if err := g.compare(plan, saved); err != nil {
				return err
			}
			if err := p.reporter.planned(g, plan); err != nil {
				return err
			}
			return p.build(c.Context(), g, plan, o)
		},
	}
	g.conf.add(c)
	g.tgt.add(c)
	c.Flags().BoolVar(&g.rebuild, "rebuild", false, "build images again that are there already")
	g.pr.add(c)
	c.Flags().BoolVar(&o.json, "json", false, "write events as JSON lines to standard output")
	o.onCancel = string(executor.CancelBuilds)
	choose(c, &o.onCancel, "on-cancel", "what to do with running builds when the run is interrupted", string(executor.CancelBuilds), string(executor.DetachBuilds))
	c.Flags().IntVar(&o.parallel, "parallel", 0, "at most `n` builds at once (default: no limit of ours)")
	c.Flags().StringVar(&o.logDir, "log-dir", "", "keep full logs and events.jsonl in `dir` (default: a directory of their own in the user's cache)")
	g.addReport(c)
	return c
}

// buildArgs takes the arguments apart and returns the saved plan, nil where none was named.
func (g *planning) buildArgs(args []string) ([]byte, error) {
	g.path = pathArg(args)
	if len(args) == 0 || !isPlanFile(args[0]) {
		if len(args) > 1 {
			return nil, mistake("name one configuration, or a plan and its configuration: imagebuild build plan.json DIR", "there is no plan in %s", args[0])
		}
		return nil, nil
	}
	saved, err := readFile(args[0], largestPlan)
	if err != nil {
		return nil, mistake("write one with: imagebuild plan --out plan.json", "reading the plan: %w", err)
	}
	saved, _, err = unbind(saved)
	if err != nil {
		return nil, mistake("write a new one with: imagebuild plan --out "+args[0], "%s: %w", args[0], err)
	}
	doc, err := planner.ParsePlan(saved)
	if err != nil {
		return nil, mistake("write a new one with: imagebuild plan --out "+args[0], "%s is no plan: %w", args[0], err)
	}
	if len(args) == 2 {
		g.path = args[1]
		return saved, nil
	}
	g.path = repository(g.p.cwd)
	if len(doc.Changes) > 0 {
		g.path = filepath.Join(g.path, filepath.Dir(filepath.FromSlash(doc.Changes[0].Origin.File)))
	}
	return saved, nil
}

// isPlanFile tells a plan from a configuration, which is a directory or ends in .hcl or .hcl.json.
func isPlanFile(path string) bool {
	return strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".hcl.json") && !strings.HasSuffix(path, ".pkr.json")
}

// compare refuses a plan that is not the one that was saved.
func (g *planning) compare(plan *planner.Plan, saved []byte) error {
	if saved == nil {
		return nil
	}
	var now bytes.Buffer
	if err := redactedJSON(&now, g.cfg, func(w io.Writer) error { return planJSON(w, plan) }); err != nil {
		return err
	}
	differences := planner.Compare(saved, now.Bytes())
	if len(differences) == 0 {
		return nil
	}
	fmt.Fprintln(g.p.stderr, "This is not what was planned:")
	for i, d := range differences {
		differences[i] = report.Neutral(d)
		fmt.Fprintf(g.p.stderr, "  %s\n", differences[i])
	}
	g.p.reporter.mistaken(g, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "This is not what was planned", Detail: strings.Join(differences, "\n")}})
	return mistake("look at the new plan, and save it again: imagebuild plan --out", "the plan no longer holds: %s", count(len(differences), "difference"))
}

// build carries the plan out and tells how it went.
func (p *program) build(ctx context.Context, g *planning, plan *planner.Plan, o buildOptions) error {
	out := p.stdout
	if o.json {
		out = p.stderr // standard output carries the events
	}
	p.explainTarget(g)
	err := redacted(p.stderr, g.cfg, func(w io.Writer) error { return report.PlanText(w, plan, p.textOptions(p.stderr)) })
	if err != nil {
		return &exit{status: statusFailed, err: err}
	}
	g.target.systems.explain(ctx, plan, g.target.server)
	rec, err := p.openRecord(o.logDir, g.cfg.Secrets)
	if err != nil {
		return &exit{status: statusFailed, err: err, hint: "name a directory that can be written: --log-dir DIR"}
	}
	p.reporter.recorded(rec.dir)
	rep := report.New(plan, p.reporter.meta(report.Meta{
		Version: version, Sandbox: g.target.server != nil, Files: g.cfg.Files, Events: rec.events(), Logs: rec.dir, Secrets: g.cfg.Secrets,
	}))
	sinks := []func(executor.Event){p.reporter.following(g, rep), rec.fold}
	if g.target.server != nil {
		sinks = slices.Insert(sinks, 0, g.target.systems.local(rec))
	}
	failed := p.carryOut(ctx, g, plan, o, sinks)
	p.reporter.ran(g, rep)
	if err = rec.close(); err != nil {
		fmt.Fprintf(p.stderr, "warning: the record of this run is not complete: %v\n", err)
	}
	unwritten := g.writeManifests(plan, rep)
	err = redacted(out, g.cfg, func(w io.Writer) error { return report.RunText(w, rep, g.textOptions(out)) })
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return told(statusInterrupted)
	case failed != nil:
		return told(statusFailed)
	case unwritten != nil:
		return &exit{status: statusFailed, err: unwritten, hint: "the images are there; name a file inside the repository that can be written"}
	case err != nil:
		return &exit{status: statusFailed, err: err}
	}
	return nil
}

// carryOut runs the plan, with every event shown and handed to the sinks.
func (p *program) carryOut(ctx context.Context, g *planning, plan *planner.Plan, o buildOptions, sinks []func(executor.Event)) error {
	screen := report.Redact(p.stderr, g.cfg.Secrets)
	live := report.NewLive(screen, plan, report.LiveOptions{Color: p.colour(p.stderr), Size: p.screenSize(p.stderr), Cuts: p.cutsLines(), Now: p.now})
	lines := report.RedactJSON(p.stdout, g.cfg.Secrets)
	events := report.JSONLines(lines)
	if o.json {
		sinks = append(sinks, events.Fold)
	}
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx)) // an interrupted run is shown to its end
	over := make(chan struct{})
	go func() { live.Run(ticking); close(over) }()
	options := aws.Options{Region: g.region, Trace: plan.Trace, OnCancel: executor.OnCancel(o.onCancel), Images: o.parallel, Run: p.runName()}
	if plan.PullRequest != nil {
		options.PullRequest, options.Expires = plan.PullRequest, p.now().Add(plan.PullRequest.Expires)
	}
	options.Worker = p.worker(g)
	if g.target.server != nil {
		options.Interval, options.CallsPerSecond, options.Lease = 200*time.Millisecond, 50, 3*time.Second
	}
	kept := map[dsl.Addr]bool{}
	failed := executor.Run(ctx, plan, g.target.clients.Driver(options), func(e executor.Event) {
		live.Fold(e)
		for _, sink := range sinks {
			sink(e)
		}
		if f, ok := e.(executor.Finished); ok {
			kept[f.Addr] = f.Status == executor.Unchanged
		}
	})
	if ctx.Err() == nil {
		failed = errors.Join(failed, g.target.clients.Prolong(ctx, plan, options.Expires, func(a dsl.Addr) bool { return kept[a] }))
	}
	stop()
	<-over
	if err := errors.Join(live.Close(), screen.Close(), events.Err(), lines.Close()); err != nil {
		return errors.Join(failed, fmt.Errorf("showing the run: %w", err))
	}
	return failed
}

// runName is what the tags of what this run makes call it.
func (p *program) runName() string {
	if p.runID != "" {
		return p.runID
	}
	return p.now().UTC().Format("20060102T150405Z")
}

// cutsLines reports a terminal that cuts its lines when it becomes narrower: the console of Linux, xterm and GNU screen.
// Others wrap them.
func (p *program) cutsLines() bool {
	if inside, _ := p.lookupEnv("TMUX"); inside != "" {
		return false
	}
	kind, _ := p.lookupEnv("TERM")
	xterm, _ := p.lookupEnv("XTERM_VERSION")
	screen, _ := p.lookupEnv("STY")
	return kind == "linux" || xterm != "" || screen != ""
}

// screenSize asks the terminal for its size; nil where w is none.
func (p *program) screenSize(w io.Writer) func() (int, int) {
	f, ok := w.(*os.File)
	if dumb, _ := p.lookupEnv("TERM"); !ok || !terminal(w) || dumb == "dumb" {
		return nil
	}
	return func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 80, 24
		}
		return columns, rows
	}
}
