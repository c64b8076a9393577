package dsl_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
)

// update rewrites what the golden files want to what they get.

var update = flag.Bool("update", false, "rewrite the golden files")

// A testHost is a repository in memory, with the configuration in its directory conf.
func testHost(files map[string]string, env map[string]string) dsl.Host {
	fsys := fstest.MapFS{"conf": &fstest.MapFile{Mode: 0o755 | os.ModeDir}}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return dsl.Host{
		FS: fsys, Dir: "conf", Cwd: ".", Root: "/repo",
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Envs: func() []string {
			var names []string
			for n := range env {
				names = append(names, n)
			}
			return names
		},
		Now: time.Date(2026, 7, 24, 12, 34, 56, 0, time.UTC),
	}
}

// TestLoad loads each testdata/*.txtar. Its files are the repository, but for want.*, and "options",
// whose lines are var=…, var-file=…, file=…, env NAME=value.
func TestLoad(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { loadGolden(t, path) })
	}
}

func loadGolden(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files, env, want := map[string]string{}, map[string]string{}, map[string]string{}
	opts := dsl.Options{Types: testTypes(), Version: "1.4.0"}
	for _, f := range archive.Files {
		switch {
		case strings.HasPrefix(f.Name, "want."):
			want[f.Name] = string(f.Data)
		case f.Name == "options":
			options(t, string(f.Data), &opts, env)
		default:
			files[f.Name] = string(f.Data)
		}
	}
	cfg, diags := dsl.Load(testHost(files, env), opts)
	got := map[string]string{"want.diags": printed(t, cfg, diags)}
	if !diags.HasErrors() {
		got["want.blocks"] = dump(cfg)
	}
	if *update {
		rewrite(t, path, archive, got)
		return
	}
	for _, name := range []string{"want.blocks", "want.diags"} {
		if got[name] != want[name] {
			t.Errorf("%s", diff.Diff("want", []byte(want[name]), "got", []byte(got[name])))
		}
	}
}

func options(t *testing.T, text string, opts *dsl.Options, env map[string]string) {
	t.Helper()
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !ok:
			t.Fatalf("option without value: %q", line)
		case key == "var":
			opts.Vars = append(opts.Vars, value)
		case key == "var-file":
			opts.VarFiles = append(opts.VarFiles, value)
		case key == "file":
			opts.File = value
		case key == "by-source":
			opts.BySource = value == "true"
		case key == "version":
			opts.Version = value
		case key == "env":
			name, v, _ := strings.Cut(value, "=")
			env[name] = v
		default:
			t.Fatalf("unknown option %q", key)
		}
	}
}

func rewrite(t *testing.T, path string, archive *txtar.Archive, got map[string]string) {
	t.Helper()
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want.") })
	for _, name := range []string{"want.blocks", "want.diags"} {
		if got[name] != "" {
			archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
