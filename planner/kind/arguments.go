package kind

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// A written is a string and where it was written.
type written struct {
	s  string
	at hcl.Range
}

// arguments read a block's attributes and collect what is wrong with them. The language has checked
// the types already, except of what came in through override.
type arguments struct {
	body  *dsl.Body
	diags hcl.Diagnostics
}

func (a *arguments) fail(at hcl.Range, summary, detail string, args ...any) {
	a.diags = append(a.diags, failure(at, summary, detail, args...))
}

func (a *arguments) warn(at hcl.Range, summary, detail string, args ...any) {
	d := failure(at, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	a.diags = append(a.diags, d)
}

// failure is an error diagnostic; Detail is formatted.
func failure(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: at.Ptr()}
}

func (a *arguments) has(name string) bool {
	_, ok := a.body.Attr(name)
	return ok
}

// str returns a string argument; false when it was not given or is wrong, which is reported.
func (a *arguments) str(name string) (written, bool) {
	v, ok := a.body.Attr(name)
	if !ok {
		return written{}, false
	}
	s, ok := a.plain(name, v.V, v.Range)
	return written{s, v.Range}, ok
}

// plain turns one value into text.
func (a *arguments) plain(name string, v any, at hcl.Range) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, int64, float64:
		return fmt.Sprint(v), true
	case dsl.Ref:
		a.fail(at, "Value not known yet", "%s exists only once AWS has made or found it, and %q is needed when the plan is made. "+
			"Pass it to the machine another way: through an SSM parameter, or as a parameter of a component.", v, name)
	default:
		a.fail(at, "Wrong type of argument", "%q must be a string.", name)
	}
	return "", false
}

// list returns a list of strings.
func (a *arguments) list(name string) []written {
	v, ok := a.body.Attr(name)
	if !ok {
		return nil
	}
	elems, ok := v.V.([]any)
	if !ok {
		a.fail(v.Range, "Wrong type of argument", "%q must be a list of strings.", name)
		return nil
	}
	var out []written
	for i, e := range elems {
		at := v.At(strconv.Itoa(i))
		if s, ok := a.plain(name, e, at); ok {
			out = append(out, written{s, at})
		}
	}
	return out
}

// mapping returns a map of strings.
func (a *arguments) mapping(name string) map[string]written {
	v, ok := a.body.Attr(name)
	if !ok {
		return nil
	}
	elems, ok := v.V.(map[string]any)
	if !ok {
		a.fail(v.Range, "Wrong type of argument", "%q must be a map of strings.", name)
		return nil
	}
	out := map[string]written{}
	for _, k := range slices.Sorted(maps.Keys(elems)) {
		at := v.At(k)
		if s, ok := a.plain(name, elems[k], at); ok {
			out[k] = written{s, at}
		}
	}
	return out
}

// truth returns a bool argument, false where it was not given.
func (a *arguments) truth(name string) bool {
	v, ok := a.body.Attr(name)
	if !ok {
		return false
	}
	b, ok := v.V.(bool)
	if !ok {
		a.fail(v.Range, "Wrong type of argument", "%q must be true or false.", name)
	}
	return b
}

// exitCodes returns the exit codes that count as success; nil where none were given.
func (a *arguments) exitCodes() []int64 {
	const name = "valid_exit_codes"
	v, ok := a.body.Attr(name)
	if !ok {
		return nil
	}
	elems, ok := v.V.([]any)
	if !ok {
		a.fail(v.Range, "Wrong type of argument", "%q must be a list of whole numbers.", name)
		return nil
	}
	var out []int64
	for i, e := range elems {
		n, ok := e.(int64)
		if !ok {
			a.fail(v.At(strconv.Itoa(i)), "Wrong type of argument", "%q must be a list of whole numbers.", name)
			continue
		}
		out = append(out, n)
	}
	return out
}

// number returns a whole number not below zero; 0 where it was not given.
func (a *arguments) number(name string) int {
	v, ok := a.body.Attr(name)
	if !ok {
		return 0
	}
	n, ok := v.V.(int64)
	if !ok || n < 0 || n > 1<<30 {
		a.fail(v.Range, "Wrong number", "%q must be a whole number from 0 on.", name)
		return 0
	}
	return int(n)
}

// seconds returns a duration ("90s", "5m") in whole seconds, rounded up; 0 where it was not given.
func (a *arguments) seconds(name string) int {
	s, ok := a.str(name)
	if !ok || s.s == "" {
		return 0
	}
	d, err := time.ParseDuration(s.s)
	if err != nil || d < 0 || d > 7*24*time.Hour {
		a.fail(s.at, "Wrong duration", "%q is no duration that %q can have. Write a number and a unit up to a week: \"90s\", \"10m\", \"2h\".", s.s, name)
		return 0
	}
	return int((d + time.Second - 1) / time.Second)
}

// environment returns the variables of environment_vars ("K=V") and env, which wins, by name.
func (a *arguments) environment() map[string]string {
	out := a.pairs("environment_vars")
	env := a.mapping("env")
	for _, k := range slices.Sorted(maps.Keys(env)) {
		a.variable(out, k, env[k])
	}
	return out
}

// pairs returns a list of NAME=value as a map.
func (a *arguments) pairs(name string) map[string]string {
	out := map[string]string{}
	for _, e := range a.list(name) {
		k, v, ok := strings.Cut(e.s, "=")
		if !ok {
			a.fail(e.at, "Wrong environment variable", "%q does not have the form NAME=value.", e.s)
			continue
		}
		a.variable(out, k, written{v, e.at})
	}
	return out
}

func (a *arguments) variable(env map[string]string, name string, value written) {
	switch {
	case !identifier(name):
		a.fail(value.at, "Wrong environment variable", "%q cannot name an environment variable. Use letters, digits and underscores, and no digit first.", name)
	case strings.ContainsRune(value.s, 0):
		a.fail(value.at, "Wrong environment variable", "The value of %s holds a NUL character, which no environment variable can.", name)
	default:
		env[name] = value.s
	}
}

// identifier reports whether a shell takes the name for a variable's.
func identifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
