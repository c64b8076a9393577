package kind

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const (
	// inlineLimit is how many characters of a document an API call takes (InlineComponentData,
	// InlineWorkflowData and InlineDockerFileTemplate of the Image Builder model).
	inlineLimit = 16_000
	// documentLimit is how many bytes a document can have at all ("Component size" among the quotas
	// of Image Builder).
	documentLimit = 64 << 10
)

// A docText is the text of a component, a workflow or a Dockerfile, and where it was written.
type docText struct {
	text string
	attr string // the attribute's name
	at   hcl.Range
	// file is the name of the file that the text is exactly, read by file(); "" where it is none.
	file string
	// object says that it was written as an object.
	object bool
	// lines are where the lines of a heredoc stand, by number from 1, as far as they are in the
	// configuration as they are in the text.
	lines map[int]hcl.Range
}

// textOf returns the text that one of the attributes has, nil where none is given or what is given
// is no text. An object becomes YAML.
func textOf(s *planner.Scope, b *dsl.Block, attrs ...string) (*docText, hcl.Diagnostics) {
	var t *docText
	for _, name := range attrs {
		v, ok := b.Body.Attr(name)
		if !ok {
			continue
		}
		if t != nil {
			return nil, hcl.Diagnostics{failure(v.Range, "Argument given twice",
				"%q says the same as %q, given at %s. Keep one of them.", name, t.attr, t.at)}
		}
		t = &docText{attr: name, at: v.Range}
		switch doc := v.V.(type) {
		case string:
			t.text = doc
			if t.file = fileRead(s, v.Range, doc); t.file == "" {
				t.lines = heredocLines(s, v.Range, doc)
			}
		case map[string]any:
			text, d := renderObject(doc, v.Range)
			if d != nil {
				return nil, hcl.Diagnostics{d}
			}
			t.text, t.object = text, true
		default:
			return nil, hcl.Diagnostics{failure(v.Range, "Document not known",
				"%q must be a text or an object that is known when the plan is made, because the document is checked and its digest taken then.", name)}
		}
	}
	if t != nil && t.text == "" {
		return nil, hcl.Diagnostics{failure(t.at, "Empty document", "%q holds no text. Write the document, or read it with file().", t.attr)}
	}
	return t, nil
}

// renderObject writes a document given as an object as YAML.
func renderObject(doc map[string]any, at hcl.Range) (string, *hcl.Diagnostic) {
	doc = maps.Clone(doc)
	switch v := doc["schemaVersion"].(type) {
	case int64:
		// 1.0 is the number 1 to HCL, and the text "1.0" to Image Builder.
		doc["schemaVersion"] = fmt.Sprintf("%d.0", v)
	case float64:
		doc["schemaVersion"] = text(v)
	}
	var unknown bool
	planner.Object(doc).Refs(func(string, dsl.Ref) { unknown = true })
	if unknown {
		return "", failure(at, "Document not known",
			"The document refers to something that exists only after it is made. Hand such a value over as a parameter instead.")
	}
	out, err := yaml.Marshal(doc)
	if err != nil {
		return "", failure(at, "Document not writable as YAML", "The object cannot be written as YAML: %s.", err)
	}
	return string(out), nil
}

// fileRead finds out whether an attribute is nothing but file("name") and returns that name within
// the host's file system, so that findings can point into the file itself.
func fileRead(s *planner.Scope, at hcl.Range, text string) string {
	f, ok := s.Config.Files[at.Filename]
	if !ok || f == nil || !at.CanSliceBytes(f.Bytes) || !bytes.HasPrefix(at.SliceBytes(f.Bytes), []byte("file")) {
		return "" // most texts, which need not be parsed to know it
	}
	expr, diags := hclsyntax.ParseExpression(at.SliceBytes(f.Bytes), at.Filename, at.Start)
	call, ok := expr.(*hclsyntax.FunctionCallExpr)
	if diags.HasErrors() || !ok || call.Name != "file" || len(call.Args) != 1 {
		return ""
	}
	arg, diags := call.Args[0].Value(nil)
	if diags.HasErrors() || !arg.IsKnown() || arg.IsNull() {
		return "" // the name is made of variables; the attribute itself serves as well
	}
	found, d := locate(s.Config.Host, written{s: arg.AsString(), at: at})
	if d != nil {
		return ""
	}
	src, err := readAll(s.Config.Host.FS, found.path, int64(len(text)))
	if err != nil || string(src) != text {
		return ""
	}
	s.Config.Files[found.path] = &hcl.File{Bytes: src}
	return found.path
}

