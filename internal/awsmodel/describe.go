package awsmodel

import (
	"fmt"
	"strings"
)

// phrases say in words what a pattern of Image Builder's model demands, by shape.
var phrases = map[string]string{ //nolint:gosec // descriptions, no credentials
	"AccountId":                            "an account id of 12 digits",
	"AmiNameString":                        "an AMI name of 2 to 127 letters, digits, -, _, ., :, spaces and {{ imagebuilder:… }} tokens",
	"AmiWatermarkName":                     "3 to 128 characters of letters, digits, spaces and ()[]./'@_-, with no space at either end",
	"ClientToken":                          "1 to 64 characters",
	"ComponentBuildVersionArn":             "a component's ARN that ends in /<version>/<build>",
	"ComponentVersionArn":                  "a component's ARN that ends in its version",
	"ComponentVersionArnOrBuildVersionArn": "a component's ARN that ends in its version (nodes may be x) or in version/build",
	"ContainerRecipeArn":                   "a container recipe's ARN",
	"DistributionConfigurationArn":         "a distribution configuration's ARN",
	"ImageBuildVersionArn":                 "an image's ARN that ends in version/build",
	"ImagePipelineArn":                     "an image pipeline's ARN",
	"ImageRecipeArn":                       "an image recipe's ARN",
	"ImageVersionArnOrBuildVersionArn":     "an image's ARN that ends in its version (nodes may be x) or in version/build",
	"InfrastructureConfigurationArn":       "an infrastructure configuration's ARN",
	"InstanceProfileNameType":              "an instance profile's name: 1 to 256 letters, digits and _+=,.@-",
	"HttpTokens":                           "optional or required",
	"LaunchTemplateId":                     "a launch template's id: lt- and 17 characters",
	"LicenseConfigurationArn":              "a License Manager configuration's ARN",
	"LifecyclePolicyArn":                   "a lifecycle policy's ARN",
	"LogGroupName":                         "a log group's name: 1 to 512 letters, digits and -_/.",
	"OrganizationArn":                      "an organization's ARN",
	"OrganizationalUnitArn":                "an organizational unit's ARN",
	"ParallelGroup":                        "1 to 100 letters, digits and -_+#, the first a letter or digit",
	"ResourceName":                         "3 to 128 characters of letters, digits, -, _ and spaces, with no space at either end",
	"RoleNameOrArn":                        "an IAM role's name or ARN",
	"SnsTopicArn":                          "a standard SNS topic's ARN",
	"SsmParameterName":                     "a parameter's name: 1 to 1011 letters, digits and _.-/",
	"TagKey":                               "a tag key of 1 to 128 letters, digits, spaces and _.:/=+-@ that does not begin with aws:",
	"Timezone":                             "a time zone's IANA name, such as Europe/Zurich",
	"UserDataOverride":                     "text in base64, at most 21,847 characters of it",
	"VersionNumber":                        "a version of three numbers, such as 1.0.0",
	"WildcardVersionNumber":                "a version of three numbers, such as 1.0.0, a node of which may be x",
	"WorkflowVersionArnOrBuildVersionArn":  "a workflow's ARN that ends in its version (nodes may be x) or in version/build",
}

// Describe says in one phrase what a value of the shape looks like: "one of Windows, Linux, macOS",
// "1 to 1024 characters", "a list of 1 to 25 entries". It fits behind "Write " and "Give it: ".
func (sh *Shape) Describe() string {
	if p, ok := phrases[sh.Name]; ok {
		return p
	}
	switch sh.Type {
	case "string":
		return sh.describeText()
	case "boolean":
		return "true or false"
	case "integer", "long":
		return strings.TrimSpace("a whole number " + sh.bounds())
	case "float", "double":
		return strings.TrimSpace("a number " + sh.bounds())
	case "list":
		return "a list of " + sh.count("entry", "entries") + ", each " + sh.Element.Describe()
	case "map":
		return "a map of " + sh.count("entry", "entries")
	case "timestamp":
		return "a time, such as 2026-01-31T12:00:00Z"
	case "structure":
		names := make([]string, len(sh.Members))
		for i, m := range sh.Members {
			names[i] = m.Name
		}
		return "an object with " + strings.Join(names, ", ")
	}
	return "bytes in base64"
}

func (sh *Shape) describeText() string {
	switch {
	case len(sh.Enum) == 1:
		return sh.Enum[0]
	case len(sh.Enum) > 1:
		return "one of " + strings.Join(sh.Enum, ", ")
	case sh.Max != nil && *sh.Max == 0:
		return "the empty string"
	}
	s := "text"
	if sh.Min != nil || sh.Max != nil {
		s = sh.count("character", "characters")
	}
	// These patterns say no more than that the text has no NUL.
	if sh.Pattern != "" && sh.Pattern != `[^\x00]*` && sh.Pattern != `[^\x00]+` {
		s += " matching " + sh.Pattern
	}
	return s
}

// bounds words a number's range; "" where there is none.
func (sh *Shape) bounds() string {
	switch {
	case sh.Min != nil && sh.Max != nil:
		return fmt.Sprintf("from %d to %d", *sh.Min, *sh.Max)
	case sh.Min != nil:
		return fmt.Sprintf("of at least %d", *sh.Min)
	case sh.Max != nil:
		return fmt.Sprintf("of at most %d", *sh.Max)
	}
	return ""
}

// count words how many of something there may be.
func (sh *Shape) count(one, many string) string {
	low := sh.Min != nil && *sh.Min > 0
	switch {
	case low && sh.Max != nil && *sh.Min == *sh.Max && *sh.Min == 1:
		return "1 " + one
	case low && sh.Max != nil && *sh.Min == *sh.Max:
		return fmt.Sprintf("%d %s", *sh.Min, many)
	case low && sh.Max != nil:
		return fmt.Sprintf("%d to %d %s", *sh.Min, *sh.Max, many)
	case low && *sh.Min == 1:
		return "at least 1 " + one
	case low:
		return fmt.Sprintf("at least %d %s", *sh.Min, many)
	case sh.Max != nil:
		return fmt.Sprintf("at most %d %s", *sh.Max, many)
	}
	return "any number of " + many
}

// aType names a type with its article.
func aType(t string) string {
	switch t {
	case "structure", "map":
		return "an object"
	case "list":
		return "a list"
	case "string", "blob":
		return "text"
	case "boolean":
		return "true or false"
	case "integer", "long":
		return "a whole number"
	case "timestamp":
		return "a time"
	}
	return "a number"
}
