package rules

import (
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var (
	ownRecipe    = []string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}
	roleOptional = []string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline", "ImportDiskImage"}
)

// imageRules hold for images, and for pipelines, which hold an image's settings for later.
var imageRules = []Rule{
	{
		ID: "ib-one-recipe", Source: "API Reference, CreateImage and CreateImagePipeline",
		Says: "An image has an image recipe or a container recipe, not both.",
		on:   on(ownRecipe, ""), judge: exactlyOne("imageRecipeArn", "containerRecipeArn"),
	},
	{
		ID: "ib-workflow-role", Source: "API Reference, CreateImage: executionRole is mandatory with workflows",
		Answer: "An execution role is required to provide workflows",
		Says:   "Workflows need an execution role.",
		on:     on(ownRecipe, "workflows"), judge: workflowsNeedRole,
	},
	{
		ID: "ib-workflow-count", Severity: Warning, Source: "General Reference, Image Builder quotas: workflows per image",
		Says: "An image runs at most 10 workflows.",
		on:   on(ownRecipe, "workflows"), judge: atMost(10, "workflows"),
	},
	{
		ID: "ib-workflow-stages", Source: "User Guide, image workflows: one build and one distribution workflow",
		Says: "An image has one build workflow and one distribution workflow.",
		on:   on(ownRecipe, "workflows"), judge: workflowStages,
	},
	{
		ID: "ib-managed-workflow", Source: "aws/aws-cdk#29910",
		Says: "A workflow that AWS manages is named with the version x.x.x.",
		on:   on(ownRecipe, "workflows[].workflowArn"), judge: managedWorkflow,
	},
	{
		ID: "ib-parallel-group", Source: "API Reference, WorkflowConfiguration: parallelGroup is for test workflows",
		Says: "Only test workflows run in parallel groups.",
		on:   on(ownRecipe, "workflows[].parallelGroup"), judge: onlyTests,
	},
	{
		ID: "ib-log-group-role", Source: "User Guide, logs: groups outside /aws/imagebuilder/ need an execution role",
		Says: "A log group outside /aws/imagebuilder/ needs an execution role.",
		on:   []site{{roleOptional, "loggingConfiguration.logGroupName"}, {roleOptional, "loggingConfiguration.imageLogGroupName"}, {roleOptional, "loggingConfiguration.pipelineLogGroupName"}}, judge: groupNeedsRole,
	},
	{
		ID: "ib-source-image", Source: "API Reference, DistributeImage: sourceImage",
		Says: "What is distributed is an AMI, an image or an SSM parameter.",
		on:   on([]string{"DistributeImage"}, "sourceImage"), judge: sourceImage,
	},
	{
		ID: "ib-disk-image-platform", Source: "API Reference, ImportDiskImage: platform",
		Says: "Only Windows is imported from a disk image.",
		on:   on([]string{"ImportDiskImage"}, "platform"), judge: windowsOnly,
	},
}

func workflowsNeedRole(s *subject) {
	if filled(s.value) && !present(s.root["executionRole"]) {
		s.refuseAs(codeCombination, "", "With workflows, executionRole must be given too", "Give executionRole: the name or ARN of a role that Image Builder may assume.")
	}
}

// workflow returns the parts of a workflow's ARN.
func workflow(v any) (awsmodel.ARN, awsmodel.Resource, bool) {
	a, err := awsmodel.ParseARN(text(v))
	if err != nil {
		return awsmodel.ARN{}, awsmodel.Resource{}, false
	}
	r, err := a.ParseResource()
	return a, r, err == nil && r.Kind == "workflow"
}

func workflowStages(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		_, r, ok := workflow(object(e)["workflowArn"])
		if !ok || r.Type == "test" {
			continue
		}
		if j, dup := first[r.Type]; dup {
			s.refuse(index(i)+".workflowArn", "It is a second "+r.Type+" workflow beside workflows"+index(j),
				"Keep one "+r.Type+" workflow; only test workflows may be several.")
			continue
		}
		first[r.Type] = i
	}
}

// managedWorkflow words the refusal as AWS does, under the name of the list.
func managedWorkflow(s *subject) {
	a, r, ok := workflow(s.value)
	if !ok || !strings.HasPrefix(a.Account, "aws") || r.Version == "x.x.x" && r.Build == 0 {
		return
	}
	s.found = append(s.found, awsmodel.Finding{
		Path: s.at.String(), Code: codeValue,
		Message: awsmodel.NotValid("workflows", "AWS managed workflows must have latest version 'x.x.x' for '"+text(s.value)+"'"),
		Advice:  "Write x.x.x in place of the version " + strconv.Quote(r.Version) + ".",
	})
}

func onlyTests(s *subject) {
	if _, r, ok := workflow(object(s.owner)["workflowArn"]); ok && r.Type != "test" {
		s.refuse("", "Only test workflows run in parallel groups, and this is a "+r.Type+" workflow", "Leave parallelGroup out.")
	}
}

func groupNeedsRole(s *subject) {
	if !strings.HasPrefix(text(s.value), "/aws/imagebuilder/") && !present(s.root["executionRole"]) {
		s.refuseAs(codeCombination, "", "A log group outside /aws/imagebuilder/ needs executionRole",
			"Give executionRole: a role that may write to the group; or begin the group's name with /aws/imagebuilder/.")
	}
}

func sourceImage(s *subject) {
	if v := text(s.value); !amiOrParameter(v) && !ownedImage(v) {
		s.refuse("", "It is no AMI id, image ARN or ssm: parameter", "Write ami-…, an Image Builder image's ARN, or ssm:<parameter's name or ARN>.")
	}
}

func windowsOnly(s *subject) {
	if text(s.value) != "Windows" {
		s.refuse("", "Only Windows can be imported from a disk image", `Write "Windows".`)
	}
}
