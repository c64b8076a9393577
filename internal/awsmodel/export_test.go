package awsmodel

import "slices"

// RuleNames names every rule by its path and source, for the test that each has its cases.
func RuleNames() []string {
	var names []string
	for _, r := range ruleTable {
		names = append(names, r.path+" | "+r.source)
	}
	return names
}

// Judged returns the rules that accepted and that refused something in an input, by index.
func Judged(op string, input map[string]any) (accepted, refused []int) {
	for i, r := range ruleTable {
		if !slices.Contains(r.ops, op) {
			continue
		}
		walk(r.path, subject{value: input, root: input}, func(s *subject) {
			r.judge(s)
			if len(s.found) == 0 {
				accepted = append(accepted, i)
			} else {
				refused = append(refused, i)
			}
		})
	}
	return accepted, refused
}

// Untold are the patterns of a service that Go's regular expressions cannot tell, by shape.
func Untold(s *Service) []string {
	var names []string
	for name, sh := range s.shapes {
		if sh.pattern != nil && sh.pattern.compile().re == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Load parses a model anew, as the first Get does.
func Load(service string) (*Service, error) { return load(service) }
