package kind

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// A Spec says how one structure of an AWS service is written as a block's body: the structure, and
// the deviations from what follows from it. What follows: a member is an attribute in snake case, a
// structure a nested block, a list of structures a nested block in the singular for each element,
// and a list of {name, value} pairs besides that an attribute that is a map.
type Spec struct {
	Op     planner.Op        // the operation whose input it is
	Shape  string            // or another structure of that operation's service: "Distribution"
	Hidden []string          // members that nobody writes, beside clientToken and dryRun
	Filled []string          // required members that lowering fills in where they are not written
	Alias  map[string]string // second names of attributes -> member
	Attrs  []dsl.Attr        // attributes that become no member by themselves
	Blocks []dsl.NestedType  // blocks that become no member by themselves
}

// A Grammar is how bodies are written and what they become, derived from specs.
type Grammar struct {
	fields []field
	attrs  []dsl.Attr
	blocks []dsl.NestedType
}

// A form is how a member is written.
type form byte

const (
	plain  form = iota // an attribute: a scalar, or a list or map of scalars
	single             // one nested block
	repeat             // nested blocks, one for each element
	pairs              // a map attribute, or nested blocks, for a list of {name, value}
)

// A field is one member and the name it has in a configuration.
type field struct {
	member   string
	name     string // of the attribute, or of the block
	plural   string // of the attribute, for pairs
	form     form
	typ      cty.Type
	required bool
	alias    bool // a second name of a member
	empty    bool // the empty string means something here
	doc      string
	sub      *Grammar
}

// Derive makes the grammar of a structure, or the union of several: a member that is in more than
// one has one name, and nothing of a union is required.
// It panics on a spec that names what the model does not have: the table of kinds is wrong then,
// and no configuration can bring that about or mend it.
func Derive(specs ...Spec) *Grammar {
	g := &Grammar{}
	for _, s := range specs {
		g.add(s, len(specs) > 1)
	}
	return g
}

func (g *Grammar) add(s Spec, union bool) {
	sh := shapeOf(s)
	hidden := append([]string{"clientToken", "dryRun"}, s.Hidden...)
	for name := range s.Alias {
		if _, ok := sh.Member(s.Alias[name]); !ok {
			panic(fmt.Sprintf("kind: %s has no member %q", sh.Name, s.Alias[name]))
		}
	}
	for _, m := range sh.Members {
		if slices.Contains(hidden, m.Name) {
			continue
		}
		f := fieldOf(sh.Name, m)
		f.required = m.Required && !union && !slices.Contains(s.Filled, m.Name)
		if doc, ok := filledDocs[m.Name]; ok && slices.Contains(s.Filled, m.Name) {
			f.doc = doc
		}
		g.merge(f)
	}
	for _, name := range sortedKeys(s.Alias) {
		m, _ := sh.Member(s.Alias[name])
		f := fieldOf(sh.Name, m)
		f.name, f.alias, f.doc = name, true, aliasDocs[name]
		if f.form == plain && f.typ == cty.String {
			f.typ = cty.DynamicPseudoType
		}
		g.merge(f)
	}
	for _, a := range s.Attrs {
		if !slices.ContainsFunc(g.attrs, func(o dsl.Attr) bool { return o.Name == a.Name }) {
			g.attrs = append(g.attrs, a)
		}
	}
	for _, b := range s.Blocks {
		if !slices.ContainsFunc(g.blocks, func(o dsl.NestedType) bool { return o.Type == b.Type }) {
			g.blocks = append(g.blocks, b)
		}
	}
}

func shapeOf(s Spec) *awsmodel.Shape {
	service, operation, _ := strings.Cut(string(s.Op), ":")
	model, err := awsmodel.Get(service)
	if err != nil {
		panic("kind: " + err.Error())
	}
	if s.Shape != "" {
		if sh, ok := model.Shape(s.Shape); ok {
			return sh
		}
		panic(fmt.Sprintf("kind: %s has no shape %q", service, s.Shape))
	}
	op, ok := model.Operation(operation)
	if !ok || op.Input == nil {
		panic(fmt.Sprintf("kind: %s has no operation %q with an input", service, operation))
	}
	return op.Input
}

// merge adds a field, or joins it with the one of the same name.
func (g *Grammar) merge(f field) {
	i := slices.IndexFunc(g.fields, func(o field) bool { return o.name == f.name })
	if i < 0 {
		g.fields = append(g.fields, f)
		return
	}
	if g.fields[i].sub == nil || f.sub == nil {
		return
	}
	joined := &Grammar{fields: slices.Clone(g.fields[i].sub.fields)}
	for _, o := range f.sub.fields {
		joined.merge(o)
	}
	for j := range joined.fields {
		// What only one of the structures requires cannot be required of a block for both.
		joined.fields[j].required = requires(g.fields[i].sub, joined.fields[j].name) && requires(f.sub, joined.fields[j].name)
	}
	g.fields[i].sub = joined
}

func requires(g *Grammar, name string) bool {
	return slices.ContainsFunc(g.fields, func(f field) bool { return f.name == name && f.required })
}

