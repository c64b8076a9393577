package dsl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// buildScope completes the scope of a build: its name, and the sources it is made of, for
// source.name in its provisioners.
func (l *loader) buildScope(d *decl, sc *scope) {
	name := ""
	if _, err := strconv.Atoi(d.addr.Name); err != nil || d.attrs["name"] != nil {
		name = d.addr.Name
	}
	sc.build, sc.inBody = &name, true
	content, _, diags := d.body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "sources"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: sourceType, LabelNames: []string{"type.name"}}},
	})
	if diags.HasErrors() {
		return // the body itself reports it
	}
	if a, ok := content.Attributes["sources"]; ok {
		if v, ok := l.eval(a.Expr, sc); ok {
			v, _ = v.UnmarkDeep()
			sc.sources = append(sc.sources, sourcesIn(v)...)
		}
	}
	for _, b := range content.Blocks {
		if s := sc.forSource(b); s != sc {
			sc.sources = append(sc.sources, s.sources...)
		}
	}
}

// sourcesIn are the sources that the value of the argument "sources" names.
func sourcesIn(v cty.Value) []builtSource {
	if h, ok := asHandle(v); ok || v.IsNull() || !v.CanIterateElements() {
		if ok && !h.isText {
			return []builtSource{{strings.TrimPrefix(h.ref.Type, sourceType+"."), h.ref.Name}}
		}
		return nil
	}
	var out []builtSource
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e.Type() == cty.String && e.IsKnown() && !e.IsNull() {
			if s, ok := parseSource(e.AsString()); ok {
				out = append(out, s)
			}
			continue
		}
		if _, isRef := asHandle(e); isRef {
			out = append(out, sourcesIn(e)...)
		}
	}
	return out
}

// parseSource reads "type.name", "source.type.name" and "sources.type.name": only the last two parts matter.
func parseSource(s string) (builtSource, bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return builtSource{}, false
	}
	last := parts[len(parts)-2:]
	return builtSource{last[0], last[1]}, true
}

// forSource is the scope of a source block inside a build, whose name may be replaced there.
func (sc *scope) forSource(b *hcl.Block) *scope {
	if len(b.Labels) == 0 {
		return sc
	}
	s, ok := parseSource(b.Labels[0])
	if !ok {
		return sc
	}
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "name"}}})
	if a, given := content.Attributes["name"]; given && !diags.HasErrors() {
		if name, constant := constantKey(a.Expr); constant {
			s.name = name
		}
	}
	own := *sc
	own.sources = slices.Clone([]builtSource{s})
	return &own
}
