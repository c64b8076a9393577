package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

func (p *program) graphCommand() *cobra.Command {
	g := &planning{p: p, offline: true}
	var format string
	c := &cobra.Command{
		Use: "graph [PATH]", Short: "Draw what depends on what", Args: cobra.MaximumNArgs(1),
		Long: "graph draws the resources of the configuration at PATH and what each waits for.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			render, ok := planFormats[format]
			if !ok || format == "json" || format == "markdown" || format == "aws-cli" {
				return mistake("choose mermaid, dot or svg", "graph has no format %q", format)
			}
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			return redacted(p.stdout, g.cfg, func(w io.Writer) error { return render(w, plan) })
		},
	}
	g.conf.add(c)
	c.Flags().StringVar(&format, "format", "mermaid", "mermaid, dot or svg")
	return c
}
