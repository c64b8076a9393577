package planner

import (
	"cmp"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// ParentAMIs are the AMIs that recipes start from, as far as their IDs are known. The region "" is the caller's.
func (g *Graph) ParentAMIs() []AMI {
	var out []AMI
	seen := map[AMI]bool{}
	for _, n := range g.Nodes {
		if a, ok := parentAMI(n, g.Region); ok && !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out
}

func parentAMI(n *Node, region string) (AMI, bool) {
	id, _ := n.Input["parentImage"].(string)
	return AMI{Region: cmp.Or(n.Region, region), ID: id}, n.Kind.Create == "imagebuilder:CreateImageRecipe" && strings.HasPrefix(id, "ami-")
}

// FromAMI says whether a node is a recipe that starts from an AMI, its ID known already or looked up first.
func (n *Node) FromAMI() bool {
	if n.Kind.Create != "imagebuilder:CreateImageRecipe" {
		return false
	}
	switch v := n.Input["parentImage"].(type) {
	case string:
		return strings.HasPrefix(v, "ami-")
	case dsl.Ref:
		return isLookup(v.Addr) && !strings.HasPrefix(v.Name, "arn:")
	}
	return false
}

// CheckParents checks builds again, now that EC2 has told of the AMIs they start from: an entry of DescribeImages'
// answer each, nil for one that is not there. What has been said before is not said again. An image
// that seen has as made needs its parent no more.
func (g *Graph) CheckParents(amis map[AMI]Object, seen map[dsl.Addr]*Observed) hcl.Diagnostics {
	if len(amis) == 0 {
		return nil
	}
	c := &compiler{
		scope: &Scope{Config: g.Config, Region: g.Region}, nodes: make(map[dsl.Addr]*Node, len(g.Nodes)), sorted: g.Nodes,
		amis: amis, seen: seen,
	}
	for _, n := range g.Nodes {
		c.nodes[n.Addr] = n
	}
	return g.unsaid(distinctDiags(c.checkBuilds()))
}

// unsaid leaves out what the configuration silences and the warnings that were given before, and notes the others.
func (g *Graph) unsaid(found hcl.Diagnostics) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, d := range allow(g.Config, found) {
		if w := warningOf(d); w == (warning{}) || !g.warned[w] {
			diags = append(diags, d)
		}
	}
	diags = settle(diags)
	g.warned = warnings(g.warned, diags)
	return diags
}

// described is what EC2 told of the AMI that a recipe starts from.
func (c *compiler) described(recipe *Node) (rules.Parent, bool) {
	a, ok := parentAMI(recipe, c.scope.Region)
	if !ok {
		return rules.Parent{}, false
	}
	image, asked := c.amis[a]
	return rules.ParentOfAMI(a.ID, image), asked
}

// finished says whether what a build is to come to is there, so that nothing is launched from its parent. A
// pipeline launches again and again.
func (c *compiler) finished(b buildNodes) bool {
	image := b["image"]
	if image == nil {
		o := c.seen[b["recipe"].Addr]
		return o != nil && o.Exists
	}
	o := c.seen[image.Addr]
	return o != nil && o.Exists && o.State == "AVAILABLE" && image.Kind.Create == "imagebuilder:CreateImage"
}
