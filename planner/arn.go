package planner

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// resource is the beginning of the resource part of the node's ARN.
func (n *Node) resource() string {
	before, member, ok := strings.Cut(n.Kind.Resource, "{")
	if !ok {
		return n.Kind.Resource
	}
	member, after, _ := strings.Cut(member, "}")
	value, _ := n.Input[member].(string)
	return before + strings.ToLower(value) + after
}

// ARN is where a node will be, or is: for versioned kinds the ARN of the version, without a build
// number. "" means that something of it is not known yet. ARNs follow from name and version
// (Image Builder User Guide, "ARN normalisation").
func ARN(n *Node, partition, region, account string) string {
	if n.Kind.Naming == ContentKey {
		bucket, _ := n.Known["bucket"].(string)
		key, _ := n.Known["key"].(string)
		if partition == "" || bucket == "" || key == "" {
			return ""
		}
		return awsmodel.ARN{Partition: partition, Service: "s3", Resource: bucket + "/" + key}.String()
	}
	if n.Region != "" {
		region = n.Region
	}
	name, _ := n.Known["name"].(string)
	if partition == "" || region == "" || account == "" || name == "" {
		return ""
	}
	service, _ := n.Kind.Create.split()
	if !n.Kind.exact() {
		name = awsmodel.NormalizeName(name)
	}
	resource := n.resource() + "/" + name
	switch n.Kind.Naming {
	case ContentVersion, OfRecipe:
		version, _ := n.Known["version"].(string)
		if version == "" {
			return ""
		}
		resource += "/" + version
	case HashedName, StableName, ContentKey, NamedAfter:
	}
	if n.Kind.Resource == "" {
		return "" // a kind without ARNs
	}
	return awsmodel.ARN{Partition: partition, Service: service, Region: region, Account: account, Resource: resource}.String()
}

// Trace leads a step of a component, named as Image Builder names it when it fails in the build of
// an image, to what wrote it: the provisioner, the step in a component's own document, or, of a
// component that is not of this plan, the place where the image's recipe takes it. It returns false
// for components that neither the plan nor the recipe knows.
func (p *Plan) Trace(image dsl.Addr, componentARN, phase, step string) (hcl.Range, bool) {
	arn, err := awsmodel.ParseARN(componentARN)
	if err != nil {
		return hcl.Range{}, false // not an ARN, so not one of ours
	}
	for _, n := range p.Graph.Nodes {
		if n.Kind.Naming != ContentVersion || n.Digest == "" {
			continue
		}
		name, _ := n.Known["name"].(string)
		version, _ := n.Known["version"].(string)
		if !buildOf(arn.Resource, n.resource()+"/"+awsmodel.NormalizeName(name)+"/"+version) {
			continue
		}
		if r, ok := n.Steps[phase+"/"+step]; ok {
			return r, true
		}
		return n.Origin, true
	}
	return p.taken(image, arn)
}

// taken is where what an image is made of names a component that is there already.
func (p *Plan) taken(image dsl.Addr, component awsmodel.ARN) (hcl.Range, bool) {
	nodes := map[dsl.Addr]*Node{}
	for _, n := range p.Graph.Nodes {
		nodes[n.Addr] = n
	}
	of := nodes[image]
	if of == nil {
		return hcl.Range{}, false
	}
	for _, member := range of.Kind.Identity {
		ref, _ := of.Input[member].(dsl.Ref)
		recipe := nodes[ref.Addr]
		if recipe == nil {
			continue
		}
		components, _ := recipe.Input["components"].([]any)
		for i, c := range components {
			entry, _ := c.(map[string]any)
			written, _ := entry["componentArn"].(string)
			if named, err := awsmodel.ParseARN(written); err != nil || !buildOf(component.Resource, named.Resource) {
				continue
			}
			at := "components[" + strconv.Itoa(i) + "]"
			for _, path := range []string{at + ".componentArn", at} {
				if r, ok := recipe.Ranges[path]; ok {
					return r, true
				}
			}
		}
	}
	return hcl.Range{}, false
}

// buildOf reports whether resource is the version, with or without a build number.
func buildOf(resource, version string) bool {
	return resource == version || strings.HasPrefix(resource, version+"/")
}
