package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
)

func TestMain(m *testing.M) {
	if handled, code := component.AgentMain(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

const (
	account = "123456789012"
	region  = "eu-west-1"
	arnBase = "arn:aws:imagebuilder:eu-west-1:123456789012:"
	managed = "arn:aws:imagebuilder:eu-west-1:aws:"
)

// A fixture is a running sandbox and clients of it.
type fixture struct {
	*testing.T
	server *sandbox.Server
	url    string
	dir    string
	ib     *imagebuilder.Client
	s3     *s3.Client
	logs   *cloudwatchlogs.Client
	ssm    *ssm.Client
	ec2    *ec2.Client
	sts    *sts.Client
	app    *appstream.Client
}

func start(t *testing.T, opts sandbox.Options) *fixture {
	t.Helper()
	f := open(t, opts)
	t.Cleanup(func() {
		if err := f.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

// open is start for tests that close the server themselves.
func open(t *testing.T, opts sandbox.Options) *fixture {
	t.Helper()
	if opts.Root == "" {
		opts.Root = "none"
	}
	opts.Self = os.Args[0]
	opts.Log = func(s string) {
		if strings.Contains(s, "which its model does not list") {
			t.Error("sandbox:", s)
			return
		}
		t.Log("sandbox:", s)
	}
	server, err := sandbox.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, server: server, url: url, dir: opts.Dir}
	f.connect(config(url, region))
	return f
}

// wholeBody hands the transport a copy of the request's body. The SDK closes the original as soon as the
// response begins, and a transport that has not yet seen its end would then drop the connection.
type wholeBody struct{}

func (wholeBody) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(b))
	}
	return http.DefaultTransport.RoundTrip(req)
}

func config(url, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:   &http.Client{Timeout: 30 * time.Second, Transport: wholeBody{}},
	}
}

func (f *fixture) connect(cfg aws.Config) {
	f.ib = imagebuilder.NewFromConfig(cfg)
	f.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	f.logs = cloudwatchlogs.NewFromConfig(cfg)
	f.ssm = ssm.NewFromConfig(cfg)
	f.ec2 = ec2.NewFromConfig(cfg)
	f.sts = sts.NewFromConfig(cfg)
	f.app = appstream.NewFromConfig(cfg)
}

// refused asserts the code of an error, and that its text holds all of the given parts.
func (f *fixture) refused(err error, code string, parts ...string) {
	f.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		f.Errorf("got %v, want an error %s", err, code)
		return
	}
	if api.ErrorCode() != code {
		f.Errorf("got code %s, want %s (%s)", api.ErrorCode(), code, api.ErrorMessage())
	}
	for _, p := range parts {
		if !strings.Contains(api.ErrorMessage(), p) {
			f.Errorf("text %q lacks %q", api.ErrorMessage(), p)
		}
	}
}

func must[T any](f *fixture) func(T, error) T {
	return func(v T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
}

func document(command string) *string {
	return aws.String("schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Run\n        action: ExecuteBash\n        inputs:\n          commands:\n            - " + command + "\n")
}

func (f *fixture) component(name, command string) string {
	f.Helper()
	out := must[*imagebuilder.CreateComponentOutput](f)(f.ib.CreateComponent(f.Context(), &imagebuilder.CreateComponentInput{
		Name: &name, SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: document(command),
	}))
	return *out.ComponentBuildVersionArn
}

func (f *fixture) recipe(name, parent string, components ...string) string {
	f.Helper()
	in := &imagebuilder.CreateImageRecipeInput{Name: &name, SemanticVersion: aws.String("1.0.0"), ParentImage: &parent}
	for _, c := range components {
		in.Components = append(in.Components, types.ComponentConfiguration{ComponentArn: aws.String(c)})
	}
	return *must[*imagebuilder.CreateImageRecipeOutput](f)(f.ib.CreateImageRecipe(f.Context(), in)).ImageRecipeArn
}

func (f *fixture) infrastructure(name string) string {
	f.Helper()
	return *must[*imagebuilder.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(f.Context(),
		&imagebuilder.CreateInfrastructureConfigurationInput{Name: &name, InstanceProfileName: aws.String("profile")})).InfrastructureConfigurationArn
}

func (f *fixture) distribution(name string, ds ...types.Distribution) string {
	f.Helper()
	return *must[*imagebuilder.CreateDistributionConfigurationOutput](f)(f.ib.CreateDistributionConfiguration(f.Context(),
		&imagebuilder.CreateDistributionConfigurationInput{Name: &name, Distributions: ds})).DistributionConfigurationArn
}

func toRegion(region string) types.Distribution {
	return types.Distribution{Region: &region, AmiDistributionConfiguration: &types.AmiDistributionConfiguration{
		Name: aws.String("web {{ imagebuilder:buildDate }}"), AmiTags: map[string]string{"version": "{{imagebuilder:buildVersion}}"},
	}}
}

const parent = managed + "image/amazon-linux-2023-x86/x.x.x"

// wait polls an image until it is done.
func (f *fixture) wait(arn string) *types.Image {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
	defer cancel()
	for {
		img := must[*imagebuilder.GetImageOutput](f)(f.ib.GetImage(ctx, &imagebuilder.GetImageInput{ImageBuildVersionArn: &arn})).Image
		if slices.Contains([]types.ImageStatus{types.ImageStatusAvailable, types.ImageStatusFailed, types.ImageStatusCancelled}, img.State.Status) {
			return img
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (f *fixture) image(recipe, infrastructure string, edit ...func(*imagebuilder.CreateImageInput)) string {
	f.Helper()
	in := &imagebuilder.CreateImageInput{ImageRecipeArn: &recipe, InfrastructureConfigurationArn: &infrastructure}
	for _, e := range edit {
		e(in)
	}
	return *must[*imagebuilder.CreateImageOutput](f)(f.ib.CreateImage(f.Context(), in)).ImageBuildVersionArn
}
