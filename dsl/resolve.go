package dsl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// wanted is what expressions ask of a block: everything, or a few of its known attributes besides
// what it exports.
type wanted struct {
	d      *decl
	known  []string
	opened bool // something is asked of it, or may be
}

func (w *wanted) value() cty.Value {
	d := w.d
	if !w.opened && !d.repeated {
		if v := d.object(d.instances[0], nil); v.Type().HasAttribute(self) {
			return v.GetAttr(self)
		}
	}
	if d.allKnown() {
		if d.whole == cty.NilVal {
			d.whole = d.value(slices.Sorted(maps.Keys(d.known)))
		}
		return d.whole
	}
	return d.value(w.known)
}

// allKnown says whether every known attribute has been evaluated, so that one value serves all.
func (d *decl) allKnown() bool {
	for _, n := range d.known {
		if n.state != ready {
			return false
		}
	}
	return true
}

// value is what a reference to the block yields: an object, or where the block repeats, one for
// each instance by key.
func (d *decl) value(known []string) cty.Value {
	objects := make([]cty.Value, len(d.instances))
	for i, inst := range d.instances {
		objects[i] = d.object(inst, known)
	}
	switch {
	case !d.repeated:
		return objects[0]
	case d.counted:
		return cty.TupleVal(objects)
	}
	byKey := make(map[string]cty.Value, len(objects))
	for i, inst := range d.instances {
		byKey[inst.name] = objects[i]
	}
	return cty.ObjectVal(byKey)
}

func (d *decl) object(inst *instance, known []string) cty.Value {
	addr := d.addr
	addr.Key = inst.key
	attrs := make(map[string]cty.Value, 1+len(d.exports)+len(known))
	if inst.data != nil {
		maps.Copy(attrs, inst.data)
		return cty.ObjectVal(attrs)
	}
	attrs[self] = handleValue(Ref{addr, d.bare()})
	for _, e := range d.exports {
		attrs[e] = handleValue(Ref{addr, e})
	}
	for _, k := range known {
		v := inst.known[k]
		if v.IsNull() && slices.Contains(d.exports, k) {
			continue // not written: it follows from the content
		}
		attrs[k] = v
	}
	return cty.ObjectVal(attrs)
}

// bare is what a reference means that asks nothing: the first export, or where there is none the
// block itself.
func (d *decl) bare() string {
	if len(d.exports) == 0 {
		return ""
	}
	return d.exports[0]
}

