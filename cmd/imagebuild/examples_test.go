package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

// examplesDir is where the complete configurations are.
func examplesDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// examples are the names of all examples that are configurations.
func examples(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(examplesDir(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		files, err := filepath.Glob(filepath.Join(examplesDir(t), e.Name(), "*.ib.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			names = append(names, e.Name())
		}
	}
	return names
}

// offline runs the program in this process, without an environment, and returns what it wrote.
func offline(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
		lookupEnv: func(string) (string, bool) { return "", false }, environ: func() []string { return nil },
		cwd: examplesDir(t), self: os.Args[0], now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
	status = p.run(t.Context(), args)
	return status, out.String(), errs.String()
}

// TestExamplePlans holds every example's plan, for people and as JSON, against its golden.
func TestExamplePlans(t *testing.T) {
	// In a repository of their own, so that it does not matter what this one is in.
	repo := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(repo, ".git"), 0o755), os.CopyFS(filepath.Join(repo, "examples"), os.DirFS(examplesDir(t)))); err != nil {
		t.Fatal(err)
	}
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			for golden, format := range map[string]string{name + ".txt": "text", name + ".json": "json"} {
				status, out, errs := offline(t, "plan", "--offline", "--format", format, filepath.Join(repo, "examples", name))
				if status != statusDone {
					t.Fatalf("plan --format %s ended with %d:\n%s", format, status, errs)
				}
				compareGolden(t, filepath.Join("testdata", "plans", golden), out)
			}
		})
	}
}

// TestExampleCalls holds every call of every example against the SDK's own input type, member by member,
// and against AWS's model and rules.
func TestExampleCalls(t *testing.T) {
	for _, name := range examples(t) {
		raw, err := os.ReadFile(filepath.Join("testdata", "plans", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := planner.ParsePlan(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range doc.Changes {
			input := known(t, c.Call.Input, "known-later")
			if err = aws.Check(planner.Op(c.Call.Service+":"+c.Call.Operation), input); err != nil {
				t.Errorf("%s: %s: %v", name, c.Address, err)
			}
			service, err := awsmodel.Get(c.Call.Service)
			if err != nil {
				continue // S3 is not modelled
			}
			op, ok := service.Operation(c.Call.Operation)
			if !ok {
				t.Fatalf("%s: no operation %s", name, c.Call.Operation)
			}
			var object map[string]any
			if err := json.Unmarshal(known(t, c.Call.Input, awsmodel.Unknown{}), &object); err != nil {
				t.Fatal(err)
			}
			for _, f := range rules.Check(op, unknown(object).(map[string]any), rules.Place{Region: c.Call.Region}) {
				if f.Warning() {
					continue
				}
				t.Errorf("%s: %s: %s: %s", name, c.Address, f.Path, f.Message)
			}
		}
	}
}

// later stands for a reference in an input that went through JSON.
const later = "\x00known later"

// known is a call's input with by in the place of every reference.
func known(t *testing.T, input map[string]json.RawMessage, by any) json.RawMessage {
	t.Helper()
	if _, ok := by.(awsmodel.Unknown); ok {
		by = later
	}
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err = json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	raw, err = json.Marshal(replace(v, func(v any) (any, bool) {
		m, ok := v.(map[string]any)
		_, ref := m["$ref"]
		return by, ok && ref
	}))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func unknown(v any) any {
	return replace(v, func(v any) (any, bool) { return awsmodel.Unknown{}, v == later })
}

// replace puts other values in the place of those that pick picks.
func replace(v any, pick func(any) (any, bool)) any {
	switch v := v.(type) {
	case map[string]any:
		if r, ok := pick(v); ok {
			return r
		}
		for k, e := range v {
			v[k] = replace(e, pick)
		}
	case []any:
		for i, e := range v {
			v[i] = replace(e, pick)
		}
	case string:
		if r, ok := pick(v); ok {
			return r
		}
	}
	return v
}

// compareGolden compares with a file that -update rewrites.
func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test ./cmd/imagebuild -update and read the new file", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}
