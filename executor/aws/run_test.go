package aws_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// level2 is n images with all they need, in level-2 blocks.
func level2(n int) map[string]string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `
component "c%[1]d" {
  name     = "My_Component %[1]d"
  platform = "Linux"
  document = <<-EOT
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - name: hello
            action: ExecuteBash
            inputs:
              commands: ["echo %[1]d"]
  EOT
}
image_recipe "r%[1]d" {
  name         = "My Recipe %[1]d"
  parent_image = "ami-0123456789abcdef0"
  components   = [component.c%[1]d]
}
infrastructure_configuration "i%[1]d" {
  name                  = "infra-%[1]d"
  instance_profile_name = "profile-%[1]d"
  instance_types        = ["t3.medium"]
}
distribution_configuration "d%[1]d" {
  name = "dist-%[1]d"
  distribution {
    region = "eu-central-1"
    ami_distribution_configuration {
      name = "web-%[1]d {{ imagebuilder:buildDate }}"
    }
  }
}
image "m%[1]d" {
  image_recipe_arn                 = image_recipe.r%[1]d
  infrastructure_configuration_arn = infrastructure_configuration.i%[1]d
  distribution_configuration_arn   = distribution_configuration.d%[1]d
}
`, i)
	}
	return map[string]string{"main.ib.hcl": b.String()}
}

// plan compiles, observes and compares, as the program does.
func plan(tb testing.TB, c *aws.Clients, files map[string]string) *planner.Plan {
	tb.Helper()
	g := compile(tb, files)
	facts, diags := c.Facts(tb.Context(), g)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	if diags = g.Seal(facts); diags.HasErrors() {
		tb.Fatal(diags)
	}
	seen, diags := c.Observe(tb.Context(), g)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	p, diags := planner.Diff(g, seen, planner.DiffOptions{Account: account})
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	return p
}

// verbs counts a plan's verbs.
func verbs(p *planner.Plan) string {
	n := make(map[planner.Verb]int)
	for _, c := range p.Changes {
		n[c.Verb]++
	}
	var out []string
	for _, v := range slices.Sorted(maps.Keys(n)) {
		out = append(out, fmt.Sprint(n[v], " ", v))
	}
	return strings.Join(out, ", ")
}

// A record is what a run told.
type record struct {
	events   []executor.Event
	finished map[string]executor.Finished
	err      error
	took     time.Duration
	plan     *planner.Plan
	signal   time.Time // when its context ended; zero where it did not
}

func carryOut(ctx context.Context, p *planner.Plan, d executor.Driver) *record {
	r := &record{finished: map[string]executor.Finished{}}
	start := time.Now()
	var at atomic.Int64
	defer context.AfterFunc(ctx, func() { at.Store(time.Now().UnixNano()) })()
	r.err = executor.Run(ctx, p, d, func(e executor.Event) {
		r.events = append(r.events, e)
		if f, ok := e.(executor.Finished); ok {
			r.finished[f.Addr.String()] = f
		}
	})
	r.took = time.Since(start)
	if n := at.Load(); n != 0 {
		r.signal = time.Unix(0, n)
	}
	return r
}

func (r *record) lines(addr string) (out []string) {
	for _, e := range r.events {
		if l, ok := e.(executor.Log); ok && l.Addr.String() == addr {
			out = append(out, l.Line)
		}
	}
	return out
}

// states are what an image went through, steps included.
func (r *record) states(addr string) (out []string) {
	for _, e := range r.events {
		if p, ok := e.(executor.Progressed); ok && p.Addr.String() == addr {
			out = append(out, strings.TrimSuffix(p.State+" "+p.Step, " "))
		}
	}
	return out
}

func TestBuildAndBuildAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		files := level2(1)
		p := plan(t, c, files)
		if got := verbs(p); got != "5 create" {
			t.Fatalf("first plan: %s", got)
		}
		r := carryOut(t.Context(), p, c.Driver(aws.Options{Trace: p.Trace, Run: "4711"}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		out := r.finished["image.m0"].Outputs
		if out["ami"] != "ami-0123456789abcdef0" || !strings.HasSuffix(fmt.Sprint(out["arn"]), "/1") || fmt.Sprint(out["amis"]) != "map[eu-central-1:ami-1 eu-west-1:ami-0123456789abcdef0]" || out["version"] == nil {
			t.Errorf("outputs %v", out)
		}
		if got, want := fmt.Sprint(r.states("image.m0")), "[PENDING PENDING ExecuteComponents BUILDING BUILDING ExecuteComponents TESTING TESTING ExecuteComponents AVAILABLE]"; got != want {
			t.Errorf("went through %s\nwant %s", got, want)
		}
		if late := r.took - 25*time.Minute; late > 30*time.Second {
			t.Errorf("noticed %v late", late)
		}
		for arn, thing := range f.things {
			tags, _ := thing["tags"].(object)
			if tags["imagebuild:run"] != "4711" || tags[planner.TagDigest] == nil {
				t.Errorf("%s has tags %v", arn, tags)
			}
		}
		creates := f.count("CreateComponent", "CreateImage", "CreateImageRecipe", "CreateInfrastructureConfiguration", "CreateDistributionConfiguration")
		p = plan(t, c, files)
		if got := verbs(p); got != "5 none" {
			t.Fatalf("second plan: %s", got)
		}
		again := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		if again.err != nil || again.finished["image.m0"].Outputs["ami"] != "ami-0123456789abcdef0" || creates != 5 {
			t.Errorf("second run: %v %v after %d creates", again.err, again.finished["image.m0"].Outputs, creates)
		}
	})
}

