package dsl

import (
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A compiledSchema is a Schema in the form that hcl's bodies take.
type compiledSchema struct {
	*Schema
	body   *hcl.BodySchema
	nested map[string]*NestedType
	bare   *compiledSchema // without the labels that may be left out; nil where there are none
}

func (l *loader) compile(s *Schema) *compiledSchema {
	if c, ok := l.compiled[s]; ok {
		return c
	}
	c := newCompiled(s)
	l.compiled[s] = c
	return c
}

func newCompiled(s *Schema) *compiledSchema {
	if s == nil {
		s = &Schema{}
	}
	c := &compiledSchema{Schema: s, body: &hcl.BodySchema{}, nested: make(map[string]*NestedType, len(s.Blocks))}
	for _, a := range s.Attrs {
		c.body.Attributes = append(c.body.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	for i := range s.Blocks {
		b := &s.Blocks[i]
		c.nested[b.Type] = b
		c.body.Blocks = append(c.body.Blocks, hcl.BlockHeaderSchema{Type: b.Type, LabelNames: b.Labels})
	}
	c.bare = bare(s)
	return c
}

// withRepetition is the schema of a top-level block that may have for_each or count.
func (c *compiledSchema) withRepetition() *hcl.BodySchema {
	return &hcl.BodySchema{
		Attributes: append(slices.Clone(c.body.Attributes), hcl.AttributeSchema{Name: "for_each"}, hcl.AttributeSchema{Name: "count"}),
		Blocks:     c.body.Blocks,
	}
}

// decodeDecl evaluates the bodies of a block's instances. Where those are not known, the block
// itself stands for them.
func (l *loader) decodeDecl(d *decl, broken bool) {
	if d.repeat.state != ready {
		l.cfg.Blocks = append(l.cfg.Blocks, &Block{Addr: d.addr, Label: d.label, Range: d.header, Body: &Body{Range: d.header}, Broken: true})
		return
	}
	for _, inst := range d.instances {
		sc := l.scopeOf(d, inst)
		if d.typ.Name == buildType {
			l.buildScope(d, sc)
		}
		addr := d.addr
		addr.Key = inst.key
		b := &Block{Addr: addr, Label: d.label, Range: d.header}
		before, failures := errorCount(l.diags), l.failures
		b.Body = l.decodeTop(d, sc)
		b.Broken = broken || errorCount(l.diags) > before || l.failures > failures
		l.cfg.Blocks = append(l.cfg.Blocks, b)
	}
}

// decodeTop evaluates the body of one instance of a top-level block.
func (l *loader) decodeTop(d *decl, sc *scope) *Body {
	c, written := l.compile(d.schema), d.body
	if native, ok := written.(*hclsyntax.Body); ok {
		written = withLabels(native, c)
	} else if c.bare != nil {
		c = c.bare
	}
	body, ok := l.expand(written, c, sc)
	if !ok {
		return &Body{Range: d.header}
	}
	schema := c.body
	if d.repeated {
		schema = c.withRepetition()
	}
	content, diags := contentOf(body, schema)
	return l.decodeContent(content, diags, c, setting{header: d.header, scope: sc})
}

// expand prepares a body whose nested blocks may be written as dynamic blocks.
func (l *loader) expand(body hcl.Body, c *compiledSchema, sc *scope) (hcl.Body, bool) {
	if native, ok := body.(*hclsyntax.Body); ok && !hasDynamic(native) {
		return body, true
	}
	ctx, ok := l.context(l.expandVariables(dynblock.WalkExpandVariables(body), c), &needs{tree: tree{}}, sc)
	if !ok {
		return nil, false
	}
	return dynblock.Expand(body, ctx, dynblock.OptCheckForEach(l.checkDynamic)), true
}

// hasDynamic spares the many bodies without a dynamic block the wrapping of every expression.
func hasDynamic(b *hclsyntax.Body) bool {
	for _, n := range b.Blocks {
		if n.Type == "dynamic" || hasDynamic(n.Body) {
			return true
		}
	}
	return false
}

func (l *loader) expandVariables(n dynblock.WalkVariablesNode, c *compiledSchema) []hcl.Traversal {
	travs, children := n.Visit(c.body)
	for _, child := range children {
		nested := c.nested[child.BlockTypeName]
		if nested == nil {
			continue
		}
		for _, s := range nested.schemas() {
			travs = append(travs, l.expandVariables(child.Node, l.compile(s))...)
		}
	}
	return travs
}

// schemas are the schemas a nested block may have.
func (n *NestedType) schemas() []*Schema {
	if n.Variants == nil {
		return []*Schema{n.Schema}
	}
	var out []*Schema
	for _, name := range slices.Sorted(maps.Keys(n.Variants)) {
		out = append(out, n.Variants[name])
	}
	return out
}

// checkDynamic bounds the number of blocks that dynamic makes.
func (l *loader) checkDynamic(v cty.Value, e hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	l.blocks += v.LengthInt()
	if l.blocks > maxDynamic {
		return hcl.Diagnostics{mistake(e.Range(), "Too many blocks", "The dynamic blocks of a configuration may make at most %d blocks in all.", maxDynamic)}
	}
	return nil
}

// A setting is where a body stands: its header, and what its expressions may refer to there.
type setting struct {
	header hcl.Range
	*scope
	misnamed bool // something in it has an unknown name: what is missing may be what is misspelt
}

// decodeContent evaluates what a body holds; diags is what hcl had to say of its names.
func (l *loader) decodeContent(content *hcl.BodyContent, diags hcl.Diagnostics, c *compiledSchema, at setting) *Body {
	l.report(explainRefs(diags)...)
	at.misnamed = diags.HasErrors()
	out := &Body{Attrs: make(map[string]Value, len(content.Attributes)), Range: at.header}
	for i := range c.Attrs {
		a := &c.Attrs[i]
		if given, ok := content.Attributes[a.Name]; ok {
			out.Attrs[a.Name] = l.decodeAttr(given, a, at.scope)
		} else if a.Required && !at.misnamed {
			l.report(mistake(at.header, "Missing required argument", "The argument %q is required.%s", a.Name, doc(a.Doc)))
		}
	}
	if len(c.Blocks) == 0 {
		return out
	}
	l.decodeBlocks(content, c, at, out)
	return out
}

// decodeBlocks evaluates the nested blocks of a body.
func (l *loader) decodeBlocks(content *hcl.BodyContent, c *compiledSchema, at setting, out *Body) {
	counts := make(map[string]int, len(c.nested))
	for _, b := range content.Blocks {
		n := c.nested[b.Type]
		counts[b.Type]++
		if n.Max > 0 && counts[b.Type] == n.Max+1 {
			l.report(mistake(b.DefRange, "Too many blocks", "At most %d %q %s may be written here.", n.Max, b.Type, plural(n.Max, "block")))
		}
		if nested, ok := l.decodeNested(b, n, at.scope); ok {
			out.Blocks = append(out.Blocks, nested)
		}
	}
	for i := range c.Blocks {
		n := &c.Blocks[i]
		if counts[n.Type] < n.Min && !at.misnamed {
			l.report(mistake(at.header, "Missing block", "At least %d %q %s required here.%s", n.Min, n.Type, plural(n.Min, "block is", "blocks are"), doc(n.Doc)))
		}
	}
}

func doc(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}

func plural(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return one
	case len(many) > 0:
		return many[0]
	}
	return one + "s"
}

func (l *loader) decodeNested(b *hcl.Block, n *NestedType, sc *scope) (*Nested, bool) {
	schema := n.Schema
	if n.Variants != nil && len(b.Labels) > 0 {
		var ok bool
		if schema, ok = n.Variants[b.Labels[0]]; !ok {
			names := slices.Sorted(maps.Keys(n.Variants))
			l.report(mistake(b.LabelRanges[0], "Unknown block type", "There is no %s %q.%s The choice is %s.", b.Type, b.Labels[0], didYouMean(b.Labels[0], names), listed(names)))
			return nil, false
		}
	}
	if b.Type == sourceType && sc.build != nil {
		sc = sc.forSource(b)
	}
	c := l.compile(schema)
	content, diags := contentOf(b.Body, c.body)
	out := &Nested{Type: b.Type, Labels: b.Labels, LabelRanges: b.LabelRanges, Range: b.DefRange}
	if n.OptionalLabel && b.Labels[0] == "" {
		out.Labels, out.LabelRanges = nil, nil
	}
	decode := func(sc *scope) *Body {
		return l.decodeContent(content, diags, c, setting{header: b.DefRange, scope: sc})
	}
	if !l.opts.BySource || sc.build == nil || len(sc.sources) < 2 || sc.asked != nil {
		out.Body = decode(sc)
		return out, true
	}
	several, asked := *sc, false
	several.asked = &asked
	out.Body = decode(&several)
	if !asked {
		return out, true
	}
	out.BySource = make(map[string]*Body, len(sc.sources))
	for _, s := range sc.sources {
		one := *sc
		one.sources = []builtSource{s}
		out.BySource[s.typ+"."+s.name] = decode(&one)
	}
	return out, true
}

// decodeAttr evaluates one argument. Where that fails, which has been reported, it counts as null.
func (l *loader) decodeAttr(given *hcl.Attribute, a *Attr, sc *scope) Value {
	out := Value{Range: given.Expr.Range()}
	v, ok := l.eval(given.Expr, sc)
	if !ok {
		return out
	}
	out.Elems = l.elementRanges(given.Expr)
	l.addDerived(v, false)
	v, out.Sensitive = unmark(v)
	x, err := plain(v, a.Type)
	if err != nil {
		l.report(mistake(out.At(err.element), "Unsuitable value", "The argument %q is %s%s", a.Name, wish(a.Type), err.detail))
		return out
	}
	out.V = x
	return out
}

// elementRanges are where the elements of a list or object constructor are written.
func (l *loader) elementRanges(e hcl.Expression) map[string]hcl.Range {
	switch e := hcl.UnwrapExpression(e).(type) {
	case *hclsyntax.TupleConsExpr:
		out := make(map[string]hcl.Range, len(e.Exprs))
		for i, x := range e.Exprs {
			out[index(i)] = x.Range()
		}
		return out
	case *hclsyntax.ObjectConsExpr:
		out := make(map[string]hcl.Range, len(e.Items))
		for _, item := range e.Items {
			if key, ok := constantKey(item.KeyExpr); ok {
				out[key] = item.ValueExpr.Range()
			}
		}
		return out
	case *hclsyntax.LiteralValueExpr, *hclsyntax.TemplateExpr, *hclsyntax.ScopeTraversalExpr, *hclsyntax.FunctionCallExpr:
		return nil
	}
	return rangesInJSON(e)
}

// rangesInJSON is elementRanges for syntaxes whose constructors only hcl's static analysis opens.
func rangesInJSON(e hcl.Expression) map[string]hcl.Range {
	out := map[string]hcl.Range{}
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		for i, x := range list {
			out[index(i)] = x.Range()
		}
		return out
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		for _, p := range pairs {
			if key, ok := constantKey(p.Key); ok {
				out[key] = p.Value.Range()
			}
		}
	}
	return out
}

// constantKey is the key of an object constructor's item where nothing needs to be looked up for it.
func constantKey(e hcl.Expression) (string, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func index(i int) string { return strconv.Itoa(i) }
