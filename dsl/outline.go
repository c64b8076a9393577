package dsl

import (
	"cmp"
	"slices"
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
	name   string // what it is called: its last label, or its argument name where that is plain text
}

func outlineOf(body *hclsyntax.Body) outline {
	out := make(outline, len(body.Blocks))
	for i, b := range body.Blocks {
		out[i] = section{b.Range(), b.Type, b.Labels, nameIn(b)}
	}
	return out
}

func nameIn(b *hclsyntax.Block) string {
	if n := len(b.Labels); n > 0 {
		return b.Labels[n-1]
	}
	if a := b.Body.Attributes["name"]; a != nil && constant(a.Expr) {
		name, _ := constantKey(a.Expr)
		return name
	}
	return ""
}

// at is the block that a byte of the file belongs to, nil for none.
func (o outline) at(offset int) *section {
	i, _ := slices.BinarySearchFunc(o, offset+1, func(s section, before int) int { return cmp.Compare(s.rng.Start.Byte, before) })
	if i == 0 || !o[i-1].rng.ContainsOffset(offset) {
		return nil
	}
	return &o[i-1]
}

// BlockName is what the block is called that a byte of the file belongs to, "" where it has no name.
func (o outline) BlockName(offset int) string {
	if s := o.at(offset); s != nil {
		return s.name
	}
	return ""
}

// ContextString is what the writer asks for: `component "a"`.
func (o outline) ContextString(offset int) string {
	s := o.at(offset)
	if s == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(s.typ)
	for _, l := range s.labels {
		b.WriteByte(' ')
		b.WriteString(strconv.Quote(l))
	}
	return b.String()
}

// forgetSyntax leaves of the files what drawing diagnostics needs: their text and outline.
func (c *Config) forgetSyntax() {
	for _, f := range c.Files {
		if body, native := f.Body.(*hclsyntax.Body); native {
			f.Body, f.Nav = hcl.EmptyBody(), outlineOf(body)
		}
	}
}
