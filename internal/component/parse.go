package component

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// Parse reads a document, YAML or JSON, and checks all that needs no platform. The document is nil
// only where the text is no YAML mapping at all.
func Parse(src []byte, filename string) (*Document, hcl.Diagnostics) {
	p := &parser{src: newSource(src, filename), doc: &Document{File: filename}}
	root := p.root()
	if root == nil {
		return nil, p.diags
	}
	f := p.mapping(root, "the document", "name", "description", "schemaVersion", "constants", "parameters", "phases")
	if n := f.get("name"); n != nil {
		p.doc.Name, _ = p.text(n, "the document's name")
	}
	if n := f.get("description"); n != nil {
		p.doc.Description, _ = p.text(n, "the document's description")
	}
	p.schemaVersion(root, f.get("schemaVersion"))
	p.constants(f.get("constants"))
	p.parameters(f.get("parameters"))
	p.phases(root, f.get("phases"))
	c := checker{doc: p.doc, src: p.src}
	c.references()
	p.diags = append(p.diags, c.diags...)
	sortByPlace(p.diags)
	return p.doc, p.diags
}

// sortByPlace puts diagnostics in the order of the text: the maps they were found in have none.
func sortByPlace(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte), strings.Compare(a.Detail, b.Detail))
	})
}

func (p *parser) schemaVersion(root, n *yaml.Node) {
	const supported = "Invalid schema version. Supported versions include: 1.0."
	if n == nil {
		p.fail(p.src.at(root), "Missing schemaVersion", supported+" Add the line \"schemaVersion: 1.0\".")
		return
	}
	v, ok := p.text(n, "schemaVersion")
	if ok && v != SchemaVersion && v != "1" {
		p.fail(p.src.at(n), "Unsupported schemaVersion", supported)
	}
}

// named reads a list of one-key maps, the form of constants and parameters.
func (p *parser) named(n *yaml.Node, what string, keys ...string) []namedFields {
	if n == nil {
		return nil
	}
	var out []namedFields
	for _, e := range p.list(n, what+"s") {
		m := p.anyMapping(e, "an entry of "+what+"s")
		if len(m) != 1 {
			if len(m) > 1 {
				p.fail(p.src.at(e), "Invalid "+what, fmt.Sprintf("Each entry of %ss is a map with one key, the name, and this one has %d.", what, len(m)))
			}
			continue
		}
		for name, f := range m {
			p.declare(name, f.key, what)
			if isNull(f.value) {
				p.fail(p.src.at(f.key), "Invalid "+what, fmt.Sprintf("The %s %s has no content; it needs %s.", what, name, keys[0]))
				continue
			}
			out = append(out, namedFields{name, p.src.at(f.key), p.mapping(f.value, "the "+what+" "+name, keys...)})
		}
	}
	return out
}

type namedFields struct {
	name   string
	at     hcl.Range
	fields fields
}

// declare checks a name against the rules and the names that are taken: constants and parameters share them.
func (p *parser) declare(name string, at *yaml.Node, what string) {
	if !isName(name) || len(name) < 3 || len(name) > 128 {
		p.fail(p.src.at(at), "Invalid "+what+" name",
			fmt.Sprintf("The name %q of a %s must be 3 to 128 characters long and consist of letters, digits, - and _.", name, what))
	}
	if prev, taken := p.declared(name); taken {
		p.fail(p.src.at(at), "Duplicate name",
			fmt.Sprintf("The name %s is declared twice, first in line %d. Constants and parameters share their names; rename one.", name, prev.Start.Line))
	}
}

func (p *parser) declared(name string) (hcl.Range, bool) {
	for _, c := range p.doc.Constants {
		if c.Name == name {
			return c.Range, true
		}
	}
	for _, d := range p.doc.Parameters {
		if d.Name == name {
			return d.Range, true
		}
	}
	return hcl.Range{}, false
}

