package permissions

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// collected are the kinds of resources that gc deletes, by AWS's names of them in actions and in ARNs. What they
// are called is in no configuration any more, so that the tags alone say what may be deleted.
var collected = []struct{ verb, resource string }{ //nolint:gochecknoglobals // a table, never written
	{"Component", "component"},
	{"ImageRecipe", "image-recipe"},
	{"ContainerRecipe", "container-recipe"},
	{"InfrastructureConfiguration", "infrastructure-configuration"},
	{"DistributionConfiguration", "distribution-configuration"},
	{"Image", "image"},
	{"Workflow", "workflow"},
}

// surveyed are what gc asks to know what there is, and what points to it.
var surveyed = []string{ //nolint:gochecknoglobals // a table, never written
	"tag:GetResources", "ec2:DescribeImages", "ec2:DescribeLaunchTemplateVersions",
	"imagebuilder:ListComponentBuildVersions", "imagebuilder:ListImageRecipes", "imagebuilder:ListContainerRecipes",
	"imagebuilder:ListInfrastructureConfigurations", "imagebuilder:ListDistributionConfigurations", "imagebuilder:ListImageBuildVersions",
	"imagebuilder:ListWorkflowBuildVersions", "imagebuilder:ListImagePipelines", "imagebuilder:ListLifecyclePolicies",
}

// collectStreams allows what gc does about AppStream's images and the machines they are made on.
func (s *scope) collectStreams(c *collector) {
	for _, name := range []string{"appstream:DescribeImages", "appstream:DescribeImageBuilders", "appstream:DescribeFleets", "appstream:ListTagsForResource"} {
		c.allow(name, "gc looks for what was made and what uses it", []string{"*"}, nil)
	}
	images, machines := []string{s.place.arn("appstream", "image/*")}, []string{s.place.arn("appstream", "image-builder/*")}
	c.allow("appstream:DeleteImage", "gc deletes what nothing uses", images, ours())
	c.allow("appstream:UntagResource", "gc takes a pull request's tag from what others use", images, ours())
	c.allow("appstream:StopImageBuilder", "gc stops machines that a run left behind", machines, ours())
	c.allow("appstream:DeleteImageBuilder", "gc deletes machines that a run left behind", machines, ours())
}

// gc is the role that takes away what is no longer needed.
func (s *scope) gc() Role {
	c := newCollector(s.place)
	s.reads(c)
	has := func(service string) bool {
		return slices.ContainsFunc(s.graph.Nodes, func(n *planner.Node) bool { return strings.HasPrefix(string(n.Kind.Create), service+":") })
	}
	if !has("imagebuilder") && !has("appstream") {
		return Role{Name: "gc"}
	}
	if has("appstream") {
		s.collectStreams(c)
	}
	for _, name := range surveyed {
		c.allow(name, "gc looks for what was made and what uses it", []string{"*"}, nil)
	}
	c.allow("ssm:GetParametersByPath", "gc looks for parameters that hold an AMI", []string{strings.Replace(s.place.arn("ssm", "parameter/*"), ":"+s.place.Region+":", ":*:", 1)}, nil)
	for _, k := range collected {
		on := []string{s.place.arn("imagebuilder", k.resource+"/*")}
		c.allow("imagebuilder:Get"+k.verb, "gc reads what it is made of", on, nil)
		c.allow("imagebuilder:Delete"+k.verb, "gc deletes what nothing uses", on, ours())
		c.allow("imagebuilder:UntagResource", "gc takes a pull request's tag from what others use", on, ours())
	}
	c.allow("imagebuilder:CancelImageCreation", "gc ends builds that are of no use any more", []string{s.place.arn("imagebuilder", "image/*")}, ours())
	c.allow("ec2:DeregisterImage", "gc deletes the AMIs of images with their snapshots", s.anyAMI(), byService())
	c.allow("ec2:DeleteSnapshot", "gc deletes the AMIs of images with their snapshots", s.anySnapshot(), byService())
	for _, n := range s.graph.Nodes {
		if n.Kind.Naming == planner.ContentKey {
			s.call(c, n.Kind.Delete, n, "may be deleted with the components that name it")
		}
	}
	return Role{Name: "gc", Purpose: "imagebuild gc uses it to delete unused images and resources.", Grants: c.sorted()}
}
