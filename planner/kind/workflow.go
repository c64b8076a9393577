package kind

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const workflowExample = `
workflow "quick" {
  type     = "BUILD"
  document = {
    name          = "quick"
    schemaVersion = "1.0"
    steps = [
      { name = "LaunchBuildInstance", action = "LaunchInstance", inputs = { waitFor = "ssmAgent" } },
      { name = "TerminateBuildInstance", action = "TerminateInstance", inputs = { "instanceId.$" = "$.stepOutputs.LaunchBuildInstance.instanceId" } },
    ]
  }
}
`

// workflowKind is the steps that Image Builder itself takes around an instance.
func workflowKind() *planner.Kind {
	g := Derive(Spec{
		Op:     "imagebuilder:CreateWorkflow",
		Filled: []string{"name", "semanticVersion"},
		Alias:  map[string]string{"version": "semanticVersion", "document": "data"},
	})
	k := &planner.Kind{
		Name:   "workflow",
		Block:  block("workflow", g, "The steps that Image Builder takes to build, test or distribute an image.", "arn", "name", "version"),
		Naming: planner.ContentVersion, Resource: "workflow/{type}",
		Create: "imagebuilder:CreateWorkflow", Read: "imagebuilder:GetWorkflow",
		List: "imagebuilder:ListWorkflowBuildVersions", Delete: "imagebuilder:DeleteWorkflow",
		Outputs: map[string]string{"arn": "workflowBuildVersionArn"},
		Accepts: accepts,
		Example: workflowExample,
	}
	k.Block.Known = []string{"name"}
	k.Expand = func(s *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
		t, diags := textOf(s, b, "document", "data")
		if t == nil {
			return []*dsl.Block{b}, diags
		}
		diags = append(diags, checkWorkflow(t)...)
		blocks, more := stageLong(s, withText(b, t, "data"), t, "data", "uri")
		return blocks, append(diags, more...)
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerVersioned(g, b)
		return n, l.Diags
	}
	return k
}

// maxWorkflowSteps is how many steps a workflow can have (Image Builder quotas).
const maxWorkflowSteps = 15

// checkWorkflow holds a workflow document against the outer form that the User Guide gives it.
func checkWorkflow(t *docText) hcl.Diagnostics {
	var doc struct {
		SchemaVersion yaml.Node `yaml:"schemaVersion"`
		Steps         []struct {
			Name   string `yaml:"name"`
			Action string `yaml:"action"`
		} `yaml:"steps"`
	}
	if err := yaml.Unmarshal([]byte(t.text), &doc); err != nil {
		return hcl.Diagnostics{failure(t.at, "Workflow not readable", "The document is not the YAML of a workflow: %s.", err)}
	}
	var diags hcl.Diagnostics
	if v := doc.SchemaVersion.Value; v != "1.0" && v != "1" {
		diags = append(diags, failure(t.at, "Unsupported schemaVersion", "A workflow's schemaVersion is 1.0, and here it is %q. Write schemaVersion = \"1.0\".", v))
	}
	if len(doc.Steps) == 0 || len(doc.Steps) > maxWorkflowSteps {
		diags = append(diags, failure(t.at, "Wrong number of steps", "A workflow has 1 to %d steps, and this one has %d.", maxWorkflowSteps, len(doc.Steps)))
	}
	seen := map[string]bool{}
	for i, step := range doc.Steps {
		what := fmt.Sprintf("Step %d", i+1)
		switch {
		case step.Name == "" || step.Action == "":
			diags = append(diags, failure(t.at, "Incomplete workflow step", "%s has no name or no action, and needs both.", what))
		case !isWorkflowStepName(step.Name):
			diags = append(diags, failure(t.at, "Invalid step name", "%s is called %q. A name has 3 to 128 letters, digits and underscores.", what, step.Name))
		case seen[step.Name]:
			diags = append(diags, failure(t.at, "Duplicate step name", "%s is called %q, as another step is. Rename one of them.", what, step.Name))
		}
		seen[step.Name] = true
	}
	return diags
}

func isWorkflowStepName(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 128
}
