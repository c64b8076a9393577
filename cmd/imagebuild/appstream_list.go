package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

func (p *program) streamListCommand() *cobra.Command {
	s := &streaming{p: p}
	visibility, prefix := "all", ""
	c := &cobra.Command{
		Use: "list", Short: "List images as the AppStream registry shows them", Args: cobra.NoArgs,
		Long: "list shows the images that the account sees, newest first, by their dates and not by their names: its own (private),\n" +
			"those that others share with it (shared), and AWS's (public).",
		RunE: func(c *cobra.Command, _ []string) error {
			asked := map[string]string{"all": "", "public": "PUBLIC", "private": "PRIVATE", "shared": "SHARED"}[visibility]
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				all, err := images.List(ctx, asked, true)
				if err != nil {
					return nil, err
				}
				found := []aws.StreamImage{}
				for _, i := range all {
					if strings.HasPrefix(i.Name, prefix) {
						found = append(found, i)
					}
				}
				if s.json {
					return found, nil
				}
				return nil, s.table(found)
			})
		},
	}
	choose(c, &visibility, "visibility", "list only these images", "all", "public", "private", "shared")
	c.Flags().StringVar(&prefix, "prefix", "", "only images whose names begin with `text`")
	s.add(c)
	return c
}

// table writes images in columns.
func (s *streaming) table(images []aws.StreamImage) error {
	w := tabwriter.NewWriter(s.p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVISIBILITY\tSTATE\tPLATFORM\tBASE\tAGENT\tCREATED\tSHARED WITH")
	for _, i := range images {
		row := []string{i.Name, strings.ToLower(i.Visibility), i.State, i.Platform, lastName(i.Base), i.Agent, i.Created.UTC().Format(time.DateOnly), sharedWith(i.Shared)}
		if i.Latest {
			row[5] += " (latest)"
		}
		for n := range row {
			if row[n] = report.Neutral(row[n]); row[n] == "" {
				row[n] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// lastName is the end of an ARN.
func lastName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func sharedWith(shares []aws.StreamShare) string {
	out := make([]string, len(shares))
	for i, s := range shares {
		out[i] = s.Account + " (" + allowed(s) + ")"
	}
	return strings.Join(out, ", ")
}

// allowed names what a share allows.
func allowed(s aws.StreamShare) string {
	switch {
	case s.Fleet && s.Builder:
		return "fleet, builder"
	case s.Fleet:
		return "fleet"
	case s.Builder:
		return "builder"
	}
	return "nothing"
}
