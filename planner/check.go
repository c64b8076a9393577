package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// A model is what AWS publishes of a kind's create call.
type model struct {
	op       *awsmodel.Operation // nil for services whose model is not among ours, such as S3
	taggable bool
}

// split parts "imagebuilder:CreateImage" into service and operation.
func (op Op) split() (service, operation string) {
	service, operation, _ = strings.Cut(string(op), ":")
	return service, operation
}

func (c *compiler) modelOf(k *Kind) model {
	m, ok := c.models[k]
	if ok {
		return m
	}
	service, operation := k.Create.split()
	if slices.Contains(awsmodel.Services(), service) {
		m.op = operationOf(service, operation)
		_, m.taggable = m.op.Input.Member(k.tagsMember())
	}
	c.models[k] = m
	return m
}

// operationOf panics on an operation that the model lacks: the table of kinds is wrong then, and no
// configuration can bring that about or mend it.
func operationOf(service, operation string) *awsmodel.Operation {
	s, err := awsmodel.Get(service)
	if err != nil {
		panic("planner: " + err.Error())
	}
	op, ok := s.Operation(operation)
	if !ok {
		panic(fmt.Sprintf("planner: %s has no operation %q", service, operation))
	}
	return op
}

// check holds every input against AWS's model and the rules it leaves out.
func (c *compiler) check() {
	// What lowering has refused at a place, AWS need not refuse there again.
	said := map[hcl.Range]bool{}
	for _, d := range c.diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			said[*d.Subject] = true
		}
	}
	for _, n := range c.sorted {
		if c.modelOf(n.Kind).taggable {
			c.diags = append(c.diags, c.tag(n)...)
		}
	}
	found := slices.Concat(c.verifyAll(), c.checkBuilds(), c.checkPolicies())
	for _, d := range distinctDiags(found) {
		if !said[*d.Subject] {
			c.diags = append(c.diags, d)
		}
	}
	c.diags = allow(c.scope.Config, c.diags)
	c.checkAllows()
}

// verifyAll verifies nodes side by side: each depends on its own input alone, and together they
// are the better part of a large plan's time.
func (c *compiler) verifyAll() hcl.Diagnostics {
	found := make([]hcl.Diagnostics, len(c.sorted))
	region := namedRegion(c.scope.Config, c.scope.Region)
	sideBySide(len(c.sorted), 256, func(i int) {
		n := c.sorted[i]
		n.judged = n.Input.Resolve(known)
		at := cmp.Or(n.Region, region)
		if n.Kind.Create == "appstream:CopyImage" { // called where the image is, not where the copy comes to be
			at = region
		}
		found[i] = verify(n, c.models[n.Kind], at)
	})
	return slices.Concat(found...)
}

// verify returns what AWS would refuse of a node's judged input, at the configuration's own text.
func verify(n *Node, m model, region string) hcl.Diagnostics {
	if m.op == nil {
		return nil
	}
	var diags hcl.Diagnostics
	for _, f := range rules.Check(m.op, n.judged, rules.Place{Region: region}) {
		diags = append(diags, diagnose(n, f))
	}
	return diags
}

// compareNames reports names that would be one and the same resource in AWS.
func (c *compiler) compareNames() {
	type key struct{ resource, name, version string }
	seen := map[key]*Node{}
	for _, n := range c.sorted {
		name, what := identityName(n)
		if name == "" {
			continue
		}
		k := key{n.resource(), name, n.Fixed}
		old, ok := seen[k]
		if !ok {
			seen[k] = n
			continue
		}
		c.fail(n.at(n.Kind.nameMember()), "Duplicate name", fmt.Sprintf(
			"%s and %s (at %s) %s, so that they would be the same resource in a region. Give one of them another name.", n.Addr, old.Addr, old.Origin, what))
	}
}

// identityName is what must be unique of a node in a region, and how to say that two have it in common.
func identityName(n *Node) (name, what string) {
	switch n.Kind.Naming {
	case ContentVersion, HashedName, StableName:
		if n.Kind.exact() {
			return n.Name, fmt.Sprintf("are both called %q", n.Name)
		}
		name = awsmodel.NormalizeName(n.Name)
		return name, fmt.Sprintf("are both called %q (AWS compares names in lower case, with hyphens for spaces and underscores)", name)
	case OfRecipe:
		for _, m := range n.Kind.Identity {
			if r, ok := n.Input[m].(dsl.Ref); ok {
				return r.Addr.String(), "are images of the same recipe " + r.Addr.String()
			}
		}
	case NamedAfter:
		var parts []string
		for _, m := range append(slices.Clone(n.Kind.Identity), n.Kind.nameMember()) {
			parts = append(parts, fmt.Sprint(n.Input[m]))
		}
		return strings.Join(parts, " "), "are the same of " + parts[len(parts)-1]
	case ContentKey:
	}
	return "", ""
}
