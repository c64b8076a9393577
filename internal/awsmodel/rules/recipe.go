package rules

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

var (
	recipes         = []string{"CreateImageRecipe", "CreateContainerRecipe"}
	imageRecipe     = []string{"CreateImageRecipe"}
	containerRecipe = []string{"CreateContainerRecipe"}
)

var recipeRules = []Rule{
	{
		ID: "ib-component-count", Severity: Warning, Source: "General Reference, Image Builder quotas: components per recipe",
		Says: "A recipe has at most 20 components.",
		on:   on(recipes, "components"), judge: atMost(20, "components"),
	},
	{
		ID: "ib-component-once", Source: "User Guide, recipes: a component at most once",
		Says: "A recipe names a component once, whatever the version.",
		on:   on(recipes, "components"), judge: componentsOnce,
	},
	{
		ID: "ib-version-reference", Source: "User Guide, semantic versioning: wildcards",
		Says: "In a version with wildcards, only x stands to the right of the first x.",
		on:   []site{{recipes, "components[].componentArn"}, {imageRecipe, "parentImage"}, {containerRecipe, "parentImage"}, {ownRecipe, "imageRecipeArn"}, {ownRecipe, "containerRecipeArn"}, {ownRecipe, "workflows[].workflowArn"}, {[]string{"DistributeImage"}, "sourceImage"}}, judge: versionReference,
	},
	{
		ID: "ib-parameter-count", Severity: Warning, Source: "General Reference, Image Builder quotas: parameters per component",
		Says: "A component takes at most 25 parameters.",
		on:   on(recipes, "components[].parameters"), judge: atMost(25, "parameters"),
	},
	{
		ID: "ib-parameter-length", Severity: Warning, Source: "General Reference, Image Builder quotas: 1,024 characters per parameter value",
		Says: "A parameter's value has at most 1,024 characters.",
		on:   []site{{recipes, "components[].parameters[].value[]"}, {ownRecipe, "workflows[].parameters[].value[]"}}, judge: parameterLength,
	},
	{
		ID: "ib-parent-image", Source: "API Reference, CreateImageRecipe: parentImage",
		Says: "The parent image of an AMI is an AMI id, an image's ARN, an SSM parameter or an AWS Marketplace product.",
		on:   on(imageRecipe, "parentImage"), judge: parentImage,
	},
}

// componentsOnce compares components without their versions: two versions of one are it twice.
func componentsOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		arn := text(object(e)["componentArn"])
		a, err := awsmodel.ParseARN(arn)
		if err != nil {
			continue
		}
		r, err := a.ParseResource()
		if err != nil {
			continue
		}
		key := a.Region + "/" + a.Account + "/" + r.Name
		if j, dup := first[key]; dup {
			s.refuse(index(i)+".componentArn", "The component "+r.Name+" is already in components"+index(j),
				"Keep one of the two; a recipe runs a component once.")
			continue
		}
		first[key] = i
	}
}

const maxParameterValue = 1024

func parameterLength(s *subject) {
	if n := utf8.RuneCountInString(text(s.value)); n > maxParameterValue {
		s.refuseAs(codeQuota, "", "The parameter's value has "+strconv.Itoa(n)+" characters, and the quota is 1024",
			"Shorten it, or have the component fetch it from S3 or Parameter Store.")
	}
}

// The forms a base image may be given in.
var (
	amiID       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ami-[0-9a-f]{8}(?:[0-9a-f]{9})?$`) })
	productID   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^prod-[a-z0-9]+$`) })
	productUUID = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	})
	versionForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[0-9]+|x)(?:\.(?:[0-9]+|x)){2}$`) })
	parameterName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+(?::[a-zA-Z0-9_.\-]+)?$`) })
)

func parentImage(s *subject) {
	v := text(s.value)
	if amiOrParameter(v) || ownedImage(v) || productID().MatchString(v) || productUUID().MatchString(v) {
		return
	}
	s.refuse("", "It is no AMI id, image ARN, ssm: parameter or AWS Marketplace product id",
		"Write ami-…, an Image Builder image's ARN, ssm:<parameter's name or ARN>, or an AWS Marketplace product id.")
}

func amiOrParameter(v string) bool {
	name, ssm := strings.CutPrefix(v, "ssm:")
	if !ssm {
		return amiID().MatchString(v)
	}
	if a, err := awsmodel.ParseARN(name); err == nil {
		return a.Service == "ssm" && strings.HasPrefix(a.Resource, "parameter/")
	}
	return parameterName().MatchString(name)
}

// ownedImage says whether v is the ARN of an image version, or of one build of it.
func ownedImage(v string) bool {
	a, err := awsmodel.ParseARN(v)
	if err != nil {
		return false
	}
	r, err := a.ParseResource()
	return err == nil && r.Kind == "image" && versionForm().MatchString(r.Version)
}
