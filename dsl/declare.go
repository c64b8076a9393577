package dsl

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// The block types that the language itself gives a meaning.
const (
	dataType   = "data"
	sourceType = "source"
	buildType  = "build"
)

// A decl is one top-level block of a type from Options.Types, before evaluation.
type decl struct {
	addr    Addr
	typ     *BlockType
	schema  *Schema // nil for an unread variant
	exports []string
	label   string
	body    hcl.Body
	header  hcl.Range
	attrs   hcl.Attributes // for_each, count and the known attributes
	unread  bool
	entered bool // its address is its own

	repeat    node // its instances
	instances []*instance
	counted   bool             // by count rather than for_each
	repeated  bool             // by either
	known     map[string]*node // by attribute
	data      node             // for data blocks: the answer
	whole     cty.Value        // what a reference to it yields, once all of it is evaluated
}

// An instance is one of the blocks that a decl stands for.
type instance struct {
	key   string // Addr.Key
	name  string // the for_each key itself
	each  cty.Value
	known map[string]cty.Value
	data  map[string]cty.Value // answers of a data block; nil where they are not known yet
}

// languageBlocks are the block types of every configuration.
func languageBlocks() []hcl.BlockHeaderSchema {
	return []hcl.BlockHeaderSchema{
		{Type: "imagebuild"},
		{Type: "packer"},
		{Type: "variable", LabelNames: []string{"name"}},
		{Type: "variables"},
		{Type: "locals"},
		{Type: "local", LabelNames: []string{"name"}},
		{Type: "hcp_packer_registry"},
		{Type: "communicator", LabelNames: []string{"type", "name"}},
	}
}

// declare sorts the top-level blocks of all files. Blocks of opts.Types and locals are entered
// where they belong; the others are returned by type.
func (l *loader) declare(sources []source) map[string]hcl.Blocks {
	schema := &hcl.BodySchema{Blocks: languageBlocks()}
	for i := range l.opts.Types {
		t := &l.opts.Types[i]
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: t.Name, LabelNames: t.Labels})
	}
	raw := map[string]hcl.Blocks{}
	for _, s := range sources {
		if s.file == nil {
			continue
		}
		content, diags := s.file.Body.Content(schema)
		l.report(diags...)
		for _, b := range content.Blocks {
			switch {
			case l.types[b.Type] != nil:
				l.declareBlock(l.types[b.Type], b)
			case b.Type == "locals" || b.Type == "local":
				l.declareLocals(b)
			case b.Type == "hcp_packer_registry" || b.Type == "communicator":
				l.report(warning(b.DefRange, "Block has no effect", "A %s block means nothing to imagebuild and is not read.", b.Type))
			default:
				raw[b.Type] = append(raw[b.Type], b)
			}
		}
	}
	l.settings = raw["imagebuild"]
	return raw
}

func (l *loader) declareBlock(t *BlockType, b *hcl.Block) {
	d := &decl{typ: t, body: b.Body, header: b.DefRange, schema: t.Schema, exports: t.Exports, known: map[string]*node{}}
	d.addr.Type = t.Name
	for i, label := range b.Labels {
		if !hclsyntax.ValidIdentifier(label) {
			l.report(mistake(b.LabelRanges[i], "Invalid name", "%q cannot be a name: a name starts with a letter and holds letters, digits, hyphens and underscores, so that it can be referred to.", label))
			return
		}
	}
	if len(b.Labels) > 1 {
		d.label = b.Labels[0]
		d.addr.Type += "." + d.label
		d.chooseVariant()
	}
	if len(b.Labels) > 0 {
		d.addr.Name = b.Labels[len(b.Labels)-1]
	}
	if d.unread {
		if l.enter(d) {
			l.cfg.Unread = append(l.cfg.Unread, &Block{Addr: d.addr, Label: d.label, Range: d.header, Body: &Body{Range: d.header}})
		}
		return
	}
	early := &hcl.BodySchema{}
	for _, name := range d.early() {
		early.Attributes = append(early.Attributes, hcl.AttributeSchema{Name: name})
	}
	content, _, diags := d.body.PartialContent(early)
	l.report(diags...)
	d.attrs = content.Attributes
	l.order = append(l.order, d)
	if len(t.Labels) == 0 {
		l.nameByAttribute(d)
		return
	}
	if l.enter(d) {
		l.prepare(d)
	}
}

func (d *decl) chooseVariant() {
	if d.typ.Variants != nil {
		d.schema = d.typ.Variants[d.label]
		d.unread = d.schema == nil
	}
	if e, ok := d.typ.VariantExports[d.label]; ok {
		d.exports = e
	}
	if d.typ.Name == dataType && d.label == "null" && d.unread {
		d.unread, d.schema, d.exports = false, nullSchema(), []string{"output"}
	}
}

