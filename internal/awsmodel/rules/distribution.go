package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var distributions = []string{"CreateDistributionConfiguration", "UpdateDistributionConfiguration"}

var distributionRules = []Rule{
	{
		ID: "ib-watermark-public", Source: "EC2 User Guide, AMI watermarks: an AMI with watermarks cannot be made public",
		Says: "An AMI with watermarks is not public.",
		on:   on(build, "distribution.distributions[].amiDistributionConfiguration.launchPermission.userGroups[]"), judge: publicWatermarks,
	},
	{
		ID: "ib-ssm-parameter-role", Source: "User Guide, AMI distribution, SSM output parameters: Image Builder's own role writes below /imagebuilder/",
		Says: "An SSM parameter outside /imagebuilder/ needs an execution role.",
		on:   on(build, "distribution.distributions[].ssmParameterConfigurations[].parameterName"), judge: parameterWithoutRole,
	},
	{
		ID: "ib-copy-source", Source: "User Guide, cross-account AMI distribution: copies start from an AMI in the region of the build",
		Says: "Copies to other accounts need a distribution in the region of the build.",
		on:   on(build, "distribution.distributions"), judge: copiesWithoutSource,
	},
	{
		ID: "ib-region-once", Source: "API Reference, Distribution: a region at most once",
		Says: "A region has one distribution.",
		on:   on(distributions, "distributions"), judge: regionsOnce,
	},
	{
		ID: "ib-target-account-count", Severity: Warning, Source: "General Reference, Image Builder quotas: concurrent AMI copies per distribution configuration",
		Says: "A distribution configuration copies to at most 50 accounts.",
		on:   on(distributions, "distributions"), judge: targetAccounts,
	},
	{
		ID: "ib-region-output", Source: "hashicorp/terraform-provider-aws#17390",
		Says: "A distribution says what goes to its region.",
		on:   on(distributions, "distributions[]"), judge: oneOutput,
	},
	{
		ID: "ib-region-name", Source: "General Reference, regional endpoints: names of regions",
		Says: "A region is given by its name.",
		on:   on(distributions, "distributions[].region"), judge: regionForm,
	},
	{
		ID: "ib-ami-name", Source: "API Reference, AmiDistributionConfiguration: name",
		Says: "An AMI's name holds the build date, and no unknown token.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration.name"), judge: amiName,
	},
	{
		ID: "ib-launch-group", Source: "EC2 API Reference, LaunchPermission: the only group is all",
		Says: "The only group that an AMI is shared with is all.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration.launchPermission.userGroups[]"), judge: allGroup,
	},
	{
		ID: "ib-launch-template-count", Severity: Warning, Source: "General Reference, Image Builder quotas: launch templates per distribution region",
		Says: "A region has at most 5 launch templates.",
		on:   on(distributions, "distributions[].launchTemplateConfigurations"), judge: atMost(5, "launch templates in the region"),
	},
	{
		ID: "ib-ssm-parameter-count", Severity: Warning, Source: "General Reference, Image Builder quotas: SSM parameters per distribution region",
		Says: "A region has at most 10 SSM parameters.",
		on:   on(distributions, "distributions[].ssmParameterConfigurations"), judge: atMost(10, "SSM parameters in the region"),
	},
	{
		ID: "ib-ssm-parameter-account", Source: "API Reference, SsmParameterConfiguration: amiAccountId is a target account",
		Says: "An SSM parameter is written in an account that gets a copy of the AMI.",
		on:   on(distributions, "distributions[]"), judge: parameterAccounts,
	},
	{
		ID: "ib-fast-launch-accounts", Source: "User Guide, distribution: Fast Launch does not work with cross-account distribution",
		Says: "Fast Launch does not work with copies to other accounts.",
		on:   on(distributions, "distributions[]"), judge: fastLaunchHere,
	},
	{
		ID: "ib-fast-launch-template", Source: "EC2 API Reference, FastLaunchLaunchTemplateSpecificationRequest: id or name, not both",
		Says: "Fast Launch takes a launch template's id or its name, not both.",
		on:   on(distributions, "distributions[].fastLaunchConfigurations[].launchTemplate"), judge: oneTemplate,
	},
}

func regionsOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		region := text(object(e)["region"])
		if region == "" {
			continue
		}
		if j, dup := first[region]; dup {
			s.refuse(index(i)+".region", "The region "+strconv.Quote(region)+" is already that of distributions"+index(j),
				"Put all that is to happen in a region into one distribution.")
			continue
		}
		first[region] = i
	}
}

const maxTargetAccounts = 50

// targetAccounts counts over all regions, for the copies are made at the same time.
func targetAccounts(s *subject) {
	n := 0
	for _, d := range entries(s.value) {
		n += len(entries(object(object(d)["amiDistributionConfiguration"])["targetAccountIds"]))
	}
	if n > maxTargetAccounts {
		s.refuseAs(codeQuota, "", "It copies to "+strconv.Itoa(n)+" target accounts, and the quota is "+strconv.Itoa(maxTargetAccounts),
			"Keep at most "+strconv.Itoa(maxTargetAccounts)+", share by launchPermission instead, or have the quota raised for the account.")
	}
}

