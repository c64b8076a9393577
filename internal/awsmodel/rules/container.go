package rules

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

const containerConstraints = "User Guide, Create a new version of a container recipe: common errors"

var containerRules = []Rule{
	{
		ID: "ib-dockerfile-source", Source: containerConstraints,
		Answer: "You must specify either dockerfileTemplateData or a dockerfileTemplateUri",
		Says:   "A Dockerfile template is given as data or as uri, not both.",
		on:     on(containerRecipe, ""), judge: exactlyOne("dockerfileTemplateData", "dockerfileTemplateUri"),
	},
	{
		ID: "ib-container-parent", Source: "aws-cdk imagebuilder-alpha, base-image.ts: an Image Builder image, or an image of ECR or of a third-party registry; OCI distribution, reference grammar",
		Says: "The parent of a container is a container image, of any registry.",
		on:   on(containerRecipe, "parentImage"), judge: containerImage,
	},
	{
		ID: "ib-container-windows-os", Source: containerConstraints + "; hashicorp/terraform-provider-aws#24712",
		Answer: "You must specify an image OsVersion override when using ECR Repositories as your parent image for Windows Platform",
		Says:   "A Windows container whose parent is no Image Builder image names its operating system's version.",
		on:     on(containerRecipe, "platformOverride"), judge: windowsNeedsOS,
	},
	{
		ID: "ib-container-override", Source: containerConstraints,
		Answer: "You cannot specify a platform override when using an Image Builder Image as your parent",
		Says:   "The platform of an Image Builder image isn't overridden.",
		on:     on(containerRecipe, "platformOverride"), judge: ownedNeedsNoPlatform,
	},
	{
		ID: "ib-container-built-override", Source: containerConstraints,
		Answer: "You cannot specify a platform override when using an Image Builder Image as your parent",
		Says:   "The platform of an image of the same configuration isn't overridden.",
		on:     on(build, "recipe.platformOverride"), judge: builtNeedsNoPlatform,
	},
	{
		ID: "ib-container-macos", Source: containerConstraints,
		Answer: "Container recipes don't currently support the macOS platform",
		Says:   "A container is for Linux or Windows.",
		on:     on(containerRecipe, "platformOverride"), judge: noMacContainer,
	},
	{
		ID: "ib-container-component-platform", Source: "User Guide, container recipes: platformOverride is the platform of the base image",
		Says: "A component is for the platform that the recipe names.",
		on:   on(build, "recipe.components[]"), judge: overriddenPlatform,
	},
	{
		ID: "ib-container-marketplace", Source: containerConstraints,
		Answer: "Container Recipes must not contain marketplace components",
		Says:   "A container has no components of AWS Marketplace.",
		on:     on(containerRecipe, "components[].componentArn"), judge: noMarketplace,
	},
	{
		ID: "ib-instance-image", Source: "API Reference, InstanceConfiguration: image is an AMI id or ssm: and a parameter",
		Says: "The image of a container's build instance is an AMI id or an SSM parameter.",
		on:   on(containerRecipe, "instanceConfiguration.image"), judge: instanceImage,
	},
	{
		ID: "ib-container-hop-limit", Source: "API Reference, InstanceMetadataOptions: with required tokens, container image builds need a minimum of two hops",
		Says: "With required tokens, a container is built with a hop limit of at least 2.",
		on:   on(build, "infrastructure.instanceMetadataOptions"), judge: hopLimit,
	},
	{
		ID: "ib-ecr-repository", Source: "ECR API Reference, CreateRepository: repositoryName",
		Says: "A repository has a name that ECR takes.",
		on: []site{
			{containerRecipe, "targetRepository.repositoryName"},
			{distributions, "distributions[].containerDistributionConfiguration.targetRepository.repositoryName"},
			{ownRecipe, "imageScanningConfiguration.ecrConfiguration.repositoryName"},
		}, judge: repositoryName,
	},
	{
		ID: "ib-container-tag", Source: "OCI distribution, reference grammar: a tag has 1 to 128 letters, digits, _, . and -",
		Says: "A container's tag has a form that registries take.",
		on: []site{
			{distributions, "distributions[].containerDistributionConfiguration.containerTags[]"},
			{ownRecipe, "imageScanningConfiguration.ecrConfiguration.containerTags[]"},
		}, judge: containerTag,
	},
	{
		ID: "ib-container-distribution", Severity: Warning, Source: "API Reference, Distribution: containerDistributionConfiguration is for containers, the other settings are for AMIs",
		Says: "A region to which an image is distributed has settings for its type, container or AMI.",
		on:   on(build, "distribution.distributions[]"), judge: distributedType,
	},
}

func instanceImage(s *subject) {
	if !amiOrParameter(text(s.value)) {
		s.refuse("", "It is neither an AMI id nor an ssm: parameter", "Write ami-… or ssm:<parameter's name or ARN>.")
	}
}

// The grammar of a container image's name (OCI distribution, reference.go): the host is the first part
// where it has a dot or a port, or is localhost.
var imageReference = sync.OnceValue(func() *regexp.Regexp {
	const (
		label = `[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?`
		part  = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	)
	return regexp.MustCompile(`^(?:` + label + `(?:\.` + label + `)*(?::[0-9]+)?/)?` + part + `(?:/` + part + `)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`)
})

