package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A workflow is what the rules for the examples look at.
type workflow struct {
	Permissions map[string]string
	Concurrency map[string]any
	Jobs        map[string]struct {
		Permissions map[string]string
		Concurrency map[string]any
		Steps       []struct {
			Uses string
			Run  string
			With map[string]any
		}
	}
}

var (
	pinnedAction = regexp.MustCompile(`^[\w-]+/[\w./-]+@[0-9a-f]{40}$`)
	// untrusted are expressions whose text others choose; in a script they would be code.
	untrusted = regexp.MustCompile(`\$\{\{`)
)

// TestWorkflows holds the examples to what they are to teach, and the project's own to the same.
func TestWorkflows(t *testing.T) {
	top := filepath.Dir(examplesDir(t))
	files, err := filepath.Glob(filepath.Join(top, "examples", "workflows", "*.yml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	own, err := filepath.Glob(filepath.Join(top, ".github", "workflows", "*.yml"))
	if err != nil || len(own) < 2 {
		t.Fatalf("%d workflows, %v", len(own), err)
	}
	used := map[string]bool{}
	for _, file := range append(files, own...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var w workflow
			if err := yaml.Unmarshal(src, &w); err != nil {
				t.Fatal(err)
			}
			if w.Permissions == nil || len(w.Permissions) > 0 {
				t.Error("the workflow does not begin with permissions: {}")
			}
			for name, job := range w.Jobs {
				if len(job.Permissions) == 0 {
					t.Errorf("job %s says no permissions of its own", name)
				}
				for _, s := range job.Steps {
					checkStep(t, s.Uses, s.Run, s.With)
					command, _ := s.With["command"].(string)
					used[command] = true
					if !strings.HasPrefix(s.Uses, "org/imagebuild-action@") || !slices.Contains(changing, command) {
						continue
					}
					c := w.Concurrency
					if job.Concurrency != nil {
						c = job.Concurrency
					}
					if c["cancel-in-progress"] != false {
						t.Errorf("job %s changes things and may be interrupted by a later push", name)
					}
				}
			}
		})
	}
	for _, c := range []string{"plan", "build", "gc", "matrix", "report"} {
		if !used[c] {
			t.Errorf("no example uses command: %s", c)
		}
	}
}

func checkStep(t *testing.T, uses, run string, with map[string]any) {
	t.Helper()
	if untrusted.MatchString(run) {
		t.Errorf("an expression stands in a script: %s", run)
	}
	if uses == "org/imagebuild-action@v1" {
		for name := range with {
			if !slices.ContainsFunc(actionInputs, func(i actionInput) bool { return i.Name == name }) {
				t.Errorf("the action has no input %s", name)
			}
		}
		return
	}
	if uses != "" && !pinnedAction.MatchString(uses) {
		t.Errorf("%s is not pinned by its commit", uses)
	}
}
