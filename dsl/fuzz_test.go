package dsl_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
)

// FuzzLoad loads anything: it must neither panic nor go on for ever, and what it reports can be drawn.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		archive, err := txtar.ParseFile(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasPrefix(file.Name, "conf/") {
				f.Add(file.Data, strings.HasSuffix(file.Name, ".json"))
			}
		}
	}
	f.Add([]byte(`component "a" { platform = [for x in component.a : x] }`), false)
	f.Add([]byte(`locals { a = component, b = build.x, c = try(local.a[*], can(component)) }`), false)
	f.Fuzz(func(t *testing.T, src []byte, asJSON bool) {
		name := "conf/a.ib.hcl"
		if asJSON {
			name += ".json"
		}
		cfg, diags := dsl.Load(testHost(map[string]string{name: string(src)}, nil), dsl.Options{Types: testTypes(), Version: "1.0.0", Vars: []string{"x=" + string(src)}})
		if err := hcl.NewDiagnosticTextWriter(io.Discard, cfg.Files, 0, false).WriteDiagnostics(diags); err != nil {
			t.Error(err)
		}
		if !diags.HasErrors() {
			dump(cfg)
		}
	})
}

// FuzzFormat checks that formatting twice changes no more than formatting once.
func FuzzFormat(f *testing.F) {
	f.Add([]byte("a=1\nb  = [ 2,3 ]\nblock \"x\" {\nc=<<EOF\n x\nEOF\n}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		once, diags := dsl.FormatFile("a.ib.hcl", src)
		if diags.HasErrors() {
			if string(once) != string(src) {
				t.Error("text that does not parse was changed")
			}
			return
		}
		if _, again := dsl.FormatFile("a.ib.hcl", once); again.HasErrors() {
			t.Errorf("formatting broke the file: %q", once)
		}
	})
}

// TestHostile loads what is made to exhaust stack or memory.
func TestHostile(t *testing.T) {
	var doubling strings.Builder
	doubling.WriteString("locals {\n  l0 = \"xxxxxxxxxxxxxxxx\"\n")
	for i := range 60 {
		fmt.Fprintf(&doubling, "  l%d = \"${local.l%d}${local.l%d}\"\n", i+1, i, i)
	}
	doubling.WriteString("}\n")
	for name, c := range map[string]struct{ file, src, want string }{
		"brackets":     {"a.ib.hcl", "locals {\n  a = " + strings.Repeat("[", 1_000_000) + "\n}\n", "Expression too deep"},
		"operators":    {"a.ib.hcl", "locals {\n  a = 1" + strings.Repeat("+1", 1_000_000) + "\n}\n", "Expression too deep"},
		"negations":    {"a.ib.hcl", "locals {\n  a = " + strings.Repeat("!", 1_000_000) + "true\n}\n", "Expression too deep"},
		"conditions":   {"a.ib.hcl", "locals {\n  a = " + strings.Repeat("true ? 1 : ", 100_000) + "1\n}\n", "Expression too deep"},
		"templates":    {"a.ib.hcl", "locals {\n  a = \"" + strings.Repeat("%{ if true }", 100_000) + "\"\n}\n", "Expression too deep"},
		"blocks":       {"a.ib.hcl", strings.Repeat("a {\n", 100_000), "Expression too deep"},
		"in strings":   {"a.ib.hcl", "locals {\n  a = " + strings.Repeat(`["]",`, 10_000) + "\n}\n", "Expression too deep"},
		"in heredocs":  {"a.ib.hcl", "locals {\n  a = " + strings.Repeat("[<<E\n]\nE\n,", 10_000) + "\n}\n", "Expression too deep"},
		"in comments":  {"a.ib.hcl", "locals {\n  a = " + strings.Repeat("[ # ]\n", 10_000) + "\n}\n", "Expression too deep"},
		"closed first": {"a.ib.hcl", strings.Repeat("]", 1_000) + "\na = " + strings.Repeat("[", 1_000_000) + "\n", "Expression too deep"},
		"json":         {"a.ib.hcl.json", `{"locals": {"a": ` + strings.Repeat("[", 1_000_000) + `}}`, "Expression too deep"},
		"json strings": {"a.ib.hcl.json", `{"locals": {"a": "${` + strings.Repeat("(", 1_000_000) + `}"}}`, "Expression too deep"},
		"json negated": {"a.ib.hcl.json", `{"locals": {"a": "${` + strings.Repeat("!", 1_000_000) + `true}"}}`, "Expression too deep"},
		"size":         {"a.ib.hcl", strings.Repeat("# comment\n", 1_000_000), "File too large"},
		"doubling":     {"a.ib.hcl", doubling.String(), "Value too large"},
		"count":        {"a.ib.hcl", "component \"a\" {\n  count    = 1e30\n  platform = \"x\"\n}\n", "Too many instances"},
		"dynamic": {
			"a.ib.hcl", "image_recipe \"a\" {\n  dynamic \"parameter\" {\n    for_each = setproduct(range(300), range(300), [1, 2])\n    labels   = [\"x\"]\n    content {}\n  }\n}\n",
			"Error in function call",
		},
		"cycle through blocks": {
			"a.ib.hcl", "component \"a\" {\n  name     = component.b.name\n  platform = \"x\"\n}\ncomponent \"b\" {\n  name     = component.a.name\n  platform = \"x\"\n}\n",
			"Values need one another",
		},
		"itself": {"a.ib.hcl", "component \"a\" {\n  for_each = component.a\n  platform = \"x\"\n}\n", "Values need one another"},
	} {
		t.Run(name, func(t *testing.T) {
			_, diags := dsl.Load(testHost(map[string]string{"conf/" + c.file: c.src}, nil), dsl.Options{Types: testTypes()})
			if len(diags) == 0 || diags[0].Summary != c.want {
				t.Errorf("got %v, want %q first", diags, c.want)
			}
		})
	}
}

// TestOutside checks that symbolic links do not lead out of the repository.
func TestOutside(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "secret")
	inside := filepath.Join(dir, "repo", "conf")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(inside, "link")); err != nil {
		t.Skip("no symbolic links here")
	}
	root, err := os.OpenRoot(filepath.Join(dir, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	}()
	src := "component \"a\" {\n  platform = file(\"link\")\n  name     = filebase64(\"link\")\n}\n"
	if err := os.WriteFile(filepath.Join(inside, "a.ib.hcl"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	_, diags := dsl.Load(dsl.Host{FS: root.FS(), Dir: "conf", Cwd: ".", Root: filepath.Join(dir, "repo")}, dsl.Options{Types: testTypes()})
	if len(diags) != 2 {
		t.Fatalf("got %d diagnostics, want one for each call: %v", len(diags), diags)
	}
	for _, d := range diags {
		if !strings.Contains(d.Detail, "cannot be read") {
			t.Errorf("unexpected: %s", d.Detail)
		}
	}
}
