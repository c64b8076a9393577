package kind

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
)

// imageQuota is how many images an account has in a region by default (Service Quotas, L-E1182CCA).
const imageQuota = 10

// The sorts of Observed.Beside that an AppStream image has.
const (
	besidePermissions = "permissions" // who may use it: sharedAccountId, imagePermissions
	besideImages      = "images"      // the account's images: Name, State, CreatedTime, and of this block's earlier ones Earlier, Used, Shared, Old
	besideBuilders    = "builders"    // image builders that a run left behind: Name, State
)

// appstreamSurplus takes away what an AppStream image leaves behind: permissions nobody asks for any more,
// builders of runs that were killed, images that failed, and what its retention does not keep.
func appstreamSurplus(g *planner.Graph, n *planner.Node, have *planner.Observed) ([]*planner.Change, hcl.Diagnostics) {
	s := surplus{graph: g, node: n, have: have}
	s.permissions()
	s.builders()
	s.images()
	return s.out, s.diags
}

// A surplus carries one appstreamSurplus.
type surplus struct {
	graph *planner.Graph
	node  *planner.Node
	have  *planner.Observed
	out   []*planner.Change
	diags hcl.Diagnostics
}

// A taking is one thing to be taken away.
type taking struct {
	of           *planner.Kind
	name, reason string
	op           planner.Op
	call         planner.Object
	first        bool
}

func (s *surplus) take(t taking) {
	s.out = append(s.out, &planner.Change{
		Node: surplusNode(s.node, t.of, t.name, t.call),
		Verb: planner.Delete, Op: t.op, Reason: t.reason, First: t.first, Region: s.node.Region,
	})
}

// permissions takes accounts away that the configuration does not name.
func (s *surplus) permissions() {
	name := s.node.Known["name"]
	wanted := map[any]bool{}
	for _, n := range s.graph.Nodes {
		if n.Kind.Name == "appstream_image_permissions" && n.Region == s.node.Region && n.Input["Name"] == name {
			wanted[n.Input["SharedAccountId"]] = true
		}
	}
	for _, p := range s.have.Beside[besidePermissions] {
		account, _ := p["sharedAccountId"].(string)
		if wanted[account] {
			continue
		}
		s.take(taking{
			of: s.graph.Kind("appstream_image_permissions"), name: account, op: "appstream:DeleteImagePermissions",
			reason: "no longer shared: the configuration does not name account " + account,
			call:   planner.Object{"Name": name, "SharedAccountId": account},
		})
		allowed, _ := p["imagePermissions"].(map[string]any)
		if allowed["allowFleet"] == true {
			s.diags = append(s.diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Fleets of another account lose their capacity", Subject: s.node.Origin.Ptr(),
				Detail: fmt.Sprintf("Account %s will not be able to use %v for fleets any more. AppStream sets the desired capacity of its fleets that use the image to 0; "+
					"sessions go on. Share the image with the account to keep that from happening.", account, name),
			})
		}
	}
}

// builders takes away what runs that were killed left behind: an image builder costs money for as long as it runs.
func (s *surplus) builders() {
	for _, b := range s.have.Beside[besideBuilders] {
		name, _ := b["Name"].(string)
		s.take(taking{
			of: ImageBuilder(), name: name, op: "appstream:DeleteImageBuilder", first: true,
			reason: fmt.Sprintf("left behind by an earlier run: image builder %s is %v", name, b["State"]),
			call:   planner.Object{"Name": name},
		})
	}
}

// images takes earlier images away: those that failed first, then what the retention does not keep, and of those
// as many before the new one is made as the quota asks for.
func (s *surplus) images() {
	all := s.have.Beside[besideImages]
	left := len(all)
	for _, image := range all {
		name, _ := image["Name"].(string)
		if image["Earlier"] == true && image["State"] == "FAILED" && name != s.node.Known["name"] {
			s.drop(name, "image "+name+" is FAILED and counts against the quota", true)
			left--
		}
	}
	going := s.expired(all)
	if !s.have.Exists {
		left++
	}
	for _, image := range going {
		name, _ := image["Name"].(string)
		s.drop(name, "retention: image "+name+" is not among those that stay", left > imageQuota)
		left--
	}
	if left > imageQuota && !s.have.Exists {
		s.diags = append(s.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning, Summary: "Image quota used up", Subject: s.node.Origin.Ptr(),
			Detail: fmt.Sprintf("There will be %d images in the region, and the quota is %d by default (L-E1182CCA). Delete one, write a retention block, or have the quota raised.", left, imageQuota),
		})
	}
}

func (s *surplus) drop(name, reason string, first bool) {
	s.take(taking{
		of: s.graph.Kind("appstream_image"), name: name, op: "appstream:DeleteImage", reason: reason, first: first, call: planner.Object{"Name": name},
	})
}

// expired are the earlier images that the retention does not keep and nobody uses, oldest first.
func (s *surplus) expired(all []planner.Object) []planner.Object {
	rule, ok := s.node.Settings["retention"].(map[string]any)
	if !ok {
		return nil
	}
	var earlier []planner.Object
	for _, image := range all {
		if image["Earlier"] == true && image["State"] == "AVAILABLE" && image["Name"] != s.node.Known["name"] {
			earlier = append(earlier, image)
		}
	}
	slices.SortFunc(earlier, func(a, b planner.Object) int {
		return cmp.Or(cmp.Compare(fmt.Sprint(b["CreatedTime"]), fmt.Sprint(a["CreatedTime"])), cmp.Compare(fmt.Sprint(b["Name"]), fmt.Sprint(a["Name"])))
	})
	keep, counted := rule["keep"].(int64)
	_, aged := rule["max_age"]
	var out []planner.Object
	for i, image := range earlier {
		beyond := int64(i+1) >= keep // the image itself is one of those that stay
		if image["Used"] == true || image["Shared"] == true || counted && !beyond || aged && image["Old"] != true {
			continue
		}
		out = append(out, image)
	}
	slices.Reverse(out)
	return out
}
