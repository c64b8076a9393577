package dsl

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// An outline tells hcl's diagnostic writer which block a place is in. It stands in for the syntax
// tree, which is several times as large as the file and would stay in memory for its sake alone.
type outline []section

// A section is one block at the top level.
type section struct {
	rng    hcl.Range
	typ    string
	labels []string
}

func outlineOf(body *hclsyntax.Body) outline {
	out := make(outline, len(body.Blocks))
	for i, b := range body.Blocks {
		out[i] = section{b.Range(), b.Type, b.Labels}
	}
	return out
}

// ContextString is what the writer asks for: `component "a"`.
func (o outline) ContextString(offset int) string {
	for _, s := range o {
		if s.rng.ContainsOffset(offset) {
			var b strings.Builder
			b.WriteString(s.typ)
			for _, l := range s.labels {
				b.WriteByte(' ')
				b.WriteString(strconv.Quote(l))
			}
			return b.String()
		}
	}
	return ""
}

// forgetSyntax leaves of the files what drawing diagnostics needs: their text and outline.
func (c *Config) forgetSyntax() {
	for _, f := range c.Files {
		if body, native := f.Body.(*hclsyntax.Body); native {
			f.Body, f.Nav = hcl.EmptyBody(), outlineOf(body)
		}
	}
}
