package kind_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// Every member of every create call can be written, except those that are ours to send.
func TestEveryMemberIsReachable(t *testing.T) {
	for _, k := range kind.List() {
		service, operation, _ := strings.Cut(string(k.Create), ":")
		if !slices.Contains(awsmodel.Services(), service) {
			continue
		}
		model, err := awsmodel.Get(service)
		if err != nil {
			t.Fatal(err)
		}
		op, ok := model.Operation(operation)
		if !ok {
			t.Fatalf("%s: no operation %s", k.Name, operation)
		}
		reachable(t, k.Name, op.Input, k.Block.Schema)
	}
}

func reachable(t *testing.T, at string, sh *awsmodel.Shape, s *dsl.Schema) {
	t.Helper()
	for _, m := range sh.Members {
		if m.Name == "clientToken" || m.Name == "dryRun" || m.Name == "DryRun" {
			continue
		}
		attr := slices.ContainsFunc(s.Attrs, func(a dsl.Attr) bool { return a.Member == m.Name })
		i := slices.IndexFunc(s.Blocks, func(b dsl.NestedType) bool { return b.Member == m.Name })
		switch {
		case !attr && i < 0:
			t.Errorf("%s: no way to write %s", at, m.Name)
		case i >= 0 && m.Shape.Type == "structure":
			reachable(t, at+"."+m.Name, m.Shape, s.Blocks[i].Schema)
		case i >= 0 && m.Shape.Type == "list":
			reachable(t, at+"."+m.Name, m.Shape.Element, s.Blocks[i].Schema)
		}
	}
}

// Every kind has an example, which plans without a word and holds a node of the kind.
func TestExamplesPlan(t *testing.T) {
	for _, k := range kind.List() {
		t.Run(k.Name, func(t *testing.T) {
			if k.Example == "" {
				t.Fatalf("no example: add it to the kind %s", k.Name)
			}
			p, diags := planText(t, k.Example)
			if len(diags) > 0 {
				t.Fatal(diags)
			}
			if k.Lower == nil {
				return // a kind that expands has no nodes of its own
			}
			if !slices.ContainsFunc(p.Changes, func(c *planner.Change) bool { return c.Kind == k }) {
				t.Errorf("the example makes no %s", k.Name)
			}
		})
	}
}

// planText plans a configuration of one file, offline.
func planText(tb testing.TB, src string) (*planner.Plan, hcl.Diagnostics) {
	tb.Helper()
	cfg, diags := loadText(tb, src)
	if diags.HasErrors() {
		return nil, diags
	}
	p, more := planConfig(cfg)
	return p, append(diags, more...)
}

func planConfig(cfg *dsl.Config) (*planner.Plan, hcl.Diagnostics) {
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, g.Seal(nil)...)
	p, more := planner.Diff(g, nil, planner.DiffOptions{})
	return p, append(diags, more...)
}

func mustPlan(tb testing.TB, src string) *planner.Plan {
	tb.Helper()
	p, diags := planText(tb, src)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	return p
}

func change(tb testing.TB, p *planner.Plan, address string) *planner.Change {
	tb.Helper()
	for _, c := range p.Changes {
		if c.Addr.String() == address {
			return c
		}
	}
	tb.Fatalf("no %s in the plan", address)
	return nil
}

var originPattern = regexp.MustCompile(`"origin":\{[^}]*\}`)

// The order of blocks and the files they stand in leave the plan as it is, byte for byte.
func TestOrderDoesNotMatter(t *testing.T) {
	for _, src := range []string{allKinds, levelOne} {
		shuffle(t, src)
	}
}

