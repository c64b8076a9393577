package rules

import "slices"

// A workflowAction is one of the actions that a workflow's step can name (User Guide, "Supported step
// actions for your workflow document").
type workflowAction struct {
	stages string // the first letters of the types of workflow it can be in
	inputs map[string]actionInput
	// outputs are the names that later steps read under $.stepOutputs.
	outputs []string
	// Seconds: what a step has without timeoutSeconds, and the most it can ask for.
	timeout, longest int
	only             string // AMI or container, where it is for images of one type
}

// An actionInput is what a step may give an action.
type actionInput struct {
	typ      inputType
	required bool
	values   []string // all there are; nil for any
	members  map[string]actionInput
	check    func(string) string // says what is wrong with a text; nil for nothing more
}

// An inputType is the form of an input's value.
type inputType string

const (
	anyText   inputType = "a text"
	trueFalse inputType = "true or false"
	texts     inputType = "a list of texts"
	anyList   inputType = "a list"
	anyMap    inputType = "a map"
	textLists inputType = "a map of lists of texts"
	records   inputType = "a list of maps"
	record    inputType = "a map or a list of maps" // the guide's table and its examples differ
	stepsOnly inputType = "a reference that begins with $.stepOutputs"
)

const (
	minutes = 60
	hours   = 60 * minutes
	days    = 24 * hours
)

var (
	instance = actionInput{typ: anyText, required: true}
	plain    = actionInput{typ: anyText}
	needed   = actionInput{typ: anyText, required: true}
	onInst   = map[string]actionInput{"instanceId": instance}
	ran      = []string{"runCommandId", "status", "output"}
)

var workflowActions = map[string]workflowAction{
	"ApplyImageConfigurations": {stages: "D", inputs: map[string]actionInput{
		"distributedImages": {typ: stepsOnly, required: true}, "configurations": {typ: records, members: configurationInputs},
	}, outputs: []string{"configuredImages"}, timeout: 6 * hours, longest: 12 * hours, only: "AMI"},
	"BootstrapInstanceForContainer": {stages: "BTD", inputs: onInst, outputs: ran, timeout: 60 * minutes, longest: 12 * hours, only: "container"},
	"CollectImageMetadata":          {stages: "BTD", inputs: onInst, outputs: []string{"osVersion", "associationId"}, timeout: 30 * minutes, longest: 12 * hours, only: "AMI"},
	"CollectImageScanFindings":      {stages: "T", inputs: onInst, outputs: ran, timeout: 2 * hours, longest: 12 * hours},
	"CreateImage":                   {stages: "BTD", inputs: onInst, outputs: []string{"imageId"}, timeout: 12 * hours, longest: 3 * days, only: "AMI"},
	"CreateImageFromIso":            {stages: "BTD", inputs: onInst, outputs: []string{"amiName", "snapshotId", "architecture"}, timeout: 12 * hours, longest: 12 * hours, only: "AMI"},
	"DistributeContainerImage":      {stages: "D", inputs: onInst, outputs: []string{"status", "succeededRegions", "failedRegions"}, timeout: 2 * hours, longest: 12 * hours, only: "container"},
	"DistributeImage": {stages: "D", inputs: map[string]actionInput{
		"distributions": {typ: records, members: distributionInputs},
	}, outputs: []string{"distributedImages"}, timeout: 6 * hours, longest: 12 * hours, only: "AMI"},
	"ExecuteComponents": {stages: "BT", inputs: onInst, outputs: ran, timeout: 12 * hours, longest: 24 * hours},
	"ExecuteStateMachine": {stages: "BTD", inputs: map[string]actionInput{
		"stateMachineArn": {typ: anyText, required: true, check: stateMachine}, "input": {typ: anyText, check: jsonText},
	}, outputs: []string{"executionArn", "output"}, timeout: 6 * hours, longest: 24 * hours},
	"LaunchInstance": {stages: "BTD", inputs: map[string]actionInput{
		"waitFor": {typ: anyText, required: true, values: []string{"ssmAgent"}}, "imageIdOverride": {typ: anyText, check: amiText},
		"instanceTypesOverride": {typ: texts}, "healthCheck": {typ: anyText, values: []string{"RUNNING", "STATUS_CHECK_PASSED"}},
		// instanceType is no output of the action's page; the guide's page on dynamic variables reads it.
	}, outputs: []string{"instanceId", "instanceType"}, timeout: 75 * minutes, longest: 12 * hours},
	"ModifyImageAttributes": {stages: "D", inputs: map[string]actionInput{
		"distributedImages": {typ: stepsOnly, required: true}, "attributes": {typ: records, members: attributeInputs},
	}, outputs: []string{"modifiedImages"}, timeout: 2 * hours, longest: 3 * hours, only: "AMI"},
	"RegisterImage": {stages: "BTD", inputs: registerInputs, outputs: []string{"imageId"}, timeout: 9 * hours, longest: 12 * hours, only: "AMI"},
	"RunCommand": {stages: "BTD", inputs: map[string]actionInput{
		"instanceId": instance, "documentName": needed, "parameters": {typ: textLists}, "documentVersion": plain,
	}, outputs: ran, timeout: 12 * hours, longest: 12 * hours},
	"RunSysPrep":       {stages: "BTD", inputs: onInst, outputs: ran, timeout: 60 * minutes, longest: 12 * hours, only: "AMI"},
	"SanitizeInstance": {stages: "BTD", inputs: onInst, outputs: ran, timeout: 60 * minutes, longest: 12 * hours, only: "AMI"},
	"TerminateInstance": {stages: "BTD", inputs: map[string]actionInput{
		"instanceId": instance, "waitForTermination": {typ: trueFalse},
	}, timeout: 30 * minutes, longest: 12 * hours},
	"WaitForAction": {stages: "BTD", inputs: map[string]actionInput{
		"snsTopicArn": {typ: anyText, check: topic}, "lambdaFunctionName": plain, "payload": {typ: anyText, check: shortText},
	}, outputs: []string{"action", "reason"}, timeout: 3 * days, longest: 7 * days},
	"WaitForSSMAgent": {stages: "BTD", inputs: onInst, outputs: []string{"status"}, timeout: 60 * minutes, longest: 3 * hours},
}

