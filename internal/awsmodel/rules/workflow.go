package rules

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var workflowData = on([]string{"CreateWorkflow"}, "data")

const (
	workflowStructure = "User Guide, Create a YAML workflow document"
	workflowStepPages = "User Guide, Supported step actions for your workflow document"
	workflowVariables = "User Guide, Use dynamic variables in your workflow document"
)

// workflowRules hold for the document of a workflow, as far as it can be known without the image it is for.
var workflowRules = []Rule{
	{
		ID: "ib-workflow-document", Source: workflowStructure,
		Says: "A workflow document follows its schema.",
		on:   workflowData, judge: workflowDocument,
	},
	{
		ID: "ib-workflow-quota", Severity: Warning, Source: "User Guide, Workflow resource constraints",
		Says: "A workflow has at most 15 steps, 25 parameters and 25 outputs.",
		on:   workflowData, judge: document(workflowQuotas),
	},
	{
		ID: "ib-workflow-names", Source: workflowStructure,
		Says: "The steps, parameters and outputs of a workflow have names of their own.",
		on:   workflowData, judge: document(workflowNames),
	},
	{
		ID: "ib-workflow-parameter-type", Source: workflowStructure,
		Says: "A parameter of a workflow is a string, an integer, a boolean or a stringList, and so is its default.",
		on:   workflowData, judge: document(parameterTypes),
	},
	{
		ID: "ib-workflow-action", Source: workflowStepPages,
		Says: "A step's action is one that AWS has, in a workflow of a type that it can be in.",
		on:   workflowData, judge: document(stepActions),
	},
	{
		ID: "ib-workflow-timeout", Source: workflowStepPages,
		Says: "A step's timeoutSeconds is at most its action's, and waitSeconds is less.",
		on:   workflowData, judge: document(stepTimes),
	},
	{
		ID: "ib-workflow-input", Source: workflowStepPages,
		Says: "A step gives its action the inputs it requires, with values it takes.",
		on:   workflowData, judge: document(workflowInputs),
	},
	{
		ID: "ib-workflow-condition", Source: "User Guide, Use conditional statements in your workflow steps",
		Says: "A step's if is one condition, at most four levels deep, with at most ten in a branch.",
		on:   workflowData, judge: document(workflowConditions),
	},
	{
		ID: "ib-workflow-reference", Source: workflowVariables,
		Says: "A workflow reads parameters it declares, outputs of earlier steps, and variables that Image Builder has.",
		on:   workflowData, judge: document(workflowReferences),
	},
	{
		ID: "ib-workflow-chaining", Severity: Warning, Source: workflowVariables + ": the chaining indicator",
		Says: "An input that is a reference has a name that ends in .$.",
		on:   workflowData, judge: document(workflowChaining),
	},
	{
		ID: "ib-workflow-field", Severity: Warning, Source: workflowStructure + "; " + workflowStepPages,
		Says: "A workflow document and the inputs of its steps have the fields that AWS documents.",
		on:   workflowData, judge: document(workflowFields),
	},
	{
		ID: "ib-workflow-distribution", Source: workflowStepPages,
		Says: "A workflow distributes AMIs or containers, not both.",
		on:   workflowData, judge: document(oneKindOfDistribution),
	},
}

// Limits of a workflow document (User Guide, "Workflow resource constraints").
const (
	maxWorkflowParameters = 25
	maxWorkflowSteps      = 15
	maxWorkflowOutputs    = 25
	longestDescription    = 1024
)

// CheckWorkflow judges a document that a call names by an S3 object, as if the call held it.
func CheckWorkflow(typ, data string) []Finding {
	var found []Finding
	s := subject{value: data, root: map[string]any{"type": typ, "data": data}, at: awsmodel.Trail{}.Named("data")}
	for i := range workflowRules {
		judged := s
		workflowRules[i].judge(&judged)
		for _, f := range judged.found {
			found = append(found, Finding{Finding: f, Rule: &workflowRules[i]})
		}
	}
	return found
}

