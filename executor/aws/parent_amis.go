package aws

import (
	"context"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
)

// ParentAMIs asks EC2 about the AMIs that recipes start from, all of a region at once: an entry of DescribeImages'
// answer each, nil for one that is not there. A DeprecationTime is one that has passed. A caller that may not ask is warned,
// and of that region nothing is known.
func (c *Clients) ParentAMIs(ctx context.Context, g *planner.Graph) (map[planner.AMI]planner.Object, hcl.Diagnostics) {
	wanted := map[string][]string{}
	for _, a := range g.ParentAMIs() {
		wanted[a.Region] = append(wanted[a.Region], a.ID)
	}
	told := map[planner.AMI]planner.Object{}
	for region, ids := range wanted {
		if err := c.describe(ctx, region, ids, told); err != nil {
			if slices.Contains(deniedCodes, Code(err)) {
				return nil, hcl.Diagnostics{{
					Severity: hcl.DiagWarning, Summary: "Parent images not checked", Extra: err,
					Detail: "The caller may not ask for AMIs, so their state, platform and architecture are not compared. Allow it ec2:DescribeImages: imagebuild iam prints the policies.",
				}}
			}
			return nil, hcl.Diagnostics{unanswered(hcl.Range{}, "for parent images", err)}
		}
	}
	return told, nil
}

// describe puts what EC2 tells of a region's AMIs into told. IDs are a filter's values: named outright,
// one that is not there would refuse the whole question.
func (c *Clients) describe(ctx context.Context, region string, ids []string, told map[planner.AMI]planner.Object) error {
	where := region
	if where == "" {
		where = c.Region()
	}
	for some := range slices.Chunk(ids, tagValues) {
		out, err := c.answer(ctx, describeImages, where, object{
			"IncludeDeprecated": true, "IncludeDisabled": true, "Filters": []any{object{"Name": "image-id", "Values": some}},
		})
		if err != nil {
			return err
		}
		for _, id := range some {
			told[planner.AMI{Region: region, ID: id}] = nil
		}
		for _, image := range list(out, "Images") {
			if at, err := time.Parse(time.RFC3339, text(image, "DeprecationTime")); err != nil || at.After(time.Now()) {
				delete(image, "DeprecationTime")
			}
			told[planner.AMI{Region: region, ID: text(image, "ImageId")}] = image
		}
	}
	return nil
}
