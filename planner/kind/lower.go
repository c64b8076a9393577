package kind

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// A Lowered is what a body says, in the wire's vocabulary.
type Lowered struct {
	Input  map[string]any
	Ranges map[string]hcl.Range // which part of the configuration wrote which part of Input, by path
	Diags  hcl.Diagnostics
}

// Lower turns a body into the structure that the grammar was derived from. What is not given, and
// what is empty, is left out: AWS refuses empty strings, lists and maps, and takes none of them to
// mean anything.
func (g *Grammar) Lower(body *dsl.Body) *Lowered {
	l := &Lowered{Ranges: make(map[string]hcl.Range, 2*len(body.Attrs)+len(body.Blocks))}
	l.Input = l.structure(g, body, "")
	return l
}

func (l *Lowered) structure(g *Grammar, body *dsl.Body, path string) map[string]any {
	out := map[string]any{}
	for i := range g.fields {
		f := &g.fields[i]
		at := join(path, f.member)
		switch f.form {
		case plain:
			l.plain(out, f, body, at)
		case single:
			if n := first(body, f.name); n != nil {
				l.Ranges[at] = n.Range
				out[f.member] = l.structure(f.sub, n.Body, at)
			}
		case repeat:
			l.repeat(out, f, body, at)
		case pairs:
			l.pairs(out, f, body, at)
		}
	}
	return out
}

func (l *Lowered) plain(out map[string]any, f *field, body *dsl.Body, at string) {
	v, ok := body.Attr(f.name)
	if !ok || isEmpty(v.V) && !f.empty {
		return
	}
	if _, twice := out[f.member]; twice {
		l.Diags = append(l.Diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Argument given twice",
			Detail:  fmt.Sprintf("%q says the same as another argument that is also given, at %s. Keep one of them.", f.name, l.Ranges[at]),
			Subject: v.Range.Ptr(),
		})
		return
	}
	out[f.member] = v.V
	l.mark(at, v)
}

// mark records where a value and its elements were written.
func (l *Lowered) mark(at string, v dsl.Value) {
	l.Ranges[at] = v.Range
	_, list := v.V.([]any)
	for k, r := range v.Elems {
		if list {
			l.Ranges[at+"["+k+"]"] = r
		} else {
			l.Ranges[at+"."+k] = r
		}
	}
}

func (l *Lowered) repeat(out map[string]any, f *field, body *dsl.Body, at string) {
	var list []any
	for _, n := range body.Blocks {
		if n.Type != f.name {
			continue
		}
		path := at + "[" + strconv.Itoa(len(list)) + "]"
		l.Ranges[path] = n.Range
		list = append(list, l.structure(f.sub, n.Body, path))
	}
	if list != nil {
		l.Ranges[at] = first(body, f.name).Range
		out[f.member] = list
	}
}

// pairs lowers a map attribute, in the order of its keys, and then blocks in their own order.
func (l *Lowered) pairs(out map[string]any, f *field, body *dsl.Body, at string) {
	var list []any
	if v, ok := body.Attr(f.plural); ok {
		l.Ranges[at] = v.Range
		m, isMap := v.V.(map[string]any)
		if !isMap {
			l.Diags = append(l.Diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Not a map",
				Detail:  fmt.Sprintf("%q takes a map of names to values, such as { NAME = \"value\" }.", f.plural),
				Subject: v.Range.Ptr(),
			})
		}
		for _, name := range sortedKeys(m) {
			path := at + "[" + strconv.Itoa(len(list)) + "]"
			l.Ranges[path], l.Ranges[path+".value"] = v.At(name), v.At(name)
			list = append(list, map[string]any{"name": name, "value": texts(m[name])})
		}
	}
	for _, n := range body.Blocks {
		if n.Type != f.name {
			continue
		}
		path := at + "[" + strconv.Itoa(len(list)) + "]"
		l.Ranges[path] = n.Range
		if _, ok := l.Ranges[at]; !ok {
			l.Ranges[at] = n.Range
		}
		list = append(list, l.structure(f.sub, n.Body, path))
	}
	if list != nil {
		out[f.member] = list
	}
}

// texts makes a list of strings of a value: AWS's parameters are lists, most of one element.
func texts(v any) []any {
	list, ok := v.([]any)
	if !ok {
		return []any{text(v)}
	}
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = text(e)
	}
	return out
}

func text(v any) any {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return v
}

// isEmpty says whether a value has nothing in it, as AWS sees it.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func first(body *dsl.Body, typ string) *dsl.Nested {
	for _, n := range body.Blocks {
		if n.Type == typ {
			return n
		}
	}
	return nil
}

func join(path, member string) string {
	if path == "" {
		return member
	}
	return path + "." + member
}

// sortedKeys are the keys of a map, without an allocation where there are none: few of the maps that
// may be in a body are.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
