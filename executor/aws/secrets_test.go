package aws_test

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Secrets are read where a configuration says that they are kept, whole or by a member.
func TestSecretsOfSecretsManager(t *testing.T) {
	t.Parallel()
	url := streaming(t)
	kept := secretsmanager.New(secretsmanager.Options{
		Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("sandbox", "sandbox", ""),
	})
	made, err := kept.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: awssdk.String("appstream/builder"), SecretString: awssdk.String(`{"password":"first","port":5986}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = kept.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: awssdk.String("appstream/builder")}); err == nil || !strings.Contains(err.Error(), "ResourceExistsException") {
		t.Errorf("a name was taken twice: %v", err)
	}
	if _, err = kept.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: awssdk.String(`{"password":"second","port":5986}`)}); err != nil {
		t.Fatal(err)
	}
	c := to(t, url, nil)
	for name, want := range map[string]string{
		"secretsmanager:appstream/builder":                              `{"password":"second","port":5986}`,
		"secretsmanager:appstream/builder#password":                     "second",
		"secretsmanager:" + *made.ARN + "#password":                     "second",
		"secretsmanager:" + (*made.ARN)[:len(*made.ARN)-len("-123456")]: `{"password":"second","port":5986}`,
	} {
		if got, failed := c.Secret(t.Context(), "", name); failed != nil || got != want {
			t.Errorf("%s is %q, %v", name, got, failed)
		}
	}
	for name, says := range map[string]string{
		"secretsmanager:appstream/builder#port": `has no text "port"`,
		"secretsmanager:appstream/builder#none": `has no text "none"`,
		"secretsmanager:appstream":              "There is no secret appstream in eu-west-1. Create it: aws secretsmanager create-secret",
	} {
		if got, failed := c.Secret(t.Context(), "", name); failed == nil || !strings.Contains(failed.Error(), says) {
			t.Errorf("%s is %q, %v", name, got, failed)
		}
	}
	if _, err = kept.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: made.Name}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Secret(t.Context(), "", "secretsmanager:appstream/builder"); err == nil {
		t.Errorf("a deleted secret is %q", got)
	}
}
