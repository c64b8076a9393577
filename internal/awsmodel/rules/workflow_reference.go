package rules

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// workflowReferences holds what a document reads to what it declares: parameters, outputs of earlier steps, and
// Image Builder's own variables. What other workflows put out is judged with the image that runs them.
func workflowReferences(s *subject, d *workflowDoc) {
	said := map[string]bool{}
	for i, step := range d.steps {
		in := map[string]any{"inputs": step["inputs"], "if": step["if"], "rollbackEnabled": step["rollbackEnabled"]}
		references(in, false, func(ref string, chained bool) {
			s.reference(d, i, ref, chained, said)
		})
	}
	for _, o := range d.outputs {
		references(o["value"], true, func(ref string, chained bool) { s.reference(d, len(d.steps), ref, chained, said) })
	}
}

// reference judges one reference of a step; the outputs stand behind the last.
func (s *subject) reference(d *workflowDoc, step int, ref string, chained bool, said map[string]bool) {
	path := pathOf(ref)
	name := ""
	if len(path) > 1 {
		name = path[1]
	}
	detail, advice := "", ""
	switch strings.ToLower(path[0]) {
	case "parameters":
		if declared := names(d.parameters); !slices.Contains(declared, name) && (len(path) < 3 || !slices.Contains(names(d.steps), name)) {
			detail, advice = "and there is no parameter "+name, awsmodel.Suggest(name, declared)
			if len(declared) == 0 {
				advice = "Declare it under parameters, with name and type."
			}
		}
	case "stepoutputs":
		detail, advice = d.stepOutput(step, path[1:])
	case "imagebuilder":
		if !slices.ContainsFunc(systemVariables, func(v string) bool { return strings.EqualFold(v, name) }) {
			detail, advice = "and Image Builder has no variable "+name, awsmodel.Suggest(name, systemVariables)
		}
	case "workflowoutputs":
		if text(s.root["type"]) == "BUILD" {
			detail, advice = "and no workflow runs before a build workflow", "Read a parameter, or the output of a step."
		}
	default:
		if chained {
			detail, advice = "which leads nowhere", "Begin it with $.parameters, $.stepOutputs, $.workflowOutputs or $.imagebuilder."
		}
	}
	if key := ref + detail; detail != "" && !said[key] {
		said[key] = true
		s.refuse("", awsmodel.Printable(d.place(step)+" reads "+ref+", "+detail), advice)
	}
}

// place names a step, or the outputs behind the last.
func (d *workflowDoc) place(step int) string {
	if step < len(d.steps) {
		return stepTitle(d.steps[step])
	}
	return "An output"
}

// stepOutput judges the path behind $.stepOutputs: a step that ran before, and an output of its action.
func (d *workflowDoc) stepOutput(reader int, path []string) (detail, advice string) {
	if len(path) == 0 || path[0] == "" {
		return "which names no step", "Write $.stepOutputs.<step>.<output>."
	}
	before := d.steps[:min(reader, len(d.steps))]
	named := func(st map[string]any) bool { return text(st["name"]) == path[0] }
	i := slices.IndexFunc(before, named)
	if i < 0 {
		switch {
		case slices.ContainsFunc(d.steps, named):
			return "and that step does not run before it", "Move the step " + path[0] + " before it."
		case len(path) == 1 && slices.ContainsFunc(before, func(st map[string]any) bool {
			return slices.Contains(workflowActions[text(st["action"])].outputs, path[0])
		}):
			return "", "" // the node for the step's name is optional
		case len(before) == 0:
			return "and no step runs before it", "Add a step that has the output, before it."
		}
		return "and there is no step " + path[0], awsmodel.Suggest(path[0], names(before))
	}
	verb := text(before[i]["action"])
	action, ok := workflowActions[verb]
	switch {
	case !ok: // an unknown action is reported by itself
		return "", ""
	case len(action.outputs) == 0:
		return "and the action " + verb + " has no outputs", "Read another step's output."
	case len(path) == 1:
		return "which names no output", "Write one of " + strings.Join(action.outputs, ", ") + " behind the step."
	case !slices.Contains(action.outputs, path[1]):
		return "and the action " + verb + " has no output " + path[1], awsmodel.Suggest(path[1], action.outputs)
	}
	return "", ""
}

// workflowChaining reports references that are taken for texts.
func workflowChaining(s *subject, d *workflowDoc) {
	for _, step := range d.steps {
		inputs := object(step["inputs"])
		references(inputs, false, func(ref string, chained bool) {
			if !chained && slices.Contains([]string{"parameters", "stepoutputs", "workflowoutputs", "imagebuilder"}, strings.ToLower(pathOf(ref)[0])) {
				s.refuse("", awsmodel.Printable(stepTitle(step)+" gives "+ref+" under a name without .$, which may pass the text itself"), "Write .$ behind the input's name, as in instanceId.$.")
			}
		})
	}
}
