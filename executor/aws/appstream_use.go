package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

// uses looks up the AppStream images that the graph names and does not make, and holds what is to be created or changed
// against them: what AppStream would refuse hours into a run is refused before its first call.
func (o *observer) uses(ctx context.Context) {
	o.ends(ctx)
	made := o.madeHere()
	for _, n := range o.graph.Nodes {
		service, op, _ := strings.Cut(string(n.Kind.Create), ":")
		if service != "appstream" || n.Digest == "" || op == "CreateImageBuilder" { // whose base image is a look-up
			continue
		}
		for _, member := range rules.StreamImageMembers(op) {
			image, given := n.Input[member].(string)
			region := o.imageRegion(n)
			if !given || made[region+" "+image] || o.settledUse(n, member) {
				continue
			}
			o.use(ctx, n, streamUse{op: op, member: member, image: image, region: region})
		}
	}
}

// madeHere are the names of images that the graph makes, behind their regions.
func (o *observer) madeHere() map[string]bool {
	out := map[string]bool{}
	for _, n := range o.graph.Nodes {
		if n.Kind.Read != "appstream:DescribeImages" {
			continue
		}
		if name, ok := n.Known["name"].(string); ok {
			out[o.regionOf(n)+" "+name] = true
		}
	}
	return out
}

// imageRegion is where the image is that a node names: a copy is made from the graph's region, and elsewhere.
func (o *observer) imageRegion(n *planner.Node) string {
	if n.Kind.Create == "appstream:CopyImage" {
		return o.region
	}
	return o.regionOf(n)
}

// settledUse says whether a node exists with this image and nothing of it is going to be called again for the image.
func (o *observer) settledUse(n *planner.Node, member string) bool {
	have := o.seen[n.Addr]
	if have == nil || !have.Exists || have.State == "FAILED" {
		return false
	}
	if n.Kind.Update == "" || n.Kind.Naming == planner.NamedAfter {
		return true
	}
	for _, m := range []string{member, "InstanceType", "DisableIMDSV1"} {
		if v, given := n.Input[m]; given && have.Input[m] != v {
			return false
		}
	}
	return true
}

// A streamUse is an image as a node names it.
type streamUse struct{ op, member, image, region string }

func (o *observer) use(ctx context.Context, n *planner.Node, u streamUse) {
	q := baseQuery{Name: u.image}
	if strings.HasPrefix(u.image, "arn:") {
		q = baseQuery{ARN: u.image}
	}
	at := written(n, u.member)
	images, err := o.streamImages(ctx, q, u.region)
	if err != nil {
		o.report(unanswered(at, "for AppStream images", err))
		return
	}
	i := slices.IndexFunc(images, func(image object) bool {
		return q.ARN != "" && text(image, "Arn") == q.ARN || q.Name != "" && text(image, "Name") == q.Name
	})
	if i < 0 {
		o.report(&hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No image found", Subject: at.Ptr(),
			Detail: fmt.Sprintf("There is no AppStream image %s in %s. %s", awsmodel.Printable(u.image), u.region, q.others(images)),
		})
		return
	}
	for _, f := range rules.CheckStreamImage(u.op, n.Input.Resolve(func(dsl.Ref) any { return awsmodel.Unknown{} }), images[i]) {
		o.report(planner.RuleDiagnostic(f.Rule.ID, written(n, cmp.Or(f.Path, u.member)), f.Message+". "+f.Advice))
	}
}

// streamImages are the images that a name or ARN may mean. Those of a region are listed once.
func (o *observer) streamImages(ctx context.Context, q baseQuery, region string) ([]object, error) {
	return o.lists.once(ctx, listingKey{planner.Op("images by " + q.ARN), region}, func() ([]object, error) {
		return q.list(ctx, o.clients, region)
	})
}

func (o *observer) report(d *hcl.Diagnostic) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.diags = append(o.diags, d)
}
