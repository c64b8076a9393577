package kind_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// layersOf is the layers of a configuration's plan made offline: "base | web, api".
func layersOf(t *testing.T, config string) (string, error) {
	t.Helper()
	cfg, diags := loadText(t, config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.Diff(g, nil, planner.DiffOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	layers, err := p.Layers(false)
	var out []string
	for _, layer := range layers {
		var legs []string
		for _, leg := range layer {
			legs = append(legs, leg.Only)
			if unselected := g.Select([]string{leg.Only}, nil); unselected != nil {
				t.Errorf("%s: %v", leg.Only, unselected)
			}
			g, _ = planner.Compile(cfg, kind.All(), "eu-west-1")
		}
		out = append(out, strings.Join(legs, ", "))
	}
	return strings.Join(out, " | "), err
}

const twoSources = `
source "imagebuilder" "%[1]s" {
  parent_image          = %[2]s
  instance_profile_name = "profile"
}
`

func TestLayers(t *testing.T) {
	source := func(name, parent string) string { return fmt.Sprintf(twoSources, name, parent) }
	const small = "\ninfrastructure_configuration \"small\" {\n  instance_profile_name = \"profile\"\n}\n"
	for name, c := range map[string]struct{ config, want string }{
		"nothing": {"", ""},
		"keys are no patterns": {small + `
image_recipe "r" {
  for_each     = ["a", "b"]
  name         = "r-${each.value}"
  parent_image = "ami-0123456789abcdef0"
}
image "i" {
  for_each                         = ["a", "b"]
  image_recipe_arn                 = image_recipe.r[each.value]
  infrastructure_configuration_arn = infrastructure_configuration.small
}
image_pipeline "nightly" {
  image_recipe_arn                 = image_recipe.r["a"]
  infrastructure_configuration_arn = infrastructure_configuration.small
}
`, `image.i??a??, image.i??b??, image_pipeline.nightly`},
		"a build of two depths is as deep as its deepest": {source("a", `"ami-0123456789abcdef0"`) + source("b", "build.first.arn") + source("c", "build.second.arn") + `
build {
  name    = "first"
  sources = ["source.imagebuilder.a"]
}
build {
  name    = "second"
  sources = ["source.imagebuilder.b"]
}
build {
  name    = "third"
  sources = ["source.imagebuilder.c"]
}
build {
  name    = "alone"
  sources = ["source.imagebuilder.a"]
  component "aws:update-linux" {}
}
`, "alone, first | second | third"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := layersOf(t, c.config); err != nil || got != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}
