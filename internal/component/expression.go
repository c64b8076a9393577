package component

import (
	"strconv"
	"strings"
)

// An exprKind tells the forms of {{ … }} apart.
type exprKind byte

const (
	unknownExpr exprKind = iota // not one of the forms below: stays as it is written
	nameExpr                    // {{ Name }}: a parameter or constant
	chainExpr                   // {{ phase.step.outputs[0].key }}
	loopExpr                    // {{ loop.value }}, {{ NamedLoop.index }}
	ssmExpr                     // {{ aws:ssm:/path }}, {{ aws:ssm:resolve(x) }}
)

// An expr is one {{ … }} inside a string.
type expr struct {
	kind       exprKind
	start, end int    // where it is, braces included
	text       string // what is between the braces, trimmed
	// name is the parameter's, the loop's or the SSM parameter's.
	name string
	// key is the input's or output's name, and index or value of a loop.
	key         string
	phase, step string
	outputs     bool // outputs rather than inputs
	index       int  // of the operation; -1 where none is written
	indirect    bool // {{ aws:ssm:resolve(name) }}
}

// expressions finds every well-formed {{ … }} of a text. Braces that do not close, or hold a line
// break, are not expressions: documents of AWS's own contain such and run.
func expressions(text string) []expr {
	var out []expr
	from := 0
	for {
		end := strings.Index(text[from:], "}}")
		if end < 0 {
			return out
		}
		end += from
		if start := strings.LastIndex(text[from:end], "{{"); start >= 0 {
			start += from
			inner := text[start+2 : end]
			if !strings.ContainsAny(inner, "\n\r") {
				e := classify(strings.TrimSpace(inner))
				e.start, e.end = start, end+2
				out = append(out, e)
			}
		}
		from = end + 2
	}
}

func classify(text string) expr {
	e := expr{text: text, index: -1}
	if ref, ok := strings.CutPrefix(text, "aws:ssm:"); ok {
		return classifySSM(e, ref)
	}
	if isName(text) {
		e.kind, e.name = nameExpr, text
		return e
	}
	parts := strings.Split(text, ".")
	switch {
	case len(parts) == 2 && isName(parts[0]) && (parts[1] == "index" || parts[1] == "value"):
		e.kind, e.name, e.key = loopExpr, parts[0], parts[1]
	case len(parts) == 4 && isName(parts[0]) && isName(parts[1]) && isName(parts[3]):
		what, index, ok := cutIndex(parts[2])
		if ok && (what == "inputs" || what == "outputs") {
			e.kind, e.phase, e.step, e.key, e.index, e.outputs = chainExpr, parts[0], parts[1], parts[3], index, what == "outputs"
		}
	}
	return e
}

func classifySSM(e expr, ref string) expr {
	if inner, ok := strings.CutPrefix(ref, "resolve("); ok {
		inner, ok = strings.CutSuffix(inner, ")")
		inner = strings.TrimSpace(inner)
		if !ok || inner == "" {
			return e
		}
		e.kind, e.name, e.indirect = ssmExpr, inner, true
		return e
	}
	if ref == "" || strings.ContainsAny(ref, " \t(){}") {
		return e
	}
	e.kind, e.name = ssmExpr, ref
	return e
}

// cutIndex takes "outputs[2]" apart; the index is -1 where there is none.
func cutIndex(s string) (what string, index int, ok bool) {
	what, rest, has := strings.Cut(s, "[")
	if !has {
		return s, -1, true
	}
	digits, closed := strings.CutSuffix(rest, "]")
	n, err := strconv.Atoi(digits)
	if !closed || err != nil || n < 0 || digits[0] == '+' {
		return "", 0, false
	}
	return what, n, true
}

// isName says whether s may name a step, a parameter or a loop: [A-Za-z0-9_-]+.
func isName(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// expand replaces the expressions of a text in one pass: what a replacement contains is data and is
// not looked at again. An expression for which value reports false stays as it is written.
func expand(text string, value func(expr) (string, bool, error)) (string, error) {
	found := expressions(text)
	if len(found) == 0 {
		return text, nil
	}
	var b strings.Builder
	at := 0
	for _, e := range found {
		v, known, err := value(e)
		if err != nil {
			return "", err
		}
		if !known {
			continue
		}
		b.WriteString(text[at:e.start])
		b.WriteString(v)
		at = e.end
	}
	b.WriteString(text[at:])
	return b.String(), nil
}
