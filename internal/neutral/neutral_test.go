package neutral_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/org/imagebuild-action/internal/neutral"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                            "plain",
		"\x1b[1;31mred\x1b[0m":             "red",
		"\x1b]0;title\x07x":                "x",
		"\x1b]8;;http://e\x1b\\link":       "link",
		"\x1bP1$r\x1b\\x":                  "x",
		"\x1b]unterminated":                "unterminated",
		"\x1b[12":                          "",
		"a\rb\nc":                          "a\ufffdb\ufffdc",
		"\u009b2J":                         "\ufffd2J",
		"\u202eabc\u2066":                  "\ufffdabc\ufffd",
		"zero\u200bwidth\ufeff":            "zero\ufffdwidth\ufffd",
		"a\tb":                             "a    b",
		"bad \xff\xc3(":                    "bad \ufffd\ufffd(",
		"x ##[error]y":                     `x ##\[error]y`,
		"#\x1b[0m#[set-env name=a]b":       `##\[set-env name=a]b`,
		"日本語 👩‍🚀 é":                        "日本語 👩‍🚀 é",
		"\U000e0041tag \ufffe \ufdd0 \x00": "\ufffdtag \ufffd \ufffd \ufffd",
	} {
		if got := neutral.Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for in, want := range map[string][]string{
		"":                       {""},
		"a":                      {"a"},
		"a\n":                    {"a"},
		"a\r\nb\rc\n":            {"a", "b", "c"},
		"a\n\nb":                 {"a", "", "b"},
		"a\u2028b\u2029c\u0085d": {"a", "b", "c", "d"},
		"a\vb\fc":                {"a", "b", "c"},
	} {
		if got := neutral.Lines(in); !slices.Equal(got, want) {
			t.Errorf("Lines(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"\r\n::error::x", "##[error]x", "\x1b[2J\x1b]0;x\x07", "\u202eevil\u2066", "日本語 👩‍🚀", "\t", "\u2028"} {
		f.Add(s)
	}
	f.Add("\x1b[\x1b[0m0m##\x1b[m[x]")
	f.Fuzz(func(t *testing.T, s string) {
		for _, l := range neutral.Lines(s) {
			if !utf8.ValidString(l) || strings.Contains(l, "##[") || strings.ContainsFunc(l, func(r rune) bool {
				return r != '\u200d' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
			}) {
				t.Fatalf("%q of %q", l, s)
			}
			if again := neutral.Line(l); again != l {
				t.Fatalf("%q becomes %q the second time", l, again)
			}
		}
	})
}
