package dsl

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// watchName is a function that no configuration can call: the parts of templates are wrapped in it.
const watchName = "\x00watch"

// watchFunc yields what it is given and registers it where it is sensitive: the text around a part of a template
// isn't, and a machine may print the part alone.
func (l *loader) watchFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "part", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			l.addDerived(args[0], false)
			if isSensitive(args[0]) {
				return args[0].Mark(inTemplate), nil
			}
			return args[0], nil
		},
	})
}

// watch has the parts of every template within an expression watched.
func (l *loader) watch(e hcl.Expression) {
	native, ok := hcl.UnwrapExpression(e).(hclsyntax.Expression)
	if !ok {
		return
	}
	// The watcher reports nothing.
	if diags := hclsyntax.Walk(native, watcher{}); diags.HasErrors() {
		l.report(diags...)
	}
}

type watcher struct{}

func (watcher) Enter(n hclsyntax.Node) hcl.Diagnostics {
	t, ok := n.(*hclsyntax.TemplateExpr)
	if !ok {
		return nil
	}
	for i, p := range t.Parts {
		if call, ok := p.(*hclsyntax.FunctionCallExpr); ok && call.Name == watchName {
			continue
		}
		if _, literal := p.(*hclsyntax.LiteralValueExpr); !literal {
			at := p.Range()
			t.Parts[i] = &hclsyntax.FunctionCallExpr{Name: watchName, Args: []hclsyntax.Expression{p}, NameRange: at, OpenParenRange: at, CloseParenRange: at}
		}
	}
	return nil
}

func (watcher) Exit(hclsyntax.Node) hcl.Diagnostics { return nil }

// watchJSON evaluates once more, watched, the templates in an expression of JSON, which hcl parses anew each time.
func (l *loader) watchJSON(e hcl.Expression, ctx *hcl.EvalContext) {
	raw, diags := e.Value(nil) // the text as written
	if diags.HasErrors() {
		return
	}
	eachScalar(raw, nil, func(s scalarText) {
		if !strings.Contains(s.text, "${") && !strings.Contains(s.text, "%{") {
			return
		}
		t, diags := hclsyntax.ParseTemplate([]byte(s.text), e.Range().Filename, e.Range().Start)
		if diags.HasErrors() {
			return
		}
		l.watch(t)
		if v, diags := t.Value(ctx); !diags.HasErrors() {
			l.addDerived(v, false)
		}
	})
}
