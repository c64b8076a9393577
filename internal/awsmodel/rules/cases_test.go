package rules_test

import (
	"fmt"
	"strings"
)

// base holds an accepted input of each operation that has rules.
var base = map[string]string{
	"CreateComponent":                   `{"name":"web","semanticVersion":"1.0.0","platform":"Linux","data":"phases: []"}`,
	"ImportComponent":                   `{"name":"web","semanticVersion":"1.0.0","platform":"Linux","type":"BUILD","format":"SHELL","data":"true"}`,
	"CreateWorkflow":                    `{"name":"flow","semanticVersion":"1.0.0","type":"TEST","data":"schemaVersion: 1.0\nsteps: [{name: end, action: TerminateInstance, inputs: {instanceId: i-0123456789abcdef0}}]"}`,
	"CreateImageRecipe":                 `{"name":"web","semanticVersion":"1.0.0","parentImage":"ami-0123456789abcdef0"}`,
	"CreateContainerRecipe":             `{"name":"web","semanticVersion":"1.0.0","containerType":"DOCKER","parentImage":"amazonlinux:2023","dockerfileTemplateData":"FROM {{{ imagebuilder:parentImage }}}","targetRepository":{"service":"ECR","repositoryName":"web"}}`,
	"CreateInfrastructureConfiguration": `{"name":"web","instanceProfileName":"builder"}`,
	"CreateDistributionConfiguration":   `{"name":"web","distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{}}]}`,
	"UpdateDistributionConfiguration":   `{"distributionConfigurationArn":"arn:aws:imagebuilder:eu-west-1:123456789012:distribution-configuration/web","distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{}}]}`,
	"CreateImage":                       `{"imageRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/web/1.0.0","infrastructureConfigurationArn":"?"}`,
	"CreateImagePipeline":               `{"name":"web","imageRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/web/1.x.x","infrastructureConfigurationArn":"?"}`,
	"CreateLifecyclePolicy":             `{"name":"old","executionRole":"cleaner","resourceType":"AMI_IMAGE","policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"COUNT","value":3}}],"resourceSelection":{"tagMap":{"team":"web"}}}`,
	"DistributeImage":                   `{"sourceImage":"ami-0123456789abcdef0","distributionConfigurationArn":"?","executionRole":"distributor"}`,
	"ImportDiskImage":                   `{"name":"win11","semanticVersion":"1.0.0","platform":"Windows","osVersion":"Microsoft Windows 11","uri":"s3://isos/win11.iso","infrastructureConfigurationArn":"?"}`,
}

// numbered is n entries of a list, each with its number.
func numbered(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(list, ",")
}

// A ruleCase changes members of an operation's base input and says where it is then refused.
type ruleCase struct {
	op, change string
	refused    []string
}

const (
	sevenUnknown = `{"componentArn":"?"},{"componentArn":"?"},{"componentArn":"?"},{"componentArn":"?"},{"componentArn":"?"},{"componentArn":"?"},{"componentArn":"?"}`
	fiveParams   = `{"name":"p","value":["v"]},{"name":"p","value":["v"]},{"name":"p","value":["v"]},{"name":"p","value":["v"]},{"name":"p","value":["v"]}`
	threeTests   = `{"workflowArn":"?"},{"workflowArn":"?"},{"workflowArn":"?"}`
	ownTest      = `arn:aws:imagebuilder:eu-west-1:123456789012:workflow/test/t/1.0.0`
	ownBuild     = `arn:aws:imagebuilder:eu-west-1:123456789012:workflow/build/b/1.0.0`
	managedTest  = `arn:aws:imagebuilder:eu-west-1:aws:workflow/test/test-image/`
	component    = `arn:aws:imagebuilder:eu-west-1:123456789012:component/`
)

