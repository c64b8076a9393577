package kind

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamImageCopyExample = appstreamImageExample + `
appstream_image_copy "frankfurt" {
  source_image_name  = appstream_image.cad
  destination_region = "eu-central-1"
  tags               = { team = "cad" }
}
`

// appstreamImageCopyKind is an image in another region, under the same name unless another is given. AWS copies
// neither tags nor permissions, so that the tags are put on it afterwards.
func appstreamImageCopyKind() *planner.Kind {
	const op = "appstream:CopyImage"
	g := Derive(Spec{Op: op, Filled: []string{"DestinationImageName"}, Attrs: []dsl.Attr{
		{Name: "tags", Type: cty.Map(cty.String), Doc: "Tags of the copy, beside those that imagebuild sets."},
		timeoutAttr("How long the copy may take. Defaults to 2h."),
	}})
	k := &planner.Kind{
		Name:   "appstream_image_copy",
		Block:  block("appstream_image_copy", g, "An AppStream image in another region.", "arn", "name"),
		Naming: planner.NamedAfter, NameMember: "DestinationImageName", Identity: []string{"DestinationRegion"}, Resource: "image",
		Create: op, Read: "appstream:DescribeImages", List: "appstream:DescribeImages", Delete: "appstream:DeleteImage",
		Accepts: map[string][]string{"SourceImageName": appstreamImages},
		Mend:    tagCopy, Surplus: appstreamSurplus,
		Pointer: "a copy reaches beyond the region built in",
		Example: appstreamImageCopyExample,
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		n := &planner.Node{Input: l.Input, Ranges: l.Ranges, Settings: planner.Object{}}
		if _, given := l.Input["DestinationImageName"]; !given {
			l.Input["DestinationImageName"], l.Ranges["DestinationImageName"] = l.Input["SourceImageName"], l.Ranges["SourceImageName"]
		}
		l.byName("SourceImageName", "DestinationImageName")
		n.Region, _ = l.Input["DestinationRegion"].(string)
		if _, renamed := b.Body.Attr("destination_image_name"); !renamed && n.Region != "" && n.Region == s.Region {
			l.fail(l.Ranges["DestinationRegion"], "Copy onto itself", "The image is in "+n.Region+" already, under this name. Name another region, or give the copy another destination_image_name.")
		}
		if v, ok := b.Body.Attr("tags"); ok {
			n.Settings["tags"] = v.V
		}
		l.wait(n, b.Body, "timeout")
		return n, l.Diags
	}
	return k
}

// tagCopy puts the tags on a copy that lacks them.
func tagCopy(n *planner.Node, have *planner.Observed) (planner.Mending, hcl.Diagnostics) {
	return planner.Mending{
		Op: "appstream:TagResource", Args: planner.Object{"ResourceArn": have.Outputs["arn"], "Tags": planner.LaterTags(n)},
		Lacks: strings.Join(have.Missing, ", "),
	}, nil
}
