package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A Workflow is what is known of one that an image runs.
type Workflow struct {
	typ string       // BUILD, TEST or DISTRIBUTION; "" where it is not known
	doc *workflowDoc // nil where it is not known
}

// NewWorkflow reads the input of CreateWorkflow.
func NewWorkflow(input map[string]any) *Workflow {
	w := &Workflow{typ: text(input["type"])}
	if data := text(input["data"]); data != "" {
		if d, err := parseWorkflow(data); err == nil {
			w.doc = d
		}
	}
	return w
}

// workflowUseRules hold for the workflows that an image runs.
var workflowUseRules = []Rule{
	{
		ID: "ib-workflow-image-id", Source: "CloudSnorkel/cdk-github-runners#812; aws-samples/amazon-ec2-image-builder-samples, workflows/packer-build",
		Answer: "The value supplied for parameter 'workflows' is not valid. Build workflow must have output named ImageId to build AMI.",
		Says:   "The build workflow of an AMI has an output named ImageId.",
		on:     on(build, "image.workflows[]"), judge: buildsAMI,
	},
	{
		ID: "ib-workflow-instance-id", Severity: Warning, Source: "AWS's own build-container workflow, as CloudSnorkel/cdk-github-runners, src/image-builders/aws-image-builder/workflow.ts, has it",
		Says: "The build workflow of a container has an output named InstanceId, for the workflows that test and distribute it.",
		on:   on(build, "image.workflows[]"), judge: buildsContainer,
	},
	{
		ID: "ib-workflow-parameter", Source: workflowStructure + ": a parameter without a default is required at runtime",
		Says: "A workflow gets the parameters it declares, with values of their types, and all that have no default.",
		on:   on(build, "image.workflows[]"), judge: workflowParameters,
	},
	{
		ID: "ib-workflow-stage-once", Source: "User Guide, Manage workflows: at most one build workflow and one distribution workflow",
		Says: "An image runs one build workflow and one distribution workflow of its configuration.",
		on:   on(build, "image.workflows"), judge: stageOnce,
	},
	{
		ID: "ib-workflow-group", Source: "API Reference, WorkflowConfiguration: parallelGroup is for test workflows",
		Says: "A parallel group has test workflows of the configuration alone.",
		on:   on(build, "image.workflows[].parallelGroup"), judge: groupedTests,
	},
	{
		ID: "ib-workflow-output-once", Source: workflowStructure + ": an output's name is unique across the workflows of a pipeline",
		Says: "The workflows of an image have outputs of different names.",
		on:   on(build, "image.workflows"), judge: outputsOnce,
	},
	{
		ID: "ib-workflow-output", Source: workflowVariables + ": workflowOutputs are those of a workflow that already ran",
		Says: "A workflow reads the outputs of workflows that run before it.",
		on:   on(build, "image.workflows[]"), judge: readsOutputs,
	},
	{
		ID: "ib-workflow-image-type", Severity: Warning, Source: workflowStepPages + ": notes",
		Says: "A step that is for AMIs runs for an AMI, and one that is for containers for a container.",
		on:   on(build, "image.workflows[]"), judge: stepsOfType,
	},
	{
		ID: "ib-workflow-no-build", Severity: Warning, Source: "User Guide, Manage workflows: a stage is skipped by leaving out its workflow",
		Says: "An image with workflows of its own and build components has a build workflow.",
		on:   on(build, "image.workflows"), judge: leavesOutBuild,
	},
	{
		ID: "ib-workflow-no-test", Severity: Warning, Source: "User Guide, Manage workflows: a stage is skipped by leaving out its workflow",
		Says: "An image with workflows of its own and tests has a test workflow.",
		on:   on(build, "image.workflows"), judge: leavesOutTest,
	},
}

// workflowType is the stage of an image's workflow: by its ARN, or by the workflow of the configuration that
// it refers to; "" where it is not known.
func (b *Build) workflowType(i int, use any) string {
	if _, r, ok := workflow(object(use)["workflowArn"]); ok {
		return strings.ToUpper(r.Type)
	}
	if w := b.workflow(i); w != nil {
		return w.typ
	}
	return ""
}

func (b *Build) workflow(i int) *Workflow {
	if i < len(b.Workflows) {
		return b.Workflows[i]
	}
	return nil
}

