package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// buildKind makes the kind of build blocks. A build expands to blocks of these kinds:
//
//   - staged_file: attributes bucket, key (strings) and Content;
//   - component: attributes name, platform, data (the document's text) and what the source says for
//     components (description, tags, version, kms_key_id …); Steps; Needs for what the document downloads;
//   - image_recipe: a nested block "component" without label for each component, in order, with the
//     attributes component_arn (Ref or string) and parameters (a map of string or list of strings);
//   - infrastructure_configuration, distribution_configuration, image_pipeline and image, whose
//     references are the attributes <kind>_arn; the image has For, Needs and Manifests.
func buildKind(source *planner.Kind) *planner.Kind {
	return &planner.Kind{
		Name: "build",
		Block: dsl.BlockType{
			Name: "build", Known: []string{"name"}, Exports: []string{"ami", "arn", "name"},
		},
		Expand: func(*planner.Scope, *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) { return nil, nil },
	}
}
