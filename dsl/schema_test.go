package dsl_test

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// testTypes are block types of every shape the language knows.
func testTypes() []dsl.BlockType {
	texts, tags := cty.List(cty.String), cty.Map(cty.String)
	step := &dsl.Schema{Attrs: []dsl.Attr{
		{Name: "inline", Type: texts}, {Name: "env", Type: tags}, {Name: "max_retries", Type: cty.Number}, {Name: "only", Type: texts},
	}}
	file := &dsl.Schema{Attrs: []dsl.Attr{{Name: "source", Type: cty.String}, {Name: "destination", Type: cty.String, Required: true, Doc: "Where the file goes."}}}
	steps := map[string]*dsl.Schema{"shell": step, "file": file}
	mapping := &dsl.Schema{
		Attrs:  []dsl.Attr{{Name: "device_name", Type: cty.String, Required: true}},
		Blocks: []dsl.NestedType{{Type: "ebs", Max: 1, Schema: &dsl.Schema{Attrs: []dsl.Attr{{Name: "volume_size", Type: cty.Number}, {Name: "encrypted", Type: cty.Bool}}}}},
	}
	source := &dsl.Schema{
		Attrs: []dsl.Attr{
			{Name: "parent_image", Type: cty.String, Required: true},
			{Name: "instance_types", Type: texts},
			{Name: "regions", Type: cty.Set(cty.String)},
			{Name: "tags", Type: tags},
			{Name: "weight", Type: cty.Number},
			{Name: "anything", Type: cty.DynamicPseudoType},
		},
		Blocks: []dsl.NestedType{{Type: "block_device_mapping", Schema: mapping}},
	}
	build := &dsl.Schema{
		Attrs: []dsl.Attr{{Name: "name", Type: cty.String}, {Name: "description", Type: cty.String}, {Name: "sources", Type: texts}},
		Blocks: []dsl.NestedType{
			{Type: "source", Labels: []string{"type.name"}, Schema: &dsl.Schema{Attrs: []dsl.Attr{{Name: "name", Type: cty.String}, {Name: "tags", Type: tags}}}},
			{Type: "provisioner", Labels: []string{"type"}, Variants: steps},
			{Type: "test", Labels: []string{"type"}, Variants: steps},
		},
	}
	return []dsl.BlockType{
		{
			Name: "component", Labels: []string{"name"}, Exports: []string{"arn", "version"}, Known: []string{"name", "version"}, Repeats: true,
			Schema: &dsl.Schema{Attrs: []dsl.Attr{
				{Name: "name", Type: cty.String},
				{Name: "version", Type: cty.String},
				{Name: "platform", Type: cty.String, Required: true, Doc: "Linux, Windows or macOS."},
				{Name: "document", Type: cty.DynamicPseudoType},
				{Name: "tags", Type: tags},
			}},
		},
		{
			Name: "image_recipe", Labels: []string{"name"}, Exports: []string{"arn"}, Known: []string{"name"},
			Schema: &dsl.Schema{
				Attrs:  []dsl.Attr{{Name: "name", Type: cty.String}, {Name: "parent_image", Type: cty.String}, {Name: "components", Type: texts}},
				Blocks: []dsl.NestedType{{Type: "parameter", Labels: []string{"name"}, Min: 0, Schema: &dsl.Schema{Attrs: []dsl.Attr{{Name: "value", Type: cty.String}}}}},
			},
		},
		{Name: "source", Labels: []string{"type", "name"}, Variants: map[string]*dsl.Schema{"imagebuilder": source}},
		{Name: "build", Schema: build, Exports: []string{"ami", "arn"}, Known: []string{"name"}},
		{
			Name: "data", Labels: []string{"type", "name"},
			Variants: map[string]*dsl.Schema{"amazon-ami": {Attrs: []dsl.Attr{
				{Name: "owners", Type: texts, Required: true}, {Name: "filters", Type: tags}, {Name: "most_recent", Type: cty.Bool},
			}}},
			VariantExports: map[string][]string{"amazon-ami": {"id", "name"}},
		},
	}
}
