package awsmodel

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// CheckShape returns everything that the operation's model alone refuses in an input, sorted by path.
// A member that is null counts as absent, as it does on the wire.
func (op *Operation) CheckShape(input map[string]any) []Finding {
	c := shapeChecker{codes: codesOf(op.Service)}
	root := make(Trail, 0, Deep)
	switch {
	case op.Input != nil:
		c.structure(root, op.Input, input)
	case len(input) > 0:
		c.add(root, c.codes.unknown, op.Name+" takes no parameters", "Leave all parameters out.")
	}
	return sortFindings(c.found)
}

// Codes are what a service answers about an input that its model refuses.
type inputCodes struct {
	invalid, missing, unknown string
	// owns says that the service words its refusals as Image Builder does, not as the common front end.
	owns bool
}

// The codes: Image Builder's as observed, the JSON services' and STS's from "Common Errors" of
// their API References, CloudWatch Logs' and EC2's from their own lists.
func codesOf(service string) inputCodes {
	switch service {
	case "imagebuilder":
		return inputCodes{codeValue, codeValue, codeValue, true}
	case "ec2":
		return inputCodes{"InvalidParameterValue", "MissingParameter", "UnknownParameter", false}
	case "logs":
		return inputCodes{"InvalidParameterException", "InvalidParameterException", "InvalidParameterException", false}
	case "sts":
		return inputCodes{"ValidationError", "ValidationError", "ValidationError", false}
	default:
		return inputCodes{"ValidationException", "ValidationException", "ValidationException", false}
	}
}

type shapeChecker struct {
	codes inputCodes
	found []Finding
}

func (c *shapeChecker) add(at Trail, code, detail, advice string) {
	path := at.String()
	msg := "1 validation error detected: Value at '" + path + "' failed to satisfy constraint: " + detail
	if c.codes.owns {
		msg = NotValid(path, detail)
	}
	c.found = append(c.found, Finding{Path: path, Code: code, Message: msg, Advice: advice})
}

func (c *shapeChecker) invalid(at Trail, detail, advice string) {
	c.add(at, c.codes.invalid, detail, advice)
}

// mustMatch stands before a pattern.
const mustMatch = " must match pattern "

// NotValid is the form of Image Builder's refusals, as clients have observed it.
func NotValid(path, detail string) string {
	// The service ends its sentences, except those that end in a pattern or a quotation.
	if !strings.Contains(detail, mustMatch) && !strings.HasSuffix(detail, "'") {
		detail += "."
	}
	if path == "" {
		return detail
	}
	return "The value supplied for parameter '" + path + "' is not valid. " + detail
}

func (c *shapeChecker) value(at Trail, sh *Shape, v any) {
	if _, later := v.(Unknown); later {
		return
	}
	switch sh.Type {
	case "structure":
		if m, ok := v.(map[string]any); ok {
			c.structure(at, sh, m)
			return
		}
	case "list":
		if l, ok := v.([]any); ok {
			c.list(at, sh, l)
			return
		}
	case "map":
		if m, ok := v.(map[string]any); ok {
			c.mapping(at, sh, m)
			return
		}
	case "string":
		if s, ok := v.(string); ok {
			c.text(at, sh, s)
			return
		}
	case "boolean":
		if _, ok := v.(bool); ok {
			return
		}
	case "integer", "long", "float", "double":
		if c.number(at, sh, v) {
			return
		}
	case "timestamp":
		// The wire knows two forms: text and seconds since 1970.
		if _, ok := v.(string); ok {
			return
		}
		if _, ok := ToNumber(v); ok {
			return
		}
	default: // blob
		if _, ok := v.(string); ok {
			return
		}
	}
	c.invalid(at, "It must be "+aType(sh.Type)+", and is "+typeOf(v), "Write "+sh.Describe()+".")
}

func (c *shapeChecker) structure(at Trail, sh *Shape, in map[string]any) {
	for _, m := range sh.Members {
		v, ok := in[m.Name]
		switch {
		case ok && v != nil:
			c.value(at.Named(m.Name), m.Shape, v)
		case m.Required && !m.IdempotencyToken:
			c.add(at.Named(m.Name), c.codes.missing, m.Name+" is required", "Give it: "+m.Shape.Describe()+".")
		}
	}
	for name := range in {
		if _, ok := sh.Member(name); ok {
			continue
		}
		names := make([]string, len(sh.Members))
		for i, m := range sh.Members {
			names[i] = m.Name
		}
		c.add(at.Named(name), c.codes.unknown, "There is no such parameter", Suggest(name, names))
	}
}

