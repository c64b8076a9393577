package planner

import (
	"maps"
	"slices"

	"github.com/org/imagebuild-action/dsl"
)

// A Distributed is how an AVAILABLE image was distributed, observed where that is not how it is to be.
type Distributed struct {
	// From and Want are the ARNs of the distribution configurations that it went by and is to go by; "" for none.
	From, Want string
	// Was and Wanted are their distributions as AWS has them, and as they are written: without what nobody wrote.
	Was, Wanted []any
	// Home is the region that the image was built in.
	Home string
	// AMIs are those of the account that are there, of all builds of the version.
	AMIs []SharedAMI
	// Others are the AMIs of the build that counts that belong to other accounts.
	Others []OtherAMI
	// Container says that it is a container image, which DistributeImage does not take.
	Container bool
}

// A SharedAMI is an AMI of the account with whom it is shared, as far as a distribution says anything about that.
type SharedAMI struct {
	AMI
	Current   bool // it belongs to the build that counts
	Grants    []Grant
	Snapshots map[string][]Grant // who may make volumes of its snapshots, by their ids
}

// An OtherAMI is a copy that belongs to another account.
type OtherAMI struct {
	AMI
	Account string
}

// A Grant is one of those whom a permission of EC2 names, by the member of the call that does.
type Grant struct {
	Member string // UserId, Group, OrganizationArn, OrganizationalUnitArn
	Name   string
}

// A Mending is how what is there is brought to what is wanted.
type Mending struct {
	// Op and Args are the call; "" and nil where tags alone change, or nothing can be done.
	Op   Op
	Args Object
	// Lacks says what is not as it is wanted: "not in eu-central-1".
	Lacks string
	// Retag are tags to change of it; nil for none.
	Retag *Retag
}

// nothing says that there is no way.
func (m Mending) nothing() bool { return m.Op == "" && m.Retag == nil }

// Undone reports whether a distribution is still to be carried out in full: a pull request left it to its merge.
func (o *Observed) Undone() bool { return o.Tags[TagDistribution] == NotDistributed }

// and is one change of tags with another; either may be nil.
func (r *Retag) and(other *Retag) *Retag {
	if r == nil || other == nil {
		if r == nil {
			return other
		}
		return r
	}
	out := &Retag{Add: maps.Clone(r.Add), Remove: slices.Concat(r.Remove, other.Remove)}
	if out.Add == nil {
		out.Add = map[string]string{}
	}
	maps.Copy(out.Add, other.Add)
	slices.Sort(out.Remove)
	return out
}

// DistributionOf is the node of the distribution configuration that an image refers to; nil where it is of no
// graph.
func (g *Graph) DistributionOf(n *Node) *Node {
	ref, ok := n.Input["distributionConfigurationArn"].(dsl.Ref)
	if !ok {
		return nil
	}
	for _, d := range g.Nodes {
		if d.Addr == ref.Addr {
			return d
		}
	}
	return nil
}
