package rules

import (
	"errors"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var workflowRules = []Rule{
	{
		ID: "ib-workflow-document", Source: "User Guide, workflow documents: schema, step actions and their stages",
		Says: "A workflow document follows its schema.",
		on:   on([]string{"CreateWorkflow"}, "data"), judge: workflowDocument,
	},
}

// A workflowAction is one of the actions that a workflow's step can name.
type workflowAction struct {
	stages   string   // the first letters of the types of workflow it can be in
	required []string // inputs
	// Seconds: what a step has without timeoutSeconds, and the most it can ask for.
	timeout, longest int
}

const (
	minutes = 60
	hours   = 60 * minutes
	days    = 24 * hours
)

var workflowActions = map[string]workflowAction{
	"ApplyImageConfigurations":      {"D", []string{"distributedImages"}, 6 * hours, 12 * hours},
	"BootstrapInstanceForContainer": {"BTD", []string{"instanceId"}, 60 * minutes, 12 * hours},
	"CollectImageMetadata":          {"BTD", []string{"instanceId"}, 30 * minutes, 12 * hours},
	"CollectImageScanFindings":      {"T", []string{"instanceId"}, 2 * hours, 12 * hours},
	"CreateImage":                   {"BTD", []string{"instanceId"}, 12 * hours, 3 * days},
	"CreateImageFromIso":            {"BTD", []string{"instanceId"}, 12 * hours, 12 * hours},
	"DistributeContainerImage":      {"D", []string{"instanceId"}, 2 * hours, 12 * hours},
	"DistributeImage":               {"D", nil, 6 * hours, 12 * hours},
	"ExecuteComponents":             {"BT", []string{"instanceId"}, 12 * hours, 24 * hours},
	"ExecuteStateMachine":           {"BTD", []string{"stateMachineArn"}, 6 * hours, 24 * hours},
	"LaunchInstance":                {"BTD", []string{"waitFor"}, 75 * minutes, 12 * hours},
	"ModifyImageAttributes":         {"D", []string{"distributedImages"}, 2 * hours, 3 * hours},
	"RegisterImage":                 {"BTD", nil, 9 * hours, 12 * hours},
	"RunCommand":                    {"BTD", []string{"instanceId", "documentName"}, 12 * hours, 12 * hours},
	"RunSysPrep":                    {"BTD", []string{"instanceId"}, 60 * minutes, 12 * hours},
	"SanitizeInstance":              {"BTD", []string{"instanceId"}, 60 * minutes, 12 * hours},
	"TerminateInstance":             {"BTD", []string{"instanceId"}, 30 * minutes, 12 * hours},
	"WaitForAction":                 {"BTD", nil, 3 * days, 7 * days},
	"WaitForSSMAgent":               {"BTD", []string{"instanceId"}, 60 * minutes, 3 * hours},
}

// Limits of a workflow document (General Reference, Image Builder quotas).
const (
	maxWorkflowParameters = 25
	maxWorkflowSteps      = 15
	maxWorkflowOutputs    = 25
)

// workflowDocument judges the document as far as it can be known without the image it is for.
func workflowDocument(s *subject) {
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(text(s.value)), &doc); err != nil {
		detail := "It is not a YAML mapping"
		if _, isYAML := errors.AsType[*yaml.TypeError](err); !isYAML {
			detail = "It is not YAML: " + awsmodel.Printable(err.Error())
		}
		s.refuse("", detail, "Write a document with schemaVersion and steps.")
		return
	}
	if v := doc["schemaVersion"]; v != 1 && v != 1.0 && v != "1.0" && v != "1" {
		s.refuse("", "schemaVersion must be 1.0", "Write schemaVersion: 1.0 at the top of the document.")
	}
	s.quota(doc, "parameters", maxWorkflowParameters)
	s.quota(doc, "steps", maxWorkflowSteps)
	s.quota(doc, "outputs", maxWorkflowOutputs)
	for _, p := range entries(doc["parameters"]) {
		types := []string{"string", "integer", "boolean", "stringList"}
		if typ := text(object(p)["type"]); !slices.Contains(types, typ) {
			s.refuse("", "The parameter "+strconv.Quote(text(object(p)["name"]))+" has no type there is", awsmodel.Suggest(typ, types))
		}
	}
	steps := entries(doc["steps"])
	if len(steps) == 0 {
		s.refuse("", "There are no steps", "Give steps: a list of what to do, in order.")
	}
	s.uniqueNames("outputs", entries(doc["outputs"]))
	s.uniqueNames("steps", steps)
	for _, step := range steps {
		s.workflowStep(object(step))
	}
	s.oneKindOfDistribution(steps)
}

