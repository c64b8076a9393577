package kind

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// DataBlockType is how data blocks are written. It is no kind: a data block asks AWS something and
// makes nothing. Its arguments and exports are those of Packer's Amazon plugin. Packer's http and HCP
// sources are not among them: what they answer belongs to no plan that can be made twice. Its null is
// the language's own.
func DataBlockType() dsl.BlockType {
	text := func(name, doc string) dsl.Attr { return dsl.Attr{Name: name, Type: cty.String, Doc: doc} }
	required := func(a dsl.Attr) dsl.Attr { a.Required = true; return a }
	flag := func(name, doc string) dsl.Attr { return dsl.Attr{Name: name, Type: cty.Bool, Doc: doc} }
	amazon := func(attrs ...dsl.Attr) *dsl.Schema {
		s := &dsl.Schema{Attrs: append(attrs, text("region", "The region to ask. Defaults to the configuration's."))}
		// Credentials come from the environment of the run; these are Packer's own ways to give them.
		for _, name := range []string{
			"access_key", "secret_key", "token", "profile", "shared_credentials_file", "custom_endpoint_ec2", "mfa_code",
			"insecure_skip_tls_verify", "skip_credential_validation", "skip_metadata_api_check", "decode_authorization_messages", "max_retries",
		} {
			s.Attrs = append(s.Attrs, dsl.Attr{Name: name, Type: cty.DynamicPseudoType, Doc: "Accepted as Packer has it; without effect."})
		}
		s.Blocks = append(s.Blocks, dsl.NestedType{Type: "assume_role", Max: 1, Doc: "Accepted as Packer has it; without effect.", Schema: &dsl.Schema{Attrs: []dsl.Attr{
			text("role_arn", ""), text("session_name", ""), text("external_id", ""), text("policy", ""),
			{Name: "duration_seconds", Type: cty.Number},
			{Name: "policy_arns", Type: cty.List(cty.String)},
			{Name: "transitive_tag_keys", Type: cty.List(cty.String)},
			{Name: "tags", Type: cty.Map(cty.String)},
		}}})
		return s
	}
	return dsl.BlockType{
		Name: "data", Labels: []string{"type", "name"},
		Doc: "A question to AWS whose answer the configuration uses.",
		Variants: map[string]*dsl.Schema{
			"amazon-ami": amazon(
				dsl.Attr{Name: "filters", Type: cty.Map(cty.String), Required: true, Doc: "Filters of EC2 DescribeImages; several values are separated by commas."},
				dsl.Attr{Name: "owners", Type: cty.List(cty.String), Required: true, Doc: "Account ids, self, amazon or aws-marketplace."},
				flag("most_recent", "Takes the newest where several images match; otherwise exactly one may."),
				flag("include_deprecated", "Considers deprecated images too."),
			),
			"amazon-parameterstore": amazon(
				required(text("name", "The parameter's name.")),
				flag("with_decryption", "Decrypts a SecureString."),
			),
			"amazon-secretsmanager": amazon(
				required(text("name", "The secret's name or ARN.")),
				text("key", "The key of a secret that is a JSON object. Defaults to the first."),
				text("version_id", "The version to read."),
				text("version_stage", "The stage to read. Defaults to AWSCURRENT."),
			),
		},
		Unsupported: unsupportedData(),
		VariantExports: map[string][]string{
			"amazon-ami":            {"id", "name", "creation_date", "owner", "owner_name", "tags"},
			"amazon-parameterstore": {"value", "version", "arn"},
			"amazon-secretsmanager": {"value", "secret_string", "secret_binary", "version_id"},
		},
	}
}

// unsupportedData says why the other data sources that Packer users have are none of ours.
func unsupportedData() map[string]string {
	const registry = "It asks the HCP Packer registry, which imagebuild does not use. Look the image up with data \"amazon-ami\", or pass its id as a variable."
	out := map[string]string{
		"http": "What a server answers may differ from one run to the next, and then the image would. Read a file of the repository with file(), or pass the text as a variable.",
	}
	for _, name := range []string{"hcp-packer-version", "hcp-packer-artifact", "hcp-packer-image", "hcp-packer-iteration"} {
		out[name] = registry
	}
	return out
}
