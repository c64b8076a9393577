package aws_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// everything puts what the graph asks for into the fake, built long ago.
func (f *fake) everything(tb testing.TB, g *planner.Graph, images bool) {
	tb.Helper()
	arns := map[dsl.Addr]any{}
	for _, n := range g.Nodes {
		in := n.Input.Resolve(func(r dsl.Ref) any { return arns[r.Addr] })
		if n.Kind.Naming == planner.OfRecipe {
			if images {
				in["clientToken"] = n.Digest
				in["tags"] = tagged(in["tags"], "imagebuild:distribution", in["distributionConfigurationArn"])
				if _, no := f.createImage(in); no != nil {
					tb.Fatal(no)
				}
			}
			continue
		}
		what := strings.TrimPrefix(string(n.Kind.Create), "imagebuilder:Create")
		out, no := f.create(what, in)
		if no != nil {
			tb.Fatalf("%v: %v", n.Addr, no)
		}
		arns[n.Addr] = out[n.Kind.Outputs["arn"]]
	}
}

// tagged are tags and one more.
func tagged(tags any, key string, value any) object {
	out := object{}
	switch tags := tags.(type) {
	case map[string]any:
		maps.Copy(out, tags)
	case planner.Object:
		maps.Copy(out, tags)
	}
	out[key] = value
	return out
}

func sealed(tb testing.TB, files map[string]string) *planner.Graph {
	tb.Helper()
	g := compile(tb, files)
	if diags := g.Seal(nil); diags.HasErrors() {
		tb.Fatal(diags)
	}
	return g
}

