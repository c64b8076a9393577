package aws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

const spread = `
image_recipe "web" {
  parent_image = "aws:amazon-linux-2023-x86"
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
distribution_configuration "europe" {
  regions = ["eu-west-1", "eu-central-1"]
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
  distribution_configuration_arn   = distribution_configuration.europe
  execution_role                   = "arn:aws:iam::123456789012:role/distribute"
}
`

func pullRequest(n int) *planner.PullRequest {
	return &planner.PullRequest{Repository: "org/repo", Number: n, Expires: 14 * 24 * time.Hour}
}

// A site is a sandbox, the clients that speak to it, and one configuration.
type site struct {
	*testing.T
	clients *aws.Clients
	server  *sandbox.Server
	url     string
	files   map[string]string
}

func newSite(t *testing.T, config string, o sandbox.Options) *site {
	t.Helper()
	o.Dir, o.Root, o.Region, o.Account = t.TempDir(), "none", region, account
	server, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	s := &site{T: t, server: server, files: map[string]string{"main.ib.hcl": config}}
	if s.url, err = server.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.clients, err = aws.New(t.Context(), aws.Config{Region: region, Endpoint: s.url, KeyID: "sandbox", SecretKey: "sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plan is the plan of a pull request, or of none.
func (s *site) plan(pr *planner.PullRequest) *planner.Plan {
	s.Helper()
	g := compile(s, s.files)
	facts, diags := s.clients.Facts(s.Context(), g)
	if diags.HasErrors() || g.Seal(facts).HasErrors() {
		s.Fatal(diags)
	}
	seen, diags := s.clients.Observe(s.Context(), g)
	if diags.HasErrors() {
		s.Fatal(diags)
	}
	p, diags := planner.Diff(g, seen, planner.DiffOptions{Account: account, PullRequest: pr})
	if diags.HasErrors() {
		s.Fatal(diags)
	}
	return p
}

func (s *site) run(p *planner.Plan) *record {
	s.Helper()
	return carryOut(s.Context(), p, s.clients.Driver(aws.Options{
		Interval: 20 * time.Millisecond, CallsPerSecond: 1000, Run: "run-1", PullRequest: p.PullRequest, Expires: time.Now().Add(time.Hour),
	}))
}

func (s *site) build(pr *planner.PullRequest) *record {
	s.Helper()
	r := s.run(s.plan(pr))
	if r.err != nil {
		s.Fatal(r.err)
	}
	return r
}

// collect is the plan of what a pull request left.
func (s *site) collect(o planner.CollectOptions) *planner.Plan {
	s.Helper()
	o.AMI, o.Now = kind.AMI(), time.Now()
	stock, err := s.clients.Stock(s.Context(), region, kind.List(), o)
	if err != nil {
		s.Fatal(err)
	}
	return planner.Collect(stock, o)
}

func reasonOf(p *planner.Plan, typ string) string {
	for _, c := range p.Changes {
		if c.Addr.Type == typ {
			return string(c.Verb) + ": " + c.Reason
		}
	}
	return "nothing"
}

// query makes a call of EC2 that this program itself never makes.
func (s *site) query(action string, values ...string) {
	s.Helper()
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	s.post(region, "ec2", "", strings.NewReader(form.Encode()))
}

// parameter makes or deletes a parameter.
func (s *site) parameter(action string, in map[string]any) {
	s.Helper()
	s.parameterIn(region, action, in)
}

// parameterIn is parameter in another region.
func (s *site) parameterIn(where, action string, in map[string]any) {
	s.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		s.Fatal(err)
	}
	s.post(where, "ssm", "AmazonSSM."+action, bytes.NewReader(b))
}

func (s *site) post(where, service, target string, body io.Reader) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=sandbox/20260101/"+where+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		s.Fatalf("%s %s: %s", service, target, answer)
	}
}

