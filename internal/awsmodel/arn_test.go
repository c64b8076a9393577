package awsmodel_test

import (
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

func TestARNs(t *testing.T) {
	p := awsmodel.Place{Region: "eu-west-1", Owner: "123456789012"}
	china := awsmodel.Place{Region: "cn-north-1", Owner: "aws"}
	for _, c := range []struct {
		got, want string
		res       awsmodel.Resource
		shape     string // whose pattern accepts it
	}{
		{p.Component("My Comp_1", "1.2.3", 0), "arn:aws:imagebuilder:eu-west-1:123456789012:component/my-comp-1/1.2.3", awsmodel.Resource{Kind: "component", Name: "my-comp-1", Version: "1.2.3"}, "ComponentVersionArnOrBuildVersionArn"},
		{p.Component("web", "1.2.3", 4), "arn:aws:imagebuilder:eu-west-1:123456789012:component/web/1.2.3/4", awsmodel.Resource{Kind: "component", Name: "web", Version: "1.2.3", Build: 4}, "ComponentBuildVersionArn"},
		{china.Component("update-linux", "x.x.x", 0), "arn:aws-cn:imagebuilder:cn-north-1:aws:component/update-linux/x.x.x", awsmodel.Resource{Kind: "component", Name: "update-linux", Version: "x.x.x"}, "ComponentVersionArnOrBuildVersionArn"},
		{p.Image("web", "1.0.0", 7), "arn:aws:imagebuilder:eu-west-1:123456789012:image/web/1.0.0/7", awsmodel.Resource{Kind: "image", Name: "web", Version: "1.0.0", Build: 7}, "ImageBuildVersionArn"},
		{p.Workflow("BUILD", "build-image", "x.x.x"), "arn:aws:imagebuilder:eu-west-1:123456789012:workflow/build/build-image/x.x.x", awsmodel.Resource{Kind: "workflow", Type: "build", Name: "build-image", Version: "x.x.x"}, "WorkflowVersionArnOrBuildVersionArn"},
		{p.ImageRecipe("web", "1.0.0"), "arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/web/1.0.0", awsmodel.Resource{Kind: "image-recipe", Name: "web", Version: "1.0.0"}, "ImageRecipeArn"},
		{p.ContainerRecipe("web", "1.0.0"), "arn:aws:imagebuilder:eu-west-1:123456789012:container-recipe/web/1.0.0", awsmodel.Resource{Kind: "container-recipe", Name: "web", Version: "1.0.0"}, "ContainerRecipeArn"},
		{p.InfrastructureConfiguration("web"), "arn:aws:imagebuilder:eu-west-1:123456789012:infrastructure-configuration/web", awsmodel.Resource{Kind: "infrastructure-configuration", Name: "web"}, "InfrastructureConfigurationArn"},
		{p.DistributionConfiguration("web"), "arn:aws:imagebuilder:eu-west-1:123456789012:distribution-configuration/web", awsmodel.Resource{Kind: "distribution-configuration", Name: "web"}, "DistributionConfigurationArn"},
		{p.ImagePipeline("web"), "arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/web", awsmodel.Resource{Kind: "image-pipeline", Name: "web"}, "ImagePipelineArn"},
		{p.LifecyclePolicy("web"), "arn:aws:imagebuilder:eu-west-1:123456789012:lifecycle-policy/web", awsmodel.Resource{Kind: "lifecycle-policy", Name: "web"}, "LifecyclePolicyArn"},
	} {
		if c.got != c.want {
			t.Errorf("built %s, want %s", c.got, c.want)
		}
		a, err := awsmodel.ParseARN(c.got)
		if err != nil || a.String() != c.got {
			t.Errorf("%s comes back as %s, %v", c.got, a, err)
		}
		if r, err := a.ParseResource(); err != nil || r != c.res {
			t.Errorf("%s names %+v, %v; want %+v", c.got, r, err, c.res)
		}
		if sh, ok := get(t, "imagebuilder").Shape(c.shape); !ok || !sh.MatchPattern(c.got) {
			t.Errorf("%s does not match %s", c.got, c.shape)
		}
	}
}

func TestARNsRefused(t *testing.T) {
	for _, s := range []string{"", "arn", "arn:aws:imagebuilder:eu-west-1:1", "urn:aws:s3:::b", "arn::s3:::b", "arn:aws:s3:::"} {
		if a, err := awsmodel.ParseARN(s); err == nil {
			t.Errorf("%q is taken for %+v", s, a)
		}
	}
	for _, s := range []string{
		"arn:aws:s3:::bucket", "arn:aws:imagebuilder:r:1:component", "arn:aws:imagebuilder:r:1:component/web",
		"arn:aws:imagebuilder:r:1:component/web/1.0.0/0", "arn:aws:imagebuilder:r:1:component/web/1.0.0/x", "arn:aws:imagebuilder:r:1:component/web/1.0.0/1/2",
		"arn:aws:imagebuilder:r:1:image-pipeline/web/1.0.0", "arn:aws:imagebuilder:r:1:workflow", "arn:aws:imagebuilder:r:1:workflow/build", "arn:aws:imagebuilder:r:1:thing/web",
	} {
		a, err := awsmodel.ParseARN(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if r, err := a.ParseResource(); err == nil {
			t.Errorf("%q is taken for %+v", s, r)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "eusc-de-east-1": "aws-eusc", "": "aws",
	} {
		if got := awsmodel.PartitionOf(region); got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
	}
}
