package sandbox_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestParametersOfAccounts: each account has parameters of its own under one name, and reads those of no other.
func TestParametersOfAccounts(t *testing.T) {
	f := start(t, sandbox.Options{})
	clients := map[string]*ssm.Client{}
	for _, account := range []string{"123456789012", "210987654321"} {
		c := ssm.New(ssm.Options{Region: "eu-west-1", BaseEndpoint: &f.url, Credentials: credentials.NewStaticCredentialsProvider(account, "x", "")})
		clients[account] = c
		must[*ssm.PutParameterOutput](f)(c.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/app/ami"), Value: &account, Type: ssmtypes.ParameterTypeString}))
	}
	for account, c := range clients {
		got := must[*ssm.GetParameterOutput](f)(c.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/app/ami")})).Parameter
		if *got.Value != account || got.Version != 1 || !strings.Contains(*got.ARN, account) {
			t.Errorf("%s reads %s, version %d of %s", account, *got.Value, got.Version, *got.ARN)
		}
		all := must[*ssm.DescribeParametersOutput](f)(c.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{
			ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Name"), Values: []string{"/app/ami"}}},
		}))
		if len(all.Parameters) != 1 {
			t.Errorf("%s has %d parameters", account, len(all.Parameters))
		}
	}
	_, err := clients["123456789012"].GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("arn:aws:ssm:eu-west-1:210987654321:parameter/app/ami")})
	f.refused(err, "ParameterNotFound", "")
	must[*ssm.DeleteParameterOutput](f)(clients["210987654321"].DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("/app/ami")}))
	must[*ssm.GetParameterOutput](f)(clients["123456789012"].GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/app/ami")}))
	must[*ssm.GetParameterOutput](f)(clients["210987654321"].GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")}))
}

// TestParentByVersion: a parameter names the base image in the version that the colon behind its name says.
func TestParentByVersion(t *testing.T) {
	f := start(t, sandbox.Options{})
	for range 2 {
		must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/base"), Value: aws.String("ami-0123456789abcdef0"), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
		}))
	}
	infra := f.infrastructure("versions")
	if img := f.wait(f.image(f.recipe("first", "ssm:/base:1"), infra)); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("with a version that is there: %+v", img.State)
	}
	if img := f.wait(f.image(f.recipe("ninth", "ssm:/base:9"), infra)); img.State.Status != types.ImageStatusFailed || !strings.Contains(*img.State.Reason, "The parameter /base has no version 9.") {
		t.Errorf("with a version that is not: %+v", img.State)
	}
}

// TestGuestDoor: a machine's own ports answer no page, by whatever name that calls it.
func TestGuestDoor(t *testing.T) {
	address := inside(t, sandbox.Options{HostNames: []string{"builder.test"}})
	for name, c := range map[string]struct {
		host, header, value string
		want                int
	}{
		"a client":         {"", "X", "y", http.StatusUnauthorized},
		"a name given":     {"builder.test:5985", "X", "y", http.StatusUnauthorized},
		"a page":           {"", "Origin", "http://evil.example", http.StatusForbidden},
		"a page's form":    {"", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		"a rebound name":   {"evil.example:5985", "X", "y", http.StatusForbidden},
		"an ending of one": {"evilbuilder.test", "X", "y", http.StatusForbidden},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+":5985/wsman", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		req.Header.Set(c.header, c.value)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if closing := res.Body.Close(); closing != nil || res.StatusCode != c.want {
			t.Errorf("%s is answered %d, want %d (%v)", name, res.StatusCode, c.want, closing)
		}
	}
}
