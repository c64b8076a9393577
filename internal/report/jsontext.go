package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// jsonText is the inside of s as a JSON string, without HTML's escapes.
func jsonText(s string) string {
	b := &bytes.Buffer{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string is always JSON
	}
	out := strings.TrimSuffix(b.String(), "\n")
	return out[1 : len(out)-1]
}

// asciiJSON is the inside of s as a JSON string that holds printable ASCII without apostrophes
// alone: it means the same in any locale and inside a shell's single quotes.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range jsonText(s) {
		switch {
		case r == '\'' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return strings.ReplaceAll(b.String(), "##[", `##\u005b`) // which a GitHub runner obeys anywhere in a line
}
