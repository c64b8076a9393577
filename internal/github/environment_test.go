package github_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

func environment(t *testing.T, vars map[string]string, payload string) (*github.Environment, error) {
	t.Helper()
	all := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "o/r", "GITHUB_REPOSITORY_ID": "1", "GITHUB_REPOSITORY_OWNER_ID": "2",
		"GITHUB_SHA": otherSHA, "GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "push", "GITHUB_RUN_ID": "5", "GITHUB_RUN_ATTEMPT": "2",
		"GITHUB_ACTOR": "octocat", "GITHUB_WORKSPACE": "/github/workspace",
	}
	maps.Copy(all, vars)
	if payload != "" {
		all["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(all["GITHUB_EVENT_PATH"], []byte(payload), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return github.ReadEnvironment(func(k string) string { return all[k] })
}

const (
	ownHead  = `{"ref":"topic","sha":"` + headSHA + `","repo":{"id":1,"full_name":"o/r"}}`
	forkHead = `{"ref":"topic","sha":"` + headSHA + `","repo":{"id":9,"full_name":"fork/r"}}`
	goneHead = `{"ref":"topic","sha":"` + headSHA + `","repo":null}`
)

func TestEvents(t *testing.T) {
	for _, tt := range []struct {
		name, event, ref, payload string
		number                    int
		head                      string
		fork                      bool
	}{
		{"pull request", "pull_request", "refs/pull/7/merge", `{"number":7,"pull_request":{"number":7,"head":` + ownHead + `}}`, 7, headSHA, false},
		{"of a fork", "pull_request", "refs/pull/7/merge", `{"number":7,"pull_request":{"number":7,"head":` + forkHead + `}}`, 7, headSHA, true},
		{"of a deleted fork", "pull_request", "refs/pull/7/merge", `{"number":7,"pull_request":{"number":7,"head":` + goneHead + `}}`, 7, headSHA, true},
		{"closed", "pull_request", "refs/heads/main", `{"action":"closed","number":7,"pull_request":{"number":7,"state":"closed","merged":true,"head":` + ownHead + `}}`, 7, headSHA, false},
		{"the payload before the ref", "pull_request", "refs/pull/8/merge", `{"number":7,"pull_request":{"number":7,"head":` + ownHead + `}}`, 7, headSHA, false},
		{"only the ref", "pull_request", "refs/pull/8/merge", "", 8, otherSHA, false},
		{"target", "pull_request_target", "refs/heads/main", `{"number":7,"pull_request":{"number":7,"head":` + forkHead + `}}`, 7, headSHA, true},
		{"review", "pull_request_review", "refs/pull/7/merge", `{"pull_request":{"number":7,"head":` + ownHead + `}}`, 7, headSHA, false},
		{"a comment on a pull request", "issue_comment", "refs/heads/main", `{"issue":{"number":7,"pull_request":{"url":"x"}}}`, 7, otherSHA, false},
		{"a comment on an issue", "issue_comment", "refs/heads/main", `{"issue":{"number":7}}`, 0, otherSHA, false},
		{"a comment on an issue, null", "issue_comment", "refs/heads/main", `{"issue":{"number":7,"pull_request":null}}`, 0, otherSHA, false},
		{"workflow run", "workflow_run", "refs/heads/main", `{"workflow_run":{"head_sha":"` + headSHA + `","head_repository":{"id":1},"pull_requests":[{"number":7,"head":{"sha":"` + headSHA + `"}}]}}`, 7, headSHA, false},
		{"workflow run of several", "workflow_run", "refs/heads/main", `{"workflow_run":{"head_sha":"` + headSHA + `","head_repository":{"id":1},"pull_requests":[{"number":6,"head":{"sha":"x"}},{"number":7,"head":{"sha":"` + headSHA + `"}}]}}`, 7, headSHA, false},
		{"workflow run of a fork", "workflow_run", "refs/heads/main", `{"workflow_run":{"head_sha":"` + headSHA + `","head_repository":{"id":9},"pull_requests":[]}}`, 0, headSHA, true},
		{"merge group", "merge_group", "refs/heads/gh-readonly-queue/release/1.x/pr-12-" + otherSHA, `{"merge_group":{"head_sha":"` + otherSHA + `"}}`, 12, otherSHA, false},
		{"push", "push", "refs/heads/main", `{}`, 0, otherSHA, false},
		{"a branch that looks like one", "push", "refs/heads/refs/pull/7/merge", `{}`, 0, otherSHA, false},
		{"a number too large", "push", "refs/pull/12345678901/merge", "", 0, otherSHA, false},
		{"a negative number", "pull_request", "x", `{"number":-7}`, 0, otherSHA, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := environment(t, map[string]string{"GITHUB_EVENT_NAME": tt.event, "GITHUB_REF": tt.ref}, tt.payload)
			if err != nil {
				t.Fatal(err)
			}
			if e.PullRequest != tt.number || e.Head != tt.head || e.Fork != tt.fork {
				t.Errorf("number %d, head %.7s, fork %v", e.PullRequest, e.Head, e.Fork)
			}
		})
	}
}

