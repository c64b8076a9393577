package dsl

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A scope is what an expression may refer to because of where it stands, besides what the whole
// configuration may refer to.
type scope struct {
	inst    *instance     // for each and count; nil where the block does not repeat
	counted bool          // inst is made by count
	build   *string       // the name of the build it stands in
	sources []builtSource // the sources of that build, or the one source whose body it is
	asked   *bool         // set when source.name is asked of several sources; nil where that is a mistake
	inBody  bool          // in a source's body or a build: source.name is meant to be asked
}

// A builtSource is a source as a build names it.
type builtSource struct{ typ, name string }

// A tree is what an expression needs of its scope: objects of objects, whose leaves are values.
type tree map[string]any

func (t tree) branch(name string) tree {
	if b, ok := t[name].(tree); ok {
		return b
	}
	b := tree{}
	t[name] = b
	return b
}

func (t tree) object() cty.Value {
	attrs := make(map[string]cty.Value, len(t))
	for name, x := range t {
		switch x := x.(type) {
		case tree:
			attrs[name] = x.object()
		case *wanted:
			attrs[name] = x.value()
		case cty.Value:
			attrs[name] = x
		}
	}
	return cty.ObjectVal(attrs)
}

// needs are a tree, and the references in an expression that are a branch of a condition by
// themselves: those mean what the bare reference means, so that the other branch may be text.
type needs struct {
	tree
	branches map[hcl.Range]bool
}

// eval evaluates an expression. What is sensitive in the value is marked. When it returns false, what is wrong has been reported, here or
// where the value it needs is written.
func (l *loader) eval(e hcl.Expression, sc *scope) (cty.Value, bool) {
	if constant(e) {
		v, diags := e.Value(nil)
		l.report(diags...)
		return v, !diags.HasErrors()
	}
	travs := e.Variables()
	want := &needs{tree: tree{}}
	if slices.ContainsFunc(travs, func(t hcl.Traversal) bool { return l.types[t.RootName()] != nil }) {
		want.branches = branches(e)
	}
	ctx, ok := l.context(travs, want, sc)
	if !ok {
		return cty.DynamicVal, false
	}
	if l.secretive {
		l.watch(e)
	}
	v, diags := e.Value(ctx)
	l.report(explainRefs(diags)...)
	l.reportImpure(e)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if _, native := hcl.UnwrapExpression(e).(hclsyntax.Expression); !native && v.ContainsMarked() {
		l.watchJSON(e, ctx)
		v = v.Mark(inTemplate) // what is in it was registered just now
	}
	if !v.IsWhollyKnown() {
		l.report(mistake(e.Range(), "Value not known yet", "The result of this expression is not known. Use the values it depends on as they are."))
		return cty.DynamicVal, false
	}
	return v, true
}

// constant recognises plain text, numbers and the like, which is most of what is written.
func constant(e hcl.Expression) bool {
	switch e := hcl.UnwrapExpression(e).(type) {
	case *hclsyntax.LiteralValueExpr:
		return true
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	case *hclsyntax.TupleConsExpr:
		for _, x := range e.Exprs {
			if !constant(x) {
				return false
			}
		}
		return true
	}
	return false
}

// branches are the places of references that are a branch of a condition.
func branches(e hcl.Expression) map[hcl.Range]bool {
	native, ok := hcl.UnwrapExpression(e).(hclsyntax.Expression)
	if !ok {
		return nil
	}
	if _, plainReference := native.(*hclsyntax.ScopeTraversalExpr); plainReference {
		return nil
	}
	b := branchFinder{}
	// The finder reports nothing.
	if diags := hclsyntax.Walk(native, b); len(diags) > 0 {
		return nil
	}
	return b
}

type branchFinder map[hcl.Range]bool

func (b branchFinder) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if c, ok := n.(*hclsyntax.ConditionalExpr); ok {
		for _, e := range []hclsyntax.Expression{c.TrueResult, c.FalseResult} {
			if t, isReference := e.(*hclsyntax.ScopeTraversalExpr); isReference {
				b[t.Traversal.SourceRange()] = true
			}
		}
	}
	return nil
}

func (b branchFinder) Exit(hclsyntax.Node) hcl.Diagnostics { return nil }

