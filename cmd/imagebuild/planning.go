package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// A planning is one configuration on its way to a plan, and what must be closed after it.
type planning struct {
	p       *program
	command string // that plans
	path    string
	conf    configurationFlags
	tgt     targetFlags
	offline bool // --offline
	must    bool // AWS is needed: there is no going on without it
	rebuild bool
	pr      pullRequestFlags
	lint    bool // --lint: warn of what is allowed and seldom right

	loc    *location
	cfg    *dsl.Config
	region string
	// assumed says that nobody named the region. callsAWS says that the command calls AWS though it plans offline.
	assumed, callsAWS bool
	target            *target
	diags             hcl.Diagnostics // warnings so far, to be shown once
}

func (g *planning) close() error {
	var errs []error
	if g.target != nil {
		errs = append(errs, g.target.close())
	}
	if g.loc != nil {
		errs = append(errs, g.loc.close())
	}
	return errors.Join(errs...)
}

// plan goes the whole way. Mistakes have been shown when it returns an error.
func (g *planning) plan(ctx context.Context) (*planner.Plan, error) {
	graph, err := g.compile(ctx)
	if err != nil {
		return nil, err
	}
	if err = g.standIn(graph); err != nil {
		return nil, &exit{status: statusFailed, err: err}
	}
	var seen map[dsl.Addr]*planner.Observed
	var facts planner.Facts
	if !g.target.offline() {
		var diags hcl.Diagnostics
		if facts, diags = g.target.clients.Facts(ctx, graph); g.stop(diags) {
			return nil, g.refuse(ctx)
		}
	}
	if g.stop(graph.Seal(facts)) {
		return nil, g.refuse(ctx)
	}
	if !g.target.offline() {
		var diags hcl.Diagnostics
		if seen, diags = g.target.clients.Observe(ctx, graph); g.stop(diags) {
			return nil, g.refuse(ctx)
		}
		if g.stop(g.checkParents(ctx, graph, seen)) {
			return nil, g.refuse(ctx)
		}
	}
	pr, err := g.pullRequest()
	if err != nil {
		return nil, err
	}
	plan, diags := planner.Diff(graph, seen, planner.DiffOptions{Rebuild: g.rebuild, PullRequest: pr})
	if g.stop(diags) {
		return nil, g.refuse(ctx)
	}
	plan.Account, plan.Offline = g.target.account, g.target.offline()
	if g.lint {
		g.diags = append(g.diags, lintPlan(plan)...)
	}
	g.draw(g.cfg, g.diags)
	return plan, nil
}

// checkParents holds builds against what EC2 tells of the AMIs they start from.
func (g *planning) checkParents(ctx context.Context, graph *planner.Graph, seen map[dsl.Addr]*planner.Observed) hcl.Diagnostics {
	if g.rebuild {
		seen = nil
	}
	amis, diags := g.target.clients.ParentAMIs(ctx, graph)
	if g.target.server != nil { // the account's own AMIs are not in the sandbox, which builds on others in their stead
		maps.DeleteFunc(amis, func(_ planner.AMI, image planner.Object) bool { return image == nil })
	}
	return append(diags, graph.CheckParents(amis, seen)...)
}

// compile reads the configuration and turns it into a graph, asking AWS no more than data blocks want.
func (g *planning) compile(ctx context.Context) (*planner.Graph, error) {
	if err := g.load(nil); err != nil {
		return nil, err
	}
	if err := g.settleRegion(ctx); err != nil {
		return nil, err
	}
	if err := g.connect(ctx); err != nil {
		return nil, err
	}
	if !g.target.offline() && len(g.cfg.Data) > 0 {
		if err := g.load(g.target.clients.Data(ctx)); err != nil {
			return nil, err
		}
	}
	graph, diags := planner.Compile(g.cfg, kind.All(), g.region)
	if g.stop(diags) {
		return nil, g.refuse(ctx)
	}
	if err := graph.Select(g.conf.only, g.conf.except); err != nil {
		return nil, mistake("globs are matched against the names of builds: --only 'web-*'", "selecting builds: %w", err)
	}
	return graph, nil
}

