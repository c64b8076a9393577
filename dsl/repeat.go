package dsl

import (
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Limits of repetition, which is otherwise the cheapest way to fill any memory.
const (
	maxInstances = 10_000  // of one block, by for_each or count
	maxDynamic   = 100_000 // blocks made by dynamic in a whole configuration
)

// repeat evaluates for_each or count.
func (l *loader) repeat(d *decl) bool {
	forEach, count := d.attrs["for_each"], d.attrs["count"]
	if !d.typ.Repeats || forEach == nil && count == nil {
		d.instances = []*instance{{}}
		return true
	}
	d.repeated = true
	if forEach != nil && count != nil {
		l.report(mistake(count.NameRange, "Two ways to repeat", "A block repeats by \"for_each\" (%s) or by \"count\", not by both. Leave one out.", place(forEach.NameRange)))
		return false
	}
	if count != nil {
		d.counted = true
		return l.repeatCount(d, count)
	}
	return l.repeatEach(d, forEach)
}

func (l *loader) repeatCount(d *decl, a *hcl.Attribute) bool {
	v, ok := l.eval(a.Expr, &scope{})
	if !ok {
		return false
	}
	if v.ContainsMarked() {
		l.reportSensitiveRepetition(a)
		return false
	}
	n, err := convert.Convert(v, cty.Number)
	if err != nil || n.IsNull() || !n.AsBigFloat().IsInt() || n.AsBigFloat().Sign() < 0 {
		l.report(mistake(a.Expr.Range(), "Unsuitable value", "\"count\" is a whole number, not below 0."))
		return false
	}
	times, accuracy := n.AsBigFloat().Int64()
	if accuracy != 0 || times > maxInstances {
		l.report(mistake(a.Expr.Range(), "Too many instances", "A block may repeat at most %d times; \"count\" is %s.", maxInstances, n.AsBigFloat().Text('f', 0)))
		return false
	}
	for i := range times {
		key := strconv.FormatInt(i, 10)
		d.instances = append(d.instances, &instance{key: key, name: key, each: cty.NumberIntVal(i)})
	}
	return true
}

func (l *loader) repeatEach(d *decl, a *hcl.Attribute) bool {
	v, ok := l.eval(a.Expr, &scope{})
	if !ok {
		return false
	}
	if keysSensitive(v) {
		l.reportSensitiveRepetition(a)
		return false
	}
	if _, isRef := asHandle(v); isRef || v.IsNull() || !v.CanIterateElements() {
		l.report(mistake(a.Expr.Range(), "Unsuitable value", "\"for_each\" is a map, or a list of different texts; this is %s.", nature(v)))
		return false
	}
	if n := v.LengthInt(); n > maxInstances {
		l.report(mistake(a.Expr.Range(), "Too many instances", "A block may repeat at most %d times; \"for_each\" has %d elements.", maxInstances, n))
		return false
	}
	keyed := v.Type().IsMapType() || v.Type().IsObjectType()
	seen := map[string]bool{}
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if !keyed {
			key = value
		}
		if !key.IsKnown() || key.IsNull() || key.Type() != cty.String || seen[key.AsString()] {
			l.report(mistake(a.Expr.Range(), "Unsuitable value", "The elements of a list in \"for_each\" name the instances, so they are texts and all different. Write a map otherwise: { key = value }."))
			return false
		}
		name := key.AsString()
		seen[name] = true
		d.instances = append(d.instances, &instance{key: instanceKey(name, false), name: name, each: value})
	}
	slices.SortFunc(d.instances, func(a, b *instance) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return true
}

// reportSensitiveRepetition refuses to name blocks by a secret, as Terraform does.
func (l *loader) reportSensitiveRepetition(a *hcl.Attribute) {
	l.report(mistake(a.Expr.Range(), "Sensitive value in "+a.Name, "A sensitive value, or one computed from it, can't be used in %q: it would show in the names of the instances. "+
		"Repeat over a list or map that isn't sensitive, and look the sensitive values up by each.key.", a.Name))
}

// evalKnown evaluates one known attribute of every instance.
func (l *loader) evalKnown(d *decl, name string) bool {
	if !l.force(&d.repeat) {
		return false
	}
	a, given := d.attrs[name]
	for _, inst := range d.instances {
		v := cty.NullVal(cty.String)
		if !given && name == "name" && len(d.typ.Labels) > 0 {
			v = cty.StringVal(d.addr.Name)
		}
		if given {
			var ok bool
			if v, ok = l.eval(a.Expr, l.scopeOf(d, inst)); !ok {
				return false
			}
		}
		if inst.known == nil {
			inst.known = map[string]cty.Value{}
		}
		inst.known[name] = v
	}
	return true
}

// scopeOf is the scope of a block's own arguments.
func (l *loader) scopeOf(d *decl, inst *instance) *scope {
	sc := &scope{counted: d.counted}
	if d.repeated {
		sc.inst = inst
	}
	if d.typ.Name == sourceType {
		sc.inBody, sc.sources = true, []builtSource{{d.label, d.addr.Name}}
	}
	return sc
}
