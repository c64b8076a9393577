package dsl

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// nullSchema is that of data "null", whose output is its input: the one data source that asks nobody.
func nullSchema() *Schema {
	return &Schema{Attrs: []Attr{{Name: "input", Type: cty.String, Doc: "The text to give back as output."}}}
}

// evalData evaluates a data block's arguments and looks it up, where there is someone to ask.
func (l *loader) evalData(d *decl) bool {
	if !l.force(&d.repeat) {
		return false
	}
	for _, inst := range d.instances {
		addr := d.addr
		addr.Key = inst.key
		before, failures := errorCount(l.diags), l.failures
		b := &Block{Addr: addr, Label: d.label, Range: d.header, Body: l.decodeTop(d, l.scopeOf(d, inst))}
		if errorCount(l.diags) > before || l.failures > failures {
			return false
		}
		l.cfg.Data = append(l.cfg.Data, b)
		if !l.lookUp(d, inst, b) {
			return false
		}
	}
	return true
}

func errorCount(diags hcl.Diagnostics) int {
	n := 0
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			n++
		}
	}
	return n
}

// lookUp fills in the answers of a data block; without someone to ask they stay references.
func (l *loader) lookUp(d *decl, inst *instance, b *Block) bool {
	if d.label == "null" {
		inst.data = map[string]cty.Value{"output": l.nullOutput(b)}
		return true
	}
	if l.opts.Data == nil || refersWithin(b.Body) {
		return true
	}
	answers, diags := l.opts.Data(b)
	l.report(diags...)
	if diags.HasErrors() {
		return false
	}
	inst.data = make(map[string]cty.Value, len(answers))
	for _, name := range d.exports {
		inst.data[name] = cty.NullVal(cty.String)
	}
	for name, v := range answers {
		plain, marks := v.UnmarkDeep()
		if _, secret := marks[Sensitive]; secret {
			l.addSecrets(plain)
			plain = l.sensitive(plain)
		}
		inst.data[name] = plain
	}
	if len(d.exports) > 0 {
		inst.data[self] = inst.data[d.exports[0]]
	}
	return true
}

func (l *loader) nullOutput(b *Block) cty.Value {
	v, ok := b.Body.Attr("input")
	if !ok {
		return cty.NullVal(cty.String)
	}
	if ref, isRef := v.V.(Ref); isRef {
		return handleValue(ref)
	}
	out := cty.StringVal(v.V.(string))
	if v.Sensitive {
		out = l.sensitive(out)
	}
	return out
}

// refersWithin says whether a body holds a reference: such a question cannot be asked before what
// it refers to exists.
func refersWithin(b *Body) bool {
	for _, v := range b.Attrs {
		if holdsRef(v.V) {
			return true
		}
	}
	for _, n := range b.Blocks {
		if refersWithin(n.Body) {
			return true
		}
	}
	return false
}

func holdsRef(x any) bool {
	switch x := x.(type) {
	case Ref:
		return true
	case []any:
		return slices.ContainsFunc(x, holdsRef)
	case map[string]any:
		for _, e := range x {
			if holdsRef(e) {
				return true
			}
		}
	}
	return false
}
