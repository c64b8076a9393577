package aws

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// distributedBy are the tags of an image that is to be made, with the one that says by which configuration it is
// distributed. A plan of a pull request, which distributes nothing, has put its own there.
func distributedBy(in planner.Object) map[string]any {
	if tags, ok := in["tags"].(map[string]any); ok && tags[planner.TagDistribution] != nil {
		return tags
	}
	arn, _ := in["distributionConfigurationArn"].(string)
	tags := tagged(in["tags"], planner.TagDistribution, cmp.Or(arn, planner.Undistributed))
	if source, ok := in["sourceImage"].(string); ok {
		tags = tagged(tags, planner.TagSource, source)
	}
	return tags
}

// wantedDistribution is the ARN of the configuration that an image is to be distributed by, "" for none; false where that is not
// known yet.
func (o *observer) wantedDistribution(n *planner.Node) (arn string, known bool) {
	switch v := n.Input["distributionConfigurationArn"].(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case dsl.Ref:
		if conf := o.graph.DistributionOf(n); conf != nil && conf.Digest != "" {
			arn = o.arn(conf)
		}
		return arn, arn != ""
	}
	return "", false
}

// settled reports whether an image's tags say that it is distributed as it is to be, or that a pull request left its
// distribution to the merge. The ARN of a configuration stands for its content.
func (o *observer) settled(n *planner.Node, tags map[string]string) bool {
	want, known := o.wantedDistribution(n)
	switch by := tags[planner.TagDistribution]; by {
	case planner.Undistributed, planner.NotDistributed:
		return !known || want == "" || by == planner.NotDistributed
	default:
		return !known || by != "" && by == want
	}
}

// underway is the build that a distribution makes which another run has begun; otherwise the one that was chosen.
func (o *observer) underway(n *planner.Node, builds []object, chosen object) object {
	want, known := o.wantedDistribution(n)
	for _, b := range builds {
		if known && want != "" && !terminal(stateOf(b)) && build(text(b, "arn")) > build(text(chosen, "arn")) && ownTags(b)[planner.TagDistribution] == want {
			return b
		}
	}
	return chosen
}

// lend gives the outputs of a build that only distributes the AMI of the region that it was built in, where the
// distribution made none there.
func (o *observer) lend(outputs map[string]any, builds []object) {
	if outputs["ami"] != nil || outputs["amis"] == nil {
		return
	}
	for _, b := range slices.SortedFunc(slices.Values(builds), func(a, b object) int { return build(text(b, "arn")) - build(text(a, "arn")) }) {
		if stateOf(b) != available {
			continue
		}
		if ami, ok := outputsOf(b, o.region, o.account)["ami"]; ok {
			amis, _ := outputs["amis"].(map[string]any)
			amis = maps.Clone(amis)
			amis[o.region] = ami
			outputs["ami"], outputs["amis"] = ami, amis
			return
		}
	}
}

// distributed finds out how an image was distributed that is not known to be as it is to be: this costs calls, and is
// asked for no other.
func (o *observer) distributed(ctx context.Context, n *planner.Node, builds []object) error {
	chosen, _ := choose(builds)
	image, err := o.clients.get(ctx, "imagebuilder:GetImage", o.region, text(chosen, "arn"))
	if err != nil || image == nil {
		return err
	}
	want, _ := o.wantedDistribution(n)
	held := sub(image, "distributionConfiguration")
	seen := &planner.Distributed{Want: want, Home: o.region, Was: rows(held, "distributions"), From: text(held, "arn")}
	switch by := ownTags(chosen)[planner.TagDistribution]; by {
	case "": // made before there was the tag, or by others
		if seen.From == want {
			return nil
		}
	case planner.Undistributed:
		seen.From, seen.Was = "", nil
	default:
		if by != seen.From { // its permissions were changed since, without another build
			if seen.Was, err = o.distributions(ctx, by, seen.Was); err != nil {
				return err
			}
			seen.From = by
		}
	}
	if seen.Wanted, err = o.wantedDistributions(ctx, n, want); err != nil {
		return err
	}
	seen.Container = len(list(sub(image, "outputResources"), "containers")) > 0
	o.amisOf(seen, builds, chosen)
	if err := o.shared(ctx, seen); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[n.Addr].Distributed = seen
	return nil
}

// distributions are those of a configuration; where it is gone, otherwise.
func (o *observer) distributions(ctx context.Context, arn string, otherwise []any) ([]any, error) {
	conf, err := o.clients.get(ctx, getDistribution, o.region, arn)
	if err != nil || conf == nil {
		return otherwise, err
	}
	return rows(conf, "distributions"), nil
}

