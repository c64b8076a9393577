package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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

// examples are the names of all examples.
func examples(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(examplesDir(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
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
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			for golden, format := range map[string]string{name + ".txt": "text", name + ".json": "json"} {
				status, out, errs := offline(t, "plan", "--offline", "--format", format, filepath.Join(examplesDir(t), name))
				if status != statusDone {
					t.Fatalf("plan --format %s ended with %d:\n%s", format, status, errs)
				}
				compareGolden(t, filepath.Join("testdata", "plans", golden), out)
			}
		})
	}
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
