package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// Bounds of a step's condition (User Guide, "Use conditional statements in your workflow steps").
const (
	deepestCondition = 4
	mostConditions   = 10
)

var comparisons = []string{"booleanEquals", "numberEquals", "numberGreaterThan", "numberGreaterThanEquals", "numberLessThan", "numberLessThanEquals", "stringEquals"}

var conditionNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?[0-9]+(?:\.[0-9]+)?$`) })

// workflowConditions judges the if of each step.
func workflowConditions(s *subject, d *workflowDoc) {
	for _, step := range d.steps {
		if v, given := step["if"]; given {
			if detail, advice := condition(v, 1); detail != "" {
				s.refuse("", awsmodel.Printable(stepTitle(step)+": "+detail), advice)
			}
		}
	}
}

// condition judges one statement at its level, the first being 1. The guide writes a single statement with and
// without a dash.
func condition(v any, level int) (detail, advice string) {
	if l, ok := v.([]any); ok && len(l) == 1 {
		v = l[0]
	}
	m, ok := v.(map[string]any)
	if !ok {
		return "its if is no single condition", `Write one comparison, as in if: {booleanEquals: true, value: "$.parameters.x"}, or and, or, not.`
	}
	if level > deepestCondition {
		return "its if is more than four levels deep", "Part it into several steps."
	}
	all := append([]string{"and", "or", "not"}, comparisons...)
	var found []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		switch {
		case slices.Contains(all, k):
			found = append(found, k)
		case k != "value" && k != "value.$":
			return "its if has no condition " + strconv.Quote(k), awsmodel.Suggest(k, all)
		}
	}
	if len(found) != 1 {
		return "its if has " + strconv.Itoa(len(found)) + " conditions at one level, and takes one", "Join them with and or or."
	}
	switch op := found[0]; op {
	case "and", "or":
		return branches(op, m[op], level)
	case "not":
		return condition(m[op], level+1)
	default:
		return comparison(op, m)
	}
}

func branches(op string, v any, level int) (detail, advice string) {
	l, ok := v.([]any)
	if !ok || len(l) == 0 || len(l) > mostConditions {
		return "its " + op + " needs a list of 1 to 10 conditions", "Write each condition with a dash."
	}
	for _, e := range l {
		if detail, advice = condition(e, level+1); detail != "" {
			return detail, advice
		}
	}
	return "", ""
}

func comparison(op string, m map[string]any) (detail, advice string) {
	value, given := m["value"]
	if !given {
		value, given = m["value.$"]
	}
	if !given {
		return "its " + op + " has no value to compare with", `Add value, as in value: "$.parameters.x".`
	}
	for _, side := range []any{m[op], value} {
		said := fmt.Sprint(side)
		switch {
		case dynamic(side):
		case op == "booleanEquals" && said != "true" && said != "false":
			return "its booleanEquals compares " + strconv.Quote(said) + ", which is neither true nor false", "Write true, false or a reference."
		case strings.HasPrefix(op, "number") && !conditionNumber().MatchString(said):
			return "its " + op + " compares " + strconv.Quote(said) + ", which is no number", "Write a number or a reference."
		}
	}
	return "", ""
}
