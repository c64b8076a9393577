package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/executor/aws"
)

func (p *program) streamExportCommand() *cobra.Command {
	s := &streaming{p: p}
	var r aws.ExportRequest
	var tags []string
	c := &cobra.Command{
		Use: "export IMAGE --ami-name NAME --role ARN", Short: "Make an AMI of an image", Args: cobra.ExactArgs(1),
		Long: "export has AppStream make an AMI of an image of Windows Server 2022 or 2025, in the same account and region, and waits\n" +
			"for it. The AppStream agent and license-included applications are taken out. An export of the same image to the same\n" +
			"AMI name that is under way, or done, is taken up.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			switch {
			case r.AMIName == "":
				return mistake("name the AMI: --ami-name "+args[0], "the AMI has no name")
			case r.Role == "":
				return mistake("name a role with ec2:CopyImage, ec2:DescribeImages and ec2:CreateTags that appstream.amazonaws.com may assume: --role ARN", "AppStream needs a role to make the AMI with")
			}
			if r.Name, err = s.name(args[0]); err != nil {
				return err
			}
			if r.Tags, err = tagsOf(tags); err != nil {
				return err
			}
			return s.images(c.Context(), func(ctx context.Context, images *aws.StreamImages) (any, error) {
				task, err := images.Export(ctx, r)
				if err != nil {
					return nil, err
				}
				if task.AMI == "" {
					s.tell("The export %s of %s is %s", task.TaskID, r.AMIName, task.State)
				} else {
					s.tell("%s is %s", r.AMIName, task.AMI)
				}
				return task, nil
			})
		},
	}
	c.Flags().StringVar(&r.AMIName, "ami-name", "", "the AMI's `name`, which no other AMI of the account may have")
	c.Flags().StringVar(&r.Role, "role", "", "the `ARN` of a role that AppStream makes the AMI with")
	c.Flags().StringVar(&r.Description, "description", "", "the AMI's description, a `text`")
	c.Flags().StringArrayVar(&tags, "tag", nil, "a tag of the AMI: `key=value`; may be repeated")
	c.Flags().BoolVar(&r.Detach, "detach", false, "return when the export has begun")
	s.add(c)
	return c
}
