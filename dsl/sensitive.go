package dsl

import (
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// A Mark says something about a value that an answer to a data block holds.
type Mark string

// Sensitive marks values that are secrets: they are used like others, and covered wherever they would be shown.
const Sensitive Mark = "sensitive"

// holdsSensitive marks the lists and maps of a sensitive value, besides what is in them. What is computed from such a
// list as a whole is not secret text: the keys of a sensitive map are shown.
const holdsSensitive Mark = "holds sensitive values"

// inTemplate marks sensitive parts of templates, and so the text that they become part of: the parts are registered,
// and the text around them stays readable.
const inTemplate Mark = "part of a template"

// minDerived is how long text computed from a secret must be to be looked for in what is printed.
const minDerived = 4

// harmlessWords are results that say too little to be worth hiding, and would take much else with them.
var harmlessWords = []string{
	"true", "false", "null", "none", "test", "main", "latest", "default", "admin", "root", "user", "password", "secret", "echo", "linux", "windows",
}

// sensitive is the value with a mark on every part of it.
func (l *loader) sensitive(v cty.Value) cty.Value {
	l.secretive = true
	v, _ = v.UnmarkDeep()
	out, err := cty.Transform(v, func(_ cty.Path, e cty.Value) (cty.Value, error) {
		if _, isRef := asHandle(e); isRef {
			return e, nil
		}
		if e.IsNull() || e.Type().IsPrimitiveType() {
			return e.Mark(Sensitive), nil
		}
		return e.Mark(holdsSensitive), nil
	})
	if err != nil {
		return v.Mark(Sensitive)
	}
	return out
}

// isSensitive says whether a value is, or holds, or was chosen by, what is sensitive.
func isSensitive(v cty.Value) bool {
	_, secret := unmark(v)
	return secret
}

// unmark takes all marks off a value and says whether one of them was [Sensitive].
func unmark(v cty.Value) (plain cty.Value, secret bool) {
	if v.Type().IsPrimitiveType() && !v.IsMarked() { // nearly all are, and walking them costs more than reading them
		return v, false
	}
	plain, marks := v.UnmarkDeep()
	_, secret = marks[Sensitive]
	return plain, secret
}

// keysSensitive says whether the number or the names of a value's elements tell of a secret.
func keysSensitive(v cty.Value) bool {
	if v.IsMarked() {
		return true
	}
	if !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
		return false
	}
	return isSensitive(v)
}

// addSecrets registers every text and number inside a value that its author calls sensitive.
func (l *loader) addSecrets(v cty.Value) {
	v, _ = v.UnmarkDeep()
	eachScalar(v, nil, func(s scalarText) {
		if !s.number || len(s.text) >= minDerived {
			l.addSecret(s.text)
		}
	})
}

// addSecret registers one text as it is. The words of the language are none: hiding them would hide half of a plan.
func (l *loader) addSecret(text string) {
	if text != "" && !slices.Contains([]string{"true", "false", "null"}, text) {
		l.secrets[text] = true
	}
}

// addDerived registers what was computed from sensitive values. Computed says that a function did it; else the text
// of a template isn't registered, whose parts are.
func (l *loader) addDerived(v cty.Value, computed bool) {
	if !v.ContainsMarked() {
		return
	}
	eachScalar(v, nil, func(s scalarText) {
		_, secret := s.marks[Sensitive]
		_, part := s.marks[inTemplate]
		if !secret || part && !computed || len(s.text) < minDerived || l.secrets[s.text] || slices.Contains(harmlessWords, strings.ToLower(s.text)) {
			return
		}
		if l.isDeclared(s.text) {
			return // only = var.small ? ["imagebuilder.web"] : []
		}
		if strings.Contains(strings.TrimSpace(s.text), "\n") && (!computed || len(l.secretsIn(s.text)) > 0) {
			return // a script isn't secret line by line because something in it is
		}
		l.secrets[s.text] = true
	})
}

