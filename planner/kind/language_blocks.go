package kind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// A reference is the part of the documentation that is generated from the tables.
type reference struct {
	entries map[string][]*entryOf // by type of block
}

// An entryOf is one nested block as it is described: blocks of the same type and content are one.
type entryOf struct {
	block     dsl.NestedType
	signature string
	in        []string // the blocks it stands in
	source    bool     // it stands in a source too
}

func newReference() *reference {
	l := &reference{entries: map[string][]*entryOf{}}
	for _, k := range table() {
		if k.Lower != nil {
			l.collect(k.Name, k.Block.Schema)
		}
	}
	for _, n := range byName()["source"].Block.Variants["imagebuilder"].Blocks {
		for _, e := range l.entries[n.Type] {
			e.source = true
		}
	}
	return l
}

func (l *reference) collect(in string, s *dsl.Schema) {
	for _, n := range s.Blocks {
		if n.Schema == nil {
			continue // a label decides: described where builds are
		}
		sig := signature(n.Schema)
		list := l.entries[n.Type]
		i := slices.IndexFunc(list, func(e *entryOf) bool { return e.signature == sig })
		if i < 0 {
			i = len(list)
			list = append(list, &entryOf{block: n, signature: sig})
			l.entries[n.Type] = list
		}
		if !slices.Contains(list[i].in, in) {
			list[i].in = append(list[i].in, in)
		}
		l.collect(n.Type, n.Schema)
	}
}

// signature is the same for schemas that read the same.
func signature(s *dsl.Schema) string {
	var b strings.Builder
	for _, a := range s.Attrs {
		fmt.Fprintf(&b, "%s %s %t %s\n", a.Name, a.Type.FriendlyName(), a.Required, a.Doc)
	}
	for _, n := range s.Blocks {
		fmt.Fprintf(&b, "%s %d %d { %s }\n", n.Type, n.Min, n.Max, signature(n.Schema))
	}
	return b.String()
}

// heading tells the descriptions of blocks of one type apart by the block they stand in.
func (l *reference) heading(e *entryOf) string {
	h := "Block `" + e.block.Type + "`"
	if len(l.entries[e.block.Type]) > 1 {
		h += " in `" + strings.Join(e.in, "`, `") + "`"
	}
	return h
}

// linked is a nested block's name with a link; where several read differently under one name, the one
// with the same content or, of a source, which holds what several have, all of them.
func (l *reference) linked(n dsl.NestedType) string {
	name := "`" + n.Type + "`"
	entries := l.entries[n.Type]
	var all []string
	for _, e := range entries {
		to := func(text string) string {
			return strings.Replace(link(l.heading(e)), "["+l.heading(e)+"]", "["+text+"]", 1)
		}
		if e.signature == signature(n.Schema) || len(entries) == 1 {
			return to(name)
		}
		all = append(all, to("of "+strings.Join(e.in, ", ")))
	}
	if len(all) == 0 {
		return name
	}
	return name + ": " + strings.Join(all, ", ")
}

func howMany(n dsl.NestedType) string {
	switch {
	case n.Max == 1 && n.Min == 1:
		return "one, **required**"
	case n.Max == 1:
		return "at most one"
	case n.Min > 0:
		return "one or more"
	}
	return "any number"
}

// nestedBlocks describes every nested block once.
func (l *reference) nestedBlocks() string {
	var b strings.Builder
	for _, typ := range slices.Sorted(maps.Keys(l.entries)) {
		for _, e := range l.entries[typ] {
			in := slices.Clone(e.in)
			if e.source {
				in = append(in, "source")
			}
			fmt.Fprintf(&b, "\n#### %s\n\n%s Stands in %s.\n\n", l.heading(e), cell(e.block.Doc), codes(in))
			b.WriteString(l.body(e.block.Schema))
		}
	}
	return b.String()
}

// ownExample is a kind's example without the blocks that the examples before it have shown.
func ownExample(k *planner.Kind) string {
	src := []byte(k.Example)
	file, diags := hclsyntax.ParseConfig(src, k.Name, hcl.InitialPos)
	body, native := file.Body.(*hclsyntax.Body)
	if diags.HasErrors() || !native {
		return k.Example // a test compiles examples and says what is wrong
	}
	var parts, others []string
	for _, b := range body.Blocks {
		if b.Type != k.Name && b.Type != "imagebuild" {
			others = append(others, strings.Join(append([]string{b.Type}, b.Labels...), "."))
			continue
		}
		parts = append(parts, string(src[b.DefRange().Start.Byte:b.Body.EndRange.End.Byte]))
	}
	if others != nil {
		parts = append([]string{"# … with " + strings.Join(others, ", ")}, parts...)
	}
	return strings.Join(parts, "\n")
}