// outputs are the members of a distribution that make it do something.
var outputs = []string{
	"amiDistributionConfiguration", "containerDistributionConfiguration", "licenseConfigurationArns",
	"launchTemplateConfigurations", "s3ExportConfiguration", "fastLaunchConfigurations", "ssmParameterConfigurations",
}

func oneOutput(s *subject) {
	d := object(s.value)
	if d == nil || slices.ContainsFunc(outputs, func(o string) bool { return present(d[o]) }) {
		return
	}
	s.refuse("", "One or more outputs should be provided for each region in a distribution configuration",
		"Say what to distribute to the region, or leave the region out.")
}

var regionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,}(?:-[a-z]+)+-[0-9]+$`) })

func regionForm(s *subject) {
	if v := text(s.value); v != "" && !regionName().MatchString(v) {
		s.refuse("", "It is not the name of a region", "Write a region's name, such as eu-west-1.")
	}
}

var (
	nameToken = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`) })
	// dateToken is the build date, with or without a format.
	dateToken = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^imagebuilder:buildDate(?::.*)?$`) })
)

// amiName: without the date, the second build could not name its AMI.
func amiName(s *subject) {
	dated := false
	for _, m := range nameToken().FindAllStringSubmatch(text(s.value), -1) {
		switch {
		case dateToken().MatchString(m[1]):
			dated = true
		case m[1] != "imagebuilder:buildVersion":
			s.refuse("", "There is no token "+strconv.Quote(m[1]), awsmodel.Suggest(m[1], []string{"imagebuilder:buildDate", "imagebuilder:buildVersion"}))
			return
		}
	}
	if !dated {
		s.refuse("", "It must contain {{ imagebuilder:buildDate }}", "Add {{ imagebuilder:buildDate }} to it, so that every AMI has a name of its own.")
	}
}

func allGroup(s *subject) {
	if v := text(s.value); v != "" && v != "all" {
		s.refuse("", "The only group is all", "Write all, which makes the AMI public, or name accounts in userIds.")
	}
}

// parameterAccounts: a parameter can be written in an account that gets a copy, and in no other.
func parameterAccounts(s *subject) {
	d := object(s.value)
	ami := d["amiDistributionConfiguration"]
	targets := object(ami)["targetAccountIds"]
	if isUnknown(ami) || isUnknown(targets) || slices.ContainsFunc(entries(targets), isUnknown) {
		return
	}
	for i, p := range entries(d["ssmParameterConfigurations"]) {
		account := text(object(p)["amiAccountId"])
		if account != "" && !slices.Contains(entries(targets), any(account)) {
			s.refuse(".ssmParameterConfigurations"+index(i)+".amiAccountId", "The account "+account+" is not among targetAccountIds",
				"Add it to targetAccountIds, or leave amiAccountId out to write the parameter in the build's own account.")
		}
	}
}

func fastLaunchHere(s *subject) {
	d := object(s.value)
	if filled(d["fastLaunchConfigurations"]) && filled(object(d["amiDistributionConfiguration"])["targetAccountIds"]) {
		s.refuseAs(codeCombination, ".fastLaunchConfigurations", "Fast Launch cannot be used together with targetAccountIds",
			"Leave one of the two out; sharing by launchPermission works with Fast Launch.")
	}
}

func oneTemplate(s *subject) {
	t := object(s.value)
	if present(t["launchTemplateId"]) && present(t["launchTemplateName"]) {
		s.refuseAs(codeCombination, ".launchTemplateName", "Only one of launchTemplateId and launchTemplateName can be given", "Keep one of the two.")
	}
}

func publicWatermarks(s *subject) {
	if text(s.value) == "all" && filled(s.build.Recipe["amiWatermarks"]) {
		s.wrong("", "An AMI with watermarks cannot be public",
			"Remove the recipe's amiWatermarks, or share the AMI with accounts instead of all.")
	}
}

func parameterWithoutRole(s *subject) {
	if s.build.Image != nil && !present(s.build.Image["executionRole"]) && !strings.HasPrefix(text(s.value), "/imagebuilder/") {
		s.wrong("", "A parameter outside /imagebuilder/ needs an executionRole",
			"Give the image an executionRole that may call ssm:PutParameter, or begin the parameter's name with /imagebuilder/.")
	}
}

func copiesWithoutSource(s *subject) {
	crossAccount := false
	for _, e := range entries(s.value) {
		d := object(e)
		ami := d["amiDistributionConfiguration"]
		if present(ami) && (isUnknown(d["region"]) || text(d["region"]) == s.place.Region) {
			return
		}
		crossAccount = crossAccount || filled(object(ami)["targetAccountIds"])
	}
	if s.place.Region == "" || !crossAccount {
		return
	}
	s.refuse("", "Distribution to other accounts needs an amiDistributionConfiguration in the region of the build, "+awsmodel.Printable(s.place.Region),
		"Add a distribution for that region with an amiDistributionConfiguration.")
}
