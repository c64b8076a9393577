package component_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/component"
)

var update = flag.Bool("update", false, "write the golden files")

// TestParse reads each document of testdata/parse. The comment of an archive names the platform.
func TestParse(t *testing.T) {
	eachArchive(t, "testdata/parse/*.txtar", func(t *testing.T, a *txtar.Archive) []txtar.File {
		t.Helper()
		in := a.Files[0]
		doc, diags := component.Parse(in.Data, in.Name)
		if doc != nil {
			diags = append(diags, doc.Check(strings.TrimSpace(string(a.Comment)))...)
		}
		out := []txtar.File{in, {Name: "want.diags", Data: drawn(t, in, diags)}}
		if !diags.HasErrors() {
			out = append(out, txtar.File{Name: "want.yml", Data: component.Render(doc)})
		}
		return out
	})
}

// eachArchive computes each archive of the pattern anew and compares, or writes, it.
func eachArchive(t *testing.T, pattern string, compute func(*testing.T, *txtar.Archive) []txtar.File) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives match %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := txtar.Format(&txtar.Archive{Comment: a.Comment, Files: compute(t, a)})
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case *update:
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			case !bytes.Equal(got, want):
				t.Errorf("%s differs; what came out:\n%s", file, got)
			}
		})
	}
}

