package kind

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// An ebsGroup is arguments and blocks of Packer's that have no effect in Image Builder, and what happens instead.
type ebsGroup struct {
	instead string
	names   []string // blocks among them
}

// ebsWithoutEffect are the arguments that mean nothing where EC2 Image Builder starts the machine itself.
func ebsWithoutEffect() []ebsGroup {
	return []ebsGroup{
		{"imagebuild calls AWS as whoever starts it, in that account: start it with the role or profile that is meant.", []string{
			"access_key", "secret_key", "token", "profile", "shared_credentials_file", "mfa_code", "assume_role", "custom_endpoint_ec2",
			"decode_authorization_messages", "insecure_skip_tls_verify", "max_retries", "skip_credential_validation", "skip_metadata_api_check",
			"skip_region_validation", "skip_profile_validation", "aws_polling",
		}},
		{"Image Builder registers the AMI: it has the parent image's virtualization and drivers, its snapshots get no tags of their own, and older AMIs and snapshots are kept.", []string{
			"ami_virtualization_type", "ena_support", "sriov_support", "snapshot_tags", "snapshot_tag", "snapshot_copy_duration_minutes", "force_deregister",
			"force_delete_snapshot", "no_ephemeral",
		}},
		{"Image Builder starts the build instance: on demand, with a public address where its subnet gives one, and with the metadata service on.", []string{
			"spot_instance_types", "spot_price", "spot_allocation_strategy", "spot_price_auto_product", "spot_tags", "spot_tag", "fleet_tags", "fleet_tag",
			"block_duration_minutes", "run_volume_tags", "run_volume_tag", "associate_public_ip_address", "vpc_id", "ebs_optimized", "enable_nitro_enclave",
			"enable_unlimited_credits", "enable_t2_unlimited", "capacity_reservation_id", "capacity_reservation_group_arn", "capacity_reservation_preference",
			"shutdown_behavior", "disable_stop_instance", "temporary_security_group_source_cidrs", "temporary_security_group_source_public_ip",
			"metadata_options.http_endpoint", "metadata_options.instance_metadata_tags",
		}},
		{"Image Builder runs the steps on the instance as root or SYSTEM, without SSH or WinRM.", []string{
			"windows_password_timeout", "ssh_username", "ssh_interface", "ssh_private_key_file", "ssh_agent_auth",
			"ssh_password", "ssh_certificate_file", "temporary_key_pair_name", "temporary_key_pair_type", "temporary_key_pair_bits", "ssh_timeout", "ssh_wait_timeout",
			"ssh_handshake_attempts", "ssh_port", "ssh_pty", "ssh_ciphers", "ssh_key_exchange_algorithms", "ssh_clear_authorized_keys", "ssh_bastion_host",
			"ssh_bastion_port", "ssh_bastion_username", "ssh_bastion_password", "ssh_bastion_interactive", "ssh_bastion_agent_auth",
			"ssh_bastion_private_key_file", "ssh_bastion_certificate_file", "ssh_proxy_host", "ssh_proxy_port", "ssh_proxy_username", "ssh_proxy_password",
			"ssh_file_transfer_method", "ssh_keep_alive_interval", "ssh_read_write_timeout", "ssh_remote_tunnels", "ssh_local_tunnels",
			"ssh_disable_agent_forwarding", "ssh_host", "winrm_username", "winrm_password", "winrm_host", "winrm_port", "winrm_timeout", "winrm_use_ssl",
			"winrm_insecure", "winrm_use_ntlm", "winrm_no_proxy", "pause_before_connecting", "pause_before_ssm", "session_manager_port",
		}},
	}
}

// ebsIdleBlocks are the blocks among them.
func ebsIdleBlocks() []string {
	return []string{"snapshot_tag", "spot_tag", "fleet_tag", "run_volume_tag", "assume_role", "aws_polling"}
}

