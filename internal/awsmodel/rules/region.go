package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// regionRules compare ARNs and keys with the region, partition and account of the call that carries them.
var regionRules = []Rule{
	{
		ID: "ib-partition", Source: "General Reference, ARN format: a resource is of one partition",
		Says: "An ARN is of the partition of the call's region.",
		on:   on(writing, ""), judge: otherPartition,
	},
	{
		ID: "ib-region-resource", Source: "CloudSnorkel/cdk-github-runners#130: Image Builder finds its resources in the region of the call",
		Answer: "The following required resource 'Image' cannot be found: 'arn:aws:imagebuilder:us-east-1:…'.",
		Says:   "Image Builder's own resources are of the call's region.",
		on: []site{
			{recipes, "parentImage"},
			{recipes, "components[].componentArn"},
			{[]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}, "imageRecipeArn"},
			{[]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}, "containerRecipeArn"},
			{[]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}, "infrastructureConfigurationArn"},
			{[]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline", "DistributeImage"}, "distributionConfigurationArn"},
			{[]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline"}, "workflows[].workflowArn"},
		},
		judge: otherRegion("imagebuilder"),
	},
	{
		ID: "ib-region-sns", Source: "SNS API Reference, Publish: a topic is published to in its own region",
		Says: "The SNS topic is of the region of the build.",
		on:   on(infrastructures, "snsTopicArn"), judge: otherRegion("sns"),
	},
	{
		ID: "ib-region-kms", Source: "KMS Developer Guide, multi-Region keys: a key is used in its own region alone",
		Says: "A KMS key is of the call's region.",
		on: []site{
			{[]string{"CreateComponent", "CreateWorkflow", "CreateContainerRecipe", "ImportComponent"}, "kmsKeyId"},
			{imageRecipe, "blockDeviceMappings[].ebs.kmsKeyId"},
			{containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs.kmsKeyId"},
		},
		judge: otherRegion("kms"),
	},
	{
		ID: "ib-region-parameter", Source: "Systems Manager User Guide: a parameter is read in its own region",
		Says: "The SSM parameter of a base image is of the call's region.",
		on:   []site{{imageRecipe, "parentImage"}, {containerRecipe, "instanceConfiguration.image"}}, judge: parameterRegion,
	},
	{
		ID: "ib-distribution-kms-region", Source: "User Guide, cross-account AMI distribution: a key in every region that is distributed to; hashicorp/packer#4249",
		Says: "The key of a distribution is of the distribution's region.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration.kmsKeyId"), judge: distributionKey,
	},
	{
		ID: "ib-distribution-key-regions", Source: "KMS Developer Guide, key identifiers: a key ID names a key in one region",
		Says: "A bare key ID is used in one region.",
		on:   on(distributions, "distributions"), judge: keyInRegions,
	},
	{
		ID: "ib-distribution-license-region", Source: "License Manager API Reference: license configurations are of one region",
		Says: "A license configuration is of the distribution's region.",
		on:   on(distributions, "distributions[].licenseConfigurationArns[]"), judge: distributionLicense,
	},
	{
		ID: "ib-distribution-kms-account", Severity: Warning, Source: "User Guide, cross-account AMI distribution: the key is used by the target account",
		Says: "The key of a copy to another account is given by its key ARN.",
		on:   on(distributions, "distributions[].amiDistributionConfiguration"), judge: keyOfTarget,
	},
	{
		ID: "ib-kms-form", Source: "EC2 API Reference, EbsBlockDevice: KmsKeyId is a key ID, a key alias, a key ARN or an alias ARN",
		Says: "A KMS key is given by its key ID, alias, key ARN or alias ARN.",
		on: []site{
			{imageRecipe, "blockDeviceMappings[].ebs.kmsKeyId"},
			{containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs.kmsKeyId"},
			{distributions, "distributions[].amiDistributionConfiguration.kmsKeyId"},
		},
		judge: keyForm,
	},
	{
		ID: "ib-role-account", Source: "IAM User Guide, PassRole: a role is passed to a service of its own account",
		Says: "The execution role is of the caller's account.",
		on:   on([]string{"CreateImage", "CreateImagePipeline", "UpdateImagePipeline", "DistributeImage", "CreateLifecyclePolicy", "UpdateLifecyclePolicy"}, "executionRole"), judge: otherAccount,
	},
	{
		ID: "ib-shared-managed-key", Source: "AWS Knowledge Center, Image Builder distribution of encrypted AMIs; hashicorp/packer#7410",
		Answer: "Snapshots encrypted with the AWS Managed CMK can't be shared.",
		Says:   "An AMI that is encrypted with the AWS managed key aws/ebs is not shared or copied to other accounts.",
		on:     on(build, "distribution.distributions[].amiDistributionConfiguration"), judge: sharedManagedKey,
	},
	{
		ID: "ib-shared-default-key", Severity: Warning, Source: "EBS User Guide, default encryption: without a key, the account's default key is used, which is aws/ebs unless it was changed",
		Says: "An encrypted AMI that is shared or copied to other accounts has a key of its own.",
		on:   on(build, "distribution.distributions[].amiDistributionConfiguration"), judge: sharedDefaultKey,
	},
	{
		ID: "ib-public-encrypted", Source: "EC2 User Guide, make your AMI public: an AMI with encrypted volumes can't be public",
		Says: "An encrypted AMI is not public.",
		on:   on(build, "distribution.distributions[].amiDistributionConfiguration.launchPermission.userGroups[]"), judge: publicEncrypted,
	},
	{
		ID: "ib-build-region-key", Severity: Warning, Source: "User Guide, distribution settings: the KMS key doesn't apply to the AMI in the build's region",
		Says: "The AMI in the build's region is encrypted by its recipe, not by its distribution.",
		on:   on(build, "distribution.distributions[].amiDistributionConfiguration.kmsKeyId"), judge: keyInBuildRegion,
	},
}

