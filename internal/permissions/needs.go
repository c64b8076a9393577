package permissions

import (
	"cmp"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/planner"
)

// A need is an action that a call is decided by besides its own, where its input has something.
type need struct {
	actions []string
	// on are the resources; none where the input does not need it.
	on func(s *scope, in planner.Object) []string
	// passed is the service that a role is handed to; "" for other actions.
	passed string
	why    string // a verb phrase after the address: "is made from it"
}

// Services that roles are handed to.
const (
	ec2Service          = "ec2.amazonaws.com"
	imagebuilderService = "imagebuilder.amazonaws.com"
	vmieService         = "vmie.amazonaws.com"
	appstreamService    = "appstream.amazonaws.com"
)

func anywhere(*scope, planner.Object) []string { return []string{"*"} }

// where says what a member of the input refers to.
func where(path ...string) func(*scope, planner.Object) []string {
	return func(s *scope, in planner.Object) (out []string) {
		for _, v := range at(in, path...) {
			out = append(out, s.referred(v)...)
		}
		return out
	}
}

// when is any resource where the input has a member.
func when(path ...string) func(*scope, planner.Object) []string {
	return func(_ *scope, in planner.Object) []string {
		if len(at(in, path...)) == 0 {
			return nil
		}
		return []string{"*"}
	}
}

// rolesAt are the roles that members name.
func rolesAt(path ...string) func(*scope, planner.Object) []string {
	return func(s *scope, in planner.Object) (out []string) {
		for _, v := range at(in, path...) {
			out = append(out, s.role(v)...)
		}
		return out
	}
}

// objectsAt and bucketsAt are what members name by addresses in S3.
func objectsAt(path ...string) func(*scope, planner.Object) []string {
	return stored(func(object, _ string) string { return object }, path)
}

func bucketsAt(path ...string) func(*scope, planner.Object) []string {
	return stored(func(_, bucket string) string { return bucket }, path)
}

func stored(pick func(object, bucket string) string, path []string) func(*scope, planner.Object) []string {
	return func(s *scope, in planner.Object) (out []string) {
		for _, v := range at(in, path...) {
			if ref, ok := v.(dsl.Ref); ok {
				if n := s.nodes[ref.Addr.String()]; n != nil {
					bucket, _, _ := strings.Cut(s.pattern(n), "/")
					out = append(out, pick(s.pattern(n), bucket))
				}
			}
			uri, _ := v.(string)
			if object, bucket, ok := s.object(uri); ok {
				out = append(out, pick(object, bucket))
			}
		}
		return out
	}
}

// profileRole is the role inside of an instance profile. The console, and most templates, give both one name.
func profileRole(s *scope, in planner.Object) []string { return s.role(in["instanceProfileName"]) }

func profile(s *scope, in planner.Object) []string {
	if name := text(in, "instanceProfileName"); name != "" {
		return []string{s.place.iam("instance-profile/" + name)}
	}
	return nil
}

// parametersAt are the ARNs of Systems Manager parameters that members name.
func parametersAt(path ...string) func(*scope, planner.Object) []string {
	return func(s *scope, in planner.Object) (out []string) {
		for _, v := range at(in, path...) {
			if name, ok := v.(string); ok {
				out = append(out, s.parameter(name)...)
			}
		}
		return out
	}
}

// parentParameter is the parameter that holds a recipe's base image, where one does.
func parentParameter(s *scope, in planner.Object) []string {
	name, _ := in["parentImage"].(string)
	if ref, ok := in["parentImage"].(dsl.Ref); ok && ref.Type == planner.LookupType {
		name = ref.Name
	}
	if parameter, ok := strings.CutPrefix(name, "ssm:"); ok {
		return s.parameter(parameter)
	}
	return nil
}