// workflowOutputs are the names of an image's workflow's outputs, where they are known.
func (b *Build) workflowOutputs(i int, use any) (outputs []string, known bool) {
	if a, r, ok := workflow(object(use)["workflowArn"]); ok {
		if a.Account != "aws" {
			return nil, false
		}
		return managedOutputs(r.Name)
	}
	if w := b.workflow(i); w != nil && w.doc != nil {
		return names(w.doc.outputs), true
	}
	return nil, false
}

func (b *Build) makesAMI() bool       { return present(b.Image["imageRecipeArn"]) }
func (b *Build) makesContainer() bool { return present(b.Image["containerRecipeArn"]) }

func buildsAMI(s *subject) {
	i := which(s)
	outputs, known := s.build.workflowOutputs(i, s.value)
	if s.build.workflowType(i, s.value) != "BUILD" || !s.build.makesAMI() || !known || slices.Contains(outputs, "ImageId") {
		return
	}
	advice := `Add to its document: outputs: [{name: ImageId, value: "$.stepOutputs.<step of the action CreateImage>.imageId"}].`
	for _, o := range outputs {
		if strings.EqualFold(o, "ImageId") {
			advice = "Rename its output " + o + " to ImageId."
		}
	}
	s.found = append(s.found, awsmodel.Finding{
		Path: s.path(".workflowArn"), Code: codeValue, Advice: advice,
		Message: awsmodel.NotValid("workflows", "Build workflow must have output named ImageId to build AMI"),
	})
}

func buildsContainer(s *subject) {
	i := which(s)
	outputs, known := s.build.workflowOutputs(i, s.value)
	if s.build.workflowType(i, s.value) == "BUILD" && s.build.makesContainer() && known && !slices.Contains(outputs, "InstanceId") {
		s.refuse(".workflowArn", "It builds a container and has no output named InstanceId, which AWS's workflows read to test and distribute it",
			`Add to its document: outputs: [{name: InstanceId, value: "$.stepOutputs.<step of the action LaunchInstance>.instanceId"}].`)
	}
}

func workflowParameters(s *subject) {
	w := s.build.workflow(which(s))
	use := object(s.value)
	given := use["parameters"]
	if w == nil || w.doc == nil || isUnknown(given) {
		return
	}
	declared := names(w.doc.parameters)
	got := map[string]bool{}
	for i, e := range entries(given) {
		p := object(e)
		if isUnknown(e) || isUnknown(p["name"]) {
			return // any of them may be the one
		}
		name := text(p["name"])
		got[name] = true
		j := slices.IndexFunc(w.doc.parameters, func(d map[string]any) bool { return text(d["name"]) == name })
		at := ".parameters[" + strconv.Itoa(i) + "]"
		if j < 0 {
			advice := "The workflow declares no parameters."
			if len(declared) > 0 {
				advice = awsmodel.Suggest(name, declared)
			}
			s.wrong(at+".name", "The following parameters are not defined in the provided workflow: "+awsmodel.Printable(name), advice)
			continue
		}
		s.parameterValue(at+".value", name, parameterType(w.doc.parameters[j]), p["value"])
	}
	for _, p := range w.doc.parameters {
		_, optional := p["default"]
		if name := text(p["name"]); name != "" && !optional && !got[name] {
			s.wrong(".parameters", "The workflow needs a value for its parameter "+awsmodel.Printable(name), "Write parameters = { "+awsmodel.Printable(name)+" = … }, or give the parameter a default.")
		}
	}
}

func (s *subject) parameterValue(at, name, typ string, value any) {
	list := entries(value)
	if typ != "stringList" && len(list) > 1 {
		s.wrong(at, "The parameter "+awsmodel.Printable(name)+" is of the type "+typ+", and it gets "+strconv.Itoa(len(list))+" values", "Give one value.")
		return
	}
	for _, v := range list {
		if given, ok := v.(string); ok && !valueFits(typ, given) {
			s.wrong(at, "The parameter "+awsmodel.Printable(name)+" is of the type "+typ+", and "+strconv.Quote(awsmodel.Printable(given))+" is not", map[string]string{"boolean": "Write true or false.", "integer": "Write a whole number."}[typ])
		}
	}
}

