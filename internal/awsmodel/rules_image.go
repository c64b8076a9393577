package awsmodel

import (
	"strconv"
	"strings"
)

var (
	ownRecipe    = []string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}
	roleOptional = []string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline", "ImportDiskImage"}
)

// imageRules hold for images, and for pipelines, which hold an image's settings for later.
var imageRules = []rule{
	{ownRecipe, "", exactlyOne("imageRecipeArn", "containerRecipeArn"), "API Reference, CreateImage and CreateImagePipeline"},
	{ownRecipe, "imageRecipeArn", versionReference, "User Guide, semantic versioning: wildcards"},
	{ownRecipe, "containerRecipeArn", versionReference, "User Guide, semantic versioning: wildcards"},
	{ownRecipe, "workflows", workflowsNeedRole, "API Reference, CreateImage: executionRole is mandatory with workflows"},
	{ownRecipe, "workflows", atMost(10, "workflows"), "General Reference, Image Builder quotas: workflows per image"},
	{ownRecipe, "workflows", workflowStages, "User Guide, image workflows: one build and one distribution workflow"},
	{ownRecipe, "workflows[].workflowArn", managedWorkflow, "aws/aws-cdk#29910"},
	{ownRecipe, "workflows[].workflowArn", versionReference, "User Guide, semantic versioning: wildcards"},
	{ownRecipe, "workflows[].parallelGroup", onlyTests, "API Reference, WorkflowConfiguration: parallelGroup is for test workflows"},
	{roleOptional, "loggingConfiguration.logGroupName", groupNeedsRole, "User Guide, logs: groups outside /aws/imagebuilder/ need an execution role"},
	{roleOptional, "loggingConfiguration.imageLogGroupName", groupNeedsRole, "User Guide, logs: groups outside /aws/imagebuilder/ need an execution role"},
	{roleOptional, "loggingConfiguration.pipelineLogGroupName", groupNeedsRole, "User Guide, logs: groups outside /aws/imagebuilder/ need an execution role"},
	{[]string{"DistributeImage"}, "sourceImage", sourceImage, "API Reference, DistributeImage: sourceImage"},
	{[]string{"DistributeImage"}, "sourceImage", versionReference, "User Guide, semantic versioning: wildcards"},
	{[]string{"ImportDiskImage"}, "platform", windowsOnly, "API Reference, ImportDiskImage: platform"},
}

func workflowsNeedRole(s *subject) {
	if filled(s.value) && !present(s.root["executionRole"]) {
		s.refuseAs(codeCombination, "", "With workflows, executionRole must be given too", "Give executionRole: the name or ARN of a role that Image Builder may assume.")
	}
}

// workflow returns the parts of a workflow's ARN.
func workflow(v any) (ARN, Resource, bool) {
	a, err := ParseARN(text(v))
	if err != nil {
		return ARN{}, Resource{}, false
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
	s.found = append(s.found, Finding{
		Path: s.at.String(), Code: codeValue,
		Message: notValid("workflows", "AWS managed workflows must have latest version 'x.x.x' for '"+text(s.value)+"'"),
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