// parameter is the ARN of a parameter without its version. Those that AWS publishes belong to no account.
func (s *scope) parameter(name string) []string {
	switch {
	case name == "":
		return nil
	case strings.HasPrefix(name, "arn:"):
		return []string{name}
	}
	name, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, "ssm:"), "/"), ":")
	if strings.HasPrefix(name, "aws/service/") {
		return []string{"arn:" + s.place.partition() + ":ssm:" + s.place.Region + "::parameter/" + name}
	}
	return []string{s.place.arn("ssm", "parameter/"+name)}
}

func launchTemplates(s *scope, in planner.Object) (out []string) {
	for _, v := range at(in, "distributions", "launchTemplateConfigurations", "launchTemplateId") {
		if id, ok := v.(string); ok {
			// Templates are in the regions distributed to.
			out = append(out, strings.Replace(s.place.arn("ec2", "launch-template/"+id), ":"+s.place.Region+":", ":*:", 1))
		}
	}
	return out
}

var kmsUse = []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"} //nolint:gochecknoglobals // a table, never written

// documentNeeds are those of what has a document of its own.
var documentNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: kmsUse, on: where("kmsKeyId"), why: "is encrypted with it"},
	{actions: []string{"s3:GetObject"}, on: objectsAt("uri"), why: "is read from there"},
	{actions: []string{"s3:ListBucket"}, on: bucketsAt("uri"), why: "is read from there"},
}

// makingNeeds are those of what makes images: at once, or on a schedule.
var makingNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: []string{"imagebuilder:GetImageRecipe"}, on: where("imageRecipeArn"), why: "is made from it"},
	{actions: []string{"imagebuilder:GetContainerRecipe"}, on: where("containerRecipeArn"), why: "is made from it"},
	{actions: []string{"imagebuilder:GetInfrastructureConfiguration"}, on: where("infrastructureConfigurationArn"), why: "is made on it"},
	{actions: []string{"imagebuilder:GetDistributionConfiguration"}, on: where("distributionConfigurationArn"), why: "is distributed by it"},
	{actions: []string{"imagebuilder:GetWorkflow"}, on: where("workflows", "workflowArn"), why: "runs it"},
	{actions: []string{"iam:PassRole"}, on: rolesAt("executionRole"), passed: imagebuilderService, why: "is made under it"},
	{actions: []string{"ecr:DescribeRepositories", "ecr:BatchGetRepositoryScanningConfiguration"}, on: when("imageScanningConfiguration", "ecrConfiguration"), why: "is scanned"},
	{actions: []string{"inspector2:BatchGetAccountStatus"}, on: when("imageScanningConfiguration"), why: "is scanned"},
}

var infrastructureNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: []string{"iam:GetInstanceProfile"}, on: profile, why: "runs with it"},
	{actions: []string{"iam:PassRole"}, on: profileRole, passed: ec2Service, why: "hands the profile's role to its instances; where that role is not named as the profile, write its name"},
	{actions: []string{"sns:Publish"}, on: where("snsTopicArn"), why: "tells it of images"},
	{actions: []string{"ec2:DescribeAvailabilityZones"}, on: when("placement", "availabilityZone"), why: "is placed"},
	{actions: []string{"ec2:DescribeHosts"}, on: when("placement", "hostId"), why: "is placed"},
	{actions: []string{"resource-groups:GetGroup"}, on: when("placement", "hostResourceGroupArn"), why: "is placed"},
}

var distributionNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: []string{"ec2:DescribeLaunchTemplates"}, on: when("distributions", "launchTemplateConfigurations"), why: "sets a launch template"},
	{actions: []string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"}, on: launchTemplates, why: "sets a launch template"},
	{actions: []string{"ssm:GetParameter"}, on: parametersAt("distributions", "ssmParameterConfigurations", "parameterName"), why: "sets it"},
	{actions: []string{"iam:PassRole"}, on: rolesAt("distributions", "s3ExportConfiguration", "roleName"), passed: vmieService, why: "exports under it"},
	{actions: []string{"s3:ListBucket"}, on: func(s *scope, in planner.Object) (out []string) {
		for _, v := range at(in, "distributions", "s3ExportConfiguration", "s3Bucket") {
			if name, ok := v.(string); ok {
				out = append(out, "arn:"+s.place.partition()+":s3:::"+name)
			}
		}
		return out
	}, why: "exports there"},
}

var recipeNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: []string{"imagebuilder:GetComponent"}, on: where("components", "componentArn"), why: "has it"},
	{actions: []string{"imagebuilder:GetImage"}, on: where("parentImage"), why: "is based on it"},
	{actions: []string{"ec2:DescribeImages"}, on: anywhere, why: "is based on an image"},
	{actions: []string{"ssm:GetParameter"}, on: parentParameter, why: "is based on what it names"},
}

var lifecycleNeeds = []need{ //nolint:gochecknoglobals // a table, never written
	{actions: []string{"iam:PassRole"}, on: rolesAt("executionRole"), passed: imagebuilderService, why: "works under it"},
}

// appstreamRole is the role that a call hands to AppStream.
func appstreamRole(why string) need {
	return need{actions: []string{"iam:PassRole"}, on: rolesAt("IamRoleArn"), passed: appstreamService, why: why}
}

// baseImage is the image that a machine begins with: one of AWS's, which belong to no account, of another account, or
// of ours.
func baseImage(s *scope, in planner.Object) []string {
	if arn := text(in, "ImageArn"); arn != "" {
		return []string{arn}
	}
	return []string{"arn:" + s.place.partition() + ":appstream:" + s.place.Region + ":*:image/" + cmp.Or(text(in, "ImageName"), "*")}
}

// ownImage is the image of the account that a member names: one of the graph, by its name, or any where that is looked up.
func ownImage(member string) func(*scope, planner.Object) []string {
	return func(s *scope, in planner.Object) []string {
		if ref, ok := in[member].(dsl.Ref); ok && s.nodes[ref.Addr.String()] != nil {
			return s.referred(ref)
		}
		return []string{s.place.arn("appstream", "image/"+cmp.Or(text(in, member), "*"))}
	}
}

// needs are what calls are decided by besides their own action: the dependent actions of AWS's reference,
// as far as the input has what they are about (Image Builder User Guide and AppStream Administration Guide).
var needs = map[planner.Op][]need{ //nolint:gochecknoglobals // a table, never written
	"imagebuilder:CreateComponent":   documentNeeds,
	"imagebuilder:CreateWorkflow":    documentNeeds,
	"imagebuilder:CreateImageRecipe": recipeNeeds,
	"imagebuilder:CreateContainerRecipe": append([]need{
		{actions: kmsUse, on: where("kmsKeyId"), why: "is encrypted with it"},
		{actions: []string{"s3:GetObject"}, on: objectsAt("dockerfileTemplateUri"), why: "reads its Dockerfile from there"},
		{actions: []string{"s3:ListBucket"}, on: bucketsAt("dockerfileTemplateUri"), why: "reads its Dockerfile from there"},
		{actions: []string{"ecr:DescribeRepositories", "ecr:DescribeImages"}, on: anywhere, why: "is stored in a repository"},
	}, recipeNeeds...),
	"imagebuilder:CreateInfrastructureConfiguration": infrastructureNeeds,
	"imagebuilder:UpdateInfrastructureConfiguration": infrastructureNeeds,
	"imagebuilder:CreateDistributionConfiguration":   distributionNeeds,
	"imagebuilder:UpdateDistributionConfiguration":   distributionNeeds,
	"imagebuilder:CreateImage":                       makingNeeds,
	"imagebuilder:CreateImagePipeline":               makingNeeds,
	"imagebuilder:UpdateImagePipeline":               makingNeeds,
	"imagebuilder:DistributeImage": {
		{actions: []string{"imagebuilder:GetDistributionConfiguration"}, on: where("distributionConfigurationArn"), why: "is distributed by it"},
		{actions: []string{"iam:PassRole"}, on: rolesAt("executionRole"), passed: imagebuilderService, why: "is distributed under it"},
		{actions: []string{"ec2:DescribeImages"}, on: anywhere, why: "is distributed"},
	},
	"imagebuilder:CreateLifecyclePolicy": lifecycleNeeds,
	"imagebuilder:UpdateLifecyclePolicy": lifecycleNeeds,

	"appstream:CreateImageBuilder": {
		appstreamRole("gives it to the machine"),
		{actions: []string{"appstream:CreateImageBuilder"}, on: baseImage, why: "is made on it"},
	},
	"appstream:CreateImportedImage": {
		appstreamRole("is imported under it"),
		{actions: []string{"ec2:DescribeImages"}, on: anywhere, why: "is looked at before it is imported"},
	},
	"appstream:CreateUpdatedImage": {{actions: []string{"appstream:CreateUpdatedImage"}, on: ownImage("existingImageName"), why: "is made of it"}},
	"appstream:CopyImage": {
		{actions: []string{"appstream:CopyImage"}, on: ownImage("SourceImageName"), why: "is made of it"},
		{actions: []string{"appstream:ListTagsForResource", "appstream:TagResource", "appstream:UntagResource"}, on: ownImage("SourceImageName"), why: "is noted on it while it has no tags"},
	},
	"appstream:CreateExportImageTask": {appstreamRole("is exported under it")},
	"appstream:CreateFleet":           {appstreamRole("gives it to its instances")},
	"appstream:UpdateFleet":           {appstreamRole("gives it to its instances")},
}