// load evaluates the configuration; with a look-up, data blocks have values.
func (g *planning) load(data dataLookup) error {
	if g.loc == nil {
		loc, err := g.p.locate(g.path)
		if err != nil {
			return err
		}
		g.loc = loc
	}
	cfg, diags := dsl.Load(g.loc.host, dsl.Options{
		Types: kind.BlockTypes(), Vars: g.conf.vars, VarFiles: g.conf.varFiles, File: g.loc.file, Version: version, BySource: true, Data: data,
	})
	cfg.Secrets = append(cfg.Secrets, planner.SecretsInNames(cfg)...)
	g.cfg, g.diags = cfg, nil
	if g.p.onSecrets != nil {
		g.p.onSecrets(cfg.Secrets)
	}
	if g.stop(diags) {
		_, more := planner.Compile(cfg, kind.All(), cmp.Or(g.p.regionOf(g.conf, cfg), assumedRegion)) // what is wrong besides
		g.diags = append(g.diags, more...)
		g.draw(cfg, g.diags)
		g.p.reporter.mistaken(g, g.diags)
		return told(statusMistake)
	}
	return nil
}

// connect finds AWS. Where it is not needed and cannot be asked, planning goes on without and says so.
func (g *planning) connect(ctx context.Context) error {
	if g.offline && !g.tgt.wanted() {
		g.target = &target{}
		return nil
	}
	var t *target
	var err error
	if g.assumed && !g.tgt.wanted() {
		if err = g.p.credentials(ctx, g.region); err == nil { // a plan would look where nobody builds
			return noRegion(g.cfg)
		}
	} else if t, err = g.p.connect(ctx, g.region, g.tgt); err == nil {
		g.target = t
		return nil
	}
	if ctx.Err() != nil {
		return told(statusInterrupted)
	}
	if known, ok := errors.AsType[*exit](err); ok {
		return known // with what to do about it
	}
	if g.tgt.wanted() {
		return &exit{status: statusFailed, err: err}
	}
	if !g.must && g.p.expectsAWS {
		return &exit{
			status: statusFailed, err: err,
			hint: "this job was set up to call AWS: give it credentials (is the secret behind role-to-assume set?), or say offline: true to plan without comparing with AWS",
		}
	}
	if g.must || g.p.identity != nil {
		return &exit{status: statusFailed, err: err, hint: g.credentialsHint(err)}
	}
	g.target = &target{why: err}
	return nil
}

// credentialsHint says what to do about AWS that can't be asked. Only a command that builds is offered the sandbox.
func (g *planning) credentialsHint(err error) string {
	hint := ""
	if h, knows := errors.AsType[hinted](err); knows {
		hint = h.Hint()
	}
	if g.command == "build" && aws.Code(err) == aws.NoCredentials {
		hint += " Or build locally: imagebuild build --sandbox " + g.path
	}
	return hint
}

// stop keeps diagnostics and reports whether they end the way.
func (g *planning) stop(diags hcl.Diagnostics) bool {
	g.diags = append(g.diags, diags...)
	return diags.HasErrors()
}

// refuse shows what was found and says how the program ends.
func (g *planning) refuse(ctx context.Context) error {
	if ctx.Err() != nil {
		return told(statusInterrupted)
	}
	g.draw(g.cfg, g.diags)
	g.p.reporter.mistaken(g, g.diags)
	return told(statusMistake)
}

// dataLookup answers data blocks.
type dataLookup = func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics)

// draw writes diagnostics with their source lines and carets, secrets covered.
func (g *planning) draw(cfg *dsl.Config, diags hcl.Diagnostics) {
	if len(diags) == 0 {
		return
	}
	err := redacted(g.p.stderr, cfg, func(w io.Writer) error {
		return report.Diagnostics(w, cfg.Files, diags, g.textOptions(g.p.stderr))
	})
	if err != nil {
		fmt.Fprintf(g.p.stderr, "error: drawing what was found: %v\n", err)
	}
}

// textOptions are the program's for what quotes the configuration: files are called as they are opened from
// the working directory.
func (g *planning) textOptions(w io.Writer) report.TextOptions {
	o := g.p.textOptions(w)
	o.All = g.conf.all
	if g.loc != nil {
		o.Path = g.loc.fromHere(g.p.cwd)
	}
	return o
}

// redacted hands write a writer that covers the configuration's secrets.
func redacted(w io.Writer, cfg *dsl.Config, write func(io.Writer) error) error {
	r := report.Redact(w, cfg.Secrets)
	return errors.Join(write(r), r.Close())
}

// redactedJSON is redacted for what writes JSON.
func redactedJSON(w io.Writer, cfg *dsl.Config, write func(io.Writer) error) error {
	r := report.RedactJSON(w, cfg.Secrets)
	return errors.Join(write(r), r.Close())
}

func (p *program) textOptions(w io.Writer) report.TextOptions {
	return report.TextOptions{Color: p.colour(w), Width: p.width(w)}
}