// A plan made offline meets what exists: the same content is a hit, other content under the name is not.
func TestExistingIsAHit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		files := level2(1)
		first := carryOut(t.Context(), plan(t, c, files), c.Driver(aws.Options{Run: "one"}))
		if first.err != nil {
			t.Fatal(first.err)
		}
		offline := func() *planner.Plan {
			g := compile(t, files)
			if diags := g.Seal(nil); diags.HasErrors() {
				t.Fatal(diags)
			}
			p, diags := planner.Diff(g, nil, planner.DiffOptions{})
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			return p
		}
		r := carryOut(t.Context(), offline(), c.Driver(aws.Options{Run: "two"}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		for _, a := range []string{"component.c0", "image.m0"} {
			if got, want := r.finished[a].Outputs["arn"], first.finished[a].Outputs["arn"]; got != want {
				t.Errorf("%s is %v, want %v as before", a, got, want)
			}
		}
		for _, thing := range f.things {
			if tags, ok := thing["tags"].(object); ok {
				tags[planner.TagDigest] = "of something else"
			}
		}
		r = carryOut(t.Context(), offline(), c.Driver(aws.Options{Run: "three"}))
		if fail, ok := errors.AsType[*executor.Failure](r.finished["component.c0"].Err); !ok || fail.Code != "ResourceAlreadyExistsException" {
			t.Errorf("other content: %v", r.finished["component.c0"].Err)
		}
	})
}

func TestFailuresPointAtWhatCausedThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		p := plan(t, c, level2(1))
		f.fail["CreateDistributionConfiguration"] = []refusal{{400, "InvalidParameterValueException", "The value supplied for parameter 'distributions[0].amiDistributionConfiguration.name' is not valid. No."}}
		f.fail["CreateInfrastructureConfiguration"] = []refusal{{503, "ServiceUnavailableException", "later"}, {429, "CallRateLimitExceededException", "slower"}, {403, "AccessDeniedException", "not you"}}
		r := carryOut(t.Context(), p, c.Driver(aws.Options{Trace: p.Trace}))
		got, ok := errors.AsType[*executor.Failure](r.finished["distribution_configuration.d0"].Err)
		if !ok || got.Code != "InvalidParameterValueException" || got.RequestID != "11112222-3333" || got.Operation != "imagebuilder:CreateDistributionConfiguration" {
			t.Fatalf("%#v", got)
		}
		if want := (hcl.Pos{Line: 31, Column: 14}); got.Range.Start.Line != want.Line || got.Range.Start.Column != want.Column {
			t.Errorf("points at %v, want %v", got.Range, want)
		}
		denied, ok := errors.AsType[*executor.Failure](r.finished["infrastructure_configuration.i0"].Err)
		if !ok || denied.Code != "AccessDeniedException" || f.calls["CreateInfrastructureConfiguration"] != 3 {
			t.Errorf("%v after %d calls, want two tries again", denied, f.calls["CreateInfrastructureConfiguration"])
		}
		if r.finished["image.m0"].Status != executor.Skipped || strings.Contains(r.err.Error(), "a secret") {
			t.Errorf("%v, %v", r.finished["image.m0"], r.err)
		}
	})
}

var console = []string{
	"Phase build", "Step hello", "ExecuteBash: STARTED EXECUTION", "Stdout: ErrorMessage: nonsense", "Stdout: working\nStdout: on it\r\n",
	"TOE has completed execution with failure - Execution failed!",
	"Document: my-component-0", "ComponentArn: arn:of:it", "Phase: build", "Step: hello", "Action: ExecuteBash", "ErrorMessage: exit status 7",
	"Stderr: curl: (22) The requested URL returned error: 404\nStep: a lie\n",
}

func TestFailedBuildIsTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"BUILDING", time.Minute}, {"FAILED", 0}}
		c := f.clients(t)
		p := plan(t, c, level2(1))
		made := carryOut(t.Context(), p, failing(f, c.Driver(aws.Options{Trace: p.Trace})))
		got, ok := errors.AsType[*executor.Failure](made.finished["image.m0"].Err)
		if !ok {
			t.Fatalf("%v", made.finished["image.m0"].Err)
		}
		if got.Code != "BuildFailed" || got.Step != "hello" || got.Phase != "build" || got.ExitStatus != "exit status 7" || got.Range.Start.Line != 10 {
			t.Errorf("%#v", *got)
		}
		if want := "curl: (22) The requested URL returned error: 404\nStep: a lie"; got.Stderr != want {
			t.Errorf("stderr %q, want %q", got.Stderr, want)
		}
		if got.LogGroup != "/aws/imagebuilder/My-Recipe-0" || !strings.HasSuffix(got.LogStream, "/1") {
			t.Errorf("log in %s %s", got.LogGroup, got.LogStream)
		}
		lines := made.lines("image.m0")
		want := strings.Split(strings.ReplaceAll(strings.TrimRight(strings.Join(console, "\n"), "\n"), "\r\n", ""), "\n")
		if !slices.Equal(lines, want) {
			t.Errorf("log\n%q\nwant\n%q", lines, want)
		}
	})
}