// ebsIgnored are the arguments among them that nothing else reads.
func ebsIgnored() []string {
	var out []string
	for _, g := range ebsWithoutEffect() {
		for _, n := range g.names {
			if n != "spot_instance_types" && !strings.Contains(n, ".") && !slices.Contains(ebsIdleBlocks(), n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// ebsType is the type of an argument that has no effect, so that what Packer refuses is refused.
func ebsType(name string) cty.Type {
	switch name {
	case "max_retries", "snapshot_copy_duration_minutes", "block_duration_minutes", "temporary_key_pair_bits", "ssh_handshake_attempts", "ssh_port",
		"ssh_bastion_port", "ssh_proxy_port", "winrm_port", "session_manager_port":
		return cty.Number
	case "temporary_security_group_source_cidrs", "ssh_ciphers", "ssh_key_exchange_algorithms", "ssh_remote_tunnels", "ssh_local_tunnels",
		"ami_product_codes", "snapshot_users", "snapshot_groups":
		return cty.List(cty.String)
	case "snapshot_tags", "spot_tags", "fleet_tags", "run_volume_tags":
		return cty.Map(cty.String)
	case "decode_authorization_messages", "insecure_skip_tls_verify", "skip_credential_validation", "skip_metadata_api_check", "skip_region_validation",
		"ena_support", "sriov_support", "force_deregister", "force_delete_snapshot", "skip_ami_run_tags", "no_ephemeral", "skip_profile_validation",
		"temporary_security_group_source_public_ip", "associate_public_ip_address", "ebs_optimized", "enable_nitro_enclave", "enable_unlimited_credits",
		"enable_t2_unlimited", "disable_stop_instance", "ssh_agent_auth", "ssh_pty", "ssh_clear_authorized_keys", "ssh_bastion_interactive",
		"ssh_bastion_agent_auth", "ssh_disable_agent_forwarding", "winrm_use_ssl", "winrm_insecure", "winrm_use_ntlm", "winrm_no_proxy",
		"skip_create_ami", "skip_save_build_region":
		return cty.Bool
	}
	return cty.String
}

// unsupported refuses what cannot be done.
func (t *ebs) unsupported() {
	for _, name := range ebsUnsupported() {
		if v, ok := t.body.Attr(name); ok && v.V != false && v.V != "" && !emptyList(v.V) {
			t.fail(v.Range, "Unsupported argument", "EC2 Image Builder cannot do what %q asks for. Remove it, and do that in a step of the workflow after the build.", name)
		}
	}
	for _, name := range ebsUnsupportedBlocks() {
		for _, n := range t.body.Of(name) {
			if name == "deregistration_protection" && n.Body.Attrs["enabled"].V != true && n.Body.Attrs["with_cooldown"].V != true {
				continue // as AWS does it anyway
			}
			t.fail(n.Range, "Unsupported block", "%q cannot be used for EC2 Image Builder. Write the id that is meant, or take it from a variable.", name)
		}
	}
}

func emptyList(v any) bool {
	l, ok := v.([]any)
	return ok && len(l) == 0
}

// withoutEffect names once, for each reason, what has no effect.
func (t *ebs) withoutEffect() {
	for _, g := range ebsWithoutEffect() {
		var names []string
		at := t.body.Range
		for _, name := range g.names {
			if v, ok := t.given(name); ok {
				if len(names) == 0 {
					at = v.Range
				}
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			t.rule("pk-no-effect", at, "%s Arguments of the source without effect: %s.", g.instead, strings.Join(names, ", "))
		}
	}
}

// given finds an argument, a block, or a block's argument ("metadata_options.http_endpoint") that says something.
func (t *ebs) given(name string) (dsl.Value, bool) {
	block, member, nested := strings.Cut(name, ".")
	for _, n := range t.body.Of(block) {
		if !nested {
			return dsl.Value{V: true, Range: n.Range}, true
		}
		// The defaults are what Image Builder does.
		if v, ok := n.Body.Attr(member); ok && (v.V == "enabled") != (member == "http_endpoint") {
			return v, true
		}
	}
	v, ok := t.body.Attr(name)
	if m, isMap := v.V.(map[string]any); isMap && len(m) == 0 {
		ok = false
	}
	return v, ok && v.V != "" && !emptyList(v.V)
}
