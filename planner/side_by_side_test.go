package planner_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// Expanding and lowering side by side changes neither a plan nor the order of what is said.
func TestApart(t *testing.T) {
	const n = 1000 // more than one goroutine takes
	var blocks []*dsl.Block
	for i := range n {
		b := block(i+1, fmt.Sprintf("p%04d", n-i), map[string]any{"left": fmt.Sprintf("of %d", i)})
		b.Addr.Type = "pair"
		blocks = append(blocks, b)
	}
	compile := func(apart bool, expand func(*planner.Scope, *dsl.Block) ([]*dsl.Block, hcl.Diagnostics)) ([]byte, hcl.Diagnostics) {
		pair := &planner.Kind{Name: "pair", Expand: expand, Apart: apart}
		g, diags := planner.Compile(&dsl.Config{Blocks: blocks}, map[string]*planner.Kind{"thing": thing, "pair": pair}, "eu-west-1")
		if g == nil {
			return nil, diags
		}
		diags = append(diags, g.Seal(nil)...)
		p, more := planner.Diff(g, nil, planner.DiffOptions{})
		return p.JSON(), append(diags, more...)
	}
	split := func(_ *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
		left, right := block(b.Range.Start.Line, b.Addr.Name+"-left", nil), block(b.Range.Start.Line, b.Addr.Name+"-right", nil)
		left.Body.Attrs["value"] = b.Body.Attrs["left"]
		right.Body.Attrs["other"] = dsl.Value{V: ref(left.Addr.Name), Range: b.Range}
		return []*dsl.Block{left, right}, nil
	}
	one, diags := compile(false, split)
	if len(diags) > 0 || bytes.Count(one, []byte(`"address"`)) != 2*n {
		t.Fatalf("%d things are planned: %v", bytes.Count(one, []byte(`"address"`)), diags)
	}
	if two, _ := compile(true, split); !bytes.Equal(one, two) {
		t.Error("the plan is another one when blocks are expanded apart")
	}

	refuse := func(_ *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Refused", Detail: b.Addr.Name, Subject: &b.Range}}
	}
	_, want := compile(false, refuse)
	_, got := compile(true, refuse)
	if len(want) != n || want.Error() != got.Error() {
		t.Fatalf("%d and %d diagnostics", len(want), len(got))
	}
	for i := range want {
		if got[i].Detail != want[i].Detail {
			t.Fatalf("diagnostic %d is about %s and would be about %s one by one", i, got[i].Detail, want[i].Detail)
		}
	}
}