func (p *parser) constants(n *yaml.Node) {
	for _, f := range p.named(n, "constant", "type", "value") {
		c := Constant{Name: f.name, Range: f.at, Type: p.valueType(f, "constant", "string")}
		if v := f.fields.get("value"); v != nil {
			c.Value, _ = p.text(v, "the value of the constant "+f.name)
		} else {
			p.fail(f.at, "Missing value", fmt.Sprintf("The constant %s has no value.", f.name))
		}
		p.doc.Constants = append(p.doc.Constants, c)
	}
}

func (p *parser) parameters(n *yaml.Node) {
	for _, f := range p.named(n, "parameter", "type", "default", "description", "allowedValues") {
		d := Parameter{Name: f.name, Range: f.at, Type: p.valueType(f, "parameter", "string", "integer", "boolean", "stringList")}
		if v := f.fields.get("default"); v != nil {
			d.Default, d.HasDefault = p.text(v, "the default of the parameter "+f.name)
		}
		if v := f.fields.get("description"); v != nil {
			d.Description, _ = p.text(v, "the description of the parameter "+f.name)
		}
		if v := f.fields.get("allowedValues"); v != nil {
			for _, e := range p.list(v, "allowedValues of the parameter "+f.name) {
				if s, ok := p.text(e, "an allowed value of "+f.name); ok {
					d.Allowed = append(d.Allowed, s)
				}
			}
			if d.HasDefault && len(d.Allowed) > 0 && !slices.Contains(d.Allowed, d.Default) {
				p.fail(p.src.at(f.fields.get("default")), "Default value not allowed",
					fmt.Sprintf("The default %q of the parameter %s is not among its allowedValues: %s.", d.Default, f.name, strings.Join(d.Allowed, ", ")))
			}
		}
		p.doc.Parameters = append(p.doc.Parameters, d)
	}
}

func (p *parser) valueType(f namedFields, what string, allowed ...string) string {
	n := f.fields.get("type")
	if n == nil {
		p.fail(f.at, "Missing type", fmt.Sprintf("The %s %s has no type; add \"type: string\".", what, f.name))
		return ""
	}
	t, ok := p.text(n, "the type of "+f.name)
	if ok && !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, t) }) {
		p.fail(p.src.at(n), "Unknown type", fmt.Sprintf("The %s %s has the type %q; it may be %s.", what, f.name, t, strings.Join(allowed, ", ")))
	}
	return t
}

func (p *parser) phases(root, n *yaml.Node) {
	if n == nil {
		p.fail(p.src.at(root), "Missing phases", "The document has no phases; it needs at least one of build, validate and test.")
		return
	}
	list := p.list(n, "phases")
	known := false
	for _, e := range list {
		f := p.mapping(e, "a phase", "name", "steps")
		ph := Phase{Range: p.src.at(e)}
		if name := f.get("name"); name != nil {
			ph.Name, _ = p.text(name, "a phase's name")
			ph.Range = p.src.at(name)
		}
		p.phaseName(ph)
		known = known || slices.Contains([]string{"build", "validate", "test", "container-host-test"}, ph.Name)
		p.loops = map[string]hcl.Range{}
		p.steps(&ph, f.get("steps"))
		p.doc.Phases = append(p.doc.Phases, ph)
	}
	if !known {
		p.warn(p.src.at(n), "No phase that Image Builder runs", "The document has none of the phases build, validate and test. Image Builder runs no others, so nothing of it would run.")
	}
}

func (p *parser) phaseName(ph Phase) {
	if ph.Name == "" {
		p.fail(ph.Range, "Missing phase name", "The phase has no name; it is one of build, validate and test.")
		return
	}
	if prev := p.doc.Phase(ph.Name); prev != nil {
		p.fail(ph.Range, "Duplicate phase", fmt.Sprintf("The phase %s exists already, in line %d. Put the steps of both in one.", ph.Name, prev.Range.Start.Line))
	}
}
