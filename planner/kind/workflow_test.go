package kind_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// A document that is too long for a call is held to the same rules as one that is not.
func TestStagedWorkflow(t *testing.T) {
	const document = `schemaVersion: 1.0
steps:
  - name: Launch
    action: LaunchInstance
    inputs:
      waitFor: ssmAgent
  - name: Terminate
    action: TerminateInstance
    inputs:
      instanceId.$: $.stepOutputs.STEP.instanceId
`
	for step, want := range map[string]int{"Launch": 0, "Start": 1} {
		text := strings.ReplaceAll(document, "STEP", step) + strings.Repeat("# long\n", 3000)
		cfg, diags := loadText(t, `
imagebuild {
  staging { bucket = "documents" }
}
workflow "long" {
  type     = "TEST"
  document = <<-EOT
`+text+`EOT
}
`)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = planner.Compile(cfg, kind.All(), "eu-west-1")
		var found int
		for _, d := range diags {
			if d.Severity == hcl.DiagError && d.Extra == planner.Rule("ib-workflow-reference") {
				found++
			}
		}
		if found != want {
			t.Errorf("%s: %d findings, want %d: %v", step, found, want, diags)
		}
	}
}
