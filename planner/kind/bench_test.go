package kind_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// BenchmarkPlan is a plan of 1,000 images, offline: 5,000 nodes, from blocks to document.
func BenchmarkPlan(b *testing.B) {
	cfg := manyBlocks(1000)
	kind.All()
	b.ReportAllocs()
	for b.Loop() {
		g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
		if diags.HasErrors() {
			b.Fatal(diags[0])
		}
		if diags = g.Seal(nil); diags.HasErrors() {
			b.Fatal(diags[0])
		}
		p, diags := planner.Diff(g, nil, planner.DiffOptions{})
		if diags.HasErrors() {
			b.Fatal(diags[0])
		}
		if len(p.Changes) != 5000 || len(p.JSON()) == 0 {
			b.Fatal("the plan is not whole")
		}
	}
}

// manyBlocks are the blocks that a build becomes, for n builds.
func manyBlocks(n int) *dsl.Config {
	cfg := &dsl.Config{}
	at := hcl.Range{Filename: "main.ib.hcl", Start: hcl.InitialPos, End: hcl.InitialPos}
	add := func(typ, name string, attrs map[string]any) {
		body := &dsl.Body{Attrs: map[string]dsl.Value{}, Range: at}
		for k, v := range attrs {
			body.Attrs[k] = dsl.Value{V: v, Range: at}
		}
		cfg.Blocks = append(cfg.Blocks, &dsl.Block{
			Addr: dsl.Addr{Type: typ, Name: name}, Body: body, Range: at, Group: name,
		})
	}
	for i := range n {
		name := fmt.Sprintf("web-%04d", i)
		ref := func(typ string) dsl.Ref { return dsl.Ref{Addr: dsl.Addr{Type: typ, Name: name}, Attr: "arn"} }
		add("component", name, map[string]any{
			"platform": "Linux", "data": fmt.Sprintf("schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: one\n        action: ExecuteBash\n        inputs:\n          commands:\n            - echo %d\n", i),
		})
		add("image_recipe", name, map[string]any{
			"parent_image": "ami-0123456789abcdef0", "tags": map[string]any{"team": "web"},
			"components": []any{ref("component"), "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2"},
		})
		add("infrastructure_configuration", name, map[string]any{
			"instance_profile_name": "EC2InstanceProfileForImageBuilder", "instance_types": []any{"t3.medium"},
		})
		add("distribution_configuration", name, map[string]any{"regions": []any{"eu-west-1", "eu-central-1"}})
		add("image", name, map[string]any{
			"image_recipe_arn":                 ref("image_recipe"),
			"infrastructure_configuration_arn": ref("infrastructure_configuration"),
			"distribution_configuration_arn":   ref("distribution_configuration"),
		})
	}
	return cfg
}