// workflowDocument judges the form.
func workflowDocument(s *subject) {
	d, err := parseWorkflow(text(s.value))
	if err != nil {
		s.refuse("", "It "+err.Error(), "Write a document with schemaVersion and steps.")
		return
	}
	if v := d.root["schemaVersion"]; v != 1 && v != 1.0 && v != "1.0" && v != "1" {
		s.refuse("", "schemaVersion must be 1.0", "Write schemaVersion: 1.0 at the top of the document.")
	}
	for _, part := range []string{"parameters", "steps", "outputs"} {
		v, given := d.root[part]
		list, isList := v.([]any)
		if given && v != nil && (!isList || slices.ContainsFunc(list, func(e any) bool { _, ok := e.(map[string]any); return !ok })) {
			s.refuse("", part+" is no list of maps", "Write each entry with a dash and its fields.")
		}
	}
	if len(d.steps) == 0 {
		s.refuse("", "There are no steps", "Give steps: a list of what to do, in order.")
	}
	for i, step := range d.steps {
		s.workflowStep(i, step)
	}
	for _, o := range d.outputs {
		if text(o["name"]) == "" || !present(o["value"]) && !present(o["value.$"]) {
			s.refuse("", awsmodel.Printable("The output "+quoted(o["name"])+" needs a name and a value"), `Write name: ImageId and value: "$.stepOutputs.<step>.imageId".`)
		}
	}
}

