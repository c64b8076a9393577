package dsl

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// contentOf is body.Content(schema). Of a body in native syntax in which there is nothing to object
// to, as in almost all, it is read directly: hcl notes besides what would be left over, at
// several times the price.
func contentOf(body hcl.Body, schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	if native, ok := body.(*hclsyntax.Body); ok {
		if content, ok := directContent(native, schema); ok {
			return content, nil
		}
	}
	return body.Content(schema)
}

// directContent is the content of a body that has all its schema requires and nothing that it lacks;
// ok is false for any other. The body must be whole, not the remains of another one.
func directContent(body *hclsyntax.Body, schema *hcl.BodySchema) (content *hcl.BodyContent, ok bool) {
	content = &hcl.BodyContent{Attributes: make(hcl.Attributes, len(body.Attributes)), MissingItemRange: body.MissingItemRange()}
	for _, a := range schema.Attributes {
		if given, ok := body.Attributes[a.Name]; ok {
			content.Attributes[a.Name] = given.AsHCLAttribute()
		} else if a.Required {
			return nil, false
		}
	}
	if len(content.Attributes) < len(body.Attributes) {
		return nil, false
	}
	for _, b := range body.Blocks {
		i := slices.IndexFunc(schema.Blocks, func(h hcl.BlockHeaderSchema) bool { return h.Type == b.Type })
		if i < 0 || len(schema.Blocks[i].LabelNames) != len(b.Labels) {
			return nil, false
		}
		content.Blocks = append(content.Blocks, b.AsHCLBlock())
	}
	return content, true
}
