package component

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// A parser reads one document and gathers what is wrong with it.
type parser struct {
	src   *source
	doc   *Document
	diags hcl.Diagnostics
	// loops are the names of the loops of the phase being read.
	loops map[string]hcl.Range
}

func (p *parser) fail(at hcl.Range, summary, detail string) {
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

func (p *parser) warn(at hcl.Range, summary, detail string) {
	p.diags = append(p.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

// root returns the document's outermost node, or nil after having said why there is none.
func (p *parser) root() *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(p.src.text))
	var doc yaml.Node
	err := dec.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		p.fail(p.src.span(0, 0), "Empty component document", "The document has no content. It needs schemaVersion and phases.")
		return nil
	case err != nil:
		p.syntax(err)
		return nil
	}
	var next yaml.Node
	if err := dec.Decode(&next); err == nil && next.Line > 0 {
		p.fail(p.src.at(&next), "More than one document", "A file holds one component document; put what follows this separator in a file of its own.")
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if (&expansion{seen: map[*yaml.Node]int{}}).of(&doc) > maxNodes {
		p.fail(p.src.at(doc.Content[0]), "Component document too large",
			fmt.Sprintf("With its aliases followed the document has more than %d parts, or a part that contains itself.", maxNodes))
		return nil
	}
	n := resolve(doc.Content[0])
	if n.Kind != yaml.MappingNode {
		p.fail(p.src.at(n), "Invalid component document", "A component document is a mapping with the keys schemaVersion and phases, and this is "+kindName(n)+".")
		return nil
	}
	return n
}

// maxNodes bounds what a document amounts to when each alias is replaced by what it stands for.
const maxNodes = 200_000

// An expansion measures a document without expanding it.
type expansion struct{ seen map[*yaml.Node]int }

// of is the number of parts of a node, and more than maxNodes for one that contains itself.
func (e *expansion) of(n *yaml.Node) int {
	if size, known := e.seen[n]; known {
		return size
	}
	e.seen[n] = maxNodes + 1
	size := 1
	if n.Alias != nil {
		size = e.of(n.Alias)
	}
	for _, c := range n.Content {
		if size += e.of(c); size > maxNodes {
			return size
		}
	}
	e.seen[n] = size
	return size
}

// syntax reports what yaml.v3 could not read. Its errors name the line in their text alone.
func (p *parser) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at := p.src.span(0, 0)
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if line, convErr := strconv.Atoi(m[1]); convErr == nil {
			at = p.line(line)
		}
	}
	p.fail(at, "Invalid YAML", "The document cannot be read: "+text+".")
}

func (p *parser) line(n int) hcl.Range {
	from := p.src.offset(n, 1)
	to := p.src.offset(n+1, 1)
	text := p.src.text[from:to]
	indent := len(text) - len(bytes.TrimLeft(text, " \t"))
	return p.src.span(from+indent, from+len(bytes.TrimRight(text, " \t\r\n")))
}

// resolve follows an alias; there are no aliases of aliases.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			return "empty"
		case "!!bool":
			return "the boolean " + n.Value
		case "!!int", "!!float":
			return "the number " + n.Value
		}
		return "text"
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return "something else"
}

// A field is one key of a mapping and its value.
type field struct {
	key, value *yaml.Node
}

type fields map[string]field

func (f fields) get(name string) *yaml.Node {
	if isNull(f[name].value) {
		return nil
	}
	return f[name].value
}

// mapping reads a mapping with the given keys. what names it in messages: "the document", "step X".
func (p *parser) mapping(n *yaml.Node, what string, keys ...string) fields {
	out := p.anyMapping(n, what)
	for name, f := range out {
		if !slices.Contains(keys, name) {
			p.fail(p.src.at(f.key), "Unknown key in component document",
				fmt.Sprintf("%s has no key %q; it may have %s.%s", sentence(what), name, strings.Join(keys, ", "), didYouMean(name, keys)))
			delete(out, name)
		}
	}
	return out
}

// anyMapping reads a mapping whatever its keys are, merge keys followed.
func (p *parser) anyMapping(n *yaml.Node, what string) fields {
	n = resolve(n)
	out := fields{}
	if n.Kind != yaml.MappingNode {
		p.fail(p.src.at(n), "Invalid component document", fmt.Sprintf("%s must be a mapping of keys to values and is %s.", sentence(what), kindName(n)))
		return out
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		if k.Kind != yaml.ScalarNode {
			p.braces(k, what)
			continue
		}
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if first, dup := out[k.Value]; dup {
			p.fail(p.src.at(k), "Duplicate key in component document",
				fmt.Sprintf("%s has the key %q twice; the first is in line %d.", sentence(what), k.Value, first.key.Line))
			continue
		}
		out[k.Value] = field{k, v}
	}
	for _, m := range merged {
		mergeInto(out, m, 0)
	}
	return out
}

// mergeInto adds what a merge key (<<) brings and the mapping itself does not have.
func mergeInto(out fields, n *yaml.Node, depth int) {
	n = resolve(n)
	if depth > 3 {
		return
	}
	switch n.Kind { //nolint:exhaustive // a merge key brings mappings, and nothing else
	case yaml.SequenceNode:
		for _, e := range n.Content {
			mergeInto(out, e, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if _, has := out[k.Value]; !has && k.Kind == yaml.ScalarNode {
				out[k.Value] = field{k, resolve(n.Content[i+1])}
			}
		}
	}
}

// braces reports a key that is no text, which nearly always is an expression without quotes.
func (p *parser) braces(n *yaml.Node, what string) {
	p.fail(p.src.at(n), "Invalid key in component document",
		sentence(what)+" has a key that is not text. An expression that starts a value must stand in quotes: '{{ Name }}'.")
}

// list reads a list.
func (p *parser) list(n *yaml.Node, what string) []*yaml.Node {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		p.fail(p.src.at(n), "Invalid component document", fmt.Sprintf("%s must be a list and is %s.", sentence(what), kindName(n)))
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, e := range n.Content {
		out[i] = resolve(e)
	}
	return out
}

// text reads a scalar as it is written: 0755 stays 0755 and 1.10 stays 1.10.
func (p *parser) text(n *yaml.Node, what string) (string, bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return n.Value, true
	}
	if isExpressionWithoutQuotes(n) {
		p.fail(p.src.at(n), "Expression without quotes", sentence(what)+" starts with an expression, which YAML reads as a mapping. Put the value in quotes: '{{ Name }}'.")
		return "", false
	}
	p.fail(p.src.at(n), "Wrong type in component document", fmt.Sprintf("%s must be text and is %s.", sentence(what), kindName(n)))
	return "", false
}

// isExpressionWithoutQuotes recognises {{ X }}, which YAML reads as a mapping whose key is a mapping.
func isExpressionWithoutQuotes(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 && len(n.Content) == 2 && n.Content[0].Kind == yaml.MappingNode
}

func (p *parser) integer(n *yaml.Node, what string) (int, bool) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode {
		if v, err := strconv.Atoi(n.Value); err == nil {
			return v, true
		}
	}
	p.fail(p.src.at(n), "Wrong type in component document", fmt.Sprintf("%s must be a whole number and is %s.", sentence(what), shown(n)))
	return 0, false
}

func shown(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return strconv.Quote(n.Value)
	}
	return kindName(n)
}

// sentence makes a phrase the start of a sentence.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