// free are the members whose texts are the user's own, ARNs or not.
var free = []string{"tags", "amiTags", "resourceTags", "imageTags", "tagMap", "parameters", "data", "dockerfileTemplateData", "userDataOverride", "description", "changeDescription"}

func otherPartition(s *subject) {
	if s.place.Region == "" {
		return
	}
	want := awsmodel.PartitionOf(s.place.Region)
	if !holdsForeign(s.value, want) {
		return
	}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		switch x := v.(type) {
		case string, awsmodel.Unknown:
			a, err := awsmodel.ParseARN(strings.TrimPrefix(asked(x), "ssm:"))
			if err == nil && a.Partition != want {
				s.refuse(path, "It is of the partition "+awsmodel.Printable(a.Partition)+", and "+s.place.Region+" is in "+want,
					"Name a resource of the partition "+want+", arn:"+want+":….")
			}
		case []any:
			for i, e := range x {
				visit(path+index(i), e)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				if !slices.Contains(free, k) {
					visit(path+"."+awsmodel.Printable(k), x[k])
				}
			}
		}
	}
	visit("", s.value)
}

// holdsForeign says whether there is anything for otherPartition to spell out: most inputs hold nothing.
func holdsForeign(v any, want string) bool {
	switch x := v.(type) {
	case string, awsmodel.Unknown:
		rest, ok := strings.CutPrefix(strings.TrimPrefix(asked(x), "ssm:"), "arn:")
		return ok && (!strings.HasPrefix(rest, want) || len(rest) == len(want) || rest[len(want)] != ':')
	case []any:
		return slices.ContainsFunc(x, func(e any) bool { return holdsForeign(e, want) })
	case map[string]any:
		for _, e := range x {
			if holdsForeign(e, want) {
				return true
			}
		}
	}
	return false
}

// samePartition says whether an ARN's partition is the region's; where it is not, ib-partition reports it.
func samePartition(a awsmodel.ARN, region string) bool {
	return a.Partition == awsmodel.PartitionOf(region)
}

// otherRegion refuses ARNs of a service that are of another region than the call.
func otherRegion(service string) func(*subject) {
	return func(s *subject) {
		here := s.place.Region
		a, err := awsmodel.ParseARN(text(s.value))
		if err != nil || here == "" || a.Service != service || a.Region == "" || a.Region == here || !samePartition(a, here) {
			return
		}
		s.refuse("", "It is of the region "+awsmodel.Printable(a.Region)+", and the call is made in "+here, inRegion(a, here))
	}
}