// asked are the names that may follow a reference to the block.
func (d *decl) asked() []string {
	names := slices.Clone(d.exports)
	for _, k := range d.typ.Known {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	return names
}

// resolveBlock resolves a reference to a block: TYPE.NAME, or TYPE.LABEL.NAME for types with two labels.
func (l *loader) resolveBlock(t hcl.Traversal, want *needs) bool {
	typ := t.RootName()
	path := []string{typ}
	steps := 2
	if len(l.types[typ].Labels) == 2 {
		steps = 3
		label, ok := stepName(t, 1)
		if !ok {
			l.report(mistake(upTo(t, 2), "Unknown reference", "A reference to a %s names its type and its name: %s.TYPE.NAME.", typ, typ))
			return false
		}
		path = append(path, label)
	}
	addr := Addr{Type: strings.Join(path, ".")}
	name, ok := stepName(t, steps-1)
	if !ok {
		return l.resolveAll(t, addr.Type, path, want)
	}
	addr.Name = name
	d := l.decls[addr]
	if d == nil {
		l.unknownBlock(t[:steps], addr)
		return false
	}
	if d.unread {
		l.unreadBlock(upTo(t, steps), d)
		return false
	}
	w := &wanted{d: d, opened: len(t) > steps || !want.branches[t.SourceRange()]}
	if ok := l.resolveWithin(t, steps, w); !ok {
		return false
	}
	branch := want.tree
	for _, p := range path {
		branch = branch.branch(p)
	}
	if earlier, again := branch[name].(*wanted); again {
		w.known = append(w.known, earlier.known...)
		w.opened = w.opened || earlier.opened
	}
	branch[name] = w
	return true
}

// resolveAll is for an index that is only known by evaluation: component[var.which].
func (l *loader) resolveAll(t hcl.Traversal, typ string, path []string, want *needs) bool {
	branch := want.tree
	for _, p := range path {
		branch = branch.branch(p)
	}
	for _, d := range l.order {
		if !d.entered || d.addr.Type != typ {
			continue
		}
		w := &wanted{d: d, opened: true}
		if !l.resolveWithin(t, len(t), w) {
			return false
		}
		branch[d.addr.Name] = w
	}
	return true
}

// resolveWithin checks the steps after a block's name: an instance, and what is asked of it.
func (l *loader) resolveWithin(t hcl.Traversal, steps int, w *wanted) bool {
	d := w.d
	if !l.force(&d.repeat) {
		return false
	}
	if d.typ.Name == dataType && !l.force(&d.data) {
		return false
	}
	if d.repeated && steps < len(t) {
		if !l.checkInstance(t, steps, d) {
			return false
		}
		steps++
	}
	attr, ok := stepName(t, steps)
	if !ok {
		return l.forceKnown(w, slices.Collect(maps.Keys(d.known)))
	}
	if _, answered := d.firstData()[attr]; answered {
		return true
	}
	switch {
	case d.known[attr] != nil && (d.attrs[attr] != nil || attr == "name" || !slices.Contains(d.exports, attr)):
		return l.forceKnown(w, []string{attr})
	case slices.Contains(d.exports, attr):
		if len(t) > steps+1 {
			l.report(openedDiagnostic(Ref{d.addr, attr}, t.SourceRange().Ptr(), nil))
			return false
		}
		return true
	}
	hint := didYouMean(attr, d.asked())
	l.report(mistake(upTo(t, steps+1), "Unknown reference", "%s has no %q that could be asked for; it has %s.%s", d.addr, attr, listed(d.asked()), hint))
	return false
}

func (d *decl) firstData() map[string]cty.Value {
	if len(d.instances) == 0 {
		return nil
	}
	return d.instances[0].data
}

func (l *loader) forceKnown(w *wanted, names []string) bool {
	slices.Sort(names)
	for _, n := range names {
		if !l.force(w.d.known[n]) {
			return false
		}
	}
	w.known = append(w.known, names...)
	return true
}

// checkInstance checks the key after the name of a block that repeats.
func (l *loader) checkInstance(t hcl.Traversal, steps int, d *decl) bool {
	name, ok := stepName(t, steps)
	_, isIndex := t[steps].(hcl.TraverseIndex)
	var keys []string
	for _, inst := range d.instances {
		keys = append(keys, inst.name)
		if ok && inst.name == name {
			return true
		}
	}
	if !isIndex {
		example := d.addr.String() + "[0]"
		if len(keys) > 0 {
			example = d.addr.String() + "[" + d.instances[0].key + "]"
		}
		l.report(mistake(upTo(t, steps+1), "Unknown reference", "%s stands for %d instances. Choose one of them first, as in %s.", d.addr, len(keys), example))
		return false
	}
	hint := didYouMean(name, keys)
	if d.counted {
		hint = fmt.Sprintf(" It has %d, counted from 0.", len(keys))
	}
	l.report(mistake(upTo(t, steps+1), "Unknown reference", "%s has no instance %q.%s", d.addr, name, hint))
	return false
}

// unreadBlock reports a reference to a block of a variant that is none of ours.
func (l *loader) unreadBlock(at hcl.Range, d *decl) {
	if why := d.typ.Unsupported[d.label]; why != "" {
		l.report(mistake(at, "Unsupported block", "%s %q is not supported. %s", d.typ.Name, d.label, why))
		return
	}
	known := slices.Collect(maps.Keys(d.typ.Variants))
	l.report(mistake(at, "Unknown block type", "imagebuild does not know the type %q of %s.%s", d.label, d.addr, choices(d.label, known)))
}

func (l *loader) unknownBlock(t hcl.Traversal, addr Addr) {
	if l.hidden[t.RootName()] {
		return
	}
	typ, names := t.RootName(), l.names(addr.Type)
	hint := choices(addr.Name, names)
	if len(names) == 0 && typ != addr.Type {
		var labels []string
		for a := range l.decls {
			if rest, ok := strings.CutPrefix(a.Type, typ+"."); ok && a.Name == addr.Name {
				labels = append(labels, rest)
			}
		}
		hint = choices(strings.TrimPrefix(addr.Type, typ+"."), labels)
	}
	l.report(mistake(t.SourceRange(), "Unknown reference", "There is no block %s.%s", addr, hint))
}