func drawn(t *testing.T, in txtar.File, diags hcl.Diagnostics) []byte {
	t.Helper()
	var b bytes.Buffer
	files := map[string]*hcl.File{in.Name: {Bytes: in.Data}}
	if err := hcl.NewDiagnosticTextWriter(&b, files, 100, false).WriteDiagnostics(diags); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestParseRefusesOtherThanMappings holds that whatever is no document is said to be none, somewhere in the file.
func TestParseRefusesOtherThanMappings(t *testing.T) {
	for _, src := range []string{"", "a", "- a", "1", "null", "\t", "a: b: c", "---\n---\n", "[", "a: *x"} {
		doc, diags := component.Parse([]byte(src), "x.yml")
		if !diags.HasErrors() {
			t.Errorf("%q was accepted as %+v", src, doc)
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Filename != "x.yml" {
				t.Errorf("%q: a diagnostic points nowhere: %s", src, d)
			}
		}
	}
}

// TestAliases holds that a small document cannot grow large by referring to itself.
func TestAliases(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := range 8 {
		fmt.Fprintf(&bomb, "x%d: &x%d [%s*x%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 9), i)
	}
	for _, src := range []string{bomb.String(), "a: &a [*a]\n", "a: &a {<<: *a}\n", "a: &a {if: {and: [*a, *a]}}\n"} {
		_, diags := component.Parse([]byte(src), "x.yml")
		if !diags.HasErrors() || diags[0].Summary != "Component document too large" {
			t.Errorf("%.40q… gave %v", src, diags)
		}
	}
	doc, diags := component.Parse([]byte("schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n  - &s {name: a, action: ExecuteBash, inputs: &i {commands: [x]}}\n  - {<<: *s, name: b}\n  - {name: c, action: ExecuteBash, inputs: *i}\n"), "x.yml")
	if diags.HasErrors() || len(doc.Phases[0].Steps) != 3 || doc.Phases[0].Steps[1].Action != "ExecuteBash" {
		t.Errorf("aliases and merge keys gave %v", diags)
	}
}

// TestRanges holds the exact place of an expression inside a block.
func TestRanges(t *testing.T) {
	src := "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: S\n        action: ExecuteBash\n        inputs:\n          commands:\n            - |\n              echo ä\n              echo {{ Nope }} end\n"
	_, diags := component.Parse([]byte(src), "x.yml")
	if len(diags) != 1 {
		t.Fatalf("want one diagnostic, got %v", diags)
	}
	if got := diags[0].Subject.String(); got != "x.yml:11,20-30" {
		t.Errorf("the diagnostic is at %s", got)
	}
	if at := diags[0].Subject.Start.Byte; src[at:at+10] != "{{ Nope }}" {
		t.Errorf("byte %d is no start of the expression", at)
	}
}

func built() *component.Document {
	return &component.Document{
		Name: "built", Description: "made in Go: #1",
		Constants:  []component.Constant{{Name: "Prefix", Type: "string", Value: "0755"}},
		Parameters: []component.Parameter{{Name: "Release", Type: "string", Default: "1.10", HasDefault: true, Allowed: []string{"1.10", "yes"}}},
		Phases: []component.Phase{
			{Name: "build", Steps: []component.Step{
				{Name: "shell-1", Action: "ExecuteBash", MaxAttempts: 3, TimeoutSeconds: -1, OnFailure: component.Continue, Inputs: component.Inputs{{
					"commands": []string{"set -eu\nif true; then\n\techo '{{ Prefix }}'\nfi\n", "true", " leading\nspace", "tab\tend \nx", "# not a comment", "a\r\nb", "{{ Release }}", ""},
				}}},
				{Name: "files", Action: "CreateFile", DisableLogging: true, Inputs: component.Inputs{
					{"path": "/etc/a", "content": "x=1\n\n", "permissions": "0640", "overwrite": false},
					{"path": "/etc/b", "content": "", "owner": "root"},
				}},
				{Name: "loop", Action: "CopyFile", Loop: &component.Loop{Name: "L", Each: []string{"a", "1"}}, Inputs: component.Inputs{{"source": "{{ L.value }}", "destination": "/x/"}}},
				{Name: "count", Action: "ExecuteBinary", Loop: &component.Loop{For: component.LoopRange{Start: 3, End: -1, Step: -2}}, Inputs: component.Inputs{{"path": "true", "arguments": []string{"-", "null", "~", "1e3"}}}},
				{Name: "again", Action: "Reboot", Inputs: component.Inputs{{"delaySeconds": 5}}},
				{Name: "update", Action: "UpdateOS"},
				{Name: "sub", Action: "ExecuteDocument", Inputs: component.Inputs{{"document": "s3://b/k", "parameters": map[string]string{"B": "2", "A": "1"}}}},
			}},
			{Name: "test", Steps: []component.Step{
				{
					Name: "ok", Action: "Assert",
					If: &component.If{Then: component.Abort, Condition: component.Condition{Operator: "not", Terms: []component.Condition{{Operator: "or", Terms: []component.Condition{
						{Operator: "fileExists", Operand: "/a"}, {Operator: "fileSHA1Equals", Operand: "00", Value: "/b"},
					}}}}},
					Assert: &component.Condition{Operator: "numberEquals", Operand: "1.10", Value: "{{ build.shell-1.outputs.stdout }}"},
				},
			}},
		},
	}
}

// TestRender holds that a document survives being written, and how it looks.
func TestRender(t *testing.T) {
	want := built()
	text := component.Render(want)
	if again := component.Render(built()); !bytes.Equal(text, again) {
		t.Error("two renderings differ")
	}
	golden(t, "testdata/built.yml", text)
	got, diags := component.Parse(text, "built.yml")
	if diags.HasErrors() {
		t.Fatalf("what was rendered does not parse: %v\n%s", diags, text)
	}
	if bare(got); !reflect.DeepEqual(got, want) {
		t.Errorf("the document changed:\n%s\nrendered again:\n%s", text, component.Render(got))
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; what came out:\n%s", file, got)
	}
}

// bare removes where a document was written.
func bare(d *component.Document) {
	d.File = ""
	for i := range d.Constants {
		d.Constants[i].Range = hcl.Range{}
	}
	for i := range d.Parameters {
		d.Parameters[i].Range = hcl.Range{}
	}
	for i := range d.Phases {
		d.Phases[i].Range = hcl.Range{}
		for j := range d.Phases[i].Steps {
			s := &d.Phases[i].Steps[j]
			s.Range, s.Ranges = hcl.Range{}, nil
			if s.Loop != nil {
				s.Loop.Range = hcl.Range{}
			}
			if s.If != nil {
				bareCondition(&s.If.Condition)
			}
			if s.Assert != nil {
				bareCondition(s.Assert)
			}
		}
	}
}

func bareCondition(c *component.Condition) {
	c.Range = hcl.Range{}
	for i := range c.Terms {
		bareCondition(&c.Terms[i])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(component.Render(built()))
	f.Add([]byte(`{"schemaVersion":"1.0","phases":[{"name":"build","steps":[{"name":"a","action":"ExecuteBash","inputs":{"commands":["{{ a.b.outputs.stdout }}"]}}]}]}`))
	f.Add([]byte("a: &a [*a]\nphases: *a\n<<: *a\n"))
	archives, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archives {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, diags := component.Parse(src, "f.yml")
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Start.Byte > len(src) || d.Subject.End.Byte > len(src) {
				t.Fatalf("a diagnostic points outside of the text: %v", d)
			}
		}
		if doc == nil || diags.HasErrors() {
			return
		}
		text := component.Render(doc)
		again, diags := component.Parse(text, "r.yml")
		if diags.HasErrors() {
			t.Fatalf("what was rendered does not parse: %v\n%s", diags, text)
		}
		bare(doc)
		bare(again)
		if !reflect.DeepEqual(doc, again) {
			t.Fatalf("the document changed:\n%s\n%s", text, component.Render(again))
		}
	})
}

func writeFile(tb testing.TB, path, text string) string {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
