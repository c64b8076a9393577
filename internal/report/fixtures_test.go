package report_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

var update = flag.Bool("update", false, "write the goldens anew")

// The kinds of the fixtures: what report may rely on of the real ones.
var (
	component = &planner.Kind{Name: "component", Naming: planner.ContentVersion, Create: "imagebuilder:CreateComponent", Outputs: map[string]string{"arn": "componentBuildVersionArn"}}
	recipe    = &planner.Kind{Name: "image_recipe", Naming: planner.ContentVersion, Create: "imagebuilder:CreateImageRecipe", Outputs: map[string]string{"arn": "imageRecipeArn"}}
	infra     = &planner.Kind{Name: "infrastructure_configuration", Naming: planner.HashedName, Create: "imagebuilder:CreateInfrastructureConfiguration", Outputs: map[string]string{"arn": "infrastructureConfigurationArn"}}
	distro    = &planner.Kind{Name: "distribution_configuration", Naming: planner.HashedName, Create: "imagebuilder:CreateDistributionConfiguration", Outputs: map[string]string{"arn": "distributionConfigurationArn"}}
	pipeline  = &planner.Kind{Name: "image_pipeline", Naming: planner.StableName, Create: "imagebuilder:CreateImagePipeline", Update: "imagebuilder:UpdateImagePipeline", Outputs: map[string]string{"arn": "imagePipelineArn"}}
	image     = &planner.Kind{Name: "image", Naming: planner.OfRecipe, Create: "imagebuilder:CreateImage", Outputs: map[string]string{"arn": "imageBuildVersionArn"}}
	staged    = &planner.Kind{Name: "staged_file", Naming: planner.ContentKey, Create: "s3:PutObject"}
)

type content string

func (c content) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(c))), nil
}

func addr(s string) dsl.Addr {
	typ, name, _ := strings.Cut(s, ".")
	name, key, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	return dsl.Addr{Type: typ, Name: name, Key: key}
}

func ref(s, attr string) dsl.Ref { return dsl.Ref{Addr: addr(s), Attr: attr} }

// at is a range in web.ib.hcl.
func at(line, column, width int) hcl.Range {
	start := 0
	for i, l := range strings.SplitAfter(webSource, "\n") {
		if i == line-1 {
			break
		}
		start += len(l)
	}
	return hcl.Range{
		Filename: "web.ib.hcl",
		Start:    hcl.Pos{Line: line, Column: column, Byte: start + column - 1},
		End:      hcl.Pos{Line: line, Column: column + width, Byte: start + column - 1 + width},
	}
}

const webSource = `source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "builder"
  regions               = ["eu-west-1", "eu-central-1"]
}

build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
	provisioner "shell" {
		inline = ["dnf -y install httpd", "exit 7"]
	}
}
`

// change makes one node and what to do about it; what it needs follows from its input.
func change(name string, k *planner.Kind, verb planner.Verb, in planner.Object) *planner.Change {
	n := &planner.Node{Addr: addr(name), Kind: k, Input: in, Known: map[string]any{}, Origin: at(7, 1, 5), Digest: "d"}
	for _, m := range []struct{ attr, member string }{{"name", "name"}, {"version", "semanticVersion"}} {
		if s, ok := in[m.member].(string); ok {
			n.Known[m.attr] = s
		}
	}
	in.Refs(func(_ string, r dsl.Ref) {
		if r.Addr != n.Addr && r.Type != "lookup" && !strings.HasPrefix(r.Type, "data.") {
			n.Needs = append(n.Needs, r.Addr)
		}
	})
	slices.SortFunc(n.Needs, func(a, b dsl.Addr) int { return strings.Compare(a.String(), b.String()) })
	n.Needs = slices.Compact(n.Needs)
	c := &planner.Change{Node: n, Verb: verb}
	if verb == planner.Create {
		c.Op = k.Create
	}
	return c
}

func (p *fixture) add(group, reason string, c *planner.Change) *planner.Change {
	c.Group, c.Reason = group, reason
	p.Changes = append(p.Changes, c)
	p.Graph.Nodes = append(p.Graph.Nodes, c.Node)
	return c
}

type fixture struct{ *planner.Plan }

func newFixture() *fixture {
	f, diags := hclsyntax.ParseConfig([]byte(webSource), "web.ib.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		panic(diags)
	}
	cfg := &dsl.Config{Files: map[string]*hcl.File{"web.ib.hcl": f}}
	return &fixture{&planner.Plan{Graph: &planner.Graph{Region: "eu-west-1", Config: cfg}, Account: "123456789012"}}
}

const parentARN = "arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x"

