package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// sitePlan makes one image of its own components and reuses another; with changed false all of it is there.
func sitePlan(changed bool) *planner.Plan {
	f := newFixture()
	verb := func(c *planner.Change) *planner.Change {
		if !changed {
			c.Verb, c.Op = planner.None, ""
		}
		return c
	}
	why := func(s string) string {
		if changed {
			return s
		}
		return "unchanged"
	}
	f.add("site", why("new"), verb(change("component.site", component, planner.Create,
		planner.Object{"name": "site", "semanticVersion": "1.77.5", "platform": "Linux"})))
	f.add("site", "unchanged", change("infrastructure_configuration.site", infra, planner.None,
		planner.Object{"name": "site-3f9a01c2d4e5", "instanceTypes": []any{"t3.medium", "t3.large"}}))
	f.add("site", why("new"), verb(change("distribution_configuration.site", distro, planner.Create,
		planner.Object{"name": "site-77aa", "distributions": []any{map[string]any{"region": "eu-west-1"}, map[string]any{"region": "eu-central-1"}}})))
	f.add("site", why("the parent image changed: ami-0aaaabbbbccccdddd is now ami-0ddddccccbbbbaaaa"), verb(change("image_recipe.site", recipe, planner.Create,
		planner.Object{"name": "site", "semanticVersion": "1.4.5", "parentImage": parentARN, "components": []any{map[string]any{"componentArn": ref("component.site", "arn")}}})))
	site := f.add("site", why("new: its recipe is new"), verb(change("image.site", image, planner.Create, planner.Object{
		"imageRecipeArn": ref("image_recipe.site", "arn"), "infrastructureConfigurationArn": ref("infrastructure_configuration.site", "arn"),
		"distributionConfigurationArn": ref("distribution_configuration.site", "arn"),
	})))
	site.Estimate = 14*time.Minute + 5*time.Second
	if !changed {
		site.Observed = available("site", "ami-0123456789abcdef0")
	}
	tools := f.add("tools", "reused: the same recipe was built on 20 November 2026", change("image.tools", image, planner.None, planner.Object{}))
	tools.Observed = available("tools", "ami-0fedcba9876543210")
	return f.Plan
}

func available(name, ami string) *planner.Observed {
	return &planner.Observed{Exists: true, State: "AVAILABLE", Outputs: map[string]any{
		"arn": "arn:aws:imagebuilder:eu-west-1:123456789012:image/" + name + "/1.4.5/1", "ami": ami, "amis": map[string]any{"eu-west-1": ami},
	}}
}

// siteEvents are a run of sitePlan up to the end, or to the middle of the image's build.
func siteEvents(whole bool) []executor.Event {
	s := time.Second
	out := []executor.Event{
		executor.Started{Addr: addr("infrastructure_configuration.site"), At: after(0), Verb: planner.None},
		executor.Finished{Addr: addr("infrastructure_configuration.site"), At: after(0), Status: executor.Unchanged},
		executor.Started{Addr: addr("image.tools"), At: after(0), Verb: planner.None},
		executor.Finished{Addr: addr("image.tools"), At: after(0), Status: executor.Unchanged, Outputs: executor.Outputs{"ami": "ami-0fedcba9876543210", "amis": map[string]any{"eu-west-1": "ami-0fedcba9876543210"}}},
	}
	for i, a := range []string{"component.site", "distribution_configuration.site", "image_recipe.site"} {
		out = append(out, executor.Started{Addr: addr(a), At: after(time.Duration(i) * s), Verb: planner.Create},
			executor.Finished{Addr: addr(a), At: after(time.Duration(i+1) * s), Status: executor.Applied, Outputs: executor.Outputs{"arn": "arn:" + a}})
	}
	out = append(out, executor.Started{Addr: addr("image.site"), At: after(4 * s), Verb: planner.Create},
		executor.Progressed{Addr: addr("image.site"), At: after(20 * s), State: "BUILDING", Step: "ApplyBuildComponents"})
	for i := range 30 {
		out = append(out, executor.Log{Addr: addr("image.site"), At: after(time.Duration(30+i) * s), Source: "1.4.5/1", Line: fmt.Sprintf("Installing package %d of 30", i+1)})
	}
	if !whole {
		return out
	}
	return append(out, executor.Finished{Addr: addr("image.site"), At: after(612 * s), Status: executor.Applied, Outputs: executor.Outputs{
		"arn": "arn:aws:imagebuilder:eu-west-1:123456789012:image/site/1.4.5/1",
		"ami": "ami-0123456789abcdef0", "amis": map[string]any{"eu-west-1": "ami-0123456789abcdef0", "eu-central-1": "ami-0ddddddddddddddd0"},
	}})
}

