package kind_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// TestPointersSayWhy is the guard of the table: what keeps its name is followed by others, or reaches
// others, and says why a pull request leaves it alone.
func TestPointersSayWhy(t *testing.T) {
	for _, k := range kind.List() {
		if k.Create != "" && (k.Naming == planner.StableName || k.Update != "") && k.Pointer == "" {
			t.Errorf("%s has a stable name or an update, and no Pointer: add the line that says why a pull request does not make it", k.Name)
		}
	}
}

// randomConfig is a configuration of recipes, images with and without distribution, roles and
// workflows, pipelines and lifecycle policies.
func randomConfig(r *rand.Rand) string {
	var b strings.Builder
	yes := func() bool { return r.IntN(2) == 0 }
	b.WriteString(`
infrastructure_configuration "small" {
  instance_profile_name = "profile"
}
workflow "spread" {
  type     = "DISTRIBUTION"
  document = { name = "spread", schemaVersion = "1.0", steps = [{ name = "Distribute", action = "DistributeImage", inputs = {} }] }
}
workflow "check" {
  type     = "TEST"
  document = { name = "check", schemaVersion = "1.0", steps = [{ name = "Launch", action = "LaunchInstance", inputs = { waitFor = "ssmAgent" } }] }
}
`)
	for i := range 1 + r.IntN(4) {
		parent := fmt.Sprintf(`"ami-%017x"`, r.Uint64()>>8)
		if i > 0 && yes() {
			parent = fmt.Sprintf("image.i%d.arn", r.IntN(i))
		}
		fmt.Fprintf(&b, "image_recipe \"rec%[1]d\" {\n  parent_image = %[2]s\n}\n", i, parent)
		links := fmt.Sprintf("  image_recipe_arn = image_recipe.rec%d\n  infrastructure_configuration_arn = infrastructure_configuration.small\n", i)
		if yes() {
			fmt.Fprintf(&b, "distribution_configuration \"dis%d\" {\n  regions = [\"eu-west-1\", \"us-east-1\"]\n", i)
			if yes() {
				b.WriteString("  launch_permission {\n    user_ids = [\"111122223333\"]\n  }\n")
			}
			b.WriteString("}\n")
			links += fmt.Sprintf("  distribution_configuration_arn = distribution_configuration.dis%d\n", i)
		}
		links += "  execution_role = \"arn:aws:iam::123456789012:role/distribute\"\n"
		if yes() {
			fmt.Fprintf(&b, "image_pipeline \"pipe%d\" {\n%s}\n", i, links)
		}
		for _, w := range []string{"workflow.check", "workflow.spread", `"aws:build/build-image"`} {
			if yes() {
				links = fmt.Sprintf("%s  workflow {\n    workflow_arn = %s\n  }\n", links, w)
			}
		}
		fmt.Fprintf(&b, "image \"i%d\" {\n%s}\n", i, links)
		if yes() {
			fmt.Fprintf(&b, `lifecycle_policy "life%[1]d" {
  execution_role = "arn:aws:iam::123456789012:role/lifecycle"
  resource_type  = "AMI_IMAGE"
  policy_detail {
    action {
      type = "DELETE"
    }
    filter {
      type  = "COUNT"
      value = 3
    }
  }
  resource_selection {
    recipe {
      name             = image_recipe.rec%[1]d.name
      semantic_version = "x.x.x"
    }
  }
}
`, i)
		}
	}
	return b.String()
}

// An account is what is there, as an observation would tell it.
type account struct {
	t     *testing.T
	graph *planner.Graph
	seen  map[dsl.Addr]*planner.Observed
}

func newAccount(t *testing.T, config string) *account {
	t.Helper()
	cfg, diags := loadText(t, config)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, config)
	}
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, config)
	}
	if diags = g.Seal(nil); diags.HasErrors() {
		t.Fatal(diags)
	}
	return &account{t, g, map[dsl.Addr]*planner.Observed{}}
}

func (a *account) plan(pr *planner.PullRequest) *planner.Plan {
	a.t.Helper()
	p, diags := planner.Diff(a.graph, a.seen, planner.DiffOptions{Account: "123456789012", PullRequest: pr})
	if diags.HasErrors() {
		a.t.Fatal(diags)
	}
	return p
}

// carryOut does what a plan says, as executor/aws does it.
func (a *account) carryOut(p *planner.Plan) {
	for _, c := range p.Changes {
		old := a.seen[c.Addr]
		if c.Retag != nil {
			maps.Copy(old.Tags, c.Retag.Add)
			for _, k := range c.Retag.Remove {
				delete(old.Tags, k)
			}
		}
		if c.Op == "" {
			continue
		}
		in := c.Call().Resolve(func(r dsl.Ref) any {
			if o := a.seen[r.Addr]; o != nil {
				return o.Outputs[r.Attr]
			}
			return nil
		})
		o := &planner.Observed{
			Exists: true, Digest: c.Digest, Tags: map[string]string{}, Input: in,
			Outputs: map[string]any{"arn": planner.ARN(c.Node, "aws", "eu-west-1", "123456789012")},
		}
		maps.Copy(o.Outputs, c.Known)
		if c.Kind.Naming == planner.OfRecipe {
			o.State = "AVAILABLE"
		}
		tags, _ := in["tags"].(map[string]any)
		for k, v := range tags {
			o.Tags[k], _ = v.(string)
		}
		if p.PullRequest != nil {
			o.Tags[planner.TagExpires] = "2026-12-09T00:00:00Z"
		}
		a.seen[c.Addr] = o
	}
}

