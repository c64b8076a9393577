package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const imagePipelineExample = imageRecipeExample + infrastructureConfigurationExample + `
image_pipeline "weekly" {
  image_recipe_arn                 = image_recipe.app
  infrastructure_configuration_arn = infrastructure_configuration.small

  schedule {
    schedule_expression                = "cron(0 2 ? * sun *)"
    timezone                           = "Europe/Berlin"
    pipeline_execution_start_condition = "EXPRESSION_MATCH_ONLY"
  }
}
`

// imagePipelineKind is a recipe that AWS builds by itself, on a schedule.
func imagePipelineKind() *planner.Kind {
	g := Derive(Spec{Op: "imagebuilder:CreateImagePipeline", Filled: []string{"name"}})
	k := &planner.Kind{
		Name:   "image_pipeline",
		Block:  block("image_pipeline", g, "A recipe that AWS builds by itself, on a schedule.", "arn", "name"),
		Naming: planner.StableName, Resource: "image-pipeline",
		Create: "imagebuilder:CreateImagePipeline", Read: "imagebuilder:GetImagePipeline",
		List: "imagebuilder:ListImagePipelines", Update: "imagebuilder:UpdateImagePipeline", Delete: "imagebuilder:DeleteImagePipeline",
		Outputs: map[string]string{"arn": "imagePipelineArn"},
		Accepts: accepts,
		// AWS returns the other members filled in with its defaults.
		Cleared: []string{"description", "distributionConfigurationArn", "imageTags", "schedule"},
		Watches: watchedRecipe,
		Pointer: "a pipeline builds by itself and moves what others use",
		Example: imagePipelineExample,
	}
	k.Block.Known = []string{"name"}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerNamed(g, planner.StableName, b)
		l.workflows(s)
		return n, l.Diags
	}
	return k
}

// watchedRecipe is the recipe whose parent image and components a pipeline watches for new
// versions: AWS does so when it has a schedule whose start condition is the default or says so
// (API Reference, Schedule, pipelineExecutionStartCondition).
func watchedRecipe(n *planner.Node) []dsl.Addr {
	schedule, ok := n.Input["schedule"].(map[string]any)
	if !ok {
		return nil
	}
	switch schedule["pipelineExecutionStartCondition"] {
	case nil, "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE":
	default:
		return nil
	}
	var out []dsl.Addr
	for _, member := range []string{"imageRecipeArn", "containerRecipeArn"} {
		if r, isRef := n.Input[member].(dsl.Ref); isRef {
			out = append(out, r.Addr)
		}
	}
	return out
}