// webPlan holds every verb, a build that needs another's image, a look-up without an answer and a staged file.
func webPlan() *planner.Plan {
	f := newFixture()
	look := dsl.Addr{Type: planner.LookupType, Name: parentARN}
	f.Graph.Lookups = []planner.Lookup{{Addr: look, Origin: at(2, 3, 12)}}

	up := f.add("base", "new", change("staged_file.base-1", staged, planner.Create,
		planner.Object{"Bucket": "bucket", "Key": "imagebuild/5891/site.txt"}))
	up.Content = content("hello\n")
	f.add("base", "new", change("component.base", component, planner.Create,
		planner.Object{"name": "base", "semanticVersion": "1.5.77", "platform": "Linux", "data": "name: base\n# it's \"quoted\" & €\n"}))
	f.add("base", "unchanged", func() *planner.Change {
		c := change("infrastructure_configuration.base", infra, planner.None, planner.Object{"name": "base-3f9a01c2d4e5", "instanceProfileName": "builder"})
		c.Observed = &planner.Observed{Exists: true, Outputs: map[string]any{"arn": "arn:aws:imagebuilder:eu-west-1:123456789012:infrastructure-configuration/base-3f9a01c2d4e5"}}
		return c
	}())
	f.add("base", "new", change("distribution_configuration.base", distro, planner.Create,
		planner.Object{"name": "base-77aa", "distributions": []any{map[string]any{"region": "eu-west-1"}, map[string]any{"region": "eu-central-1"}}}))
	r := f.add("base", "new, and its version follows from the answer to a look-up", change("image_recipe.base", recipe, planner.Create,
		planner.Object{
			"name": "base", "semanticVersion": ref("image_recipe.base", "version"), "parentImage": dsl.Ref{Addr: look, Attr: "value"},
			"components": []any{
				map[string]any{"componentArn": "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2/1"},
				map[string]any{"componentArn": ref("component.base", "arn")},
			},
		}))
	r.Needs = append(r.Needs, addr("staged_file.base-1"))
	base := f.add("base", "new", change("image.base", image, planner.Create, planner.Object{
		"imageRecipeArn": ref("image_recipe.base", "arn"), "infrastructureConfigurationArn": ref("infrastructure_configuration.base", "arn"),
		"distributionConfigurationArn": ref("distribution_configuration.base", "arn"),
	}))
	base.Estimate = 14*time.Minute + 5*time.Second

	f.add("web", "new", change("image_recipe.web", recipe, planner.Create,
		planner.Object{"name": "web", "semanticVersion": "1.4.5", "parentImage": ref("image.base", "ami")}))
	f.add("web", "new", change("image.web", image, planner.Create, planner.Object{
		"imageRecipeArn": ref("image_recipe.web", "arn"), "infrastructureConfigurationArn": ref("infrastructure_configuration.base", "arn"),
	}))
	wait := f.add("web", "being built: TESTING", change("image.web-arm", image, planner.Wait, planner.Object{}))
	wait.Observed = &planner.Observed{Exists: true, State: "TESTING", Outputs: map[string]any{"arn": "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-arm/1.4.5/1"}}
	pipe := f.add("", "differs: description, schedule", change("image_pipeline.weekly", pipeline, planner.Update, planner.Object{"name": "weekly", "imageRecipeArn": ref("image_recipe.web", "arn")}))
	pipe.Op, pipe.Args = pipeline.Update, planner.Object{"imagePipelineArn": ref("image_pipeline.weekly", "arn"), "imageRecipeArn": ref("image_recipe.web", "arn")}
	pipe.Observed = &planner.Observed{Exists: true, Outputs: map[string]any{"arn": "arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/weekly"}}
	return f.Plan
}

var began = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return began.Add(d) }

