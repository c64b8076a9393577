package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamDirectoryConfigExample = `
variable "join_password" {
  type      = string
  sensitive = true
  default   = "known to the example alone"
}
appstream_directory_config "corp" {
  directory_name                          = "corp.example.com"
  organizational_unit_distinguished_names = ["OU=AppStream,DC=corp,DC=example,DC=com"]

  service_account_credentials {
    account_name     = "CORP\\appstream-join"
    account_password = var.join_password
  }
}
`

// appstreamDirectoryConfigKind is an Active Directory that builders and fleets join. AWS does not tell its password,
// so that a change of the password alone shows as no change.
func appstreamDirectoryConfigKind() *planner.Kind {
	const op = "appstream:CreateDirectoryConfig"
	g := Derive(Spec{Op: op, Filled: []string{"DirectoryName"}})
	k := &planner.Kind{
		Name:   "appstream_directory_config",
		Block:  block("appstream_directory_config", g, "An Active Directory that image builders and fleets join.", "name"),
		Naming: planner.StableName, NameMember: "DirectoryName",
		Create: op, Read: "appstream:DescribeDirectoryConfigs", List: "appstream:DescribeDirectoryConfigs",
		Update: "appstream:UpdateDirectoryConfig", Delete: "appstream:DeleteDirectoryConfig", Partial: true,
		Identity: []string{"CertificateBasedAuthProperties", "OrganizationalUnitDistinguishedNames"}, // a digest is shown, and would tell of the password
		Pointer:  "machines join by it",
		Example:  appstreamDirectoryConfigExample,
	}
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		if credentials := first(b.Body, "service_account_credentials"); credentials != nil {
			if v, ok := credentials.Body.Attr("account_password"); ok {
				l.secretOf(s, v, "The password of the service account")
			}
		}
		return n, l.Diags
	}
	return k
}
