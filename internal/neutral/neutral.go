// Package neutral makes one foreign line something that can do nothing but be read: by a terminal, a
// GitHub runner, a browser. It knows nothing of where the text came from or goes to, so that everything that
// writes for people may use it.
package neutral

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tabWidth is how many columns a tab of a foreign line becomes: one tab per line is common in logs,
// and true tab stops would depend on the prefix.
const tabWidth = 4

// Line returns s as one line that can do nothing but be read. Terminal control sequences are
// removed; other control characters, line and paragraph separators, and the characters that change
// the direction or hide the presence of text are written as U+FFFD; tabs become spaces; "##[", which a GitHub
// runner obeys anywhere in a line, becomes "##\[", the runner's own way to write it. Invalid UTF-8 becomes U+FFFD.
func Line(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if n := sequence(s[i:]); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '\t':
			b.WriteString(strings.Repeat(" ", tabWidth))
		case r == utf8.RuneError, Hidden(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "##[", `##\[`)
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '#' {
			return false
		}
	}
	return true
}

// Hidden says whether a character acts on the text around it, cannot be seen, or is none (which XML
// refuses). The joiner of emoji is let through.
func Hidden(r rune) bool {
	switch {
	case r == '\u200d':
		return false
	case r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0': // the fillers of Hangul
		return true
	case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef: // noncharacters
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// sequence is the length of the terminal control sequence s begins with, 0 where there is none:
// ECMA-48's CSI, and the strings (OSC, DCS, SOS, PM, APC) up to their terminator.
func sequence(s string) int {
	if len(s) < 2 || s[0] != 0x1b {
		return 0
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				return i
			}
		}
		return len(s)
	case ']', 'P', 'X', '^', '_':
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		// Not terminated: take the introducer alone, that a lone byte cannot swallow the line.
		return 2
	}
	return 0
}

// Lines splits at everything a terminal, a GitHub runner or a browser takes for the end of a line
// (LF, CR LF, CR, VT, FF, NEL, U+2028, U+2029) and returns each as Line does. Text without content is one empty line.
func Lines(s string) []string {
	s = strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\r\n")
	var out []string
	for {
		i := strings.IndexFunc(s, LineEnd)
		if i < 0 {
			return append(out, Line(s))
		}
		out = append(out, Line(s[:i]))
		_, n := utf8.DecodeRuneInString(s[i:])
		s = s[i+n:]
	}
}

// LineEnd says whether a character ends a line for one of those readers.
func LineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}