// context makes the scope that the traversals need, evaluating first what they refer to.
func (l *loader) context(travs []hcl.Traversal, want *needs, sc *scope) (*hcl.EvalContext, bool) {
	ok := true
	for _, t := range travs {
		ok = l.resolve(t, sc, want) && ok
	}
	if !ok {
		l.failures++
		return nil, false
	}
	ctx := &hcl.EvalContext{Functions: l.functions}
	if len(want.tree) > 0 {
		ctx.Variables = make(map[string]cty.Value, len(want.tree))
	}
	for name, x := range want.tree {
		if t, isTree := x.(tree); isTree {
			ctx.Variables[name] = t.object()
		} else if v, isValue := x.(cty.Value); isValue {
			ctx.Variables[name] = v
		}
	}
	return ctx, true
}

// resolve adds to want what the traversal refers to. False means that it cannot be evaluated.
func (l *loader) resolve(t hcl.Traversal, sc *scope, want *needs) bool {
	switch root := t.RootName(); root {
	case "string", "number", "bool", "any":
		// The second argument of convert is a type, which the evaluator reads as such; anywhere
		// else it finds that there is no such name.
		if len(t) > 1 {
			l.unknownRoot(t)
		}
		return len(t) == 1
	case "var":
		return l.resolveVariable(t, want)
	case "local":
		return l.resolveLocal(t, want)
	case "path":
		want.tree["path"] = l.path
		return l.oneOf(t, []string{"root", "cwd"})
	case "packer":
		return l.resolvePacker(t, want)
	case "each", "count":
		return l.resolveRepeat(t, sc, want)
	case buildType:
		if done, ok := l.resolveOwnBuild(t, sc, want); done {
			return ok
		}
	case sourceType:
		if done, ok := l.resolveOwnSource(t, sc, want); done {
			return ok
		}
	default:
		if l.types[root] == nil {
			l.unknownRoot(t)
			return false
		}
	}
	if l.types[t.RootName()] == nil {
		l.unknownRoot(t)
		return false
	}
	return l.resolveBlock(t, want)
}

// stepName is the name that a traversal asks for at one step, written .name or ["name"].
func stepName(t hcl.Traversal, i int) (string, bool) {
	if i >= len(t) {
		return "", false
	}
	switch s := t[i].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.IsKnown() && !s.Key.IsNull() && s.Key.Type() == cty.String {
			return s.Key.AsString(), true
		}
		if s.Key.IsKnown() && !s.Key.IsNull() && s.Key.Type() == cty.Number {
			return s.Key.AsBigFloat().Text('f', -1), true
		}
	}
	return "", false
}

// upTo is the range of the first n steps.
func upTo(t hcl.Traversal, n int) hcl.Range { return t[:min(n, len(t))].SourceRange() }

func (l *loader) unknownRoot(t hcl.Traversal) {
	roots := []string{"var", "local", "path", "packer"}
	for name := range l.types {
		roots = append(roots, name)
	}
	hint := didYouMean(t.RootName(), roots)
	if hint == "" {
		hint = " Text is written between quotes; a variable as var.name, a local as local.name, a block as type.name."
	}
	l.report(mistake(upTo(t, 1), "Unknown reference", "Nothing is called %q here.%s", t.RootName(), hint))
}

func (l *loader) oneOf(t hcl.Traversal, names []string) bool {
	name, ok := stepName(t, 1)
	if !ok || slices.Contains(names, name) {
		return true
	}
	l.report(mistake(upTo(t, 2), "Unknown reference", "%s has no %q; it has %s.%s", t.RootName(), name, listed(names), didYouMean(name, names)))
	return false
}

func (l *loader) resolveVariable(t hcl.Traversal, want *needs) bool {
	name, ok := stepName(t, 1)
	if !ok {
		all := want.branch("var")
		for n, v := range l.variables {
			if v.broken {
				return false
			}
			all[n] = v.value
		}
		return true
	}
	v := l.variables[name]
	if v == nil {
		l.report(mistake(upTo(t, 2), "Unknown reference", "No variable %q is declared.%s Declare it with variable %q {}.", name,
			choices(name, slices.Collect(maps.Keys(l.variables))), name))
		return false
	}
	if v.broken {
		return false
	}
	want.branch("var")[name] = v.value
	return true
}

func (l *loader) resolveLocal(t hcl.Traversal, want *needs) bool {
	name, ok := stepName(t, 1)
	if !ok {
		all := want.branch("local")
		for _, n := range slices.Sorted(maps.Keys(l.locals)) {
			if !l.force(&l.locals[n].node) {
				return false
			}
			all[n] = l.locals[n].value
		}
		return true
	}
	v := l.locals[name]
	if v == nil {
		if !l.hidden["local"] {
			l.report(mistake(upTo(t, 2), "Unknown reference", "There is no local %q.%s", name, choices(name, slices.Collect(maps.Keys(l.locals)))))
		}
		return false
	}
	if !l.force(&v.node) {
		return false
	}
	want.branch("local")[name] = v.value
	return true
}