func fieldOf(parent string, m awsmodel.Member) field {
	f := field{member: m.Name, name: awsmodel.Snake(m.Name), required: m.Required}
	switch sh := m.Shape; {
	case sh.Type == "structure":
		f.form, f.sub = single, grammarOf(sh)
	case sh.Type == "list" && isPair(sh.Element):
		f.form, f.sub, f.plural = pairs, grammarOf(sh.Element), f.name
		f.name = awsmodel.Singular(f.name)
	case sh.Type == "list" && sh.Element.Type == "structure":
		f.form, f.sub = repeat, grammarOf(sh.Element)
		f.name = awsmodel.Singular(f.name)
	case sh.Type == "list":
		f.typ = cty.List(scalar(sh.Element))
	case sh.Type == "map":
		f.typ = cty.Map(scalar(sh.Value))
	default:
		f.typ = scalar(sh)
		f.empty = sh.Max != nil && *sh.Max == 0
	}
	f.doc = cmp.Or(memberDocs[m.Name], docOf(parent, m))
	return f
}

// filledDocs say what becomes of members that need not be written.
var filledDocs = map[string]string{
	"name":            "The name in AWS; the block's own when not given.",
	"semanticVersion": "The same as version.",
}

// memberDocs say what the model's own bounds do not.
var memberDocs = map[string]string{
	"componentArn": `A reference, an ARN, or "aws:NAME" for a component that AWS manages.`,
	"data":         "The document's text. One of more than 16000 characters travels through the staging bucket.",
	"parentImage": `The image to start from: an AMI id, an image's ARN (x.x.x for the newest), "aws:NAME" for one that AWS manages, ` +
		`"ssm:PARAMETER", or a reference to an image.`,
	"uri":         "The document as an S3 object, instead of its text.",
	"workflowArn": `A reference, an ARN, or "aws:build/NAME" (test, distribution) for a workflow that AWS manages.`,
}

// aliasDocs say what the second names of members are for.
var aliasDocs = map[string]string{
	"version":         `One to three leading numbers of the version, such as "2" or "2.3"; the rest follows from the content.`,
	"document":        "The document, as a text or as an object; the same as data.",
	"software":        "Licence-included software of Microsoft, installed before anything else is done: the same as softwares_to_install.",
	"internet_access": "Whether the machine has a public address, in a public subnet: the same as enable_default_internet_access.",
	"name":            "The name of the new image: the same as new_image_name.",
	"description":     "Its description: the same as new_image_description.",
	"display_name":    "What users see: the same as new_image_display_name.",
	"tags":            "Tags of the new image: the same as new_image_tags.",
}

// sentence makes a sentence of a phrase.
func sentence(phrase string) string {
	if phrase == "" {
		return ""
	}
	return strings.ToUpper(phrase[:1]) + phrase[1:] + "."
}

func grammarOf(sh *awsmodel.Shape) *Grammar {
	g := &Grammar{}
	for _, m := range sh.Members {
		g.fields = append(g.fields, fieldOf(sh.Name, m))
	}
	return g
}

// isPair says whether a structure is {name, value[]}: a component's or a workflow's parameter.
func isPair(sh *awsmodel.Shape) bool {
	if sh.Type != "structure" || len(sh.Members) != 2 {
		return false
	}
	name, ok := sh.Member("name")
	value, also := sh.Member("value")
	return ok && also && name.Shape.Type == "string" && value.Shape.Type == "list" && value.Shape.Element.Type == "string"
}

func scalar(sh *awsmodel.Shape) cty.Type {
	switch sh.Type {
	case "boolean":
		return cty.Bool
	case "integer", "long", "float", "double":
		return cty.Number
	}
	return cty.String
}

// Schema is the grammar as the language wants it.
func (g *Grammar) Schema() *dsl.Schema {
	s := &dsl.Schema{Attrs: slices.Clone(g.attrs), Blocks: slices.Clone(g.blocks)}
	for _, f := range g.fields {
		switch f.form {
		case plain:
			s.Attrs = append(s.Attrs, dsl.Attr{Name: f.name, Type: f.typ, Required: f.required && !f.alias, Doc: f.doc, Member: f.member})
			continue
		case pairs:
			s.Attrs = append(s.Attrs, dsl.Attr{Name: f.plural, Type: cty.DynamicPseudoType, Doc: "A map of names to values, or to lists of values.", Member: f.member})
		case single, repeat:
		}
		b := dsl.NestedType{Type: f.name, Schema: f.sub.Schema(), Member: f.member, Doc: f.doc}
		if f.form == single {
			b.Max = 1
		}
		if f.required && f.form != pairs {
			b.Min = 1
		}
		if i := slices.IndexFunc(s.Blocks, func(o dsl.NestedType) bool { return o.Type == f.name }); i >= 0 {
			s.Blocks[i].Member = f.member // written by hand in the spec, which wins
			continue
		}
		s.Blocks = append(s.Blocks, b)
	}
	return s
}

// Pick returns what of a body a schema knows, nested blocks likewise; a nested block that has
// nothing of it is left out. It parts the body of a union into those of its members.
func Pick(b *dsl.Body, s *dsl.Schema) *dsl.Body {
	out := &dsl.Body{Attrs: map[string]dsl.Value{}, Range: b.Range}
	for _, a := range s.Attrs {
		if v, ok := b.Attrs[a.Name]; ok {
			out.Attrs[a.Name] = v
		}
	}
	for _, n := range b.Blocks {
		i := slices.IndexFunc(s.Blocks, func(t dsl.NestedType) bool { return t.Type == n.Type })
		if i < 0 {
			continue
		}
		body := Pick(n.Body, s.Blocks[i].Schema)
		if len(body.Attrs)+len(body.Blocks) == 0 && len(n.Body.Attrs)+len(n.Body.Blocks) > 0 {
			continue
		}
		picked := *n
		picked.Body = body
		out.Blocks = append(out.Blocks, &picked)
	}
	return out
}
