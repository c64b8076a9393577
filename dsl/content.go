package dsl

import (
	"fmt"
	"slices"
	"strings"

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
	content, diags := body.Content(schema)
	for _, d := range diags {
		blockMeant(d, schema)
	}
	return content, diags
}

// blockMeant adds to hcl's complaint of an argument the block whose name it nearly has: hcl compares it
// with arguments alone.
func blockMeant(d *hcl.Diagnostic, schema *hcl.BodySchema) {
	var name string
	if _, err := fmt.Sscanf(d.Detail, "An argument named %q is not expected here.", &name); err != nil || !strings.HasSuffix(d.Detail, "is not expected here.") {
		return
	}
	types := make([]string, len(schema.Blocks))
	for i, b := range schema.Blocks {
		types[i] = b.Type
	}
	if near := nearest(name, types); near != "" {
		d.Detail += fmt.Sprintf(" Did you mean to define a block of type %q?", near)
	}
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
