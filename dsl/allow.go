package dsl

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// An Allow is one rule that a comment silences: "# imagebuild: allow ib-…", on the line it is about, on
// the line above, or before a block, which it then covers whole.
type Allow struct {
	Rule   string
	Range  hcl.Range // the rule in the comment
	covers hcl.Range // whole lines
}

// Allowed says whether a comment silences the rule for what stands at a place.
func (c *Config) Allowed(rule string, at hcl.Range) bool {
	return slices.ContainsFunc(c.Allows, func(a Allow) bool {
		return a.Rule == rule && a.covers.Filename == at.Filename &&
			a.covers.Start.Line <= at.Start.Line && at.Start.Line <= a.covers.End.Line
	})
}

var allowComment = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:#|//|/\*)\s*imagebuild:\s*allow\s+(.*)`)
})

// allows reads the comments of native files that silence rules.
func (c *Config) allows() []Allow {
	var out []Allow
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		f := c.Files[name]
		if _, native := f.Body.(*hclsyntax.Body); !native || !bytes.Contains(f.Bytes, []byte("imagebuild:")) {
			continue
		}
		tokens, _ := hclsyntax.LexConfig(f.Bytes, name, hcl.InitialPos) // parsed already: what is wrong is reported
		for i, t := range tokens {
			if t.Type != hclsyntax.TokenComment {
				continue
			}
			m := allowComment().FindSubmatchIndex(t.Bytes)
			if m == nil {
				continue
			}
			covers := covered(tokens, i)
			at := t.Range.Start
			at.Byte, at.Column = at.Byte+m[2], at.Column+m[2]
			for rule := range strings.FieldsFuncSeq(string(t.Bytes[m[2]:m[3]]), func(r rune) bool { return strings.ContainsRune(" ,\t\r\n*/", r) }) {
				out = append(out, Allow{Rule: rule, Range: wordRange(name, t.Bytes[m[2]:], at, rule), covers: covers})
			}
		}
	}
	return out
}

// wordRange is where a word stands in the rest of a comment's line.
func wordRange(name string, rest []byte, at hcl.Pos, word string) hcl.Range {
	i := bytes.Index(rest, []byte(word))
	start, end := at, at
	start.Byte, start.Column = at.Byte+i, at.Column+i
	end.Byte, end.Column = start.Byte+len(word), start.Column+len(word)
	return hcl.Range{Filename: name, Start: start, End: end}
}

// covered are the lines that the comment at tokens[i] is about: its own where code stands before it,
// otherwise the next line of code, with all of the block or brackets that it opens.
func covered(tokens hclsyntax.Tokens, i int) hcl.Range {
	own := tokens[i].Range
	if i > 0 && tokens[i-1].Type != hclsyntax.TokenNewline && tokens[i-1].Type != hclsyntax.TokenComment && tokens[i-1].Range.End.Line == own.Start.Line {
		return hcl.Range{Filename: own.Filename, Start: own.Start, End: own.Start}
	}
	next := i + 1
	for next < len(tokens) && (tokens[next].Type == hclsyntax.TokenNewline || tokens[next].Type == hclsyntax.TokenComment) {
		next++
	}
	if next == len(tokens) {
		return own
	}
	covers, depth := tokens[next].Range, 0
	for _, t := range tokens[next:] {
		switch t.Type { //nolint:exhaustive // only brackets change the depth
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			depth--
		}
		// A comment to the end of its line holds the line's end.
		if depth <= 0 && (t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenEOF || t.Type == hclsyntax.TokenComment && bytes.HasSuffix(t.Bytes, []byte("\n"))) {
			return covers
		}
		covers.End = t.Range.End
	}
	return covers
}
