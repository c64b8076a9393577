package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/planner"
)

func (p *program) validateCommand() *cobra.Command {
	g := &planning{p: p, command: "validate", offline: true}
	var f documentFlags
	c := &cobra.Command{
		Use: "validate [PATH]", Short: "Check a configuration without AWS", Args: cobra.MaximumNArgs(1),
		Long: "validate checks the configuration at PATH (default: this directory) as far as it can be known without AWS:\n" +
			"syntax, references, types, component documents, and every call's input against AWS's own model.\n" +
			"With --documents it checks component documents alone and takes the flags of `awstoe validate`.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if c.Flags().Changed("documents") {
				if len(args) > 0 {
					return mistake("name several documents as --documents one.yml,two.yml, or repeat the flag", "--documents and a configuration's PATH exclude each other: %s", args[0])
				}
				return p.validateDocuments(c.Context(), f, g.conf.all)
			}
			g.path = pathArg(args)
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			if err := p.reporter.planned(g, plan); err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "%s is valid: %s.\n", g.path, describe(plan))
			return nil
		},
	}
	g.conf.add(c)
	c.Flags().BoolVar(&g.lint, "lint", false, lintUsage)
	f.add(c)
	return c
}

// pathArg is the configuration named on the command line, or this directory.
func pathArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// describe counts what a plan is about.
func describe(plan *planner.Plan) string {
	images := 0
	for _, c := range plan.Changes {
		if c.Kind.Name == "image" {
			images++
		}
	}
	return fmt.Sprintf("%s, %s", count(len(plan.Changes), "resource"), count(images, "image"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
