package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Neutral returns s as one line that can do nothing but be read: see neutral.Line.
func Neutral(s string) string { return neutral.Line(s) }

// Lines splits s at all that may end a line and returns each line Neutral: see neutral.Lines.
func Lines(s string) []string { return neutral.Lines(s) }

// columns is how many columns of a terminal s takes. s is Neutral.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case r >= ' ' && r < 0x7f:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me) || r == '\u200d':
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// fit cuts s to at most n columns, saying so with an ellipsis. n below 1 is no limit.
func fit(s string, n int) string {
	if n < 1 || columns(s) <= n {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if n -= runeColumns(r); n < 1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// nameColumn is how wide a column of names is. A name longer than maxAddrColumn doesn't count: see inColumn.
func nameColumn(names ...string) int {
	n := 0
	for _, name := range names {
		if c := columns(name); c <= maxAddrColumn {
			n = max(n, c)
		}
	}
	return n
}

// inColumn begins a row that is indented by two: its name, padded. One that is too long for the column has a line of its
// own, so that the columns after it stay where they are.
func inColumn(name string, column int) string {
	if columns(name) > column {
		return name + "\n  " + pad("", column)
	}
	return pad(name, column)
}

// painted matches the sequences that paint puts around a text.
var painted = regexp.MustCompile("\x1b\\[[0-9;]*m")

// shownColumns is how many columns a painted line takes.
func shownColumns(s string) int { return columns(painted.ReplaceAllString(s, "")) }

// pad fills s with spaces to n columns.
func pad(s string, n int) string {
	if c := columns(s); c < n {
		return s + strings.Repeat(" ", n-c)
	}
	return s
}

// ascii writes s in printable ASCII, everything else as \u escapes, for places whose reader may
// take any other byte for something else (comments of a shell script).
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= ' ' && r < 0x7f {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
