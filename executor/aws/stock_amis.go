package aws

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/planner"
)

// tagValues is how many values one filter of EC2 takes.
const tagValues = 200

// leftAMIs finds the AMIs of builds that came to no image: only a tag that Image Builder puts on each
// leads to those.
func (k *stocktaker) leftAMIs(ctx context.Context, selected []*planner.Held) error {
	images := map[string]*planner.Held{}
	var arns []string
	for _, h := range selected {
		if strings.Contains(h.ARN, ":image/") {
			images[h.ARN] = h
			arns = append(arns, h.ARN)
		}
	}
	for some := range slices.Chunk(arns, tagValues) {
		out, err := k.clients.answer(ctx, describeImages, k.region, object{
			"Owners": []string{"self"}, "Filters": []any{object{"Name": "tag:" + madeBy, "Values": some}},
		})
		if err != nil {
			return err
		}
		for _, ami := range list(out, "Images") {
			for _, t := range list(ami, "Tags") {
				h := images[text(t, "Value")]
				found := planner.AMI{Region: k.region, ID: text(ami, "ImageId")}
				if text(t, "Key") == madeBy && h != nil && !slices.Contains(h.AMIs, found) {
					h.AMIs = append(h.AMIs, found)
				}
			}
		}
	}
	return nil
}

// madeBy is the tag that Image Builder puts on every AMI: the ARN of the image's build.
const madeBy = "Ec2ImageBuilderArn"

// pointers asks, in each region that has an AMI of what is selected, which parameters and launch
// templates name one.
func (k *stocktaker) pointers(ctx context.Context, selected []*planner.Held) error {
	work, ctx := errgroup.WithContext(ctx)
	for region, ids := range byRegion(selected) {
		work.Go(func() error { return k.parameters(ctx, region, ids) })
		work.Go(func() error { return k.launchTemplates(ctx, region, ids) })
	}
	return work.Wait()
}

// byRegion are the AMIs of images.
func byRegion(images []*planner.Held) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, h := range images {
		for _, a := range h.AMIs {
			if out[a.Region] == nil {
				out[a.Region] = map[string]bool{}
			}
			out[a.Region][a.ID] = true
		}
	}
	return out
}

// thoseThere leaves of the AMIs that the records of images name those that are there: an earlier gc that was
// interrupted deleted some, or a person did.
func (k *stocktaker) thoseThere(ctx context.Context, selected []*planner.Held) error {
	there := map[planner.AMI]bool{}
	for region, ids := range byRegion(selected) {
		for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), tagValues) {
			out, err := k.clients.answer(ctx, describeImages, region, object{
				"Owners": []string{"self"}, "Filters": []any{object{"Name": "image-id", "Values": some}},
			})
			if err != nil {
				return err
			}
			for _, ami := range list(out, "Images") {
				there[planner.AMI{Region: region, ID: text(ami, "ImageId")}] = true
			}
		}
	}
	for _, h := range selected {
		h.AMIs = slices.DeleteFunc(h.AMIs, func(a planner.AMI) bool { return !there[a] })
	}
	return nil
}

const describeImages planner.Op = "ec2:DescribeImages"

func (k *stocktaker) uses(name, ami string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stock.Users = append(k.stock.Users, planner.User{Name: name, Uses: []string{ami}})
}

// parameters reads all plain parameters: none of SSM's filters looks at values.
func (k *stocktaker) parameters(ctx context.Context, region string, ids map[string]bool) error {
	in := object{"Path": "/", "Recursive": true, "MaxResults": 10}
	for range wholeList {
		out, err := k.clients.answer(ctx, "ssm:GetParametersByPath", region, in)
		if err != nil {
			return err
		}
		for _, p := range list(out, "Parameters") {
			for value := range strings.SplitSeq(text(p, "Value"), ",") {
				if ids[strings.TrimSpace(value)] {
					k.uses("parameter "+text(p, "Name"), strings.TrimSpace(value))
				}
			}
		}
		if in["NextToken"] = text(out, "NextToken"); in["NextToken"] == "" {
			return nil
		}
	}
	return nil
}

// launchTemplates asks for the default and latest versions of templates that name an AMI.
func (k *stocktaker) launchTemplates(ctx context.Context, region string, ids map[string]bool) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), tagValues) {
		in := object{"Versions": []string{"$Latest", "$Default"}, "Filters": []any{object{"Name": "image-id", "Values": some}}}
		for range wholeList {
			out, err := k.clients.answer(ctx, "ec2:DescribeLaunchTemplateVersions", region, in)
			if err != nil {
				return err
			}
			for _, v := range list(out, "LaunchTemplateVersions") {
				k.uses("launch template "+text(v, "LaunchTemplateName"), text(sub(v, "LaunchTemplateData"), "ImageId"))
			}
			if in["NextToken"] = text(out, "NextToken"); in["NextToken"] == "" {
				break
			}
		}
	}
	return nil
}
