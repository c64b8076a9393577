package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// keptImages is how many images of a name stay where a project is tidied up and nobody says how many.
const keptImages = 3

// endedWithin bounds the wait for cancelled builds: AWS takes minutes to stop an instance.
const endedWithin = 15 * time.Minute

// gcOptions are gc's own flags.
type gcOptions struct {
	pr, run, project        string
	expired, dryRun, events bool
	keep                    int
}

func (p *program) gcCommand() *cobra.Command {
	g := &planning{p: p, command: "gc", must: true}
	var o gcOptions
	c := &cobra.Command{
		Use: "gc [PATH]", Short: "Delete unused images and resources", Args: cobra.MaximumNArgs(1),
		Long: "gc deletes what imagebuild made and nothing points to: what a pull request left (--pr), what a run left (--run),\n" +
			"what has expired (--expired), or all of a project but its newest images (--project). Images go with their AMIs and\n" +
			"snapshots, before their recipes, and those before their components; builds still under way are cancelled first.\n" +
			"It shows what it will do before it does it. With --expired or --project, what the configuration at PATH uses now stays.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if !c.Flags().Changed("keep") && o.pr == "" && o.run == "" && !o.expired {
				o.keep = keptImages
			}
			defer func() { err = errors.Join(err, g.close()) }()
			return p.gc(c.Context(), g, o, args)
		},
	}
	onceVar(c.Flags(), &o.pr, "pr", "what pull request `N` (or OWNER/NAME#N) left, and no other one uses")
	onceVar(c.Flags(), &o.run, "run", "what the run `ID` left: builds that came to no image, and what it made for a pull request")
	c.Flags().BoolVar(&o.expired, "expired", false, "what was kept for a time that is over")
	onceVar(c.Flags(), &o.project, "project", "only what belongs to the project `NAME`; alone, all of it but the newest images and what they need")
	c.Flags().IntVar(&o.keep, "keep", 0, "never delete the newest `N` images of each name (default with --project alone: 3)")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be deleted, and delete nothing")
	c.Flags().BoolVar(&o.events, "json", false, "write events as JSON lines to standard output; with --dry-run the plan as JSON")
	addAll(c, &g.conf.all)
	c.Flags().StringVar(&g.conf.region, "region", "", "the `region` to look in (default: as build finds it)")
	c.Flags().StringArrayVar(&g.conf.vars, "var", nil, "set a variable of the configuration at PATH: `name=value`; may be repeated")
	c.Flags().StringArrayVar(&g.conf.varFiles, "var-file", nil, "read variables from `file`; may be repeated, later ones win")
	g.tgt.add(c)
	g.addReport(c)
	return c
}

// gc goes the whole way from the flags to what was deleted.
func (p *program) gc(ctx context.Context, g *planning, o gcOptions, args []string) error {
	g.path = pathArg(args)
	current, err := g.current(ctx, len(args) > 0, o.pr != "" || o.run != "")
	if err != nil {
		return err
	}
	opts, err := p.collectOptions(g, o)
	if err != nil {
		return err
	}
	plan, err := g.collect(ctx, opts, current)
	if err != nil {
		return err
	}
	if o.dryRun {
		return p.showCollection(g, plan, o)
	}
	going, err := g.cancelBuilds(ctx, plan)
	if err != nil {
		return err
	}
	if going { // what they leave is known only now
		if plan, err = g.collect(ctx, opts, current); err != nil {
			return err
		}
	}
	return p.build(ctx, g, plan, buildOptions{json: o.events, onCancel: string(executor.DetachBuilds)})
}

// collectOptions are what the flags mean.
func (p *program) collectOptions(g *planning, o gcOptions) (planner.CollectOptions, error) {
	opts := planner.CollectOptions{
		Run: o.run, Expired: o.expired, Project: o.project, Keep: o.keep, Now: p.now(), AMI: kind.AMI(),
	}
	if o.pr != "" {
		pr, err := planner.ParsePullRequest(o.pr, p.repositoryName(g.cfg.Settings.Project))
		if err != nil {
			return opts, mistake("a repository is also named by GITHUB_REPOSITORY", "--pr: %w", err)
		}
		opts.PullRequest = pr
	}
	switch {
	case opts.Retention() && o.project == "":
		return opts, mistake("say what: --pr N, --run ID, --expired, or --project NAME for all but the newest images of a project",
			"gc does not delete everything that nothing uses")
	case o.keep < 0 || opts.Retention() && o.keep == 0:
		return opts, mistake("keep at least one image of each name: --keep 1", "--keep cannot be %d here", o.keep)
	}
	return opts, nil
}

