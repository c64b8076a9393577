package aws_test

import (
	"testing"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// Another attempt of a run goes on where the first one stopped: what is there is not made again.
func TestAnotherAttemptGoesOn(t *testing.T) {
	s := newSite(t, spread, sandbox.Options{Faults: []sandbox.Fault{{Operation: "CreateImage", Code: "ForbiddenException"}}})
	if r := s.run(s.plan(pullRequest(1))); r.err == nil {
		t.Fatal("CreateImage was refused, and the run ended well")
	}
	p := s.plan(pullRequest(1))
	if got := verbs(p); got != "1 create, 3 none" {
		t.Errorf("the second attempt: %s", got)
	}
	if r := s.run(p); r.err != nil {
		t.Fatal(r.err)
	}
	for op, want := range map[string]int{"CreateImage": 2, "CreateImageRecipe": 1, "CreateInfrastructureConfiguration": 1, "CreateDistributionConfiguration": 1} {
		if got := s.server.Calls()["imagebuilder:"+op]; got != want {
			t.Errorf("%s was called %d times; want %d", op, got, want)
		}
	}
	if got := verbs(s.plan(pullRequest(1))); got != "4 none" {
		t.Errorf("and then: %s", got)
	}
}