func TestDependabot(t *testing.T) {
	const payload = `{"number":7,"pull_request":{"number":7,"user":{"login":"dependabot[bot]"},"head":` + ownHead + `}}`
	for _, tt := range []struct {
		event, actor string
		want         bool
	}{
		{"pull_request", "dependabot[bot]", true},
		{"pull_request_review", "dependabot[bot]", true},
		{"pull_request_review_comment", "dependabot[bot]", true},
		{"push", "dependabot[bot]", true},
		{"create", "dependabot[bot]", true},
		{"deployment", "dependabot[bot]", true},
		{"deployment_status", "dependabot[bot]", true},
		{"pull_request", "octocat", false}, // somebody pushed to Dependabot's branch
		{"push", "dependabot-preview[bot]", false},
		{"pull_request_target", "dependabot[bot]", false},
		{"issue_comment", "dependabot[bot]", false},
		{"workflow_run", "dependabot[bot]", false},
		{"merge_group", "dependabot[bot]", false},
		{"workflow_dispatch", "dependabot[bot]", false},
		{"schedule", "dependabot[bot]", false}, // it merged last
		{"delete", "dependabot[bot]", false},
	} {
		e, err := environment(t, map[string]string{"GITHUB_EVENT_NAME": tt.event, "GITHUB_ACTOR": tt.actor}, payload)
		if err != nil || e.Dependabot != tt.want {
			t.Errorf("%s by %s: %v %v", tt.event, tt.actor, e.Dependabot, err)
		}
	}
}

func TestServers(t *testing.T) {
	for api, graphql := range map[string]string{"": "https://api.github.com/graphql", "https://ghe.example/api/v3/": "https://ghe.example/api/graphql", "https://api.sub.ghe.com": "https://api.sub.ghe.com/graphql"} {
		e, err := environment(t, map[string]string{"GITHUB_API_URL": api}, "")
		if err != nil || e.GraphQLURL != graphql || strings.HasSuffix(e.APIURL, "/") {
			t.Errorf("%q: %q %q %v", api, e.APIURL, e.GraphQLURL, err)
		}
	}
	e, err := environment(t, map[string]string{"GITHUB_API_URL": "javascript:1", "GITHUB_RUN_ID": "x"}, "[]")
	for _, part := range []string{"GITHUB_API_URL", "GITHUB_RUN_ID", "reading the event"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not in %v", part, err)
		}
	}
	if e.APIURL != "https://api.github.com" || e.RunAttempt != 2 {
		t.Errorf("%+v", e)
	}
}

func TestURLsOfTheRun(t *testing.T) {
	e, err := environment(t, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.JobURL(); got != "https://github.com/o/r/actions/runs/5/attempts/2" {
		t.Error(got)
	}
	e.CheckRunID = 77
	if got := e.JobURL(); got != "https://github.com/o/r/actions/runs/5/job/77" {
		t.Error(got)
	}
	if got := new(github.Environment).RunURL(); got != "" {
		t.Error(got)
	}
}

func TestRepositoryPaths(t *testing.T) {
	e := &github.Environment{Workspace: "/github/workspace"}
	for _, tt := range []struct{ dir, file, want string }{
		{"images", "web.pkr.hcl", "images/web.pkr.hcl"},
		{"", "web.pkr.hcl", "web.pkr.hcl"},
		{"/github/workspace/images", "../web.pkr.hcl", "web.pkr.hcl"},
		{"images", "/github/workspace/images/a.hcl", "images/a.hcl"},
		{"images", "../../etc/passwd", ""},
		{"images", "/etc/passwd", ""},
	} {
		got, ok := e.RepositoryPath(tt.dir, tt.file)
		if ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s in %s is %q, %v", tt.file, tt.dir, got, ok)
		}
	}
	if _, ok := new(github.Environment).RepositoryPath("", "a"); ok {
		t.Error("without a workspace there is a path")
	}
}