// webEvents are a run of webPlan in which a provisioner of the base image exits with status 7.
func webEvents() []executor.Event {
	s := time.Second
	return []executor.Event{
		executor.Started{Addr: addr("staged_file.base-1"), At: after(0), Verb: planner.Create},
		executor.Started{Addr: addr("component.base"), At: after(0), Verb: planner.Create},
		executor.Started{Addr: addr("infrastructure_configuration.base"), At: after(0), Verb: planner.None},
		executor.Finished{Addr: addr("infrastructure_configuration.base"), At: after(0), Status: executor.Unchanged},
		executor.Retried{Addr: addr("component.base"), At: after(s / 2), Attempt: 1, Wait: 1500 * time.Millisecond, Err: &executor.Failure{Code: "CallRateLimitExceededException", Message: "Rate exceeded", Operation: "imagebuilder:CreateComponent", RequestID: "r-1"}},
		executor.Finished{Addr: addr("staged_file.base-1"), At: after(s), Status: executor.Applied},
		executor.Finished{Addr: addr("component.base"), At: after(2 * s), Status: executor.Applied, Outputs: executor.Outputs{"arn": "arn:c"}},
		executor.Started{Addr: addr("image.base"), At: after(3 * s), Verb: planner.Create},
		executor.Started{Addr: addr("image.web-arm"), At: after(3 * s), Verb: planner.Wait},
		executor.Progressed{Addr: addr("image.base"), At: after(4 * s), State: "BUILDING", Step: "ApplyBuildComponents"},
		executor.Progressed{Addr: addr("image.base"), At: after(4 * s), State: "BUILDING", Step: "ApplyBuildComponents"},
		executor.Log{Addr: addr("image.base"), At: after(65 * s), Source: "1.5.77/1", Line: "Installing: httpd\r 10%\r100% \x1b[32mdone\x1b[0m"},
		executor.Log{Addr: addr("image.base"), At: after(66 * s), Source: "1.5.77/1", Line: "\u202e::set-output name=ami::evil ##[error]x \x1b]0;title\x07日本語"},
		executor.Finished{Addr: addr("image.web-arm"), At: after(100 * s), Status: executor.Applied, Outputs: executor.Outputs{
			"ami": "ami-0123456789abcdef0", "amis": map[string]any{"eu-west-1": "ami-0123456789abcdef0", "eu-central-1": "ami-0fedcba9876543210"},
		}},
		executor.Finished{Addr: addr("image.base"), At: after(127 * s), Status: executor.Failed, Err: fmt.Errorf("build: %w", &executor.Failure{
			Code: "BuildFailed", Message: "exit status 7", Range: at(10, 2, 19), Component: "arn:c", Phase: "build", Step: "01-shell", Action: "ExecuteBash",
			ExitStatus: "exit status 7", Stderr: "Error: nothing to do\nsh: \x1b[31mnope\x1b[0m: not found\n\n", LogGroup: "/aws/imagebuilder/base", LogStream: "1.5.77/1",
		})},
		executor.Finished{Addr: addr("image_recipe.web"), At: after(127 * s), Status: executor.Skipped, Err: &executor.SkippedError{Because: addr("image.base")}},
		executor.Finished{Addr: addr("image.web"), At: after(127 * s), Status: executor.Skipped, Err: &executor.SkippedError{Because: addr("image.base")}},
		executor.Finished{Addr: addr("image_pipeline.weekly"), At: after(128 * s), Status: executor.Failed, Err: &executor.Failure{
			Code: "InvalidParameterValueException", Message: "The value supplied for parameter 'schedule' is not valid", RequestID: "2b5e", Operation: "imagebuilder:UpdateImagePipeline", Range: at(3, 3, 21),
		}},
	}
}

// hostilePlan has names and reasons that try to be something else in every rendering.
func hostilePlan() *planner.Plan {
	f := newFixture()
	for _, s := range hostile {
		name := strings.ReplaceAll(s, ".", "")
		c := change("component.x", component, planner.Create, planner.Object{"name": s, "semanticVersion": "1.0.0", "platform": "Linux", "data": s})
		c.Addr.Name = name
		f.add(s, s, c)
		i := change("image.x", image, planner.Create, planner.Object{"imageRecipeArn": dsl.Ref{Addr: c.Addr, Attr: "arn"}})
		i.Addr.Name = name
		f.add(s, s, i)
	}
	return f.Plan
}

var hostile = []string{
	"'; rm -rf /; echo '", "$(touch pwned)`touch pwned`", "\"; touch pwned; \"", "a\nrm -rf /\n", "\r\n::error::x", "##[error]x",
	"|x|<script>alert(1)</script>", "</details>", "```\n# h\n```", "@octocat fixes #1 GH-2 https://evil.example www.evil.example", "[x](javascript:1)", "![x](http://e/x.png)",
	"<!-- imagebuild:v1 -->", "%%{init: {}}%%", "end\"]; click n1 href \"http://e\"", "\\N\\G\" shape=none", "&lt;&#64;", "]]>", "\x1b[2J\x1b]0;x\x07", "\u202eevil\u2066", "日本語 👩‍🚀",
	"IMAGEBUILD_END", "EOF", "\\", "'\"'\"'", "{{ x }}", "${x}", "!!", "- item", "1. item", "~~x~~", "\t", "%s%n", "\u2028",
}

// golden compares the parts with testdata/<name>.txtar, or writes it with -update.
func golden(t *testing.T, name string, files ...txtar.File) {
	t.Helper()
	path := filepath.Join("testdata", name+".txtar")
	got := txtar.Format(&txtar.Archive{Files: files})
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for _, f := range txtar.Parse(raw).Files {
		want[f.Name] = f.Data
	}
	if len(want) != len(files) {
		t.Errorf("%s has %d parts, the test makes %d", path, len(want), len(files))
	}
	for _, f := range files {
		if !bytes.Equal(f.Data, want[f.Name]) {
			t.Errorf("%s, part %s:\n--- got\n%s--- want\n%s", path, f.Name, f.Data, want[f.Name])
		}
	}
}

// part renders one part of a golden.
func part(t *testing.T, name string, render func(io.Writer) error) txtar.File {
	t.Helper()
	b := &bytes.Buffer{}
	if err := render(b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return txtar.File{Name: name, Data: b.Bytes()}
}

// A broken writer fails after some bytes.
type broken struct{ left int }

var errBroken = errors.New("no space left on device")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}
