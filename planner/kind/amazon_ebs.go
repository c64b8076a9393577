package kind

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// amazonEBSSchema is what Packer's amazon-ebs builder takes. A source of that type is read as what
// it means to EC2 Image Builder; see translate.
func amazonEBSSchema() *dsl.Schema {
	s := &dsl.Schema{}
	attrs := func(t cty.Type, names ...string) {
		for _, n := range names {
			s.Attrs = append(s.Attrs, dsl.Attr{Name: n, Type: t})
		}
	}
	attrs(cty.String, "region", "ami_name", "ami_description", "instance_type", "source_ami", "iam_instance_profile", "security_group_id", "subnet_id",
		"availability_zone", "tenancy", "kms_key_id", "ssh_keypair_name", "user_data", "user_data_file", "communicator")
	attrs(cty.String, "execution_role") // not Packer's: Fast Launch by Image Builder needs it
	attrs(cty.List(cty.String), "ami_users", "ami_groups", "ami_org_arns", "ami_ou_arns", "ami_regions", "security_group_ids", "spot_instance_types")
	attrs(cty.Map(cty.String), "tags", "run_tags", "region_kms_key_ids")
	attrs(cty.Bool, "encrypt_boot", "skip_ami_run_tags")
	for _, name := range slices.Concat(ebsIgnored(), ebsUnsupported()) {
		attrs(ebsType(name), name)
	}
	device := &dsl.Schema{}
	for name, t := range map[string]cty.Type{
		"device_name": cty.String, "volume_size": cty.Number, "volume_type": cty.String, "iops": cty.Number, "throughput": cty.Number,
		"encrypted": cty.Bool, "kms_key_id": cty.String, "snapshot_id": cty.String, "virtual_name": cty.String, "no_device": cty.Bool,
		"delete_on_termination": cty.Bool,
	} {
		device.Attrs = append(device.Attrs, dsl.Attr{Name: name, Type: t})
	}
	slices.SortFunc(device.Attrs, func(a, b dsl.Attr) int { return strings.Compare(a.Name, b.Name) })
	block := func(typ string, schema *dsl.Schema) {
		s.Blocks = append(s.Blocks, dsl.NestedType{Type: typ, Schema: schema})
	}
	of := func(t cty.Type, names ...string) *dsl.Schema {
		out := &dsl.Schema{}
		for _, n := range names {
			out.Attrs = append(out.Attrs, dsl.Attr{Name: n, Type: t})
		}
		return out
	}
	block("launch_block_device_mappings", device)
	block("ami_block_device_mappings", device)
	filter := of(cty.DynamicPseudoType, "filters", "owners", "most_recent", "include_deprecated", "most_free", "random")
	for _, typ := range []string{"source_ami_filter", "security_group_filter", "subnet_filter", "vpc_filter"} {
		block(typ, filter)
	}
	metadata := of(cty.String, "http_endpoint", "http_tokens", "instance_metadata_tags")
	metadata.Attrs = append(metadata.Attrs, dsl.Attr{Name: "http_put_response_hop_limit", Type: cty.Number})
	block("metadata_options", metadata)
	block("placement", of(cty.String, "tenancy", "host_id", "host_resource_group_arn"))
	for _, typ := range []string{"tag", "run_tag", "snapshot_tag", "spot_tag", "fleet_tag"} {
		block(typ, of(cty.String, "key", "value"))
	}
	block("run_volume_tag", of(cty.String, "name", "value"))
	block("assume_role", of(cty.DynamicPseudoType, "role_arn", "session_name", "duration_seconds", "external_id", "policy", "policy_arns", "tags", "transitive_tag_keys"))
	block("aws_polling", of(cty.DynamicPseudoType, "delay_seconds", "max_attempts"))
	block("vault_aws_engine", of(cty.DynamicPseudoType, "name", "engine_name", "role_arn", "ttl"))
	s.Blocks = append(s.Blocks, dsl.NestedType{Type: "fast_launch", Max: 1, Schema: fastLaunchSchema()})
	block("deregistration_protection", of(cty.Bool, "enabled", "with_cooldown"))
	return s
}

// ebsUnsupported are the arguments without which the image would be another than the one asked for,
// and which EC2 Image Builder cannot do.
func ebsUnsupported() []string {
	return []string{
		"ami_product_codes", "snapshot_users", "snapshot_groups", "skip_create_ami", "skip_save_build_region", "imds_support", "deprecate_at",
	}
}

// ebsUnsupportedBlocks are the same among the nested blocks.
func ebsUnsupportedBlocks() []string {
	return []string{"security_group_filter", "subnet_filter", "vpc_filter", "vault_aws_engine", "deregistration_protection"}
}
