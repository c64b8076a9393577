package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

// deletion are the flags of delete.
type deletion struct {
	aws.Retention
	dryRun    bool
	olderThan string
}

// retention reports whether images are chosen by number and age and not by name.
func (d *deletion) retention() bool { return d.Keep > 0 || d.olderThan != "" || d.Prefix != "" }

func (p *program) streamDeleteCommand() *cobra.Command {
	s := &streaming{p: p}
	var d deletion
	c := &cobra.Command{
		Use: "delete [IMAGE...]", Short: "Delete images, by name or by number and age",
		Long: "delete deletes images of the account and waits until they are gone. It looks first at what stands in the way: fleets\n" +
			"that use them and accounts they are shared with. If anything does, nothing is deleted.\n\n" +
			"Without names it thins images out: --prefix cad- --keep 3 deletes FAILED ones first, then all but the newest three\n" +
			"of each name, where numbers, dates and digests at the end (cad-1, cad-2026-11-30) are versions of one name;\n" +
			"--older-than 90d only those that are older. Images in use are never chosen.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			switch {
			case len(args) > 0 && d.retention():
				return mistake("name images, or choose with --prefix, --keep and --older-than", "images cannot be named and chosen at once")
			case len(args) == 0 && d.Keep == 0 && d.olderThan == "":
				return mistake("name them, or say --keep 3 or --older-than 90d", "which images to delete is not said")
			case d.Keep < 0:
				return mistake("say how many to keep: --keep 3", "--keep cannot be %d", d.Keep)
			}
			if d.OlderThan, err = ageOf(d.olderThan); err != nil {
				return err
			}
			if args, err = s.named(args); err != nil {
				return err
			}
			d.Now = p.now()
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				return s.delete(ctx, images, args, d)
			})
		},
	}
	c.Flags().BoolVar(&d.Unshare, "unshare", false, "take other accounts' permissions away first; their fleets on the image drop to zero instances")
	c.Flags().StringVar(&d.Prefix, "prefix", "", "choose among the images whose names begin with `text`")
	c.Flags().IntVar(&d.Keep, "keep", 0, "keep the newest `N` AVAILABLE images of each name: cad-1 and cad-2 are versions of cad")
	c.Flags().StringVar(&d.olderThan, "older-than", "", "delete only images of an `age` of more: 90d, 36h")
	c.Flags().BoolVar(&d.dryRun, "dry-run", false, "show what would be deleted and what stands in the way, and delete nothing")
	s.add(c)
	return c
}

// ageOf reads a length of time, in days too; "" is none.
func ageOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err == nil && n == 1 && text == fmt.Sprintf("%dd", days) && days > 0 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, mistake("write it as 90d or 36h", "%q is no length of time", report.Neutral(text))
	}
	return d, nil
}

func (s *streaming) delete(ctx context.Context, images *aws.StreamImages, names []string, d deletion) (any, error) {
	var removals []aws.Removal
	var err error
	if len(names) > 0 {
		removals, err = images.PlanRemovals(ctx, names)
	} else {
		removals, err = images.PlanRetention(ctx, d.Retention)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range removals {
		for _, share := range r.Image.Shared {
			if share.Fleet && d.Unshare {
				s.warn("the fleets of account %s on %s drop to zero instances. Open sessions go on.", share.Account, r.Image.Name)
			}
		}
		why := r.Blocked(d.Unshare)
		switch {
		case why != "":
			s.tell("%s: blocked: %s", r.Image.Name, why)
		case d.dryRun:
			s.tell("%s: would be deleted (%s, created %s)", r.Image.Name, r.Image.State, r.Image.Created.UTC().Format(time.DateOnly))
		}
	}
	if removals == nil {
		removals = []aws.Removal{}
		s.tell("There is nothing to delete.")
	}
	if d.dryRun {
		return removals, nil
	}
	return removals, images.Remove(ctx, removals, d.Unshare)
}
