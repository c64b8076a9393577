package kind

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quoteShell writes a string as one word of a POSIX shell, as Packer does: single quotes, and a
// quote inside between double ones.
func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// shellWord writes a path as one word of a shell, with quotes only where they are needed.
func shellWord(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+-"
	if s == "" || strings.Trim(s, safe) != "" {
		return quoteShell(s)
	}
	return s
}

// quotePowerShell writes a string as a literal of PowerShell, which takes the typographic single
// quotes for quotes too.
func quotePowerShell(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch r {
		case '\'', '\u2018', '\u2019', '\u201a', '\u201b':
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

// travels reports whether text reaches the machine as it is when a component document holds it:
// AWSTOE expands {{ }} and has no escape for it, and YAML keeps no control characters readable.
func travels(s string) bool {
	return utf8.ValidString(s) && !strings.Contains(s, "{{") && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && !unicode.IsPrint(r) && !unicode.IsSpace(r) ||
			r == '\r' || r == '\f' || r == '\v' || r == '\u0085' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || r == '\ufeff'
	})
}

// digest12 are the first 12 hex digits of a text's sha256: enough to tell files of one build apart.
func digest12(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// heredoc feeds a text, which then ends with a line break, to a command, and ends the program when
// that fails. The delimiter follows
// from the content, so that nobody can know one that ends the text early, and is not one of its lines.
func heredoc(redirect, content string) string {
	delimiter := "END_" + digest12(content)
	for slices.Contains(strings.Split(content, "\n"), delimiter) {
		delimiter += "_"
	}
	if content != "" && !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	return redirect + " <<'" + delimiter + "' || exit 1\n" + content + delimiter
}

// base64Lines is base64 in lines of 76 characters.
func base64Lines(s string) string {
	enc := base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for line := range slices.Chunk([]byte(enc), 76) {
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// exports are the commands that set environment variables, sorted by name.
func exports(env map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, "export "+k+"="+quoteShell(env[k]))
	}
	return out
}

// base64Line is base64 in one line.
func base64Line(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
