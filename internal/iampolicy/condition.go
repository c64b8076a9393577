package iampolicy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An operator compares one value of the request with one of the policy.
type operator struct {
	holds func(have, want string) bool
	// not turns it round: it holds when no value of the policy matches, and where the key is absent.
	not bool
}

var operators = map[string]operator{ //nolint:gochecknoglobals // a table, never written
	"StringEquals":              {holds: equal},
	"StringNotEquals":           {holds: equal, not: true},
	"StringEqualsIgnoreCase":    {holds: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {holds: strings.EqualFold, not: true},
	"StringLike":                {holds: like},
	"StringNotLike":             {holds: like, not: true},
	"ArnEquals":                 {holds: like},
	"ArnLike":                   {holds: like},
	"ArnNotEquals":              {holds: like, not: true},
	"ArnNotLike":                {holds: like, not: true},
	"Bool":                      {holds: strings.EqualFold},
}

func equal(have, want string) bool { return have == want }
func like(have, want string) bool  { return Match(want, have) }

// unmet are the conditions that do not hold, as sentences in the order of their operators and keys.
func (c Conditions) unmet(context map[string][]string) ([]string, error) {
	known := map[string][]string{}
	for key, values := range context {
		known[strings.ToLower(key)] = values
	}
	var out []string
	for _, op := range slices.Sorted(maps.Keys(c)) {
		for _, key := range slices.Sorted(maps.Keys(c[op])) {
			want := c[op][key]
			have, present := known[strings.ToLower(key)]
			ok, err := holds(op, have, present, want)
			if err != nil {
				return nil, err
			}
			if !ok {
				out = append(out, sentence(op, key, want, have, present))
			}
		}
	}
	return out, nil
}

func sentence(op, key string, want, have []string, present bool) string {
	if !present {
		return fmt.Sprintf("%s wants %s to be %q, and the request has no such key", op, key, want)
	}
	return fmt.Sprintf("%s wants %s to be %q, and it is %q", op, key, want, have)
}

// holds judges one operator with its prefix and ending.
func holds(name string, have []string, present bool, want []string) (bool, error) {
	if name == "Null" {
		return slices.Contains(want, "true") != present, nil
	}
	base, ifExists := strings.CutSuffix(name, "IfExists")
	base, all := strings.CutPrefix(base, "ForAllValues:")
	base, some := strings.CutPrefix(base, "ForAnyValue:")
	op, ok := operators[base]
	if !ok {
		return false, fmt.Errorf("the condition operator %q cannot be judged here", name)
	}
	if i := slices.IndexFunc(want, func(w string) bool { return strings.Contains(w, "${") }); i >= 0 {
		return false, fmt.Errorf("the policy variable in %q cannot be judged here", want[i])
	}
	one := func(h string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return op.holds(h, w) }) != op.not
	}
	switch {
	case !present && (ifExists || all):
		return true, nil
	case !present:
		return op.not && !some, nil
	case all:
		return !slices.ContainsFunc(have, func(h string) bool { return !one(h) }), nil
	case op.not && !some: // no value may match
		return !slices.ContainsFunc(have, func(h string) bool { return !one(h) }), nil
	default:
		return slices.ContainsFunc(have, one), nil
	}
}
