package aws_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// connect opens a sandbox that runs nothing and connects the real SDK to it over HTTP.
func connect(t *testing.T) (c *aws.Clients, server *sandbox.Server, url string) {
	t.Helper()
	server, err := sandbox.Open(t.Context(), sandbox.Options{Dir: t.TempDir(), Root: "none", Region: region, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	if url, err = server.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	c, err = aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	return c, server, url
}

const staged = `
imagebuild {
  staging {
    bucket = "staging-bucket"
  }
}
staged_file "motd" {
  content = "%s"
}
component "base" {
  platform = "Linux"
  document = <<-EOT
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - name: hello
            action: ExecuteBash
            inputs:
              commands: ["echo hello"]
  EOT
}
image_recipe "web" {
  parent_image = "%s"
  components   = [component.base, "aws:update-linux"]
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
}
`

// The whole of it over the real protocols: look-ups, observation, calls, a file, an image, its log.
func TestAgainstTheSandbox(t *testing.T) {
	c, server, url := connect(t)
	if a, arn, err := c.Identity(t.Context()); err != nil || a != account || !strings.HasPrefix(arn, "arn:aws:") {
		t.Errorf("caller %s %s, %v", a, arn, err)
	}
	body := strings.Repeat("made by imagebuild ", 40000)
	files := map[string]string{"main.ib.hcl": fmt.Sprintf(staged, body, "aws:amazon-linux-2023-x86")}
	options := aws.Options{Interval: 100 * time.Millisecond, CallsPerSecond: 1000, Run: "1"}
	p := plan(t, c, files)
	if got := verbs(p); got != "5 create" {
		t.Fatal(got)
	}
	r := carryOut(t.Context(), p, c.Driver(options))
	if r.err != nil {
		t.Fatal(r.err)
	}
	if out := r.finished["image.web"].Outputs; !strings.HasPrefix(fmt.Sprint(out["ami"]), "ami-") {
		t.Errorf("outputs %v", out)
	}
	if len(r.lines("image.web")) < 2 {
		t.Errorf("log %q", r.lines("image.web"))
	}
	key := fmt.Sprint(p.Changes[0].Known["key"])
	for _, ch := range p.Changes {
		if ch.Addr.Type == "staged_file" {
			key = fmt.Sprint(ch.Known["key"])
		}
	}
	if got := fetch(t, url+"/staging-bucket/"+key); sha256.Sum256(got) != sha256.Sum256([]byte(body)) {
		t.Errorf("%s holds %d bytes, want the %d staged", key, len(got), len(body))
	}
	before := server.Calls()
	p = plan(t, c, files)
	if got := verbs(p); got != "5 none" {
		t.Fatalf("second plan: %s", got)
	}
	if r = carryOut(t.Context(), p, c.Driver(options)); r.err != nil {
		t.Fatal(r.err)
	}
	for op, n := range server.Calls() {
		if (strings.Contains(op, ":Create") || strings.Contains(op, ":Put")) && n != before[op] {
			t.Errorf("%s was called by a run with nothing to do", op)
		}
	}
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return b
}

func TestFactsFromTheSandbox(t *testing.T) {
	c, _, _ := connect(t)
	ami := "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	g := compile(t, map[string]string{"main.ib.hcl": fmt.Sprintf(staged, "x", "ssm:"+ami)})
	facts, diags := c.Facts(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := facts[dsl.Addr{Type: "lookup", Name: "ssm:" + ami}]["value"]; !strings.HasPrefix(got, "ami-") {
		t.Errorf("%v", facts)
	}
	if got := len(facts); got != 2 {
		t.Errorf("%d answers: %v", got, facts)
	}
	g = compile(t, map[string]string{"main.ib.hcl": fmt.Sprintf(staged, "x", "ssm:/not/there")})
	_, diags = c.Facts(t.Context(), g)
	if len(diags) != 1 || diags[0].Summary != "Parameter not found" || diags[0].Subject.Start.Line != 24 {
		t.Errorf("%v", diags)
	}
	g = compile(t, map[string]string{"main.ib.hcl": fmt.Sprintf(staged, "x", "aws:no-such-image")})
	_, diags = c.Facts(t.Context(), g)
	if len(diags) != 1 || diags[0].Summary != "No such version" {
		t.Errorf("%v", diags)
	}
	newest := dsl.Addr{Type: planner.LookupType, Name: `ami:{"filters":{"name":"al2023-ami-*"},"owners":["amazon"],"most_recent":true}`}
	none := dsl.Addr{Type: planner.LookupType, Name: `ami:{"filters":{"name":"nothing-is-called-so"},"owners":["amazon"]}`}
	facts, diags = c.Facts(t.Context(), &planner.Graph{Lookups: []planner.Lookup{{Addr: newest}, {Addr: none}}})
	if len(diags) != 1 || diags[0].Summary != "No image found" || !strings.HasPrefix(facts[newest]["value"], "ami-") {
		t.Errorf("%v %v", facts, diags)
	}
}

func block(typ string, attrs map[string]any) *dsl.Block {
	b := &dsl.Block{Addr: dsl.Addr{Type: "data." + typ, Name: "x"}, Body: &dsl.Body{Attrs: map[string]dsl.Value{}}, Range: hcl.Range{Filename: "d.ib.hcl"}}
	for k, v := range attrs {
		b.Body.Attrs[k] = dsl.Value{V: v, Range: hcl.Range{Filename: k}}
	}
	return b
}

func TestDataFromTheSandbox(t *testing.T) {
	c, _, url := connect(t)
	ask := c.Data(t.Context())
	named := func(name string) map[string]any {
		return map[string]any{"filters": map[string]any{"name": name}, "owners": []any{"amazon"}}
	}
	values, diags := ask(block("amazon-ami", func() map[string]any {
		m := named("nothing-is-called-so, al2023-ami-*")
		m["most_recent"] = true
		return m
	}()))
	if diags.HasErrors() || !strings.HasPrefix(values["id"].AsString(), "ami-") || !strings.HasPrefix(values["name"].AsString(), "al2023-ami-") {
		t.Errorf("%v %v", values, diags)
	}
	for summary, b := range map[string]*dsl.Block{
		"No image found":          block("amazon-ami", named("nothing-is-called-so")),
		"Several images found":    block("amazon-ami", named("*")),
		"Parameter not found":     block("amazon-parameterstore", map[string]any{"name": "/not/there"}),
		"Unsupported data source": block("hcp-packer-version", nil),
	} {
		if _, diags = ask(b); len(diags) != 1 || diags[0].Summary != summary {
			t.Errorf("%s: %v", summary, diags)
		}
	}
	values, diags = ask(block("amazon-parameterstore", map[string]any{"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}))
	if diags.HasErrors() || !strings.HasPrefix(values["value"].AsString(), "ami-") {
		t.Errorf("%v %v", values, diags)
	}
	params := ssm.New(ssm.Options{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
	name, value := "/db/password", "hunter2!"
	if _, err := params.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: &value, Type: "SecureString"}); err != nil {
		t.Fatal(err)
	}
	values, diags = ask(block("amazon-parameterstore", map[string]any{"name": "/db/password", "with_decryption": true}))
	if diags.HasErrors() || !values["value"].HasMark(dsl.Sensitive) {
		t.Errorf("a decrypted parameter is not marked as a secret: %v %v", values, diags)
	}
}

func TestCallSpeaksTheWiresWords(t *testing.T) {
	c, _, _ := connect(t)
	out, err := c.Call(t.Context(), "imagebuilder:CreateInfrastructureConfiguration", "", json.RawMessage(`{"name":"small","instanceProfileName":"p","logging":{"s3Logs":{"s3BucketName":"logs"}}}`))
	if err != nil || !strings.Contains(string(out), `"infrastructureConfigurationArn":"arn:aws:imagebuilder:eu-west-1:123456789012:infrastructure-configuration/small"`) {
		t.Fatalf("%s, %v", out, err)
	}
	out, err = c.Call(t.Context(), "imagebuilder:GetInfrastructureConfiguration", "", json.RawMessage(`{"infrastructureConfigurationArn":"arn:aws:imagebuilder:eu-west-1:123456789012:infrastructure-configuration/small"}`))
	if err != nil || !strings.Contains(string(out), `"logging":{"s3Logs":{"s3BucketName":"logs"}}`) {
		t.Errorf("%s, %v", out, err)
	}
	_, err = c.Call(t.Context(), "imagebuilder:GetImageRecipe", "", json.RawMessage(`{"imageRecipeArn":"arn:aws:imagebuilder:eu-west-1:123456789012:image-recipe/none/1.0.0"}`))
	if aws.Code(err) != "ResourceNotFoundException" || !strings.Contains(err.Error(), "(request ") {
		t.Errorf("%v", err)
	}
}
