package kind

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// LaunchPermission and SnapshotPermission are the kinds of who may launch an AMI and use its snapshots. No block writes one:
// they follow from an image's distribution.
func LaunchPermission() *planner.Kind {
	return &planner.Kind{
		Name: "ami_launch_permission", Naming: planner.StableName, Read: "ec2:DescribeImageAttribute", Update: "ec2:ModifyImageAttribute",
	}
}

// SnapshotPermission is described at LaunchPermission.
func SnapshotPermission() *planner.Kind {
	return &planner.Kind{
		Name: "ami_snapshot_permission", Naming: planner.StableName, Read: "ec2:DescribeSnapshotAttribute", Update: "ec2:ModifySnapshotAttribute",
	}
}

// sharing brings the permissions of an image's AMIs to what its distribution says. It goes before the image's own
// change, which records that all of it is done: a run that is interrupted before leaves the rest to the next.
func sharing(_ *planner.Graph, n *planner.Node, have *planner.Observed) ([]*planner.Change, hcl.Diagnostics) {
	seen := have.Distributed
	if seen == nil {
		return nil, nil
	}
	again := driftOf(have).distributes(have)
	var out []*planner.Change
	for _, ami := range seen.AMIs {
		e := sharingIn(seen, ami.Region)
		add, remove := e.of(ami.Grants)
		if again || !ami.Current { // what DistributeImage makes has the permissions that are wanted
			add = nil
		}
		if len(add)+len(remove) > 0 {
			out = append(out, permissionChange(n, ami.AMI, permitting{
				kind: LaunchPermission(), id: ami.ID, member: "LaunchPermission", call: planner.Object{"ImageId": ami.ID}, add: add, remove: remove,
			}))
		}
		for _, id := range slices.Sorted(maps.Keys(ami.Snapshots)) {
			if _, gone := e.of(ami.Snapshots[id]); len(gone) > 0 {
				out = append(out, permissionChange(n, ami.AMI, permitting{
					kind: SnapshotPermission(), id: id, member: "CreateVolumePermission", remove: gone,
					call: planner.Object{"SnapshotId": id, "Attribute": "createVolumePermission"},
				}))
			}
		}
	}
	return out, nil
}

// An entitlement is who may launch the AMIs of one region: what was given and what is to be.
type entitlement struct {
	region      string
	was, wanted []planner.Grant
	stated      bool // the distribution says who, so that nobody else may
}

func sharingIn(seen *planner.Distributed, region string) entitlement {
	wanted := byRegion(seen.Wanted)[region]
	return entitlement{
		region: region, was: grantsIn(byRegion(seen.Was)[region]), wanted: grantsIn(wanted),
		stated: !empty(inner(wanted, amiMember)["launchPermission"]),
	}
}

// of is what to add to and remove from those who have a permission. What a distribution neither gave nor speaks of
// is somebody else's and stays.
func (e entitlement) of(have []planner.Grant) (add, remove []planner.Grant) {
	for _, g := range have {
		if !slices.Contains(e.wanted, g) && (e.stated || slices.Contains(e.was, g)) {
			remove = append(remove, g)
		}
	}
	for _, g := range e.wanted {
		if !slices.Contains(have, g) {
			add = append(add, g)
		}
	}
	return add, remove
}

// changes reports whether any AMI of the region has another permission than it should.
func (e entitlement) changes(seen *planner.Distributed) bool {
	for _, ami := range seen.AMIs {
		if ami.Region != e.region {
			continue
		}
		add, remove := e.of(ami.Grants)
		if len(remove) > 0 || ami.Current && len(add) > 0 {
			return true
		}
		for _, grants := range ami.Snapshots {
			if _, gone := e.of(grants); len(gone) > 0 {
				return true
			}
		}
	}
	return false
}

// grantMembers are the members of a distribution's launch permission, and of EC2's calls.
var grantMembers = []struct{ distribution, call string }{ //nolint:gochecknoglobals // a table, never written
	{"userGroups", "Group"}, {"userIds", "UserId"}, {"organizationArns", "OrganizationArn"}, {"organizationalUnitArns", "OrganizationalUnitArn"},
}

// grantsIn are those whom one region's distribution lets launch the AMI.
func grantsIn(distribution map[string]any) (out []planner.Grant) {
	permission := inner(inner(distribution, amiMember), "launchPermission")
	for _, m := range grantMembers {
		for _, name := range words(permission[m.distribution]) {
			out = append(out, planner.Grant{Member: m.call, Name: name})
		}
	}
	return out
}

// A permitting is one call that changes a permission.
type permitting struct {
	kind        *planner.Kind
	id          string
	member      string // of the call's input
	call        planner.Object
	add, remove []planner.Grant
}

// permissionChange is the change that a permitting is.
func permissionChange(n *planner.Node, ami planner.AMI, p permitting) *planner.Change {
	changes := map[string]any{}
	var says []string
	for _, side := range []struct {
		member, word string
		grants       []planner.Grant
	}{{"Add", "shared with ", p.add}, {"Remove", "no longer shared with ", p.remove}} {
		var list []any
		var names []string
		for _, g := range side.grants {
			list = append(list, map[string]any{g.Member: g.Name})
			names = append(names, spoken(g))
		}
		if len(list) > 0 {
			changes[side.member] = list
			says = append(says, side.word+strings.Join(names, ", "))
		}
	}
	p.call[p.member] = changes
	region := ami.Region
	return &planner.Change{
		Node: &planner.Node{
			Addr: dsl.Addr{Type: p.kind.Name, Name: p.id}, Kind: p.kind, Input: p.call, Origin: n.Origin, Group: n.Group, Region: region,
			Ranges: map[string]hcl.Range{}, Known: map[string]any{"name": p.id},
		},
		Verb: planner.Update, Op: p.kind.Update, Region: region, First: true,
		Reason: cmp.Or(strings.Join(says, "; "), "unchanged") + ", in " + region,
	}
}

// spoken is one of those whom a permission names, in words.
func spoken(g planner.Grant) string {
	switch g.Member {
	case "Group":
		return "everybody"
	case "UserId":
		return "account " + g.Name
	}
	return g.Name
}
