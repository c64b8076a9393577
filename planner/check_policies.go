package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// checkPolicies holds lifecycle policies to what the configuration itself makes: AWS's policies go by recipe versions,
// recipe types and tags of images, which the calls of a policy don't tell.
func (c *compiler) checkPolicies() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, n := range c.sorted {
		if n.Kind.Create == "imagebuilder:CreateLifecyclePolicy" {
			diags = append(diags, c.checkPolicy(n)...)
		}
	}
	return diags
}

func (c *compiler) checkPolicy(n *Node) hcl.Diagnostics {
	selection, _ := n.Input["resourceSelection"].(map[string]any)
	var diags hcl.Diagnostics
	counted := len(tagsOf(selection["tagMap"])) > 0
	for i, e := range list(selection["recipes"]) {
		use, _ := e.(map[string]any)
		at := fmt.Sprintf("resourceSelection.recipes[%d].name", i)
		found := c.recipesCalled(use["name"])
		for _, r := range found {
			if d := recipeType(n, r, n.at(at)); d != nil {
				diags = append(diags, d)
				break
			}
		}
		counted = counted || slices.ContainsFunc(found, func(r *Node) bool { return strings.Count(r.Fixed, ".") < 2 })
	}
	if counted {
		diags = append(diags, countsContents(n)...)
	}
	return append(diags, c.checkImageTags(n, tagsOf(selection["tagMap"]))...)
}

// recipesCalled are the configuration's recipes of a name, as AWS compares names, or the one that is referred to.
func (c *compiler) recipesCalled(name any) []*Node {
	if r, ok := name.(dsl.Ref); ok {
		if n := c.nodes[r.Addr]; n != nil {
			return []*Node{n}
		}
		return nil
	}
	called, _ := name.(string)
	var out []*Node
	for _, n := range c.sorted {
		if called != "" && slices.Contains(recipeCalls, n.Kind.Create) && awsmodel.NormalizeName(n.Name) == awsmodel.NormalizeName(called) {
			out = append(out, n)
		}
	}
	return out
}

// recipeType refuses a recipe of the type that the policy is not for.
func recipeType(policy, recipe *Node, at hcl.Range) *hcl.Diagnostic {
	typ, _ := policy.Input["resourceType"].(string)
	switch container := recipe.Kind.Create == "imagebuilder:CreateContainerRecipe"; {
	case typ == "AMI_IMAGE" && container:
		return RuleDiagnostic("ib-lifecycle-recipe-type", at, fmt.Sprintf("The policy is for AMIs, and %s makes containers. Write resource_type = \"CONTAINER_IMAGE\", or an image recipe.", recipe.Addr))
	case typ == "CONTAINER_IMAGE" && !container:
		return RuleDiagnostic("ib-lifecycle-recipe-type", at, fmt.Sprintf("The policy is for containers, and %s makes AMIs. Write resource_type = \"AMI_IMAGE\", or a container recipe.", recipe.Addr))
	}
	return nil
}

// countsContents warns of rules that count images, of which AWS keeps a number for each recipe version: with a version
// for each content it keeps all of them.
func countsContents(n *Node) hcl.Diagnostics {
	const why = "AWS counts the images of each recipe version by themselves, and imagebuild gives each content a recipe version of its own, so that %s images of every content stay for ever. " +
		"Delete by AGE without retain_at_least, or keep a number of images with: imagebuild gc --project NAME --keep %s."
	var diags hcl.Diagnostics
	for i, e := range list(n.Input["policyDetails"]) {
		detail, _ := e.(map[string]any)
		filter, _ := detail["filter"].(map[string]any)
		member := ""
		switch {
		case filter["type"] == "COUNT":
			member = "value"
		case filter["retainAtLeast"] != nil:
			member = "retainAtLeast"
		default:
			continue
		}
		kept := fmt.Sprint(filter[member])
		diags = append(diags, RuleDiagnostic("ib-lifecycle-content-version", n.at(fmt.Sprintf("policyDetails[%d].filter.%s", i, member)), fmt.Sprintf(why, "the newest "+kept, kept)))
	}
	return diags
}

// checkImageTags warns of scheduled pipelines that have a policy's tag and do not give it to their images.
func (c *compiler) checkImageTags(policy *Node, selected map[string]any) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, p := range c.sorted {
		if p.Kind.Create != "imagebuilder:CreateImagePipeline" || p.Input["schedule"] == nil {
			continue
		}
		own, images := tagsOf(p.Input["tags"]), tagsOf(p.Input["imageTags"])
		for _, k := range slices.Sorted(maps.Keys(selected)) {
			if own[k] == selected[k] && images[k] == nil {
				diags = append(diags, RuleDiagnostic("ib-lifecycle-image-tags", p.at("tags"), fmt.Sprintf(
					"%s selects images by the tag %s, which this pipeline has and its images don't get. Write image_tags = { %s = %q } too.", policy.Addr, k, k, fmt.Sprint(selected[k]))))
			}
		}
	}
	return diags
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func tagsOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
