package awsmodel

import (
	"slices"
	"strconv"
	"strings"
)

// A rule is something the service enforces and its model does not say.
type rule struct {
	ops []string // operations of Image Builder it holds for
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
	path  string
	found []Finding
}

// refuse reports the subject, or with sub something inside it.
func (s *subject) refuse(sub, detail, advice string) {
	s.refuseAs(codeValue, sub, detail, advice)
}

func (s *subject) refuseAs(code, sub, detail, advice string) {
	path := s.path + sub
	if s.path == "" {
		path = strings.TrimPrefix(sub, ".")
	}
	s.found = append(s.found, Finding{
		Path: path, Code: code, Message: notValid(path, detail), Advice: advice, Quota: code == codeQuota,
	})
}

// ruleTable is all rules, by topic.
var ruleTable = slices.Concat(
	commonRules, documentRules, recipeRules, infrastructureRules, distributionRules, imageRules, pipelineRules, workflowRules, lifecycleRules,
)

// checkRules applies the rules for the operation, leaving out paths that the model already refused.
func (op *Operation) checkRules(input map[string]any, refused []Finding) []Finding {
	if op.Service != "imagebuilder" {
		return nil
	}
	var found []Finding
	for i := range ruleTable {
		r := &ruleTable[i]
		if !slices.Contains(r.ops, op.Name) {
			continue
		}
		walk(r.path, subject{value: input, root: input}, func(s *subject) {
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
func walk(path string, at subject, judge func(*subject)) {
	if !present(at.value) || isUnknown(at.value) {
		return
	}
	if path == "" {
		judge(&at)
		return
	}
	if rest, ok := strings.CutPrefix(path, "[]"); ok {
		l, _ := at.value.([]any)
		for i, v := range l {
			walk(strings.TrimPrefix(rest, "."), subject{value: v, root: at.root, owner: l, path: at.path + index(i)}, judge)
		}
		return
	}
	name, rest := path, ""
	if i := strings.IndexAny(path, ".["); i >= 0 {
		name, rest = path[:i], strings.TrimPrefix(path[i:], ".")
	}
	if m, ok := at.value.(map[string]any); ok {
		walk(rest, subject{value: m[name], root: at.root, owner: m, path: join(at.path, name)}, judge)
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
