package kind

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamFleetExample = appstreamImageExample + `
appstream_fleet "cad" {
  image_name    = appstream_image.cad
  instance_type = "GeneralPurpose.t3.large"

  compute_capacity {
    desired_instances = 2
  }
  health_check {
    instances = 1
    timeout   = "30m"
  }
}
`

// appstreamFleetKind is a fleet, which keeps its name and is pointed at new images.
func appstreamFleetKind() *planner.Kind {
	const op = "appstream:CreateFleet"
	g := Derive(Spec{Op: op, Filled: []string{"Name"}, Attrs: []dsl.Attr{
		{Name: "start", Type: cty.Bool, Doc: "Whether the fleet should run. Defaults to true: a stopped fleet is started. false leaves it as it is: a new fleet isn't started, and one that a change has to stop is started again only if it was running."},
		timeoutAttr("How long stopping and starting may take. Defaults to 1h."),
	}, Blocks: []dsl.NestedType{healthBlock()}})
	k := &planner.Kind{
		Name:   "appstream_fleet",
		Block:  block("appstream_fleet", g, "A fleet of machines that stream an image.", "arn", "name"),
		Naming: planner.StableName, NameMember: "Name", TagsMember: "Tags", Resource: "fleet",
		Create: op, Read: "appstream:DescribeFleets", List: "appstream:DescribeFleets",
		Update: "appstream:UpdateFleet", Delete: "appstream:DeleteFleet", Partial: true,
		Outputs: map[string]string{"arn": "Fleet.Arn"},
		Cleared: sortedKeys(fleetCleared), ClearedBy: fleetCleared,
		Accepts: map[string][]string{"ImageArn": append([]string{"appstream_image_copy"}, appstreamImages...), "ImageName": appstreamImages},
		Pointer: "users stream from a fleet", Unsettled: fleetUnsettled,
		Example: appstreamFleetExample,
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		l.byName("ImageName")
		l.family(s, b.Body)
		l.joins(s)
		l.wait(n, b.Body, "timeout")
		l.health(n, b.Body)
		return n, l.Diags
	}
	return k
}

// fleetUnsettled compares whether a fleet runs with whether it should. A fleet that imagebuild stopped for a change should
// run whatever start says, since it ran before.
func fleetUnsettled(n *planner.Node, have *planner.Observed) planner.Rest {
	_, stopped := have.Tags[planner.TagRestart]
	title := n.Title()
	switch {
	case n.Settings["start"] == false && !stopped:
		return planner.Rest{}
	case have.State == "STOPPED" || have.State == "STOPPING":
		reason := title + " is " + have.State + " and should be RUNNING"
		if stopped {
			reason = title + " is " + have.State + ": an earlier run stopped it for a change and didn't start it again"
		}
		return planner.Rest{Verb: planner.Update, Op: "appstream:StartFleet", Args: planner.Object{"Name": n.Known["name"]}, Reason: reason}
	case have.State == "STARTING":
		return planner.Rest{Verb: planner.Wait, Reason: title + " is STARTING"}
	case have.Unwell != "":
		return planner.Rest{Verb: planner.Wait, Reason: title + " isn't healthy yet: " + have.Unwell}
	case stopped:
		return planner.Rest{Verb: planner.Wait, Reason: title + " is RUNNING, but an earlier run that stopped it for a change didn't finish"}
	}
	return planner.Rest{}
}

// fleetCleared are the words by which UpdateFleet takes members away (FleetAttribute of the model).
var fleetCleared = map[string]string{
	"DomainJoinInfo": "DOMAIN_JOIN_INFO", "IamRoleArn": "IAM_ROLE_ARN", "SessionScriptS3Location": "SESSION_SCRIPT_S3_LOCATION",
	"UsbDeviceFilterStrings": "USB_DEVICE_FILTER_STRINGS",
}

// healthBlock says when a fleet is well enough for what comes after it.
func healthBlock() dsl.NestedType {
	return dsl.NestedType{
		Type: "health_check", Max: 1, Doc: "What a running fleet must show before anything that comes after it: machines that are available and no errors.",
		Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "instances", Type: cty.Number, Doc: "How many machines must be available. Defaults to 1."},
			{Name: "timeout", Type: cty.String, Doc: "How long that may take. Defaults to 30m."},
		}},
	}
}

// health reads the block, and whether the fleet is started, into the node's settings.
func (l *Lowered) health(n *planner.Node, body *dsl.Body) {
	l.readArguments(body, func(a *arguments) {
		n.Settings["start"] = !a.has("start") || a.truth("start")
	})
	written := first(body, "health_check")
	if written == nil {
		return
	}
	l.readArguments(written.Body, func(a *arguments) {
		check := map[string]any{"instances": int64(1)}
		if a.has("instances") {
			check["instances"] = int64(a.number("instances"))
		}
		if seconds := a.seconds("timeout"); seconds > 0 {
			check["timeout"] = int64(seconds)
		}
		n.Settings["health_check"] = check
	})
}
