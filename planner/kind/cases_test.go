package kind_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// cases are whole configurations, testdata/cases/NAME.ib.hcl, with the findings that they have: the severity and the rule's ID.
// A configuration without findings is one that AWS takes, however odd it looks. The issues that they are made from are in their first lines.
var cases = []struct {
	name, region string
	found        []string
}{
	{"arm-parent-x86-type", "eu-west-1", []string{"error ib-instance-architecture"}},
	{"arns-of-another-region", "eu-west-1", []string{"error ib-region-resource", "error ib-region-resource", "error ib-region-sns"}},
	{"build-workflow-without-imageid", "eu-west-1", []string{"error ib-workflow-image-id"}},
	{"component-platform-mismatch", "eu-west-1", []string{"error ib-component-platform", "error ib-component-platform"}},
	{"container-ecr-windows-no-osversion", "eu-west-1", []string{"error ib-container-windows-os"}},
	{"container-mcr-parent", "eu-west-1", nil},
	{"dockerfile-without-variables", "eu-west-1", []string{"error ib-dockerfile-environments", "error ib-dockerfile-variable"}},
	{"ebs-without-device", "eu-west-1", []string{"error ib-device-name"}},
	{"fast-launch-no-role", "eu-west-1", []string{"error ib-fast-launch-role"}},
	{"gp3-limits", "eu-west-1", []string{"error ib-ebs-iops-range", "error ib-ebs-throughput-ratio"}},
	{"kms-key-of-one-region", "eu-west-1", []string{"error ib-distribution-kms-region", "warning ib-build-region-key"}},
	{"launch-template-regions", "eu-west-1", []string{"error ib-launch-template-region"}},
	{"lifecycle-count-of-derived-versions", "eu-west-1", []string{"warning ib-lifecycle-content-version"}},
	{"lifecycle-two-deletes", "eu-west-1", []string{"error ib-lifecycle-once", "warning ib-lifecycle-content-version"}},
	{"packer-ami-name-characters", "us-east-1", []string{"warning pk-ami-name-changed"}},
	{"packer-ami-name-source-ami", "us-east-1", []string{"error pk-ami-name-template"}},
	{"packer-description-template", "us-east-1", []string{"warning pk-template-late"}},
	{"packer-encrypt-boot-other-device", "us-east-1", []string{"error pk-encrypt-boot-device"}},
	{"packer-encrypt-ephemeral", "us-east-1", nil},
	{"packer-kms-only", "us-east-1", []string{"error pk-shared-copy-key"}},
	{"packer-kms-regions-users", "us-east-1", nil},
	{"packer-kms-without-encrypt", "us-east-1", []string{"error pk-kms-unencrypted"}},
	{"packer-launch-and-ami-mappings", "us-east-1", []string{"warning pk-device-merged"}},
	{"packer-own-region", "eu-west-1", []string{"warning pk-device-merged"}},
	{"packer-run-tags", "us-east-1", []string{"warning pk-no-effect", "warning pk-reserved-tags", "warning pk-reserved-tags"}},
	{"pipeline-image-tags", "eu-west-1", []string{"warning ib-lifecycle-content-version"}},
	{"root-device-name-of-other-os", "eu-west-1", []string{"warning ib-root-device"}},
	{"shared-with-aws-managed-key", "eu-west-1", []string{"error ib-shared-managed-key"}},
	{"ssm-agent-default", "eu-west-1", nil},
	{"ssm-parameter-unqualified", "eu-west-1", []string{"error ib-ssm-parameter-name", "error ib-ssm-parameter-reserved"}},
	{"supported-os-mismatch", "eu-west-1", []string{"error ib-component-os"}},
	{"tests-disabled-with-test", "eu-west-1", []string{"warning ib-tests-disabled"}},
	{"watermark-parameter-and-copy", "eu-west-1", []string{"error ib-copy-source", "error ib-ssm-parameter-role", "error ib-watermark-public"}},
	{"workflow-parameters", "eu-west-1", []string{"error ib-workflow-parameter", "error ib-workflow-parameter", "error ib-workflow-reference", "warning ib-workflow-no-build"}},
	{"wrong-platform", "eu-west-1", []string{"error ib-component-platform"}},
}

func TestCases(t *testing.T) {
	names := map[string]bool{}
	for _, c := range cases {
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join("testdata", "cases", c.name+".ib.hcl"))
			if err != nil {
				t.Fatal(err)
			}
			cfg, diags := loadText(t, string(src))
			if !diags.HasErrors() {
				_, more := planner.Compile(cfg, kind.All(), c.region)
				diags = append(diags, more...)
			}
			if got := findings(diags); !slices.Equal(got, c.found) {
				t.Errorf("it has the findings %q, want %q\n%v", got, c.found, diags)
			}
		})
	}
	files, err := filepath.Glob("testdata/cases/*.ib.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".ib.hcl"); !names[name] {
			t.Errorf("%s is in no row of the table", f)
		}
	}
}

// findings are the severities and rules of diagnostics, in order; one without a rule is given by its summary.
func findings(diags hcl.Diagnostics) []string {
	var out []string
	for _, d := range diags {
		severity := "error "
		if d.Severity == hcl.DiagWarning {
			severity = "warning "
		}
		rule, ok := d.Extra.(planner.Rule)
		if !ok {
			rule = planner.Rule(d.Summary)
		}
		out = append(out, severity+string(rule))
	}
	slices.Sort(out)
	return out
}
