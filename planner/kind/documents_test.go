package kind_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// TestDocuments expands the builds of each archive of testdata/documents and compares every
// component document, every other block and the diagnostics with the archive's want sections.
func TestDocuments(t *testing.T) {
	archives, err := filepath.Glob("testdata/documents/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Collect(func(yield func(txtar.File) bool) {
				for _, f := range ar.Files {
					if strings.HasPrefix(f.Name, "want/") && !yield(f) {
						return
					}
				}
			})
			ar.Files = slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want/") })
			got := documents(t, ar)
			if *update {
				ar.Files = append(ar.Files, got...)
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if g, w := txtar.Format(&txtar.Archive{Files: got}), txtar.Format(&txtar.Archive{Files: want}); !bytes.Equal(g, w) {
				t.Errorf("got:\n%s\nwant:\n%s", g, w)
			}
		})
	}
}

// documents are the want sections of a configuration.
func documents(t *testing.T, ar *txtar.Archive) []txtar.File {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, f := range ar.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	host := dsl.Host{FS: fsys, Dir: ".", Cwd: ".", Root: "/repository", Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil }}
	cfg, diags := dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: "1.0.0", BySource: true})
	var out []txtar.File
	var others strings.Builder
	if !diags.HasErrors() {
		g, more := planner.Compile(cfg, kind.All(), "eu-west-1")
		diags = append(diags, more...)
		if g != nil {
			for _, n := range g.Nodes {
				if n.Kind.Name != "component" {
					fmt.Fprintf(&others, "%s %s\n", n.Addr, leaves(n))
					continue
				}
				data, _ := n.Input["data"].(string)
				checkDocument(t, n, data)
				out = append(out, txtar.File{Name: "want/" + n.Addr.String() + "." + n.Input["platform"].(string) + ".yml", Data: []byte(data)})
			}
		}
	}
	if others.Len() > 0 {
		out = append(out, txtar.File{Name: "want/others", Data: []byte(others.String())})
	}
	if len(diags) > 0 {
		var b bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&b, cfg.Files, 110, false).WriteDiagnostics(diags); err != nil {
			t.Fatal(err)
		}
		out = append(out, txtar.File{Name: "want/diags", Data: []byte(strings.TrimRight(b.String(), "\n") + "\n")})
	}
	return out
}

// leaves are a node's input in one line, without what the digest decides.
func leaves(n *planner.Node) string {
	in := planner.Object{}
	for k, v := range n.Input {
		if k != "tags" && k != "semanticVersion" {
			in[k] = v
		}
	}
	out := fmt.Sprint(map[string]any(in))
	if len(n.After) > 0 {
		out += fmt.Sprint(" after ", n.After)
	}
	return out
}

// checkDocument holds a document that was made of provisioners against the language of documents,
// bash against its own parser, and the steps against the ranges that lead back from them.
func checkDocument(t *testing.T, n *planner.Node, data string) {
	t.Helper()
	doc, diags := component.Parse([]byte(data), n.Addr.String())
	if doc != nil {
		diags = append(diags, doc.Check(n.Input["platform"].(string))...)
	}
	if len(diags) > 0 {
		t.Errorf("%s: %v\n%s", n.Addr, diags, data)
		return
	}
	for _, p := range doc.Phases {
		for _, s := range p.Steps {
			if r, ok := n.Steps[p.Name+"/"+s.Name]; !ok || r.Filename == "" {
				t.Errorf("%s: no range of the step %s/%s", n.Addr, p.Name, s.Name)
			}
			if s.Action == "ExecuteBash" {
				checkBash(t, strings.Join(s.Inputs[0]["commands"].([]string), "\n"))
			}
		}
	}
	if strings.Contains(data, "{{") {
		t.Errorf("%s: AWSTOE would expand something in\n%s", n.Addr, data)
	}
}

func checkBash(t *testing.T, program string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-n")
	cmd.Stdin = strings.NewReader(program)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("bash -n: %v\n%s\n%s", err, out, program)
	}
}

func readContent(t *testing.T, c dsl.Content) []byte {
	t.Helper()
	r, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}