// pullRequestRun is a run of pullRequestPlan.
func pullRequestRun() *report.Document {
	r := folded(pullRequestPlan(), report.Meta{Sandbox: true}, siteEvents(true))
	for _, a := range []string{"distribution_configuration.site", "image_pipeline.weekly"} {
		r.Fold(executor.Started{Addr: addr(a), At: after(0), Verb: planner.Later})
		r.Fold(executor.Finished{Addr: addr(a), At: after(time.Second), Status: executor.Unchanged})
	}
	return report.RunDocument(r, time.Time{}, about("build"))
}

func builtSite() *report.Document {
	return report.RunDocument(folded(sitePlan(true), report.Meta{}, siteEvents(true)), time.Time{}, about("build"))
}

// interrupted is a run of sitePlan that a signal ended while the image was built.
func interrupted() *report.Document {
	events := append(siteEvents(false), executor.Finished{
		Addr: addr("image.site"), At: after(90 * time.Second), Status: executor.Canceled,
		Err: &executor.InterruptedError{Fate: "the build goes on: imagebuild build waits for it", Lives: true},
	})
	return report.RunDocument(folded(sitePlan(true), report.Meta{}, events), time.Time{}, about("build"))
}

// pullRequestPlan is sitePlan for a pull request, which leaves distribution and a pipeline to its merge.
func pullRequestPlan() *planner.Plan {
	f := &fixture{sitePlan(true)}
	f.PullRequest = &planner.PullRequest{Repository: "octo-org/images", Number: 42, Expires: 14 * 24 * time.Hour}
	for _, c := range f.Changes {
		switch c.Kind {
		case distro:
			c.Verb, c.Op, c.Reason = planner.Later, "", "not in a pull request: it is needed beyond the region built in alone; the merge creates it"
		case image:
			if c.Verb == planner.Create {
				c.Left, c.Reason = "distribution is left to the merge", c.Reason+"; distribution is left to the merge"
			}
		}
	}
	f.add("", "not in a pull request: builds on a schedule would follow it; the merge updates it (differs: schedule)",
		change("image_pipeline.weekly", pipeline, planner.Later, planner.Object{"name": "weekly", "imageRecipeArn": ref("image_recipe.site", "arn")}))
	return f.Plan
}

// warned is a plan with a warning of its own and one from on the way to it.
func warned() *report.Document {
	p := pullRequestPlan()
	p.Diags = hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Version left to AWS", Detail: "The recipe is tied to no version of its parent: each build may start from another.", Subject: new(at(2, 3, 12))}}
	way := hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Unused variable", Detail: "Nothing refers to it."}}
	return report.PlanDocument(p, way, about("plan"))
}

func mistakes() *report.Document {
	a := about("validate")
	a.Files = newFixture().Graph.Config.Files
	return report.MistakesDocument(hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "Unsupported argument", Detail: `An argument named "regoins" is not expected here. Did you mean "regions"?`, Subject: new(at(4, 3, 7))},
		{Severity: hcl.DiagError, Summary: "Script with a syntax error", Detail: "a command substitution is not closed.\nClose it, or write \\$ for a dollar sign.", Subject: new(at(10, 2, 19))},
		{Severity: hcl.DiagWarning, Summary: "Old instance type", Detail: "t2.micro is of the generation before.", Subject: new(at(3, 3, 21))},
	}, a)
}

func checked() *report.Document {
	return report.ChecksDocument([]report.Check{
		{Name: "id-token", Outcome: report.CheckPassed, Detail: "GitHub gives this job tokens"},
		{Name: "role", Outcome: report.CheckFailed, Detail: "AWS refused to let repo:octo-org/images:pull_request assume the role", Hint: "add this sub to the trust policy: imagebuild doctor prints it"},
		{Name: "cancel-in-progress", Outcome: report.CheckWarning, Detail: "the workflow cancels runs that go on", Hint: "set it to false for builds"},
		{Name: "quotas", Outcome: report.CheckSkipped, Detail: "there are no credentials"},
	}, about("doctor"))
}