// current connects and returns what the configuration uses now; nothing where none is named. Of what was closed or
// cut off, whose configuration it may well be, only region and project are read, and those only where
// nothing else says them.
func (g *planning) current(ctx context.Context, named, over bool) ([]planner.User, error) {
	if !named || over {
		if err := g.settings(ctx, named); err != nil {
			return nil, err
		}
		return nil, g.connect(ctx)
	}
	graph, err := g.compile(ctx)
	if err != nil {
		return nil, err
	}
	facts, diags := g.target.clients.Facts(ctx, graph)
	if g.stop(diags) || g.stop(graph.Seal(facts)) {
		return nil, g.refuse(ctx)
	}
	g.draw(g.cfg, g.diags)
	user := planner.User{Name: "the configuration at " + g.path}
	for _, n := range graph.Nodes {
		if arn := planner.ARN(n, awsmodel.PartitionOf(g.region), g.region, g.target.account); arn != "" {
			user.Uses = append(user.Uses, arn)
		}
	}
	return []planner.User{user}, nil
}

// settings reads region and project without planning anything.
func (g *planning) settings(ctx context.Context, named bool) error {
	g.cfg = &dsl.Config{}
	none := g.p.regionOf(g.conf, g.cfg) == ""
	if named && (none || g.p.repositoryName("") == "") {
		if err := g.load(nil); err != nil {
			return err
		}
		g.draw(g.cfg, g.diags)
	}
	return g.settleRegion(ctx)
}

// collect takes stock and plans.
func (g *planning) collect(ctx context.Context, opts planner.CollectOptions, current []planner.User) (*planner.Plan, error) {
	stock, err := g.target.clients.Stock(ctx, g.region, append(slices.Clone(kind.List()), kind.ImageBuilder()), opts)
	if err != nil {
		if ctx.Err() != nil {
			return nil, told(statusInterrupted)
		}
		return nil, &exit{
			status: statusFailed, err: err,
			hint: "gc needs to list and read Image Builder's resources, tag:GetResources, ec2:DescribeImages, ec2:DescribeLaunchTemplateVersions and ssm:GetParametersByPath",
		}
	}
	stock.Users = append(stock.Users, current...)
	return planner.Collect(stock, opts), nil
}

// showCollection writes the plan and does nothing about it.
func (p *program) showCollection(g *planning, plan *planner.Plan, o gcOptions) error {
	p.reporter.proposed(g, plan)
	if o.events {
		if err := planJSON(p.stdout, plan); err != nil {
			return &exit{status: statusFailed, err: err}
		}
		return nil
	}
	p.explainTarget(g)
	if err := report.PlanText(p.stdout, plan, p.textOptions(p.stdout)); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	return nil
}

// cancelBuilds ends the builds that the plan would delete and waits until they are over. It says whether
// there were any.
func (g *planning) cancelBuilds(ctx context.Context, plan *planner.Plan) (bool, error) {
	var going []string
	for _, c := range plan.Changes {
		arn, _ := c.Observed.Outputs["arn"].(string)
		if c.Verb == planner.Delete && (&planner.Held{Kind: c.Kind, State: c.Observed.State}).Building() {
			going = append(going, arn)
		}
	}
	if len(going) == 0 {
		return false, nil
	}
	slices.Sort(going)
	fmt.Fprintf(g.p.stderr, "Cancelling %s first:\n", count(len(going), "build"))
	for _, arn := range going {
		fmt.Fprintf(g.p.stderr, "  %s\n", report.Neutral(arn))
	}
	interval := 10 * time.Second
	if g.target.server != nil {
		interval = 200 * time.Millisecond
	}
	_, err := g.target.clients.Cancel(ctx, g.region, going)
	if err == nil {
		bounded, stop := context.WithTimeout(ctx, endedWithin)
		defer stop()
		err = g.target.clients.Ended(bounded, g.region, going, interval)
	}
	switch {
	case ctx.Err() != nil:
		return true, told(statusInterrupted)
	case err != nil:
		return true, &exit{status: statusFailed, err: fmt.Errorf("cancelling builds: %w", err), hint: "run the same command again when they are over: " + strings.Join(going, ", ")}
	}
	return true, nil
}
