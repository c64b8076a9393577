package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

func (p *program) graphCommand() *cobra.Command {
	g := &planning{p: p, offline: true}
	format := "mermaid"
	c := &cobra.Command{
		Use: "graph [PATH]", Short: "Draw what depends on what", Args: cobra.MaximumNArgs(1),
		Long: "graph draws the resources of the configuration at PATH and what each waits for.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			g.path = pathArg(args)
			render := planFormats[format]
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			return redacted(p.stdout, g.cfg, func(w io.Writer) error { return render(w, plan) })
		},
	}
	g.conf.add(c)
	choose(c, &format, "format", "how to draw it", "mermaid", "dot", "svg")
	return c
}
