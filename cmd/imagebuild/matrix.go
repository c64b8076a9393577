package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/planner"
)

const (
	// maxLegs is how many jobs one matrix of GitHub's makes.
	maxLegs = 256
	// maxMatrix is how many bytes a job's output can have on GitHub, where they are counted as UTF-16.
	maxMatrix = 1 << 20 / 2
)

// A matrixDocument is what the command writes: docs/matrix.md.
type matrixDocument struct {
	FormatVersion string        `json:"format_version"`
	Layers        []matrixLayer `json:"layers"`
}

// A matrixLayer is a value of strategy.matrix.
type matrixLayer struct {
	Include []matrixLeg `json:"include"`
}

// A matrixLeg is one job.
type matrixLeg struct {
	Name    string `json:"name"`              // of the build, or of the first and how many more
	Only    string `json:"only"`              // for --only
	Images  int    `json:"images"`            // how many there are
	Minutes int    `json:"minutes,omitempty"` // that they took before, rounded up; left out where nothing is known
}

// matrixOptions are matrix's own flags.
type matrixOptions struct {
	legs, layers int
}

func (p *program) matrixCommand() *cobra.Command {
	g := &planning{p: p, command: "matrix"}
	var o matrixOptions
	c := &cobra.Command{
		Use: "matrix [PATH]", Short: "Split a plan into parallel jobs", Args: cobra.MaximumNArgs(1),
		Long: "matrix plans PATH (default: this directory) and writes, as JSON for GitHub's strategy.matrix, which builds can\n" +
			"run side by side, in layers: a layer's jobs need nothing but what the layers before it make. Builds that have nothing to do\n" +
			"are left out. Each job builds what its value of \"only\" selects.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.legs < 1 || o.legs > maxLegs || o.layers < 0 {
				return mistake("GitHub makes at most 256 jobs of a matrix", "--max-jobs %d or --max-layers %d cannot be", o.legs, o.layers)
			}
			g.path = pathArg(args)
			defer func() { err = errors.Join(err, g.close()) }()
			plan, err := g.plan(c.Context())
			if err != nil {
				return err
			}
			return p.matrix(plan, g.conf.all, o)
		},
	}
	c.Flags().BoolVar(&g.conf.all, "all", false, "also builds that have nothing to do, and every error and warning")
	g.conf.add(c)
	g.tgt.add(c)
	g.pr.add(c)
	c.Flags().BoolVar(&g.offline, "offline", false, "ask AWS nothing, also where there are credentials: every build is a job then")
	c.Flags().BoolVar(&g.rebuild, "rebuild", false, "build images again that are there already")
	c.Flags().IntVar(&o.legs, "max-jobs", maxLegs, "at most `n` jobs in a layer: more builds than that share jobs")
	c.Flags().IntVar(&o.layers, "max-layers", 0, "at most `n` layers, as many as the workflow has jobs with a matrix: deeper ones join the last (default: no limit)")
	return c
}

// matrix writes the plan's layers.
func (p *program) matrix(plan *planner.Plan, all bool, o matrixOptions) error {
	layers, err := plan.Layers(all)
	if err != nil {
		return mistake("the names of builds are what --only selects by", "no matrix can be made: %w", err)
	}
	if o.layers > 0 && len(layers) > o.layers {
		for _, deeper := range layers[o.layers:] {
			layers[o.layers-1] = append(layers[o.layers-1], deeper...)
		}
		layers = layers[:o.layers]
	}
	doc := matrixDocument{FormatVersion: planner.FormatVersion, Layers: []matrixLayer{}}
	for _, layer := range layers {
		doc.Layers = append(doc.Layers, matrixLayer{share(layer, o.legs)})
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return &exit{status: statusFailed, err: err}
	}
	if len(b) > maxMatrix {
		return mistake("plan fewer builds at once: --only, or shorter names", "the matrix has %d bytes, and a job's output on GitHub half a million characters", len(b))
	}
	if err = p.reporter.matrix(string(b)); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", b)
	return err
}

// share gives each job of a layer its builds: one, or as equal a number as can be where there are more
// builds than jobs.
func share(layer []planner.Leg, jobs int) []matrixLeg {
	jobs = min(jobs, len(layer))
	out := make([]matrixLeg, jobs)
	only := make([][]string, jobs)
	for i, leg := range layer { // the longest come first, and so to different jobs
		to := i % jobs
		if only[to] == nil {
			out[to].Name = leg.Name
		}
		only[to] = append(only[to], leg.Only)
		out[to].Images += len(leg.Images)
		out[to].Minutes = max(out[to].Minutes, int((leg.Estimate+time.Minute-1)/time.Minute))
	}
	for i := range out {
		out[i].Only = strings.Join(only[i], ",")
		if more := len(only[i]) - 1; more > 0 {
			out[i].Name += fmt.Sprintf(" and %d more", more)
		}
	}
	return out
}
