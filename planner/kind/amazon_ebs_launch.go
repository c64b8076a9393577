package kind

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// fastLaunchSchema is Packer's fast_launch: faster launching of Windows, with a launch template of
// its own for each region.
func fastLaunchSchema() *dsl.Schema {
	template := []dsl.Attr{
		{Name: "enable_fast_launch", Type: cty.Bool},
		{Name: "template_id", Type: cty.String},
		{Name: "template_name", Type: cty.String},
		{Name: "template_version", Type: cty.Number},
	}
	return &dsl.Schema{
		Attrs: append([]dsl.Attr{{Name: "max_parallel_launches", Type: cty.Number}, {Name: "target_resource_count", Type: cty.Number}}, template...),
		Blocks: []dsl.NestedType{{
			Type:   "region_launch_templates",
			Schema: &dsl.Schema{Attrs: append([]dsl.Attr{{Name: "region", Type: cty.String, Required: true}}, template...)},
		}},
	}
}

// fastLaunch is what the source says about fast launching, as it is for one region. The launch
// template named beside the regions is the one of the region that is built in.
func (t *ebs) fastLaunch(region, built string) []*dsl.Nested {
	blocks := t.body.Of("fast_launch")
	if len(blocks) == 0 {
		return nil
	}
	n := blocks[0]
	template, enabled := (*dsl.Body)(nil), dsl.Value{V: true, Range: n.Range}
	if v, ok := n.Body.Attr("enable_fast_launch"); ok {
		enabled = v
	}
	if region == built {
		template = n.Body
	}
	for _, of := range n.Body.Of("region_launch_templates") {
		if v, ok := of.Body.Attr("region"); !ok || v.V != region {
			continue
		}
		template = of.Body
		if v, ok := of.Body.Attr("enable_fast_launch"); ok {
			enabled = v
		}
	}
	out := nestedBlock("fast_launch_configuration", n.Range, map[string]dsl.Value{
		"enabled": enabled, "max_parallel_launches": n.Body.Attrs["max_parallel_launches"],
	})
	if stock := nestedBlock("snapshot_configuration", n.Range, map[string]dsl.Value{"target_resource_count": n.Body.Attrs["target_resource_count"]}); stock != nil {
		out.Body.Blocks = append(out.Body.Blocks, stock)
	}
	if template != nil {
		version := template.Attrs["template_version"]
		if version.V != nil {
			version.V = text(version.V) // a text in Image Builder
		}
		if named := nestedBlock("launch_template", n.Range, map[string]dsl.Value{
			"launch_template_id": template.Attrs["template_id"], "launch_template_name": template.Attrs["template_name"], "launch_template_version": version,
		}); named != nil {
			out.Body.Blocks = append(out.Body.Blocks, named)
		}
	}
	return []*dsl.Nested{out}
}
