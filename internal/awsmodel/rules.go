package awsmodel

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A rule is something the service enforces and its model does not say.
type rule struct {
	ops []string // operations it holds for
	// path leads to what is judged: "distributions[].region" is every entry's. "" is the whole input.
	// A value that is absent or Unknown is not judged, nor is what is inside it.
	path   string
	judge  func(*subject)
	source string // where the service's behaviour is documented or was observed
}

// A subject is the value a rule judges.
type subject struct {
	value any            // never nil or Unknown
	root  map[string]any // the whole input
	owner any            // the structure or list that holds value
	at    trail          // leads to value; overwritten once judge has returned
	found []Finding
}

// refuse reports the subject, or with sub something inside it.
func (s *subject) refuse(sub, detail, advice string) {
	s.refuseAs(codeValue, sub, detail, advice)
}

func (s *subject) refuseAs(code, sub, detail, advice string) {
	path := s.at.String() + sub
	if len(s.at) == 0 {
		path = strings.TrimPrefix(sub, ".")
	}
	s.found = append(s.found, Finding{
		Path: path, Code: code, Message: notValid(path, detail), Advice: advice, Quota: code == codeQuota,
	})
}

// ruleTable is all rules of Image Builder, by topic.
var ruleTable = slices.Concat(
	commonRules, documentRules, recipeRules, infrastructureRules, distributionRules, imageRules, pipelineRules, workflowRules, lifecycleRules,
)

// rulesOf are the rules by "service:operation", in the tables' order.
var rulesOf = sync.OnceValue(func() map[string][]rule {
	m := map[string][]rule{}
	for service, table := range map[string][]rule{"imagebuilder": ruleTable, "appstream": appstreamRules} {
		for _, r := range table {
			for _, op := range r.ops {
				m[service+":"+op] = append(m[service+":"+op], r)
			}
		}
	}
	return m
})

// checkRules applies the rules for the operation, leaving out paths that the model already refused.
func (op *Operation) checkRules(input map[string]any, refused []Finding) []Finding {
	rules := rulesOf()[op.Service+":"+op.Name]
	if len(rules) == 0 {
		return nil
	}
	var found []Finding
	s := subject{value: input, root: input, at: make(trail, 0, deep)}
	for _, r := range rules {
		walk(r.path, s, func(s *subject) {
			r.judge(s)
			for _, f := range s.found {
				if !slices.ContainsFunc(refused, func(g Finding) bool { return g.Path == f.Path }) {
					f.Source = r.source
					found = append(found, f)
				}
			}
		})
	}
	return found
}

// walk calls judge for every present and known value that the rule's path leads to.
func walk(path string, s subject, judge func(*subject)) {
	if !present(s.value) || isUnknown(s.value) {
		return
	}
	if path == "" {
		judged := s // a copy: judge makes what it is handed escape, and most of a path's ends are absent
		judge(&judged)
		return
	}
	if rest, ok := strings.CutPrefix(path, "[]"); ok {
		l, _ := s.value.([]any)
		for i, v := range l {
			walk(strings.TrimPrefix(rest, "."), subject{value: v, root: s.root, owner: l, at: s.at.entry(i)}, judge)
		}
		return
	}
	name, rest := path, ""
	if i := strings.IndexAny(path, ".["); i >= 0 {
		name, rest = path[:i], strings.TrimPrefix(path[i:], ".")
	}
	if m, ok := s.value.(map[string]any); ok {
		walk(rest, subject{value: m[name], root: s.root, owner: m, at: s.at.named(name)}, judge)
	}
}

func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

func present(v any) bool { return v != nil }

func isUnknown(v any) bool {
	_, ok := v.(Unknown)
	return ok
}

// text returns a string's value; "" where v is none, which the model reports.
func text(v any) string {
	s, _ := v.(string)
	return s
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
