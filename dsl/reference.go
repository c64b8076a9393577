package dsl

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A handle is a Ref on its way through expressions. So that a condition may choose between a
// reference and an ordinary string, strings convert to handles; such a handle holds text instead.
type handle struct {
	ref    Ref
	text   string
	isText bool
}

// MarshalJSON keeps jsonencode from opening what is opaque.
func (handle) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a value that exists only later cannot be encoded")
}

func (h handle) key() string {
	if h.isText {
		return strconv.Quote(h.text)
	}
	return h.ref.String()
}

// handleType is the type that references have in expressions.
var handleType = cty.CapsuleWithOps("reference", reflect.TypeFor[handle](), &cty.CapsuleOps{
	GoString:     func(v any) string { return v.(*handle).key() },
	TypeGoString: func(reflect.Type) string { return "reference" },
	RawEquals:    func(a, b any) bool { return *a.(*handle) == *b.(*handle) },
	HashKey:      func(v any) string { return v.(*handle).key() },
	ConversionTo: func(src cty.Type) func(cty.Value, cty.Path) (any, error) {
		if src != cty.String {
			return nil
		}
		return func(v cty.Value, _ cty.Path) (any, error) {
			if !v.IsKnown() {
				return nil, errors.New("a known string is required")
			}
			return &handle{text: v.AsString(), isText: true}, nil
		}
	},
})

// self is the attribute, hidden because no one can write its name, by which the object that stands
// for a block is known: it holds what the bare reference means.
const self = ""

func handleValue(r Ref) cty.Value { return cty.CapsuleVal(handleType, &handle{ref: r}) }

// asHandle recognises a reference, or an object that stands for a block.
func asHandle(v cty.Value) (*handle, bool) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil, false
	}
	if ty := v.Type(); ty.IsObjectType() && ty.HasAttribute(self) {
		v, _ = v.GetAttr(self).Unmark()
	}
	if v.IsNull() || !v.Type().Equals(handleType) {
		return nil, false
	}
	return v.EncapsulatedValue().(*handle), true
}

// findRef returns a reference held anywhere inside v.
func findRef(v cty.Value) (Ref, bool) {
	if h, ok := asHandle(v); ok {
		return h.ref, !h.isText
	}
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return Ref{}, false
	}
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if r, ok := findRef(e); ok {
			return r, true
		}
	}
	return Ref{}, false
}

// explainRefs replaces what cty says of a reference in a place for ordinary values ("string
// required") by why it cannot stand there.
func explainRefs(diags hcl.Diagnostics) hcl.Diagnostics {
	for i, d := range diags {
		if d.Severity != hcl.DiagError || d.Expression == nil || d.EvalContext == nil {
			continue
		}
		if ref, ok := culprit(d.Expression, d.EvalContext); ok {
			diags[i] = openedDiagnostic(ref, d.Subject, d.Context)
		}
	}
	return diags
}

// culprit finds the reference that an expression could not make use of: its own value, or where it
// is a call, one of the arguments.
func culprit(e hcl.Expression, ctx *hcl.EvalContext) (Ref, bool) {
	candidates := []hcl.Expression{e}
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		candidates = candidates[:0]
		for _, arg := range call.Args {
			candidates = append(candidates, arg)
		}
	}
	for _, c := range candidates {
		v, diags := c.Value(ctx)
		if diags.HasErrors() {
			continue
		}
		if ref, ok := findRef(v); ok {
			return ref, true
		}
	}
	return Ref{}, false
}

func openedDiagnostic(ref Ref, subject, context *hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Value not known yet",
		Detail: "The value of " + ref.String() + " exists only after " + ref.Addr.String() + " has been made or looked up. It can be passed on " +
			"as a whole, listed and chosen, but not put inside a string or given to a function that opens it. " +
			"Use it as the whole value of an argument.",
		Subject: subject,
		Context: context,
	}
}
