package planner_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// thing is a kind of no service whose shapes are checked: its blocks hold what its calls get.
var thing = &planner.Kind{
	Name: "thing", Naming: planner.StableName, Create: "s3:PutObject", Resource: "thing",
	Block: dsl.BlockType{Name: "thing", Exports: []string{"arn", "name"}},
	Lower: func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n := &planner.Node{Input: planner.Object{}, Ranges: map[string]hcl.Range{}, Name: b.Addr.Name}
		for k, v := range b.Body.Attrs {
			n.Input[k], n.Ranges[k] = v.V, v.Range
		}
		n.Known = map[string]any{"name": b.Addr.Name}
		return n, nil
	},
}

var kinds = map[string]*planner.Kind{
	"thing": thing,
	"pair": {
		Name: "pair",
		Expand: func(_ *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
			var out []*dsl.Block
			for _, side := range []string{"left", "right"} {
				out = append(out, &dsl.Block{Addr: addr(b.Addr.Name + "-" + side), Body: &dsl.Body{}, Range: b.Range, Group: b.Addr.Name, For: b.Addr})
			}
			return out, nil
		},
	},
}

func addr(name string) dsl.Addr { return dsl.Addr{Type: "thing", Name: name} }

func ref(name string) dsl.Ref { return dsl.Ref{Addr: addr(name), Attr: "arn"} }

func at(line int) hcl.Range {
	return hcl.Range{
		Filename: "main.ib.hcl",
		Start:    hcl.Pos{Line: line, Column: 1, Byte: line * 100},
		End:      hcl.Pos{Line: line, Column: 9, Byte: line*100 + 8},
	}
}

// a block named by its line, with attributes on the same line.
func block(line int, name string, attrs map[string]any) *dsl.Block {
	b := &dsl.Block{Addr: addr(name), Body: &dsl.Body{Attrs: map[string]dsl.Value{}, Range: at(line)}, Range: at(line)}
	for k, v := range attrs {
		b.Body.Attrs[k] = dsl.Value{V: v, Range: at(line)}
	}
	return b
}

func plan(blocks ...*dsl.Block) (*planner.Plan, hcl.Diagnostics) {
	g, diags := planner.Compile(&dsl.Config{Blocks: blocks}, kinds, "eu-west-1")
	if diags.HasErrors() {
		return nil, diags
	}
	diags = append(diags, g.Seal(nil)...)
	p, more := planner.Diff(g, nil, planner.DiffOptions{})
	return p, append(diags, more...)
}

// Whatever the references, a node comes after all it needs, and the order is the same every time.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		n := 2 + rng.IntN(40)
		var blocks []*dsl.Block
		for i := range n {
			var refs []any
			for range rng.IntN(4) {
				if i > 0 {
					refs = append(refs, map[string]any{"to": ref(fmt.Sprintf("t%02d", rng.IntN(i)))})
				}
			}
			blocks = append(blocks, block(i+1, fmt.Sprintf("t%02d", i), map[string]any{"refs": refs}))
		}
		p, diags := plan(blocks...)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		seen := map[dsl.Addr]bool{}
		for _, c := range p.Changes {
			for _, need := range c.Needs {
				if !seen[need] {
					t.Fatalf("%s comes before %s, which it needs", c.Addr, need)
				}
			}
			seen[c.Addr] = true
		}
		rng.Shuffle(n, func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		again, _ := plan(blocks...)
		if string(again.JSON()) != string(p.JSON()) {
			t.Fatal("the order of blocks changed the plan")
		}
	}
}