// A thousand images, five thousand resources: all are recognised in at most 400 calls.
func TestObservingAThousandImages(t *testing.T) {
	files := level2(1000)
	f := newFake()
	f.stages = []stage{{"AVAILABLE", 0}}
	g := sealed(t, files)
	f.everything(t, g, true)
	c := f.clients(t)
	seen, diags := c.Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.Diff(g, seen, planner.DiffOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := verbs(p); got != "5000 none" {
		t.Errorf("%s", got)
	}
	if got := f.count(); got > 400 {
		t.Errorf("%d calls: %v", got, f.calls)
	}
}

// Where the lists are long and little is wanted, asking one by one is cheaper.
func TestObservingFewAmongMany(t *testing.T) {
	f := newFake()
	f.stages = []stage{{"AVAILABLE", 0}}
	f.everything(t, sealed(t, level2(800)), true)
	g := sealed(t, level2(12))
	seen, diags := f.clients(t).Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, n := range g.Nodes {
		if s := seen[n.Addr]; s == nil || !s.Exists || s.Outputs["arn"] == "" {
			t.Errorf("%v was not seen: %+v", n.Addr, s)
		}
	}
	if got := f.count(); got > 12*5*2+5 {
		t.Errorf("%d calls: %v", got, f.calls)
	}
}

// What lists do not show yet is asked for when it is little.
func TestListsThatLagBehind(t *testing.T) {
	f := newFake()
	f.stages = []stage{{"BUILDING", time.Hour}}
	g := sealed(t, level2(20))
	f.everything(t, g, true)
	f.always = func(op string, in object) (object, *refusal) {
		if op == "ListComponentBuildVersions" || op == "ListImageBuildVersions" && in["imageVersionArn"] == nil {
			return object{lists[op]: []any{}}, nil
		}
		return nil, nil
	}
	seen, diags := f.clients(t).Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, n := range g.Nodes {
		if !seen[n.Addr].Exists {
			t.Errorf("%v was not seen", n.Addr)
		}
	}
}

func TestWhichBuildCounts(t *testing.T) {
	for want, builds := range map[string][]string{
		"AVAILABLE 2 2":   {"FAILED", "AVAILABLE", "CANCELLED"},
		"BUILDING 3 1":    {"FAILED", "BUILDING", "TESTING"}, // the newer of two that go on is 3, TESTING
		"FAILED 3 3":      {"CANCELLED", "DEPRECATED", "FAILED"},
		"SHINING_NEW 2 1": {"FAILED", "SHINING_NEW"},
		"CANCELLED 10 10": {"FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "FAILED", "CANCELLED"},
		" 0 0":            nil,
	} {
		f := newFake()
		g := sealed(t, level2(1))
		f.everything(t, g, false)
		for i, state := range builds {
			f.stages = []stage{{state, 0}}
			in := object{"imageRecipeArn": "", "clientToken": strconv.Itoa(i)}
			for arn := range f.things {
				if strings.Contains(arn, ":image-recipe/") {
					in["imageRecipeArn"] = arn
				}
				if strings.Contains(arn, ":distribution-configuration/") { // so that it is distributed as it is to be
					in["tags"] = object{planner.TagDistribution: arn}
				}
			}
			if _, no := f.createImage(in); no != nil {
				t.Fatal(no)
			}
		}
		seen, diags := f.clients(t).Observe(t.Context(), g)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		s := seen[dsl.Addr{Type: "image", Name: "m0"}]
		arn, _ := s.Outputs["arn"].(string)
		number := 0
		if arn != "" {
			_, _ = fmt.Sscan(arn[strings.LastIndexByte(arn, '/')+1:], &number)
		}
		got := fmt.Sprint(s.State, " ", number, " ", s.Attempt)
		if want == "BUILDING 3 1" {
			want = "TESTING 3 1"
		}
		if got != want {
			t.Errorf("of %v: %q, want %q", builds, got, want)
		}
	}
}

func TestImageLacksARegion(t *testing.T) {
	f := newFake()
	f.stages = []stage{{"AVAILABLE", 0}}
	files := level2(1)
	files["main.ib.hcl"] = strings.Replace(files["main.ib.hcl"], `"eu-central-1"`, `"us-west-2"`, 1)
	g := sealed(t, files)
	f.everything(t, g, true)
	seen, diags := f.clients(t).Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := fmt.Sprint(seen[dsl.Addr{Type: "image", Name: "m0"}].Missing); got != "[us-west-2]" {
		t.Errorf("missing %s", got)
	}
}

const pipeline = `
image_pipeline "weekly" {
  image_recipe_arn                 = image_recipe.r0
  infrastructure_configuration_arn = infrastructure_configuration.i0
  description                      = "%s"
  schedule {
    schedule_expression = "cron(0 4 ? * sun *)"
  }
}
`

// A pipeline is read whole, in the words of its update, so that only what differs is updated, and
// then all of it is sent.
func TestPipelineIsComparedAndUpdated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"AVAILABLE", 0}}
		c := f.clients(t)
		files := level2(1)
		files["pipeline.ib.hcl"] = fmt.Sprintf(pipeline, "old")
		if r := carryOut(t.Context(), plan(t, c, files), c.Driver(aws.Options{})); r.err != nil {
			t.Fatal(r.err)
		}
		if got := verbs(plan(t, c, files)); got != "6 none" {
			t.Fatalf("unchanged: %s", got)
		}
		files["pipeline.ib.hcl"] = fmt.Sprintf(pipeline, "new")
		p := plan(t, c, files)
		if got := verbs(p); got != "5 none, 1 update" {
			t.Fatalf("changed: %s", got)
		}
		var sent object
		f.always = func(op string, in object) (object, *refusal) {
			if op == "UpdateImagePipeline" {
				sent = in
				return object{"imagePipelineArn": in["imagePipelineArn"]}, nil
			}
			return nil, nil
		}
		r := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		if r.err != nil || !strings.HasSuffix(fmt.Sprint(sent["imagePipelineArn"]), ":image-pipeline/weekly") || sent["description"] != "new" ||
			sent["schedule"] == nil || !strings.Contains(fmt.Sprint(sent["imageRecipeArn"]), ":image-recipe/my-recipe-0/") || sent["tags"] != nil {
			t.Errorf("%v; sent %v", r.err, sent)
		}
	})
}

