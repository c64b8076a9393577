package report

import (
	"fmt"
	"regexp"
	"strings"
)

// markdownText writes foreign text into Markdown so that it is text there: no markup, no HTML, no
// table cell, no mention of a person, no reference to an issue, no link made of what looks like one.
// It may stand in a table, and at the beginning of a line.
func markdownText(s string) string {
	s = markdownInline(s)
	if s != "" && strings.ContainsRune("-=:0123456789", rune(s[0])) {
		s = fmt.Sprintf("&#%d;", s[0]) + s[1:] // the marker of a list, a heading's underline, a table's
	}
	return s
}

// markdownInline is markdownText behind something else on its line.
func markdownInline(s string) string {
	var b strings.Builder
	s = Neutral(s)
	for i, r := range s {
		switch {
		case r == '_' && i > 0 && i+1 < len(s) && alphanumeric(s[i-1]) && alphanumeric(s[i+1]):
			b.WriteRune(r) // inside a word it is no emphasis
		case r == '@' || r == '#':
			// GitHub looks for @name and #1 after Markdown is done with, so an entity alone would not
			// do: the zero width space parts them.
			fmt.Fprintf(&b, "&#%d;&#8203;", r)
		case r >= '!' && r <= '~' && strings.ContainsRune("\\`*_{}[]<>()|~&!$\"'+", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	s = b.String()
	// What GitHub makes links of by itself, parted too: other readers of Markdown look for addresses
	// once entities are resolved.
	return linked.ReplaceAllString(s, "$1$3$5&#8203;$2$4$6")
}

// linked is what becomes a link by itself: an address, or an issue's number.
var linked = regexp.MustCompile(`(?i)((?:https?|ftp):)(//)|(?i)(www)(\.)|(?i)(gh-)(\d)`)

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// markdownCode is foreign text in a fixed-width face, where mentions and references are not looked for.
func markdownCode(s string) string {
	if s == "" {
		return ""
	}
	return "<code>" + markdownInline(s) + "</code>"
}

// fence is a code block whose fence is longer than any run of backticks in it.
func fence(lines []string, language string) string {
	longest := 2
	for _, l := range lines {
		run := 0
		for _, r := range l {
			if r != '`' {
				run = 0
				continue
			}
			run++
			longest = max(longest, run)
		}
	}
	f := strings.Repeat("`", longest+1)
	return f + language + "\n" + strings.Join(lines, "\n") + "\n" + f + "\n"
}
