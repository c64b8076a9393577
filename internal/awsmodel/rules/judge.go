package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// The codes of the refusals.
const (
	codeValue       = "InvalidParameterValueException"
	codeCombination = "InvalidParameterCombinationException"
	codeVersion     = "InvalidVersionNumberException"
	codeQuota       = "ServiceQuotaExceededException"
)

// A Place is where a call is made. "" stands for what is not known.
type Place struct {
	Region  string
	Account string
}

// A Finding is one reason for which AWS refuses an input, or may.
type Finding struct {
	awsmodel.Finding
	// Rule is the rule that found it; nil for AWS's model.
	Rule *Rule
	// Part is the call of a build that Path leads into: "recipe". "" where one call was judged.
	Part string
}

// Warning says that the input passes all the same.
func (f Finding) Warning() bool { return f.Rule != nil && f.Rule.Severity == Warning }

// Refused says that AWS is known to refuse the input, an account's quotas being the default ones.
func (f Finding) Refused() bool { return !f.Warning() || f.Code == codeQuota }

// Check returns everything that AWS refuses in an operation's input: the model's constraints, and
// the rules about one call. A value that the model refuses is not reported again by a rule.
func Check(op *awsmodel.Operation, input map[string]any, at Place) []Finding {
	refused := op.CheckShape(input)
	found := make([]Finding, 0, len(refused))
	for _, f := range refused {
		found = append(found, Finding{Finding: f})
	}
	applied()[op.Service+":"+op.Name].judge(&subject{root: input, place: at}, func(a application, f awsmodel.Finding) {
		if !slices.ContainsFunc(refused, func(g awsmodel.Finding) bool { return g.Path == f.Path }) {
			found = append(found, Finding{Finding: f, Rule: a.rule})
		}
	})
	return sorted(found)
}

func sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int {
		if c := strings.Compare(a.Part, b.Part); c != 0 {
			return c
		}
		return awsmodel.CompareFindings(a.Finding, b.Finding)
	})
	return found
}

// A subject is the value a rule judges.
type subject struct {
	value any            // never nil or Unknown
	root  map[string]any // the whole input
	owner any            // the structure or list that holds value
	at    awsmodel.Trail // leads to value; overwritten once judge has returned
	place Place          // where the call is made
	build *Build         // nil where one call is judged
	rule  *Rule          // that judges; nil where a document is judged by itself
	found []awsmodel.Finding
}

// refuse reports the subject, or with sub something inside it.
func (s *subject) refuse(sub, detail, advice string) {
	s.refuseAs(codeValue, sub, detail, advice)
}

// wrong reports a combination.
func (s *subject) wrong(sub, detail, advice string) { s.refuseAs(codeCombination, sub, detail, advice) }

func (s *subject) refuseAs(code, sub, detail, advice string) {
	path := s.path(sub)
	message := awsmodel.NotValid(path, detail)
	if s.rule != nil && s.rule.Severity == Warning && code != codeQuota {
		message = strings.TrimSuffix(detail, ".") + "." // AWS's words of a refusal would say that it is one
	}
	s.found = append(s.found, awsmodel.Finding{Path: path, Code: code, Message: message, Advice: advice})
}

// path leads to the subject, or with sub to something inside it, in its own call.
func (s *subject) path(sub string) string {
	at := s.at
	if s.build != nil {
		at = at[1:]
	}
	if len(at) == 0 {
		return strings.TrimPrefix(sub, ".")
	}
	return at.String() + sub
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func present(v any) bool { return v != nil }

func isUnknown(v any) bool {
	_, ok := v.(awsmodel.Unknown)
	return ok
}

// text returns a string's value; "" where v is none, which the model reports.
func text(v any) string {
	s, _ := v.(string)
	return s
}

// asked returns a string's value, or the question whose answer stands there.
func asked(v any) string {
	if u, ok := v.(awsmodel.Unknown); ok {
		return u.Question
	}
	return text(v)
}

// object returns a structure's members; none where v is none, which the model reports.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// entries returns a list's entries; none where v is none, which the model reports.
func entries(v any) []any {
	l, _ := v.([]any)
	return l
}

// filled says that a value is there, or will be: Unknown counts, an empty list or text does not.
func filled(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case string:
		return x != ""
	case []any:
		return len(x) > 0
	case map[string]any:
		return len(x) > 0
	}
	return true
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// digits counts the digits that s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
