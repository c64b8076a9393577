package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ownSHA   = "1111111111111111111111111111111111111111"
	headSHA  = "2222222222222222222222222222222222222222"
	mergeSHA = "3333333333333333333333333333333333333333"
)

// TestJudge holds every rule about what may be done after which event.
func TestJudge(t *testing.T) {
	base := trigger{event: "push", sha: ownSHA, checkedOut: ownSHA}
	with := func(change func(*trigger)) trigger {
		c := base
		change(&c)
		return c
	}
	target := func(event, out string, from int) trigger {
		return with(func(c *trigger) {
			c.event, c.checkedOut, c.head, c.headOwn, c.fork = event, out, headSHA, from == 7, from != 7
		})
	}
	for name, tt := range map[string]struct {
		trigger     trigger
		command     string
		override    bool
		credentials bool
		refused     bool
	}{
		"push":                                        {base, "build", false, true, false},
		"a pull request of the repository":            {with(func(c *trigger) { c.event, c.checkedOut = "pull_request", mergeSHA }), "build", false, true, false},
		"a fork's plan":                               {with(func(c *trigger) { c.event, c.fork = "pull_request", true }), "plan", false, false, false},
		"a fork's build is planned":                   {with(func(c *trigger) { c.event, c.fork = "pull_request", true }), "build", false, false, false},
		"the override gives a fork nothing":           {with(func(c *trigger) { c.event, c.fork = "pull_request", true }), "build", true, false, false},
		"Dependabot":                                  {with(func(c *trigger) { c.event, c.dependabot = "push", true }), "build", false, false, false},
		"pull_request_target, the default branch":     {target("pull_request_target", ownSHA, 8), "build", false, true, false},
		"pull_request_target, a fork's head":          {target("pull_request_target", headSHA, 8), "build", false, false, true},
		"pull_request_target, a fork's merge":         {target("pull_request_target", mergeSHA, 8), "gc", false, false, true},
		"pull_request_target, a branch's head":        {target("pull_request_target", headSHA, 7), "build", false, true, false},
		"pull_request_target, nobody knows what":      {target("pull_request_target", "", 7), "build", false, false, true},
		"pull_request_target, nobody knows whose":     {target("pull_request_target", headSHA, 0), "build", false, false, true},
		"pull_request_target, a fork's plan":          {target("pull_request_target", headSHA, 8), "plan", false, false, false},
		"pull_request_target, the override":           {target("pull_request_target", headSHA, 8), "build", true, true, false},
		"workflow_run, a fork's head":                 {target("workflow_run", headSHA, 8), "build", false, false, true},
		"workflow_run, the default branch":            {target("workflow_run", ownSHA, 8), "gc", false, true, false},
		"issue_comment, the pull request's head":      {target("issue_comment", headSHA, 8), "build", false, false, true},
		"issue_comment, a branch of the repository's": {target("issue_comment", headSHA, 7), "build", false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(tt.trigger, tt.command, tt.override)
			if got.credentials != tt.credentials || (got.refused != "") != tt.refused {
				t.Errorf("got %+v, want credentials %v, refused %v", got, tt.credentials, tt.refused)
			}
			if got.refused != "" && !strings.Contains(got.hint, untrustedInput) {
				t.Errorf("the hint does not name the override: %s", got.hint)
			}
			if !got.credentials && got.refused == "" && got.notice == "" {
				t.Error("nothing says why there are no credentials")
			}
		})
	}
}

func TestCheckedOut(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"an id":               {map[string]string{"HEAD": ownSHA + "\n"}, ownSHA},
		"a branch":            {map[string]string{"HEAD": "ref: refs/heads/main\n", "refs/heads/main": headSHA + "\n"}, headSHA},
		"a packed branch":     {map[string]string{"HEAD": "ref: refs/heads/main\n", "packed-refs": "# pack-refs\n" + headSHA + " refs/heads/main\n"}, headSHA},
		"a branch not born":   {map[string]string{"HEAD": "ref: refs/heads/main\n"}, ""},
		"no id":               {map[string]string{"HEAD": "main\n"}, ""},
		"round and round":     {map[string]string{"HEAD": "ref: HEAD\n"}, ""},
		"out of the checkout": {map[string]string{"HEAD": "ref: ../secret\n", "../secret": ownSHA}, ""},
		"nothing":             {nil, ""},
		"another inside":      {map[string]string{"HEAD": ownSHA, "../images/web.ib.hcl": "", "../images/.git/HEAD": headSHA}, headSHA},
		"nobody knows inside": {map[string]string{"HEAD": ownSHA, "../images/.git": "gitdir: elsewhere"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tt.files {
				path := filepath.Join(dir, ".git", file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := checkedOut(dir, filepath.Join(dir, "images"))
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
