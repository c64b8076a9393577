package dsl

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	textencoding "golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

// Packer's functions that no library offers.

// textFunc makes a function of texts to a text.
func textFunc(params []string, impl func(args []string) (string, error)) function.Function {
	spec := &function.Spec{
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := impl(asTexts(args))
			return cty.StringVal(s), err
		},
	}
	for _, p := range params {
		spec.Params = append(spec.Params, function.Parameter{Name: p, Type: cty.String})
	}
	return function.New(spec)
}

func asTexts(args []cty.Value) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a.AsString()
	}
	return out
}

// testFunc makes a function that tests a text for another.
func testFunc(second string, test func(s, t string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: second, Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(test(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func startsWithFunc() function.Function   { return testFunc("prefix", strings.HasPrefix) }
func endsWithFunc() function.Function     { return testFunc("suffix", strings.HasSuffix) }
func containsTextFunc() function.Function { return testFunc("substr", strings.Contains) }

// boolsFunc folds a list of bools; a null element counts as false.
func boolsFunc(start bool, fold func(result, next bool) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			result := start
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				result = fold(result, !v.IsNull() && v.True())
			}
			return cty.BoolVal(result), nil
		},
	})
}

func allTrueFunc() function.Function {
	return boolsFunc(true, func(result, next bool) bool { return result && next })
}

func anyTrueFunc() function.Function {
	return boolsFunc(false, func(result, next bool) bool { return result || next })
}

func sumFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].CanIterateElements() || args[0].LengthInt() == 0 {
				return cty.NilVal, function.NewArgErrorf(0, "a list of at least one number is required")
			}
			sum := cty.Zero
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				if v.IsNull() || v.Type() != cty.Number {
					return cty.NilVal, function.NewArgErrorf(0, "every element must be a number")
				}
				sum = sum.Add(v)
			}
			return sum, nil
		},
	})
}

// lengthFunc counts elements, and the characters of a text.
func lengthFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			t := args[0].Type()
			if t == cty.String || t.IsCollectionType() || t.IsTupleType() || t.IsObjectType() {
				return cty.Number, nil
			}
			return cty.NilType, function.NewArgErrorf(0, "a text, a list or a map is required")
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return cty.NumberIntVal(int64(args[0].LengthInt())), nil
		},
	})
}

// indexFunc finds the position of a value.
func indexFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() {
				return cty.NilVal, function.NewArgErrorf(0, "a list is required")
			}
			for it := args[0].ElementIterator(); it.Next(); {
				i, v := it.Element()
				if eq, err := stdlib.Equal(v, args[1]); err == nil && eq.IsKnown() && eq.True() {
					return i, nil
				}
			}
			return cty.NilVal, errors.New("the value is not in the list")
		},
	})
}

func gzipFunc() function.Function {
	return textFunc([]string{"str"}, func(args []string) (string, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(args[0])); err != nil {
			return "", fmt.Errorf("compressing: %w", err)
		}
		if err := w.Close(); err != nil {
			return "", fmt.Errorf("compressing: %w", err)
		}
		return base64.StdEncoding.EncodeToString(b.Bytes()), nil
	})
}

func textEncodeFunc() function.Function {
	return textFunc([]string{"string", "encoding"}, func(args []string) (string, error) {
		e, err := encodingNamed(args[1])
		if err != nil {
			return "", err
		}
		out, err := e.NewEncoder().String(args[0])
		if err != nil {
			return "", function.NewArgErrorf(0, "the text holds characters that %s cannot encode", args[1])
		}
		return base64.StdEncoding.EncodeToString([]byte(out)), nil
	})
}

func textDecodeFunc() function.Function {
	return textFunc([]string{"source", "encoding"}, func(args []string) (string, error) {
		e, err := encodingNamed(args[1])
		if err != nil {
			return "", err
		}
		raw, err := base64.StdEncoding.DecodeString(args[0])
		if err != nil {
			return "", function.NewArgErrorf(0, "this is not base64")
		}
		out, err := e.NewDecoder().Bytes(raw)
		if err != nil || bytes.ContainsRune(out, '\uFFFD') {
			return "", function.NewArgErrorf(0, "this is not text in %s", args[1])
		}
		return string(out), nil
	})
}

func encodingNamed(name string) (textencoding.Encoding, error) {
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil || e == nil {
		return nil, function.NewArgErrorf(1, "there is no encoding %q in the IANA register, or it is not supported", name)
	}
	return e, nil
}