// containerImage refuses what cannot be the base of a container: AMIs, and what no registry takes for a name.
func containerImage(s *subject) {
	v := text(s.value)
	const advice = "Write an image's name, such as amazonlinux:2023 or public.ecr.aws/amazonlinux/amazonlinux:2023, or an Image Builder container image's ARN."
	switch {
	case v == "":
	case strings.HasPrefix(v, "ami-") && amiID().MatchString(v), strings.HasPrefix(v, "ssm:"):
		s.refuse("", "It is an AMI, and a container recipe needs a container image", advice)
	case strings.HasPrefix(v, "arn:"):
		if !ownedImage(v) {
			s.refuse("", "It is no Image Builder image's ARN", advice)
		}
	case !imageReference().MatchString(v):
		s.refuse("", "It is no name of a container image", advice)
	}
}

func windowsNeedsOS(s *subject) {
	if text(s.value) != "Windows" || filled(s.root["imageOsVersionOverride"]) {
		return
	}
	parent := s.root["parentImage"]
	if isUnknown(parent) || strings.HasPrefix(text(parent), "arn:") {
		return
	}
	s.found = append(s.found, awsmodel.Finding{
		Path: s.path(""), Code: codeValue,
		Message: "You must specify an image OsVersion override when using ECR Repositories as your parent image for Windows Platform.",
		Advice:  `Write image_os_version_override, such as "Microsoft Windows Server 2022".`,
	})
}

func ownedNeedsNoPlatform(s *subject) {
	if strings.HasPrefix(asked(s.root["parentImage"]), "arn:") {
		s.platformKnown()
	}
}

func builtNeedsNoPlatform(s *subject) {
	parent := s.build.Recipe["parentImage"]
	if isUnknown(parent) && asked(parent) == "" && s.build.Parent.Title != "" {
		s.platformKnown()
	}
}

func (s *subject) platformKnown() {
	if text(s.value) == "" {
		return
	}
	s.found = append(s.found, awsmodel.Finding{
		Path: s.path(""), Code: codeCombination,
		Message: "You cannot specify a platform override when using an Image Builder Image as your parent.",
		Advice:  "Remove platform_override; Image Builder knows the parent's platform.",
	})
}

func noMacContainer(s *subject) {
	if text(s.value) == "macOS" {
		s.found = append(s.found, awsmodel.Finding{
			Path: s.path(""), Code: codeValue, Message: "Container recipes don't currently support the macOS platform.", Advice: "Write Linux or Windows.",
		})
	}
}

func overriddenPlatform(s *subject) {
	override := text(s.build.Recipe["platformOverride"])
	p := s.build.componentPlatform(which(s), s.value)
	if override != "" && p != "" && p != override && s.build.Parent.Platform == "" {
		s.wrong(".componentArn", "The component is for platform '"+awsmodel.Printable(p)+"' and the recipe's platformOverride is '"+awsmodel.Printable(override)+"'",
			"Use a component for "+awsmodel.Printable(override)+", or change platform_override.")
	}
}

func noMarketplace(s *subject) {
	if a, err := awsmodel.ParseARN(text(s.value)); err == nil && a.Account == "aws-marketplace" {
		s.found = append(s.found, awsmodel.Finding{
			Path: s.path(""), Code: codeValue, Message: "Container Recipes must not contain marketplace components.", Advice: "Remove the component, or build an AMI.",
		})
	}
}

func hopLimit(s *subject) {
	options := object(s.value)
	if !present(s.build.Recipe["containerType"]) || text(options["httpTokens"]) != "required" {
		return
	}
	limit := options["httpPutResponseHopLimit"]
	if n, ok := awsmodel.ToNumber(limit); isUnknown(limit) || ok && n >= 2 {
		return
	}
	s.wrong(".httpPutResponseHopLimit", "With required tokens, building a container takes at least two hops, and the default is one",
		"Write http_put_response_hop_limit = 2.")
}

var ecrName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$`)
})

// Bounds of a repository's name in characters.
const (
	shortestRepository = 2
	longestRepository  = 256
)

func repositoryName(s *subject) {
	v := text(s.value)
	if v == "" || ecrName().MatchString(v) && len(v) >= shortestRepository && len(v) <= longestRepository && !strings.Contains(v, ".dkr.ecr.") {
		return
	}
	advice := "Write 2 to 256 lower-case letters, digits, dots, hyphens, underscores and slashes."
	if _, name, ok := strings.Cut(v, ":repository/"); ok {
		advice = "Write the repository's name, " + strconv.Quote(name) + ", in place of its ARN."
	} else if _, name, ok := strings.Cut(v, ".amazonaws.com/"); ok {
		advice = "Write the repository's name, " + strconv.Quote(name) + ", without the registry."
	}
	s.refuse("", awsmodel.Printable(v)+" is no name of a repository", advice)
}

var (
	containerTagForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`) })
	dynamicValue     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{\{[^{}]*\}\}`) })
)

func containerTag(s *subject) {
	if v := text(s.value); v != "" && !containerTagForm().MatchString(dynamicValue().ReplaceAllString(v, "x")) {
		s.refuse("", awsmodel.Printable(v)+" is no tag of a container image", "Write 1 to 128 letters, digits, underscores, dots and hyphens, none of the last two first.")
	}
}

func distributedType(s *subject) {
	d := object(s.value)
	_, container := s.build.Image["containerRecipeArn"]
	_, ami := s.build.Image["imageRecipeArn"]
	own := present(d["containerDistributionConfiguration"])
	switch {
	case container && !own && !isUnknown(s.value):
		s.wrong("", "The image is a container, and the region has no containerDistributionConfiguration, so that nothing is distributed to it",
			"Add container_distribution_configuration with a target_repository.")
	case ami && own && !present(d["amiDistributionConfiguration"]):
		s.wrong("", "The image is an AMI, and containerDistributionConfiguration distributes containers alone", "Write ami_distribution_configuration.")
	}
}
