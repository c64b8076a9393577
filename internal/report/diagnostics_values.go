package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxShownValue is how many characters of a value a diagnostic shows.
const maxShownValue = 100

// values writes what an expression refers to, as hcl's own writer does: one expression may be
// evaluated several times with different values. Sensitive values aren't shown.
func (d *drawing) values(b *strings.Builder, diag *hcl.Diagnostic) {
	if diag.Expression == nil || diag.EvalContext == nil || diag.Subject == nil {
		return
	}
	var says []string
	for _, t := range diag.Expression.Variables() {
		v, diags := t.TraverseAbs(diag.EvalContext)
		if diags.HasErrors() || v.ContainsMarked() || !v.IsKnown() {
			continue
		}
		if v.IsNull() {
			says = append(says, traversalText(t)+" set to null")
			continue
		}
		says = append(says, traversalText(t)+" as "+valueText(v))
	}
	if len(says) == 0 {
		return
	}
	slices.Sort(says)
	fmt.Fprintf(b, "with %s.\n\n", strings.Join(slices.Compact(says), ",\n     "))
}

func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			key := "..."
			if s.Key.Type().IsPrimitiveType() && !s.Key.IsMarked() {
				key = valueText(s.Key)
			}
			b.WriteString("[" + key + "]")
		}
	}
	return Neutral(b.String())
}

// valueText is a known value without marks in a few words.
func valueText(v cty.Value) string {
	ty := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case ty == cty.Number:
		return v.AsBigFloat().Text('g', 10)
	case ty == cty.String:
		return Neutral(fmt.Sprintf("%q", firstOf(v.AsString(), maxShownValue)))
	case ty.IsCollectionType() || ty.IsTupleType():
		switch n := v.LengthInt(); n {
		case 0:
			return "empty " + ty.FriendlyName()
		case 1:
			return ty.FriendlyName() + " with 1 element"
		default:
			return fmt.Sprintf("%s with %d elements", ty.FriendlyName(), n)
		}
	case ty.IsObjectType():
		switch names := ty.AttributeTypes(); len(names) {
		case 0:
			return "object with no attributes"
		case 1:
			for name := range names {
				return Neutral(fmt.Sprintf("object with 1 attribute %q", name))
			}
		default:
			return fmt.Sprintf("object with %d attributes", len(names))
		}
	}
	return ty.FriendlyName()
}