func (s *subject) quota(doc map[string]any, name string, most int) {
	if n := len(entries(doc[name])); n > most {
		s.refuseAs(codeQuota, "", "There are "+strconv.Itoa(n)+" "+name+", and the quota is "+strconv.Itoa(most),
			"Keep at most "+strconv.Itoa(most)+", or have the quota raised for the account.")
	}
}

func (s *subject) uniqueNames(what string, list []any) {
	seen := map[string]bool{}
	for _, e := range list {
		name := text(object(e)["name"])
		if name != "" && seen[name] {
			s.refuse("", "Two of its "+what+" are called "+strconv.Quote(name), "Rename one of them.")
		}
		seen[name] = true
	}
}

var workflowStepName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_]{3,128}$`) })

func (s *subject) workflowStep(step map[string]any) {
	name := text(step["name"])
	if !workflowStepName().MatchString(name) {
		s.refuse("", "Invalid step name "+strconv.Quote(name), "Name it with 3 to 128 letters, digits and underscores.")
	}
	of := "The step " + strconv.Quote(name)
	if v := step["onFailure"]; present(v) && v != "Abort" && v != "Continue" {
		s.refuse("", of+" has an onFailure there is not", "Write Abort or Continue.")
	}
	verb := text(step["action"])
	action, ok := workflowActions[verb]
	if !ok {
		s.refuse("", of+" has no action there is", awsmodel.Suggest(verb, slices.Sorted(maps.Keys(workflowActions))))
		return
	}
	stage := text(s.root["type"])
	if stage != "" && !strings.Contains(action.stages, stage[:1]) {
		s.refuse("", of+": the action "+verb+" cannot be in a workflow of the type "+awsmodel.Printable(stage), "Move the step to a workflow of another type.")
	}
	inputs := object(step["inputs"])
	for _, r := range action.required {
		// A reference is written under the name and ".$".
		if !present(inputs[r]) && !present(inputs[r+".$"]) {
			s.refuse("", of+": the action "+verb+" requires the input "+r, "Give it under inputs, as "+r+" or, for a reference, as "+r+".$.")
		}
	}
	s.stepTimes(of, step, action)
}

// stepTimes judges timeoutSeconds and waitSeconds.
func (s *subject) stepTimes(of string, step map[string]any, action workflowAction) {
	timeout := float64(action.timeout)
	if v, given := step["timeoutSeconds"]; given {
		n, ok := awsmodel.ToNumber(v)
		if !ok || n != math.Trunc(n) || n < 1 || n > float64(action.longest) {
			s.refuse("", of+" has a timeoutSeconds out of range", "Write 1 to "+strconv.Itoa(action.longest)+" seconds.")
			return
		}
		timeout = n
	}
	if v, given := step["waitSeconds"]; given {
		if n, ok := awsmodel.ToNumber(v); !ok || n < 0 || n >= timeout {
			s.refuse("", of+" waits as long as it may take at most, or longer", "Make waitSeconds less than timeoutSeconds, which is "+number(timeout)+".")
		}
	}
}

// oneKindOfDistribution: containers are distributed by another action than AMIs, and not beside them.
func (s *subject) oneKindOfDistribution(steps []any) {
	var ami, container string
	for _, step := range steps {
		switch verb := text(object(step)["action"]); verb {
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