// during are calls that are made while a create is waited for, and after it.
var during = map[planner.Op][]planner.Op{ //nolint:gochecknoglobals // a table, never written
	"imagebuilder:CreateImage": {
		"imagebuilder:GetImage", "imagebuilder:ListImageBuildVersions", "imagebuilder:ListWorkflowExecutions", "imagebuilder:ListWorkflowStepExecutions",
		"imagebuilder:CancelImageCreation", "imagebuilder:DistributeImage", "logs:GetLogEvents", "servicequotas:ListServiceQuotas",
	},
	"s3:PutObject": {"s3:HeadObject"},
	"appstream:CreateImageBuilder": {
		"appstream:DescribeImages", "appstream:DescribeImageBuilders", "appstream:StartImageBuilder", "appstream:StopImageBuilder", "appstream:DeleteImageBuilder",
		"appstream:AssociateSoftwareToImageBuilder", "appstream:StartSoftwareDeploymentToImageBuilder", "appstream:DescribeSoftwareAssociations",
		"appstream:DeleteImage", "appstream:DeleteImagePermissions",
	},
	// Images that FAILED or that a retention does not keep are deleted, and accounts that are named no more lose the image.
	"appstream:CreateImportedImage": {"appstream:DescribeImages", "appstream:DescribeImagePermissions", "appstream:DeleteImage", "appstream:DeleteImagePermissions"},
	"appstream:CreateUpdatedImage":  {"appstream:DescribeImages", "appstream:DeleteImage", "appstream:DeleteImagePermissions"},
	"appstream:CopyImage":           {"appstream:DescribeImages", "appstream:DeleteImage", "appstream:DeleteImagePermissions"},
	"appstream:CreateFleet":         {"appstream:DescribeFleets", "appstream:StartFleet", "appstream:StopFleet", "appstream:UpdateFleet", "appstream:DescribeImages", "appstream:ListTagsForResource"},
	"appstream:UpdateFleet":         {"appstream:DescribeFleets", "appstream:StartFleet", "appstream:StopFleet", "appstream:DescribeImages"},
}

// ours is the condition that a resource was made by this program; asked, that it will be.
func ours() iampolicy.Conditions {
	return iampolicy.Conditions{"Null": {"aws:ResourceTag/" + planner.TagDigest: {"false"}}}
}

func asked() iampolicy.Conditions {
	return iampolicy.Conditions{"Null": {"aws:RequestTag/" + planner.TagDigest: {"false"}}}
}

func passedTo(service string) iampolicy.Conditions {
	return iampolicy.Conditions{"StringEquals": {"iam:PassedToService": {service}}}
}
