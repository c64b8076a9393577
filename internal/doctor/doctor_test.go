package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/doctor"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

var update = flag.Bool("update", false, "rewrite the goldens")

const (
	region  = "eu-west-1"
	account = "123456789012"
	host    = "token.actions.githubusercontent.com"
)

const configuration = `
imagebuild {
  staging {
    bucket = "staging"
  }
}
staged_file "motd" {
  content = "hello"
}
component "base" {
  platform = "Linux"
  uri      = staged_file.motd
}
image_recipe "web" {
  parent_image = "aws:amazon-linux-2023-x86"
  components   = [component.base]
}
infrastructure_configuration "small" {
  instance_profile_name = "builder"
}
distribution_configuration "all" {
  distribution {
    region = "eu-central-1"
    ami_distribution_configuration {
      name = "web {{ imagebuilder:buildDate }}"
    }
  }
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
  distribution_configuration_arn   = distribution_configuration.all
  execution_role                   = "executor"
}
`

func graphOf(t *testing.T, text string) *planner.Graph {
	t.Helper()
	cfg, diags := dsl.Load(dsl.Host{
		FS: fstest.MapFS{"main.ib.hcl": {Data: []byte(text)}}, Dir: ".", Cwd: ".", Root: "/repository",
		Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil },
	}, dsl.Options{Types: kind.BlockTypes(), Version: "0.1.0"})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	g, diags := planner.Compile(cfg, kind.All(), region)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return g
}

// service is a role that trusts one service, its name left open.
func service(name string, managed ...string) string {
	raw, _ := json.Marshal(managed)
	return fmt.Sprintf(`{"RoleName": "%%s", "ManagedPolicies": %s, "AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": %q}}}}`, raw, name)
}

func role(t *testing.T, text, name string) sandbox.Role {
	t.Helper()
	r, err := sandbox.ParseRole([]byte(fmt.Sprintf(text, name)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A ward is what the sandbox has, and how it is asked.
type ward struct {
	patient doctor.Patient
	options sandbox.Options
	buckets []string
}

// healthy has everything that the configuration needs, and no more: the caller is a role with just the
// policies that imagebuild iam prints.
func healthy(t *testing.T) *ward {
	t.Helper()
	g := graphOf(t, configuration)
	place := permissions.Place{Region: region, Account: account}
	apply := sandbox.Role{Name: "apply", Trust: permissions.Repository{Owner: "o", Name: "r"}.Trust(place, "repo:o/r:environment:prod")}
	for _, r := range permissions.Of(g, place) {
		if r.Name == "build" {
			apply.Policies = r.Documents()
		}
	}
	return &ward{
		buckets: []string{"staging"},
		options: sandbox.Options{Roles: []sandbox.Role{
			apply, role(t, service("ec2.amazonaws.com", "EC2InstanceProfileForImageBuilder", "AmazonSSMManagedInstanceCore"), "builder"),
			role(t, service("imagebuilder.amazonaws.com"), "executor"),
		}},
		patient: doctor.Patient{
			Source: "a web identity token", ARN: "arn:aws:sts::123456789012:assumed-role/apply/ci", Place: place, Graph: g, For: "build", Role: "apply",
			Job: &doctor.Job{Event: "push", Claims: map[string][]string{
				"sub": {"repo:o/r:environment:prod"}, "aud": {"sts.amazonaws.com"}, "iss": {"https://" + host},
			}},
		},
	}
}

func (w *ward) examine(t *testing.T) []report.Check {
	t.Helper()
	w.options.Dir, w.options.Root, w.options.Region, w.options.Account = t.TempDir(), "none", region, account
	server, err := sandbox.Open(t.Context(), w.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range w.buckets {
		create(t, url+"/"+bucket)
	}
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "x", SecretKey: "x"})
	if err != nil {
		t.Fatal(err)
	}
	w.patient.AWS = c
	w.patient.LookUps = func(ctx context.Context) (out hcl.Diagnostics) { _, out = c.Facts(ctx, w.patient.Graph); return out }
	return doctor.Examine(t.Context(), w.patient)
}

// create makes a bucket in the sandbox.
func create(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("PUT %s: %s, %v", url, res.Status, err)
	}
}

func render(checks []report.Check) string {
	var b strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&b, "%-8s %s: %s\n", c.Outcome, c.Name, c.Detail)
		if c.Hint != "" {
			fmt.Fprintf(&b, "         %s\n", c.Hint)
		}
	}
	return b.String()
}

