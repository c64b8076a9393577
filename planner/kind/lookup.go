package kind

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// managed are the owner prefix of short names and the version that stands for the newest.
const (
	managed = "aws:"
	newest  = "x.x.x"
)

// question turns a value that names something by what it is today (a short name, an SSM parameter,
// a version with wildcards) into the look-up of its answer; other values are returned as they are.
// resource is what a short name stands for: "image", "component".
func question(s *planner.Scope, resource string, v any, at hcl.Range) (any, *hcl.Diagnostic) {
	name, ok := v.(string)
	if !ok {
		return v, nil
	}
	if parameter, isSSM := ssmParameter(v); resource == "image" && isSSM {
		return planner.Question("ssm:" + parameter), nil
	}
	arn, diag := shortName(s, resource, name, at)
	if diag != nil {
		return v, diag
	}
	if hasWildcard(arn) {
		return planner.Question(arn), nil
	}
	return arn, nil
}

// shortName spells out the ARN of what AWS manages: "aws:update-linux" is the newest version of the
// component of that name, "aws:update-linux/1.0.x" the newest of those. Other names stay as they are.
func shortName(s *planner.Scope, resource, name string, at hcl.Range) (string, *hcl.Diagnostic) {
	short, ok := strings.CutPrefix(name, managed)
	if !ok {
		return name, nil
	}
	if s.Region == "" {
		return name, failure(at, "Region not known",
			"%q stands for something of a region. Write imagebuild { region = \"…\" }, or give the region on the command line.", name)
	}
	short, version, ok := strings.Cut(short, "/")
	if !ok {
		version = newest
	}
	return awsmodel.ARN{
		Partition: awsmodel.PartitionOf(s.Region), Service: "imagebuilder", Region: s.Region, Account: "aws",
		Resource: resource + "/" + awsmodel.NormalizeName(short) + "/" + version,
	}.String(), nil
}

// hasWildcard says whether an Image Builder ARN leaves a part of the version open.
func hasWildcard(s string) bool {
	arn, err := awsmodel.ParseARN(s)
	if err != nil || arn.Service != "imagebuilder" {
		return false // an AMI id, or something that the model's pattern judges
	}
	parts := strings.Split(arn.Resource, "/")
	return len(parts) >= 3 && strings.Contains(parts[2], "x")
}

// ssmParameter is the parameter that holds an image's id: "ssm:/path", or "ssm:" and an ARN.
func ssmParameter(v any) (string, bool) {
	s, _ := v.(string)
	return strings.CutPrefix(s, "ssm:")
}
