package rules

import (
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// An application is a rule at one of its paths.
type application struct {
	rule *Rule
	part string // the call of a build that the path leads into
}

// places are where the rules of an operation judge, as a tree, so that an input is walked once for all of
// them: most members of most inputs are absent.
type places struct {
	here    []application // judge what is here, in the tables' order
	members []*places
	name    string  // of the member, below a structure
	entries *places // of a list
}

// applied are the places by "service:operation"; "build" holds those across calls.
var applied = sync.OnceValue(func() map[string]*places {
	m := map[string]*places{}
	for _, t := range Topics() {
		for i := range t.Rules {
			r := &t.Rules[i]
			for _, s := range r.on {
				part, _, _ := strings.Cut(s.path, ".")
				for _, op := range s.ops {
					key := r.service() + op
					if m[key] == nil {
						m[key] = &places{}
					}
					at := m[key].below(s.path)
					at.here = append(at.here, application{r, part})
				}
			}
		}
	}
	return m
})

// below is the place that a path leads to.
func (p *places) below(path string) *places {
	if path == "" {
		return p
	}
	if rest, ok := strings.CutPrefix(path, "[]"); ok {
		if p.entries == nil {
			p.entries = &places{}
		}
		return p.entries.below(strings.TrimPrefix(rest, "."))
	}
	name, rest := path, ""
	if i := strings.IndexAny(path, ".["); i >= 0 {
		name, rest = path[:i], strings.TrimPrefix(path[i:], ".")
	}
	for _, m := range p.members {
		if m.name == name {
			return m.below(rest)
		}
	}
	m := &places{name: name}
	p.members = append(p.members, m)
	return m.below(rest)
}

// judge reports what the rules find in the subject's root and everything present and known inside it.
func (p *places) judge(s *subject, report func(application, awsmodel.Finding)) {
	if p == nil {
		return
	}
	s.at = make(awsmodel.Trail, 0, awsmodel.Deep)
	p.walk(s, s.root, nil, report)
}

// walk judges v and what is inside it. The subject is one for all places; its trail is longer only while walk runs.
func (p *places) walk(s *subject, v, owner any, report func(application, awsmodel.Finding)) {
	if v == nil {
		return
	}
	if u, ok := v.(awsmodel.Unknown); ok {
		if u.Question != "" {
			p.apply(s, u.Question, owner, report)
		}
		return
	}
	p.apply(s, v, owner, report)
	at := s.at
	if m, ok := v.(map[string]any); ok {
		for _, below := range p.members {
			if e := m[below.name]; e != nil {
				s.at = at.Named(below.name)
				below.walk(s, e, m, report)
			}
		}
	}
	if l, ok := v.([]any); ok && p.entries != nil {
		for i, e := range l {
			s.at = at.Entry(i)
			p.entries.walk(s, e, l, report)
		}
	}
	s.at = at
}

func (p *places) apply(s *subject, v, owner any, report func(application, awsmodel.Finding)) {
	for _, a := range p.here {
		s.value, s.owner, s.rule = v, owner, a.rule
		a.rule.judge(s)
		for _, f := range s.found {
			report(a, f)
		}
		s.found = s.found[:0]
	}
}
