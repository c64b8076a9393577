package rules

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// shareRules hold for what a distribution gives to a region and its accounts.
var shareRules = []Rule{
	{
		ID: "ib-ssm-parameter-name", Source: "SSM API Reference, PutParameter: Name; aws-samples/cdk-image-pipeline#148, hashicorp/terraform-provider-aws#7251",
		Answer: "Parameter name must be a fully qualified name.",
		Says:   "An SSM parameter in a hierarchy begins with a slash, and has at most 15 levels.",
		on:     on(distributions, "distributions[].ssmParameterConfigurations[].parameterName"), judge: parameterForm,
	},
	{
		ID: "ib-ssm-parameter-reserved", Source: "SSM API Reference, PutParameter: a name can't be prefixed with aws or ssm; aws-cloudformation/cfn-lint#4089",
		Answer: "No access to reserved parameter name: aws/test.",
		Says:   "An SSM parameter's name does not begin with aws or ssm.",
		on:     on(distributions, "distributions[].ssmParameterConfigurations[].parameterName"), judge: parameterReserved,
	},
	{
		ID: "ib-ssm-parameter-once", Severity: Warning, Source: "API Reference, SsmParameterConfiguration: each is written with the AMI of its region and account",
		Says: "A parameter is written once in an account and region.",
		on:   on(distributions, "distributions[].ssmParameterConfigurations"), judge: parametersOnce,
	},
	{
		ID: "ib-launch-template-region", Source: "EC2 User Guide, launch templates: a launch template is of one region; hashicorp/terraform-provider-aws#38507",
		Says: "A launch template is named in the distribution of its own region.",
		on:   on(distributions, "distributions"), judge: templateRegions,
	},
	{
		ID: "ib-launch-template-once", Severity: Warning, Source: "API Reference, LaunchTemplateConfiguration: one for each template of an account",
		Says: "A launch template is named once in a region.",
		on:   on(distributions, "distributions[].launchTemplateConfigurations"), judge: templatesOnce,
	},
	{
		ID: "ib-launch-template-account", Severity: Warning, Source: "User Guide, launch templates in distribution settings: accountId is the account that the template and the AMI are in",
		Says: "A launch template's account gets a copy of the AMI, or is the build's own.",
		on:   on(distributions, "distributions[]"), judge: templateAccounts,
	},
	{
		ID: "ib-target-account-once", Severity: Warning, Source: "API Reference, AmiDistributionConfiguration: targetAccountIds",
		Says: "A target account is named once in a region.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration.targetAccountIds"), judge: once("account"),
	},
	{
		ID: "ib-license-once", Severity: Warning, Source: "API Reference, Distribution: licenseConfigurationArns",
		Says: "A license configuration is named once in a region.",
		on:   on(distributions, "distributions[].licenseConfigurationArns"), judge: once("license configuration"),
	},
	{
		ID: "ib-launch-permission-public", Severity: Warning, Source: "EC2 User Guide, share an AMI: a public AMI is everybody's to launch",
		Says: "A public AMI needs no accounts beside all.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration.launchPermission"), judge: publicAndAccounts,
	},
	{
		ID: "ib-export-role", Source: "API Reference, S3ExportConfiguration: roleName is the name of the role",
		Says: "The role of an export is given by its name.",
		on:   on(distributions, "distributions[].s3ExportConfiguration.roleName"), judge: exportRole,
	},
	{
		ID: "ib-export-bucket", Source: "S3 User Guide, bucket naming rules",
		Says: "The bucket of an export is given by its name.",
		on:   on(distributions, "distributions[].s3ExportConfiguration.s3Bucket"), judge: bucketForm,
	},
	{
		ID: "ib-export-bucket-region", Severity: Warning, Source: "VM Import/Export User Guide: the bucket is in the region of the AMI",
		Says: "Exports of several regions go to buckets of their own.",
		on:   on(distributions, "distributions"), judge: exportRegions,
	},
	{
		ID: "ib-export-encrypted", Source: "VM Import/Export User Guide, considerations for image export: encrypted snapshots can't be exported",
		Says: "An encrypted AMI is not exported.",
		on:   on(build, "distribution.distributions[].s3ExportConfiguration"), judge: exportEncrypted,
	},
	{
		ID: "ib-export-licensed", Severity: Warning, Source: "VM Import/Export User Guide, considerations for image export: no image with third-party software that AWS provides, such as Windows",
		Says: "An image with software that AWS licenses is not exported.",
		on:   on(build, "distribution.distributions[].s3ExportConfiguration"), judge: exportLicensed,
	},
	{
		ID: "ib-fast-launch-role", Source: "User Guide, Fast Launch prerequisites: an execution role with EC2FastLaunchFullAccess; troubleshooting EC2 Fast Launch",
		Answer: "Can't enable EC2 Fast Launch. The IAM credentials that you are using do not have sufficient permissions. Attach EC2FastLaunchFullAccess in the IAM console.",
		Says:   "Fast Launch needs an execution role.",
		on:     on(build, "distribution.distributions[].fastLaunchConfigurations[]"), judge: fastLaunchRole,
	},
	{
		ID: "ib-fast-launch-parallel", Source: "EC2 API Reference, EnableFastLaunch: MaxParallelLaunches is 6 or more",
		Says: "Fast Launch starts at least 6 instances at a time.",
		on:   on(distributions, "distributions[].fastLaunchConfigurations[].maxParallelLaunches"), judge: fastLaunchParallel,
	},
	{
		ID: "ib-fast-launch-template-name", Source: "EC2 API Reference, FastLaunchLaunchTemplateSpecificationRequest: LaunchTemplateId or LaunchTemplateName",
		Says: "Fast Launch's launch template has an ID or a name.",
		on:   on(distributions, "distributions[].fastLaunchConfigurations[].launchTemplate"), judge: fastLaunchTemplate,
	},
	{
		ID: "ib-fast-launch-once", Severity: Warning, Source: "API Reference, FastLaunchConfiguration: one for each account",
		Says: "Fast Launch is configured once for an account in a region.",
		on:   on(distributions, "distributions[].fastLaunchConfigurations"), judge: fastLaunchOnce,
	},
	{
		ID: "ib-distribution-output", Source: "API Reference, Distribution: AMIs and containers; aws-cdk imagebuilder-alpha, image: distribution of the recipe's type",
		Says: "A distribution is of what the recipe makes: AMIs or containers.",
		on:   on(build, "distribution.distributions[]"), judge: distributionOutput,
	},
}

