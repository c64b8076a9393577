package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const infrastructureConfigurationExample = `
infrastructure_configuration "small" {
  instance_profile_name         = "EC2InstanceProfileForImageBuilder"
  instance_types                = ["t3.medium"]
  terminate_instance_on_failure = true

  logging {
    s3_logs {
      s3_bucket_name = "image-logs"
    }
  }
}
`

// infrastructureConfigurationKind is the machines that images are built and tested on.
func infrastructureConfigurationKind() *planner.Kind {
	g := Derive(Spec{Op: "imagebuilder:CreateInfrastructureConfiguration", Filled: []string{"name"}})
	k := &planner.Kind{
		Name:   "infrastructure_configuration",
		Block:  block("infrastructure_configuration", g, "The machines that images are built and tested on.", "arn", "name"),
		Naming: planner.HashedName, Resource: "infrastructure-configuration",
		Create: "imagebuilder:CreateInfrastructureConfiguration", Read: "imagebuilder:GetInfrastructureConfiguration",
		List: "imagebuilder:ListInfrastructureConfigurations", Delete: "imagebuilder:DeleteInfrastructureConfiguration",
		Outputs: map[string]string{"arn": "infrastructureConfigurationArn"},
		Example: infrastructureConfigurationExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerNamed(g, planner.HashedName, b)
		return n, l.Diags
	}
	return k
}
