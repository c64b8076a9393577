package github_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// runner is what reads a step's output: actions/runner's OutputManager, ActionCommandManager and ActionCommand, as far
// as they decide what is a command.
type runner struct {
	stopped string
	// obeyed is every command that was carried out, stop-commands and the token that ends it left out.
	obeyed []obeyed
	shown  []string
}

type obeyed struct {
	name       string
	properties map[string]string
	data       string
}

// registered are the commands of the runner; stop-commands is one, and so is the token while it is stopped.
var registered = []string{
	"stop-commands", "set-output", "save-state", "set-env", "add-path", "add-mask", "add-matcher", "remove-matcher",
	"debug", "notice", "warning", "error", "group", "endgroup", "echo", "internal-set-repo-path",
}

func (r *runner) registered(name string) bool {
	return slices.ContainsFunc(registered, func(s string) bool { return strings.EqualFold(s, name) }) || r.stopped != "" && strings.EqualFold(r.stopped, name)
}

// read reads output as .NET's StreamReader.ReadLine does: LF, CR and CR LF end a line.
func (r *runner) read(out string) {
	out = strings.ToValidUTF8(out, "\ufffd")
	out = strings.ReplaceAll(strings.ReplaceAll(out, "\r\n", "\n"), "\r", "\n")
	for line := range strings.SplitSeq(out, "\n") {
		r.line(line)
	}
}

func (r *runner) line(line string) {
	c, ok := r.parseV2(line)
	if !ok {
		c, ok = r.parse(line)
	}
	switch {
	case !ok:
		r.shown = append(r.shown, line)
	case r.stopped != "" && strings.EqualFold(c.name, r.stopped):
		r.stopped = ""
	case r.stopped != "":
		r.shown = append(r.shown, line)
	case strings.EqualFold(c.name, "stop-commands"):
		r.stopped = c.data
	default:
		r.obeyed = append(r.obeyed, c)
	}
}

func (r *runner) parseV2(line string) (obeyed, bool) {
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	// String.StartsWith(string) compares by culture, which leaves out characters that are not seen.
	info, ok := strings.CutPrefix(strings.TrimLeftFunc(line, ignorable), "::")
	if !ok {
		return obeyed{}, false
	}
	info, data, ok := strings.Cut(info, "::")
	if !ok {
		return obeyed{}, false
	}
	name, properties, _ := strings.Cut(info, " ")
	if !r.registered(name) {
		return obeyed{}, false
	}
	c := obeyed{name: strings.ToLower(name), properties: map[string]string{}}
	for p := range strings.SplitSeq(strings.TrimSpace(properties), ",") {
		if k, v, ok := strings.Cut(p, "="); ok && v != "" {
			c.properties[k] = unescape(v, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
		}
	}
	c.data = unescape(data, "%0D", "\r", "%0A", "\n", "%25", "%")
	return c, true
}

// parse looks for the old form, anywhere in a line. It is stricter than the runner: characters that its comparison
// leaves out are left out beforehand.
func (r *runner) parse(line string) (obeyed, bool) {
	line = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, line)
	_, rest, ok := strings.Cut(line, "##[")
	if !ok {
		return obeyed{}, false
	}
	info, data, ok := strings.Cut(rest, "]")
	name, _, _ := strings.Cut(info, " ")
	if !ok || !r.registered(name) {
		return obeyed{}, false
	}
	return obeyed{name: strings.ToLower(name), data: data}, true
}

func ignorable(c rune) bool { return unicode.In(c, unicode.Cf, unicode.Mn, unicode.Cc) }

// unescape replaces one after the other, in the runner's order.
func unescape(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return s
}

func TestTheRunnerOfTheseTestsObeys(t *testing.T) {
	for line, want := range map[string]string{
		"::set-output name=a::b":             "set-output",
		"\u00a0\u2003::SET-OUTPUT name=a::b": "set-output",
		"ok\r::error::x":                     "error",
		"text ##[add-mask]x":                 "add-mask",
		"text ##[error x=y;z=1]data":         "error",
		"x ::error::y":                       "",
		"::unknown::x":                       "",
		"##\\[error]x":                       "",
	} {
		r := &runner{}
		r.read(line)
		got := ""
		if len(r.obeyed) > 0 {
			got = r.obeyed[0].name
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
