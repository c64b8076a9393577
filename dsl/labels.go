package dsl

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// bare is a schema whose optional labels are not written; nil where it has none. JSON is read so:
// there, a label could not be told from an argument.
func bare(s *Schema) *compiledSchema {
	if !slices.ContainsFunc(s.Blocks, func(b NestedType) bool { return b.OptionalLabel }) {
		return nil
	}
	without := &Schema{Attrs: s.Attrs, Blocks: slices.Clone(s.Blocks)}
	for i := range without.Blocks {
		if b := &without.Blocks[i]; b.OptionalLabel {
			b.Labels, b.OptionalLabel = nil, false
		}
	}
	return newCompiled(without)
}

// withLabels is a body in which blocks whose label may be left out have an empty one where it was,
// since hcl knows one form of a block alone.
func withLabels(body *hclsyntax.Body, c *compiledSchema) *hclsyntax.Body {
	if c.bare == nil {
		return body
	}
	out := *body
	out.Blocks = slices.Clone(body.Blocks)
	for i, b := range out.Blocks {
		made := b
		switch {
		case b.Type == "dynamic" && len(b.Labels) == 1 && c.optionalLabel(b.Labels[0]) && b.Body.Attributes["labels"] == nil:
			copied, inner := *b, *b.Body
			inner.Attributes = maps.Clone(inner.Attributes)
			inner.Attributes["labels"] = emptyLabel(b)
			copied.Body, made = &inner, &copied
		case c.optionalLabel(b.Type) && len(b.Labels) == 0:
			copied := *b
			copied.Labels, copied.LabelRanges = []string{""}, []hcl.Range{b.TypeRange}
			made = &copied
		}
		out.Blocks[i] = made
	}
	return &out
}

func (c *compiledSchema) optionalLabel(typ string) bool {
	n := c.nested[typ]
	return n != nil && n.OptionalLabel
}

// emptyLabel is labels = [""], for a dynamic block.
func emptyLabel(b *hclsyntax.Block) *hclsyntax.Attribute {
	at := b.TypeRange
	list := &hclsyntax.TupleConsExpr{SrcRange: at, OpenRange: at, Exprs: []hclsyntax.Expression{
		&hclsyntax.LiteralValueExpr{Val: cty.StringVal(""), SrcRange: at},
	}}
	return &hclsyntax.Attribute{Name: "labels", Expr: list, SrcRange: at, NameRange: at, EqualsRange: at}
}
