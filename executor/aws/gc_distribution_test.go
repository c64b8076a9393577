package aws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// tidied is the plan of what a project no longer needs two days later.
func (s *site) tidied() *planner.Plan {
	s.Helper()
	o := planner.CollectOptions{AMI: kind.AMI(), Keep: 1, Now: time.Now().Add(48 * time.Hour)}
	stock, err := s.clients.Stock(s.Context(), region, kind.List(), o)
	if err != nil {
		s.Fatal(err)
	}
	return planner.Collect(stock, o)
}

// does are the lines of a plan of the kinds that distributions leave something of.
func does(p *planner.Plan) (out []string) {
	for _, c := range p.Changes {
		if slices.Contains([]string{"ami", "image", "distribution_configuration"}, c.Addr.Type) {
			out = append(out, fmt.Sprintf("%s %s %s", c.Verb, c.Addr.Type, c.Region))
		}
	}
	slices.Sort(out)
	return out
}

// Copies in regions that a distribution dropped go, unless something points to them, and so do old configurations of distributions, and
// records and AMIs that a later distribution stands in for. The configuration that the image's tag names stays.
func TestCollectWhatDistributionsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", sandbox.Options{})
	distributed := func(distribution string) *record {
		t.Helper()
		s.files = distributedImage(distribution, distributor)
		r := s.build(nil)
		if got := verbs(s.plan(nil)); strings.Contains(got, "create") || strings.Contains(got, "update") {
			t.Fatalf("something is left to do: %s", got)
		}
		return r
	}
	const both, one = `regions = ["eu-west-1", "eu-central-1"]`, `regions = ["eu-west-1"]`
	amis, _ := distributed(both).finished["image.web"].Outputs["amis"].(map[string]any)
	if got := does(s.tidied()); !slices.Equal(got, []string{"none distribution_configuration ", "none image "}) {
		t.Errorf("at first: %q", got)
	}
	distributed(one)
	s.parameterIn("eu-central-1", "PutParameter", map[string]any{"Name": "/web/ami", "Type": "String", "Value": amis["eu-central-1"]})
	p := s.tidied()
	if got := does(p); !slices.Equal(got, []string{"delete distribution_configuration ", "none ami eu-central-1", "none distribution_configuration ", "none image "}) {
		t.Errorf("dropped, but used: %q", got)
	}
	if got := reasonOf(p, "ami"); !strings.HasPrefix(got, "none: stays: parameter /web/ami uses it") {
		t.Errorf("the reason: %s", got)
	}
	s.parameterIn("eu-central-1", "DeleteParameter", map[string]any{"Name": "/web/ami"})
	p = s.tidied()
	if got := does(p); !slices.Equal(got, []string{"delete ami eu-central-1", "delete distribution_configuration ", "none distribution_configuration ", "none image "}) {
		t.Errorf("dropped: %q", got)
	}
	if got := reasonOf(p, "ami"); !strings.Contains(got, "in eu-central-1, which its distribution no longer has") {
		t.Errorf("the reason: %s", got)
	}
	if r := s.run(p); r.err != nil {
		t.Fatal(r.err)
	}
	if got := does(s.tidied()); !slices.Equal(got, []string{"none distribution_configuration ", "none image "}) {
		t.Errorf("and then: %q", got)
	}
	// The region comes back, and AWS makes a record of its own of it, by the configuration as it was: that has to be made again.
	distributed(both)
	p = s.tidied()
	want := []string{"delete ami eu-west-1", "delete distribution_configuration ", "delete image ", "none distribution_configuration ", "none image "}
	if got := does(p); !slices.Equal(got, want) {
		t.Errorf("superseded: %q, want %q", got, want)
	}
	if got := reasonOf(p, "image"); !strings.Contains(got, "/2, which was distributed from it") {
		t.Errorf("the reason: %s", got)
	}
	if r := s.run(p); r.err != nil {
		t.Fatal(r.err)
	}
	if got := verbs(s.plan(nil)); strings.Contains(got, "create") || strings.Contains(got, "update") {
		t.Errorf("after gc something is left to do: %s", got)
	}
	if r := distributed(""); r.finished["image.web"].Outputs["ami"] == amis[region] {
		t.Errorf("the AMI is the one that was deleted: %v", r.finished["image.web"].Outputs)
	}
	p = s.tidied()
	if got := does(p); !slices.Equal(got, []string{"delete ami eu-central-1", "delete distribution_configuration ", "none image "}) {
		t.Errorf("no distribution: %q", got)
	}
	if r := s.run(p); r.err != nil {
		t.Fatal(r.err)
	}
}