// failing gives the image a failure context and a log as soon as it is there.
func failing(f *fake, d executor.Driver) executor.Driver {
	f.always = func(op string, _ object) (object, *refusal) {
		for arn, thing := range f.things {
			if !strings.Contains(arn, ":image/") || thing["context"] != nil {
				continue
			}
			for component := range f.things {
				if strings.Contains(component, ":component/") && strings.HasSuffix(component, "/1") {
					thing["context"] = object{"imageStatus": "BUILDING", "componentFailure": object{
						"componentArn": component, "phaseName": "build", "stepName": "hello", "action": "ExecuteBash", "errorMessage": "exit status 7",
					}}
				}
			}
			version := strings.Split(arn, "/")
			f.logs["/aws/imagebuilder/My-Recipe-0 "+version[2]+"/"+version[3]] = console
		}
		return nil, nil
	}
	return d
}

// Whoever is interrupted while a build runs ends it, or leaves it for the next run to attach to;
// whoever is killed leaves it too.
func TestInterruptedBuilds(t *testing.T) {
	for _, tt := range []struct {
		on   executor.OnCancel
		want string // the verb of the next plan
	}{{executor.CancelBuilds, "create"}, {executor.DetachBuilds, "wait"}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			c := f.clients(t)
			files := level2(1)
			p := plan(t, c, files)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: tt.on}))
			if over := r.took - 10*time.Minute; over > 7*time.Second {
				t.Errorf("%s: went on for %v", tt.on, over)
			}
			i, ok := errors.AsType[*executor.InterruptedError](r.finished["image.m0"].Err)
			if !ok || r.finished["image.m0"].Status != executor.Canceled || !strings.HasPrefix(i.ARN, "arn:") {
				t.Fatalf("%s: %+v", tt.on, r.finished["image.m0"])
			}
			next := plan(t, c, files)
			image := next.Changes[slices.IndexFunc(next.Changes, func(c *planner.Change) bool { return c.Addr == dsl.Addr{Type: "image", Name: "m0"} })]
			if string(image.Verb) != tt.want {
				t.Fatalf("%s: next is %s: %s", tt.on, image.Verb, image.Reason)
			}
			r = carryOut(t.Context(), next, c.Driver(aws.Options{}))
			if r.err != nil || r.finished["image.m0"].Outputs["ami"] == nil {
				t.Errorf("%s: %v %v", tt.on, r.err, r.finished["image.m0"])
			}
			builds := map[string]int{"create": 2, "wait": 1}[tt.want]
			if got := f.calls["CreateImage"]; got != builds {
				t.Errorf("%s: %d builds, want %d", tt.on, got, builds)
			}
		})
	}
}

// Two that wait for one build both learn of its end.
func TestTwoWaitForOneBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		g := sealed(t, level2(1))
		f.everything(t, g, true)
		seen, diags := c.Observe(t.Context(), g)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		p, diags := planner.Diff(g, seen, planner.DiffOptions{})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		i := slices.IndexFunc(p.Changes, func(c *planner.Change) bool { return c.Verb == planner.Wait })
		node := *p.Changes[i].Node
		node.Addr.Name = "twin"
		twin := *p.Changes[i]
		twin.Node = &node
		p.Changes = append(p.Changes, &twin)
		r := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		if r.err != nil || r.finished["image.twin"].Outputs["ami"] == nil || r.finished["image.m0"].Outputs["ami"] == nil {
			t.Errorf("%v %v", r.err, r.finished)
		}
	})
}

// An image that could not be started is made again, as another attempt.
func TestThrottledStartIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		good := f.stages
		f.stages = []stage{{"FAILED", 0}}
		f.always = func(op string, _ object) (object, *refusal) {
			for arn, thing := range f.things {
				if strings.Contains(arn, ":image/") && strings.HasSuffix(arn, "/1") {
					thing["reason"] = "Can't start SSM Automation for arn " + arn + " during building. Rate exceeded"
					f.stages = good
				}
			}
			return nil, nil
		}
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
		if arn := fmt.Sprint(r.finished["image.m0"].Outputs["arn"]); r.err != nil || !strings.HasSuffix(arn, "/2") {
			t.Errorf("%s, %v", arn, r.err)
		}
		retried := slices.ContainsFunc(r.events, func(e executor.Event) bool { _, ok := e.(executor.Retried); return ok })
		if !retried {
			t.Error("nobody was told")
		}
	})
}