// wantedDistributions are the distributions of the configuration that is wanted. The name of an AMI that nobody wrote is
// left out, since it says nothing.
func (o *observer) wantedDistributions(ctx context.Context, n *planner.Node, arn string) ([]any, error) {
	conf := o.graph.DistributionOf(n)
	if conf == nil {
		if arn == "" {
			return nil, nil
		}
		return o.distributions(ctx, arn, nil)
	}
	var out []any
	for i, d := range list(object(conf.Input), "distributions") {
		if _, written := conf.Ranges["distributions["+strconv.Itoa(i)+"].amiDistributionConfiguration.name"]; !written {
			d = maps.Clone(d)
			ami := maps.Clone(sub(d, "amiDistributionConfiguration"))
			delete(ami, "name")
			d["amiDistributionConfiguration"] = ami
		}
		out = append(out, d)
	}
	return out, nil
}

func rows(o object, member string) []any {
	all, _ := o[member].([]any)
	return all
}

// amisOf notes the AMIs of all builds of a version that are of use, and those of the chosen one that belong to other accounts.
func (o *observer) amisOf(seen *planner.Distributed, builds []object, chosen object) {
	for _, b := range builds {
		if stateOf(b) != available {
			continue
		}
		current := text(b, "arn") == text(chosen, "arn")
		for _, a := range list(sub(b, "outputResources"), "amis") {
			ami := planner.AMI{Region: text(a, "region"), ID: text(a, "image")}
			if account := text(a, "accountId"); account != "" && account != o.account {
				if current {
					seen.Others = append(seen.Others, planner.OtherAMI{AMI: ami, Account: account})
				}
				continue
			}
			seen.AMIs = append(seen.AMIs, planner.SharedAMI{AMI: ami, Current: current})
		}
	}
}

// shared leaves out AMIs that are not there any more, which the records of their builds go on naming, and asks with whom the
// others and their snapshots are shared. It asks about regions of which a distribution says or said that, and for
// AMIs in those that came or went.
func (o *observer) shared(ctx context.Context, seen *planner.Distributed) error {
	stated, named := map[string]bool{}, map[string]int{}
	for _, e := range slices.Concat(seen.Was, seen.Wanted) {
		d, _ := e.(map[string]any)
		named[text(d, "region")]++
		if len(sub(sub(d, "amiDistributionConfiguration"), "launchPermission")) > 0 {
			stated[text(d, "region")] = true
		}
	}
	asked := func(region string) bool { return stated[region] || region != seen.Home && named[region] < 2 }
	ids := map[string][]string{} // by region
	for _, a := range seen.AMIs {
		if asked(a.Region) {
			ids[a.Region] = append(ids[a.Region], a.ID)
		}
	}
	there, err := o.described(ctx, ids)
	if err != nil {
		return err
	}
	var out []planner.SharedAMI
	for _, a := range seen.AMIs {
		image := there[a.AMI]
		if asked(a.Region) && image == nil {
			continue
		}
		if stated[a.Region] {
			found, err := o.sharedAMI(ctx, &a, image)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
		}
		out = append(out, a)
	}
	seen.AMIs = out
	return nil
}

// described are those of the account's AMIs, by region, that are there.
func (o *observer) described(ctx context.Context, ids map[string][]string) (map[planner.AMI]object, error) {
	there := map[planner.AMI]object{}
	for region, some := range ids {
		out, err := o.clients.answer(ctx, describeImages, region, object{"Filters": []any{object{"Name": "image-id", "Values": some}}, "Owners": []string{"self"}})
		if err != nil {
			return nil, err
		}
		for _, image := range list(out, "Images") {
			there[planner.AMI{Region: region, ID: text(image, "ImageId")}] = image
		}
	}
	return there, nil
}

// sharedAMI asks about one AMI, which may be gone by now.
func (o *observer) sharedAMI(ctx context.Context, a *planner.SharedAMI, image object) (there bool, err error) {
	attribute, err := o.clients.answer(ctx, "ec2:DescribeImageAttribute", a.Region, object{"ImageId": a.ID, "Attribute": "launchPermission"})
	if slices.Contains(gone, Code(err)) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a.Grants = grants(attribute, "LaunchPermissions")
	a.Snapshots = map[string][]planner.Grant{}
	for _, disk := range list(image, "BlockDeviceMappings") {
		id := text(sub(disk, "Ebs"), "SnapshotId")
		if id == "" {
			continue
		}
		attribute, err = o.clients.answer(ctx, "ec2:DescribeSnapshotAttribute", a.Region, object{"SnapshotId": id, "Attribute": "createVolumePermission"})
		if err != nil && Code(err) != "InvalidSnapshot.NotFound" {
			return false, err
		}
		if shared := grants(attribute, "CreateVolumePermissions"); len(shared) > 0 {
			a.Snapshots[id] = shared
		}
	}
	return true, nil
}

// grants are those whom an attribute's answer names.
func grants(attribute object, member string) (out []planner.Grant) {
	for _, g := range list(attribute, member) {
		for _, m := range slices.Sorted(maps.Keys(g)) {
			if name := text(g, m); name != "" {
				out = append(out, planner.Grant{Member: m, Name: name})
			}
		}
	}
	slices.SortFunc(out, func(a, b planner.Grant) int {
		return cmp.Or(strings.Compare(a.Member, b.Member), strings.Compare(a.Name, b.Name))
	})
	return out
}