var distributionInputs = map[string]actionInput{
	"region": needed, "name": plain, "description": plain, "targetAccountIds": {typ: texts}, "amiTags": {typ: anyMap}, "kmsKeyId": plain,
}

var attributeInputs = map[string]actionInput{
	"region": needed,
	"launchPermission": {typ: anyMap, members: map[string]actionInput{
		"userIds": {typ: texts}, "userGroups": {typ: texts}, "organizationArns": {typ: texts}, "organizationalUnitArns": {typ: texts},
	}},
}

var configurationInputs = map[string]actionInput{
	"region":                   needed,
	"licenseConfigurationArns": {typ: texts},
	"launchTemplateConfigurations": {typ: record, members: map[string]actionInput{
		"launchTemplateId": needed, "accountId": plain, "setDefaultVersion": {typ: trueFalse},
	}},
	"s3ExportConfiguration": {typ: record, members: map[string]actionInput{
		"roleName": needed, "diskImageFormat": {typ: anyText, required: true, values: []string{"VMDK", "RAW", "VHD"}}, "s3Bucket": needed, "s3Prefix": plain,
	}},
	"fastLaunchConfigurations": {typ: record, members: map[string]actionInput{
		"enabled": {typ: trueFalse, required: true}, "maxParallelLaunches": plain, "accountId": plain,
		"snapshotConfiguration": {typ: anyMap, members: map[string]actionInput{"targetResourceCount": plain}},
		"launchTemplate":        {typ: anyMap, members: map[string]actionInput{"launchTemplateId": plain, "launchTemplateName": plain, "launchTemplateVersion": plain}},
	}},
	"ssmParameterConfigurations": {typ: record, members: map[string]actionInput{
		"parameterName": needed, "amiAccountId": plain, "dataType": {typ: anyText, values: []string{"text", "aws:ec2:image"}},
	}},
}

var registerInputs = map[string]actionInput{
	"architecture":       {typ: anyText, values: []string{"i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac"}},
	"blockDeviceMapping": {typ: records},
	"bootMode":           {typ: anyText, values: []string{"legacy-bios", "uefi", "uefi-preferred"}},
	"description":        plain, "imageLocation": plain, "kernelId": plain, "ramdiskId": plain, "rootDeviceName": plain, "sriovNetSupport": plain, "uefiData": plain,
	"enaSupport": {typ: trueFalse}, "includeSnapshotTags": {typ: trueFalse},
	"imdsSupport":        {typ: anyText, values: []string{"v2.0"}},
	"tpmSupport":         {typ: anyText, values: []string{"v2.0"}},
	"virtualizationType": {typ: anyText, values: []string{"hvm", "paravirtual"}},
}

// systemVariables are those under $.imagebuilder (User Guide, "Use Image Builder system variables").
var systemVariables = []string{
	"cloudWatchLogGroup", "cloudWatchLogStream", "collectImageMetadata", "collectImageScanFindings", "dateTime", "imageBuildNumber", "imageId",
	"imageName", "imageType", "imageVersionNumber", "instanceProfileName", "platform", "s3Logs", "securityGroups", "sourceImageARN", "subnetId",
	"terminateInstanceOnFailure", "workflowPhase", "workingDirectory",
}

// managedOutputs are what later workflows read of the build workflows that AWS manages.
func managedOutputs(name string) (outputs []string, known bool) {
	switch {
	case slices.Contains([]string{"build-image", "express-build-image", "build-image-with-update-ssm-agent"}, name):
		return []string{"ImageId"}, true
	case slices.Contains([]string{"build-container", "express-build-container"}, name):
		return []string{"InstanceId"}, true
	}
	return nil, false
}