// stageOnce judges lists that hold a reference; those of ARNs alone are ib-workflow-stages'.
func stageOnce(s *subject) {
	first := map[string]int{}
	for i, use := range entries(s.value) {
		typ := s.build.workflowType(i, use)
		if typ == "" || typ == "TEST" {
			continue
		}
		j, dup := first[typ]
		if !dup {
			first[typ] = i
			continue
		}
		if s.build.workflow(i) != nil || s.build.workflow(j) != nil {
			s.refuse(index(i)+".workflowArn", "It is a second "+strings.ToLower(typ)+" workflow beside workflows"+index(j), "Keep one "+strings.ToLower(typ)+" workflow; only test workflows may be several.")
		}
	}
}

func groupedTests(s *subject) {
	i := s.at[len(s.at)-2].Index
	w := s.build.workflow(i)
	if w != nil && w.typ != "" && w.typ != "TEST" {
		s.refuse("", "Only test workflows run in parallel groups, and this is a "+strings.ToLower(w.typ)+" workflow", "Leave parallel_group out.")
	}
}

func outputsOnce(s *subject) {
	first := map[string]int{}
	for i, use := range entries(s.value) {
		outputs, _ := s.build.workflowOutputs(i, use)
		for _, name := range outputs {
			if j, dup := first[name]; dup && j != i {
				s.refuse(index(i)+".workflowArn", "It has an output "+awsmodel.Printable(name)+", as workflows"+index(j)+" has", "Rename one of the outputs.")
				continue
			}
			first[name] = i
		}
	}
}

// order is the place of a stage in the run of an image.
var order = map[string]int{"BUILD": 1, "TEST": 2, "DISTRIBUTION": 3}

func readsOutputs(s *subject) {
	i := which(s)
	w := s.build.workflow(i)
	if w == nil || w.doc == nil || order[w.typ] < order["TEST"] {
		return
	}
	var before []string
	for j, use := range entries(s.build.Image["workflows"]) {
		typ := s.build.workflowType(j, use)
		if j == i || typ != "" && order[typ] > order[w.typ] || typ == w.typ && j > i {
			continue
		}
		outputs, known := s.build.workflowOutputs(j, use)
		if !known {
			return
		}
		before = append(before, outputs...)
	}
	said := map[string]bool{}
	references(map[string]any{"steps": w.doc.root["steps"], "outputs": w.doc.root["outputs"]}, true, func(ref string, _ bool) {
		path := pathOf(ref)
		if !strings.EqualFold(path[0], "workflowOutputs") || len(path) < 2 || slices.Contains(before, path[1]) || said[path[1]] {
			return
		}
		said[path[1]] = true
		advice := "Add a build workflow that has the output."
		if len(before) > 0 {
			advice = awsmodel.Suggest(path[1], before)
		}
		s.refuse(".workflowArn", awsmodel.Printable("It reads "+ref+", and no workflow before it has an output "+path[1]), advice)
	})
}

func stepsOfType(s *subject) {
	w := s.build.workflow(which(s))
	if w == nil || w.doc == nil || s.build.makesAMI() == s.build.makesContainer() {
		return
	}
	makes := "container"
	if s.build.makesAMI() {
		makes = "AMI"
	}
	for _, step := range w.doc.steps {
		_, conditional := step["if"]
		verb := text(step["action"])
		if only := workflowActions[verb].only; only != "" && only != makes && !conditional {
			s.refuse(".workflowArn", stepTitle(step)+" has the action "+verb+", which is for images of the type "+only, "Remove the step, or give it an if on $.imagebuilder.imageType.")
		}
	}
}

// leftOut says that workflows are given, and none for a stage.
func (s *subject) leftOut(stage string) bool {
	list := entries(s.value)
	for i, use := range list {
		if typ := s.build.workflowType(i, use); typ == stage || typ == "" {
			return false
		}
	}
	return len(list) > 0
}

func leavesOutBuild(s *subject) {
	builds := slices.ContainsFunc(s.build.Components, func(c Component) bool { return slices.Contains(c.Phases, "build") })
	if builds && s.leftOut("BUILD") {
		s.refuse("", "It has no build workflow, so that the recipe's components don't run and the image is the parent image", `Add workflow { workflow_arn = "aws:build/build-image" }.`)
	}
}

func leavesOutTest(s *subject) {
	tests := slices.ContainsFunc(s.build.Components, func(c Component) bool { return slices.Contains(c.Phases, "test") })
	if tests && s.leftOut("TEST") {
		s.refuse("", "It has no test workflow, so that the recipe's tests don't run", `Add workflow { workflow_arn = "aws:test/test-image" }.`)
	}
}