// TestExamine holds what is found against a golden: an account in order, and each thing that can be wrong with it.
func TestExamine(t *testing.T) {
	cases := []struct {
		name   string
		change func(*testing.T, *ward)
	}{
		{"healthy", func(*testing.T, *ward) {}},
		{"another subject", func(_ *testing.T, w *ward) { w.patient.Job.Claims["sub"] = []string{"repo:o@1/r@2:environment:prod"} }},
		{"another issuer", func(_ *testing.T, w *ward) {
			w.patient.Job.Claims["iss"] = []string{"https://ghes.example/_services/token"}
		}},
		{"no such role", func(_ *testing.T, w *ward) { w.patient.Role = "aply" }},
		{"fork", func(_ *testing.T, w *ward) {
			w.patient.Job = &doctor.Job{Event: "pull_request", Fork: true, Unavailable: errors.New("no tokens for forks")}
		}},
		{"no id-token", func(_ *testing.T, w *ward) {
			w.patient.Job = &doctor.Job{Event: "push", Unavailable: errors.New("the job has no permission for them")}
		}},
		{"no job", func(_ *testing.T, w *ward) { w.patient.Job, w.patient.Role = nil, "" }},
		{"a permission too few", func(_ *testing.T, w *ward) {
			apply := &w.options.Roles[0]
			apply.Policies = append(apply.Policies, iampolicy.Document{Statement: []iampolicy.Statement{{Effect: "Deny", Action: iampolicy.Strings{"imagebuilder:CreateImage"}, Resource: iampolicy.Strings{"*"}}}})
		}},
		{"nothing there", func(_ *testing.T, w *ward) { w.options.Roles, w.buckets = w.options.Roles[:1], nil }},
		{"roles of others", func(t *testing.T, w *ward) {
			t.Helper()
			w.options.Roles[1] = role(t, service("ec2.amazonaws.com"), "builder")
			w.options.Roles[2] = role(t, service("ec2.amazonaws.com"), "executor")
		}},
		{"no such AMI and region", func(_ *testing.T, w *ward) {
			for _, n := range w.patient.Graph.Nodes {
				switch n.Kind.Name {
				case "image_recipe":
					n.Input["parentImage"] = "ami-0123456789abcdef0"
				case "distribution_configuration":
					n.Input["distributions"] = []any{map[string]any{"region": "eu-middle-1"}}
				}
			}
		}},
		{"nobody may ask", func(_ *testing.T, w *ward) {
			for _, op := range []string{"GetRole", "GetInstanceProfile", "SimulatePrincipalPolicy", "ListServiceQuotas", "DescribeRegions", "DescribeImages"} {
				w.options.Faults = append(w.options.Faults, sandbox.Fault{Operation: op, Count: -1, Code: "AccessDenied", Status: http.StatusForbidden})
			}
		}},
		{"the account itself", func(_ *testing.T, w *ward) { w.patient.ARN = "arn:aws:iam::123456789012:root" }},
	}
	var got txtar.Archive
	for _, tt := range cases {
		w := healthy(t)
		tt.change(t, w)
		got.Files = append(got.Files, txtar.File{Name: tt.name, Data: []byte(render(w.examine(t)))})
	}
	w := healthy(t)
	w.patient.Why = errors.New("no AWS credentials were found")
	got.Files = append(got.Files, txtar.File{Name: "no credentials", Data: []byte(render(doctor.Examine(t.Context(), w.patient)))})
	golden(t, "examine.txtar", &got)
}

// TestWorkflows holds what is found in workflow files against a golden. A file of an input is a workflow; one
// named .want is what is found in it.
func TestWorkflows(t *testing.T) {
	path := filepath.Join("testdata", "workflows.txtar")
	in, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := txtar.Archive{Comment: in.Comment}
	for _, f := range in.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		checks := doctor.Examine(t.Context(), doctor.Patient{Graph: &planner.Graph{}, Workflows: []doctor.Workflow{{Path: f.Name, Body: f.Data}}})
		got.Files = append(got.Files, f, txtar.File{Name: f.Name + ".want", Data: []byte(render(checks[2:]))})
	}
	golden(t, "workflows.txtar", &got)
}

func golden(t *testing.T, name string, got *txtar.Archive) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != len(got.Files) {
		t.Fatalf("%d sections, want %d", len(got.Files), len(want.Files))
	}
	for i, f := range got.Files {
		if string(f.Data) != string(want.Files[i].Data) {
			t.Errorf("%s:\ngot\n%swant\n%s", f.Name, f.Data, want.Files[i].Data)
		}
	}
}

// FuzzWorkflow: no file of a pull request makes doctor fail.
func FuzzWorkflow(f *testing.F) {
	f.Add([]byte("on: [pull_request_target]\njobs:\n  a:\n    steps:\n      - uses: org/imagebuild-action@v1\n"))
	f.Add([]byte("jobs: {a: &a [*a]}"))
	f.Add([]byte("concurrency: x\njobs: {a: {steps: [{run: imagebuild build}], permissions: write-all}}"))
	f.Fuzz(func(_ *testing.T, body []byte) {
		doctor.Examine(context.Background(), doctor.Patient{Graph: &planner.Graph{}, Workflows: []doctor.Workflow{{Path: "x.yml", Body: body}}})
	})
}