func TestMistakes(t *testing.T) {
	pair := &dsl.Block{Addr: dsl.Addr{Type: "pair", Name: "both"}, Body: &dsl.Body{}, Range: at(9)}
	for _, tt := range []struct {
		name   string
		blocks []*dsl.Block
		line   int
		want   string
	}{
		{"a circle of one", []*dsl.Block{block(1, "one", map[string]any{"a": ref("two")}), block(2, "two", map[string]any{"a": ref("one")})}, 1, "Circular reference: thing.one needs thing.two needs thing.one"},
		{"an unknown block", []*dsl.Block{block(1, "one", map[string]any{"a": ref("two")})}, 1, "Unknown reference: There is no thing.two"},
		{"an unknown attribute", []*dsl.Block{block(1, "one", nil), block(2, "two", map[string]any{"a": dsl.Ref{Addr: addr("one"), Attr: "ami"}})}, 2, `Unknown attribute: thing.one has no "ami". What can be asked of it: arn, name.`},
		{"an unknown data block", []*dsl.Block{block(1, "one", map[string]any{"a": dsl.Ref{Addr: dsl.Addr{Type: "data.x", Name: "y"}, Attr: "id"}})}, 1, "Unknown reference: There is no data.x.y"},
		{"one address twice", []*dsl.Block{block(1, "one", nil), block(2, "one", nil)}, 2, "Duplicate block: thing.one is already declared at main.ib.hcl:1,1-9"},
		{"one address written and made", []*dsl.Block{block(1, "both-left", nil), pair}, 9, `Duplicate block: thing.both-left is already declared at main.ib.hcl:1,1-9 (build "both" makes a block of that name)`},
		{"one name twice", []*dsl.Block{block(1, "My thing", nil), block(2, "my_thing", nil)}, 2, `Duplicate name: thing.my_thing and thing.My thing (at main.ib.hcl:1,1-9) are both called "my-thing"`},
		{"one of two", []*dsl.Block{pair, block(10, "one", map[string]any{"a": dsl.Ref{Addr: pair.Addr, Attr: "arn"}})}, 10, "Ambiguous reference: pair.both makes several: write thing.both-left.arn or thing.both-right.arn"},
		{"no such kind", []*dsl.Block{{Addr: dsl.Addr{Type: "nothing", Name: "x"}, Body: &dsl.Body{}, Range: at(5)}}, 5, `Unsupported block: There is no kind of resource called "nothing"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, diags := plan(tt.blocks...)
			if p != nil || len(diags) != 1 {
				t.Fatalf("%v, want one diagnostic", diags)
			}
			if got := diags[0].Summary + ": " + diags[0].Detail; !strings.HasPrefix(got, tt.want) || diags[0].Subject.Start.Line != tt.line {
				t.Errorf("line %d: %s\nwant line %d: %s", diags[0].Subject.Start.Line, got, tt.line, tt.want)
			}
		})
	}
}

// A file that an image's components download comes before the image although nothing refers to it.
func TestNeedsWithoutReference(t *testing.T) {
	image := block(1, "a-image", nil)
	image.Needs = []dsl.Addr{addr("file")}
	p, diags := plan(image, block(2, "file", nil))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if p.Changes[0].Addr != addr("file") || !slices.Equal(p.Changes[1].Needs, []dsl.Addr{addr("file")}) {
		t.Errorf("order %s, %s", p.Changes[0].Addr, p.Changes[1].Addr)
	}
}

func TestSelect(t *testing.T) {
	question := planner.Question("ssm:/one")
	blocks := []*dsl.Block{
		block(1, "shared", nil),
		block(2, "web", map[string]any{"To": ref("shared")}),
		block(3, "api", map[string]any{"Asks": question}),
	}
	for _, tt := range []struct {
		only, except []string
		nodes        string
		lookups      int
	}{
		{nil, nil, "thing.api thing.shared thing.web", 1},
		{[]string{"thing.w*"}, nil, "thing.shared thing.web", 0},
		{nil, []string{"thing.web"}, "thing.api thing.shared", 1},
		{[]string{"thing.*"}, []string{"thing.shared", "thing.api"}, "thing.shared thing.web", 0},
	} {
		g, diags := planner.Compile(&dsl.Config{Blocks: blocks}, kinds, "eu-west-1")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if err := g.Select(tt.only, tt.except); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range g.Nodes {
			names = append(names, n.Addr.String())
		}
		if got := strings.Join(names, " "); got != tt.nodes || len(g.Lookups) != tt.lookups {
			t.Errorf("only %q except %q: %s and %d look-ups, want %s and %d", tt.only, tt.except, got, len(g.Lookups), tt.nodes, tt.lookups)
		}
	}
	g, _ := planner.Compile(&dsl.Config{Blocks: blocks}, kinds, "eu-west-1")
	if err := g.Select([]string{"thing.wbe"}, nil); err == nil || !strings.Contains(err.Error(), "matches no build") {
		t.Errorf("a misspelt name: %v", err)
	}
}

func TestResolve(t *testing.T) {
	in := planner.Object{"list": []any{ref("one"), "x"}, "deep": map[string]any{"r": ref("two"), "n": int64(1)}}
	out := in.Resolve(func(r dsl.Ref) any { return "arn of " + r.Name })
	if got := fmt.Sprint(out); got != "map[deep:map[n:1 r:arn of two] list:[arn of one x]]" {
		t.Error(got)
	}
	if in["list"].([]any)[0] != ref("one") {
		t.Error("the object itself was changed")
	}
}

func TestSame(t *testing.T) {
	one := func(value string) *dsl.Block { return block(1, "one", map[string]any{"Value": value}) }
	was, _ := plan(one("a"), block(2, "gone", nil))
	saved := was.JSON()
	for _, tt := range []struct {
		name   string
		blocks []*dsl.Block
		want   []string
	}{
		{"nothing", []*dsl.Block{block(7, "gone", nil), one("a")}, nil},
		{"a member", []*dsl.Block{one("b"), block(2, "gone", nil)}, []string{`thing.one: Value was "a" and is "b"`}},
		{"a block more and one less", []*dsl.Block{one("a"), block(2, "more", nil)}, []string{"thing.more is new", "thing.gone is gone"}},
	} {
		is, diags := plan(tt.blocks...)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got := is.Same(saved); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	// Of long values what differs is shown, wherever it is.
	long, _ := plan(one(strings.Repeat("é", 300) + "a" + strings.Repeat("z", 10)))
	other, _ := plan(one(strings.Repeat("é", 300) + "b" + strings.Repeat("z", 300)))
	if got := other.Same(long.JSON()); len(got) != 1 || !strings.Contains(got[0], "éazzz") || !strings.Contains(got[0], "ébzzz") || len([]rune(got[0])) > 300 {
		t.Errorf("%q", got)
	}
	g, _ := planner.Compile(&dsl.Config{Blocks: []*dsl.Block{one("a"), block(2, "gone", nil)}}, kinds, "eu-west-1")
	if more := g.Seal(nil); len(more) > 0 {
		t.Fatal(more)
	}
	online, _ := planner.Diff(g, map[dsl.Addr]*planner.Observed{}, planner.DiffOptions{Account: "123456789012"})
	if got := online.Same(saved); !slices.Equal(got, []string{"account was not known and is 123456789012"}) {
		t.Errorf("%q", got)
	}
	if got := was.Same([]byte("{}")); len(got) != 1 || !strings.Contains(got[0], "format_version") {
		t.Errorf("a document that is none: %q", got)
	}
}

// Whatever text is in a plan, the document is JSON and says that text.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c\n\t\r\x00\x1f\x7f", "\xff\xfe", "é世界😀", "</script>&  "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, diags := plan(block(1, "one", map[string]any{"Value": s, "Map": map[string]any{s: s}}))
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var doc struct {
			Changes []struct {
				Call struct {
					Input struct {
						Value string
						Map   map[string]string
					}
				}
			}
		}
		if err := json.Unmarshal(p.JSON(), &doc); err != nil {
			t.Fatalf("%v in %s", err, p.JSON())
		}
		want := s
		if !utf8.ValidString(s) {
			return // what is no text arrives with replacement characters
		}
		if got := doc.Changes[0].Call.Input; got.Value != want || got.Map[want] != want {
			t.Errorf("%q became %q", want, got.Value)
		}
	})
}

// The document's form is fixed; programs read it.
func TestDocument(t *testing.T) {
	p, diags := plan(block(1, "one", map[string]any{"Value": int64(3)}), block(2, "two", map[string]any{"To": ref("one")}))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := string(p.JSON())
	for _, digest := range []string{p.Changes[0].Digest, p.Changes[1].Digest} {
		got = strings.ReplaceAll(got, digest, "D")
	}
	i := strings.Index(got, `"config_digest":"sha256:`) + len(`"config_digest":"sha256:`)
	got = got[:i] + "C" + got[i+64:]
	const want = `{"format_version":"1.0","config_digest":"sha256:C","region":"eu-west-1","account":null,"offline":true,"changes":[
{"address":"thing.one","kind":"thing","verb":"create","reason":"offline: not compared with AWS","digest":"sha256:D","needs":[],"arn":null,"origin":{"file":"main.ib.hcl","line":1,"column":1},"call":{"service":"s3","operation":"PutObject","region":"eu-west-1","input":{"Value":3}}},
{"address":"thing.two","kind":"thing","verb":"create","reason":"offline: not compared with AWS","digest":"sha256:D","needs":["thing.one"],"arn":null,"origin":{"file":"main.ib.hcl","line":2,"column":1},"call":{"service":"s3","operation":"PutObject","region":"eu-west-1","input":{"To":{"$ref":"thing.one","attr":"arn"}}}}],
"summary":{"create":2,"update":0,"delete":0,"none":0},"diagnostics":[]}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if direct, err := json.Marshal(p); err != nil || !json.Valid(direct) {
		t.Errorf("json.Marshal: %v", err)
	}
}