// A pull request never moves or distributes anything, makes what its merge finds, and after the merge
// all is there and kept for good, whatever the configuration.
func TestPullRequestLife(t *testing.T) {
	first := &planner.PullRequest{Repository: "org/repo", Number: 1, Expires: time.Hour}
	second := &planner.PullRequest{Repository: "org/repo", Number: 2, Expires: time.Hour}
	for seed := range uint64(150) {
		a := newAccount(t, randomConfig(rand.New(rand.NewPCG(seed, 1))))
		before := a.plan(first)
		for i, c := range before.Changes {
			forbidden(t, c)
			if main := a.plan(nil).Changes[i]; main.Addr != c.Addr || main.Digest != c.Digest {
				t.Errorf("seed %d: %v is not what the merge makes", seed, c.Addr)
			}
		}
		a.carryOut(before)
		for _, c := range a.plan(first).Changes {
			if c.Verb != planner.None && c.Verb != planner.Later {
				t.Errorf("seed %d: built again: %v %s, %s", seed, c.Addr, c.Verb, c.Reason)
			}
		}
		for _, c := range a.plan(second).Changes {
			if c.Op != "" {
				t.Errorf("seed %d: another pull request builds again: %v %s, %s", seed, c.Addr, c.Verb, c.Reason)
			}
		}
		a.carryOut(a.plan(second))
		merge := a.plan(nil)
		for i, c := range merge.Changes {
			was := before.Changes[i]
			if made := was.Verb == planner.Create; made && c.Verb == planner.Create {
				t.Errorf("seed %d: the merge makes %v again", seed, c.Addr)
			}
			if left := was.Verb == planner.Later || was.Left != ""; left && c.Op == "" {
				t.Errorf("seed %d: nobody does what was left of %v: %s", seed, c.Addr, c.Reason)
			}
		}
		a.carryOut(merge)
		for _, c := range a.plan(nil).Changes {
			if c.Verb != planner.None || planner.Passing(c.Observed.Tags) {
				t.Errorf("seed %d: not settled: %v %s, %s, %v", seed, c.Addr, c.Verb, c.Reason, c.Observed.Tags)
			}
		}
	}
}

// forbidden reports what a pull request must not do.
func forbidden(t *testing.T, c *planner.Change) {
	t.Helper()
	allowed := []planner.Op{
		"", "imagebuilder:CreateComponent", "imagebuilder:CreateImageRecipe", "imagebuilder:CreateWorkflow", "imagebuilder:CreateImage",
		"imagebuilder:CreateInfrastructureConfiguration", "imagebuilder:CreateDistributionConfiguration",
	}
	if !slices.Contains(allowed, c.Op) {
		t.Errorf("%v calls %s", c.Addr, c.Op)
	}
	if c.Op != "imagebuilder:CreateImage" {
		return
	}
	if d, ok := c.Call()["distributionConfigurationArn"]; ok {
		t.Errorf("%v is distributed: %v", c.Addr, d)
	}
	c.Call().Refs(func(path string, r dsl.Ref) {
		if r.Name == "spread" {
			t.Errorf("%v runs a workflow that distributes, at %s", c.Addr, path)
		}
	})
}

func TestPullRequestTag(t *testing.T) {
	key := func(s, repository string) string {
		pr, err := planner.ParsePullRequest(s, repository)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		k, _ := pr.Tag()
		if len(k) > 128 {
			t.Errorf("%s: a key of %d characters", s, len(k))
		}
		return k
	}
	if got, want := key("Org/Repo#12", ""), "imagebuild:pull-request:org/repo:12"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	long := strings.Repeat("a", 39) + "/" + strings.Repeat("b", 100)
	keys := []string{key("12", "org/repo"), key("12", "org/other"), key("2", "org/repo"), key("12", long), key("12", long+"c"), key("12", "a\u202e#b"), key("12", "x!y")}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 7 {
		t.Errorf("keys are not apart: %q", keys)
	}
	for _, s := range []string{"", "0", "-1", "x", "12x", "#", "org/repo#", "1.5"} {
		if pr, err := planner.ParsePullRequest(s, "org/repo"); err == nil {
			t.Errorf("%q is %v", s, pr)
		}
	}
	if _, err := planner.ParsePullRequest("12", ""); err == nil || !strings.Contains(err.Error(), "OWNER/NAME#12") {
		t.Errorf("a number of nothing: %v", err)
	}
}
