package kind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const imageExample = imageRecipeExample + infrastructureConfigurationExample + distributionConfigurationExample + `
image "app" {
  image_recipe_arn                 = image_recipe.app
  infrastructure_configuration_arn = infrastructure_configuration.small
  distribution_configuration_arn   = distribution_configuration.europe
}
`

// imageKind is one image, made now. Its recipe identifies it: infrastructure and tests say how it
// is made, distribution where it goes, and none of these makes it another image.
func imageKind() *planner.Kind {
	g := Derive(Spec{Op: "imagebuilder:CreateImage"})
	k := &planner.Kind{
		Name:   "image",
		Block:  block("image", g, "An image, made now from a recipe.", "arn", "ami", "name", "version"),
		Naming: planner.OfRecipe, Resource: "image",
		Create: "imagebuilder:CreateImage", Read: "imagebuilder:GetImage",
		List: "imagebuilder:ListImageBuildVersions", Delete: "imagebuilder:DeleteImage",
		Outputs:  map[string]string{"arn": "imageBuildVersionArn"},
		Identity: []string{"containerRecipeArn", "imageRecipeArn"},
		Accepts:  accepts,
		Mend:     distributeImage,
		Surplus:  sharing,
		Confine:  undistributedImage,
		Example:  imageExample,
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		l.workflows(s)
		return &planner.Node{Input: l.Input, Ranges: l.Ranges, Distributes: l.distributing(s)}, l.Diags
	}
	return k
}

// undistributedImage is an image that stays in the account and region it is built in: AWS distributes
// nothing without a distribution configuration, and a workflow of the distribution stage runs only
// where one is given (API Reference, CreateImage).
func undistributedImage(n *planner.Node) (planner.Object, string) {
	const left = "not distributed: in a pull request it stays in this account and region; the merge distributes it"
	in := maps.Clone(n.Input)
	distributes := in["distributionConfigurationArn"] != nil
	delete(in, "distributionConfigurationArn")
	if workflows, ok := in["workflows"].([]any); ok {
		kept := slices.DeleteFunc(slices.Clone(workflows), func(w any) bool { return distributionWorkflow(n, w) })
		distributes = distributes || len(kept) < len(workflows)
		in["workflows"] = kept
		if len(kept) == 0 {
			delete(in, "workflows")
		}
	}
	if !distributes {
		return in, ""
	}
	return in, left
}

// distributionWorkflow reports whether a workflow of an image belongs to the distribution stage,
// which a reference says by the node it leads to and an ARN by itself: workflow/distribution/name/1.0.0.
func distributionWorkflow(n *planner.Node, workflow any) bool {
	w, _ := workflow.(map[string]any)
	switch arn := w["workflowArn"].(type) {
	case string:
		return strings.Contains(arn, ":workflow/distribution/")
	case dsl.Ref:
		return slices.Contains(n.Distributes, arn.Addr)
	}
	return false
}

// distributing are the workflows of the distribution stage that an image refers to.
func (l *Lowered) distributing(s *planner.Scope) []dsl.Addr {
	list, _ := l.Input["workflows"].([]any)
	var out []dsl.Addr
	for _, e := range list {
		w, _ := e.(map[string]any)
		ref, _ := w["workflowArn"].(dsl.Ref)
		if b, ok := s.Block(ref.Addr); ok {
			if typ, _ := textAttr(b, "type"); typ == "DISTRIBUTION" {
				out = append(out, ref.Addr)
			}
		}
	}
	return out
}

// workflows spells out the ARNs of workflows that AWS manages: "aws:build/build-image". AWS takes
// those as x.x.x alone, so they are not looked up.
func (l *Lowered) workflows(s *planner.Scope) {
	list, _ := l.Input["workflows"].([]any)
	for i, e := range list {
		w, _ := e.(map[string]any)
		name, ok := w["workflowArn"].(string)
		short, isShort := strings.CutPrefix(name, managed)
		if !ok || !isShort {
			continue
		}
		at := l.near(fmt.Sprintf("workflows[%d].workflowArn", i))
		typ, rest, ok := strings.Cut(short, "/")
		if !ok {
			l.fail(at, "Type of workflow missing", fmt.Sprintf("%q does not say for which stage the workflow is. Write \"aws:build/%s\", or test or distribution.", name, short))
			continue
		}
		arn, diag := shortName(s, "workflow/"+typ, managed+rest, at)
		if diag != nil {
			l.Diags = append(l.Diags, diag)
		}
		w["workflowArn"] = arn
	}
}
