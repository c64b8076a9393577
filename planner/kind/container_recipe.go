package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const containerRecipeExample = componentExample + `
container_recipe "service" {
  container_type           = "DOCKER"
  parent_image             = "public.ecr.aws/amazonlinux/amazonlinux:2023"
  platform_override        = "Linux"
  components               = [component.base]
  dockerfile_template_data = <<-DOCKER
    FROM {{{ imagebuilder:parentImage }}}
    {{{ imagebuilder:environments }}}
    {{{ imagebuilder:components }}}
  DOCKER

  target_repository {
    service         = "ECR"
    repository_name = "service"
  }
}
`

// containerRecipeKind is a parent container image and what to put on it.
func containerRecipeKind() *planner.Kind {
	g := Derive(Spec{
		Op:     "imagebuilder:CreateContainerRecipe",
		Filled: []string{"name", "semanticVersion"},
		Alias:  map[string]string{"version": "semanticVersion"},
		Attrs:  []dsl.Attr{componentsAttr},
	})
	k := &planner.Kind{
		Name:   "container_recipe",
		Block:  block("container_recipe", g, "A parent container image and the components that are put on it.", "arn", "name", "version"),
		Naming: planner.ContentVersion, Resource: "container-recipe",
		Create: "imagebuilder:CreateContainerRecipe", Read: "imagebuilder:GetContainerRecipe",
		List: "imagebuilder:ListContainerRecipes", Delete: "imagebuilder:DeleteContainerRecipe",
		Outputs: map[string]string{"arn": "containerRecipeArn"},
		Accepts: accepts,
		Example: containerRecipeExample,
	}
	k.Block.Known = []string{"name"}
	labelComponents(k.Block.Schema)
	k.Expand = func(s *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
		const attr = "dockerfile_template_data"
		t, diags := textOf(s, b, attr)
		if t == nil {
			return []*dsl.Block{b}, diags
		}
		return stageLong(s, withText(b, t, attr), t, attr, "dockerfile_template_uri")
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		b, diags := readLabels(s, b)
		n, l := lowerVersioned(g, b)
		l.components(s, b)
		l.containerParent(s)
		if instance, ok := l.Input["instanceConfiguration"].(map[string]any); ok {
			l.question(s, instance, "image", "image", "instanceConfiguration.image")
		}
		return n, append(diags, l.Diags...)
	}
	return k
}

// containerParent looks an Image Builder image up; other parents are names of container images.
func (l *Lowered) containerParent(s *planner.Scope) {
	if _, isSSM := ssmParameter(l.Input["parentImage"]); !isSSM {
		l.question(s, l.Input, "image", "parentImage", "parentImage")
	}
}
