package dsl

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// chunkSize is about how much text is parsed at once. The parser holds all tokens of its input in
// one growing slice, which for large files costs more than everything else.
const chunkSize = 4 << 10

// parseNative parses native syntax, large files piece by piece.
//
// A piece ends with a line that is a closing brace alone. That may be a line inside a heredoc or a
// comment, but then the piece before it ends inside of one too, which is a syntax error; and on any
// diagnostic, or an attribute at the top level, the file is parsed again as a whole.
func parseNative(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if len(src) > 2*chunkSize {
		if file, ok := parseChunks(src, name); ok {
			return file, nil
		}
	}
	return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
}

func parseChunks(src []byte, name string) (*hcl.File, bool) {
	whole := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: hcl.Range{Filename: name, Start: hcl.InitialPos}}
	nav := &chunkNav{}
	for at := hcl.InitialPos; at.Byte < len(src); {
		chunk := src[at.Byte:chunkEnd(src, at.Byte)]
		file, diags := hclsyntax.ParseConfig(chunk, name, at)
		body, native := file.Body.(*hclsyntax.Body)
		if len(diags) > 0 || !native || len(body.Attributes) > 0 {
			return nil, false
		}
		whole.Blocks = append(whole.Blocks, body.Blocks...)
		whole.SrcRange.End, whole.EndRange = body.SrcRange.End, body.EndRange
		at.Byte += len(chunk)
		at.Line += bytes.Count(chunk, []byte{'\n'})
		nav.ends = append(nav.ends, at.Byte)
		nav.navs = append(nav.navs, file.Nav)
	}
	return &hcl.File{Body: whole, Bytes: src, Nav: nav}, true
}

// chunkEnd is the end of the piece that starts at from.
func chunkEnd(src []byte, from int) int {
	end := from + chunkSize
	for end < len(src) {
		i := bytes.Index(src[end:], []byte("\n}\n"))
		if i < 0 {
			break
		}
		end += i + len("\n}\n")
		if end-from >= chunkSize {
			return end
		}
	}
	return len(src)
}

// A chunkNav tells hcl's diagnostic writer which block a place is in.
type chunkNav struct {
	ends []int
	navs []any
}

// ContextString is what the writer asks for: `in component "a"`.
func (n *chunkNav) ContextString(offset int) string {
	for i, end := range n.ends {
		if nav, ok := n.navs[i].(interface{ ContextString(int) string }); ok && offset < end {
			return nav.ContextString(offset)
		}
	}
	return ""
}