func shuffle(t *testing.T, src string) {
	t.Helper()
	blocks := blocksOf(t, src)
	want := originPattern.ReplaceAllLiteral(mustPlan(t, src).JSON(), nil)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		fsys := fstest.MapFS{}
		files := 1 + rng.IntN(4)
		for i, b := range blocks {
			name := fmt.Sprintf("part%d.ib.hcl", i%files)
			if fsys[name] == nil {
				fsys[name] = &fstest.MapFile{Mode: 0o644}
			}
			fsys[name].Data = append(append(fsys[name].Data, b...), '\n')
		}
		cfg, diags := loadFS(fsys)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		p, diags := planConfig(cfg)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got := originPattern.ReplaceAllLiteral(p.JSON(), nil); !bytes.Equal(got, want) {
			t.Fatalf("the plan differs:\n%s\nwant:\n%s", got, want)
		}
	}
}

// blocksOf cuts a configuration into its top-level blocks.
func blocksOf(t *testing.T, src string) [][]byte {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(src), "all.ib.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatal("no body")
	}
	var out [][]byte
	for _, b := range body.Blocks {
		out = append(out, b.Range().SliceBytes(f.Bytes))
	}
	return out
}

const allKinds = `
imagebuild {
  region  = "eu-west-1"
  project = "all"
  staging {
    bucket = "imagebuild-staging"
  }
}
staged_file "motd" {
  content = "hello"
}
component "base" {
  platform = "Linux"
  document = { schemaVersion = "1.0", phases = [{ name = "build", steps = [{ name = "one", action = "ExecuteBash", inputs = { commands = ["true"] } }] }] }
}
component "each" {
  for_each = ["red", "green"]
  name     = "colour ${each.value}"
  platform = "Linux"
  version  = "2"
  document = { schemaVersion = "1.0", phases = [{ name = "build", steps = [{ name = "one", action = "ExecuteBash", inputs = { commands = ["echo ${each.value}"] } }] }] }
}
image_recipe "base" {
  parent_image = "ami-0123456789abcdef0"
  components   = [component.base, component.each["red"], component.each["green"]]
}
image_recipe "upper" {
  parent_image = image.base
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
distribution_configuration "europe" {
  regions = ["eu-west-1"]
}
image "base" {
  image_recipe_arn                 = image_recipe.base
  infrastructure_configuration_arn = infrastructure_configuration.small
}
image "upper" {
  image_recipe_arn                 = image_recipe.upper
  infrastructure_configuration_arn = infrastructure_configuration.small
  distribution_configuration_arn   = distribution_configuration.europe
}
image_pipeline "weekly" {
  image_recipe_arn                 = image_recipe.base
  infrastructure_configuration_arn = infrastructure_configuration.small
}
`

const levelOne = `
imagebuild {
  region = "eu-west-1"
  staging {
    bucket = "imagebuild-staging"
  }
}
source "imagebuilder" "base" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
source "imagebuilder" "upper" {
  parent_image          = build.base.ami
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1"]
}
build {
  name    = "base"
  sources = ["source.imagebuilder.base"]
  provisioner "shell" {
    inline = ["true"]
  }
}
build {
  name    = "upper"
  sources = ["source.imagebuilder.upper"]
  provisioner "file" {
    content     = "${join("\n", range(10000, 11000))}"
    destination = "/srv/numbers"
  }
  component "aws:update-linux" {}
  test "shell" {
    inline = ["true"]
  }
}
`

