package rules

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// parentRules hold for the AMI that a recipe starts from, once AWS has told of it.
var parentRules = []Rule{
	{
		ID: "ib-parent-state", Source: "EC2 API Reference, Image: state; EC2 User Guide, disabled AMIs can't be launched; EC2 error codes",
		Answer: "InvalidAMIID.NotFound: The image id '[ami-0123456789abcdef0]' does not exist",
		Says:   "The AMI that a recipe starts from is there, and can be launched.",
		on:     on(build, "recipe.parentImage"), judge: parentState,
	},
	{
		ID: "ib-parent-deprecated", Severity: Warning, Source: "EC2 User Guide, deprecate an AMI; EC2 API Reference, Image: state pending",
		Says: "The AMI that a recipe starts from is not deprecated, nor still being made.",
		on:   on(build, "recipe.parentImage"), judge: parentDeprecated,
	},
}

// Missing is the State of a parent image that AWS does not know, or does not show to the account.
const Missing = "missing"

// ParentOfAMI is what EC2 tells of an AMI. The image is an entry of DescribeImages' answer, with a DeprecationTime
// only where that has passed; nil says that none has this ID.
func ParentOfAMI(id string, image map[string]any) Parent {
	p := Parent{Title: id, Image: true, State: Missing}
	if image == nil {
		return p
	}
	p.State, p.Architecture = text(image["State"]), text(image["Architecture"])
	p.Deprecated, p.RootDevice = text(image["DeprecationTime"]), text(image["RootDeviceName"])
	switch {
	case strings.HasSuffix(p.Architecture, "_mac"):
		p.Platform = "macOS"
	case strings.EqualFold(text(image["Platform"]), "windows"):
		p.Platform = "Windows"
	default: // EC2 names no other platform
		p.Platform = "Linux"
	}
	mapped := entries(image["BlockDeviceMappings"])
	for _, m := range mapped {
		if sameDevice(text(object(m)["DeviceName"])) == sameDevice(p.RootDevice) {
			p.RootSize, _ = awsmodel.ToNumber(object(object(m)["Ebs"])["VolumeSize"])
			p.OneDevice = len(mapped) == 1
		}
	}
	return p
}

// unfit are the states of an AMI that nothing is launched from, now or later.
var unfit = []string{"failed", "error", "invalid", "deregistered", "disabled"}

func parentState(s *subject) {
	switch p := s.build.Parent; {
	case p.State == Missing:
		where := ""
		if s.place.Region != "" {
			where = " in " + s.place.Region
		}
		s.refuse("", "There is no AMI "+awsmodel.Printable(p.Title)+where+", or it is not shared with this account",
			"Check the ID and the region: the same image has another ID in each region.")
	case slices.Contains(unfit, p.State):
		s.refuse("", "The AMI "+awsmodel.Printable(p.Title)+" is "+p.State+", so no instance can be launched from it", "Write another parent image.")
	}
}

func parentDeprecated(s *subject) {
	switch p := s.build.Parent; {
	case p.State == "pending" || p.State == "transient":
		s.refuse("", "The AMI "+awsmodel.Printable(p.Title)+" is still being made", "Wait until it is available.")
	case p.State == "available" && p.Deprecated != "":
		s.refuse("", "The AMI "+awsmodel.Printable(p.Title)+" is deprecated since "+awsmodel.Printable(p.Deprecated),
			"Write a newer one, or a parameter such as \"ssm:/aws/service/…\" that follows the newest.")
	}
}
