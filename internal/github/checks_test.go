package github_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

func TestCheckRuns(t *testing.T) {
	s := fake(t, githubtest.Options{})
	c := clientOf(t, s, githubtest.TokenWrite, func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") })
	k := github.CheckRun{Name: "imagebuild", HeadSHA: headSHA, Conclusion: "failure", Title: "1 failed\nhunter2", Summary: "**hunter2**", Text: strings.Repeat("é", github.CheckLimit)}
	for i := range 120 {
		k.Annotations = append(k.Annotations, github.Annotation{Level: github.Failure, Path: "web.ib.hcl", Line: i + 1, Column: 3, Title: "hunter2", Message: fmt.Sprint("finding ", i)})
	}
	k.Annotations = append(k.Annotations, github.Annotation{Level: github.Warning, Message: "without a place"}, github.Annotation{Level: github.Notice, Path: "a", Line: 2, EndLine: 4, Column: 9, Title: "t"})
	id, err := c.CreateCheck(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	got := s.CheckRuns()[0]
	if got.ID != id || got.Status != "completed" || got.Conclusion != "failure" || got.Title != "1 failed\ufffd***" || got.Summary != "*******" || len(got.Annotations) != 121 || got.HeadSHA != headSHA {
		t.Errorf("%d %q %q %q %q, %d annotations", got.ID, got.Status, got.Conclusion, got.Title, got.Summary, len(got.Annotations))
	}
	if a := got.Annotations[119]; a["message"] != "finding 119" || a["start_line"] != 120.0 || a["title"] != "***" {
		t.Errorf("%v", a)
	}
	if n := len(s.Log()); n != 3 {
		t.Errorf("%d requests", n)
	}
	if err = c.UpdateCheck(t.Context(), id, github.CheckRun{Title: "still failing", Summary: "x", Annotations: k.Annotations[:1]}); err != nil {
		t.Error(err)
	}
	if got = s.CheckRuns()[0]; got.Title != "still failing" || len(got.Annotations) != 122 || got.Name != "imagebuild" || got.Conclusion != "failure" {
		t.Errorf("%q %q, %d annotations", got.Name, got.Title, len(got.Annotations))
	}
	k.Summary = strings.Repeat("x", github.CheckLimit+1)
	if _, err = c.CreateCheck(t.Context(), k); err == nil || !strings.Contains(err.Error(), "65536 characters, more than 65535") {
		t.Error(err)
	}
}

func TestACheckRunThatGoesOn(t *testing.T) {
	s := fake(t, githubtest.Options{})
	c := client(t, s, githubtest.TokenWrite)
	id, err := c.CreateCheck(t.Context(), github.CheckRun{Name: "imagebuild", HeadSHA: headSHA, Title: "building", Summary: "…"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CheckRuns()[0]; got.Status != "in_progress" || got.Conclusion != "" {
		t.Errorf("%+v", got)
	}
	if err = c.UpdateCheck(t.Context(), id, github.CheckRun{Title: "done", Summary: "x", Conclusion: "success", DetailsURL: "https://github.com/o/r/actions"}); err != nil {
		t.Fatal(err)
	}
	if got := s.CheckRuns()[0]; got.Status != "completed" || got.Conclusion != "success" || got.Title != "done" {
		t.Errorf("%+v", got)
	}
}

func TestTitleOfTheJob(t *testing.T) {
	s := fake(t, githubtest.Options{})
	id := s.AddCheckRun("build", headSHA)
	env, err := environment(t, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	env.APIURL = s.URL()
	c, err := github.NewClient(env, github.ClientOptions{Token: githubtest.TokenWrite, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	if u := github.Unavailable(c.TitleJob(t.Context(), "x", "y")); u == nil || !strings.Contains(u.Why, "job.check_run_id") {
		t.Error(u)
	}
	env.CheckRunID = id
	if err = c.TitleJob(t.Context(), "2 built, 1 reused", "table"); err != nil {
		t.Error(err)
	}
	if got := s.CheckRuns()[0]; got.Title != "2 built, 1 reused" || got.Status != "in_progress" || got.Name != "build" {
		t.Errorf("%+v", got)
	}
}

func TestChecksThatMayNotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		_, err := client(t, s, githubtest.TokenRead).CreateCheck(t.Context(), github.CheckRun{Name: "x", HeadSHA: headSHA, Title: "t", Summary: "s"})
		if u := github.Unavailable(err); u == nil || !strings.Contains(u.Why, "checks: write") {
			t.Error(err)
		}
	})
}