// early are the attributes looked at before bodies are.
func (d *decl) early() []string {
	names := slices.Clone(d.typ.Known)
	if d.typ.Repeats {
		names = append(names, "for_each", "count")
	}
	if len(d.typ.Labels) == 0 && !slices.Contains(names, "name") {
		names = append(names, "name")
	}
	return names
}

// nameByAttribute finds the address of a block without labels. A name that is not plain text has to
// wait until variables have values: the block is then put aside, and nameLater enters it.
func (l *loader) nameByAttribute(d *decl) {
	a, given := d.attrs["name"]
	if !given || len(a.Expr.Variables()) > 0 {
		l.nameless = append(l.nameless, d)
		return
	}
	if v, ok := l.eval(a.Expr, &scope{}); ok {
		l.enterNamed(d, v)
	}
}

func (l *loader) enterNamed(d *decl, name cty.Value) {
	l.addDerived(name, false)
	if isSensitive(name) {
		l.hidden[d.addr.Type] = true
		l.report(mistake(d.attrs["name"].Expr.Range(), "Sensitive value in name", "A sensitive value, or one computed from it, can't be used in the \"name\" of a %s: "+
			"it would show in ARNs, in the names of log files and in what --only takes. Use a value that isn't sensitive.", d.typ.Name))
		return
	}
	name, _ = name.UnmarkDeep()
	text, err := convert.Convert(name, cty.String)
	if err != nil {
		l.hidden[d.addr.Type] = true
		l.report(mistake(d.attrs["name"].Expr.Range(), "Unsuitable value", "The name of a %s is a text that is known from the start, and this is %s.", d.typ.Name, nature(name)))
		return
	}
	if !text.IsKnown() { // what was written is broken, and reported as that
		l.hidden[d.addr.Type] = true
		return
	}
	if text.IsNull() || text.AsString() == "" {
		l.nameless = append(l.nameless, d)
		return
	}
	d.addr.Name = text.AsString()
	if l.enter(d) {
		l.prepare(d)
	}
}

// nameLater enters the blocks without labels whose names had to be evaluated, and numbers those
// that have none.
func (l *loader) nameLater() {
	waiting := l.nameless
	l.nameless = nil
	for _, d := range waiting {
		a, given := d.attrs["name"]
		if !given {
			l.nameless = append(l.nameless, d)
		} else if v, ok := l.eval(a.Expr, &scope{}); ok {
			l.enterNamed(d, v)
		} else {
			l.hidden[d.addr.Type] = true
		}
	}
	for i, d := range l.nameless {
		d.addr.Name = strconv.Itoa(i + 1)
		if l.enter(d) {
			l.prepare(d)
		}
	}
}

// enter makes the block known by its address.
func (l *loader) enter(d *decl) bool {
	if other, taken := l.decls[d.addr]; taken {
		what := strings.Join(append([]string{d.typ.Name}, nonEmpty(d.label)...), " ")
		l.report(mistake(d.header, "Duplicate block", "A %s %q was already written at %s. Give one of them another name.", what, d.addr.Name, place(other.header)))
		return false
	}
	d.entered = true
	l.decls[d.addr], l.declared = d, nil
	return true
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{strconv.Quote(s)}
}

// prepare makes the nodes of a block: its instances and its known attributes.
func (l *loader) prepare(d *decl) {
	d.repeat = node{name: d.addr.String(), at: d.header, eval: func() bool { return l.repeat(d) }}
	for _, name := range d.typ.Known {
		at := d.header
		if a, ok := d.attrs[name]; ok {
			at = a.Range
		}
		d.known[name] = &node{name: d.addr.String() + "." + name, at: at, eval: func() bool { return l.evalKnown(d, name) }}
	}
	if d.typ.Name == dataType {
		d.data = node{name: d.addr.String(), at: d.header, eval: func() bool { return l.evalData(d) }}
	}
}

// forceDecl evaluates what others may ask of the block.
func (l *loader) forceDecl(d *decl) {
	if !d.entered {
		return
	}
	l.force(&d.repeat)
	for _, name := range slices.Sorted(maps.Keys(d.known)) {
		l.force(d.known[name])
	}
	if d.typ.Name == dataType {
		l.force(&d.data)
	}
}

// names returns the names of all blocks whose address has this type, for suggestions.
func (l *loader) names(typ string) []string {
	var out []string
	for addr := range l.decls {
		if addr.Type == typ {
			out = append(out, addr.Name)
		}
	}
	return out
}
