package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A workflowDoc is a workflow's document, as far as it has the form of one.
type workflowDoc struct {
	root       map[string]any
	parameters []map[string]any
	steps      []map[string]any
	outputs    []map[string]any
}

// parseWorkflow reads a document; nil where it is no YAML mapping.
func parseWorkflow(data string) (*workflowDoc, error) {
	var root map[string]any
	if err := yaml.Unmarshal([]byte(data), &root); err != nil {
		if _, isYAML := errors.AsType[*yaml.TypeError](err); isYAML {
			return nil, errors.New("is not a YAML mapping")
		}
		return nil, fmt.Errorf("is not YAML: %s", awsmodel.Printable(err.Error()))
	}
	of := func(name string) []map[string]any {
		var out []map[string]any
		for _, e := range entries(root[name]) {
			if m, ok := e.(map[string]any); ok { // what is none is ib-workflow-document's
				out = append(out, m)
			}
		}
		return out
	}
	return &workflowDoc{root, of("parameters"), of("steps"), of("outputs")}, nil
}

// document judges a document that can be read; what can't is ib-workflow-document's.
func document(judge func(*subject, *workflowDoc)) func(*subject) {
	return func(s *subject) {
		if d, err := parseWorkflow(text(s.value)); err == nil {
			judge(s, d)
		}
	}
}

// stepTitle names a step in sentences.
func stepTitle(step map[string]any) string {
	return "The step " + awsmodel.Printable(quoted(step["name"]))
}

func quoted(v any) string { return fmt.Sprintf("%q", text(v)) }

// references calls visit for every reference in a step or an output: strings that are one, under a key that ends
// in ".$" or not, and what stands in {{ }} within a string.
func references(v any, chained bool, visit func(ref string, chained bool)) {
	switch x := v.(type) {
	case string:
		if r := strings.TrimSpace(x); strings.HasPrefix(r, "$.") && !strings.ContainsAny(r, "{ \n") {
			visit(r, chained)
			return
		}
		for _, m := range dynamicValue().FindAllString(x, -1) {
			if r := strings.TrimSpace(strings.Trim(m, "{}")); strings.HasPrefix(r, "$.") {
				visit(r, true)
			}
		}
	case []any:
		for _, e := range x {
			references(e, chained, visit)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			references(x[k], strings.HasSuffix(k, ".$"), visit)
		}
	}
}

// dynamic says that a value is known only when the workflow runs.
func dynamic(v any) bool {
	s, ok := v.(string)
	return ok && (strings.HasPrefix(strings.TrimSpace(s), "$.") || strings.Contains(s, "{{"))
}

// pathOf parts "$.stepOutputs.Launch.output[0]" into its names.
func pathOf(ref string) []string {
	var out []string
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "$."), ".") {
		name, _, _ := strings.Cut(part, "[")
		out = append(out, name)
	}
	return out
}

// names are what the entries of a list are called.
func names(list []map[string]any) []string {
	var out []string
	for _, e := range list {
		if n := text(e["name"]); n != "" {
			out = append(out, n)
		}
	}
	return out
}
