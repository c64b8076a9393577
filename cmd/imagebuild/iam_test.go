package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inExamples runs the program in this process on an example. The SDK sees this process's environment.
func inExamples(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs,
		lookupEnv: func(name string) (string, bool) {
			if strings.HasPrefix(name, "XDG_") || name == "HOME" {
				return t.TempDir(), true
			}
			return "", false
		},
		environ: func() []string { return nil },
		cwd:     examplesDir(t), self: os.Args[0], now: time.Now,
	}
	status = p.run(t.Context(), args)
	return status, out.String(), errs.String()
}

// TestIAMGolden holds what people read, and Terraform, of one configuration.
func TestIAMGolden(t *testing.T) {
	for golden, args := range map[string][]string{
		"pipeline-weekly.txt": {"iam", "pipeline-weekly", "--repository", "org/images", "--account", "123456789012"},
		"httpd.tf":            {"iam", "httpd", "--format", "terraform", "--repository", "org/images", "--account", "123456789012"},
	} {
		status, out, errs := inExamples(t, args...)
		if status != statusDone {
			t.Fatal(errs)
		}
		compareGolden(t, filepath.Join("testdata", "iam", golden), out)
	}
}
