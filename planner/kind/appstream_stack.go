package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamStackExample = appstreamFleetExample + `
appstream_stack "cad" {
  display_name = "CAD"

  user_setting {
    action     = "CLIPBOARD_COPY_TO_LOCAL_DEVICE"
    permission = "DISABLED"
  }
}
appstream_fleet_association "cad" {
  fleet_name = appstream_fleet.cad
  stack_name = appstream_stack.cad
}
`

// appstreamStackKind is what users are let in by: settings around fleets.
func appstreamStackKind() *planner.Kind {
	const op = "appstream:CreateStack"
	g := Derive(Spec{Op: op, Filled: []string{"Name"}})
	k := &planner.Kind{
		Name:   "appstream_stack",
		Block:  block("appstream_stack", g, "What users come in by: storage, clipboard and other settings around a fleet.", "arn", "name"),
		Naming: planner.StableName, NameMember: "Name", TagsMember: "Tags", Resource: "stack",
		Create: op, Read: "appstream:DescribeStacks", List: "appstream:DescribeStacks",
		Update: "appstream:UpdateStack", Delete: "appstream:DeleteStack", Partial: true,
		Outputs: map[string]string{"arn": "Stack.Arn"},
		Cleared: sortedKeys(stackCleared), ClearedBy: stackCleared,
		Pointer: "users come in by a stack",
		Example: appstreamStackExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		return n, l.Diags
	}
	return k
}

// stackCleared are the words by which UpdateStack takes members away (StackAttribute of the model).
var stackCleared = map[string]string{
	"AccessEndpoints": "ACCESS_ENDPOINTS", "EmbedHostDomains": "EMBED_HOST_DOMAINS", "FeedbackURL": "FEEDBACK_URL",
	"RedirectURL": "REDIRECT_URL", "StorageConnectors": "STORAGE_CONNECTORS",
}

// appstreamFleetAssociationKind makes a stack's users use a fleet.
func appstreamFleetAssociationKind() *planner.Kind {
	const op = "appstream:AssociateFleet"
	g := Derive(Spec{Op: op})
	k := &planner.Kind{
		Name:   "appstream_fleet_association",
		Block:  block("appstream_fleet_association", g, "The fleet that a stack's users use.", "name"),
		Naming: planner.NamedAfter, NameMember: "FleetName", Identity: []string{"StackName"},
		Create: op, Read: "appstream:ListAssociatedStacks", Delete: "appstream:DisassociateFleet",
		Accepts: map[string][]string{"FleetName": {"appstream_fleet"}, "StackName": {"appstream_stack"}},
		Pointer: "it decides what users stream from",
		Example: appstreamStackExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		l.byName("FleetName", "StackName")
		return &planner.Node{Input: l.Input, Ranges: l.Ranges}, l.Diags
	}
	return k
}
