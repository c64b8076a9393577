package awsmodel

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A pattern is a regular expression of a model, compiled when it is first needed.
type pattern struct {
	compile func() matcher
}

// A matcher is what a pattern comes to in Go: an expression, and what Go's dialect cannot say.
type matcher struct {
	re     *regexp.Regexp // nil where the expression cannot be told
	guards []func(string) bool
}

func newPattern(text string) *pattern {
	return &pattern{compile: sync.OnceValue(func() matcher { return compilePattern(text) })}
}

func (p *pattern) match(s string) bool {
	m := p.compile()
	for _, ok := range m.guards {
		if !ok(s) {
			return false
		}
	}
	return m.re == nil || m.re.MatchString(s)
}

// lookarounds are the assertions in use that Go's regular expressions lack. Each stands at the
// expression's beginning or end, so that it can be asked of the whole string.
var lookarounds = []struct {
	text  string
	guard func(string) bool
}{
	{`(?!aws:)`, func(s string) bool { return !strings.HasPrefix(s, "aws:") }},
	{`(?<!\.)`, func(s string) bool { return !strings.HasSuffix(s, ".") }},
	{`(?!\s*$)`, func(s string) bool { return strings.TrimSpace(s) != "" }},
}

var (
	unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4,6})`)
	bigRepeat     = regexp.MustCompile(`(\[[^\]]*\])\{(\d+),(\d{4,})\}`)
	// words is an expression that lists words: "optional|required", "^string|integer$".
	words = regexp.MustCompile(`^\^?[A-Za-z]+(?:\|[A-Za-z]+)+\$?$`)
)

// maxRepeat is the largest count Go's regexp takes in {n,m}.
const maxRepeat = 1000

func compilePattern(text string) matcher {
	var m matcher
	for _, l := range lookarounds {
		if strings.Contains(text, l.text) {
			text = strings.ReplaceAll(text, l.text, "")
			m.guards = append(m.guards, l.guard)
		}
	}
	// A list of words is meant whole; as it is written, "^a|b$" would accept "ax".
	if words.MatchString(text) {
		text = "^(?:" + strings.Trim(text, "^$") + ")$"
	}
	text = unicodeEscape.ReplaceAllString(text, `\x{$1}`)
	text = bigRepeat.ReplaceAllStringFunc(text, splitRepeat)
	re, err := regexp.Compile(text)
	if err != nil {
		// Back references: nothing is said about such a value rather than something wrong.
		return m
	}
	m.re = re
	return m
}

// splitRepeat writes C{n,m} as two repetitions that Go accepts.
func splitRepeat(s string) string {
	g := bigRepeat.FindStringSubmatch(s)
	least, err1 := strconv.Atoi(g[2])
	most, err2 := strconv.Atoi(g[3])
	if err1 != nil || err2 != nil || most <= maxRepeat || most > 2*maxRepeat || least > maxRepeat {
		return s
	}
	return g[1] + "{" + g[2] + "," + strconv.Itoa(maxRepeat) + "}" + g[1] + "{0," + strconv.Itoa(most-maxRepeat) + "}"
}

// amend widens a pattern of the published model where the service is known to accept more:
// components of the owner "third-party" (Image Builder User Guide, "Component version details", 2026).
func amend(text string) string {
	return strings.Replace(text, `(?:[0-9]{12}|aws(?:-[a-z-]+)?):component/`, `(?:[0-9]{12}|third-party|aws(?:-[a-z-]+)?):component/`, 1)
}
