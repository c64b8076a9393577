package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/org/imagebuild-action/internal/github"
)

// TestDoor holds what is judged, in a workspace with the repository's own commit at its root and other checkouts below.
func TestDoor(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		".git/HEAD": ownSHA, "own/file": "own", "pr/.git/HEAD": headSHA, "pr/dir/file": "theirs", "pr/own/.git/HEAD": ownSHA, "pr/own/file": "own again",
		"module/.git": "gitdir: ../.git/modules/module", "module/file": "of a submodule", "tree/.git": "gitdir: ../.git/worktrees/tree", "tree/file": "of a worktree",
		"bare/file": "ours", "packed/.git/HEAD": "ref: refs/heads/main", "packed/.git/packed-refs": ownSHA + " refs/heads/main\n", "packed/file": "own",
		"linked/file": "of a checkout whose .git is a link", ".git/config": "extraheader = AUTHORIZATION: basic dG9rZW4=",
		"case/.GIT/config": "token", ".github/file": "own", "own/a.git/config": "of a repository without a tree",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"own/link": "file", "own/stolen": "../pr/dir/file", "own/dir": "../pr/dir", "own/far": "../own/near", "own/near": "../pr/dir",
		"pr/dir/back": "../../own/file", "own/through": "../pr/dir/back", "own/round": "round", "own/absolute": filepath.Join(dir, "pr/dir/file"),
		"own/out": "../../file", "linked/.git": "../.git", "own/config": "../.git/config", "own/git": "../.git", "own/again": "git/config",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	a := &action{
		in: givenInputs{"command": "build"}, env: &github.Environment{Workspace: dir}, ruling: ruling{credentials: true},
	}
	judge := a.judgeOf(trigger{event: "pull_request_target", fork: true, sha: ownSHA, head: headSHA})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	d := newDoor(root.FS(), dir, judge)
	for name, want := range map[string]bool{
		"own/file": true, "own/link": true, "bare/file": true, "packed/file": true, "pr/own/file": true,
		"pr/dir/file": false, "own/stolen": false, "own/dir/file": false, "own/far/file": false, "pr/dir/back": false, "own/through": false,
		"module/file": false, "tree/file": false, "linked/file": false, "own/round": false, "own/absolute": false, "own/out": false,
		"own/../pr/dir/file": false, "pr/dir/missing": false,
		".git/config": false, "own/config": false, "own/git/config": false, "own/again": false, "pr/own/.git/HEAD": false, "module/.git": false,
		"case/.GIT/config": false, ".git/missing": false, ".github/file": true, "own/a.git/config": true,
	} {
		_, err := fs.ReadFile(d, name)
		if (err == nil) != want {
			t.Errorf("reading %s: %v", name, err)
		}
		if _, err := d.Open(name); (err == nil) != want {
			t.Errorf("opening %s: %v", name, err)
		}
		if _, err := fs.Stat(d, name); (err == nil) != want {
			t.Errorf("looking at %s: %v", name, err)
		}
	}
	for name, want := range map[string]bool{"own": true, ".": true, "pr": false, "own/dir": false, "module": false, "pr/own": true} {
		if _, err := fs.ReadDir(d, name); (err == nil) != want {
			t.Errorf("listing %s: %v", name, err)
		}
	}
	// What git keeps is in no listing, and isn't read where all else is.
	free := newDoor(root.FS(), dir, nil)
	if entries, err := fs.ReadDir(free, "pr"); err != nil || len(entries) != 2 || entries[0].Name() != "dir" {
		t.Errorf("pr lists %v, %v", entries, err)
	}
	for name, want := range map[string]bool{".git/config": false, "own/again": false, "pr/dir/file": true} {
		if _, err := fs.ReadFile(free, name); (err == nil) != want {
			t.Errorf("reading %s without a judge: %v", name, err)
		}
	}
	for name, want := range map[string]bool{
		".git": true, ".GiT": true, ".git.": true, ".git. .": true, ".git::$INDEX_ALLOCATION": true, "GIT~1": true, ".g\u200cit": true,
		"git": false, ".gitignore": false, ".github": false, "x.git": false,
	} {
		if isGit(name) != want {
			t.Errorf("%q is git's own: %v", name, !want)
		}
	}
	// A link of our own may be looked at and packed as a link; one of theirs may not.
	if _, err := fs.ReadLink(d, "own/stolen"); err != nil {
		t.Error(err)
	}
	if to, err := fs.ReadLink(d, "pr/dir/back"); err == nil {
		t.Errorf("their link leads to %s", to)
	}
	for file, want := range map[string]bool{"own/file": true, "pr/dir/file": false, "own/stolen": false, "bare": true, "/etc/hosts": true, "pr/new.json": false} {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		a.judge = judge
		if err := a.judgeFile(file); (err == nil) != want {
			t.Errorf("the input %s: %v", file, err)
		}
	}
}

// TestWhoIsJudged holds when all files may be read.
func TestWhoIsJudged(t *testing.T) {
	for name, tt := range map[string]struct {
		event, command, override string
		credentials, want        bool
	}{
		"a fork's event":               {"pull_request_target", "build", "false", true, true},
		"a plan":                       {"issue_comment", "plan", "false", true, true},
		"what runs scripts":            {"workflow_run", "test", "false", true, true},
		"the repository's own event":   {"push", "build", "false", true, false},
		"a fork without credentials":   {"pull_request_target", "plan", "false", false, false},
		"the override":                 {"pull_request_target", "build", "true", true, false},
		"what reads, and calls no AWS": {"pull_request_target", "validate", "false", true, false},
	} {
		a := &action{in: givenInputs{"command": tt.command, untrustedInput: tt.override}, env: &github.Environment{}, ruling: ruling{credentials: tt.credentials}}
		if got := a.judgeOf(trigger{event: tt.event}) != nil; got != tt.want {
			t.Errorf("%s: judged %v", name, got)
		}
	}
}

// TestEveryInputHasAVerdict holds that no input names a file that nothing judges.
func TestEveryInputHasAVerdict(t *testing.T) {
	const none, configuration = "names no file", "read by the configuration, through the door"
	verdicts := map[string]string{
		"path": "decides whose configuration it is", "vars": none, "var-files": configuration, "only": none, "except": none, "aws-region": none,
		"role-to-assume": none, "role-chain": none, "role-session-name": none, "audience": none, "allowed-account-ids": none,
		"plan-file": judged, "plan-digest": none, "environment": none, "root": judged, "github-token": none, "matrix": none, "check-run-id": none,
		"reports": "shown and never carried out, and neutralized as logs are",
	}
	for _, i := range actionInputs {
		switch i.Kind {
		case inputText, inputLines, inputList:
			if verdicts[i.Name] == "" {
				t.Errorf("the input %s has no verdict: may it name a file?", i.Name)
			}
		case inputBoolean, inputNumber, inputDuration, inputChoice:
		}
		if (i.File != nil) != (verdicts[i.Name] == judged) {
			t.Errorf("the input %s is judged: %v, and its verdict is %q", i.Name, i.File != nil, verdicts[i.Name])
		}
	}
	for value, want := range map[string]string{"dir:pr/root": "pr/root", "oci:./pr/image.tar": "./pr/image.tar", "oci:debian:12": "", "overlay": "", "auto": ""} {
		if got := rootFile(value); got != want {
			t.Errorf("%s is the file %q", value, got)
		}
	}
}
