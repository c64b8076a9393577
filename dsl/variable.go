package dsl

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// A variable is one declared input.
type variable struct {
	name        string
	at          hcl.Range
	typ         cty.Type // DynamicPseudoType where none was declared
	defaults    *typeexpr.Defaults
	declared    bool // type was given
	sensitive   bool
	validations []validation
	value       cty.Value
	set         bool
	origin      hcl.Range // what gave it its value
	broken      bool      // its value is wrong, which was reported
}

type validation struct {
	condition hcl.Expression
	message   *hcl.Attribute
}

func variableSchema() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
	}
}

func validationSchema() *hcl.BodySchema {
	return &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition"}, {Name: "error_message"}}}
}

func (l *loader) declareVariables(raw map[string]hcl.Blocks) {
	for _, b := range raw["variable"] {
		v := l.newVariable(b.Labels[0], b.LabelRanges[0], b.DefRange)
		if v == nil {
			continue
		}
		content, diags := b.Body.Content(variableSchema())
		l.report(diags...)
		l.declareVariable(v, content)
	}
	for _, b := range raw["variables"] {
		attrs, diags := b.Body.JustAttributes()
		l.report(diags...)
		for _, a := range sortedAttributes(attrs) {
			if v := l.newVariable(a.Name, a.NameRange, a.Range); v != nil {
				l.setDefault(v, a)
			}
		}
	}
}

func (l *loader) newVariable(name string, nameRange, at hcl.Range) *variable {
	if !hclsyntax.ValidIdentifier(name) {
		l.report(mistake(nameRange, "Invalid name", "%q cannot be the name of a variable: a name starts with a letter and holds letters, digits, hyphens and underscores.", name))
		return nil
	}
	if other, taken := l.variables[name]; taken {
		l.report(mistake(at, "Duplicate variable", "A variable %q was already declared at %s. Give one of them another name.", name, place(other.at)))
		return nil
	}
	v := &variable{name: name, at: at, typ: cty.DynamicPseudoType}
	l.variables[name] = v
	return v
}

func (l *loader) declareVariable(v *variable, content *hcl.BodyContent) {
	if a, ok := content.Attributes["type"]; ok {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		l.report(diags...)
		v.declared = !diags.HasErrors()
		v.broken = !v.declared
		if v.declared {
			v.typ, v.defaults = typ, defaults
		}
	}
	if a, ok := content.Attributes["sensitive"]; ok {
		v.sensitive = l.constantBool(a)
	}
	if a, ok := content.Attributes["description"]; ok {
		if _, diags := a.Expr.Value(nil); diags.HasErrors() {
			l.report(mistake(a.Expr.Range(), "Unsuitable value", "A description is constant text."))
		}
	}
	if a, ok := content.Attributes["default"]; ok {
		l.setDefault(v, a)
	}
	for _, b := range content.Blocks {
		l.declareValidation(v, b)
	}
}

func (l *loader) declareValidation(v *variable, b *hcl.Block) {
	content, diags := b.Body.Content(validationSchema())
	l.report(diags...)
	condition, hasCondition := content.Attributes["condition"]
	message, hasMessage := content.Attributes["error_message"]
	if !hasCondition || !hasMessage {
		l.report(mistake(b.DefRange, "Missing required argument", "A validation needs both \"condition\" and \"error_message\"."))
		return
	}
	for _, t := range condition.Expr.Variables() {
		if name, _ := stepName(t, 1); t.RootName() != "var" || name != v.name {
			l.report(mistake(t.SourceRange(), "Reference to another value", "The condition of a validation may refer to var.%s only.", v.name))
			return
		}
	}
	if text, given := l.constantText(message); given && !sentence(text) {
		l.report(mistake(message.Expr.Range(), "Unsuitable value", "An error_message is a sentence: it begins with a capital letter and ends with a full stop, a question mark or an exclamation mark."))
	}
	v.validations = append(v.validations, validation{condition.Expr, message})
}

