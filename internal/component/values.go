package component

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// expand replaces the expressions of a text by what they stand for at this moment.
func (s *stepRun) expand(ctx context.Context, text string) (string, error) {
	return expand(text, func(e expr) (string, bool, error) { return s.lookup(ctx, e) })
}

func (s *stepRun) expander(ctx context.Context) func(string) (string, error) {
	return func(text string) (string, error) { return s.expand(ctx, text) }
}

// lookup finds an expression's value; false leaves the expression as it is written.
func (s *stepRun) lookup(ctx context.Context, e expr) (string, bool, error) {
	switch e.kind {
	case nameExpr:
		v, ok := s.values[e.name]
		return v, ok, nil
	case loopExpr:
		if !s.looping || e.name != "loop" && e.name != s.step.Loop.Name {
			return "", false, nil
		}
		if e.key == "index" {
			return strconv.Itoa(s.index), true, nil
		}
		return s.value, true, nil
	case chainExpr:
		return s.chained(e), true, nil
	case ssmExpr:
		v, err := s.parameter(ctx, e)
		return v, true, err
	case unknownExpr:
	}
	return "", false, nil
}

// chained is what an earlier step left. A step that was skipped, or belongs to a phase that does not
// run, left nothing: its outputs are empty, on which AWS's STIG component relies. An expression
// without an index means the first entry.
func (s *stepRun) chained(e expr) string {
	r, ran := s.ran[e.phase+"."+e.step]
	if !ran {
		return ""
	}
	index := max(0, e.index)
	if e.outputs {
		if index >= len(r.Outputs) {
			return ""
		}
		return r.Outputs[index][e.key]
	}
	if index >= len(r.Inputs) {
		return ""
	}
	return asText(r.Inputs[index][e.key])
}

// asText is how an input is spliced into a text; lists become lines.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, "\n")
	case map[string]string:
		var lines []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, k+"="+v[k])
		}
		return strings.Join(lines, "\n")
	default:
		return fmt.Sprint(v)
	}
}

// parameter is a value of SSM Parameter Store.
func (s *stepRun) parameter(ctx context.Context, e expr) (string, error) {
	name := e.name
	if e.indirect {
		if ref, nested := strings.CutPrefix(name, "aws:ssm:"); nested {
			v, err := s.parameter(ctx, expr{name: ref})
			if err != nil {
				return "", err
			}
			name = v
		} else {
			name = s.values[name]
		}
	}
	v, err := s.fetchParameter(ctx, name)
	switch {
	case errors.Is(err, errNobody):
		return "", fmt.Errorf("the SSM parameter %q is not known here; give its value to the run", name)
	case err != nil:
		return "", fmt.Errorf("the SSM parameter %q is not known here: %w", name, err)
	}
	if strings.Contains(v, "\n") {
		return "", fmt.Errorf("the SSM parameter %q has several lines, which AWSTOE refuses", name)
	}
	return v, nil
}

// fetchParameter looks into the job, and asks once for what it does not hold.
func (s *stepRun) fetchParameter(ctx context.Context, name string) (string, error) {
	if v, ok := s.job.SSM[name]; ok {
		return v, nil
	}
	if v, ok := s.asked[name]; ok {
		return v, nil
	}
	a, err := s.asker.ask(ctx, question{Kind: parameterQuestion, Name: name})
	if err != nil {
		return "", err
	}
	if a.Secret {
		s.secrets.add(a.Value)
	}
	s.asked[name] = a.Value
	return a.Value, nil
}

// resolve expands the step's inputs and brings what came from an expression into its input's type.
func (s *stepRun) resolve(ctx context.Context) ([]Input, error) {
	m, _ := ModuleNamed(s.step.Action)
	out := make([]Input, len(s.step.Inputs))
	for i, in := range s.step.Inputs {
		out[i] = Input{}
		for name, v := range in {
			expanded, err := s.expandValue(ctx, v)
			if err != nil {
				return nil, fmt.Errorf("the input %s: %w", name, err)
			}
			spec, _ := m.input(name)
			if out[i][name], err = convert(expanded, spec); err != nil {
				return nil, fmt.Errorf("the input %s: %w", name, err)
			}
		}
	}
	return out, nil
}

func (s *stepRun) expandValue(ctx context.Context, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return s.expand(ctx, v)
	case []string:
		out := make([]string, len(v))
		for i, e := range v {
			var err error
			if out[i], err = s.expand(ctx, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]string:
		out := map[string]string{}
		for k, e := range v {
			var err error
			if out[k], err = s.expand(ctx, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return v, nil
	}
}

func convert(v any, spec inputSpec) (any, error) {
	text, isText := v.(string)
	if !isText {
		return v, nil
	}
	switch spec.typ { //nolint:exhaustive // the others are texts, lists or maps already
	case boolInput:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return b, nil
	case intInput:
		i, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", text)
		}
		return i, nil
	default:
		return v, nil
	}
}

// path makes a relative path absolute: it starts in the working directory, as a script does.
// A separator at its end is kept, because it has a meaning.
func (s *stepRun) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	full := filepath.Join(s.start(), p)
	if endsWithSeparator(p) {
		full += string(filepath.Separator)
	}
	return full
}

// start is the directory in which commands start.
func (s *stepRun) start() string {
	if s.job.Start != "" {
		return s.job.Start
	}
	return s.job.WorkingDirectory
}

func endsWithSeparator(p string) bool {
	return strings.HasSuffix(p, "/") || strings.HasSuffix(p, string(filepath.Separator))
}

// text, flag and list read resolved inputs.
func (in Input) text(name string) string {
	v, _ := in[name].(string)
	return v
}

func (in Input) flag(name string, def bool) bool {
	if v, ok := in[name].(bool); ok {
		return v
	}
	return def
}

func (in Input) list(name string) []string {
	v, _ := in[name].([]string)
	return v
}
