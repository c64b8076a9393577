package aws

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// associated are the members of AssociateFleet, what they name, and where those are listed.
var associated = []struct { //nolint:gochecknoglobals // a table, never written
	member, what, kind string
	op                 planner.Op
}{
	{"FleetName", "fleet", "appstream_fleet", "appstream:DescribeFleets"},
	{"StackName", "stack", "appstream_stack", "appstream:DescribeStacks"},
}

// ends refuses an association that is to be created with a fleet or stack that doesn't exist when its turn comes.
func (o *observer) ends(ctx context.Context) {
	for _, n := range o.graph.Nodes {
		if n.Kind.Create != "appstream:AssociateFleet" || n.Digest == "" || o.seen[n.Addr] != nil && o.seen[n.Addr].Exists {
			continue
		}
		for _, end := range associated {
			name, given := n.Input[end.member].(string)
			if !given { // a reference to what the graph creates
				continue
			}
			at, region := written(n, end.member), o.regionOf(n)
			things, err := o.listed(ctx, end.op, region)
			if err != nil {
				o.report(unanswered(at, "for AppStream "+end.what+"s", err))
				continue
			}
			if slices.ContainsFunc(things, func(thing object) bool { return text(thing, "Name") == name }) {
				continue
			}
			what := fmt.Sprintf("There is no AppStream %s %s in %s", end.what, awsmodel.Printable(name), region)
			made := o.declared(end.kind, region, name)
			switch {
			case made == nil:
				what += fmt.Sprintf(". List them with: aws appstream describe-%ss --region %s. To create it here, add a block %[3]s and refer to it: %[3]s.NAME.", end.what, region, end.kind)
			case slices.Contains(n.Needs, made.Addr), slices.Contains(n.After, made.Addr):
				continue
			default:
				what += fmt.Sprintf(" yet, and nothing says that %[1]s is created first. Write %[2]s_name = %[1]s.", made.Addr, end.what)
			}
			o.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No " + end.what + " found", Subject: at.Ptr(), Detail: what})
		}
	}
}

// declared is the graph's node of a kind under a name of AWS's; nil where it has none.
func (o *observer) declared(kind, region, name string) *planner.Node {
	for _, n := range o.graph.Nodes {
		if n.Kind.Name == kind && o.regionOf(n) == region && n.Known["name"] == name {
			return n
		}
	}
	return nil
}
