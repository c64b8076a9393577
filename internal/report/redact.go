package report

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/org/imagebuild-action/internal/neutral"
)

// MinSecret is the length in bytes below which a secret is not looked for: "a" hidden everywhere
// would destroy the text, and what remains would still tell where it stood.
const MinSecret = 3

const (
	// minPart is the length below which one line of a secret of several lines is not looked for by itself: "}" is no secret.
	minPart = 4
	// minShifted is the same for base64 of the secret in the middle of something longer, and for hexadecimal.
	minShifted = 8
)

const redacted = "(sensitive)"

// commonLines are lines of secrets of several lines that say nothing of the secret.
var commonLines = []string{"true", "false", "null", "none", "done", "else", "exit", "test", "user", "password"}

// A Redactor writes what it is given, less the secrets.
type Redactor struct {
	w        io.Writer
	patterns []string         // all that is looked for, sorted
	first    [256]patternSpan // which of them begin with a byte
	buf      []byte           // not yet decided: it may be the beginning of a secret
	covered  int              // how much of buf belongs to a secret already written as redacted
}

// A patternSpan is patterns that stand one behind the other.
type patternSpan struct{ from, to int }

// Redact returns a writer that writes "(sensitive)" in the place of every secret, also where one is
// written in JSON, a quoted string, HTML, a URL, base64 or hexadecimal, where lines of it stand apart, and where it comes in several
// writes. Overlapping secrets become one "(sensitive)". Secrets shorter than MinSecret are left alone.
//
// The end of what was written is held back while it may be the beginning of a secret: Close writes it.
func Redact(w io.Writer, secrets []string) *Redactor {
	r := &Redactor{w: w, patterns: forms(secrets)}
	for i, p := range r.patterns {
		s := &r.first[p[0]]
		if s.to == 0 {
			s.from = i
		}
		s.to = i + 1
	}
	return r
}

// To returns a writer to w that covers the same secrets.
func (r *Redactor) To(w io.Writer) *Redactor {
	return &Redactor{w: w, patterns: r.patterns, first: r.first}
}

// Write implements io.Writer.
func (r *Redactor) Write(p []byte) (int, error) {
	if len(r.patterns) == 0 {
		return r.w.Write(p)
	}
	r.buf = append(r.buf, p...)
	if err := r.flush(true); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what was held back. It does not close the writer beneath.
func (r *Redactor) Close() error { return r.flush(false) }

// flush writes what is decided; more says that more text may follow.
func (r *Redactor) flush(more bool) error {
	var out []byte
	i := 0
	for i < len(r.buf) {
		n, open := r.match(r.buf[i:])
		if open && more {
			break
		}
		if n > 0 && r.covered == 0 {
			out = append(out, redacted...)
		}
		if r.covered = max(r.covered, n); r.covered > 0 {
			r.covered--
		} else {
			out = append(out, r.buf[i])
		}
		i++
	}
	r.buf = slices.Delete(r.buf, 0, i)
	if len(out) == 0 {
		return nil
	}
	if _, err := r.w.Write(out); err != nil {
		return fmt.Errorf("write redacted: %w", err)
	}
	return nil
}

// match is the length of the longest secret b begins with, and whether b is the beginning of a longer one.
func (r *Redactor) match(b []byte) (n int, open bool) {
	s := r.first[b[0]]
	for depth := 1; s.from < s.to; depth++ {
		if len(r.patterns[s.from]) == depth { // sorted, a text stands before all that it begins
			n = depth
			s.from++
		}
		if depth == len(b) {
			return n, s.from < s.to
		}
		s = r.narrowed(s, depth, b[depth])
	}
	return n, false
}

// narrowed are those patterns of a span, alike and longer than depth, that have the byte c there.
func (r *Redactor) narrowed(s patternSpan, depth int, c byte) patternSpan {
	ps := r.patterns[s.from:s.to]
	from := sort.Search(len(ps), func(i int) bool { return ps[i][depth] >= c })
	to := from + sort.Search(len(ps)-from, func(i int) bool { return ps[from+i][depth] > c })
	return patternSpan{s.from + from, s.from + to}
}

// forms are all ways the secrets may be written, each once.
func forms(secrets []string) []string {
	var out []string
	for _, s := range secrets {
		if len(s) < MinSecret {
			continue
		}
		out = append(out, encodings(s)...)
		if parts := strings.FieldsFunc(s, neutral.LineEnd); len(parts) > 1 {
			for _, p := range parts {
				if p = strings.TrimSpace(p); len(p) >= minPart && !slices.Contains(commonLines, strings.ToLower(p)) {
					out = append(out, encodings(p)...)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func encodings(s string) []string {
	out := []string{strings.ReplaceAll(s, "%", "%25")}
	for _, q := range append(scriptForms(s), s) {
		out = append(out, textForms(q)...)
	}
	for _, u := range []string{url.QueryEscape(s), url.PathEscape(s)} {
		out = append(out, u, lowerEscapes(u))
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for _, b := range []string{s, wide(s)} {
			out = append(out, e.EncodeToString([]byte(b)))
			for shift := range 3 {
				if m := shifted(e, b, shift); len(m) >= minShifted {
					out = append(out, m)
				}
			}
		}
	}
	if h := hex.EncodeToString([]byte(s)); len(h) >= minShifted {
		out = append(out, h, strings.ToUpper(h))
	}
	// An escaped form of a form (JSON within JSON) holds the plain one as soon as nothing in it
	// needs escaping; that is left at one level.
	return slices.DeleteFunc(out, func(f string) bool { return len(f) < MinSecret })
}

// textForms are a text as the formats in which plans and runs are told write it.
func textForms(s string) []string {
	quoted := strconv.Quote(s)
	out := []string{
		s, Neutral(s), quoted[1 : len(quoted)-1], jsonText(s), asciiJSON(s), html.EscapeString(s), xmlText(s), markdownText(s), markdownInline(s), mermaidText(s), dotText(s),
	}
	if b, err := json.Marshal(s); err == nil { // with <, > and & escaped
		out = append(out, string(b[1:len(b)-1]))
	}
	return out
}

// scriptForms are a text as scripts quote it, where that differs from the text itself: the shells
// in two ways, PowerShell in two, and cmd.
func scriptForms(s string) []string {
	out := []string{
		strings.ReplaceAll(s, "'", `'\''`),
		strings.ReplaceAll(s, "'", `'"'"'`),
		strings.NewReplacer("'", "''", "\u2018", "\u2018\u2018", "\u2019", "\u2019\u2019", "\u201a", "\u201a\u201a", "\u201b", "\u201b\u201b").Replace(s),
		strings.NewReplacer("$", "`$", `"`, "`\"", "`", "``", "'", "`'").Replace(s),
		strings.ReplaceAll(s, "%", "%%"),
	}
	return slices.DeleteFunc(out, func(q string) bool { return q == s })
}

// wide is a text in UTF-16, little-endian, which PowerShell's -EncodedCommand takes the base64 of.
func wide(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// shifted is the part of base64 that depends on s alone where shift bytes stand before it.
func shifted(e *base64.Encoding, s string, shift int) string {
	b := e.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
	from := (shift*8 + 5) / 6
	to := (shift + len(s)) * 8 / 6
	return b[min(from, to):to]
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}
