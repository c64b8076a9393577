package rehearsal_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/rehearsal"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

func TestMain(m *testing.M) {
	if handled, status := component.AgentMain(os.Args); handled {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// builds are those of a configuration.
func builds(t *testing.T, config string) []*rehearsal.Build {
	t.Helper()
	host := dsl.Host{
		FS: fstest.MapFS{"main.ib.hcl": {Data: []byte(config)}}, Dir: ".", Root: "/repository",
		Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil },
	}
	cfg, diags := dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: "1.0.0", BySource: true})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if diags := g.Seal(nil); diags.HasErrors() {
		t.Fatal(diags)
	}
	out, err := rehearsal.Builds(g)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const levelTwo = `
imagebuild {
  region = "eu-west-1"
  staging {
    bucket = "staging"
  }
}
component "hello" {
  platform = "Linux"
  document = <<-YAML
    schemaVersion: 1.0
    parameters:
      - Greeting: { type: string }
    phases:
      - name: build
        steps:
          - name: greet
            action: ExecuteBash
            inputs:
              commands: ["echo {{ Greeting }} > /opt/rehearsal-greeting"]
      - name: test
        steps:
          - name: check
            action: ExecuteBash
            inputs:
              commands: ["grep -q 'good day' /opt/rehearsal-greeting"]
  YAML
}
component "far" {
  platform = "Linux"
  uri      = "s3://elsewhere/far.yml"
}
image_recipe "app" {
  parent_image      = "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  working_directory = "/work"
  components = [
    { component_arn = component.hello, parameters = { Greeting = "good day" } },
    "aws:update-linux", component.far,
    "arn:aws:imagebuilder:eu-west-1:210987654321:component/theirs/1.0.0/1",
  ]
}
infrastructure_configuration "small" {
  instance_profile_name = "builder"
}
image "app" {
  image_recipe_arn                 = image_recipe.app
  infrastructure_configuration_arn = infrastructure_configuration.small
}
`

