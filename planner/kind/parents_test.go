package kind_test

import (
	"maps"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

const fromAMI = `
component "base" {
  platform = "Linux"
  document = <<-EOT
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - { name: a, action: ExecuteBash, inputs: { commands: [ "true" ] } }
  EOT
}
image_recipe "web" {
  parent_image = "ami-0123456789abcdef0"
  components   = [component.base]
  block_device_mapping {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 20
      volume_type = "gp3"
    }
  }
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  instance_types        = ["m5.large"]
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
}
`

// TestParentAMIs wants of what EC2 tells of a parent AMI the findings that its name alone does not give.
func TestParentAMIs(t *testing.T) {
	id := planner.AMI{Region: "eu-west-1", ID: "ami-0123456789abcdef0"}
	disk := func(device string, size int64) []any {
		return []any{map[string]any{"DeviceName": device, "Ebs": map[string]any{"VolumeSize": size}}}
	}
	linux := planner.Object{"State": "available", "Architecture": "x86_64", "RootDeviceName": "/dev/xvda", "BlockDeviceMappings": disk("/dev/xvda", 8)}
	with := func(changes planner.Object) planner.Object {
		out := planner.Object{}
		for _, m := range []planner.Object{linux, changes} {
			maps.Copy(out, m)
		}
		return out
	}
	made := map[dsl.Addr]*planner.Observed{{Type: "image", Name: "web"}: {Exists: true, State: "AVAILABLE"}}
	for name, c := range map[string]struct {
		ami  planner.Object
		seen map[dsl.Addr]*planner.Observed
		want []string // rules
	}{
		"as wanted":             {linux, nil, nil},
		"Windows":               {with(planner.Object{"Platform": "windows"}), nil, []string{"ib-component-platform"}},
		"arm64":                 {with(planner.Object{"Architecture": "arm64"}), nil, []string{"ib-instance-architecture"}},
		"another root":          {with(planner.Object{"RootDeviceName": "/dev/sda1"}), nil, []string{"ib-root-device"}},
		"a larger root":         {with(planner.Object{"BlockDeviceMappings": disk("/dev/xvda", 30)}), nil, []string{"ib-root-size"}},
		"disabled":              {with(planner.Object{"State": "disabled"}), nil, []string{"ib-parent-state"}},
		"failed":                {with(planner.Object{"State": "failed"}), nil, []string{"ib-parent-state"}},
		"pending":               {with(planner.Object{"State": "pending"}), nil, []string{"ib-parent-deprecated"}},
		"deprecated":            {with(planner.Object{"DeprecationTime": "2025-03-01T00:00:00.000Z"}), nil, []string{"ib-parent-deprecated"}},
		"gone":                  {nil, nil, []string{"ib-parent-state"}},
		"gone since it is made": {nil, made, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, diags := loadText(t, fromAMI)
			g, more := planner.Compile(cfg, kind.All(), "eu-west-1")
			if diags = append(diags, more...); diags.HasErrors() {
				t.Fatal(diags)
			}
			amis := map[planner.AMI]planner.Object{id: c.ami}
			got := g.CheckParents(amis, c.seen)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i, d := range got {
				if d.Extra != planner.Rule(c.want[i]) {
					t.Errorf("got %v, want %s", d, c.want[i])
				}
			}
			for _, d := range g.CheckParents(amis, c.seen) {
				if d.Severity == hcl.DiagWarning {
					t.Errorf("said twice: %v", d)
				}
			}
		})
	}
}
