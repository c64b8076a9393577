package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A JSONRedactor writes the JSON it is given, less the secrets. What it writes is JSON too.
type JSONRedactor struct {
	w       io.Writer
	cover   func(string) string
	secrets map[string]bool
	token   bytes.Buffer // a text without its quotes, or a number, so far
	in      jsonState
}

// A jsonState is what of JSON is being read.
type jsonState int

const (
	jsonBetween jsonState = iota
	jsonString
	jsonEscape // in a text, behind a backslash
	jsonNumber
)

// RedactJSON returns a writer of JSON that covers secrets within its texts, as Redact does, and writes a number that
// is a secret as the text "(sensitive)". Close writes what was held back.
func RedactJSON(w io.Writer, secrets []string) *JSONRedactor {
	r := &JSONRedactor{w: w, cover: newCover(secrets), secrets: make(map[string]bool, len(secrets))}
	for _, s := range secrets {
		r.secrets[s] = len(s) >= MinSecret
	}
	return r
}

// Write implements io.Writer.
func (r *JSONRedactor) Write(p []byte) (int, error) {
	if len(r.secrets) == 0 {
		return r.w.Write(p)
	}
	var out bytes.Buffer
	for _, c := range p {
		r.take(&out, c)
	}
	return len(p), r.send(&out)
}

// Close writes what was held back. It doesn't close the writer beneath.
func (r *JSONRedactor) Close() error {
	var out bytes.Buffer
	r.end(&out)
	return r.send(&out)
}

func (r *JSONRedactor) send(out *bytes.Buffer) error {
	if out.Len() == 0 {
		return nil
	}
	if _, err := r.w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write redacted: %w", err)
	}
	return nil
}

func (r *JSONRedactor) take(out *bytes.Buffer, c byte) {
	switch {
	case r.in == jsonEscape:
		r.in = jsonString
		r.token.WriteByte(c)
		return
	case r.in == jsonString && c != '"':
		if c == '\\' {
			r.in = jsonEscape
		}
		r.token.WriteByte(c)
		return
	case r.in == jsonString:
		r.end(out)
		out.WriteByte(c)
		return
	case strings.IndexByte("0123456789+-.eE", c) >= 0 && (r.in == jsonNumber || c != 'e' && c != 'E'):
		r.in = jsonNumber
		r.token.WriteByte(c)
		return
	}
	r.end(out)
	out.WriteByte(c)
	if c == '"' {
		r.in = jsonString
	}
}

// end writes the token that is over.
func (r *JSONRedactor) end(out *bytes.Buffer) {
	s := r.token.String()
	r.token.Reset()
	switch {
	case r.in == jsonNumber && r.secrets[s]:
		s = `"` + redacted + `"`
	case r.in == jsonString, r.in == jsonEscape:
		s = r.cover(s)
	}
	out.WriteString(s)
	r.in = jsonBetween
}

// coveredJSON is JSON less the secrets.
func coveredJSON(raw []byte, secrets []string) []byte {
	var b bytes.Buffer
	r := RedactJSON(&b, secrets)
	if len(secrets) == 0 {
		return raw
	}
	for _, c := range raw {
		r.take(&b, c)
	}
	r.end(&b)
	return b.Bytes()
}