func TestPayloadLimit(t *testing.T) {
	if _, err := github.ParsePayload(strings.NewReader(`{"action":"` + strings.Repeat("x", 26<<20) + `"}`)); err == nil || !strings.Contains(err.Error(), "larger than 25 MiB") {
		t.Error(err)
	}
	if e, err := environment(t, map[string]string{"GITHUB_EVENT_PATH": filepath.Join(t.TempDir(), "none")}, ""); err != nil || e.Fork {
		t.Error(err)
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(`{"number":7,"pull_request":{"number":7,"head":`+forkHead+`}}`, "pull_request")
	f.Add(`{"workflow_run":{"pull_requests":[null,{"number":1e3}]}}`, "workflow_run")
	f.Add(`{"issue":{"number":7,"pull_request":{}}}`, "issue_comment")
	f.Add(`null`, "push")
	f.Fuzz(func(t *testing.T, payload, event string) {
		p, err := github.ParsePayload(strings.NewReader(payload))
		if n, _ := p.Told(event); n < 0 || err != nil && n != 0 && p.Number == 0 && p.PullRequest.Number == 0 {
			t.Fatalf("number %d, %v", n, err)
		}
	})
}

func TestFindPullRequest(t *testing.T) {
	s, err := githubtest.New(githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	merge := strings.Repeat("d", 40)
	s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: headSHA})
	s.SetPullRequest(githubtest.PullRequest{Number: 8, HeadSHA: strings.Repeat("e", 40), MergeSHA: merge})
	s.SetPullRequest(githubtest.PullRequest{Number: 9, HeadSHA: strings.Repeat("f", 40), Commits: []string{headSHA, merge}})
	s.SetPullRequest(githubtest.PullRequest{Number: 10, HeadSHA: strings.Repeat("c", 40), HeadRepo: "fork/r", HeadRepoID: 9, HeadRef: "feature"})
	s.SetPullRequest(githubtest.PullRequest{Number: 11, HeadSHA: strings.Repeat("9", 40), HeadRepo: "fork/r", HeadRepoID: 9, HeadRef: "other"})
	for _, tt := range []struct {
		name    string
		job     githubtest.Job
		payload string
		want    int
	}{
		{"the merge of one", githubtest.Job{SHA: merge}, "{}", 8},
		{"the head of one", githubtest.Job{SHA: headSHA}, "{}", 7},
		{"none", githubtest.Job{SHA: otherSHA}, "{}", 0},
		{"a fork's workflow run", githubtest.Job{Event: "workflow_run", SHA: otherSHA}, `{"workflow_run":{"head_sha":"` + strings.Repeat("c", 40) + `","head_branch":"feature","head_repository":{"id":9,"full_name":"fork/r"},"pull_requests":[]}}`, 10},
		{"a fork's that has gone on", githubtest.Job{Event: "workflow_run", SHA: otherSHA}, `{"workflow_run":{"head_sha":"` + strings.Repeat("0", 40) + `","head_branch":"feature","head_repository":{"id":9,"full_name":"fork/r"},"pull_requests":[]}}`, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			vars, err := s.Environ(dir, tt.job)
			if err != nil {
				t.Fatal(err)
			}
			if err = os.WriteFile(vars["GITHUB_EVENT_PATH"], []byte(tt.payload), 0o600); err != nil {
				t.Fatal(err)
			}
			env, err := github.ReadEnvironment(func(k string) string { return vars[k] })
			if err != nil {
				t.Fatal(err)
			}
			c, err := github.NewClient(env, github.ClientOptions{Token: githubtest.TokenRead, Transport: s})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := c.FindPullRequest(t.Context()); n != tt.want || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
}

func TestForbiddenLookUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		s.AddToken("none", githubtest.Account{Login: githubtest.ActionsLogin})
		_, err := client(t, s, "none").FindPullRequest(t.Context())
		if u := github.Unavailable(err); u == nil || !strings.Contains(u.Error(), "pull-requests: read") {
			t.Error(err)
		}
	})
}
