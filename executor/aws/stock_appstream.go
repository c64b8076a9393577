package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// appstream takes stock of AppStream's images and of the machines that images are made on, where the
// tags say that there are any of ours.
func (k *stocktaker) appstream(ctx context.Context, kinds []*planner.Kind) error {
	ours := false
	for arn := range k.tagged {
		ours = ours || strings.Contains(arn, ":appstream:")
	}
	if !ours {
		return nil
	}
	for _, l := range []struct {
		op, remove planner.Op
		in         object
	}{
		{"appstream:DescribeImages", "appstream:DeleteImage", privateImages},
		{"appstream:DescribeImageBuilders", "appstream:DeleteImageBuilder", nil},
	} {
		things, err := k.clients.all(ctx, l.op, k.region, l.in)
		if err != nil {
			return err
		}
		for _, thing := range things {
			k.takeStream(kinds, l.remove, thing)
		}
	}
	fleets, err := k.clients.all(ctx, "appstream:DescribeFleets", k.region, nil)
	if err != nil {
		return err
	}
	for _, f := range fleets {
		user := planner.User{Name: "fleet " + text(f, "Name"), Uses: []string{text(f, "ImageArn")}}
		if name := text(f, "ImageName"); name != "" {
			for _, h := range k.stock.Held {
				if strings.Contains(h.ARN, ":appstream:") && strings.HasSuffix(h.ARN, ":image/"+name) {
					user.Uses = append(user.Uses, h.ARN)
				}
			}
		}
		k.stock.Users = append(k.stock.Users, user)
	}
	return nil
}

// takeStream sorts one image or machine in. What it was made as, its address tells.
func (k *stocktaker) takeStream(kinds []*planner.Kind, remove planner.Op, thing object) {
	arn := text(thing, "Arn")
	tags := k.tagged[arn]
	if tags[planner.TagAddress] == "" {
		return
	}
	typ, _, _ := strings.Cut(tags[planner.TagAddress], ".")
	i := slices.IndexFunc(kinds, func(kind *planner.Kind) bool { return kind.Delete == remove && kind.Name == typ })
	if i < 0 {
		i = slices.IndexFunc(kinds, func(kind *planner.Kind) bool { return kind.Delete == remove })
	}
	if i < 0 {
		return
	}
	h := &planner.Held{Kind: kinds[i], ARN: arn, Tags: tags, State: text(thing, "State")}
	if at, err := time.Parse(time.RFC3339Nano, text(thing, "CreatedTime")); err == nil {
		h.Created = at
	}
	k.stock.Held = append(k.stock.Held, h)
}
