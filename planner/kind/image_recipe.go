package kind

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const imageRecipeExample = componentExample + `
image_recipe "app" {
  parent_image = "ami-0123456789abcdef0"
  components   = [component.base]

  block_device_mapping {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 20
      volume_type = "gp3"
    }
  }
}
`

// componentsAttr is the short form of a recipe's components.
var componentsAttr = dsl.Attr{
	Name: "components", Type: cty.DynamicPseudoType, Member: "components",
	Doc: `Components in the order they run: references, ARNs, or short names such as "aws:update-linux"; with parameters, { component_arn = component.web, parameters = { NAME = "value" } }. Component blocks run after these.`,
}

// imageRecipeKind is a parent image and what to put on it.
func imageRecipeKind() *planner.Kind {
	g := Derive(Spec{
		Op:     "imagebuilder:CreateImageRecipe",
		Filled: []string{"name", "semanticVersion"},
		Alias:  map[string]string{"version": "semanticVersion"},
		Attrs:  []dsl.Attr{componentsAttr},
	})
	k := &planner.Kind{
		Name:   "image_recipe",
		Block:  block("image_recipe", g, "A parent image and the components that are put on it.", "arn", "name", "version"),
		Naming: planner.ContentVersion, Resource: "image-recipe",
		Create: "imagebuilder:CreateImageRecipe", Read: "imagebuilder:GetImageRecipe",
		List: "imagebuilder:ListImageRecipes", Delete: "imagebuilder:DeleteImageRecipe",
		Outputs: map[string]string{"arn": "imageRecipeArn"},
		Accepts: accepts,
		Example: imageRecipeExample,
	}
	k.Block.Known = []string{"name"}
	labelComponents(k.Block.Schema)
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		b, diags := readLabels(s, b)
		n, l := lowerVersioned(g, b)
		l.components(s, b)
		l.question(s, l.Input, "image", "parentImage", "parentImage")
		return n, append(diags, l.Diags...)
	}
	return k
}

// components puts the short list before the blocks, looks names up that stand for what is newest
// today, and compares parameters with what the components declare.
func (l *Lowered) components(s *planner.Scope, b *dsl.Block) {
	blocks, _ := l.Input["components"].([]any)
	var list []any
	if v, ok := b.Body.Attr("components"); ok {
		short, isList := v.V.([]any)
		if !isList {
			l.fail(v.Range, "Not a list", "components takes a list, such as [component.web, \"aws:update-linux\"].")
		}
		l.shift(len(short), len(blocks))
		l.Ranges["components"] = v.Range
		for i, e := range short {
			at := v.At(strconv.Itoa(i))
			l.Ranges["components["+strconv.Itoa(i)+"]"] = at
			list = append(list, l.component(e, at))
		}
	}
	list = append(list, blocks...)
	if list == nil {
		return
	}
	l.Input["components"] = list
	seen := map[dsl.Ref]string{}
	for i, e := range list {
		c, _ := e.(map[string]any)
		at := "components[" + strconv.Itoa(i) + "]"
		l.question(s, c, "component", "componentArn", at+".componentArn")
		l.checkParameters(s, c, at)
		ref, ok := c["componentArn"].(dsl.Ref)
		if !ok {
			continue
		}
		if first, twice := seen[ref]; twice {
			l.fail(l.near(at), "Component given twice",
				fmt.Sprintf("%s is in the recipe already, at %s, and AWS takes a component once. Leave one of the two out.", ref.Addr, l.near(first)))
			continue
		}
		seen[ref] = at
	}
	l.comparePlatforms(s, list)
}

// comparePlatforms reports components for another platform than the first one's: all of a recipe's
// components must be for its parent image's (API Reference, CreateImageRecipe, components).
func (l *Lowered) comparePlatforms(s *planner.Scope, list []any) {
	var first, platform string
	for i, e := range list {
		c, _ := e.(map[string]any)
		ref, _ := c["componentArn"].(dsl.Ref)
		b, ok := s.Block(ref.Addr)
		if !ok || ref.Type != "component" {
			continue
		}
		p, known := textAttr(b, "platform")
		switch {
		case !known || p == platform:
		case platform == "":
			first, platform = ref.Addr.String(), p
		default:
			l.fail(l.near("components["+strconv.Itoa(i)+"]"), "Components of several platforms",
				fmt.Sprintf("%s is for %s and %s for %s, and an image has one platform. Make a recipe for each.", ref.Addr, p, first, platform))
		}
	}
}

// component is one element of the short list: what names a component, or an object of that and
// parameters.
func (l *Lowered) component(e any, at hcl.Range) map[string]any {
	object, ok := e.(map[string]any)
	if !ok {
		return map[string]any{"componentArn": e}
	}
	out := map[string]any{}
	for _, k := range sortedKeys(object) {
		parameters, isMap := object[k].(map[string]any)
		switch {
		case k == "component_arn":
			out["componentArn"] = object[k]
		case k == "parameters" && isMap:
			var list []any
			for _, name := range sortedKeys(parameters) {
				list = append(list, map[string]any{"name": name, "value": texts(parameters[name])})
			}
			if list != nil {
				out["parameters"] = list
			}
		default:
			l.fail(at, "Not a component", fmt.Sprintf("%q is not of a component. Write { component_arn = component.web, parameters = { NAME = \"value\" } }.", k))
		}
	}
	return out
}

// shift renumbers the ranges of the components that were written as blocks.
func (l *Lowered) shift(by, blocks int) {
	if by == 0 || blocks == 0 {
		return
	}
	moved := map[string]hcl.Range{}
	for path, r := range l.Ranges {
		var i int
		if n, err := fmt.Sscanf(path, "components[%d]", &i); err != nil || n != 1 {
			continue // another member's
		}
		old := "components[" + strconv.Itoa(i) + "]"
		moved["components["+strconv.Itoa(i+by)+"]"+path[len(old):]] = r
		delete(l.Ranges, path)
	}
	maps.Copy(l.Ranges, moved)
}

// question replaces one member that may name something by what it is today.
func (l *Lowered) question(s *planner.Scope, in map[string]any, resource, member, path string) {
	v, ok := in[member]
	if !ok {
		return
	}
	v, diag := question(s, resource, v, l.near(path))
	if diag != nil {
		l.Diags = append(l.Diags, diag)
	}
	in[member] = v
}
