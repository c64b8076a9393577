package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// TestDocumentsReferToTheSandbox: components name other components and parameters, and a secret among
// these is used but not shown.
func TestDocumentsReferToTheSandbox(t *testing.T) {
	f := start(t, overlay(t))
	for name, typ := range map[string]string{"plain": "String", "secret": "SecureString"} {
		must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/app/" + name), Value: aws.String("the-" + name + "-value"), Type: ssmtypes.ParameterType(typ),
		}))
	}
	inner := f.component("inner", "echo inner ran")
	outer := *must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("outer"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: aws.String(fmt.Sprintf(`
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Inner
        action: ExecuteDocument
        inputs: {document: '%s'}
      - name: Use
        action: ExecuteBash
        inputs:
          commands:
            - echo 'plain is {{ aws:ssm:/app/plain }}'
            - test '{{ aws:ssm:/app/secret }}' = the-secret-value && echo 'secret is {{ aws:ssm:/app/secret }}'
`, inner)),
	})).ComponentBuildVersionArn
	recipe := *must[*ibapi.CreateImageRecipeOutput](f)(f.ib.CreateImageRecipe(t.Context(), &ibapi.CreateImageRecipeInput{
		Name: aws.String("refers"), SemanticVersion: aws.String("1.0.0"), ParentImage: aws.String(parent),
		Components: []types.ComponentConfiguration{{ComponentArn: &outer}},
	})).ImageRecipeArn
	img := f.wait(f.image(recipe, f.infrastructure("refers"), func(*ibapi.CreateImageInput) {}))
	lines := f.log("/aws/imagebuilder/refers")
	all := strings.Join(lines, "\n")
	if img.State.Status != types.ImageStatusAvailable {
		t.Fatalf("image ended %s: %s\n%s", img.State.Status, aws.ToString(img.State.Reason), all)
	}
	for _, want := range []string{"Stdout: inner ran", "Stdout: plain is the-plain-value"} {
		if !slices.Contains(lines, want) {
			t.Errorf("the log lacks %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, "the-secret-value") || !strings.Contains(all, "Stdout: secret is ") {
		t.Errorf("the log shows the secret, or lacks the line that used it:\n%s", all)
	}
}
