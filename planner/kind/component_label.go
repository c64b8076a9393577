package kind

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// labelComponents lets a recipe's component blocks name their component by a label, as those of a
// build do, instead of by component_arn.
func labelComponents(recipe *dsl.Schema) {
	for i := range recipe.Blocks {
		b := &recipe.Blocks[i]
		if b.Type != "component" {
			continue
		}
		b.Labels, b.OptionalLabel = []string{"component"}, true
		for j := range b.Schema.Attrs {
			if a := &b.Schema.Attrs[j]; a.Name == "component_arn" {
				a.Required = false // the label stands for it
				a.Doc += ` Or the block's label says it: component "aws:update-linux" {}, component "base" {}.`
			}
		}
	}
}

// readLabels is a recipe whose component blocks say in component_arn what their labels say.
func readLabels(s *planner.Scope, b *dsl.Block) (*dsl.Block, hcl.Diagnostics) {
	if !slices.ContainsFunc(b.Body.Blocks, func(n *dsl.Nested) bool { return n.Type == "component" && len(n.Labels) > 0 }) {
		return b, nil
	}
	var diags hcl.Diagnostics
	out, body := *b, *b.Body
	body.Blocks = nil
	for _, n := range b.Body.Blocks {
		if n.Type != "component" || len(n.Labels) == 0 {
			body.Blocks = append(body.Blocks, n)
			continue
		}
		if v, twice := n.Body.Attr("component_arn"); twice {
			diags = append(diags, failure(v.Range, "Argument given twice", "The block's label names the component already. Keep one of the two."))
			continue
		}
		v, diag := namedComponent(s, n.Labels[0], labelRange(n))
		if diag != nil {
			diags = append(diags, diag)
			continue
		}
		named, inner := *n, *n.Body
		inner.Attrs = maps.Clone(inner.Attrs)
		inner.Attrs["component_arn"] = dsl.Value{V: v, Range: labelRange(n)}
		named.Body = &inner
		body.Blocks = append(body.Blocks, &named)
	}
	out.Body = &body
	return &out, diags
}

// namedComponent is what the label of a component block stands for: a component that AWS resolves,
// as it is, or a reference to one of the configuration, such as "base" or "base[0]".
func namedComponent(s *planner.Scope, name string, at hcl.Range) (any, *hcl.Diagnostic) {
	if len(name) > 4 && (strings.HasPrefix(name, managed) || strings.HasPrefix(name, "arn:")) {
		return name, nil
	}
	var names []string
	for _, b := range s.Config.Blocks {
		if b.Addr.Type != "component" {
			continue
		}
		own := strings.TrimPrefix(b.Addr.String(), "component.")
		if own == name {
			return dsl.Ref{Addr: b.Addr, Attr: "arn"}, nil
		}
		names = append(names, own)
	}
	return nil, failure(at, "Unknown component",
		"There is no component %q in the configuration.%s A component of AWS's own is written \"aws:NAME\", any other by its ARN.", name, choices(name, names))
}