func (l *loader) resolvePacker(t hcl.Traversal, want *needs) bool {
	if name, ok := stepName(t, 1); ok && (name == "iterationID" || name == "versionFingerprint") {
		l.report(mistake(upTo(t, 2), "Not available under EC2 Image Builder", "packer.%s comes from the HCP Packer registry, which imagebuild does not use. Pass what you need as a variable.", name))
		return false
	}
	want.branch("packer")["version"] = cty.StringVal(l.opts.Version)
	return l.oneOf(t, []string{"version"})
}

func (l *loader) resolveRepeat(t hcl.Traversal, sc *scope, want *needs) bool {
	root := t.RootName()
	if sc.inst == nil || sc.counted != (root == "count") {
		with := map[string]string{"each": "for_each", "count": "count"}[root]
		l.report(mistake(upTo(t, 2), "Unknown reference", "%q exists only in a block that has the argument %q.", root, with))
		return false
	}
	if sc.counted {
		want.branch("count")["index"] = sc.inst.each
		return l.oneOf(t, []string{"index"})
	}
	each := want.branch("each")
	each["key"], each["value"] = cty.StringVal(sc.inst.name), sc.inst.each
	return l.oneOf(t, []string{"key", "value"})
}

// runtimeValues are what Packer offers of the machine that is being built.
func runtimeValues() []string {
	return []string{
		"ID", "Host", "Port", "User", "Password", "ConnType", "PackerRunUUID", "PackerHTTPAddr", "PackerHTTPIP", "PackerHTTPPort",
		"SSHPublicKey", "SSHPrivateKey", "WinRMPassword", "SourceAMI", "SourceAMIName", "SourceAMICreationDate", "SourceAMIOwner", "SourceAMIOwnerName", "BuildRegion",
	}
}

// resolveOwnBuild is for build.name and Packer's run-time values; done is false for references to builds.
func (l *loader) resolveOwnBuild(t hcl.Traversal, sc *scope, want *needs) (done, ok bool) {
	name, named := stepName(t, 1)
	if !named {
		return false, false
	}
	if slices.Contains(runtimeValues(), name) && l.decls[Addr{Type: buildType, Name: name}] == nil {
		l.report(mistake(upTo(t, 2), "Not available under EC2 Image Builder", "build.%s is a value of Packer's own connection to the machine. "+
			"The steps of an image run on the instance without one; ask the instance itself, for example its metadata service.", name))
		return true, false
	}
	if name != "name" || len(t) > 2 {
		return false, false
	}
	if sc.build == nil {
		if l.decls[Addr{Type: buildType, Name: name}] == nil {
			l.report(mistake(upTo(t, 2), "Unknown reference", "build.name exists only inside a build. A source is read by itself, and has source.name."))
			return true, false
		}
		return false, false
	}
	want.branch(buildType)["name"] = cty.StringVal(*sc.build)
	return true, true
}

// resolveOwnSource is for source.name and source.type; done is false for references to sources.
func (l *loader) resolveOwnSource(t hcl.Traversal, sc *scope, want *needs) (done, ok bool) {
	name, named := stepName(t, 1)
	if !named || len(t) > 2 || name != "name" && name != "type" {
		return false, false
	}
	switch {
	case !sc.inBody:
		l.report(mistake(upTo(t, 2), "Unknown reference", "source.%s exists only in the body of a source and in the provisioners of a build.", name))
		return true, false
	case len(sc.sources) > 1 && sc.asked != nil:
		*sc.asked = true
	case len(sc.sources) != 1:
		l.report(mistake(upTo(t, 2), "Ambiguous reference", "source.%s is not one value here, since the build has %d sources. "+
			"Write a build for each source, or put what differs in the sources themselves.", name, len(sc.sources)))
		return true, false
	}
	own := want.branch(sourceType)
	own["name"], own["type"] = cty.StringVal(sc.sources[0].name), cty.StringVal(sc.sources[0].typ)
	return true, true
}

// pathValue is what the object path holds.
func (l *loader) pathValue() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"root": cty.StringVal(l.absolute(l.host.Dir)),
		"cwd":  cty.StringVal(l.absolute(l.host.Cwd)),
	})
}

// instanceKey is a for_each key or count index as Addr.Key spells it.
func instanceKey(name string, counted bool) string {
	if counted {
		return name
	}
	return strconv.Quote(name)
}
