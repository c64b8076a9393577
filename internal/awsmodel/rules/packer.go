package rules

// The files of packer-plugin-amazon whose checks these rules repeat.
const (
	packerAMI      = "packer-plugin-amazon, common/ami_config.go: AMIConfig.Prepare"
	packerRun      = "packer-plugin-amazon, common/run_config.go: RunConfig.Prepare"
	packerDevice   = "packer-plugin-amazon, common/block_device.go: BlockDevice.Prepare"
	packerBuilder  = "packer-plugin-amazon, builder/ebs/builder.go: Builder.Prepare"
	packerAccess   = "packer-plugin-amazon, common/access_config.go: AccessConfig.Prepare"
	packerLaunch   = "packer-plugin-amazon, builder/ebs/fast_launch_setup.go: FastLaunchConfig.Prepare"
	packerUserHost = "packer-plugin-sdk, communicator/config.go: Config.Prepare"
)

// packerRules are what Packer refuses in an amazon-ebs source, and what Image Builder can't do the way Packer
// does. All are judged in planner/kind, where a source is translated.
var packerRules = []Rule{
	{
		ID: "pk-ami-name", Source: packerAMI, Answer: "ami_name must be between 3 and 128 characters long",
		Says: "ami_name has 3 to 128 letters, digits, spaces and ()[]./-'@_.",
	},
	{
		ID: "pk-ami-name-template", Source: packerAMI + "; hashicorp/packer#6791: ami_name is rendered before the source AMI is known",
		Says: "A template in ami_name is one of Packer's functions, and names no value of the build.",
	},
	{
		ID: "pk-ami-name-changed", Severity: Warning, Source: "API Reference, AmiDistributionConfiguration: name; hashicorp/packer#2182, #4761",
		Says: "Image Builder's AMI names hold the build's date, and fewer characters than Packer's.",
	},
	{
		ID: "pk-template-late", Severity: Warning, Source: "packer-plugin-amazon, common/interpolate_build_info.go: BuildInfoTemplate",
		Says: "A description or tag with a template that only a running build can fill in is left out.",
	},
	{
		ID: "pk-instance-type", Source: packerRun, Answer: "either instance_type or spot_instance_types must be specified",
		Says: "A source has one of instance_type and spot_instance_types.",
	},
	{ID: "pk-communicator", Source: packerUserHost, Says: "The communicator is ssh, winrm or none."},
	{
		ID: "pk-kms-unencrypted", Source: packerAMI, Answer: "If you have set either region_kms_key_ids or kms_key_id, encrypt_boot must also be true.",
		Says: "A KMS key needs encrypt_boot = true.",
	},
	{
		ID: "pk-kms-region", Source: packerAMI, Answer: "Region eu-central-1 is in region_kms_key_ids but not in ami_regions",
		Says: "region_kms_key_ids and ami_regions name the same regions.",
	},
	{
		ID: "pk-kms-key", Source: packerAMI + ", ValidateKmsKey", Answer: `"packer" is not a valid KMS Key Id.`,
		Says: "A KMS key is a key id, alias/NAME, or the ARN of one.",
	},
	{
		ID: "pk-shared-default-key", Source: packerAMI, Answer: "Cannot share AMI encrypted with default KMS key",
		Says: "An AMI that is shared and encrypted has a KMS key of its own.",
	},
	{
		ID: "pk-shared-copy-key", Source: "hashicorp/packer-plugin-amazon#270; EC2 User Guide, share an AMI: kms_key_id is the key of the source region alone",
		Says: "A copy that is shared and encrypted has a KMS key of its region.",
	},
	{
		ID: "pk-encrypt-boot-device", Source: "API Reference, InstanceBlockDeviceMapping: Image Builder encrypts mapped volumes; packer-plugin-amazon, common/ami_config.go: encrypt_boot",
		Says: "With encrypt_boot, the root device is mapped, so that Image Builder encrypts it.",
	},
	{
		ID: "pk-device-name", Source: packerDevice, Answer: "The `device_name` must be specified for every device in the block device mapping.",
		Says: "Every block device mapping has a device_name.",
	},
	{ID: "pk-device-key", Source: packerDevice, Says: "A volume with a kms_key_id is not encrypted = false."},
	{
		ID: "pk-device-iops", Source: packerDevice,
		Says: "iops is 100 to 64000 and at most 50 (io1) or 500 (io2) times volume_size, and 3000 to 16000 for gp3.",
	},
	{ID: "pk-device-throughput", Source: packerDevice, Says: "throughput is 125 to 1000, and for gp3 alone."},
	{
		ID: "pk-device-merged", Severity: Warning, Source: "API Reference, CreateImageRecipe: blockDeviceMappings; hashicorp/packer#1642, #2320",
		Says: "Image Builder maps a device once, for the build and for the AMI; the AMI's values are used.",
	},
	{
		ID: "pk-device-unused", Severity: Warning, Source: "packer-plugin-amazon, common/block_device.go: BuildEC2BlockDeviceMapping",
		Says: "Packer doesn't send iops for other types than io1, io2 and gp3, nor a volume for an ephemeral or removed device.",
	},
	{
		ID: "pk-reserved-tags", Severity: Warning, Source: "API Reference, CreateInfrastructureConfiguration: resourceTags; hashicorp/packer-plugin-amazon#141",
		Says: "Tags that Image Builder sets on the build instance itself are left out there, and kept on the AMI.",
	},
	{
		ID: "pk-no-effect", Severity: Warning, Source: "User Guide, How Image Builder works: it starts the build instance and registers the AMI itself",
		Says: "Arguments about Packer's own connection, credentials and instance have no effect in Image Builder.",
	},
	{ID: "pk-user-data", Source: packerRun, Says: "A source has user_data or user_data_file, not both."},
	{ID: "pk-security-group", Source: packerRun, Says: "A source has security_group_id or security_group_ids, not both."},
	{ID: "pk-metadata-options", Source: packerRun, Says: "Metadata options have Packer's values: enabled, disabled, optional, required, and a hop limit of 1 to 64."},
	{ID: "pk-tenancy", Source: packerRun, Says: "The tenancy is default, dedicated or host, and given once."},
	{ID: "pk-host", Source: packerRun, Says: "A placement has one of host_id and host_resource_group_arn, with the tenancy host or none."},
	{ID: "pk-spot-tags", Source: packerRun, Says: "spot_tags and fleet_tags need spot_price."},
	{ID: "pk-spot-modification", Source: packerBuilder, Says: "ena_support and sriov_support don't go with spot_price."},
	{ID: "pk-spot-duration", Source: packerRun, Says: "block_duration_minutes is a multiple of 60."},
	{ID: "pk-spot-strategy", Source: packerRun, Says: "spot_allocation_strategy is one that EC2 knows."},
	{ID: "pk-unlimited-credits", Source: packerRun, Says: "Unlimited credits need a t2, t3, t3a or t4g instance, and no Spot price with t2."},
	{ID: "pk-nitro-enclave", Source: packerRun, Says: "A Nitro enclave needs an instance that is neither Spot nor burstable."},
	{ID: "pk-capacity-reservation", Source: packerRun, Says: "A source has one of the capacity_reservation arguments, and the preference is none or open."},
	{ID: "pk-shutdown-behavior", Source: packerRun, Says: "shutdown_behavior is stop or terminate."},
	{ID: "pk-source-cidr", Source: packerRun, Says: "temporary_security_group_source_cidrs are CIDR blocks."},
	{ID: "pk-ssh-interface", Source: packerRun, Says: "ssh_interface is one that Packer knows."},
	{ID: "pk-session-manager", Source: packerRun, Says: "session_manager needs the ssh communicator."},
	{ID: "pk-key-pair", Source: packerRun, Says: "ssh_keypair_name needs ssh_private_key_file or ssh_agent_auth."},
	{ID: "pk-key-pair-type", Source: packerRun, Says: "temporary_key_pair_type is rsa or ed25519."},
	{ID: "pk-access-keys", Source: packerAccess, Says: "access_key and secret_key are given together."},
	{ID: "pk-fast-launch", Source: packerLaunch, Says: "Fast launch has bounds of at least 6 and 1, and templates by id or name, once for each region."},
	{ID: "pk-fast-launch-region", Source: packerBuilder, Says: "A launch template of fast_launch is of a region that the AMI goes to."},
}