// While a parameter or a launch template names the AMI, the image stays with all it needs; afterwards an
// interrupted collection goes on where it stopped.
func TestCollectWhatNothingPointsTo(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{Faults: []sandbox.Fault{{Operation: "DeleteImage", Code: "ForbiddenException"}}})
	ami := fmt.Sprint(s.build(pullRequest(1)).finished["image.web"].Outputs["ami"])
	closed := planner.CollectOptions{PullRequest: pullRequest(1)}
	if p := s.collect(planner.CollectOptions{PullRequest: pullRequest(2)}); len(p.Changes) != 0 {
		t.Errorf("of another pull request: %s", verbs(p))
	}

	s.parameter("PutParameter", map[string]any{"Name": "/web/ami", "Type": "String", "Value": ami})
	p := s.collect(closed)
	if got, want := reasonOf(p, "image"), "none: stays: parameter /web/ami uses it"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got := reasonOf(p, "image_recipe"); !strings.HasPrefix(got, "none: stays: image web/") {
		t.Errorf("the recipe: %s", got)
	}
	if got := verbs(p); got != "2 delete, 2 none" {
		t.Errorf("beside it: %s", got)
	}
	s.parameter("DeleteParameter", map[string]any{"Name": "/web/ami"})

	s.query("CreateLaunchTemplate", "LaunchTemplateName", "web", "LaunchTemplateData.ImageId", ami)
	if got, want := reasonOf(s.collect(closed), "image"), "none: stays: launch template web uses it"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	s = again(t, s) // the template goes with the sandbox
	s.build(pullRequest(1))
	p = s.collect(closed)
	if got := verbs(p); got != "5 delete" {
		t.Fatal(got)
	}
	r := s.run(p)
	if r.err == nil || !strings.Contains(r.err.Error(), "ForbiddenException") {
		t.Errorf("DeleteImage was refused: %v", r.err)
	}
	p = s.collect(closed)
	if got, want := reasonOf(p, "ami"), "nothing"; got != want {
		t.Errorf("its AMI again: %s", got)
	}
	if got := verbs(p); got != "2 delete" {
		t.Errorf("what is left: %s", got)
	}
	if r = s.run(p); r.err != nil {
		t.Error(r.err)
	}
	if p = s.collect(closed); len(p.Changes) != 0 {
		t.Errorf("and then: %s", verbs(p))
	}
	if n := s.server.Calls()["ec2:DeregisterImage"]; n != 1 {
		t.Errorf("%d AMIs deregistered", n)
	}
}

// again is the same site anew.
func again(t *testing.T, s *site) *site {
	t.Helper()
	return newSite(t, s.files["main.ib.hcl"], sandbox.Options{Faults: []sandbox.Fault{{Operation: "DeleteImage", Code: "ForbiddenException"}}})
}

// A run that was cut off leaves a build that goes on: it is found, ended, waited for and collected.
func TestCollectCancelsFirst(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{StageTimes: map[string]time.Duration{"TESTING": time.Hour}})
	p := s.plan(pullRequest(1))
	image := p.Changes[slices.IndexFunc(p.Changes, func(c *planner.Change) bool { return c.Addr.Type == "image" })]
	before := *p // what the run did before it was cut off
	before.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c *planner.Change) bool { return c == image })
	made := s.run(&before)
	if made.err != nil {
		t.Fatal(made.err)
	}
	in := image.Call().Resolve(func(r dsl.Ref) any { return made.finished[r.Addr.String()].Outputs[r.Attr] })
	in["tags"].(map[string]any)[planner.TagRun] = "run-1"
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.clients.Call(t.Context(), "imagebuilder:CreateImage", region, raw)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ ImageBuildVersionArn string }
	if err = json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	arn := answer.ImageBuildVersionArn

	left := planner.CollectOptions{Run: "run-1"}
	if got := reasonOf(s.collect(left), "image"); !strings.HasPrefix(got, "delete: left by the run run-1; ") || !strings.HasSuffix(got, ", to be cancelled first") {
		t.Errorf("while it is built: %s", got)
	}
	ended, err := s.clients.Cancel(t.Context(), region, []string{arn, arn[:len(arn)-1] + "9"})
	if err != nil || !slices.Equal(ended, []string{arn}) {
		t.Errorf("ended %v, %v", ended, err)
	}
	if err = s.clients.Ended(t.Context(), region, []string{arn}, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	p = s.collect(left)
	if got := reasonOf(p, "image"); got != "delete: left by the run run-1; CANCELLED" {
		t.Errorf("when it is over: %s", got)
	}
	if r := s.run(p); r.err != nil {
		t.Fatal(r.err)
	}
	if p = s.collect(left); len(p.Changes) != 0 {
		t.Errorf("and then: %s", verbs(p))
	}
}

