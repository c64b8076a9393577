package kind

import (
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// meanings say what a member is for, which AWS's model has only as prose of its own. The key is the
// member, or "Structure.member" where structures mean different things by one name. The facts are
// those of the EC2 Image Builder API Reference.
var meanings = map[string]string{
	// Members of several calls.
	"changeDescription":                     "What is new in this version.",
	"description":                           "A description, shown in the console.",
	"distributionConfigurationArn":          "Where the image goes. Without one it stays in the region it is built in.",
	"enhancedImageMetadataEnabled":          "Whether AWS collects the operating system and the packages of the image. Defaults to true.",
	"executionRole":                         "The IAM role that Image Builder works under.",
	"imageRecipeArn":                        "What the image is made from. One of image_recipe_arn and container_recipe_arn is required.",
	"containerRecipeArn":                    "What the container image is made from.",
	"infrastructureConfigurationArn":        "The machine the image is made on.",
	"imageScanningConfiguration":            "Has Amazon Inspector look for vulnerabilities before the test machine ends.",
	"imageTestsConfiguration":               "Whether and how long the image is tested.",
	"kmsKeyId":                              "The KMS key that it is encrypted with.",
	"AmiDistributionConfiguration.kmsKeyId": "The KMS key of the copies in this region; the AMI in the build's region is encrypted by its recipe. A multi-Region key (mrk-…) stands for its replica in each region.",
	"tags":                                  "Tags of the resource itself, beside those that imagebuild sets.",
	"tagMap":                                "The tags that all must be there.",

	// Component and workflow.
	"platform":                 "The operating system the component is for.",
	"supportedOsVersions":      `The versions it is for: "Amazon Linux 2023". Defaults to every one of the platform.`,
	"CreateWorkflow.type":      "The stage the workflow is for.",
	"ComponentParameter.name":  "The parameter's name.",
	"ComponentParameter.value": "Its value, as a list even of one.",
	"WorkflowParameter.name":   "The parameter's name.",
	"WorkflowParameter.value":  "Its value, as a list even of one.",

	// Recipes.
	"components":                        "A component, in the order they run, with parameters.",
	"parameters":                        "One parameter.",
	"blockDeviceMappings":               "A disk of the machine that builds and of the image.",
	"deviceName":                        `The device: "/dev/xvda", "/dev/sda1".`,
	"virtualName":                       `An instance store volume: "ephemeral0".`,
	"noDevice":                          "Takes a device of the parent image away.",
	"ebs":                               "The EBS volume at the device.",
	"encrypted":                         "Whether the volume is encrypted.",
	"deleteOnTermination":               "Whether the volume goes when its machine does.",
	"iops":                              "Operations a second, for io1, io2 and gp3.",
	"snapshotId":                        "The snapshot to start from.",
	"volumeSize":                        "The size in GiB.",
	"volumeType":                        "The type of volume.",
	"throughput":                        "MiB a second, for gp3.",
	"workingDirectory":                  "Where components keep their files while they run. Defaults to /tmp or C:/.",
	"amiTags":                           "Tags of the AMI.",
	"amiWatermarks":                     "Watermarks that the AMI carries on to images made of it.",
	"additionalInstanceConfiguration":   "What is done on the machine that builds, beside the components.",
	"userDataOverride":                  "User data of the machine that builds. It has to install the SSM agent where the image has none.",
	"systemsManagerAgent":               "What becomes of the SSM agent.",
	"uninstallAfterBuild":               "Whether the SSM agent is removed before the image is created. By default, Image Builder removes the agent only if it installed it itself; set false to keep it.",
	"containerType":                     "The type of container.",
	"dockerfileTemplateData":            "The Dockerfile, with {{{ imagebuilder:parentImage }}}, {{{ imagebuilder:environments }}} and {{{ imagebuilder:components }}}.",
	"dockerfileTemplateUri":             "The Dockerfile as an S3 object, instead of its text.",
	"imageOsVersionOverride":            "The operating system's version, where the parent image does not tell.",
	"platformOverride":                  "The operating system, where the parent image does not tell.",
	"instanceConfiguration":             "The machine that builds the container image.",
	"InstanceConfiguration.image":       "The AMI of that machine. Defaults to the newest one optimised for ECS.",
	"targetRepository":                  "The repository the container image goes to.",
	"TargetContainerRepository.service": "The registry's service.",
	"TargetContainerRepository.repositoryName": "The repository's name.",

	// Infrastructure.
	"instanceTypes":              "The instance types to build on; AWS takes the first that can be had.",
	"instanceProfileName":        "The instance profile of the machine that builds and of the one that tests. It needs the policies EC2InstanceProfileForImageBuilder and AmazonSSMManagedInstanceCore.",
	"securityGroupIds":           "The security groups of the machine.",
	"subnetId":                   "The subnet to build in, which needs security_group_ids too. Defaults to the default VPC's.",
	"keyPair":                    "The key pair with which one may log in while it builds.",
	"terminateInstanceOnFailure": "Whether the machine ends when the build fails. Defaults to true. false leaves it there to be looked at.",
	"snsTopicArn":                "The SNS topic that is told how builds end.",
	"resourceTags":               "Tags of the machine and its volumes while it builds.",
	"logging":                    "Where the machine's own logs go, beside CloudWatch.",
	"s3Logs":                     "A place in S3.",
	"s3BucketName":               "The bucket.",
	"s3KeyPrefix":                "What the keys begin with.",
	"instanceMetadataOptions":    "The metadata service of the machine that builds.",
	"httpTokens":                 "required takes IMDSv2 alone.",
	"httpPutResponseHopLimit":    "How many hops an answer may take; containers need 2 where tokens are required.",
	"placement":                  "Where in EC2 the machine runs.",
	"availabilityZone":           "The availability zone.",
	"tenancy":                    "Whose hardware it runs on.",
	"hostId":                     "The dedicated host; with tenancy host.",
	"hostResourceGroupArn":       "The group of dedicated hosts; with tenancy host.",

	// Distribution.
	"distributions":                            "One region and what happens there.",
	"Distribution.region":                      "The region.",
	"licenseConfigurationArns":                 "License Manager configurations that the AMI is under.",
	"amiDistributionConfiguration":             "The AMI in the region: its name, its tags, who may use it.",
	"AmiDistributionConfiguration.name":        "The AMI's name; it must hold {{ imagebuilder:buildDate }}, so that names differ.",
	"AmiDistributionConfiguration.description": "The AMI's description.",
	"targetAccountIds":                         "The accounts that get a copy of their own.",
	"launchPermission":                         "Who may launch the AMI.",
	"userIds":                                  "Accounts that may launch it.",
	"userGroups":                               `"all" makes it public.`,
	"organizationArns":                         "Organisations whose accounts may launch it.",
	"organizationalUnitArns":                   "Organisational units whose accounts may launch it.",
	"containerDistributionConfiguration":       "The container image in the region.",
	"containerTags":                            "Tags of the container image.",
	"launchTemplateConfigurations":             "A launch template that gets a new version with the AMI.",
	"launchTemplateId":                         "The launch template.",
	"LaunchTemplateConfiguration.accountId":    "The account it belongs to. Defaults to the builder's own.",
	"setDefaultVersion":                        "Whether the new version becomes the default one.",
	"s3ExportConfiguration":                    "Exports the image to S3 as a disk image.",
	"roleName":                                 "The role that VM Import/Export works under.",
	"diskImageFormat":                          "The format of the file.",
	"s3Bucket":                                 "The bucket.",
	"s3Prefix":                                 "What the key begins with.",
	"fastLaunchConfigurations":                 "Faster launching of Windows: snapshots are made ready beforehand.",
	"enabled":                                  "Whether fast launching is on.",
	"maxParallelLaunches":                      "How many machines make snapshots at a time.",
	"FastLaunchConfiguration.accountId":        "The account that has fast launching.",
	"snapshotConfiguration":                    "The stock of snapshots.",
	"targetResourceCount":                      "How many snapshots are kept ready.",
	"FastLaunchConfiguration.launchTemplate":   "The launch template that snapshots are made with.",
	"launchTemplateName":                       "The launch template by name.",
	"launchTemplateVersion":                    "Its version.",
	"ssmParameterConfigurations":               "An SSM parameter that is set to the AMI's id.",
	"amiAccountId":                             "The account in which it is set. Defaults to the builder's own.",
	"parameterName":                            "The parameter's name.",
	"dataType":                                 "What EC2 checks the value as. Defaults to aws:ec2:image.",

	// Pipeline.
	"schedule":                        "When AWS builds the recipe by itself.",
	"scheduleExpression":              `"cron(0 2 ? * sun *)" (minute, hour, day, month, weekday, year) or "rate(1 day)".`,
	"timezone":                        "The time zone of the expression. Defaults to UTC.",
	"pipelineExecutionStartCondition": "Whether it builds each time, or only when its parent image or a component has a newer version, which is the default.",
	"autoDisablePolicy":               "When the schedule is switched off.",
	"failureCount":                    "After how many failures in a row.",
	"CreateImagePipeline.status":      "DISABLED stops the schedule. Defaults to ENABLED.",
	"imageTags":                       "Tags of the images of scheduled runs, which policies select by; a source's tags are among them.",

	// Image.
	"imageTestsEnabled":               "Whether the test phase runs, on a machine of its own. Defaults to true.",
	"timeoutMinutes":                  "Meant to limit the tests. AWS says that it is not in force.",
	"imageScanningEnabled":            "Whether Amazon Inspector scans the image.",
	"ecrConfiguration":                "The repository that container images are scanned in.",
	"EcrConfiguration.repositoryName": "The repository's name.",
	"workflows":                       "A workflow to run instead of those of AWS, one block each.",
	"parallelGroup":                   "Test workflows of one group run at the same time.",
	"onFailure":                       "What happens when a test workflow fails.",
	"loggingConfiguration":            "Where in CloudWatch the logs go.",
	"logGroupName":                    "The log group. Defaults to /aws/imagebuilder/NAME.",
	"imageLogGroupName":               "The log group of the images. Defaults to /aws/imagebuilder/NAME.",
	"pipelineLogGroupName":            "The log group of the pipeline itself.",

	// Lifecycle policy.
	"CreateLifecyclePolicy.status":     "Whether the policy is in force. Defaults to ENABLED.",
	"resourceType":                     "What the policy is about.",
	"policyDetails":                    "A rule: which images, and what happens to them.",
	"action":                           "What happens.",
	"LifecyclePolicyDetailAction.type": "What happens to the images.",
	"includeResources":                 "What else it happens to.",
	"LifecyclePolicyDetailActionIncludeResources.amis": "To the AMIs.",
	"snapshots":                                       "To the AMIs' snapshots.",
	"containers":                                      "To the container images.",
	"filter":                                          "Which images.",
	"LifecyclePolicyDetailFilter.type":                "By age, or all but the newest of each recipe version, which is one for each content: imagebuild gc --keep counts across versions.",
	"LifecyclePolicyDetailFilter.value":               "The age, or how many of each recipe version stay.",
	"LifecyclePolicyDetailFilter.unit":                "The unit of an age.",
	"retainAtLeast":                                   "How many of each recipe version stay, whatever their age.",
	"exclusionRules":                                  "Which images are spared.",
	"LifecyclePolicyDetailExclusionRules.amis":        "AMIs that are spared.",
	"LifecyclePolicyDetailExclusionRules.tagMap":      "Images with these tags are spared.",
	"isPublic":                                        "Spares public AMIs.",
	"LifecyclePolicyDetailExclusionRulesAmis.regions": "Spares those in these regions.",
	"sharedAccounts":                                  "Spares those shared with these accounts.",
	"LifecyclePolicyDetailExclusionRulesAmis.tagMap":  "Spares those with these tags.",
	"lastLaunched":                                    "Spares those launched lately.",
	"LifecyclePolicyDetailExclusionRulesAmisLastLaunched.value": "How long ago at most.",
	"LifecyclePolicyDetailExclusionRulesAmisLastLaunched.unit":  "The unit of that.",
	"resourceSelection": "What the policy looks at: images of recipes, or those with tags.",
	"recipes":           "A recipe.",
	"LifecyclePolicyResourceSelectionRecipe.name":            "The recipe's name.",
	"LifecyclePolicyResourceSelectionRecipe.semanticVersion": "The recipe's version.",
	"LifecyclePolicyResourceSelection.tagMap":                "Images with all these tags.",
}

// docOf says what a member of a structure is for and what its values look like.
func docOf(parent string, m awsmodel.Member) string {
	parts := make([]string, 0, 2)
	if s := meaning(parent, m.Name); s != "" {
		parts = append(parts, s)
	}
	if s := bounds(m.Shape); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// meaning prefers what is said of the member of this structure. The model calls an operation's
// input by the operation's name and Request.
func meaning(parent, member string) string {
	of := strings.TrimSuffix(parent, "Request") + "." + member
	for _, table := range []map[string]string{meanings, appstreamMeanings} {
		if s, ok := table[of]; ok {
			return s
		}
	}
	if s, ok := meanings[member]; ok {
		return s
	}
	return appstreamMeanings[member]
}

// bounds is what the model demands of a value, "" where that is what its type says already, or the
// length that the model gives to any text.
func bounds(sh *awsmodel.Shape) string {
	switch sh.Type {
	case "structure", "boolean":
		return ""
	case "list":
		if sh.Element.Type == "structure" {
			return ""
		}
	}
	if len(sh.Enum) == 1 {
		return sh.Enum[0] + " is the only value."
	}
	switch phrase := sh.Describe(); phrase {
	case "text", "1 to 1024 characters":
		return ""
	case "the empty string":
		return `Write "".`
	default:
		phrase, _ = strings.CutPrefix(phrase, "a list of any number of entries, each ")
		if phrase == "text" || phrase == "1 to 1024 characters" || phrase == "any number of characters" {
			return ""
		}
		return sentence(phrase)
	}
}