// isDeclared says whether a text is what a block of the configuration is called: hiding it would hide the addresses
// that everything is told by.
func (l *loader) isDeclared(text string) bool {
	if l.declared == nil {
		l.declared = map[string]bool{}
		for a := range l.decls {
			short := strings.TrimPrefix(a.String(), sourceType+".")
			l.declared[a.Name], l.declared[a.String()], l.declared[short] = true, true, true
		}
	}
	return l.declared[text]
}

// secretsIn are registered secrets that a text holds besides other text.
func (l *loader) secretsIn(text string) []string {
	var out []string
	for s := range l.secrets {
		if len(s) >= minDerived && len(s) < len(text) && strings.Contains(text, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// A scalarText is a text or a number, as text, with its marks and those of what it is in.
type scalarText struct {
	text   string
	number bool
	marks  cty.ValueMarks
}

// eachScalar visits the known texts and numbers of a value that stands in one with these marks.
func eachScalar(v cty.Value, within cty.ValueMarks, visit func(scalarText)) {
	v, marks := v.Unmark()
	if len(within) > 0 {
		marks = cty.NewValueMarks(slices.AppendSeq(slices.Collect(maps.Keys(marks)), maps.Keys(within))...)
	}
	if v.IsNull() || !v.IsKnown() {
		return
	}
	switch {
	case v.Type() == cty.String:
		visit(scalarText{v.AsString(), false, marks})
	case v.Type() == cty.Number:
		if text, err := convert.Convert(v, cty.String); err == nil {
			visit(scalarText{text.AsString(), true, marks})
		}
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			eachScalar(e, marks, visit)
		}
	}
}

// elementwise are functions whose result for a text shows what they make of a part of it, which a machine may
// well print alone.
var elementwise = []string{
	"base64encode", "lower", "regex_replace", "replace", "strrev", "textencodebase64", "title", "upper", "urlencode",
}

// choosing are functions that pass on what they are given and make no text of their own.
var choosing = []string{
	"chunklist", "coalesce", "coalescelist", "compact", "concat", "distinct", "element", "flatten", "lookup", "merge", "reverse",
	"setintersection", "setproduct", "setunion", "slice", "sort", "values", "zipmap",
}

// observed registers what a function computes from secrets.
func (l *loader) observed(name string, f function.Function) function.Function {
	params := slices.Clone(f.Params())
	for i := range params {
		params[i].AllowMarked = true
	}
	rest := f.VarParam()
	if rest != nil {
		marked := *rest
		marked.AllowMarked = true
		rest = &marked
	}
	return function.New(&function.Spec{
		Params: params, VarParam: rest, Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := f.Call(args)
			if err != nil || !l.secretive {
				return out, err
			}
			if slices.ContainsFunc(args, l.knownSecret) {
				out = out.Mark(Sensitive)
			}
			if slices.Contains(elementwise, name) {
				l.observeParts(f, args)
			}
			l.addDerived(out, !slices.Contains(choosing, name))
			return out, nil
		},
	})
}

// knownSecret says whether an unmarked text is a secret: the elements of a sensitive set, and the names in a
// loop over one, come without marks.
func (l *loader) knownSecret(v cty.Value) bool {
	return !v.IsMarked() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() && len(v.AsString()) >= minDerived && l.secrets[v.AsString()]
}

// observeParts registers what a function makes of each secret within its first argument.
func (l *loader) observeParts(f function.Function, args []cty.Value) {
	if len(args) == 0 || !args[0].IsMarked() {
		return
	}
	first, _ := args[0].Unmark()
	if first.IsNull() || !first.IsKnown() || first.Type() != cty.String {
		return
	}
	for _, s := range l.secretsIn(first.AsString()) {
		with := slices.Clone(args)
		with[0] = cty.StringVal(s).Mark(Sensitive)
		if out, err := f.Call(with); err == nil { // one that fails for a part alone shows nothing of it
			l.addDerived(out, true)
		}
	}
}