var ruleCases = []ruleCase{
	// Rules common to all.
	{"CreateImage", `{"imageScanningConfiguration":{"ecrConfiguration":{"containerTags":["a"]}}}`, nil},
	{"CreateImage", `{"imageScanningConfiguration":{"ecrConfiguration":{"containerTags":[]}}}`, []string{"imageScanningConfiguration.ecrConfiguration.containerTags"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":[]}}]}`, []string{"distributions[0].amiDistributionConfiguration.targetAccountIds"}},
	{"CreateComponent", `{"semanticVersion":"1073741823.0.01"}`, nil},
	{"CreateComponent", `{"semanticVersion":"1.1073741824.0"}`, []string{"semanticVersion"}},
	{"CreateComponent", `{"semanticVersion":"1.99999999999999999999.0"}`, []string{"semanticVersion"}},
	{"CreateComponent", `{"semanticVersion":"1.0.x"}`, []string{"semanticVersion"}},
	{"CreateWorkflow", `{"semanticVersion":"2026.01.07"}`, nil},
	{"CreateImageRecipe", `{"semanticVersion":"1.x.0"}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sda1","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/xvda","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdb","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdz","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"xvdf","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/xvdba","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"sda1","ebs":{"volumeSize":8}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sda","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sda2","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sde1","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdf1","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/xvda1","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/xvdal1","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/hdb","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/nvme1n1","ebs":{"volumeSize":8}}]}`, []string{"blockDeviceMappings[0].deviceName"}},
	{"CreateImageRecipe", `{"semanticVersion":"1.x.x"}`, []string{"semanticVersion"}},
	{"CreateContainerRecipe", `{"semanticVersion":"1.x.1073741824"}`, []string{"semanticVersion"}},

	// Documents.
	{"CreateComponent", `{"data":null,"uri":"s3://bucket/web.yml"}`, nil},
	{"CreateComponent", `{"data":"?"}`, nil},
	{"CreateComponent", `{"data":null}`, []string{""}},
	{"CreateComponent", `{"uri":"s3://bucket/web.yml"}`, []string{"uri"}},
	{"CreateComponent", `{"data":null,"uri":"https://bucket/web.yml"}`, []string{"uri"}},
	{"CreateWorkflow", `{"data":null,"uri":"s3://bucket/"}`, []string{"uri"}},
	{"CreateComponent", `{"data":null,"uri":""}`, []string{"uri"}},
	{"CreateComponent", `{"kmsKeyId":"arn:aws:kms:eu-west-1:123456789012:alias/web"}`, nil},
	{"CreateComponent", `{"kmsKeyId":"alias/web"}`, []string{"kmsKeyId"}},

	// Recipes.
	{"CreateImageRecipe", `{"components":[{"componentArn":"` + component + `a/1.0.0"},{"componentArn":"` + component + `b/x.x.x","parameters":[{"name":"p","value":["v"]}]}]}`, nil},
	{"CreateImageRecipe", `{"components":[` + sevenUnknown + `,` + sevenUnknown + `,` + sevenUnknown + `]}`, []string{"components"}},
	{"CreateImageRecipe", `{"components":[{"componentArn":"` + component + `a/1.0.0"},{"componentArn":"` + component + `a/2.0.0/1"}]}`, []string{"components[1].componentArn"}},
	{"CreateImageRecipe", `{"components":[{"componentArn":"` + component + `a/x.2.x"}]}`, []string{"components[0].componentArn"}},
	{"CreateImageRecipe", `{"components":[{"componentArn":"` + component + `a/1.0.1073741824"}]}`, []string{"components[0].componentArn"}},
	{"CreateImageRecipe", `{"components":[{"componentArn":"?","parameters":[` + fiveParams + `,` + fiveParams + `,` + fiveParams + `,` + fiveParams + `,` + fiveParams + `]}]}`, nil},
	{"CreateImageRecipe", `{"components":[{"componentArn":"?","parameters":[` + fiveParams + `,` + fiveParams + `,` + fiveParams + `,` + fiveParams + `,` + fiveParams + `,` + `{"name":"q","value":["v"]}]}]}`, []string{"components[0].parameters"}},
	{"CreateImageRecipe", `{"components":[{"componentArn":"?","parameters":[{"name":"p","value":["` + thousandAndMore + `"]}]}]}`, []string{"components[0].parameters[0].value[0]"}},
	{"CreateImageRecipe", `{"parentImage":"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x"}`, nil},
	{"CreateImageRecipe", `{"parentImage":"ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}`, nil},
	{"CreateImageRecipe", `{"parentImage":"ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/golden"}`, nil},
	{"CreateImageRecipe", `{"parentImage":"prod-abcdefghijklm"}`, nil},
	{"CreateImageRecipe", `{"parentImage":"0d7f0b5c-5e6f-4a5a-8a6b-1234567890ab"}`, nil},
	{"CreateImageRecipe", `{"parentImage":"amazon-linux-2023"}`, []string{"parentImage"}},
	{"CreateImageRecipe", `{"parentImage":"ami-0123"}`, []string{"parentImage"}},
	{"CreateImageRecipe", `{"parentImage":"ssm:"}`, []string{"parentImage"}},
	{"CreateImageRecipe", `{"parentImage":"arn:aws:ec2:eu-west-1::image/ami-0123456789abcdef0"}`, []string{"parentImage"}},
	{"CreateImageRecipe", `{"parentImage":"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.1.x"}`, []string{"parentImage"}},
	{"CreateImageRecipe", `{"additionalInstanceConfiguration":{"userDataOverride":"IyEvYmluL3No"}}`, nil},
	{"CreateImageRecipe", `{"additionalInstanceConfiguration":{"userDataOverride":"#!/bin/sh"}}`, []string{"additionalInstanceConfiguration.userDataOverride"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/xvda","ebs":{"volumeType":"gp3","throughput":250,"iops":4000,"volumeSize":20,"encrypted":true,"kmsKeyId":"alias/x"}}]}`, nil},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeType":"gp2","throughput":250,"iops":4000}}]}`, []string{"blockDeviceMappings[0].ebs.iops", "blockDeviceMappings[0].ebs.throughput"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeType":"io2","volumeSize":3}},{"deviceName":"/dev/sdg","ebs":{"volumeType":"st1","volumeSize":100}},{"deviceName":"/dev/sdh","ebs":{"encrypted":false,"kmsKeyId":"alias/k"}}]}`, []string{"blockDeviceMappings[0].ebs.iops", "blockDeviceMappings[0].ebs.volumeSize", "blockDeviceMappings[1].ebs.volumeSize", "blockDeviceMappings[2].ebs.kmsKeyId"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeType":"?","throughput":250,"iops":4000}}]}`, nil},
	{"CreateContainerRecipe", `{"instanceConfiguration":{"image":"ami-0123456789abcdef0","blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeType":"gp3"}}]}}`, nil},
	{"CreateContainerRecipe", `{"instanceConfiguration":{"image":"ubuntu","blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeType":"gp2","throughput":250}}]}}`, []string{"instanceConfiguration.blockDeviceMappings[0].ebs.throughput", "instanceConfiguration.image"}},
	{"CreateContainerRecipe", `{"dockerfileTemplateData":null,"dockerfileTemplateUri":"s3://bucket/Dockerfile"}`, nil},
	{"CreateContainerRecipe", `{"dockerfileTemplateUri":"Dockerfile"}`, []string{"dockerfileTemplateUri", "dockerfileTemplateUri"}},
	{"CreateContainerRecipe", `{"parentImage":"123456789012.dkr.ecr.eu-west-1.amazonaws.com/base:1"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"library/debian"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-x86-latest/x.x.x"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-x86-latest/x.x.1"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"parentImage":"ghcr.io/org/base"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"mcr.microsoft.com/windows/servercore:ltsc2019-amd64"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"localhost:5000/team/a__b.c-d:1.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"Registry.example.com:443/web"}`, nil},
	{"CreateContainerRecipe", `{"parentImage":"docker://alpine"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"parentImage":"Alpine"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"parentImage":"alpine:"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"parentImage":"alpine@sha256:0123"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"platformOverride":"Windows"}`, []string{"platformOverride"}},
	{"CreateContainerRecipe", `{"platformOverride":"Windows","imageOsVersionOverride":"?"}`, nil},
	{"CreateContainerRecipe", `{"platformOverride":"Windows","parentImage":"?"}`, nil},
	{"CreateContainerRecipe", `{"platformOverride":"Linux","parentImage":"arn:aws:imagebuilder:eu-west-1:123456789012:image/base/1.0.0/1"}`, []string{"platformOverride"}},
	{"CreateContainerRecipe", `{"dockerfileTemplateData":"FROM {{{imagebuilder:parentImage}}}"}`, nil},
	{"CreateContainerRecipe", `{"dockerfileTemplateData":"FROM {{ imagebuilder:parentImage }}"}`, []string{"dockerfileTemplateData", "dockerfileTemplateData"}},
	{"CreateContainerRecipe", `{"components":"?"}`, []string{"dockerfileTemplateData"}},
	{"CreateContainerRecipe", `{"components":[{"componentArn":"?"}],"dockerfileTemplateData":"FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:components }}}\n{{{ imagebuilder:environments }}}"}`, []string{"dockerfileTemplateData"}},
	{"CreateContainerRecipe", `{"targetRepository":{"service":"ECR","repositoryName":"team/web_api.v2"}}`, nil},
	{"CreateContainerRecipe", `{"targetRepository":{"service":"ECR","repositoryName":"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"}}`, []string{"targetRepository.repositoryName"}},
	{"CreateContainerRecipe", `{"targetRepository":{"service":"ECR","repositoryName":"Web"}}`, []string{"targetRepository.repositoryName"}},
	{"CreateContainerRecipe", `{"targetRepository":{"service":"ECR","repositoryName":"w"}}`, []string{"targetRepository.repositoryName"}},
	{"CreateContainerRecipe", `{"targetRepository":{"service":"DOCKER_HUB","repositoryName":"web"}}`, []string{"targetRepository.service"}},
	{"CreateContainerRecipe", `{"parentImage":"ami-0123456789abcdef0"}`, []string{"parentImage"}},
	{"CreateContainerRecipe", `{"parentImage":"arn:aws:s3:::x"}`, []string{"parentImage"}},

	// Infrastructure.
	{"CreateInfrastructureConfiguration", `{"instanceTypes":["t3.medium"]}`, nil},
	{"CreateInfrastructureConfiguration", `{"instanceTypes":["t3.medium",""]}`, []string{"instanceTypes[1]"}},
	{"CreateInfrastructureConfiguration", `{"instanceTypes":[]}`, []string{"instanceTypes"}},
	{"CreateInfrastructureConfiguration", `{"subnetId":"subnet-1","securityGroupIds":"?"}`, nil},
	{"CreateInfrastructureConfiguration", `{"subnetId":"subnet-1"}`, []string{"subnetId"}},
	{"CreateInfrastructureConfiguration", `{"subnetId":"subnet-1","securityGroupIds":[]}`, []string{"securityGroupIds", "subnetId"}},
	{"CreateInfrastructureConfiguration", `{"resourceTags":{"team":"web"},"tags":{"Name":"web"}}`, nil},
	{"CreateInfrastructureConfiguration", `{"resourceTags":{"Name":"web","CreatedBy":"me","team":"web"}}`, []string{"resourceTags.CreatedBy", "resourceTags.Name"}},
	{"CreateInfrastructureConfiguration", `{"tags":{"aws:team":"web"}}`, []string{"tags.aws:team"}},
	{"CreateInfrastructureConfiguration", `{"placement":{"tenancy":"host","hostId":"h-0123456789abcdef0"}}`, nil},
	{"CreateInfrastructureConfiguration", `{"placement":{"tenancy":"dedicated","hostId":"h-0123456789abcdef0"}}`, []string{"placement.hostId"}},
	{"CreateInfrastructureConfiguration", `{"placement":{"tenancy":"host","hostId":"h-0123456789abcdef0","hostResourceGroupArn":"arn:aws:resource-groups:eu-west-1:123456789012:group/g"}}`, []string{"placement.hostResourceGroupArn"}},
	{"CreateInfrastructureConfiguration", `{"instanceMetadataOptions":{"httpTokens":"requires","httpPutResponseHopLimit":65}}`, []string{"instanceMetadataOptions.httpPutResponseHopLimit", "instanceMetadataOptions.httpTokens"}},
	{"CreateInfrastructureConfiguration", `{"snsTopicArn":"arn:aws:sns:eu-west-1:123456789012:topic.fifo"}`, []string{"snsTopicArn"}},

	// Distribution.
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","licenseConfigurationArns":"?"},{"region":"eu-west-2","containerDistributionConfiguration":{"targetRepository":{"service":"ECR","repositoryName":"web"}}}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","containerDistributionConfiguration":{"containerTags":["v{{ imagebuilder:buildVersion }}","-bad"],"targetRepository":{"service":"ECR","repositoryName":"web"}}}]}`, []string{"distributions[0].containerDistributionConfiguration.containerTags[1]"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{}},{"region":"eu-west-1","amiDistributionConfiguration":{}}]}`, []string{"distributions[1].region"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1"},{"region":"Ireland","amiDistributionConfiguration":{}}]}`, []string{"distributions[0]", "distributions[1].region"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["?",` + numbered(50, `"1234567890%02d"`) + `]}}]}`, []string{"distributions"}},
	{"UpdateDistributionConfiguration", `{"distributions":[]}`, []string{"distributions"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"name":"web {{imagebuilder:buildVersion}} {{ imagebuilder:buildDate }}","launchPermission":{"userGroups":["all"]}}}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"name":"web","launchPermission":{"userGroups":["everyone"]}}}]}`, []string{"distributions[0].amiDistributionConfiguration.launchPermission.userGroups[0]", "distributions[0].amiDistributionConfiguration.name"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"name":"web {{ imagebuilder:buildTime }}"}}]}`, []string{"distributions[0].amiDistributionConfiguration.name"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","launchTemplateConfigurations":[` + numbered(5, `{"launchTemplateId":"lt-0123456789abcde%02d"}`) + `]}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","launchTemplateConfigurations":[` + numbered(6, `{"launchTemplateId":"lt-0123456789abcde%02d"}`) + `]}]}`, []string{"distributions[0].launchTemplateConfigurations"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","ssmParameterConfigurations":[` + numbered(1, `{"parameterName":"/imagebuilder/web%02d"}`) + `]}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","ssmParameterConfigurations":[` + numbered(11, `{"parameterName":"/imagebuilder/web%02d"}`) + `]}]}`, []string{"distributions[0].ssmParameterConfigurations"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["123456789012"]},"ssmParameterConfigurations":[{"parameterName":"p","amiAccountId":"123456789012"}]}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["123456789012"]},"ssmParameterConfigurations":[{"parameterName":"p","amiAccountId":"210987654321"}]}]}`, []string{"distributions[0].ssmParameterConfigurations[0].amiAccountId"}},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["?"]},"ssmParameterConfigurations":[{"parameterName":"p","amiAccountId":"210987654321"}]}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","fastLaunchConfigurations":[{"enabled":true,"launchTemplate":{"launchTemplateName":"t"}}]}]}`, nil},
	{"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["123456789012"]},"fastLaunchConfigurations":[{"enabled":true,"launchTemplate":{"launchTemplateName":"t","launchTemplateId":"lt-0123456789abcdef0"}}]}]}`, []string{"distributions[0].fastLaunchConfigurations", "distributions[0].fastLaunchConfigurations[0].launchTemplate.launchTemplateName"}},

	// Images.
	{"CreateImage", `{"imageRecipeArn":null,"containerRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:container-recipe/web/1.x.x"}`, nil},
	{"CreateImage", `{"imageRecipeArn":null}`, []string{""}},
	{"CreateImage", `{"containerRecipeArn":"?"}`, []string{"containerRecipeArn"}},
	{"CreateImage", `{"imageRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/web/1.x.0"}`, []string{"imageRecipeArn"}},
	{"CreateImage", `{"imageRecipeArn":null,"containerRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:container-recipe/web/x.1.0"}`, []string{"containerRecipeArn"}},
	{"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"` + managedTest + `x.x.x","parallelGroup":"g"},{"workflowArn":"` + ownBuild + `"}]}`, nil},
	{"CreateImage", `{"workflows":[{"workflowArn":"` + ownTest + `"}]}`, []string{"workflows"}},
	{"CreateImage", `{"executionRole":"r","workflows":[` + threeTests + `,` + threeTests + `,` + threeTests + `,` + threeTests + `]}`, []string{"workflows"}},
	{"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"` + ownBuild + `"},{"workflowArn":"` + ownBuild + `"}]}`, []string{"workflows[1].workflowArn"}},
	{"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"` + managedTest + `1.0.0"}]}`, []string{"workflows[0].workflowArn"}},
	{"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"arn:aws:imagebuilder:eu-west-1:123456789012:workflow/test/t/x.1.x"}]}`, []string{"workflows[0].workflowArn"}},
	{"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"` + ownBuild + `","parallelGroup":"g"}]}`, []string{"workflows[0].parallelGroup"}},
	{"CreateImage", `{"loggingConfiguration":{"logGroupName":"/aws/imagebuilder/web"}}`, nil},
	{"CreateImage", `{"loggingConfiguration":{"logGroupName":"/my/logs"},"executionRole":"?"}`, nil},
	{"CreateImage", `{"loggingConfiguration":{"logGroupName":"/my/logs"}}`, []string{"loggingConfiguration.logGroupName"}},
	{"CreateImagePipeline", `{"loggingConfiguration":{"imageLogGroupName":"/my/logs","pipelineLogGroupName":"/my/logs"}}`, []string{"loggingConfiguration.imageLogGroupName", "loggingConfiguration.pipelineLogGroupName"}},
	{"CreateImagePipeline", `{"loggingConfiguration":{"imageLogGroupName":"/aws/imagebuilder/a","pipelineLogGroupName":"/aws/imagebuilder/b"}}`, nil},
	{"DistributeImage", `{"sourceImage":"arn:aws:imagebuilder:eu-west-1:123456789012:image/web/1.0.0/1"}`, nil},
	{"DistributeImage", `{"sourceImage":"web"}`, []string{"sourceImage"}},
	{"DistributeImage", `{"sourceImage":"arn:aws:imagebuilder:eu-west-1:123456789012:image/web/x.0.0"}`, []string{"sourceImage"}},
	{"ImportDiskImage", `{}`, nil},
	{"ImportDiskImage", `{"platform":"Linux"}`, []string{"platform"}},

	// Pipelines.
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0 2 ? * sun *)","timezone":"Europe/Zurich","autoDisablePolicy":{"failureCount":3}}}`, nil},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0 2 * * sun)","timezone":"Europe/Zuerich","autoDisablePolicy":{"failureCount":11}}}`, []string{"schedule.autoDisablePolicy.failureCount", "schedule.scheduleExpression", "schedule.timezone"}},
	{"CreateImagePipeline", `{"schedule":{"timezone":"Local"}}`, []string{"schedule.scheduleExpression", "schedule.timezone"}},
	{"CreateImagePipeline", `{"imageRecipeArn":null}`, []string{""}},

	// Workflow documents.
	{"CreateWorkflow", `{"data":"schemaVersion: '1.0'\nparameters: [{name: p, type: string}]\nsteps:\n- {name: launch, action: LaunchInstance, waitSeconds: 5, timeoutSeconds: 43200, onFailure: Abort, inputs: {waitFor: ssmAgent}}\n- {name: run_it, action: RunCommand, inputs: {instanceId.$: $.stepOutputs.launch.instanceId, documentName: AWS-RunShellScript}}\noutputs: [{name: o, value: $.stepOutputs.run_it.status}]"}`, nil},
	{"CreateWorkflow", `{"type":"?","data":"schemaVersion: 1.0\nsteps: [{name: scan, action: CollectImageScanFindings, inputs: {instanceId: i-1}}]"}`, nil},
	{"CreateWorkflow", `{"data":"steps: ["}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"just text"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 2.0\nsteps: []"}`, []string{"data", "data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{name: p, type: text}]\nsteps:\n- {name: a b, action: RunComand, onFailure: Ignore}\n- {name: dist, action: DistributeImage}\n- {name: dist, action: TerminateInstance}\n- {name: slow, action: WaitForSSMAgent, timeoutSeconds: 86400, inputs: {instanceId: i}}\n- {name: wait, action: RegisterImage, timeoutSeconds: 60, waitSeconds: 60}"}`, []string{"data", "data", "data", "data", "data", "data", "data", "data", "data"}},
	{"CreateWorkflow", `{"type":"DISTRIBUTION","data":"schemaVersion: 1.0\nsteps:\n- {name: amis, action: DistributeImage}\n- {name: boxes, action: DistributeContainerImage, inputs: {instanceId: i}}\noutputs: [` + "{name: o, value: a}, {name: o, value: b}, " + `1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24]"}`, []string{"data", "data", "data", "data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{name: deep, type: boolean, default: true}]\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: check, action: RunCommand, if: {and: [{booleanEquals: true, value: $.parameters.deep}, {not: {stringEquals: Windows, value: $.imagebuilder.Platform}}]}, inputs: {instanceId.$: $.stepOutputs.launch.instanceId, documentName: AWS-RunShellScript, parameters: {commands: [uname]}}}\n- {name: ask, action: WaitForAction, rollbackEnabled: $.parameters.deep, inputs: {payload: 'Status {{ $.stepOutputs.check.output[0] }} of {{ $.workflowOutputs.ImageId }}'}}"}`, nil},
	{"CreateWorkflow", `{"type":"BUILD","data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: new, action: RegisterImage, inputs: {architecture: arm64, bootMode: uefi, enaSupport: true, blockDeviceMapping: [{DeviceName: /dev/sda1, Ebs: {SnapshotId.$: $.stepOutputs.launch.instanceId}}]}}"}`, nil},
	{"CreateWorkflow", `{"type":"DISTRIBUTION","data":"schemaVersion: 1.0\nsteps:\n- {name: copy, action: DistributeImage, inputs: {distributions: [{region: eu-west-1, amiTags: {a: b}}]}}\n- {name: open, action: ModifyImageAttributes, inputs: {distributedImages.$: $.stepOutputs.copy.distributedImages, attributes: [{region: eu-west-1, launchPermission: {userIds: ['123456789012']}}]}}\n- {name: set, action: ApplyImageConfigurations, inputs: {distributedImages.$: $.stepOutputs.copy.distributedImages, configurations: [{region: eu-west-1, ssmParameterConfigurations: {parameterName: /imagebuilder/web, dataType: text}}]}}"}`, nil},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.later.status}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.launch.imageId}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.launch}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutputs.nothing.x}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.parameters.nope}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.imagebuilder.imageID2}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.stepOutput.launch.instanceId}}\n- {name: later, action: WaitForSSMAgent, inputs: {instanceId.$: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"type":"BUILD","data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId.$: $.workflowOutputs.InstanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\noutputs: [{name: a, value: $.stepOutputs.lunch.instanceId}]"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: ask, action: WaitForAction, inputs: {payload: 'for {{ $.parameters.who }} and {{ $.parameters.who }}'}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: launch, action: LaunchInstance, inputs: {waitFor: ssmAgent}}\n- {name: stop, action: TerminateInstance, inputs: {instanceId: $.stepOutputs.launch.instanceId}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: LaunchInstance, inputs: {waitFor: instance}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: LaunchInstance, inputs: {waitFor: ssmAgent, healthCheck: OK}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: LaunchInstance, inputs: {waitFor: ssmAgent, imageIdOverride: web}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: LaunchInstance, inputs: {waitFor: ssmAgent, instanceTypesOverride: t3.medium}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: ExecuteStateMachine, inputs: {stateMachineArn: validate}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: ExecuteStateMachine, inputs: {stateMachineArn: 'arn:aws:states:eu-west-1:123456789012:stateMachine:v', input: '{id: 1}'}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: WaitForAction, inputs: {snsTopicArn: topic}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: TerminateInstance, inputs: {instanceId: i-1, waitForTermination: later}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: RunCommand, inputs: {instanceId: i-1, documentName: d, parameters: {commands: uname}}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: RegisterImage, inputs: {architecture: x86}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: RegisterImage, inputs: {bootMode: bios}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: RegisterImage, inputs: {imdsSupport: v1.0}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: TerminateInstance, inputs: [i-1]}"}`, []string{"data"}},
	{"CreateWorkflow", `{"type":"DISTRIBUTION","data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: ModifyImageAttributes, inputs: {distributedImages: [], attributes: [{launchPermission: {}}]}}"}`, []string{"data", "data"}},
	{"CreateWorkflow", `{"type":"DISTRIBUTION","data":"schemaVersion: 1.0\nsteps:\n- {name: copy, action: DistributeImage}\n- {name: bad, action: ApplyImageConfigurations, inputs: {distributedImages.$: $.stepOutputs.copy.distributedImages, configurations: [{region: eu-west-1, s3ExportConfiguration: {roleName: r, diskImageFormat: QCOW2, s3Bucket: b}}]}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: WaitForAction, inputs: {topic: x}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: bad, action: WaitForAction, onfailure: Abort}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: true}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {booleanEquals: yes please, value: true}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {booleanEquals: true}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {numberLessThan: few, value: 3}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {and: []}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {and: [{stringEquals: a, value: a}], or: [{stringEquals: a, value: a}]}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: {not: {not: {not: {not: {stringEquals: a, value: a}}}}}}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, if: [{numberEquals: '1', value: 1.5}]}"}`, nil},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{name: p, type: integer, default: few}]\nsteps:\n- {name: ask, action: WaitForAction}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{name: p, type: stringList, default: a}]\nsteps:\n- {name: ask, action: WaitForAction}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{name: p}]\nsteps:\n- {name: ask, action: WaitForAction}"}`, nil},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nparameters: [{type: string}]\nsteps:\n- {name: ask, action: WaitForAction}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, description: ''}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, timeoutSeconds: 604800}"}`, nil},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- {name: ask, action: WaitForAction, timeoutSeconds: 604801}"}`, []string{"data"}},
	{"CreateWorkflow", `{"data":"schemaVersion: 1.0\nsteps:\n- just text"}`, []string{"data", "data"}},

	// Lifecycle policies.
	{"CreateLifecyclePolicy", `{"resourceSelection":{"recipes":[{"name":"web","semanticVersion":"1.x.x"}]}}`, nil},
	{"CreateLifecyclePolicy", `{"resourceSelection":{"recipes":[{"name":"web","semanticVersion":"x.1.x"}]}}`, []string{"resourceSelection.recipes[0].semanticVersion"}},
	{"CreateLifecyclePolicy", `{"resourceSelection":{}}`, []string{"resourceSelection"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":3,"unit":"DAYS","retainAtLeast":1}}]}`, nil},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"containers":true}},"filter":{"type":"AGE","value":3}}]}`, []string{"policyDetails[0].action", "policyDetails[0].action.includeResources.containers", "policyDetails[0].filter.unit"}},
	{"CreateLifecyclePolicy", `{"resourceType":"CONTAINER_IMAGE","policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"COUNT","value":3,"unit":"DAYS"}}]}`, []string{"policyDetails[0].action", "policyDetails[0].action.includeResources.amis", "policyDetails[0].filter.unit"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DEPRECATE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":90,"unit":"DAYS"}},{"action":{"type":"DISABLE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":4,"unit":"MONTHS"}},{"action":{"type":"DELETE","includeResources":{"amis":true,"snapshots":true}},"filter":{"type":"AGE","value":1,"unit":"YEARS"},"exclusionRules":{"tagMap":{"keep":"yes"},"amis":{"isPublic":true,"lastLaunched":{"value":365,"unit":"DAYS"}}}}]}`, nil},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":90,"unit":"DAYS"}},{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"COUNT","value":3}}]}`, []string{"policyDetails[1].action.type"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DISABLE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":90,"unit":"DAYS"}},{"action":{"type":"DISABLE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":80,"unit":"DAYS"}},{"action":{"type":"DISABLE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":70,"unit":"DAYS"}}]}`, []string{"policyDetails[1].action.type", "policyDetails[2].action.type"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":30,"unit":"DAYS"}},{"action":{"type":"DISABLE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":8,"unit":"WEEKS"}}]}`, []string{"policyDetails[1].filter.value"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DEPRECATE","includeResources":{"amis":true}},"filter":{"type":"COUNT","value":3}}]}`, []string{"policyDetails[0].filter.type"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"snapshots":true}},"filter":{"type":"AGE","value":2,"unit":"YEARS"}}]}`, []string{"policyDetails[0].action.includeResources.snapshots"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":false}},"filter":{"type":"AGE","value":2,"unit":"YEARS"}}]}`, []string{"policyDetails[0].action"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":2,"unit":"YEARS"},"exclusionRules":{"amis":{"lastLaunched":{"value":366,"unit":"DAYS"}}}}]}`, []string{"policyDetails[0].exclusionRules.amis.lastLaunched.value"}},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":1001,"unit":"DAYS"}}]}`, []string{"policyDetails[0].filter.value"}},
	{"CreateLifecyclePolicy", `{"resourceType":"CONTAINER_IMAGE","policyDetails":[{"action":{"type":"DISABLE","includeResources":{"containers":true}},"filter":{"type":"AGE","value":2,"unit":"YEARS"}}]}`, []string{"policyDetails[0].action.type"}},
	{"CreateLifecyclePolicy", `{"resourceType":"CONTAINER_IMAGE","policyDetails":[{"action":{"type":"DELETE","includeResources":{"containers":true}},"filter":{"type":"AGE","value":2,"unit":"YEARS"}}]}`, nil},
	{"CreateLifecyclePolicy", `{"policyDetails":[{"action":{"type":"?","includeResources":{"amis":true}},"filter":{"type":"COUNT","value":3}}]}`, nil},
	{"CreateLifecyclePolicy", `{"executionRole":"AWSServiceRoleForImageBuilder","policyDetails":[{"action":{"type":"DELETE","includeResources":{"amis":true}},"filter":{"type":"AGE","value":2,"unit":"YEARS"}}]}`, []string{"executionRole"}},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0/30 * * * ? *)"}}`, []string{"schedule.scheduleExpression"}},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"rate(59 minutes)"}}`, []string{"schedule.scheduleExpression"}},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"rate(60 minutes)"}}`, nil},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0 2 30 2 ? *)"}}`, []string{"schedule.scheduleExpression"}},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0 2 29 feb ? *)"}}`, nil},
	{"CreateImagePipeline", `{"schedule":{"scheduleExpression":"cron(0 2 31 1-6 ? *)"}}`, nil},

	// What the model itself says, as it is reported.
	{"CreateComponent", `{"name":"a","platform":"linux","descriptiom":"x","tags":{}}`, []string{"descriptiom", "name", "platform", "tags"}},
	{"CreateComponent", `{"name":null,"platform":7,"data":"a\u0000b","supportedOsVersions":"Amazon Linux 2023","dryRun":"yes"}`, []string{"data", "dryRun", "name", "platform", "supportedOsVersions"}},
	{"CreateComponent", `{"description":"","tags":{"a!":"b","c":null},"supportedOsVersions":[null]}`, []string{"description", "supportedOsVersions[0]", "tags.a!", "tags.c"}},
	{"CreateImageRecipe", `{"blockDeviceMappings":[{"deviceName":"/dev/sdf","ebs":{"volumeSize":1.5,"iops":1e9}},{"deviceName":"/dev/sdg","ebs":{"volumeSize":0}}]}`, []string{"blockDeviceMappings[0].ebs.iops", "blockDeviceMappings[0].ebs.volumeSize", "blockDeviceMappings[1].ebs.volumeSize"}},
	{"CreateComponent", `{"\u001b[31mred":1}`, []string{`"\x1b[31mred"`}},
}

// thousandAndMore has 1,025 characters.
var thousandAndMore = func() string {
	b := make([]byte, 1025)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}()