func (c *shapeChecker) list(at Trail, sh *Shape, l []any) {
	c.size(at, sh, len(l), "entries")
	for i, v := range l {
		here := at.Entry(i)
		if v == nil {
			c.invalid(here, "A list holds no null", "Leave the entry out.")
			continue
		}
		c.value(here, sh.Element, v)
	}
}

func (c *shapeChecker) mapping(at Trail, sh *Shape, m map[string]any) {
	c.size(at, sh, len(m), "entries")
	for k, v := range m {
		here := at.Named(k)
		c.text(here, sh.Key, k)
		if v == nil {
			c.invalid(here, "A map holds no null", "Leave the entry out.")
			continue
		}
		c.value(here, sh.Value, v)
	}
}

func (c *shapeChecker) text(at Trail, sh *Shape, s string) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		c.invalid(at, "It must be text without NUL characters, in UTF-8", "Remove the bytes that are not text.")
		return
	}
	if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, s) {
		c.invalid(at, "It must be one of "+strings.Join(sh.Enum, ", "), Suggest(s, sh.Enum))
		return
	}
	if c.size(at, sh, utf8.RuneCountInString(s), "characters") && !sh.MatchPattern(s) {
		c.invalid(at, lastName(at.String())+mustMatch+sh.Pattern, "Write "+sh.Describe()+".")
	}
}

// size reports a length out of bounds and whether it was within them.
func (c *shapeChecker) size(at Trail, sh *Shape, n int, unit string) bool {
	switch {
	case sh.Min != nil && int64(n) < *sh.Min && n == 0:
		c.invalid(at, "It must not be empty", "Leave it out, or give "+sh.Describe()+".")
	case sh.Min != nil && int64(n) < *sh.Min:
		c.invalid(at, fmt.Sprintf("It has %d %s and must have at least %d", n, unit, *sh.Min), "Write "+sh.Describe()+".")
	case sh.Max != nil && int64(n) > *sh.Max && *sh.Max == 0:
		c.invalid(at, "It must be empty", `Write "", or leave it out.`)
	case sh.Max != nil && int64(n) > *sh.Max:
		c.invalid(at, fmt.Sprintf("It has %d %s and must have at most %d", n, unit, *sh.Max), "Write "+sh.Describe()+".")
	default:
		return true
	}
	return false
}

// number checks a number's kind and range and says whether v is one.
func (c *shapeChecker) number(at Trail, sh *Shape, v any) bool {
	n, ok := ToNumber(v)
	if !ok {
		return false
	}
	whole := sh.Type == "integer" || sh.Type == "long"
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0), whole && n != math.Trunc(n):
		c.invalid(at, "It must be "+aType(sh.Type), "Write "+sh.Describe()+".")
	case sh.Min != nil && n < float64(*sh.Min):
		c.invalid(at, fmt.Sprintf("It must be at least %d", *sh.Min), "Write "+sh.Describe()+".")
	case sh.Max != nil && n > float64(*sh.Max):
		c.invalid(at, fmt.Sprintf("It must be at most %d", *sh.Max), "Write "+sh.Describe()+".")
	}
	return true
}

// ToNumber returns a number of any of the forms that an input may hold.
func ToNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	if _, ok := ToNumber(v); ok {
		return "a number"
	}
	return "something else"
}

// Suggest advises the candidate nearest to what was written, or names them all.
func Suggest(given string, candidates []string) string {
	best, least := "", len(given)/3+2
	for _, c := range candidates {
		if strings.EqualFold(c, given) || strings.EqualFold(c, strings.ReplaceAll(given, "_", "")) {
			return "Did you mean " + c + "?"
		}
		if d := levenshtein.Distance(given, c, nil); d < least {
			best, least = c, d
		}
	}
	if best != "" {
		return "Did you mean " + best + "?"
	}
	return "Write one of " + strings.Join(candidates, ", ") + "."
}

// Printable returns a name that came with the input, quoted where a terminal would not show it as it is.
func Printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// lastName is the member a path ends in.
func lastName(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

// sortFindings orders by path, list entries by number.
func sortFindings(fs []Finding) []Finding {
	slices.SortFunc(fs, CompareFindings)
	return fs
}

// CompareFindings orders by path, list entries by number, then by code and message.
func CompareFindings(a, b Finding) int {
	return cmp.Or(comparePaths(a.Path, b.Path), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
}

// comparePaths compares as text, except that a number counts by its value: [2] is before [10].
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			if o := cmp.Or(cmp.Compare(na, nb), cmp.Compare(a[:na], b[:nb])); o != 0 {
				return o
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts the digits that s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
