package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const lifecyclePolicyExample = imageRecipeExample + `
lifecycle_policy "half-a-year" {
  execution_role = "arn:aws:iam::123456789012:role/ImageLifecycle"
  resource_type  = "AMI_IMAGE"

  policy_detail {
    action {
      type = "DELETE"
      include_resources {
        amis      = true
        snapshots = true
      }
    }
    filter {
      type  = "AGE"
      value = 6
      unit  = "MONTHS"
    }
    exclusion_rules {
      amis {
        last_launched {
          value = 60
          unit  = "DAYS"
        }
      }
    }
  }

  resource_selection {
    recipe {
      name             = image_recipe.app.name
      semantic_version = "x.x.x"
    }
  }
}
`

// lifecyclePolicyKind retires old images of recipes.
func lifecyclePolicyKind() *planner.Kind {
	g := Derive(Spec{Op: "imagebuilder:CreateLifecyclePolicy", Filled: []string{"name"}})
	k := &planner.Kind{
		Name:   "lifecycle_policy",
		Block:  block("lifecycle_policy", g, "A rule by which AWS retires old images.", "arn", "name"),
		Naming: planner.StableName, Resource: "lifecycle-policy",
		Create: "imagebuilder:CreateLifecyclePolicy", Read: "imagebuilder:GetLifecyclePolicy",
		List: "imagebuilder:ListLifecyclePolicies", Update: "imagebuilder:UpdateLifecyclePolicy", Delete: "imagebuilder:DeleteLifecyclePolicy",
		Outputs: map[string]string{"arn": "lifecyclePolicyArn"},
		Cleared: []string{"description"},
		Pointer: "a lifecycle policy retires images that others use",
		Example: lifecyclePolicyExample,
	}
	k.Block.Known = []string{"name"}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerNamed(g, planner.StableName, b)
		return n, l.Diags
	}
	return k
}
