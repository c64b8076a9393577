package component

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	// covered is what a log shows in place of a secret.
	covered = "****"
	// shortestSecret is the length from which a secret is covered: less occurs in any text.
	shortestSecret = 4
)

// secrets are the values of SecureStrings. They are covered in all that leaves a run; between steps
// they are passed on as they are.
type secrets struct {
	mu     sync.Mutex
	values []string
	cover  *strings.Replacer // nil where there is none
}

func (s *secrets) add(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(value) < shortestSecret || slices.Contains(s.values, value) {
		return
	}
	s.values = append(s.values, value)
	// A secret that contains another is covered as a whole.
	slices.SortFunc(s.values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, v := range s.values {
		pairs = append(pairs, v, covered)
	}
	s.cover = strings.NewReplacer(pairs...)
}

func (s *secrets) replacer() *strings.Replacer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cover
}

// event covers what an event shows.
func (s *secrets) event(e Event) Event {
	r := s.replacer()
	if r == nil {
		return e
	}
	e.Line = r.Replace(e.Line)
	if e.Result != nil {
		c := coverStep(*e.Result, r)
		e.Result = &c
	}
	return e
}

// result covers what a run's result shows.
func (s *secrets) result(res *Result) {
	r := s.replacer()
	if r == nil {
		return
	}
	coverResult(res, r)
}

func coverResult(res *Result, r *strings.Replacer) {
	res.FailureMessage = r.Replace(res.FailureMessage)
	if res.FirstFailure != nil {
		c := coverStep(*res.FirstFailure, r)
		res.FirstFailure = &c
	}
	for i := range res.Steps {
		res.Steps[i] = coverStep(res.Steps[i], r)
	}
}

func coverStep(s StepResult, r *strings.Replacer) StepResult {
	s.Message, s.Stderr = r.Replace(s.Message), r.Replace(s.Stderr)
	s.Outputs = slices.Clone(s.Outputs)
	for i, o := range s.Outputs {
		s.Outputs[i] = maps.Clone(o)
		for k, v := range o {
			s.Outputs[i][k] = r.Replace(v)
		}
	}
	s.Inputs = slices.Clone(s.Inputs)
	for i, in := range s.Inputs {
		s.Inputs[i] = maps.Clone(in)
		for k, v := range in {
			s.Inputs[i][k] = coverValue(v, r)
		}
	}
	for i, n := range s.Nested {
		c := *n
		c.Steps = slices.Clone(c.Steps)
		coverResult(&c, r)
		s.Nested[i] = &c
	}
	return s
}

func coverValue(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []string:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = r.Replace(e)
		}
		return out
	case map[string]string:
		out := make(map[string]string, len(v))
		for k, e := range v {
			out[k] = r.Replace(e)
		}
		return out
	default:
		return v
	}
}
