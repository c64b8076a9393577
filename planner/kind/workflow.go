package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

const workflowExample = `
workflow "quick" {
  type     = "BUILD"
  document = {
    name          = "quick"
    schemaVersion = "1.0"
    steps = [
      { name = "Launch", action = "LaunchInstance", inputs = { waitFor = "ssmAgent" } },
      { name = "Build", action = "ExecuteComponents", inputs = { "instanceId.$" = "$.stepOutputs.Launch.instanceId" } },
      { name = "Create", action = "CreateImage", inputs = { "instanceId.$" = "$.stepOutputs.Launch.instanceId" } },
      { name = "Terminate", action = "TerminateInstance", onFailure = "Continue", inputs = { "instanceId.$" = "$.stepOutputs.Launch.instanceId" } },
    ]
    outputs = [{ name = "ImageId", value = "$.stepOutputs.Create.imageId" }]
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
		blocks, more := stageLong(s, withText(b, t, "data"), t, "data", "uri")
		if len(blocks) > 1 {
			more = append(more, checkStaged(b, t)...)
		}
		return blocks, append(diags, more...)
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerVersioned(g, b)
		return n, l.Diags
	}
	return k
}

// checkStaged holds a document that travels through the staging bucket to the rules that a call's own is held to.
func checkStaged(b *dsl.Block, t *docText) hcl.Diagnostics {
	typ, _ := textAttr(b, "type")
	var diags hcl.Diagnostics
	for _, f := range rules.CheckWorkflow(typ, t.text) {
		diags = append(diags, planner.RuleDiagnostic(f.Rule.ID, t.at, f.Message+" "+f.Advice))
	}
	return diags
}
