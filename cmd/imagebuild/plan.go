package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// planFormats are what plan --format takes besides text and json.
var planFormats = map[string]func(io.Writer, *planner.Plan) error{
	"markdown": report.PlanMarkdown,
	"mermaid":  report.PlanMermaid,
	"dot":      report.PlanDOT,
	"svg":      report.PlanSVG,
	"aws-cli":  report.PlanAWSCLI,
	"json":     planJSON,
}

func planJSON(w io.Writer, plan *planner.Plan) error {
	_, err := w.Write(plan.JSON())
	return err
}

// planOptions are plan's own flags.
type planOptions struct {
	json, exitCode bool
	format, out    string
}

func (p *program) planCommand() *cobra.Command {
	g := &planning{p: p, command: "plan"}
	o := planOptions{format: "text"}
	c := &cobra.Command{
		Use: "plan [PATH]", Short: "Show what a build would do", Args: cobra.MaximumNArgs(1),
		Long: "plan shows which AWS calls a build of PATH (default: this directory) would make, in their order, and why.\n" +
			"With credentials, or with --sandbox-dir, it compares with what exists; without, it plans offline.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			if err := p.reporter.planned(g, plan); err != nil {
				return err
			}
			if err := p.writePlan(plan, g, o); err != nil {
				return &exit{status: statusFailed, err: err}
			}
			if o.exitCode && changes(plan) > 0 {
				return told(statusChanges)
			}
			return nil
		},
	}
	g.conf.add(c)
	g.tgt.add(c)
	c.Flags().BoolVar(&g.offline, "offline", false, "ask AWS nothing, also where there are credentials")
	c.Flags().BoolVar(&g.lint, "lint", false, lintUsage)
	c.Flags().BoolVar(&g.rebuild, "rebuild", false, "build images again that are there already")
	g.pr.add(c)
	c.Flags().BoolVar(&o.json, "json", false, "write the plan as JSON to standard output; short for --format json")
	choose(c, &o.format, "format", "how to show the plan", append([]string{"text"}, slices.Sorted(maps.Keys(planFormats))...)...)
	c.Flags().StringVar(&o.out, "out", "", "also write the plan as JSON to `file`, for imagebuild build FILE")
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with status 3 when there are changes")
	g.addReport(c)
	return c
}

// writePlan writes the plan in the form asked for, and to a file when one is named.
func (p *program) writePlan(plan *planner.Plan, g *planning, o planOptions) error {
	if o.json {
		o.format = "json"
	}
	if o.out != "" {
		var b bytes.Buffer
		if err := redactedJSON(&b, g.cfg, func(w io.Writer) error { return planJSON(w, plan) }); err != nil {
			return err
		}
		if err := os.WriteFile(o.out, b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
	}
	render := planFormats[o.format]
	if o.format == "text" {
		p.explainTarget(g)
		render = func(w io.Writer, plan *planner.Plan) error { return report.PlanText(w, plan, p.textOptions(p.stdout)) }
	}
	cover := redacted
	if o.format == "json" {
		cover = redactedJSON
	}
	return cover(p.stdout, g.cfg, func(w io.Writer) error { return render(w, plan) })
}

// explainTarget says what the plan was compared with where that is not an account.
func (p *program) explainTarget(g *planning) {
	switch {
	case g.target.server != nil:
		fmt.Fprintln(p.stderr, g.target.server.Banner())
	case aws.Code(g.target.why) == aws.NoCredentials:
		fmt.Fprintf(p.stderr, "No AWS credentials found, so this plan wasn't compared with AWS (region %s).\n", g.region)
	case g.target.why != nil:
		fmt.Fprintf(p.stderr, "This plan wasn't compared with AWS (region %s): %s.\n", g.region, strings.TrimSuffix(g.target.why.Error(), "."))
	case g.target.offline():
		fmt.Fprintf(p.stderr, "Planned offline for %s: nothing was compared with AWS.\n", g.region)
	}
}

// changes counts what is to be done.
func changes(plan *planner.Plan) int {
	n := 0
	for _, c := range plan.Changes {
		if c.Verb != planner.None && c.Verb != planner.Later {
			n++
		}
	}
	return n
}