// inRegion advises what to write in place of an ARN of another region.
func inRegion(a awsmodel.ARN, region string) string {
	switch own := a; {
	case strings.HasPrefix(a.Resource, "key/mrk-"):
		own.Region = region
		return "It is a multi-Region key: write its replica's ARN, " + own.String() + "."
	case a.Service == "imagebuilder" && strings.HasPrefix(a.Account, "aws"):
		own.Region = region
		return "Write " + own.String() + "."
	default:
		return "Name one of " + region + "."
	}
}

func parameterRegion(s *subject) {
	name, ok := strings.CutPrefix(text(s.value), "ssm:")
	a, err := awsmodel.ParseARN(name)
	if here := s.place.Region; ok && err == nil && here != "" && a.Region != here && samePartition(a, here) {
		s.refuse("", "It is of the region "+awsmodel.Printable(a.Region)+", and the call is made in "+here,
			"Name a parameter of "+here+", or the public parameter by its name alone, ssm:/aws/service/….")
	}
}

// distributionOf is the distribution that a path goes through, with its region.
func distributionOf(s *subject) (d map[string]any, region string) {
	at := s.at
	if s.build != nil {
		at = at[1:]
	}
	list := entries(object(s.root)["distributions"])
	if s.build != nil {
		list = entries(s.build.Distribution["distributions"])
	}
	if len(at) > 1 && at[1].Index >= 0 && at[1].Index < len(list) {
		d = object(list[at[1].Index])
	}
	return d, text(d["region"])
}

func distributionKey(s *subject) {
	_, region := distributionOf(s)
	a, err := awsmodel.ParseARN(text(s.value))
	if err != nil || region == "" || a.Service != "kms" || a.Region == region || !samePartition(a, region) {
		return
	}
	s.refuse("", "The key is of the region "+awsmodel.Printable(a.Region)+", and the distribution of "+region, perRegion(a, region))
}

// perRegion advises a block for each region.
func perRegion(a awsmodel.ARN, region string) string {
	if strings.HasPrefix(a.Resource, "key/mrk-") {
		return inRegion(a, region)
	}
	return "A distribution block for each region, with what exists there, takes the place of regions: distribution { region = \"" + region + "\" … }."
}

func distributionLicense(s *subject) {
	_, region := distributionOf(s)
	a, err := awsmodel.ParseARN(text(s.value))
	if err != nil || region == "" || a.Region == region || !samePartition(a, region) {
		return
	}
	s.refuse("", "The license configuration is of the region "+awsmodel.Printable(a.Region)+", and the distribution of "+region, perRegion(a, region))
}

