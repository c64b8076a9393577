package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// longestPayload is the most bytes that a step hands to a topic, a function or a state machine.
const longestPayload = 16 << 10

// workflowInputs judges what steps give their actions: what is required, of which form, and which values there are.
func workflowInputs(s *subject, d *workflowDoc) {
	for _, step := range d.steps {
		verb := text(step["action"])
		action, ok := workflowActions[verb]
		if !ok {
			continue
		}
		of := stepTitle(step)
		inputs, isMap := step["inputs"].(map[string]any)
		if v, given := step["inputs"]; given && v != nil && !isMap {
			s.refuse("", of+" has inputs that are no map", "Write each input's name and value under inputs.")
			continue
		}
		s.members(of+": the action "+verb, inputs, action.inputs)
	}
}

// members judges a map of inputs.
func (s *subject) members(of string, given map[string]any, specs map[string]actionInput) {
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		spec := specs[name]
		chained, byReference := given[name+".$"]
		v, direct := given[name]
		switch {
		case byReference && spec.typ == stepsOnly && !strings.HasPrefix(text(chained), "$.stepOutputs."):
			s.refuse("", of+" takes as "+name+".$ "+string(spec.typ), "Write $.stepOutputs.<step of the action DistributeImage>.distributedImages.")
		case byReference:
		case spec.typ == stepsOnly && spec.required:
			s.refuse("", of+" requires the input "+name+".$", "Write "+name+".$: $.stepOutputs.<step of the action DistributeImage>.distributedImages.")
		case (!direct || v == nil) && spec.required:
			s.refuse("", of+" requires the input "+name, "Give it under inputs, as "+name+" or, for a reference, as "+name+".$.")
		case direct:
			s.input(of, name, v, spec)
		}
	}
}

// input judges one value.
func (s *subject) input(of, name string, v any, spec actionInput) {
	if dynamic(v) {
		return
	}
	if !spec.typ.fits(v) {
		s.refuse("", of+" takes as "+name+" "+string(spec.typ), "Write "+string(spec.typ)+".")
		return
	}
	said := fmt.Sprint(v)
	if spec.values != nil && !slices.Contains(spec.values, said) {
		s.refuse("", of+" does not take "+strconv.Quote(awsmodel.Printable(said))+" as "+name, awsmodel.Suggest(said, spec.values))
	}
	if spec.check != nil {
		if wrong := spec.check(said); wrong != "" {
			s.refuse("", of+": its "+name+" "+wrong, "Correct it, or give a reference as "+name+".$.")
		}
	}
	if spec.members == nil {
		return
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, e := range list {
		s.members(of+", "+name, object(e), spec.members)
	}
}

// fits says whether a value has the form of the type.
func (t inputType) fits(v any) bool {
	switch x := v.(type) {
	case []any:
		switch t {
		case texts:
			return !slices.ContainsFunc(x, func(e any) bool { return !scalar(e) })
		case records, record:
			return !slices.ContainsFunc(x, func(e any) bool { _, ok := e.(map[string]any); return !ok })
		case anyList:
			return true
		case anyText, trueFalse, anyMap, textLists, stepsOnly:
		}
		return false
	case map[string]any:
		if t == textLists {
			for k, e := range x {
				if !strings.HasSuffix(k, ".$") && !dynamic(e) && !texts.fits(e) {
					return false
				}
			}
			return true
		}
		return t == anyMap || t == record
	case bool:
		return t == trueFalse || t == anyText
	case string:
		return t == anyText || t == trueFalse && (x == "true" || x == "false")
	}
	return t == anyText && v != nil
}

func scalar(v any) bool {
	switch v.(type) {
	case nil, []any, map[string]any:
		return false
	}
	return true
}

func stateMachine(v string) string {
	if a, err := awsmodel.ParseARN(v); err != nil || a.Service != "states" || !strings.HasPrefix(a.Resource, "stateMachine:") {
		return "is not the ARN of a state machine"
	}
	return ""
}

func topic(v string) string {
	if a, err := awsmodel.ParseARN(v); err != nil || a.Service != "sns" {
		return "is not the ARN of an SNS topic"
	}
	return ""
}

func amiText(v string) string {
	if !amiID().MatchString(v) {
		return "is not an AMI id"
	}
	return ""
}

func shortText(v string) string {
	if len(v) > longestPayload {
		return "is longer than 16 KiB"
	}
	return ""
}

// jsonText judges a text that is handed on as JSON.
func jsonText(v string) string {
	if !json.Valid([]byte(v)) {
		return "is not JSON"
	}
	return shortText(v)
}

// The fields of a document's parts (User Guide, "Create a YAML workflow document").
var (
	documentFields  = []string{"name", "description", "schemaVersion", "parameters", "steps", "outputs"}
	stepFields      = []string{"name", "action", "description", "if", "inputs", "onFailure", "rollbackEnabled", "timeoutSeconds", "waitSeconds", "retry"}
	parameterFields = []string{"name", "type", "default", "description"}
	outputFields    = []string{"name", "value", "value.$", "description"}
)

// workflowFields reports names that no part of a document has.
func workflowFields(s *subject, d *workflowDoc) {
	s.fields("The document", d.root, documentFields)
	for _, p := range d.parameters {
		s.fields("The parameter "+quoted(p["name"]), p, parameterFields)
	}
	for _, o := range d.outputs {
		s.fields("The output "+quoted(o["name"]), o, outputFields)
	}
	for _, step := range d.steps {
		of := stepTitle(step)
		s.fields(of, step, stepFields)
		verb := text(step["action"])
		if action, ok := workflowActions[verb]; ok {
			s.inputNames(of+": the action "+verb, object(step["inputs"]), action.inputs)
		}
	}
}

func (s *subject) fields(of string, given map[string]any, known []string) {
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, k) {
			s.refuse("", awsmodel.Printable(of+" has a field "+strconv.Quote(k)+" that workflow documents don't have"), awsmodel.Suggest(k, known))
		}
	}
}

func (s *subject) inputNames(of string, given map[string]any, specs map[string]actionInput) {
	all := slices.Sorted(maps.Keys(specs))
	for _, k := range slices.Sorted(maps.Keys(given)) {
		name := strings.TrimSuffix(k, ".$")
		spec, ok := specs[name]
		if !ok {
			s.refuse("", awsmodel.Printable(of+" has no input "+name), awsmodel.Suggest(name, all))
			continue
		}
		if spec.members == nil {
			continue
		}
		list, isList := given[k].([]any)
		if !isList {
			list = []any{given[k]}
		}
		for _, e := range list {
			s.inputNames(of+", "+name, object(e), spec.members)
		}
	}
}
