package component

import (
	"bytes"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// A source turns the line and column of a YAML node into ranges of the text.
type source struct {
	file  string
	text  []byte
	lines []int // byte offset at which each line starts
}

func newSource(text []byte, file string) *source {
	s := &source{file: file, text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// offset is the byte at which a node starts. yaml.v3 counts columns in characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.lines) {
		return len(s.text)
	}
	at := s.lines[line-1]
	for range column - 1 {
		_, n := utf8.DecodeRune(s.text[at:])
		at += n
	}
	return min(at, len(s.text))
}

func (s *source) pos(offset int) hcl.Pos {
	// The line is the last one that starts at or before offset.
	lo, hi := 0, len(s.lines)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if s.lines[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hcl.Pos{Line: lo + 1, Column: utf8.RuneCount(s.text[s.lines[lo]:offset]) + 1, Byte: offset}
}

func (s *source) span(from, to int) hcl.Range {
	return hcl.Range{Filename: s.file, Start: s.pos(from), End: s.pos(max(from, to))}
}

// at is the part of the text a node stands in: all of a plain or quoted scalar of one line, else the
// first line of the node.
func (s *source) at(n *yaml.Node) hcl.Range {
	from := s.offset(n.Line, n.Column)
	end := len(s.text)
	if i := bytes.IndexByte(s.text[from:], '\n'); i >= 0 {
		end = from + i
	}
	line := bytes.TrimRight(s.text[from:end], " \t\r")
	if n.Kind == yaml.ScalarNode {
		switch {
		case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
			line = line[:quoted(line)]
		case n.Style == 0 && bytes.HasPrefix(line, []byte(n.Value)):
			line = line[:len(n.Value)]
		}
	}
	return s.span(from, from+len(line))
}

// quoted is the length of the quoted scalar that line starts with, or of the line where it ends further down.
func quoted(line []byte) int {
	if len(line) == 0 {
		return 0
	}
	q := line[0]
	for i := 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && q == '"':
			i++
		case line[i] == q && q == '\'' && i+1 < len(line) && line[i+1] == q:
			i++
		case line[i] == q:
			return i + 1
		}
	}
	return len(line)
}

// find is where part of what stands at rng is written: in rng's own lines or, for a block scalar, soon
// below them. Where escapes or folding make the part look different in the source it is rng itself.
func (s *source) find(rng hcl.Range, part string) hcl.Range {
	from := min(rng.Start.Byte, len(s.text))
	until := min(len(s.text), from+1<<16)
	if i := bytes.Index(s.text[from:until], []byte(part)); i >= 0 && part != "" {
		return s.span(from+i, from+i+len(part))
	}
	return rng
}
