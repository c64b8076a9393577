package github_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/github"
)

// fileCommands reads a file of values as the runner's FileCommandManager does.
func fileCommands(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		equals, heredoc := strings.Index(lines[i], "="), strings.Index(lines[i], "<<")
		if heredoc < 0 || equals >= 0 && equals < heredoc {
			if equals < 0 {
				t.Fatalf("line %q", lines[i])
			}
			out[lines[i][:equals]] = lines[i][equals+1:]
			continue
		}
		name, delimiter := lines[i][:heredoc], lines[i][heredoc+2:]
		var value []string
		for i++; i < len(lines) && lines[i] != delimiter; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			t.Fatalf("the delimiter of %s does not come", name)
		}
		out[name] = strings.Join(value, "\n")
	}
	return out
}

func TestFileCommands(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"GITHUB_OUTPUT": filepath.Join(dir, "out"), "GITHUB_STATE": filepath.Join(dir, "state"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	f := github.NewFiles(func(k string) string { return env[k] })
	values := map[string]string{
		"plain":  "x",
		"empty":  "",
		"ami-id": "evil\nEOF\nami-id=ami-2\nghadelimiter_x\n_GitHubActionsFileCommandDelimeter_\nother=1",
		"json":   `{"a":"b<<c"}`,
		"spaces": " a \n\n",
	}
	for name, v := range values {
		if err := f.Output(name, v); err != nil {
			t.Error(err)
		}
		if err := f.State(name, v); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{env["GITHUB_OUTPUT"], env["GITHUB_STATE"]} {
		got := fileCommands(t, path)
		for name, v := range values {
			if got[name] != v {
				t.Errorf("%s is %q, want %q", name, got[name], v)
			}
		}
		if len(got) != len(values) {
			t.Errorf("%v", got)
		}
	}
	for _, name := range []string{"", "a=b", "a<<b", "a\nb", "a b", "1", "é"} {
		if err := f.Output(name, "x"); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	if err := f.Output("large", strings.Repeat("x", github.OutputsLimit/2)); err == nil || !strings.Contains(err.Error(), "output large") {
		t.Errorf("%v", err)
	}
}

func TestSummaryLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	f := github.NewFiles(func(k string) string { return map[string]string{"GITHUB_STEP_SUMMARY": path}[k] })
	if err := f.Summary(strings.Repeat("x", github.SummaryLimit-1)); err != nil {
		t.Fatal(err)
	}
	if err := f.Summary("y"); err == nil || !strings.Contains(err.Error(), "1048578 bytes, more than the 1048576") {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != github.SummaryLimit {
		t.Errorf("%v %v", info, err)
	}
}

func TestFilesOutsideOfActions(t *testing.T) {
	f := github.NewFiles(func(string) string { return "" })
	for _, err := range []error{f.Output("a", "b"), f.State("a", "b"), f.Summary("x")} {
		if github.Unavailable(err) == nil {
			t.Errorf("%v", err)
		}
	}
	lost := github.NewFiles(func(string) string { return filepath.Join(t.TempDir(), "no", "where") })
	if err := lost.Output("a", "b"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