// most are the levels of a parameter's hierarchy (SSM API Reference, PutParameter).
const mostLevels = 15

func parameterForm(s *subject) {
	name := text(s.value)
	switch {
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		s.refuse("", "Parameter name must be a fully qualified name", "Begin it with a slash: /"+awsmodel.Printable(name)+".")
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		s.refuse("", "A level of the parameter's name is empty", "Write one slash between names, and none at the end.")
	case strings.Count(name, "/") > mostLevels:
		s.refuse("", "The parameter's name has more than 15 levels", "Shorten the hierarchy.")
	}
}

var reservedParameter = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^/?(?:aws|ssm)`) })

func parameterReserved(s *subject) {
	if name := text(s.value); reservedParameter().MatchString(name) {
		s.refuse("", "No access to reserved parameter name: "+awsmodel.Printable(name), "Begin the name with neither aws nor ssm, such as /golden/web.")
	}
}

func parametersOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		name, account := text(object(e)["parameterName"]), object(e)["amiAccountId"]
		if name == "" || isUnknown(account) {
			continue
		}
		key := text(account) + " " + name
		if j, dup := first[key]; dup {
			s.refuse(index(i)+".parameterName", "The parameter is already that of ssmParameterConfigurations"+index(j), "Keep one of the two.")
			continue
		}
		first[key] = i
	}
}

// eachTemplate calls f for every launch template's ID of a distribution, with its path in it.
func eachTemplate(d map[string]any, f func(path, id string)) {
	for i, t := range entries(d["launchTemplateConfigurations"]) {
		f(".launchTemplateConfigurations"+index(i)+".launchTemplateId", text(object(t)["launchTemplateId"]))
	}
	for i, l := range entries(d["fastLaunchConfigurations"]) {
		f(".fastLaunchConfigurations"+index(i)+".launchTemplate.launchTemplateId", text(object(object(l)["launchTemplate"])["launchTemplateId"]))
	}
}

func templateRegions(s *subject) {
	first := map[string]string{}
	for i, e := range entries(s.value) {
		d := object(e)
		region := text(d["region"])
		eachTemplate(d, func(path, id string) {
			other, named := first[id]
			switch {
			case id == "" || region == "":
			case named && other != region:
				s.refuse(index(i)+path, "The launch template "+awsmodel.Printable(id)+" is named in "+other+" and in "+region+", and exists in one region",
					"Write a distribution block for each region with the launch template that exists there, in place of regions: distribution { region = \""+region+"\" … }.")
			default:
				first[id] = region
			}
		})
	}
}

func templatesOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		id := text(object(e)["launchTemplateId"])
		if id == "" {
			continue
		}
		if j, dup := first[id]; dup {
			s.refuse(index(i)+".launchTemplateId", "The launch template is already that of launchTemplateConfigurations"+index(j), "Keep one of the two.")
			continue
		}
		first[id] = i
	}
}

func templateAccounts(s *subject) {
	d := object(s.value)
	ami := d["amiDistributionConfiguration"]
	targets := object(ami)["targetAccountIds"]
	if isUnknown(ami) || isUnknown(targets) || slices.ContainsFunc(entries(targets), isUnknown) {
		return
	}
	for i, t := range entries(d["launchTemplateConfigurations"]) {
		account := text(object(t)["accountId"])
		if account == "" || account == s.place.Account || slices.Contains(entries(targets), any(account)) {
			continue
		}
		s.refuse(".launchTemplateConfigurations"+index(i)+".accountId", "The account "+account+" is not among targetAccountIds, so it gets no AMI to put into its launch template",
			"Add it to targetAccountIds, or leave accountId out for a launch template of the build's own account.")
	}
}

// once refuses repeated texts in a list.
func once(what string) func(*subject) {
	return func(s *subject) {
		seen := map[string]bool{}
		for i, e := range entries(s.value) {
			v := text(e)
			if v != "" && seen[v] {
				s.refuse(index(i), "The "+what+" is already in the list", "Keep it once.")
			}
			seen[v] = true
		}
	}
}

func publicAndAccounts(s *subject) {
	p := object(s.value)
	if !slices.Contains(entries(p["userGroups"]), any("all")) {
		return
	}
	for _, m := range []string{"userIds", "organizationArns", "organizationalUnitArns"} {
		if filled(p[m]) {
			s.wrong(".userGroups", "With the group all, the AMI is public, whatever "+m+" says", "Remove user_groups, or the accounts.")
			return
		}
	}
}

func exportRole(s *subject) {
	if v := text(s.value); strings.HasPrefix(v, "arn:") || strings.Contains(v, "/") {
		s.refuse("", "roleName is the name of a role, and not its ARN or path", "Write the name alone, such as vmimport.")
	}
}

var bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })

func bucketForm(s *subject) {
	if v := text(s.value); v != "" && (!bucketName().MatchString(v) || strings.Contains(v, "..")) {
		s.refuse("", awsmodel.Printable(v)+" is not the name of a bucket", "Write the name alone, 3 to 63 lower-case letters, digits, dots and hyphens, without s3://; a folder goes into s3_prefix.")
	}
}

func exportRegions(s *subject) {
	first := map[string]string{}
	for i, e := range entries(s.value) {
		region, bucket := text(object(e)["region"]), text(object(object(e)["s3ExportConfiguration"])["s3Bucket"])
		if region == "" || bucket == "" {
			continue
		}
		if other := first[bucket]; other != "" && other != region {
			s.refuse(index(i)+".s3ExportConfiguration.s3Bucket", "The bucket "+awsmodel.Printable(bucket)+" gets the exports of "+other+" and of "+region+", and is in one region",
				"Give each region a bucket of its own in a distribution block.")
			continue
		}
		first[bucket] = region
	}
}

func exportEncrypted(s *subject) {
	if encryptionOf(s).encrypted {
		s.wrong("", "An AMI with encrypted volumes can't be exported", "Leave the volumes of this image unencrypted, or remove the export.")
	}
}

func exportLicensed(s *subject) {
	if p := s.build.Parent; p.Licensed {
		s.wrong("", p.Title+" holds software that AWS licenses, and such images can't be exported", "Start from an image that you imported, or remove the export.")
	}
}

func fastLaunchRole(s *subject) {
	if object(s.value)["enabled"] == true && s.build.Image != nil && !present(s.build.Image["executionRole"]) {
		s.wrong("", "Fast Launch needs an executionRole", "Give the image an execution_role with the policy EC2FastLaunchFullAccess.")
	}
}

// leastParallel is the least number of instances that EC2 starts at a time for Fast Launch.
const leastParallel = 6

func fastLaunchParallel(s *subject) {
	if n, ok := awsmodel.ToNumber(s.value); ok && n < leastParallel {
		s.refuse("", "maxParallelLaunches is "+number(n)+" and must be at least 6", "Write 6 or more, or leave it out.")
	}
}

func fastLaunchTemplate(s *subject) {
	t := object(s.value)
	if !present(t["launchTemplateId"]) && !present(t["launchTemplateName"]) {
		s.wrong("", "The launch template has neither launchTemplateId nor launchTemplateName", "Give one of them.")
	}
}

func fastLaunchOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		account := object(e)["accountId"]
		if isUnknown(account) {
			continue
		}
		if j, dup := first[text(account)]; dup {
			s.refuse(index(i), "The account's Fast Launch is already configured by fastLaunchConfigurations"+index(j), "Keep one of the two.")
			continue
		}
		first[text(account)] = i
	}
}

// amiOutputs are the members of a distribution that are about AMIs.
var amiOutputs = []string{
	"amiDistributionConfiguration", "launchTemplateConfigurations", "s3ExportConfiguration", "fastLaunchConfigurations", "ssmParameterConfigurations",
}

func distributionOutput(s *subject) {
	d := object(s.value)
	container := present(s.build.Recipe["containerType"])
	switch {
	case s.build.Recipe == nil:
	case container:
		for _, m := range amiOutputs {
			if present(d[m]) {
				s.wrong("."+m, "The recipe makes a container, and "+m+" is about AMIs", "Write a container_distribution_configuration.")
			}
		}
	case present(d["containerDistributionConfiguration"]):
		s.wrong(".containerDistributionConfiguration", "The recipe makes an AMI, and containerDistributionConfiguration is about containers", "Write an ami_distribution_configuration.")
	}
}
