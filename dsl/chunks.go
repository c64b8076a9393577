package dsl

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// chunkSize is about how much text is parsed at once. The parser holds all tokens of its input in
// one growing slice, which for large files costs more than everything else.
const chunkSize = 2 << 10

// parseNative parses native syntax, large files piece by piece and the pieces side by side.
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
	if diags := tooDeep(name, src); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseConfig(src, name, hcl.InitialPos)
}

// A chunk is one piece of a file.
type chunk struct {
	text []byte
	at   hcl.Pos // where it starts
	body *hclsyntax.Body
}

func parseChunks(src []byte, name string) (*hcl.File, bool) {
	chunks := cut(src)
	if !parseSideBySide(chunks, name) {
		return nil, false
	}
	whole := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: hcl.Range{Filename: name, Start: hcl.InitialPos}}
	for i := range chunks {
		c := &chunks[i]
		whole.Blocks = append(whole.Blocks, c.body.Blocks...)
		whole.SrcRange.End, whole.EndRange = c.body.SrcRange.End, c.body.EndRange
	}
	return &hcl.File{Body: whole, Bytes: src}, true
}

// cut cuts a file into pieces.
func cut(src []byte) []chunk {
	var out []chunk
	for at := hcl.InitialPos; at.Byte < len(src); {
		c := chunk{text: src[at.Byte:chunkEnd(src, at.Byte)], at: at}
		out = append(out, c)
		at.Byte += len(c.text)
		at.Line += bytes.Count(c.text, []byte{'\n'})
	}
	return out
}

// parseSideBySide parses pieces, each for itself. It stops, and says so, when one cannot stand alone.
func parseSideBySide(chunks []chunk, name string) bool {
	const workers = 4 // more would parse faster than the rest of the program can use
	var next atomic.Int64
	var failed atomic.Bool
	var all sync.WaitGroup
	for range min(workers, len(chunks)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chunks) && !failed.Load(); i = int(next.Add(1)) - 1 {
				if !chunks[i].parse(name) {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	return !failed.Load()
}

func (c *chunk) parse(name string) bool {
	if tooDeep(name, c.text).HasErrors() {
		return false
	}
	file, diags := hclsyntax.ParseConfig(c.text, name, c.at)
	body, native := file.Body.(*hclsyntax.Body)
	c.body = body
	return len(diags) == 0 && native && len(body.Attributes) == 0
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
