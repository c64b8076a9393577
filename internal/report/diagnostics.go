package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/neutral"
)

// The sequences hcl's writer puts around what a diagnostic is about.
const (
	highlightBegin = "\x1b[1;4m"
	highlightEnd   = "\x1b[0m"
)

// Diagnostics writes diagnostics with hcl's own writer and a caret under what each is about. Their
// text and the configuration they quote are made harmless for a terminal.
func Diagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, o TextOptions) error {
	b := &strings.Builder{}
	var width uint
	if o.Width > 0 {
		width = uint(o.Width)
	}
	for _, d := range diags {
		drawn := &strings.Builder{}
		// Always in colour: the highlight tells where the caret belongs, and nothing else here can hold an escape.
		if err := hcl.NewDiagnosticTextWriter(drawn, harmless(files, d), width, true).WriteDiagnostic(harmlessDiagnostic(brief(files, d))); err != nil {
			return fmt.Errorf("draw diagnostic: %w", err)
		}
		b.WriteString(carets(drawn.String(), o))
	}
	return write(w, b)
}

// carets adds a line of carets below each highlighted line, and takes the colours away where they are not wanted.
func carets(s string, o TextOptions) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		before, rest, found := strings.Cut(line, highlightBegin)
		if !o.Color {
			line = uncolored(line)
		}
		b.WriteString(line)
		if !found {
			continue
		}
		marked, _, _ := strings.Cut(rest, highlightEnd)
		b.WriteString(blank(before) + o.paint(strings.Repeat("^", max(1, columns(marked))), red) + "\n")
	}
	return b.String()
}

// blank is white space as wide as s.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", runeColumns(r)))
	}
	return b.String()
}

// uncolored removes the sequences hcl's writer wrote.
func uncolored(s string) string {
	for _, c := range []string{highlightBegin, highlightEnd, "\x1b[31m", "\x1b[33m"} {
		s = strings.ReplaceAll(s, c, "")
	}
	return s
}

// maxQuoted is how many lines of a configuration a diagnostic may quote: a script or a document
// that is wrong as a whole may have thousands.
const maxQuoted = 8

// brief is a diagnostic that quotes no more than the first line of what is longer than maxQuoted.
func brief(files map[string]*hcl.File, d *hcl.Diagnostic) *hcl.Diagnostic {
	out := *d
	if d.Context != nil && d.Context.End.Line-d.Context.Start.Line >= maxQuoted {
		out.Context = nil
	}
	if d.Subject == nil || d.Subject.End.Line-d.Subject.Start.Line < maxQuoted {
		return &out
	}
	at := *d.Subject
	at.End = at.Start
	if f := files[at.Filename]; f != nil && at.Start.Byte <= len(f.Bytes) {
		line, _, _ := strings.Cut(string(f.Bytes[at.Start.Byte:]), "\n")
		line = strings.TrimSuffix(line, "\r")
		at.End.Byte += len(line)
		at.End.Column += utf8.RuneCountInString(line)
	}
	out.Subject = &at
	return &out
}

func harmlessDiagnostic(d *hcl.Diagnostic) *hcl.Diagnostic {
	out := *d
	out.Summary = Neutral(d.Summary)
	out.Detail = strings.Join(Lines(d.Detail), "\n")
	out.Subject, out.Context = harmlessRange(d.Subject), harmlessRange(d.Context)
	return &out
}

func harmlessRange(r *hcl.Range) *hcl.Range {
	if r == nil {
		return nil
	}
	out := *r
	out.Filename = Neutral(r.Filename)
	return &out
}

// harmless is the one file a diagnostic quotes, with every character that acts on a terminal
// replaced by as many question marks as it has bytes, so that positions stay.
func harmless(files map[string]*hcl.File, d *hcl.Diagnostic) map[string]*hcl.File {
	if d.Subject == nil || files[d.Subject.Filename] == nil {
		return nil
	}
	f := *files[d.Subject.Filename]
	f.Bytes = slices.Clone(f.Bytes)
	for i := 0; i < len(f.Bytes); {
		r, n := utf8.DecodeRune(f.Bytes[i:])
		crlf := r == '\r' && i+1 < len(f.Bytes) && f.Bytes[i+1] == '\n'
		if r != '\n' && r != '\t' && !crlf && (neutral.Hidden(r) || unicode.Is(unicode.Cc, r)) {
			for j := range n {
				f.Bytes[i+j] = '?'
			}
		}
		i += n
	}
	return map[string]*hcl.File{Neutral(d.Subject.Filename): &f}
}
