package kind

import (
	"fmt"
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
		Example:  imageExample,
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		l.workflows(s)
		return &planner.Node{Input: l.Input, Ranges: l.Ranges}, l.Diags
	}
	return k
}

// distributeImage brings an image that is AVAILABLE to the regions it is missing in. DistributeImage
// works under an execution role (API Reference, DistributeImage).
func distributeImage(n *planner.Node, have *planner.Observed) (planner.Op, planner.Object, hcl.Diagnostics) {
	role, ok := n.Input["executionRole"]
	if !ok {
		return "", nil, hcl.Diagnostics{{
			Severity: hcl.DiagWarning, Summary: "Image not distributed",
			Detail: fmt.Sprintf("%s is AVAILABLE but not in %s. Bringing it there without building it again takes a role: write execution_role = \"…\".",
				n.Title(), strings.Join(have.Missing, ", ")),
			Subject: n.Origin.Ptr(),
		}}
	}
	in := planner.Object{"sourceImage": have.Outputs["arn"], "executionRole": role}
	for _, m := range []string{"distributionConfigurationArn", "loggingConfiguration", "tags"} {
		if v, given := n.Input[m]; given {
			in[m] = v
		}
	}
	return "imagebuilder:DistributeImage", in, nil
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