// constantText is the text of an argument that refers to nothing; ok is false for another.
func (l *loader) constantText(a *hcl.Attribute) (text string, ok bool) {
	v, diags := a.Expr.Value(&hcl.EvalContext{Functions: l.functions})
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func sentence(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return !unicode.IsLower(first) && strings.ContainsAny(s[max(0, len(s)-1):], ".?!")
}

// setDefault evaluates a default, in which env is the only function and nothing can be referred to.
func (l *loader) setDefault(v *variable, a *hcl.Attribute) {
	for _, t := range a.Expr.Variables() {
		l.report(mistake(t.SourceRange(), "Reference in a default", "The default of a variable is a constant and cannot refer to %s. Write a local that does, and use that.", t.RootName()))
		v.broken = true
	}
	if v.broken {
		return
	}
	value, diags := a.Expr.Value(&hcl.EvalContext{Functions: map[string]function.Function{"env": l.envFunc()}})
	l.report(onlyEnv(diags)...)
	if diags.HasErrors() {
		v.broken = true
		return
	}
	if !v.declared && !value.IsNull() {
		v.typ = value.Type()
	}
	l.give(v, value, a.Expr.Range())
}

// onlyEnv says of an unknown function that it may well exist, but not here.
func onlyEnv(diags hcl.Diagnostics) hcl.Diagnostics {
	for i, d := range diags {
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
			diags[i] = mistake(*d.Subject, "Function in a default", "The default of a variable is a constant, in which env is the only function; it cannot call %s. "+
				"Write a local that does, and use that.", call.CalledFunctionName())
		}
	}
	return diags
}

// give sets a variable's value, converted to its type.
func (l *loader) give(v *variable, value cty.Value, origin hcl.Range) {
	v.set = true
	if v.sensitive {
		l.addSecrets(value)
	}
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	typ := v.typ
	if !v.declared && isCollection(typ) && isCollection(value.Type()) {
		// The default's own type would take no list of another length and drop other keys.
		typ = value.Type()
	}
	converted, err := convert.Convert(value, typ)
	if err != nil {
		v.broken = true
		l.report(mistake(origin, "Unsuitable value", "This value does not suit variable %q, which is %s (%s): %s.",
			v.name, typeexpr.TypeString(v.typ), place(v.at), sentenceOf(err)))
		return
	}
	if v.sensitive {
		converted = l.sensitive(converted)
	}
	v.value, v.origin, v.broken = converted, origin, false
}

func isCollection(t cty.Type) bool {
	return t.IsCollectionType() || t.IsTupleType() || t.IsObjectType()
}

// validateVariables reports variables without a value and those that their own rules refuse.
func (l *loader) validateVariables() {
	for _, name := range slices.Sorted(maps.Keys(l.variables)) {
		v := l.variables[name]
		if !v.set && !v.broken {
			v.broken = true
			if l.unreadVars {
				continue // its value may stand in the file that could not be read
			}
			l.report(mistake(v.at, "Unset variable", "The variable %q has no value and no default. Set it with -var '%s=…', in a variable file given by -var-file or named *.auto.ibvars.hcl, "+
				"or as the environment variable IB_VAR_%s.", name, name, name))
		}
		if v.broken {
			continue
		}
		for _, rule := range v.validations {
			l.validate(v, rule)
		}
	}
}

func (l *loader) validate(v *variable, rule validation) {
	ctx := &hcl.EvalContext{Functions: l.functions, Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.name: v.value})}}
	result, diags := rule.condition.Value(ctx)
	l.report(diags...)
	if diags.HasErrors() {
		return
	}
	result, _ = result.UnmarkDeep()
	result, err := convert.Convert(result, cty.Bool)
	if err != nil || result.IsNull() || !result.IsKnown() {
		l.report(mistake(rule.condition.Range(), "Unsuitable value", "The condition of a validation is true or false."))
		return
	}
	if result.True() {
		return
	}
	l.watch(rule.message.Expr)
	text, messageDiags := rule.message.Expr.Value(ctx)
	l.report(messageDiags...)
	if messageDiags.HasErrors() {
		return
	}
	message := "The value is not valid."
	if text.ContainsMarked() {
		l.addDerived(text, true)
		message, text = "The value is not valid; the rule's message holds a sensitive value and isn't shown.", cty.NullVal(cty.String)
	}
	if text.IsKnown() && !text.IsNull() && text.Type() == cty.String {
		message = text.AsString()
	}
	l.report(mistake(v.origin, "Invalid value for variable", "%s The rule is written at %s.", message, place(rule.condition.Range())))
}