// A staging bucket may be in another region than the one built in.
func TestBucketElsewhere(t *testing.T) {
	f := newFake()
	var stored object
	f.always = func(op string, in object) (object, *refusal) {
		switch {
		case op == "HEAD in "+region:
			return nil, &refusal{http.StatusMovedPermanently, "", ""}
		case op == "HEAD in us-west-2" && stored == nil:
			return nil, &refusal{http.StatusNotFound, "", ""}
		case op == "PUT in us-west-2":
			stored = in
		}
		return object{}, nil
	}
	c := f.clients(t)
	files := map[string]string{"main.ib.hcl": "imagebuild {\n  staging {\n    bucket = \"staging-bucket\"\n  }\n}\nstaged_file \"motd\" {\n  content = \"hello\"\n}\n"}
	p := plan(t, c, files)
	if r := carryOut(t.Context(), p, c.Driver(aws.Options{})); r.err != nil || stored["body"] != "hello" {
		t.Fatalf("%v, stored %v, calls %v", r.err, stored, f.calls)
	}
	if got := verbs(plan(t, c, files)); got != "1 none" {
		t.Errorf("afterwards: %s", got)
	}
}

// How long an image will take is told by the last one of its name.
func TestEstimate(t *testing.T) {
	f := newFake()
	f.stages = []stage{{"AVAILABLE", 0}}
	g := sealed(t, level2(1))
	f.everything(t, g, false)
	for arn, thing := range f.things {
		if strings.Contains(arn, ":image-recipe/") {
			f.things["recipe"] = thing
		}
	}
	name := strings.Split(fmt.Sprint(f.things["recipe"]["arn"]), "/")[1]
	for i, made := range []string{"2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"} {
		version := fmt.Sprintf("arn:aws:imagebuilder:%s:%s:image-recipe/%s/1.0.%d", region, account, name, i)
		if _, no := f.createImage(object{"imageRecipeArn": version, "clientToken": strconv.Itoa(i)}); no != nil {
			t.Fatal(no)
		}
		f.things[strings.Replace(version, "image-recipe", "image", 1)+"/1"]["dateCreated"] = made
	}
	f.always = func(op string, in object) (object, *refusal) {
		if op == "ListWorkflowExecutions" && strings.HasSuffix(fmt.Sprint(in["imageBuildVersionArn"]), "/1.0.1/1") {
			return object{"workflowExecutions": []any{
				object{"startTime": "2026-03-01T00:20:00Z", "endTime": "2026-03-01T00:31:00Z"}, object{"startTime": "2026-03-01T00:01:00Z", "endTime": "2026-03-01T00:20:00Z"},
			}}, nil
		}
		return nil, nil
	}
	seen, diags := f.clients(t).Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := seen[dsl.Addr{Type: "image", Name: "m0"}].Took; got != 30*time.Minute {
		t.Errorf("took %v, want the newest's 30m0s", got)
	}
}

func TestObservationRefused(t *testing.T) {
	f := newFake()
	g := sealed(t, level2(1))
	for range 9 {
		f.fail["GetComponent"] = append(f.fail["GetComponent"], refusal{403, "AccessDeniedException", "not you"})
	}
	_, diags := f.clients(t).Observe(t.Context(), g)
	if !diags.HasErrors() || len(diags) != 1 || diags[0].Subject == nil || diags[0].Subject.Start.Line != 2 || !strings.Contains(diags[0].Detail, "AccessDeniedException: not you") {
		t.Errorf("%v", diags)
	}
}

func BenchmarkObserveThousandImages(b *testing.B) {
	f := newFake()
	f.stages = []stage{{"AVAILABLE", 0}}
	g := sealed(b, level2(1000))
	f.everything(b, g, true)
	c := f.clients(b)
	for b.Loop() {
		f.calls = map[string]int{}
		if _, diags := c.Observe(b.Context(), g); diags.HasErrors() {
			b.Fatal(diags)
		}
		b.ReportMetric(float64(f.count()), "calls")
	}
}
