package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
)

func (p *program) streamUpdateCommand() *cobra.Command {
	s := &streaming{p: p}
	var r aws.ImageUpdate
	var tags []string
	var builder, agent string
	c := &cobra.Command{
		Use: "update IMAGE --as NAME", Short: "Make an updated image, with Windows' and the agent's updates", Args: cobra.MaximumNArgs(1),
		Long: "update has AppStream make a new image of an old one with what has been released since: updates of Windows and of the\n" +
			"AppStream agent, not of your applications. It asks first whether there is anything to update. The update takes hours:\n" +
			"--detach does not wait, and the same command takes an update up that is under way.\n\n" +
			"With --builder instead of an image it brings the agent of a stopped image builder to a version.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if builder != "" {
				if len(args) > 0 || r.As != "" {
					return mistake("say either IMAGE --as NAME, or --builder NAME", "an image and an image builder cannot be updated at once")
				}
				return s.updateBuilder(c.Context(), builder, agent)
			}
			switch {
			case len(args) == 0:
				return mistake("imagebuild appstream update cad-1 --as cad-2", "no image is named")
			case r.As == "" || r.As == args[0]:
				return mistake("name it: --as "+args[0]+"-updated", "the updated image needs a name of its own")
			}
			if r.Name, err = s.name(args[0]); err != nil {
				return err
			}
			if r.As == r.Name {
				return mistake("name it: --as "+r.Name+"-updated", "the updated image needs a name of its own")
			}
			if r.Tags, err = tagsOf(tags); err != nil {
				return err
			}
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) { return s.update(ctx, images, r) })
		},
	}
	c.Flags().StringVar(&r.As, "as", "", "the new image's `name`")
	c.Flags().StringVar(&r.Description, "description", "", "the new image's description, a `text`")
	c.Flags().StringVar(&r.DisplayName, "display-name", "", "the `name` that users see")
	c.Flags().StringArrayVar(&tags, "tag", nil, "a tag beside those of the old image: `key=value`; may be repeated")
	c.Flags().BoolVar(&r.DryRun, "dry-run", false, "only say whether there is anything to update")
	c.Flags().BoolVar(&r.Detach, "detach", false, "return when the update has begun")
	c.Flags().StringVar(&builder, "builder", "", "update the agent of the image builder `name`, which must be stopped")
	c.Flags().StringVar(&agent, "agent", "LATEST", "the agent's `version` for --builder")
	s.add(c)
	return c
}

func (s *streaming) update(ctx context.Context, images *aws.StreamImages, r aws.ImageUpdate) (any, error) {
	out, err := images.Update(ctx, r)
	if err != nil {
		return nil, err
	}
	switch {
	case out.Image != nil:
		s.tell("%s is %s", out.Image.ARN, out.Image.State)
	case out.CanUpdate:
		s.tell("%s can be updated", r.Name)
	default:
		s.tell("%s is up to date: there is nothing to update", r.Name)
	}
	return out, nil
}

// updateBuilder starts a builder with an agent, and stops it again.
func (s *streaming) updateBuilder(ctx context.Context, builder, agent string) error {
	return s.images(ctx, func(ctx context.Context, images *aws.StreamImages) (any, error) {
		if err := images.UpdateAgent(ctx, builder, agent); err != nil {
			return nil, err
		}
		s.tell("the image builder %s has the agent %s and is stopped", builder, agent)
		return map[string]string{"builder": builder, "agent": agent}, nil
	})
}