// A digest changes with what is beneath it, and with nothing else.
func TestWhatADigestCovers(t *testing.T) {
	before := mustPlan(t, allKinds)
	for _, tt := range []struct {
		name, old, new string
		changed        []string
	}{
		{"a component", `commands = ["true"]`, `commands = ["false"]`, []string{
			"component.base", "image.base", "image.upper", "image_pipeline.weekly", "image_recipe.base", "image_recipe.upper",
		}},
		{"the base image", "ami-0123456789abcdef0", "ami-0123456789abcdef1", []string{
			"image.base", "image.upper", "image_pipeline.weekly", "image_recipe.base", "image_recipe.upper",
		}},
		{"the machines, which do not make another image", "EC2InstanceProfileForImageBuilder", "Other", []string{
			"image_pipeline.weekly", "infrastructure_configuration.small",
		}},
		{"where images go, which does not either", `regions = ["eu-west-1"]`, `regions = ["eu-west-2"]`, []string{
			"distribution_configuration.europe",
		}},
		{"tags", `regions = ["eu-west-1"]`, "regions = [\"eu-west-1\"]\n  tags = { a = \"b\" }", nil},
		{"the project", `project = "all"`, `project = "other"`, nil},
		{"how a name is written", `name     = "colour ${each.value}"`, `name     = "Colour_${each.value}"`, nil},
		{"the fixed part of a version", `version  = "2"`, `version  = "3"`, []string{
			`component.each["green"]`, `component.each["red"]`, "image.base", "image.upper", "image_pipeline.weekly", "image_recipe.base", "image_recipe.upper",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(allKinds, tt.old) {
				t.Fatalf("%q is not in the configuration", tt.old)
			}
			after := mustPlan(t, strings.Replace(allKinds, tt.old, tt.new, 1))
			var changed []string
			for _, c := range before.Changes {
				if c.Digest != change(t, after, c.Addr.String()).Digest {
					changed = append(changed, c.Addr.String())
				}
			}
			slices.Sort(changed)
			if !slices.Equal(changed, tt.changed) {
				t.Errorf("changed: %q, want %q", changed, tt.changed)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	const config = `
component "base" {
  %s
  platform = "Linux"
  document = { schemaVersion = "1.0", phases = [{ name = "build", steps = [{ name = "one", action = "ExecuteBash", inputs = { commands = ["true"] } }] }] }
}
`
	for _, tt := range []struct{ given, want string }{
		{"", `^1\.\d+\.\d+$`},
		{"version = 2", `^2\.\d+\.\d+$`},
		{`version = "2.3"`, `^2\.3\.\d+$`},
		{`semantic_version = "2.3.1"`, `^2\.3\.1$`},
	} {
		v, _ := change(t, mustPlan(t, fmt.Sprintf(config, tt.given)), "component.base").Input["semanticVersion"].(string)
		if !regexp.MustCompile(tt.want).MatchString(v) {
			t.Errorf("%s: version %q, want %s", tt.given, v, tt.want)
		}
	}
	for _, tt := range []struct{ given, summary string }{
		{"version = 2.10", "Invalid version"},
		{`version = "1.2.3.4"`, "Invalid version"},
		{`version = "1.2.x"`, "Invalid version"},
		{`version = "1.1073741824"`, "Invalid version"},
		{`version = "01"`, "Invalid version"},
		{"version = \"1\"\n  semantic_version = \"1\"", "Argument given twice"},
	} {
		_, diags := planText(t, fmt.Sprintf(config, tt.given))
		if len(diags) != 1 || diags[0].Summary != tt.summary || diags[0].Subject.Start.Line < 3 || diags[0].Subject.Start.Line > 4 {
			t.Errorf("%s: %v, want one %q at the argument", tt.given, diags, tt.summary)
		}
	}
}

// A document that a call does not take travels through S3, where there is a bucket for it.
func TestLongDocuments(t *testing.T) {
	const component = `
component "long" {
  platform = "Linux"
  data     = <<-YAML
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - name: one
            action: ExecuteBash
            inputs:
              commands:
                - "true %s"
  YAML
}
`
	const staging = "imagebuild {\n  staging {\n    bucket = \"staging\"\n    prefix = \"ib/\"\n  }\n}\n"
	long := fmt.Sprintf(component, strings.Repeat("é", 16_500))
	_, diags := planText(t, long)
	if len(diags) != 1 || diags[0].Summary != "Document too long" || diags[0].Subject.Start.Line != 4 || !strings.Contains(diags[0].Detail, "16658 characters") {
		t.Errorf("without a bucket: %v", diags)
	}
	_, diags = planText(t, staging+fmt.Sprintf(component, strings.Repeat("x", 66_000)))
	if len(diags) != 1 || diags[0].Summary != "Document too large" {
		t.Errorf("beyond what AWS takes at all: %v", diags)
	}

	p := mustPlan(t, staging+long)
	c, file := change(t, p, "component.long"), change(t, p, "staged_file.component-long")
	uri := fmt.Sprintf("s3://staging/%s", file.Input["Key"])
	if c.Input["uri"] != uri || c.Input["data"] != nil {
		t.Errorf("uri %v, want %s and no data", c.Input["uri"], uri)
	}
	if !slices.Equal(c.Needs, []dsl.Addr{file.Addr}) {
		t.Errorf("the component needs %v, not its document", c.Needs)
	}
	if key, _ := file.Input["Key"].(string); !regexp.MustCompile(`^ib/[0-9a-f]{64}/long\.yml$`).MatchString(key) {
		t.Errorf("key %q", key)
	}
}

// Seal may be called again when more is known, and says the same as if all had been known at once.
func TestSealAgain(t *testing.T) {
	const config = `
image_recipe "one" {
  parent_image = "ssm:/one"
}
image_recipe "two" {
  parent_image = "ssm:/two"
}
`
	compile := func() *planner.Graph {
		cfg, diags := loadText(t, config)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return g
	}
	one := planner.Facts{planner.Question("ssm:/one").Addr: {"value": "ami-0123456789abcdef0"}}
	two := planner.Facts{planner.Question("ssm:/two").Addr: {"value": "ami-0123456789abcdef1"}}
	seal := func(g *planner.Graph, f planner.Facts) {
		t.Helper()
		if diags := g.Seal(f); len(diags) > 0 {
			t.Fatal(diags)
		}
	}
	step := compile()
	seal(step, one)
	if step.Nodes[0].Digest == "" || step.Nodes[1].Digest != "" {
		t.Fatal("one of the two recipes should be sealed")
	}
	first := step.Nodes[0].Digest
	seal(step, two)
	whole := compile()
	seal(whole, planner.Facts{
		planner.Question("ssm:/one").Addr: one[planner.Question("ssm:/one").Addr],
		planner.Question("ssm:/two").Addr: two[planner.Question("ssm:/two").Addr],
	})
	if step.Nodes[0].Digest != first || step.Nodes[0].Digest != whole.Nodes[0].Digest || step.Nodes[1].Digest != whole.Nodes[1].Digest {
		t.Error("sealing in two steps gives other digests than in one")
	}
	wrong := compile()
	diags := wrong.Seal(planner.Facts{planner.Question("ssm:/one").Addr: {"value": "no image"}})
	if len(diags) != 1 || diags[0].Subject.Start.Line != 3 {
		t.Errorf("an answer that AWS would refuse: %v", diags)
	}
}

// A failed step leads to its line, whatever build number and account its component has.
func TestTrace(t *testing.T) {
	p := mustPlan(t, allKinds)
	c := change(t, p, "component.base")
	arn := planner.ARN(c.Node, "aws", "eu-west-1", "123456789012")
	for _, a := range []string{arn, arn + "/1"} {
		r, ok := p.Trace(dsl.Addr{}, a, "build", "one")
		if !ok || r.Filename != "main.ib.hcl" || r.Start.Line != 14 {
			t.Errorf("%s: %v, %v", a, r, ok)
		}
	}
	if _, ok := p.Trace(dsl.Addr{}, arn+"0", "build", "one"); ok {
		t.Error("another version's ARN was taken for this one")
	}
	if _, ok := p.Trace(dsl.Addr{}, "not an arn", "build", "one"); ok {
		t.Error("something that is no ARN was found")
	}
}

// A step written in a heredoc is found at its own line, unless that line holds other values.
func TestTraceIntoHeredoc(t *testing.T) {
	p := mustPlan(t, `
variable "which" {
  default = "two"
}
component "base" {
  platform = "Linux"
  data     = <<-YAML
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - name: one
            action: ExecuteBash
            inputs:
              commands: ["true"]
          - name: ${var.which}
            action: ExecuteBash
            inputs:
              commands: ["true"]
  YAML
}
`)
	arn := planner.ARN(change(t, p, "component.base").Node, "aws", "eu-west-1", "123456789012")
	for step, want := range map[string]int{"one": 12, "two": 7} {
		if r, ok := p.Trace(dsl.Addr{}, arn, "build", step); !ok || r.Start.Line != want {
			t.Errorf("%s: %v, want line %d", step, r, want)
		}
	}
}

// A region is needed only where something is named by it.
func TestRegionNotKnown(t *testing.T) {
	cfg, diags := loadText(t, "image_recipe \"one\" {\n  parent_image = \"aws:amazon-linux-2023-x86\"\n}\n")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	_, diags = planner.Compile(cfg, kind.All(), "")
	if len(diags) != 1 || diags[0].Summary != "Region not known" || diags[0].Subject.Start.Line != 2 {
		t.Errorf("%v", diags)
	}
}

func TestTooManyTags(t *testing.T) {
	const config = `
image_recipe "one" {
  parent_image = "ami-0123456789abcdef0"
  tags         = { for i in range(%d) : "tag-${i}" => "x" }
}
`
	if _, diags := planText(t, fmt.Sprintf(config, 40)); len(diags) != 0 {
		t.Errorf("40 tags: %v", diags)
	}
	if _, diags := planText(t, fmt.Sprintf(config, 41)); len(diags) != 1 || diags[0].Summary != "Too many tags" || diags[0].Subject.Start.Line != 4 {
		t.Errorf("41 tags: %v", diags)
	}
}

// Pick parts the body of a union into those of its members, and leaves the whole as it was.
func TestPick(t *testing.T) {
	union := kind.Derive(kind.Spec{Op: "imagebuilder:CreateImage"}, kind.Spec{Op: "imagebuilder:CreateImagePipeline"})
	image := kind.Derive(kind.Spec{Op: "imagebuilder:CreateImage"}).Schema()
	nested := func(typ, attr string) *dsl.Nested {
		return &dsl.Nested{Type: typ, Body: &dsl.Body{Attrs: map[string]dsl.Value{attr: {V: "x"}}}}
	}
	body := &dsl.Body{
		Attrs:  map[string]dsl.Value{"execution_role": {V: "role"}, "description": {V: "a pipeline's"}},
		Blocks: []*dsl.Nested{nested("logging_configuration", "pipeline_log_group_name"), nested("workflow", "workflow_arn")},
	}
	logging := union.Schema().Blocks[slices.IndexFunc(union.Schema().Blocks, func(n dsl.NestedType) bool { return n.Type == "logging_configuration" })]
	if len(logging.Schema.Attrs) != 3 {
		t.Errorf("the union's logging_configuration has %d arguments, want those of both calls", len(logging.Schema.Attrs))
	}
	got := kind.Pick(body, image)
	if len(got.Attrs) != 1 || len(got.Blocks) != 1 || got.Blocks[0].Type != "workflow" {
		t.Errorf("picked %v and %d blocks", got.Attrs, len(got.Blocks))
	}
	if len(body.Attrs) != 2 || len(body.Blocks) != 2 {
		t.Error("the whole was changed")
	}
}

// Whatever is written, planning ends in a plan or in diagnostics that say where.
func FuzzPlan(f *testing.F) {
	for _, k := range kind.List() {
		f.Add(k.Example)
	}
	f.Add(allKinds)
	f.Fuzz(func(t *testing.T, src string) {
		p, diags := planText(t, src)
		if p == nil && !diags.HasErrors() {
			t.Error("neither a plan nor a reason")
		}
		for _, d := range diags {
			if d.Subject == nil {
				t.Errorf("%s: %s: without a place", d.Summary, d.Detail)
			}
		}
		if p != nil && !json.Valid(p.JSON()) {
			t.Error("the plan is no JSON")
		}
	})
}