var workflowStepName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_]{3,128}$`) })

func (s *subject) workflowStep(i int, step map[string]any) {
	name, of := text(step["name"]), stepTitle(step)
	if name == "" {
		s.refuse("", "Step "+strconv.Itoa(i+1)+" has no name", "Name it with 3 to 128 letters, digits and underscores.")
	} else if !workflowStepName().MatchString(name) {
		s.refuse("", awsmodel.Printable("Invalid step name "+strconv.Quote(name)), "Name it with 3 to 128 letters, digits and underscores.")
	}
	if text(step["action"]) == "" {
		s.refuse("", of+" has no action", "Give it an action, such as LaunchInstance.")
	}
	if v := step["onFailure"]; present(v) && v != "Abort" && v != "Continue" {
		s.refuse("", of+" has the onFailure "+awsmodel.Printable(strconv.Quote(fmt.Sprint(v)))+", which there is not", awsmodel.Suggest(text(v), []string{"Abort", "Continue"}))
	}
	if v, given := step["rollbackEnabled"]; given && !dynamic(v) && !trueFalse.fits(v) {
		s.refuse("", of+" has a rollbackEnabled that is neither true nor false", "Write true, false or a reference.")
	}
	if v, given := step["description"]; given && (text(v) == "" || len(text(v)) > longestDescription) {
		s.refuse("", of+" has a description that is empty or longer than 1,024 characters", "Shorten it, or leave it out.")
	}
}

func workflowQuotas(s *subject, d *workflowDoc) {
	s.quota("parameters", len(entries(d.root["parameters"])), maxWorkflowParameters)
	s.quota("steps", len(entries(d.root["steps"])), maxWorkflowSteps)
	s.quota("outputs", len(entries(d.root["outputs"])), maxWorkflowOutputs)
}

func (s *subject) quota(name string, n, most int) {
	if n > most {
		s.refuseAs(codeQuota, "", "There are "+strconv.Itoa(n)+" "+name+", and the quota is "+strconv.Itoa(most),
			"Keep at most "+strconv.Itoa(most)+", or have the quota raised for the account.")
	}
}

func workflowNames(s *subject, d *workflowDoc) {
	for _, part := range []struct {
		what string
		list []map[string]any
	}{{"outputs", d.outputs}, {"parameters", d.parameters}, {"steps", d.steps}} {
		seen := map[string]bool{}
		for _, name := range names(part.list) {
			if seen[name] {
				s.refuse("", awsmodel.Printable("Two of its "+part.what+" are called "+strconv.Quote(name)), "Rename one of them.")
			}
			seen[name] = true
		}
	}
}

// parameterKinds are the types of parameters.
var parameterKinds = []string{"string", "integer", "boolean", "stringList"}

// parameterType is a declared parameter's type; one without a type is a string.
func parameterType(p map[string]any) string {
	if !present(p["type"]) {
		return "string"
	}
	return text(p["type"])
}

func parameterTypes(s *subject, d *workflowDoc) {
	for _, p := range d.parameters {
		of, typ := awsmodel.Printable("The parameter "+quoted(p["name"])), parameterType(p)
		if text(p["name"]) == "" {
			s.refuse("", "A parameter has no name", "Give it a name and a type.")
		}
		if !slices.Contains(parameterKinds, typ) {
			s.refuse("", of+" has the type "+awsmodel.Printable(strconv.Quote(fmt.Sprint(p["type"])))+", which there is not", awsmodel.Suggest(typ, parameterKinds))
			continue
		}
		if v, given := p["default"]; given && !defaultFits(typ, v) {
			s.refuse("", of+" is of the type "+typ+", and its default "+awsmodel.Printable(strconv.Quote(fmt.Sprint(v)))+" is not", "Write a default of the type "+typ+", or leave it out.")
		}
	}
}

func defaultFits(typ string, v any) bool {
	if typ == "stringList" {
		return texts.fits(v)
	}
	return scalar(v) && valueFits(typ, fmt.Sprint(v))
}

// valueFits says whether a text is a value of a parameter's type.
func valueFits(typ, v string) bool {
	switch typ {
	case "integer":
		_, err := strconv.ParseInt(v, 10, 64)
		return err == nil
	case "boolean":
		return strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	}
	return true
}

func stepActions(s *subject, d *workflowDoc) {
	for _, step := range d.steps {
		verb := text(step["action"])
		action, ok := workflowActions[verb]
		stage := text(s.root["type"])
		switch {
		case verb == "":
		case !ok:
			s.refuse("", stepTitle(step)+" has no action there is: "+awsmodel.Printable(verb), awsmodel.Suggest(verb, slices.Sorted(maps.Keys(workflowActions))))
		case stage != "" && !strings.Contains(action.stages, stage[:1]):
			s.refuse("", stepTitle(step)+": the action "+verb+" cannot be in a workflow of the type "+awsmodel.Printable(stage), "Move the step to a workflow of another type.")
		}
	}
}

func stepTimes(s *subject, d *workflowDoc) {
	for _, step := range d.steps {
		if action, ok := workflowActions[text(step["action"])]; ok {
			s.stepTime(stepTitle(step), step, action)
		}
	}
}

// stepTime judges timeoutSeconds and waitSeconds.
func (s *subject) stepTime(of string, step map[string]any, action workflowAction) {
	timeout := float64(action.timeout)
	if v, given := step["timeoutSeconds"]; given && !dynamic(v) {
		n, ok := awsmodel.ToNumber(v)
		if !ok || n != math.Trunc(n) || n < 1 || n > float64(action.longest) {
			s.refuse("", of+" has a timeoutSeconds out of range", "Write 1 to "+strconv.Itoa(action.longest)+" seconds.")
			return
		}
		timeout = n
	}
	if v, given := step["waitSeconds"]; given && !dynamic(v) {
		if n, ok := awsmodel.ToNumber(v); !ok || n < 0 || n >= timeout {
			s.refuse("", of+" waits as long as it may take at most, or longer", "Make waitSeconds less than timeoutSeconds, which is "+number(timeout)+".")
		}
	}
}

// oneKindOfDistribution: containers are distributed by another action than AMIs, and not beside them.
func oneKindOfDistribution(s *subject, d *workflowDoc) {
	var ami, container string
	for _, step := range d.steps {
		switch verb := text(step["action"]); verb {
		case "DistributeImage", "ModifyImageAttributes", "ApplyImageConfigurations":
			ami = verb
		case "DistributeContainerImage":
			container = verb
		}
	}
	if ami != "" && container != "" {
		s.refuse("", container+" cannot be used together with "+ami, "Distribute AMIs and containers in two workflows.")
	}
}