// longRun has more logs than a comment holds, and more images than its graph.
func longRun() *report.Document {
	f := newFixture()
	var events []executor.Event
	for i := range 80 {
		name := fmt.Sprintf("image.web-%02d", i)
		f.add(fmt.Sprintf("web-%02d", i), "new", change(name, image, planner.Create, planner.Object{"parentImage": ref(fmt.Sprintf("image.web-%02d", i/2), "ami")}))
		events = append(events, executor.Started{Addr: addr(name), At: after(0), Verb: planner.Create})
		for n := range 200 {
			events = append(events, executor.Log{Addr: addr(name), At: after(time.Second), Line: fmt.Sprintf("line %d: %s", n+1, strings.Repeat("x", 60))})
		}
		end := executor.Finished{Addr: addr(name), At: after(600 * time.Second), Status: executor.Applied, Outputs: executor.Outputs{"ami": fmt.Sprintf("ami-%017d", i)}}
		if i == 7 {
			end.Status, end.Outputs, end.Err = executor.Failed, nil, &executor.Failure{Message: "exit status 7", Phase: "build", Step: "01-shell", ExitStatus: "exit status 7", Stderr: "no such package", Range: at(10, 2, 19)}
		}
		events = append(events, end)
	}
	return report.RunDocument(folded(f.Plan, report.Meta{}, events), time.Time{}, about("build"))
}

// hostileRun has names, reasons and logs that try to be something else.
func hostileRun() *report.Document {
	p := hostilePlan()
	var events []executor.Event
	for i, c := range p.Changes {
		s := hostile[i/2]
		events = append(events, executor.Started{Addr: c.Addr, At: after(0), Verb: c.Verb}, executor.Log{Addr: c.Addr, At: after(time.Second), Line: s + s})
		events = append(events, executor.Finished{Addr: c.Addr, At: after(2 * time.Second), Status: executor.Failed, Outputs: executor.Outputs{"ami": s}, Err: &executor.Failure{
			Message: s, Code: s, RequestID: s, Step: s, Phase: s, Action: s, ExitStatus: s, Stderr: s + "\n" + s, LogGroup: s,
			Range: hcl.Range{Filename: s, Start: hcl.Pos{Line: 1, Column: 1}, End: hcl.Pos{Line: 1, Column: 2}},
		}})
	}
	a := about("build")
	a.Path, a.Leg = hostile[6], hostile[9]
	return report.RunDocument(folded(p, report.Meta{}, events[:3*2*4]), time.Time{}, a)
}

// hostileLogs is one image whose provisioner printed everything of the kind, and failed with it.
func hostileLogs() *report.Document {
	all := strings.Join(hostile, "\n")
	f := newFixture()
	f.add("web", "new", change("image.web", image, planner.Create, planner.Object{}))
	events := []executor.Event{executor.Started{Addr: addr("image.web"), At: after(0), Verb: planner.Create}}
	for _, line := range hostile {
		events = append(events, executor.Log{Addr: addr("image.web"), At: after(time.Second), Line: line})
	}
	events = append(events, executor.Finished{Addr: addr("image.web"), At: after(time.Minute), Status: executor.Failed, Err: &executor.Failure{
		Code: "BuildFailed", Message: all, Phase: "build", Step: "01-shell", Action: "ExecuteBash", ExitStatus: "exit status 1", Stderr: all, Range: at(10, 2, 19),
	}})
	return report.RunDocument(folded(f.Plan, report.Meta{}, events), time.Time{}, about("build"))
}

// matrix is three legs: one built, one failed, one that had nothing to do.
func matrix() []*report.Document {
	built, failed := builtSite(), failedRun()
	nothing := report.PlanDocument(sitePlan(false), nil, about("build"))
	for i, leg := range []string{"eu-west-1, x86_64", "eu-west-1, arm64", "us-east-1, x86_64"} {
		[]*report.Document{built, failed, nothing}[i].Leg = leg
	}
	return []*report.Document{built, failed, nothing}
}

type documentCase struct {
	name string
	docs []*report.Document
}

func documentCases(t *testing.T) []documentCase {
	t.Helper()
	one := func(d *report.Document) []*report.Document { return []*report.Document{d} }
	running := report.RunDocument(folded(sitePlan(true), report.Meta{}, siteEvents(false)), after(5*time.Minute), about("build"))
	cases := []documentCase{
		{"success", one(builtSite())},
		{"failure", one(failedRun())},
		{"reuse", one(report.PlanDocument(sitePlan(true), nil, about("plan")))},
		{"no-change", one(report.PlanDocument(sitePlan(false), nil, about("plan")))},
		{"too-long", one(longRun())},
		{"hostile", one(hostileRun())},
		{"hostile-logs", one(hostileLogs())},
		{"matrix", matrix()},
		{"pull-request-plan", one(warned())},
		{"pull-request-build", one(pullRequestRun())},
		{"cancelled", one(interrupted())},
		{"running", one(running)},
		{"test", one(rehearsedDocument(t))},
		{"mistakes", one(mistakes())},
		{"doctor", one(checked())},
	}
	for _, c := range cases {
		for _, d := range c.docs {
			if d.PlanDigest != "" { // that of a plan is the planner's to test
				d.PlanDigest = "sha256:" + strings.Repeat("0123456789abcdef", 4)
			}
		}
	}
	return cases
}
