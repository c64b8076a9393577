package awsmodel

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An ARN names one AWS resource.
type ARN struct {
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Service   string // "imagebuilder"
	Region    string // "" for services that have none
	Account   string // 12 digits; "aws" and its like for what AWS owns; "" for services that have none
	Resource  string // all behind the fifth colon: "component/web/1.0.0/1"
}

var errNoARN = errors.New("not an ARN")

// ParseARN takes an ARN apart. It checks the form, not whether service, region or account exist.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, fmt.Errorf("%w: %q", errNoARN, s)
	}
	return ARN{p[1], p[2], p[3], p[4], p[5]}, nil
}

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// PartitionOf returns the partition a region belongs to: "aws-cn" for cn-north-1, "aws" for
// regions it does not know.
func PartitionOf(region string) string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"},
		{"eu-isoe-", "aws-iso-e"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// A Place is where Image Builder's resources are, and whose they are.
type Place struct {
	Region string
	Owner  string // an account id, or "aws" for what AWS manages
}

// ARN builds the ARN of an Image Builder resource from the parts behind the owner.
func (p Place) arn(parts ...string) string {
	return ARN{PartitionOf(p.Region), "imagebuilder", p.Region, p.Owner, strings.Join(parts, "/")}.String()
}

// Component is the ARN of a component's version (x.x.x and the like for the newest) or, where
// build is positive, of one build of it.
func (p Place) Component(name, version string, build int) string {
	return p.arn(built(build, "component", NormalizeName(name), version)...)
}

// Image is the ARN of an image, which bears the name and version of its recipe.
func (p Place) Image(recipe, version string, build int) string {
	return p.arn(built(build, "image", NormalizeName(recipe), version)...)
}

// Workflow is the ARN of a workflow of the type BUILD, TEST or DISTRIBUTION, in any case, with
// the version "1.0.0" or, for one build of it, "1.0.0/1".
func (p Place) Workflow(typ, name, version string) string {
	return p.arn("workflow", strings.ToLower(typ), NormalizeName(name), version)
}

// ImageRecipe is the ARN of an image recipe.
func (p Place) ImageRecipe(name, version string) string {
	return p.arn("image-recipe", NormalizeName(name), version)
}

// ContainerRecipe is the ARN of a container recipe.
func (p Place) ContainerRecipe(name, version string) string {
	return p.arn("container-recipe", NormalizeName(name), version)
}

// InfrastructureConfiguration is the ARN of an infrastructure configuration.
func (p Place) InfrastructureConfiguration(name string) string {
	return p.arn("infrastructure-configuration", NormalizeName(name))
}

// DistributionConfiguration is the ARN of a distribution configuration.
func (p Place) DistributionConfiguration(name string) string {
	return p.arn("distribution-configuration", NormalizeName(name))
}

// ImagePipeline is the ARN of an image pipeline.
func (p Place) ImagePipeline(name string) string {
	return p.arn("image-pipeline", NormalizeName(name))
}

// LifecyclePolicy is the ARN of a lifecycle policy.
func (p Place) LifecyclePolicy(name string) string {
	return p.arn("lifecycle-policy", NormalizeName(name))
}

// built appends the build number where there is one; builds count from 1.
func built(build int, parts ...string) []string {
	if build > 0 {
		return append(parts, strconv.Itoa(build))
	}
	return parts
}

// A Resource is what an Image Builder ARN names.
type Resource struct {
	Kind    string // "component", "image-recipe", "workflow", …
	Type    string // "build", "test" or "distribution" for workflows, "" otherwise
	Name    string // normalised
	Version string // "1.0.0", "1.x.x"; "" for kinds without versions
	Build   int    // 0 where the ARN names none
}

// versioned says how many parts follow the name, at least and at most, by kind.
var versioned = map[string]struct{ least, most int }{
	"component": {1, 2}, "image": {1, 2}, "workflow": {1, 2},
	"image-recipe": {1, 1}, "container-recipe": {1, 1},
	"infrastructure-configuration": {}, "distribution-configuration": {},
	"image-pipeline": {}, "lifecycle-policy": {},
}

var errNoResource = errors.New("not an Image Builder resource")

// ParseResource takes the resource of an Image Builder ARN apart.
func (a ARN) ParseResource() (Resource, error) {
	parts := strings.Split(a.Resource, "/")
	v, ok := versioned[parts[0]]
	if a.Service != "imagebuilder" || !ok {
		return Resource{}, fmt.Errorf("%w: %q", errNoResource, a.String())
	}
	r := Resource{Kind: parts[0]}
	rest := parts[1:]
	if r.Kind == "workflow" && len(rest) > 0 {
		r.Type, rest = rest[0], rest[1:]
	}
	if n := len(rest) - 1; n < v.least || n > v.most || rest[0] == "" {
		return Resource{}, fmt.Errorf("%w: %q", errNoResource, a.String())
	}
	r.Name = rest[0]
	if len(rest) > 1 {
		r.Version = rest[1]
	}
	if len(rest) > 2 {
		n, err := strconv.Atoi(rest[2])
		if err != nil || n < 1 {
			return Resource{}, fmt.Errorf("%w: %q has no build number at its end", errNoResource, a.String())
		}
		r.Build = n
	}
	return r, nil
}
