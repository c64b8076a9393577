package main

import (
	"context"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/report"
)

func (p *program) streamCopyCommand() *cobra.Command {
	s := &streaming{p: p}
	var r aws.CopyRequest
	c := &cobra.Command{
		Use: "copy IMAGE --to REGION", Short: "Copy an image to other regions", Args: cobra.ExactArgs(1),
		Long: "copy makes copies of an image in other regions and waits for them. AppStream leaves tags and permissions behind; copy\n" +
			"gives them to the copies. It makes two copies into a region at once; more wait for their turn. A copy that is there\n" +
			"already, of the same image, is left alone; one that FAILED is created again.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if len(r.Regions) == 0 {
				return mistake("name a region: --to eu-central-1", "no region to copy to is named")
			}
			form := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
			for i, region := range r.Regions {
				if slices.Contains(r.Regions[:i], region) {
					return mistake("name each region once", "the region %s is named twice", region)
				}
				if !form.MatchString(region) {
					return mistake("write a region as AWS does: eu-central-1", "%q is no region", report.Neutral(region))
				}
			}
			if r.Name, err = s.name(args[0]); err != nil {
				return err
			}
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				copies, err := images.Copy(ctx, r)
				if err != nil {
					return nil, err
				}
				for _, i := range copies {
					s.tell("%s is %s", i.ARN, i.State)
				}
				return copies, nil
			})
		},
	}
	c.Flags().StringSliceVar(&r.Regions, "to", nil, "the `regions` to copy to, separated by commas")
	c.Flags().StringVar(&r.As, "as", "", "the copies' `name` (default: the image's)")
	c.Flags().StringVar(&r.Description, "description", "", "the copies' description, a `text` (default: the image's)")
	c.Flags().BoolVar(&r.Detach, "detach", false, "return when the copies have begun; the same command without it waits, and gives them their permissions")
	s.add(c)
	return c
}