// heredocLines finds the lines of a text in the heredoc it was written as. Lines that hold
// interpolated values are not found, and need not be.
func heredocLines(s *planner.Scope, at hcl.Range, text string) map[int]hcl.Range {
	f, ok := s.Config.Files[at.Filename]
	if !ok || f == nil || !at.CanSliceBytes(f.Bytes) {
		return nil
	}
	if !bytes.HasPrefix(at.SliceBytes(f.Bytes), []byte("<<")) {
		return nil
	}
	source := strings.SplitAfter(string(at.SliceBytes(f.Bytes)), "\n")
	found := map[int]hcl.Range{}
	offset := at.Start.Byte + len(source[0])
	source = source[1:]
	for i, line := range strings.Split(text, "\n") {
		if i >= len(source) {
			break
		}
		raw := strings.TrimRight(source[i], "\r\n")
		if bare := strings.TrimSpace(line); bare != "" && strings.TrimSpace(raw) == bare {
			indent := len(raw) - len(strings.TrimLeft(raw, " \t"))
			found[i+1] = hcl.Range{
				Filename: at.Filename,
				Start:    hcl.Pos{Line: at.Start.Line + 1 + i, Column: indent + 1, Byte: offset + indent},
				End:      hcl.Pos{Line: at.Start.Line + 1 + i, Column: utf8.RuneCountInString(raw) + 1, Byte: offset + len(raw)},
			}
		}
		offset += len(source[i])
	}
	return found
}

// filename is what ranges within the text are to say.
func (t *docText) filename() string {
	if t.file != "" {
		return t.file
	}
	return t.at.Filename
}

// where is the part of the configuration that a part of the text was written by.
func (t *docText) where(r hcl.Range) (at hcl.Range, exact bool) {
	if t.file != "" {
		return r, true
	}
	if line, ok := t.lines[r.Start.Line]; ok {
		return line, true
	}
	return t.at, false
}

// place moves diagnostics about a text that is no file of its own into the configuration.
func (t *docText) place(diags hcl.Diagnostics) hcl.Diagnostics {
	if t.file != "" {
		return diags
	}
	out := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		moved := *d
		at, exact := t.at, true
		if d.Subject != nil {
			at, exact = t.where(*d.Subject)
		}
		if !exact {
			moved.Detail = fmt.Sprintf("Line %d of the document: %s", d.Subject.Start.Line, d.Detail)
		}
		moved.Subject, moved.Context = at.Ptr(), nil
		out[i] = &moved
	}
	return out
}

// withText is the block with its text under the attribute that an API member stands behind.
func withText(b *dsl.Block, t *docText, attr string) *dsl.Block {
	out := *b
	body := *b.Body
	body.Attrs = maps.Clone(b.Body.Attrs)
	delete(body.Attrs, t.attr)
	body.Attrs[attr] = dsl.Value{V: t.text, Range: t.at}
	out.Body = &body
	return &out
}

// stageLong puts a text that an API call does not take into S3, and its URI in its place.
func stageLong(s *planner.Scope, b *dsl.Block, t *docText, attr, uriAttr string) ([]*dsl.Block, hcl.Diagnostics) {
	length := utf8.RuneCountInString(t.text)
	if len(t.text) > documentLimit {
		return []*dsl.Block{b}, hcl.Diagnostics{failure(t.at, "Document too large",
			"The document has %d bytes, and Image Builder takes %d. Split it, or let it download what it needs.", len(t.text), documentLimit)}
	}
	if length <= inlineLimit {
		return []*dsl.Block{b}, nil
	}
	bucket := s.Config.Settings.StagingBucket
	if bucket.V == nil {
		return []*dsl.Block{b}, hcl.Diagnostics{failure(t.at, "Document too long",
			"The document has %d characters, and a call takes %d. A longer one is handed over through S3: "+
				"write imagebuild { staging { bucket = \"…\" } }, or shorten it.", length, inlineLimit)}
	}
	file := &dsl.Block{
		Addr:    dsl.Addr{Type: "staged_file", Name: b.Addr.Type + "-" + b.Addr.Name, Key: b.Addr.Key},
		Range:   b.Range,
		Group:   b.Group,
		Content: memory(t.text),
		Body: &dsl.Body{Range: b.Range, Attrs: map[string]dsl.Value{
			"bucket": bucket,
			"name":   {V: keyName(b.Addr.Name) + ".yml", Range: t.at},
		}},
	}
	delete(b.Body.Attrs, attr)
	b.Body.Attrs[uriAttr] = dsl.Value{V: dsl.Ref{Addr: file.Addr, Attr: "uri"}, Range: t.at}
	return []*dsl.Block{b, file}, nil
}

// staged is the document of a block after expansion: its own data, or the file it was moved to.
func staged(s *planner.Scope, b *dsl.Block) (string, bool) {
	if v, ok := b.Body.Attr("data"); ok {
		text, isText := v.V.(string)
		return text, isText
	}
	v, ok := b.Body.Attr("uri")
	ref, isRef := v.V.(dsl.Ref)
	if !ok || !isRef {
		return "", false
	}
	file, ok := s.Block(ref.Addr)
	if !ok || file.Content == nil {
		return "", false
	}
	r, err := file.Content.Open()
	if err != nil {
		return "", false // hashing the file reports it
	}
	src, err := io.ReadAll(io.LimitReader(r, documentLimit))
	if closed := r.Close(); err != nil || closed != nil {
		return "", false
	}
	return strings.ToValidUTF8(string(src), "�"), true
}