// TestBuilds reads a recipe of blocks: what can be run of it, with which parameters, and why the rest cannot.
func TestBuilds(t *testing.T) {
	all := builds(t, levelTwo)
	if len(all) != 1 {
		t.Fatalf("there are %d builds", len(all))
	}
	b := all[0]
	if b.Name != "image.app" || b.Platform != "Linux" || b.WorkingDirectory != "/work" || !strings.HasPrefix(b.Parent, "ssm:/aws/service") {
		t.Errorf("the build is %+v", b)
	}
	var got []string
	for _, c := range b.Components {
		got = append(got, fmt.Sprintf("%s|%v|%s", c.Name, c.Parameters, c.NotRun))
	}
	want := []string{
		"hello|map[Greeting:good day]|",
		"arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/x.x.x|map[]|AWS manages it, and its document is not in this configuration",
		"far|map[]|its document is at a uri outside of this configuration",
		"arn:aws:imagebuilder:eu-west-1:210987654321:component/theirs/1.0.0/1|map[]|its document is not in this configuration",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the components are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// rehearse runs builds and returns the results and the events.
func rehearse(t *testing.T, all []*rehearsal.Build, root component.RootSpec) ([]*rehearsal.Result, []rehearsal.Event) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	probe := root
	probe.Scratch = t.TempDir()
	if _, err = component.OpenRoot(t.Context(), probe, self); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	t.Cleanup(func() {
		if removed := component.RemoveTree(dir); removed != nil {
			t.Error(removed)
		}
	})
	var events []rehearsal.Event
	results, err := rehearsal.Run(t.Context(), all, rehearsal.Options{
		Root: func(context.Context, *rehearsal.Build) (component.RootSpec, string, error) { return root, "", nil },
		Self: self, Dir: dir, Parallel: 2, Now: time.Now,
		Sink: func(e rehearsal.Event) { events = append(events, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return results, events
}

// TestRun runs the phases of a recipe's own component, and leads the steps back to their lines.
func TestRun(t *testing.T) {
	results, events := rehearse(t, builds(t, levelTwo), component.RootSpec{Kind: component.RootOverlay})
	r := results[0]
	if r.Status != rehearsal.Passed || len(r.Steps) != 2 {
		t.Fatalf("the build ended as %+v", r)
	}
	for i, want := range []struct {
		name string
		line int
	}{{"build/greet", 17}, {"test/check", 23}} {
		s := r.Steps[i]
		if got := s.Phase + "/" + s.Name; got != want.name || s.Origin.Start.Line != want.line || s.Failed() || s.End.Before(s.Start) {
			t.Errorf("step %d is %s, written at %s, %s", i, got, s.Origin, s.Status)
		}
	}
	var kinds []string
	for _, e := range events {
		if e.Kind != rehearsal.LogLine {
			kinds = append(kinds, string(e.Kind))
		}
	}
	if got, want := strings.Join(kinds, " "), "buildStarted stepFinished stepFinished buildFinished"; got != want {
		t.Errorf("the events are %s, want %s", got, want)
	}
	if _, err := os.Stat("/opt/rehearsal-greeting"); err == nil {
		t.Error("the rehearsal changed the machine")
	}
}

// TestMissingParameter gives the engine a document it refuses: the build fails, and says why.
func TestMissingParameter(t *testing.T) {
	all := builds(t, levelTwo)
	all[0].Components[0].Parameters = nil
	results, _ := rehearse(t, all, component.RootSpec{Kind: component.RootOverlay})
	if r := results[0]; r.Status != rehearsal.Failed || !strings.Contains(r.Why, "Greeting has no default") {
		t.Errorf("the build ended as %s: %s", r.Status, r.Why)
	}
}

// TestOrder runs three builds, one on another, and counts how many run at once.
func TestOrder(t *testing.T) {
	var config strings.Builder
	for i, parent := range []string{`"ami-0123456789abcdef0"`, "build.web0", "build.web1", "build.web0"} {
		fmt.Fprintf(&config, `
source "imagebuilder" "s%d" {
  parent_image          = %s
  instance_profile_name = "builder"
}
build {
  name    = "web%d"
  sources = ["source.imagebuilder.s%d"]
  provisioner "shell" {
    inline = ["echo b%d >> /opt/rehearsal-order"]
  }
  test "shell" {
    inline = ["cat /opt/rehearsal-order"]
  }
}
`, i, parent, i, i, i)
	}
	all := builds(t, config.String())
	results, events := rehearse(t, all, component.RootSpec{Kind: component.RootOverlay})
	seen := map[string]string{}
	for _, r := range results {
		if r.Status != rehearsal.Passed {
			t.Fatalf("%s ended as %s: %s", r.Build.Name, r.Status, r.Why)
		}
		last := r.Steps[len(r.Steps)-1]
		seen[r.Build.Name] = strings.ReplaceAll(strings.TrimSpace(last.Outputs[0]["stdout"]), "\n", " ")
	}
	for name, want := range map[string]string{"web0": "b0", "web1": "b0 b1", "web2": "b0 b1 b2", "web3": "b0 b3"} {
		if seen[name] != want {
			t.Errorf("%s saw %q, want %q", name, seen[name], want)
		}
	}
	ended := map[*rehearsal.Build]bool{}
	for _, e := range events {
		if e.Kind == rehearsal.BuildStarted && e.Build.On != nil && !ended[e.Build.On] {
			t.Errorf("%s began before %s ended", e.Build.Name, e.Build.On.Name)
		}
		ended[e.Build] = ended[e.Build] || e.Kind == rehearsal.BuildFinished
	}
}

// TestInterrupted ends a rehearsal: no build is told as passed.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var once sync.Once
	results, err := rehearsal.Run(ctx, builds(t, levelTwo), rehearsal.Options{
		Root: func(context.Context, *rehearsal.Build) (component.RootSpec, string, error) {
			once.Do(func() { t.Error("a root was asked for") })
			return component.RootSpec{}, "", nil
		},
		Dir: t.TempDir(), Parallel: 1, Now: time.Now, Sink: func(rehearsal.Event) {},
	})
	if err == nil || results[0].Status != rehearsal.NotRun || results[0].Why != "the run was interrupted" {
		t.Errorf("the build ended as %s: %s (%v)", results[0].Status, results[0].Why, err)
	}
}

func TestEquivalent(t *testing.T) {
	for parent, want := range map[string]string{
		"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x":                   "public.ecr.aws/amazonlinux/amazonlinux:2023",
		"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-arm64/x.x.x":                 "public.ecr.aws/amazonlinux/amazonlinux:2023",
		"arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2-x86/x.x.x":                      "public.ecr.aws/amazonlinux/amazonlinux:2",
		"ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64":              "public.ecr.aws/amazonlinux/amazonlinux:2023",
		"ssm:/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2":                      "public.ecr.aws/amazonlinux/amazonlinux:2",
		"arn:aws:imagebuilder:eu-west-1:aws:image/ubuntu-server-22-lts-x86/x.x.x":                "public.ecr.aws/ubuntu/ubuntu:22.04",
		"ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id": "public.ecr.aws/ubuntu/ubuntu:24.04",
		"ssm:/aws/service/debian/release/12/latest/amd64":                                        "public.ecr.aws/docker/library/debian:12",
		"arn:aws:imagebuilder:eu-west-1:aws:image/red-hat-enterprise-linux-9-x86/x.x.x":          "registry.access.redhat.com/ubi9/ubi:latest",
		"ami-0123456789abcdef0": "",
		"arn:aws:imagebuilder:eu-west-1:aws:image/windows-server-2022-english-full-base-x86/x.x.x": "",
		"arn:aws:imagebuilder:eu-west-1:123456789012:image/base/1.0.0":                             "",
	} {
		if got := (&rehearsal.Build{Parent: parent}).Equivalent(); got != want {
			t.Errorf("%s is like %q, want %q", parent, got, want)
		}
	}
	if got := (&rehearsal.Build{Parent: "amazonlinux:latest", Container: true}).Equivalent(); got != "amazonlinux:latest" {
		t.Errorf("a container's parent is %q", got)
	}
	looked := builds(t, strings.Replace(levelTwo, `"ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"`, "data.amazon-ami.any", 1)+`
data "amazon-ami" "any" {
  filters = {
    name = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"
  }
  owners      = ["099720109477"]
  most_recent = true
}
`)
	if got := looked[0].Equivalent(); got != "public.ecr.aws/ubuntu/ubuntu:22.04" {
		t.Errorf("a look-up by name is like %q", got)
	}
}
