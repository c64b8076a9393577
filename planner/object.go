package planner

import (
	"maps"
	"slices"
	"strconv"

	"github.com/org/imagebuild-action/dsl"
)

// Resolve returns the object with every reference replaced by what lookup says; the object itself
// stays as it is.
func (o Object) Resolve(lookup func(dsl.Ref) any) Object {
	out, _ := rewrite(map[string]any(o), lookup)
	m, _ := out.(map[string]any)
	return m
}

// Refs calls f for every reference in the object with the path it stands at, in no particular order.
func (o Object) Refs(f func(path string, r dsl.Ref)) {
	var path [8]step // deeper than most, so that walking allocates nothing
	eachRef(map[string]any(o), path[:0], f)
}

// rewrite replaces references and copies only what holds one: values are shared between blocks.
func rewrite(v any, f func(dsl.Ref) any) (out any, changed bool) {
	switch v := v.(type) {
	case dsl.Ref:
		to := f(v)
		r, same := to.(dsl.Ref)
		return to, !same || r != v
	case Object:
		return rewriteMap(v, f)
	case map[string]any:
		return rewriteMap(v, f)
	case []any:
		return rewriteList(v, f)
	}
	return v, false
}

func rewriteMap(v map[string]any, f func(dsl.Ref) any) (out any, changed bool) {
	fresh := v
	for k, e := range v {
		to, ok := rewrite(e, f)
		if !ok {
			continue
		}
		if !changed {
			fresh, changed = maps.Clone(v), true
		}
		fresh[k] = to
	}
	return fresh, changed
}

func rewriteList(v []any, f func(dsl.Ref) any) (out any, changed bool) {
	fresh := v
	for i, e := range v {
		to, ok := rewrite(e, f)
		if !ok {
			continue
		}
		if !changed {
			fresh, changed = slices.Clone(v), true
		}
		fresh[i] = to
	}
	return fresh, changed
}

// A step is one step of a path. Paths are spelled out only where a reference is found.
type step struct {
	name  string // "" for an index
	index int
}

func pathOf(steps []step) string {
	var b []byte
	for _, s := range steps {
		switch {
		case s.name == "":
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
		case len(b) > 0:
			b = append(append(b, '.'), s.name...)
		default:
			b = append(b, s.name...)
		}
	}
	return string(b)
}

func eachRef(v any, at []step, f func(string, dsl.Ref)) {
	switch v := v.(type) {
	case dsl.Ref:
		f(pathOf(at), v)
	case Object:
		eachRef(map[string]any(v), at, f)
	case map[string]any:
		for k, e := range v {
			eachRef(e, append(at, step{name: k}), f)
		}
	case []any:
		for i, e := range v {
			eachRef(e, append(at, step{index: i}), f)
		}
	}
}
