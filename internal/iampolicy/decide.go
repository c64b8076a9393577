package iampolicy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Request is one action that somebody wants to take.
type Request struct {
	Action   string // "imagebuilder:CreateImage"
	Resource string // an ARN, or "*" for actions that have no resource; unused by trust policies
	// Principal is who asks, by kind: {"Federated": {"arn:…:oidc-provider/…"}}. Only trust policies look at it.
	Principal Principal
	// Context are the values of context keys: "aws:RequestTag/team". Names are compared without case.
	Context map[string][]string
}

// A Decision is what one document says about a request.
type Decision struct {
	Allowed bool
	// Denied is a statement that denies it outright; "" for none.
	Denied string
	// Unmet are the conditions that kept statements with this action, resource and principal from
	// applying: sentences.
	Unmet []string
}

// Decide judges a request. An error says what in the document cannot be judged.
func (d Document) Decide(r Request) (Decision, error) {
	var out Decision
	for i, s := range d.Statement {
		if !s.names(r) {
			continue
		}
		unmet, err := s.Condition.unmet(r.Context)
		if err != nil {
			return out, fmt.Errorf("statement %d: %w", i+1, err)
		}
		switch {
		case len(unmet) > 0 && s.Effect == "Allow":
			out.Unmet = append(out.Unmet, unmet...)
		case len(unmet) > 0: // a denial that does not apply
		case s.Effect == "Deny":
			out.Denied = fmt.Sprintf("statement %d", i+1)
			if s.Sid != "" {
				out.Denied = s.Sid
			}
		default:
			out.Allowed = true
		}
	}
	if out.Denied != "" {
		out.Allowed = false
	}
	return out, nil
}

// names reports whether the statement is about this action, resource and principal.
func (s Statement) names(r Request) bool {
	if len(s.Action) > 0 && !matchAny(s.Action, r.Action, fold) || len(s.NotAction) > 0 && matchAny(s.NotAction, r.Action, fold) {
		return false
	}
	if len(s.Resource) > 0 && !matchAny(s.Resource, r.Resource, exact) || len(s.NotResource) > 0 && matchAny(s.NotResource, r.Resource, exact) {
		return false
	}
	return s.Principal == nil || s.Principal.names(r.Principal)
}

func (p Principal) names(who Principal) bool {
	if slices.Contains(p["*"], "*") {
		return true
	}
	for kind, wanted := range p {
		for _, w := range wanted {
			if w == "*" && len(who[kind]) > 0 || slices.Contains(who[kind], w) {
				return true
			}
		}
	}
	return false
}

func exact(s string) string { return s }
func fold(s string) string  { return strings.ToLower(s) }

func matchAny(patterns []string, s string, as func(string) string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(as(p), as(s)) })
}

// Match compares a text with a pattern in which * is any text and ? any one character.
func Match(pattern, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		_, size := utf8.DecodeRuneInString(s[j:])
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case i < len(pattern) && pattern[i] == '?':
			i++
			j += size
		case i < len(pattern) && pattern[i] == s[j]:
			i++
			j++
		case star >= 0: // the last star takes one more
			_, size = utf8.DecodeRuneInString(s[mark:])
			mark += size
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
