package rules

import (
	"strconv"
	"strings"
)

var containerRules = []Rule{
	{
		ID: "ib-dockerfile-source", Source: "API Reference, CreateContainerRecipe: exactly one template",
		Says: "A Dockerfile template is given as data or as uri, not both.",
		on:   on(containerRecipe, ""), judge: exactlyOne("dockerfileTemplateData", "dockerfileTemplateUri"),
	},
	{
		ID: "ib-container-parent", Source: "User Guide, container recipes: base images are managed, or from Docker Hub or ECR",
		Says: "The parent of a container is a container image.",
		on:   on(containerRecipe, "parentImage"), judge: containerImage,
	},
	{
		ID: "ib-instance-image", Source: "API Reference, InstanceConfiguration: image is an AMI id or ssm: and a parameter",
		Says: "The image of a container's build instance is an AMI id or an SSM parameter.",
		on:   on(containerRecipe, "instanceConfiguration.image"), judge: instanceImage,
	},
}

func instanceImage(s *subject) {
	if !amiOrParameter(text(s.value)) {
		s.refuse("", "It is neither an AMI id nor an ssm: parameter", "Write ami-… or ssm:<parameter's name or ARN>.")
	}
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
