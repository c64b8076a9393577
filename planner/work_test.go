package planner_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// machine is a kind whose nodes have work.
func machine(w *planner.Work) map[string]*planner.Kind {
	k := *thing
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, diags := thing.Lower(s, b)
		if b.Addr.Name == "machine" {
			n.Work = w
		}
		return n, diags
	}
	return map[string]*planner.Kind{"thing": &k}
}

func work(secret string, script any) *planner.Work {
	return &planner.Work{
		Communicator: planner.Communicator{
			Type: "winrm", Settings: planner.Object{"username": "Administrator"},
			Secrets: map[string]string{"password": secret, "key": "secretsmanager:ours#key"}, Range: at(3),
		},
		Steps: []planner.WorkStep{{Name: "install", Action: planner.WorkPowerShell, Input: planner.Object{"script": script}, Range: at(4)}},
	}
}

func planOf(t *testing.T, w *planner.Work) (*planner.Plan, hcl.Diagnostics) {
	t.Helper()
	g, diags := planner.Compile(&dsl.Config{Blocks: []*dsl.Block{block(1, "machine", nil), block(2, "other", nil)}}, machine(w), "eu-west-1")
	if diags.HasErrors() {
		return nil, diags
	}
	if diags = g.Seal(nil); diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.Diff(g, nil, planner.DiffOptions{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p, nil
}

func TestWork(t *testing.T) {
	p, _ := planOf(t, work("hunter2", "Get-Date"))
	text := string(p.JSON())
	if strings.Contains(text, "hunter2") {
		t.Errorf("the plan shows a password:\n%s", text)
	}
	doc, err := planner.ParsePlan(p.JSON())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"communicator":{"type":"winrm","settings":{"username":"Administrator"},"secrets":{"key":"secretsmanager:ours#key","password":null}},` +
		`"steps":[{"action":"powershell","input":{"script":"Get-Date"},"name":"install"}]}`
	if got := string(doc.Changes[0].Work); got != want {
		t.Errorf("work is\n%s\nwant\n%s", got, want)
	}
	if doc.Changes[1].Work != nil {
		t.Errorf("a node without work shows %s", doc.Changes[1].Work)
	}

	digest := func(w *planner.Work) string {
		sealed, _ := planOf(t, w)
		return sealed.Changes[0].Digest
	}
	if digest(work("a", "Get-Date")) != digest(work("b", "Get-Date")) {
		t.Error("another password is another image")
	}
	if digest(work("a", "Get-Date")) == digest(work("a", "Get-Host")) {
		t.Error("another script is the same image")
	}
	other, _ := planOf(t, work("hunter2", "Get-Host"))
	if d := other.Same(p.JSON()); len(d) == 0 || !strings.HasPrefix(d[0], "thing.machine: work was ") {
		t.Errorf("the difference of two plans is told as %q", d)
	}
}

// What a script refers to comes first, and is put in once it is known; a mistake is shown at the step.
func TestWorkReferences(t *testing.T) {
	p, _ := planOf(t, work("", dsl.Ref{Addr: addr("other"), Attr: "name"}))
	if p.Changes[0].Addr != addr("other") {
		t.Errorf("%s comes before what its work refers to", p.Changes[0].Addr)
	}
	if got := p.Changes[1].Work.Steps[0].Input["script"]; got != "other" {
		t.Errorf("the script is %v, want the name it refers to", got)
	}
	_, diags := planOf(t, work("", dsl.Ref{Addr: addr("none"), Attr: "name"}))
	if len(diags) != 1 || diags[0].Detail != "There is no thing.none." || diags[0].Subject.Start.Line != 4 {
		t.Errorf("an unknown reference is told as %v", diags)
	}
}

func TestStoredSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"ssm:/a/b": true, "secretsmanager:a#b": true, "ssm:a": false, "pass ssm:/a": false, "": false,
	} {
		if planner.StoredSecret(text) != want {
			t.Errorf("%q kept elsewhere: %v", text, !want)
		}
	}
}