var (
	bareKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	})
	keyName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:alias/[a-zA-Z0-9/_-]+|mrk-[0-9a-f]{32}|arn:aws[^:]*:kms:[a-z0-9-]+:[0-9]{12}:(?:key/[a-zA-Z0-9-]+|alias/[a-zA-Z0-9/_-]+))$`)
	})
)

func keyForm(s *subject) {
	if v := text(s.value); v != "" && !bareKey().MatchString(v) && !keyName().MatchString(v) {
		s.refuse("", awsmodel.Printable(v)+" is not a KMS key",
			"Write the key's ARN, arn:aws:kms:<region>:<account>:key/<id>, its ID, or an alias, alias/<name>.")
	}
}

func keyInRegions(s *subject) {
	first := map[string]string{}
	for i, e := range entries(s.value) {
		d := object(e)
		region, key := text(d["region"]), text(object(d["amiDistributionConfiguration"])["kmsKeyId"])
		if region == "" || !bareKey().MatchString(key) {
			continue
		}
		if other := first[key]; other != "" && other != region {
			s.refuse(index(i)+".amiDistributionConfiguration.kmsKeyId", "The key "+key+" is used in "+other+" and in "+region+", and a key exists in one region",
				"Give each region its own key in a distribution block, use a multi-Region key (mrk-…), or an alias that exists in each.")
			continue
		}
		first[key] = region
	}
}

func keyOfTarget(s *subject) {
	ami := object(s.value)
	key := text(ami["kmsKeyId"])
	if !filled(ami["targetAccountIds"]) || key == "" || strings.HasPrefix(key, "arn:") && !strings.Contains(key, ":alias/") || managedKey(key) {
		return
	}
	s.refuse(".kmsKeyId", "The copies belong to other accounts, where "+awsmodel.Printable(key)+" may be another key or none",
		"Write the key's ARN, and let its policy allow the target accounts.")
}

func otherAccount(s *subject) {
	a, err := awsmodel.ParseARN(text(s.value))
	if err == nil && s.place.Account != "" && a.Service == "iam" && a.Account != s.place.Account {
		s.refuse("", "The role is of "+awsmodel.Printable(a.Account)+", and Image Builder can be given a role of the account of the call alone, "+s.place.Account,
			"Name a role of the account "+s.place.Account+".")
	}
}

// managedKey says whether a key is the one that AWS manages for EBS.
func managedKey(key string) bool {
	return key == "alias/aws/ebs" || strings.HasSuffix(key, ":alias/aws/ebs")
}

// sharing is what hands an AMI to other accounts: the member's path below amiDistributionConfiguration, "" for none.
func sharing(ami map[string]any) string {
	if filled(ami["targetAccountIds"]) {
		return ".targetAccountIds"
	}
	p := object(ami["launchPermission"])
	for _, m := range []string{"userIds", "organizationArns", "organizationalUnitArns"} {
		if filled(p[m]) {
			return ".launchPermission." + m
		}
	}
	return ""
}

// An encryption is how the AMI of a region is encrypted.
type encryption struct {
	encrypted bool
	keys      []string // those that are named
	defaults  bool     // some volume has the account's default key
}

// encryptionOf tells how a region's AMI is encrypted: in the build's region by the recipe's volumes, and
// elsewhere by the distribution's key, or the default key where the recipe's volumes are encrypted.
func encryptionOf(s *subject) encryption {
	d, region := distributionOf(s)
	var e encryption
	for _, m := range entries(s.build.Recipe["blockDeviceMappings"]) {
		ebs := object(object(m)["ebs"])
		if ebs["encrypted"] != true {
			continue
		}
		e.encrypted = true
		switch key := ebs["kmsKeyId"].(type) {
		case nil:
			e.defaults = true
		case string:
			e.keys = append(e.keys, key)
		}
	}
	if region == s.place.Region {
		return e
	}
	switch key := object(d["amiDistributionConfiguration"])["kmsKeyId"].(type) {
	case nil:
		return encryption{encrypted: e.encrypted, defaults: e.encrypted}
	case string:
		return encryption{encrypted: true, keys: []string{key}}
	default:
		return encryption{encrypted: true}
	}
}

func sharedManagedKey(s *subject) {
	if at := sharing(object(s.value)); at != "" && slices.ContainsFunc(encryptionOf(s).keys, managedKey) {
		s.wrong(at, "Snapshots encrypted with the AWS Managed CMK can't be shared",
			"Encrypt with a customer managed key: set kms_key_id to its ARN, and let its policy allow the accounts.")
	}
}

func sharedDefaultKey(s *subject) {
	at := sharing(object(s.value))
	e := encryptionOf(s)
	if at == "" || !e.defaults || slices.ContainsFunc(e.keys, managedKey) {
		return
	}
	s.wrong(at, "The AMI is encrypted without a kmsKeyId, so with the account's default key; if that is aws/ebs, it can't be shared",
		"Set kms_key_id to a customer managed key of this region.")
}

func publicEncrypted(s *subject) {
	if text(s.value) == "all" && encryptionOf(s).encrypted {
		s.wrong("", "An encrypted AMI can't be public", "Leave the volumes unencrypted, or share the AMI with accounts instead of all.")
	}
}

func keyInBuildRegion(s *subject) {
	if s.build.Recipe == nil || s.place.Region == "" {
		return
	}
	_, region := distributionOf(s)
	encrypted := slices.ContainsFunc(entries(s.build.Recipe["blockDeviceMappings"]), func(m any) bool {
		return object(object(m)["ebs"])["encrypted"] == true
	})
	if region == s.place.Region && !encrypted {
		s.wrong("", "It doesn't encrypt the AMI in "+region+", where the image is built",
			"Encrypt the recipe's root volume instead: block_device_mapping { ebs { encrypted = true, kms_key_id = … } }.")
	}
}
