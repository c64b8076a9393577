package dsl

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxLocal bounds what one local may hold: text that doubles with every local fills any memory.
const maxLocal = 8 << 20

// A local is one named value.
type local struct {
	node
	expr      hcl.Expression
	sensitive bool
	value     cty.Value
}

func localSchema() *Schema {
	return &Schema{Attrs: []Attr{{Name: "expression", Type: cty.DynamicPseudoType, Required: true}, {Name: "sensitive", Type: cty.Bool}}}
}

func (l *loader) declareLocals(b *hcl.Block) {
	if b.Type == "locals" {
		attrs, diags := b.Body.JustAttributes()
		l.report(diags...)
		for _, a := range sortedAttributes(attrs) {
			l.declareLocal(a.Name, a.Range, &local{expr: a.Expr})
		}
		return
	}
	content, diags := b.Body.Content(l.compile(localSchema()).body)
	l.report(diags...)
	expr, ok := content.Attributes["expression"]
	if !ok {
		l.report(mistake(b.DefRange, "Missing required argument", "A local block needs the argument \"expression\": its value."))
		l.hidden["local"] = true
		return
	}
	decl := &local{expr: expr.Expr}
	if s, given := content.Attributes["sensitive"]; given {
		decl.sensitive = l.constantBool(s)
	}
	l.declareLocal(b.Labels[0], b.DefRange, decl)
}

func (l *loader) declareLocal(name string, at hcl.Range, v *local) {
	if !hclsyntax.ValidIdentifier(name) {
		l.report(mistake(at, "Invalid name", "%q cannot be the name of a local: a name starts with a letter and holds letters, digits, hyphens and underscores.", name))
		return
	}
	if other, taken := l.locals[name]; taken {
		l.report(mistake(at, "Duplicate local", "A local %q was already written at %s. Give one of them another name.", name, place(other.at)))
		return
	}
	v.name, v.at = "local."+name, at
	v.eval = func() bool { return l.evalLocal(v) }
	l.locals[name] = v
}

func (l *loader) evalLocal(v *local) bool {
	value, ok := l.eval(v.expr, &scope{})
	if !ok {
		return false
	}
	unmarked, _ := value.UnmarkDeep()
	if size := weight(unmarked, maxLocal); size >= maxLocal {
		l.report(mistake(v.expr.Range(), "Value too large", "%s holds more than %d bytes. Read large content where it is used.", v.name, maxLocal))
		return false
	}
	v.value = value
	if v.sensitive {
		l.addSecrets(value)
		v.value = l.sensitive(value)
	}
	return true
}

// constantBool evaluates an argument that must be true or false as written.
func (l *loader) constantBool(a *hcl.Attribute) bool {
	v, diags := a.Expr.Value(nil)
	l.report(diags...)
	if diags.HasErrors() {
		return false
	}
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.Bool {
		l.report(mistake(a.Expr.Range(), "Unsuitable value", "The argument %q is true or false, as a constant.", a.Name))
		return false
	}
	return v.True()
}

// weight is about how many bytes a value takes, counted up to a limit.
func weight(v cty.Value, limit int) int {
	if v.IsNull() || !v.IsKnown() {
		return 1
	}
	if v.Type() == cty.String {
		return len(v.AsString()) + 1
	}
	if !v.CanIterateElements() {
		return 8
	}
	sum := 8
	for it := v.ElementIterator(); it.Next() && sum < limit; {
		_, e := it.Element()
		sum += weight(e, limit-sum)
	}
	return sum
}