// What was built on main is no leftover of its run, and retention leaves the newest with what made it.
func TestCollectLeavesWhatIsInUse(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{})
	s.build(nil)
	if p := s.collect(planner.CollectOptions{Run: "run-1"}); len(p.Changes) != 0 {
		t.Errorf("of the run: %s", verbs(p))
	}
	later := planner.CollectOptions{AMI: kind.AMI(), Keep: 1, Now: time.Now().Add(48 * time.Hour)}
	stock, err := s.clients.Stock(t.Context(), region, kind.List(), later)
	if err != nil {
		t.Fatal(err)
	}
	if p := planner.Collect(stock, later); verbs(p) != "4 none" {
		t.Errorf("the newest: %s", verbs(p))
	}
	s.files["main.ib.hcl"] = strings.ReplaceAll(spread, "aws:amazon-linux-2023-x86", "aws:ubuntu-server-24-lts-x86")
	s.build(nil)
	if stock, err = s.clients.Stock(t.Context(), region, kind.List(), later); err != nil {
		t.Fatal(err)
	}
	p := planner.Collect(stock, later)
	if got := verbs(p); got != "4 delete, 4 none" { // two AMIs, the image and its recipe
		t.Errorf("with a newer one: %s", got)
	}
	if r := s.run(p); r.err != nil {
		t.Error(r.err)
	}
	if got := verbs(s.plan(nil)); got != "4 none" {
		t.Errorf("the newer one: %s", got)
	}
}

// A merge that comes while the pull request builds waits, keeps what is made, and distributes it.
func TestMergeWhileBuilding(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{StageTimes: map[string]time.Duration{"TESTING": 700 * time.Millisecond}})
	p := s.plan(pullRequest(1))
	done := make(chan *record)
	go func() { done <- s.run(p) }()
	var merge *planner.Plan
	for merge == nil || !strings.Contains(reasonOf(merge, "image"), "wait: being built") {
		merge = s.plan(nil)
	}
	r := s.run(merge)
	if r.err != nil {
		t.Fatal(r.err)
	}
	if first := <-done; first.err != nil {
		t.Fatal(first.err)
	}
	amis, _ := r.finished["image.web"].Outputs["amis"].(map[string]any)
	if len(amis) != 2 {
		t.Errorf("distributed to %v", amis)
	}
	if n := s.server.Calls()["imagebuilder:CreateImage"]; n != 1 {
		t.Errorf("%d images were built", n)
	}
	if got := verbs(s.plan(nil)); got != "4 none" {
		t.Errorf("afterwards: %s, %s", got, reasonOf(s.plan(nil), "image"))
	}
	if p := s.collect(planner.CollectOptions{PullRequest: pullRequest(1)}); len(p.Changes) != 0 {
		t.Errorf("left of the pull request: %s", verbs(p))
	}
}

// What another run made since the plan is met as existing, and kept as the run needs it.
func TestMetWhileBuilding(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{})
	merge := s.plan(nil) // both are planned before anything is there
	s.build(pullRequest(1))
	if r := s.run(merge); r.err != nil {
		t.Fatal(r.err)
	}
	if p := s.collect(planner.CollectOptions{PullRequest: pullRequest(1)}); len(p.Changes) != 0 {
		t.Errorf("still the pull request's: %s, image %s", verbs(p), reasonOf(p, "image"))
	}
}

// A pull request that is worked on moves the expiry on, and not at each build.
func TestProlong(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{})
	s.build(pullRequest(1)) // for an hour
	all := func(dsl.Addr) bool { return true }
	until := time.Now().Add(14 * 24 * time.Hour)
	if err := s.clients.Prolong(t.Context(), s.plan(pullRequest(1)), until, all); err != nil {
		t.Fatal(err)
	}
	before := s.server.Calls()["imagebuilder:TagResource"]
	if before != 4 {
		t.Errorf("%d tagged", before)
	}
	p := s.plan(pullRequest(1))
	if got, want := p.Changes[0].Observed.Tags[planner.TagExpires], until.UTC().Format(time.RFC3339); got != want {
		t.Errorf("expires %s; want %s", got, want)
	}
	if err := s.clients.Prolong(t.Context(), p, until.Add(time.Hour), all); err != nil {
		t.Fatal(err)
	}
	if n := s.server.Calls()["imagebuilder:TagResource"]; n != before {
		t.Errorf("tagged again: %d", n)
	}
}

