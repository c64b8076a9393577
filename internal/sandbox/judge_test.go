package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// The sandbox refuses by the rules that the planner has: across calls, and by region.
func TestRulesAcrossCalls(t *testing.T) {
	f := start(t, sandbox.Options{})
	recipe, infra := f.recipe("web", parent), f.infrastructure("web")
	outside := f.distribution("outside", types.Distribution{
		Region:                     aws.String("eu-west-1"),
		SsmParameterConfigurations: []types.SsmParameterConfiguration{{ParameterName: aws.String("/golden/web")}},
	})
	_, err := f.ib.CreateImage(t.Context(), &ibapi.CreateImageInput{ImageRecipeArn: &recipe, InfrastructureConfigurationArn: &infra, DistributionConfigurationArn: &outside})
	f.refused(err, "InvalidParameterCombinationException", "executionRole")

	_, err = f.ib.CreateInfrastructureConfiguration(t.Context(), &ibapi.CreateInfrastructureConfigurationInput{
		Name: aws.String("topic"), InstanceProfileName: aws.String("builder"), SnsTopicArn: aws.String("arn:aws:sns:ap-south-1:123456789012:builds"),
	})
	f.refused(err, "InvalidParameterValueException", "'snsTopicArn'", "ap-south-1")
}
