package component

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// write encodes a tree as encode does, byte for byte. The library's emitter costs some 50 KB and
// most of the time of planning a large configuration for each document, so that what documents
// ordinarily hold is written here, and only what is out of the ordinary by the library: a scalar
// that YAML might take for something else, or the whole tree for the sake of an unusual key.
func write(root *yaml.Node) []byte {
	e := &emitter{b: make([]byte, 0, 1024)}
	if root.Kind == yaml.MappingNode && len(root.Content) > 0 && e.mapping(root, 0) {
		return e.b
	}
	return encode(root)
}

// An emitter writes block style with an indent of two. Its methods return false for what they leave
// to the library.
type emitter struct{ b []byte }

// mapping writes a mapping's lines; the cursor stands where its first key goes.
func (e *emitter) mapping(n *yaml.Node, indent int) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if i > 0 {
			e.indent(indent)
		}
		key := n.Content[i]
		if key.Style != 0 || !isPlainKey(key.Value) {
			return false
		}
		e.b = append(append(e.b, key.Value...), ':')
		if !e.value(n.Content[i+1], indent+2) {
			return false
		}
	}
	return true
}

// value writes what follows a key, on its line or on lines with the given indent.
func (e *emitter) value(n *yaml.Node, indent int) bool {
	switch {
	case n.Kind == yaml.ScalarNode:
		e.b = append(e.b, ' ')
		return e.scalar(n, indent)
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		e.b = append(e.b, '\n')
		return e.sequence(n, indent)
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		e.b = append(e.b, '\n')
		e.indent(indent)
		return e.mapping(n, indent)
	}
	return e.empty(n)
}

func (e *emitter) sequence(n *yaml.Node, indent int) bool {
	for _, item := range n.Content {
		e.indent(indent)
		e.b = append(e.b, "- "...)
		ok := false
		switch {
		case item.Kind == yaml.ScalarNode:
			ok = e.scalar(item, indent+2)
		case item.Kind == yaml.MappingNode && len(item.Content) > 0:
			ok = e.mapping(item, indent+2)
		}
		if !ok {
			return false
		}
	}
	return true
}

// empty writes a list or mapping without content, after a key.
func (e *emitter) empty(n *yaml.Node) bool {
	switch {
	case len(n.Content) > 0:
		return false
	case n.Kind == yaml.SequenceNode:
		e.b = append(e.b, " []\n"...)
	case n.Kind == yaml.MappingNode:
		e.b = append(e.b, " {}\n"...)
	default:
		return false
	}
	return true
}

func (e *emitter) indent(n int) {
	for range n {
		e.b = append(e.b, ' ')
	}
}

// scalar writes a scalar and ends its line. The lines of a literal have the given indent.
func (e *emitter) scalar(n *yaml.Node, indent int) bool {
	switch {
	case n.Style == yaml.LiteralStyle:
		if strings.ContainsFunc(n.Value, func(r rune) bool { return r > 0xFFFF }) {
			return false // not printable, to the library
		}
		e.literal(n.Value, indent)
		return true
	case n.Tag != "!!str", n.Style == 0 && isPlain(n.Value):
		e.b = append(e.b, n.Value...)
	case n.Style == yaml.SingleQuotedStyle && isASCII(n.Value):
		e.b = append(e.b, '\'')
		e.b = append(e.b, strings.ReplaceAll(n.Value, "'", "''")...)
		e.b = append(e.b, '\'')
	case n.Style == 0 && isNumber(n.Value):
		e.b = append(append(append(e.b, '"'), n.Value...), '"')
	default: // its form does not depend on where it stands
		e.b = append(e.b, bytes.TrimSuffix(encode(n), []byte("\n"))...)
	}
	e.b = append(e.b, '\n')
	return true
}

// literal writes text line by line. str has left it no line that literal style would change.
func (e *emitter) literal(text string, indent int) {
	body, ended := strings.CutSuffix(text, "\n")
	e.b = append(e.b, '|')
	if !ended {
		e.b = append(e.b, '-')
	}
	for line := range strings.SplitSeq(body, "\n") {
		e.b = append(e.b, '\n')
		if line != "" {
			e.indent(indent)
			e.b = append(e.b, line...)
		}
	}
	e.b = append(e.b, '\n')
}

// isPlainKey says of the keys of component documents, and of most names, that they stand without quotes.
func isPlainKey(s string) bool {
	for _, c := range []byte(s) {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) <= 128 && isPlain(s)
}

// isPlain says of a text that it stands without quotes, which commands mostly do; it does not say of
// all that could. Of the words that begin with a letter, YAML takes only these for no text.
func isPlain(s string) bool {
	switch {
	case s == "" || !isASCII(s):
		return false
	case isDigit(s[0]) && !strings.ContainsAny(s, "ghijklmnpqrsuvwy"): // letters of no number and no time
		return false
	case !isDigit(s[0]) && !isLetter(s[0]) && s[0] != '/' && s[0] != '$':
		return false
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.EqualFold(s, word) {
			return false
		}
	}
	return !strings.Contains(s, ": ") && !strings.Contains(s, " #") && !strings.HasSuffix(s, ":") && !strings.HasSuffix(s, " ")
}

// isNumber says of a text that it is a whole number, such as a file's permissions; longer ones are
// left to the library.
func isNumber(s string) bool {
	for _, c := range []byte(s) {
		if !isDigit(c) {
			return false
		}
	}
	return s != "" && len(s) <= 18
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// isASCII says that a text is of one line and of printable ASCII characters.
func isASCII(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
