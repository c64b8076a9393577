package kind_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

var update = flag.Bool("update", false, "write the golden sections of testdata anew")

// TestPlans compiles each archive of testdata, seals it with its facts.json, compares it with its
// observed.json, and compares the plan and the diagnostics with want.plan and want.diags.
func TestPlans(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, ar)
			if *update {
				ar.Files = slices.DeleteFunc(ar.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want.") })
				for _, section := range []string{"want.plan", "want.diags"} {
					if got[section] != "" {
						ar.Files = append(ar.Files, txtar.File{Name: section, Data: []byte(got[section])})
					}
				}
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, section := range []string{"want.plan", "want.diags"} {
				if want := file(ar, section); got[section] != want {
					t.Errorf("%s:\n%s\nwant:\n%s", section, got[section], want)
				}
			}
		})
	}
}

func file(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// load reads the archive's configuration as the program would.
func load(tb testing.TB, ar *txtar.Archive) (*dsl.Config, hcl.Diagnostics) {
	tb.Helper()
	fsys := fstest.MapFS{}
	for _, f := range ar.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return loadFS(fsys)
}

func loadFS(fsys fs.FS) (*dsl.Config, hcl.Diagnostics) {
	host := dsl.Host{
		FS: fsys, Dir: ".", Cwd: ".", Root: "/repository",
		Env:  func(string) (string, bool) { return "", false },
		Envs: func() []string { return nil },
	}
	return dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: "1.0.0"})
}

// loadText is load for a configuration of one file.
func loadText(tb testing.TB, src string) (*dsl.Config, hcl.Diagnostics) {
	tb.Helper()
	return load(tb, &txtar.Archive{Files: []txtar.File{{Name: "main.ib.hcl", Data: []byte(src)}}})
}

func run(t *testing.T, ar *txtar.Archive) map[string]string {
	t.Helper()
	out := map[string]string{}
	cfg, diags := load(t, ar)
	var plan *planner.Plan
	if diags.HasErrors() {
		_, more := planner.Compile(cfg, kind.All(), "eu-west-1")
		diags = append(diags, more...)
	} else {
		var more hcl.Diagnostics
		plan, more = planOf(t, ar, cfg)
		diags = append(diags, more...)
	}
	if plan != nil && !diags.HasErrors() {
		out["want.plan"] = describe(t, plan)
	}
	if len(diags) > 0 {
		var b bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&b, cfg.Files, 100, false).WriteDiagnostics(diags); err != nil {
			t.Fatal(err)
		}
		out["want.diags"] = strings.TrimRight(b.String(), "\n") + "\n"
	}
	return out
}

func planOf(t *testing.T, ar *txtar.Archive, cfg *dsl.Config) (*planner.Plan, hcl.Diagnostics) {
	t.Helper()
	g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
	if diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, g.Seal(answersOf(t, ar, g))...)
	var opts planner.DiffOptions
	decode(t, ar, "options.json", &opts)
	p, more := planner.Diff(g, observed(t, ar, g), opts)
	return p, append(diags, more...)
}

// observed reads observed.json, where "=" stands for the digest that is wanted.
func observed(t *testing.T, ar *txtar.Archive, g *planner.Graph) map[dsl.Addr]*planner.Observed {
	t.Helper()
	if file(ar, "observed.json") == "" {
		return nil
	}
	var by map[string]*planner.Observed
	decode(t, ar, "observed.json", &by)
	seen := map[dsl.Addr]*planner.Observed{}
	for _, n := range g.Nodes {
		o, ok := by[n.Addr.String()]
		if !ok {
			continue
		}
		if o.Digest == "=" {
			o.Digest = n.Digest
		}
		seen[n.Addr] = o
		delete(by, n.Addr.String())
	}
	for a := range by {
		t.Errorf("observed.json: there is no %s", a)
	}
	return seen
}

func decode(t *testing.T, ar *txtar.Archive, name string, v any) {
	t.Helper()
	if src := file(ar, name); src != "" {
		if err := json.Unmarshal([]byte(src), v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// describe writes a plan as a person reads it: verb, address, version, reason and call.
func describe(t *testing.T, p *planner.Plan) string {
	t.Helper()
	sign := map[planner.Verb]string{planner.Create: "+", planner.Update: "~", planner.None: "=", planner.Wait: ">", planner.Delete: "-", planner.Later: "."}
	doc, err := planner.ParsePlan(p.JSON())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, c := range doc.Changes {
		fmt.Fprintf(&b, "%s %s", sign[c.Verb], c.Address)
		if len(c.Needs) > 0 {
			fmt.Fprintf(&b, "  <- %s", strings.Join(c.Needs, ", "))
		}
		fmt.Fprintf(&b, "\n  %s\n", c.Reason)
		if c.ARN != nil {
			fmt.Fprintf(&b, "  %s\n", *c.ARN)
		}
		if p.Changes[i].Estimate != 0 {
			fmt.Fprintf(&b, "  about %s\n", p.Changes[i].Estimate)
		}
		if c.Retag != nil {
			fmt.Fprintf(&b, "  tags %s\n", c.Retag)
		}
		if c.Work != nil {
			work, err := json.MarshalIndent(c.Work, "  ", "  ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "  work %s\n", work)
		}
		if c.Call != nil {
			input, err := json.MarshalIndent(c.Call.Input, "  ", "  ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "  %s:%s %s\n", c.Call.Service, c.Call.Operation, input)
		}
	}
	for _, l := range p.Graph.Lookups {
		fmt.Fprintf(&b, "? %s\n", l.Addr)
	}
	return b.String()
}

// answersOf are the answers in an archive's facts.json to the look-ups of a graph.
func answersOf(t *testing.T, ar *txtar.Archive, g *planner.Graph) planner.Facts {
	t.Helper()
	facts := planner.Facts{}
	var answers map[string]map[string]string
	decode(t, ar, "facts.json", &answers)
	for _, l := range g.Lookups {
		if a, ok := answers[l.Addr.String()]; ok {
			facts[l.Addr] = a
		}
	}
	return facts
}

// amisOf are the AMIs of an archive's amis.json, by ID.
func amisOf(t *testing.T, ar *txtar.Archive) map[planner.AMI]planner.Object {
	t.Helper()
	var described map[string]planner.Object
	decode(t, ar, "amis.json", &described)
	out := map[planner.AMI]planner.Object{}
	for id, image := range described {
		out[planner.AMI{Region: "eu-west-1", ID: id}] = image
	}
	return out
}
