package awsmodel

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

var (
	recipes         = []string{"CreateImageRecipe", "CreateContainerRecipe"}
	imageRecipe     = []string{"CreateImageRecipe"}
	containerRecipe = []string{"CreateContainerRecipe"}
)

var recipeRules = []rule{
	{recipes, "components", atMost(20, "components"), "General Reference, Image Builder quotas: components per recipe"},
	{recipes, "components", componentsOnce, "User Guide, recipes: a component at most once"},
	{recipes, "components[].componentArn", versionReference, "User Guide, semantic versioning: wildcards"},
	{recipes, "components[].parameters", atMost(25, "parameters"), "General Reference, Image Builder quotas: parameters per component"},
	{recipes, "components[].parameters[].value[]", parameterLength, "General Reference, Image Builder quotas: 1,024 characters per parameter value"},
	{imageRecipe, "parentImage", parentImage, "API Reference, CreateImageRecipe: parentImage"},
	{imageRecipe, "parentImage", versionReference, "User Guide, semantic versioning: wildcards"},
	{imageRecipe, "blockDeviceMappings[].ebs", volume, "EC2 API Reference, EbsBlockDevice"},
	{containerRecipe, "instanceConfiguration.blockDeviceMappings[].ebs", volume, "EC2 API Reference, EbsBlockDevice"},
	{containerRecipe, "", exactlyOne("dockerfileTemplateData", "dockerfileTemplateUri"), "API Reference, CreateContainerRecipe: exactly one template"},
	{containerRecipe, "dockerfileTemplateUri", s3URI, "API Reference, CreateContainerRecipe: dockerfileTemplateUri is an S3 object"},
	{containerRecipe, "parentImage", containerImage, "User Guide, container recipes: base images are managed, or from Docker Hub or ECR"},
	{containerRecipe, "parentImage", versionReference, "User Guide, semantic versioning: wildcards"},
	{containerRecipe, "instanceConfiguration.image", instanceImage, "API Reference, InstanceConfiguration: image is an AMI id or ssm: and a parameter"},
}

// componentsOnce compares components without their versions: two versions of one are it twice.
func componentsOnce(s *subject) {
	first := map[string]int{}
	for i, e := range entries(s.value) {
		arn := text(object(e)["componentArn"])
		a, err := ParseARN(arn)
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

func instanceImage(s *subject) {
	if !amiOrParameter(text(s.value)) {
		s.refuse("", "It is neither an AMI id nor an ssm: parameter", "Write ami-… or ssm:<parameter's name or ARN>.")
	}
}

func amiOrParameter(v string) bool {
	name, ssm := strings.CutPrefix(v, "ssm:")
	if !ssm {
		return amiID().MatchString(v)
	}
	if a, err := ParseARN(name); err == nil {
		return a.Service == "ssm" && strings.HasPrefix(a.Resource, "parameter/")
	}
	return parameterName().MatchString(name)
}

// ownedImage says whether v is the ARN of an image version, or of one build of it.
func ownedImage(v string) bool {
	a, err := ParseARN(v)
	if err != nil {
		return false
	}
	r, err := a.ParseResource()
	return err == nil && r.Kind == "image" && versionForm().MatchString(r.Version)
}

// containerImage refuses what cannot be the base of a container: AMIs, and images of registries
// other than Docker Hub and ECR.
func containerImage(s *subject) {
	v := text(s.value)
	if strings.HasPrefix(v, "ami-") || strings.HasPrefix(v, "ssm:") {
		s.refuse("", "It is an AMI, and a container recipe needs a container image",
			"Write an image's name on Docker Hub or in ECR, or an Image Builder container image's ARN.")
		return
	}
	if strings.HasPrefix(v, "arn:") {
		if !ownedImage(v) {
			s.refuse("", "It is no Image Builder image's ARN", "Write the ARN of a container image, or an image's name on Docker Hub or in ECR.")
		}
		return
	}
	host, _, hasPath := strings.Cut(v, "/")
	// As Docker reads names: the first part is a registry where it has a dot or a port, or is localhost.
	if !hasPath || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return
	}
	if host == "docker.io" || host == "registry-1.docker.io" || host == "index.docker.io" || host == "public.ecr.aws" || strings.Contains(host, ".dkr.ecr.") {
		return
	}
	s.refuse("", "Its registry "+strconv.Quote(host)+" is neither Docker Hub nor ECR", "Copy the image to ECR and name it there.")
}

// volumeSizes are the sizes in GiB that EC2 allows, by type of volume.
var volumeSizes = map[string]struct{ least, most float64 }{
	"standard": {1, 1024},
	"io1":      {4, 16384},
	"io2":      {4, 65536},
	"sc1":      {125, 16384},
	"st1":      {125, 16384},
}

// volume checks what depends on the type of an EBS volume.
func volume(s *subject) {
	ebs := object(s.value)
	if ebs["encrypted"] == false && present(ebs["kmsKeyId"]) {
		s.refuseAs(codeCombination, ".kmsKeyId", "A volume that is not encrypted has no key", "Make encrypted true, or leave kmsKeyId out.")
	}
	typ := text(ebs["volumeType"])
	if typ == "" {
		return // the base image decides
	}
	provisioned := typ == "io1" || typ == "io2"
	if present(ebs["throughput"]) && typ != "gp3" {
		s.refuseAs(codeCombination, ".throughput", "Only volumes of the type gp3 have a throughput", `Make volumeType "gp3", or leave throughput out.`)
	}
	if present(ebs["iops"]) && !provisioned && typ != "gp3" {
		s.refuseAs(codeCombination, ".iops", "Only volumes of the types io1, io2 and gp3 have iops", `Make volumeType "gp3", or leave iops out.`)
	}
	if provisioned && !present(ebs["iops"]) {
		s.refuseAs(codeCombination, ".iops", "Volumes of the type "+typ+" need iops", "Give iops, or take another type of volume.")
	}
	if size, ok := toNumber(ebs["volumeSize"]); ok {
		if r, limited := volumeSizes[typ]; limited && (size < r.least || size > r.most) {
			s.refuse(".volumeSize", "Volumes of the type "+typ+" have "+number(r.least)+" to "+number(r.most)+" GiB",
				"Change volumeSize, or take another type of volume.")
		}
	}
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
