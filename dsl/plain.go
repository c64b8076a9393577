package dsl

import (
	"errors"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// An unsuitable is why a value does not suit an argument, and in which of its elements.
type unsuitable struct {
	element string
	detail  string
}

// within adds that the trouble is in one element.
func (u *unsuitable) within(element string) *unsuitable {
	if u == nil {
		return nil
	}
	return &unsuitable{element, u.detail}
}

func (u *unsuitable) Error() string { return u.detail }

// plain turns an evaluated value into what Value.V holds, checked against a type. References
// stand where texts are wanted.
func plain(v cty.Value, want cty.Type) (any, *unsuitable) {
	if v.IsNull() {
		return nil, nil
	}
	if h, ok := asHandle(v); ok {
		return plainHandle(h, want)
	}
	switch {
	case want == cty.DynamicPseudoType:
		return plainAny(v)
	case want.IsPrimitiveType():
		return plainPrimitive(v, want)
	case want.IsListType() || want.IsSetType():
		return plainList(v, want)
	case want.IsMapType():
		return plainMap(v, want.ElementType())
	case want.IsObjectType():
		return plainObject(v, want)
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		return nil, &unsuitable{detail: "; " + sentenceOf(err) + "."}
	}
	return plainAny(converted)
}

func plainHandle(h *handle, want cty.Type) (any, *unsuitable) {
	switch {
	case h.isText:
		return plain(cty.StringVal(h.text), want)
	case want == cty.String || want == cty.DynamicPseudoType:
		return h.ref, nil
	case want.IsListType() || want.IsSetType():
		return nil, &unsuitable{detail: ", and this is a reference to " + h.ref.String() + ". Put it between brackets: [" + h.ref.Addr.String() + "]."}
	}
	return nil, &unsuitable{detail: ", and this is a reference to " + h.ref.String() + ", whose value exists only later."}
}

func plainPrimitive(v cty.Value, want cty.Type) (any, *unsuitable) {
	converted, err := convert.Convert(v, want)
	if err != nil {
		if v.Type() == cty.String {
			return nil, &unsuitable{detail: ", and this text is not."}
		}
		return nil, &unsuitable{detail: ", and this is " + nature(v) + "." + advice(v)}
	}
	return scalar(converted), nil
}

// advice explains what is likely to have been forgotten.
func advice(v cty.Value) string {
	if v.Type().IsObjectType() {
		for _, x := range v.AsValueMap() {
			if h, ok := asHandle(x); ok && !h.isText {
				return " Choose one of its instances, as in " + h.ref.Addr.String() + "."
			}
		}
	}
	return ""
}

func scalar(v cty.Value) any {
	switch v.Type() {
	case cty.String:
		return v.AsString()
	case cty.Bool:
		return v.True()
	}
	f := v.AsBigFloat()
	if n, accuracy := f.Int64(); accuracy == big.Exact {
		return n
	}
	n, _ := f.Float64()
	return n
}

func plainAny(v cty.Value) (any, *unsuitable) {
	switch ty := v.Type(); {
	case ty.IsPrimitiveType():
		return scalar(v), nil
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		return plainList(v, cty.List(cty.DynamicPseudoType))
	case ty.IsMapType() || ty.IsObjectType():
		return plainMap(v, cty.DynamicPseudoType)
	}
	return nil, &unsuitable{detail: ", and this is " + nature(v) + "."}
}

func plainList(v cty.Value, want cty.Type) (any, *unsuitable) {
	ty := v.Type()
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		hint := ""
		if ty.IsPrimitiveType() {
			hint = " Put it between brackets."
		}
		return nil, &unsuitable{detail: ", and this is " + nature(v) + "." + hint}
	}
	out := make([]any, 0, v.LengthInt())
	seen := map[any]bool{}
	i := 0
	for it := v.ElementIterator(); it.Next(); i++ {
		_, e := it.Element()
		x, err := plain(e, want.ElementType())
		if err != nil {
			return nil, err.within(index(i))
		}
		if want.IsSetType() && want.ElementType().IsPrimitiveType() {
			if seen[x] {
				continue
			}
			seen[x] = true
		}
		out = append(out, x)
	}
	return out, nil
}

func plainMap(v cty.Value, want cty.Type) (any, *unsuitable) {
	if !v.Type().IsMapType() && !v.Type().IsObjectType() {
		return nil, &unsuitable{detail: ", and this is " + nature(v) + "."}
	}
	out := make(map[string]any, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		x, err := plain(e, want)
		if err != nil {
			return nil, err.within(key.AsString())
		}
		out[key.AsString()] = x
	}
	return out, nil
}

func plainObject(v cty.Value, want cty.Type) (any, *unsuitable) {
	if !v.Type().IsMapType() && !v.Type().IsObjectType() {
		return nil, &unsuitable{detail: ", and this is " + nature(v) + "."}
	}
	types := want.AttributeTypes()
	out := make(map[string]any, len(types))
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		name := key.AsString()
		ty, ok := types[name]
		if !ok {
			return nil, &unsuitable{name, "; it has no member " + strconv.Quote(name) + "." + didYouMean(name, slices.Collect(maps.Keys(types)))}
		}
		x, err := plain(e, ty)
		if err != nil {
			return nil, err.within(name)
		}
		out[name] = x
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if _, ok := out[name]; !ok && !want.AttributeOptional(name) {
			return nil, &unsuitable{detail: "; the member " + strconv.Quote(name) + " is missing."}
		}
	}
	return out, nil
}

// wish names a type as an argument's description has it.
func wish(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType(), t.IsSetType():
		return "a list" + elements(t.ElementType())
	case t.IsMapType():
		return "a map" + elements(t.ElementType())
	case t.IsObjectType():
		return "an object"
	}
	return "another value"
}

func elements(t cty.Type) string {
	switch t {
	case cty.String:
		return " of texts"
	case cty.Number:
		return " of numbers"
	case cty.Bool:
		return " of true and false"
	}
	return ""
}

// nature names what a value is, without telling the value, which may be a secret.
func nature(v cty.Value) string {
	if h, ok := asHandle(v); ok && !h.isText {
		return "a reference to " + h.ref.String()
	}
	switch t := v.Type(); {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "a map"
	}
	return "something else"
}

// sentenceOf is a conversion error with the place inside the value where it arose.
func sentenceOf(err error) string {
	var pe cty.PathError
	if errors.As(err, &pe) && len(pe.Path) > 0 {
		var b strings.Builder
		for _, step := range pe.Path {
			switch s := step.(type) {
			case cty.GetAttrStep:
				b.WriteString("." + s.Name)
			case cty.IndexStep:
				if s.Key.Type() == cty.String {
					b.WriteString("[" + strconv.Quote(s.Key.AsString()) + "]")
				} else if s.Key.Type() == cty.Number {
					b.WriteString("[" + s.Key.AsBigFloat().Text('f', 0) + "]")
				}
			}
		}
		return "at " + b.String() + ": " + pe.Error()
	}
	return err.Error()
}

// sortedAttributes are attributes in the order they are written.
func sortedAttributes(attrs hcl.Attributes) []*hcl.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int {
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
}