// call makes a call of which only its success matters.
func (s *site) call(op planner.Op, in map[string]any) map[string]any {
	s.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		s.Fatal(err)
	}
	out, err := s.clients.Call(s.Context(), op, region, raw)
	if err != nil {
		s.Fatal(err)
	}
	var answer map[string]any
	if err = json.Unmarshal(out, &answer); err != nil {
		s.Fatal(err)
	}
	return answer
}

// AppStream's images go when no fleet uses them, and machines that a run left go when its lease is over.
func TestCollectAppStream(t *testing.T) {
	windows := strings.ReplaceAll(spread, "aws:amazon-linux-2023-x86", "ssm:/aws/service/ami-windows-latest/TPM-Windows_Server-2022-English-Full-Base")
	s := newSite(t, windows, sandbox.Options{})
	ami := s.build(nil).finished["image.web"].Outputs["ami"]
	key, value := pullRequest(1).Tag()
	s.call("appstream:CreateImageBuilder", map[string]any{
		"Name": "left", "InstanceType": "stream.standard.medium", "ImageName": baseImage(s),
		"Tags": map[string]any{planner.TagAddress: "appstream_image_builder.cad", planner.TagRun: "run-1", planner.TagLease: "2026-01-01T00:00:00.5Z"},
	})
	s.call("appstream:CreateImportedImage", map[string]any{
		"Name": "cad", "SourceAmiId": ami, "IamRoleArn": "arn:aws:iam::123456789012:role/import",
		"Tags": map[string]any{planner.TagAddress: "appstream_image.cad", key: value},
	})
	kinds := append(slices.Clone(kind.List()), kind.ImageBuilder())
	collect := func(o planner.CollectOptions) *planner.Plan {
		o.AMI, o.Now = kind.AMI(), time.Now()
		stock, err := s.clients.Stock(t.Context(), region, kinds, o)
		if err != nil {
			t.Fatal(err)
		}
		return planner.Collect(stock, o)
	}
	for s.state("cad") != "AVAILABLE" {
		if s.state("cad") == "FAILED" {
			t.Fatal("the import failed")
		}
	}
	s.call("appstream:CreateFleet", map[string]any{
		"Name": "cad", "InstanceType": "GeneralPurpose.xlarge", "ImageName": "cad", "ComputeCapacity": map[string]any{"DesiredInstances": 1},
	})
	closed, run := planner.CollectOptions{PullRequest: pullRequest(1)}, planner.CollectOptions{Run: "run-1"}
	if got, want := reasonOf(collect(closed), "appstream_image"), "none: stays: fleet cad uses it"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	s.call("appstream:DeleteFleet", map[string]any{"Name": "cad"})
	for _, o := range []planner.CollectOptions{closed, run} {
		p := collect(o)
		if got := verbs(p); got != "1 delete" {
			t.Fatalf("%s: %s", got, p.JSON())
		}
		if r := s.run(p); r.err != nil {
			t.Fatal(r.err)
		}
		if p = collect(o); len(p.Changes) != 0 {
			t.Errorf("and then: %s", p.JSON())
		}
	}
}

// state is the state of an image.
func (s *site) state(name string) string {
	s.Helper()
	images, _ := s.call("appstream:DescribeImages", map[string]any{"Names": []string{name}})["Images"].([]any)
	if len(images) == 0 {
		return ""
	}
	m, _ := images[0].(map[string]any)
	return fmt.Sprint(m["State"])
}

// baseImage is one of AWS's own images for machines.
func baseImage(s *site) string {
	s.Helper()
	images, _ := s.call("appstream:DescribeImages", map[string]any{"Type": "PUBLIC"})["Images"].([]any)
	for _, i := range images {
		m, _ := i.(map[string]any)
		if m["ImageBuilderSupported"] == true {
			return fmt.Sprint(m["Name"])
		}
	}
	s.Fatal("there is no public image")
	return ""
}
