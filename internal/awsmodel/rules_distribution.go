package awsmodel

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
)

var distributions = []string{"CreateDistributionConfiguration", "UpdateDistributionConfiguration"}

var distributionRules = []rule{
	{distributions, "distributions", regionsOnce, "API Reference, Distribution: a region at most once"},
	{distributions, "distributions", targetAccounts, "General Reference, Image Builder quotas: concurrent AMI copies per distribution configuration"},
	{distributions, "distributions[]", oneOutput, "hashicorp/terraform-provider-aws#17390"},
	{distributions, "distributions[].region", regionForm, "General Reference, regional endpoints: names of regions"},
	{distributions, "distributions[].amiDistributionConfiguration.name", amiName, "API Reference, AmiDistributionConfiguration: name"},
	{distributions, "distributions[].amiDistributionConfiguration.launchPermission.userGroups[]", allGroup, "EC2 API Reference, LaunchPermission: the only group is all"},
	{distributions, "distributions[].launchTemplateConfigurations", atMost(5, "launch templates in the region"), "General Reference, Image Builder quotas: launch templates per distribution region"},
	{distributions, "distributions[].ssmParameterConfigurations", atMost(10, "SSM parameters in the region"), "General Reference, Image Builder quotas: SSM parameters per distribution region"},
	{distributions, "distributions[]", parameterAccounts, "API Reference, SsmParameterConfiguration: amiAccountId is a target account"},
	{distributions, "distributions[]", fastLaunchHere, "User Guide, distribution: Fast Launch does not work with cross-account distribution"},
	{distributions, "distributions[].fastLaunchConfigurations[].launchTemplate", oneTemplate, "EC2 API Reference, FastLaunchLaunchTemplateSpecificationRequest: id or name, not both"},
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
			s.refuse("", "There is no token "+strconv.Quote(m[1]), suggest(m[1], []string{"imagebuilder:buildDate", "imagebuilder:buildVersion"}))
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
