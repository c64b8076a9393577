package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/imagebuild-action/internal/githubtest"
)

// scriptGitHub holds what a script's command github has started.
type scriptGitHub struct{ server *githubtest.Server }

// scriptTB is what githubtest wants of a test, in a script.
type scriptTB struct{ *testscript.TestScript }

func (scriptTB) Helper() {}

func (t scriptTB) Cleanup(f func()) { t.Defer(f) }

func (t scriptTB) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

func (t scriptTB) Errorf(format string, args ...any) { t.Logf(format, args...) }

const (
	scriptHead  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	scriptMerge = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// githubCommand is a script's GitHub:
//
//	github start              serves one with the open pull request 7
//	github job EVENT [KEY=VALUE...]   begins a job: its variables are the script's from now on
//	github comments FILE      writes the bodies of the pull request's comments to a file
//	github state FILE         writes all it keeps to a file, as JSON
//	github fail PATH STATUS MESSAGE   lets requests fail from now on
func githubCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: github start|job|comments|state|fail")
	}
	here := ts.Value(scriptGitHub{}).(*scriptGitHub)
	if args[0] == "start" {
		s := githubtest.Start(scriptTB{ts}, githubtest.Options{})
		s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: scriptHead})
		here.server = s
		return
	}
	s := here.server
	if s == nil {
		ts.Fatalf("github start comes first")
	}
	for _, e := range s.State().Problems {
		ts.Fatalf("%s %s is not as GitHub describes it: %s", e.Method, e.Path, e.Problem)
	}
	switch args[0] {
	case "job":
		beginScriptJob(ts, s, args[1], args[2:])
	case "comments":
		var b strings.Builder
		for _, c := range s.Comments(7) {
			fmt.Fprintf(&b, "%s\n", c.Body)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
	case "state":
		raw, err := json.MarshalIndent(s.State(), "", " ")
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), raw, 0o644))
	case "fail":
		status, err := strconv.Atoi(args[2])
		ts.Check(err)
		s.Fail(githubtest.Fault{Path: args[1], Status: status, Message: args[3]})
	default:
		ts.Fatalf("github has no %s", args[0])
	}
}

func beginScriptJob(ts *testscript.TestScript, s *githubtest.Server, event string, settings []string) {
	j := githubtest.Job{Event: event, SHA: scriptMerge, RunID: 100}
	if strings.HasPrefix(event, "pull_request") {
		j.Ref, j.Payload = "refs/pull/7/merge", s.PullRequestEvent(7, "synchronize")
	}
	switch event {
	case "issue_comment":
		j.Ref, j.Payload = "refs/heads/main", map[string]any{"action": "created", "issue": map[string]any{"number": 7, "pull_request": map[string]any{}}}
	case "merge_group":
		j.Ref = "refs/heads/gh-readonly-queue/main/pr-7-" + scriptMerge
		j.Payload = map[string]any{"action": "checks_requested", "merge_group": map[string]any{"head_sha": scriptMerge, "head_ref": j.Ref}}
	}
	token := githubtest.TokenWrite
	for _, set := range settings {
		name, value, _ := strings.Cut(set, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "run":
			j.RunID = n
		case "attempt":
			j.RunAttempt = n
		case "sha":
			j.SHA = value
		case "actor":
			j.Actor = value
		case "fork":
			s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: scriptHead, HeadRepo: value, HeadRepoID: 99})
			j.Payload, j.NoIdentity, token = s.PullRequestEvent(7, "synchronize"), true, githubtest.TokenRead
		default:
			ts.Fatalf("a job has no %s", name)
		}
	}
	dir := ts.MkAbs("job")
	ts.Check(os.MkdirAll(dir, 0o755))
	env, err := s.Environ(dir, j)
	ts.Check(err)
	env["GITHUB_WORKSPACE"], env["HOME"], env["INPUT_GITHUB-TOKEN"] = ts.Getenv("WORK"), dir+"/home", token
	env["RUNNER_TEMP"] = dir
	for _, name := range slices.Sorted(maps.Keys(env)) {
		ts.Setenv(name, env[name])
	}
	for _, name := range []string{"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"} {
		if _, given := env[name]; !given {
			ts.Setenv(name, "")
		}
	}
}
