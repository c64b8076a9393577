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
	attrs(cty.Bool, "encrypt_boot")
	attrs(cty.DynamicPseudoType, slices.Concat(ebsIgnored(), ebsUnsupported())...)
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
	block("metadata_options", of(cty.DynamicPseudoType, "http_endpoint", "http_tokens", "http_put_response_hop_limit", "instance_metadata_tags"))
	block("placement", of(cty.String, "tenancy", "host_id", "host_resource_group_arn"))
	for _, typ := range []string{"tag", "run_tag", "snapshot_tag", "spot_tag", "fleet_tag", "run_volume_tag"} {
		block(typ, of(cty.String, "key", "name", "value"))
	}
	block("assume_role", of(cty.DynamicPseudoType, "role_arn", "session_name", "duration_seconds", "external_id", "policy", "policy_arns", "tags", "transitive_tag_keys"))
	block("aws_polling", of(cty.DynamicPseudoType, "delay_seconds", "max_attempts"))
	block("vault_aws_engine", of(cty.DynamicPseudoType, "name", "engine_name", "role_arn", "ttl"))
	s.Blocks = append(s.Blocks, dsl.NestedType{Type: "fast_launch", Max: 1, Schema: fastLaunchSchema()})
	block("deregistration_protection", of(cty.DynamicPseudoType, "enabled", "with_cooldown"))
	return s
}

// ebsIgnored are the arguments that mean nothing where EC2 Image Builder starts the machine itself.
func ebsIgnored() []string {
	return []string{
		"access_key", "secret_key", "token", "profile", "shared_credentials_file", "custom_endpoint_ec2", "decode_authorization_messages",
		"insecure_skip_tls_verify", "max_retries", "mfa_code", "skip_credential_validation", "skip_metadata_api_check",
		"ami_virtualization_type", "skip_region_validation", "snapshot_copy_duration_minutes", "snapshot_tags", "ena_support", "sriov_support",
		"force_deregister", "force_delete_snapshot", "skip_ami_run_tags", "no_ephemeral", "spot_price", "spot_allocation_strategy", "spot_tags", "fleet_tags",
		"block_duration_minutes", "spot_price_auto_product", "skip_profile_validation", "temporary_security_group_source_cidrs",
		"temporary_security_group_source_public_ip", "associate_public_ip_address", "run_volume_tags", "vpc_id", "ebs_optimized", "enable_nitro_enclave",
		"enable_unlimited_credits", "enable_t2_unlimited", "capacity_reservation_id", "capacity_reservation_group_arn", "capacity_reservation_preference",
		"shutdown_behavior", "disable_stop_instance", "windows_password_timeout", "ssh_username", "ssh_interface", "ssh_private_key_file", "ssh_agent_auth",
		"ssh_password", "ssh_certificate_file", "temporary_key_pair_name", "temporary_key_pair_type", "temporary_key_pair_bits", "ssh_timeout",
		"ssh_handshake_attempts", "ssh_port", "ssh_pty", "ssh_ciphers", "ssh_key_exchange_algorithms", "ssh_clear_authorized_keys", "ssh_bastion_host",
		"ssh_bastion_port", "ssh_bastion_username", "ssh_bastion_password", "ssh_bastion_interactive", "ssh_bastion_agent_auth",
		"ssh_bastion_private_key_file", "ssh_bastion_certificate_file", "ssh_proxy_host", "ssh_proxy_port", "ssh_proxy_username", "ssh_proxy_password",
		"ssh_file_transfer_method", "ssh_keep_alive_interval", "ssh_read_write_timeout", "ssh_remote_tunnels", "ssh_local_tunnels",
		"ssh_disable_agent_forwarding", "ssh_host", "winrm_username", "winrm_password", "winrm_host", "winrm_port", "winrm_timeout", "winrm_use_ssl",
		"winrm_insecure", "winrm_use_ntlm", "winrm_no_proxy", "pause_before_connecting", "pause_before_ssm", "session_manager_port",
	}
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
