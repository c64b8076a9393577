package component_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/component"
)

// FuzzRender holds that documents are written as YAML's library writes them, byte for byte, and that
// what is written is read back as it was.
func FuzzRender(f *testing.F) {
	f.Add("dnf -y install httpd", "a\n\n  b", "Release")
	f.Add("set -eu\nif true; then\n\techo\nfi\n", "\xff", "a b")
	f.Add("{{ build.a.outputs.stdout }} it's", "0755", "true")
	f.Add("a: b", "a #b", "<<")
	f.Add("a:", "True", "")
	f.Add("é€😀\nx", "é", "é")
	f.Add("$HOME/x", "/etc/x", "-")
	f.Add("Null", "a ", "x\n")
	f.Add("a\n", "\n", "---")
	f.Add("x\tz", "x\ty\nz", "...")
	f.Add("a\n\nb\n\t\nc", "~", "?")
	f.Add("01-shell", "12-3-4", "2001-01-01")
	f.Add("0x1f", "1e9", "1_0")
	f.Add("0644", "99999999999999999999", "12")
	f.Fuzz(func(t *testing.T, a, b, key string) {
		if key == "" {
			key = "k"
		}
		d := &component.Document{
			Name: a, Description: b,
			Constants:  []component.Constant{{Name: key, Type: "string", Value: a}},
			Parameters: []component.Parameter{{Name: key + "2", Type: "string", HasDefault: true, Default: b, Allowed: []string{a, b}}},
			Phases: []component.Phase{{Name: "build", Steps: []component.Step{
				{Name: "one", Action: "ExecuteBash", TimeoutSeconds: -1, Inputs: component.Inputs{{"commands": []string{a, b, a + "\n" + b}}}},
				{Name: "two", Action: "CreateFile", Inputs: component.Inputs{{"path": b, "content": a, "overwrite": true}}},
				{Name: "three", Action: "ExecuteBinary", Inputs: component.Inputs{{"path": a, "arguments": []string{}}}},
				{Name: "four", Action: key, Inputs: component.Inputs{{}, {key: map[string]string{key: a, b: b}}}},
			}}},
		}
		got := component.Render(d)
		if want := component.RenderByLibrary(d); !bytes.Equal(got, want) {
			t.Fatalf("written as\n%s\nand by the library as\n%s", got, want)
		}
		once, _ := component.Parse(got, "a.yml") // an expression that leads nowhere is an error, and kept
		if once == nil {
			t.Fatalf("what was written is no document:\n%s", got)
		}
		text := component.Render(once)
		again, _ := component.Parse(text, "a.yml")
		if !bytes.Equal(text, component.RenderByLibrary(once)) {
			t.Fatalf("written differently:\n%s", text)
		}
		if bare(once); again != nil {
			bare(again)
		}
		if !reflect.DeepEqual(once, again) {
			t.Fatalf("the document changed:\n%s", text)
		}
	})
}

// TestRenderAsLibrary holds the same of the documents of the other tests.
func TestRenderAsLibrary(t *testing.T) {
	if d := built(); !bytes.Equal(component.Render(d), component.RenderByLibrary(d)) {
		t.Error("built.yml is written differently")
	}
	archives, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range archives {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d, _ := component.Parse(a.Files[0].Data, "a.yml"); d != nil && !bytes.Equal(component.Render(d), component.RenderByLibrary(d)) {
			t.Errorf("%s is written differently", file)
		}
	}
}

// BenchmarkRender writes an ordinary document.
func BenchmarkRender(b *testing.B) {
	d := &component.Document{Phases: []component.Phase{{Name: "build", Steps: []component.Step{
		{Name: "01-shell", Action: "ExecuteBash", Inputs: component.Inputs{{"commands": []string{"set -eu\n\ndnf -y install httpd\n", "echo done"}}}},
		{Name: "02-file", Action: "CreateFile", Inputs: component.Inputs{{"path": "/etc/web", "content": "number 1\n", "overwrite": true}}},
	}}}}
	b.ReportAllocs()
	for b.Loop() {
		component.Render(d)
	}
}
