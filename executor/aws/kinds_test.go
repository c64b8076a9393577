package aws_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// Every kind's input must decode, member by member, into the SDK's own input type: what the
// compiler cannot see through planner.Object, this test does.
func TestEveryKindFitsItsOperation(t *testing.T) {
	for _, k := range kind.List() {
		for _, op := range []planner.Op{k.Create, k.Read, k.List, k.Update, k.Delete} {
			if op == "" {
				continue
			}
			if err := aws.Check(op, json.RawMessage(`{}`)); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
		if k.Create == "" || k.Example == "" {
			continue // expanded to others; planner/kind sees to the examples
		}
		g := compile(t, map[string]string{"main.ib.hcl": k.Example})
		covered := false
		for _, n := range g.Nodes {
			covered = covered || n.Kind == k
			fits(t, n.Addr, n.Kind.Create, n.Input)
		}
		if !covered {
			t.Errorf("the example of %s makes none", k.Name)
		}
	}
}

func fits(t *testing.T, a dsl.Addr, op planner.Op, in planner.Object) {
	t.Helper()
	raw, err := json.Marshal(in.Resolve(func(dsl.Ref) any { return "arn" }))
	if err != nil {
		t.Fatal(err)
	}
	if err = aws.Check(op, raw); err != nil {
		t.Errorf("%v: %s: %v\n%s", a, op, err, raw)
	}
}

func compile(tb testing.TB, files map[string]string) *planner.Graph {
	tb.Helper()
	return compileWith(tb, nil, files)
}

// compileWith compiles with an answer for data blocks.
func compileWith(tb testing.TB, data func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics), files map[string]string) *planner.Graph {
	tb.Helper()
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	host := dsl.Host{
		FS: fs, Dir: ".", Cwd: ".", Root: "/repository",
		Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil },
	}
	cfg, diags := dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: "0.1.0", Data: data})
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	g, diags := planner.Compile(cfg, kind.All(), region)
	if diags.HasErrors() {
		tb.Fatal(diags)
	}
	return g
}

func TestCheckRefusesWhatTheOperationDoesNotTake(t *testing.T) {
	for op, in := range map[planner.Op]string{
		"imagebuilder:CreateComponent": `{"semanticVesion":"1.0.0"}`,
		"imagebuilder:CreateImage":     `{"tags":["a"]}`,
		"imagebuilder:CreateMoon":      `{}`,
	} {
		if aws.Check(op, json.RawMessage(in)) == nil {
			t.Errorf("%s took %s", op, in)
		}
	}
}

// The wire's names are the SDK's with a small first letter: for every member of every shape that
// both the model and the SDK have.
func TestWireNamesFollowFromTheSDK(t *testing.T) {
	model, err := awsmodel.Get("imagebuilder")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		shape, ok := model.Shape(typ.Name())
		if !ok {
			return
		}
		members := map[string]bool{}
		for _, m := range shape.Members {
			members[m.Name] = true
		}
		for f := range typ.Fields() {
			if !f.IsExported() {
				continue
			}
			wire := string(unicode.ToLower(rune(f.Name[0]))) + f.Name[1:]
			for m := range members {
				if strings.EqualFold(m, wire) && m != wire {
					t.Errorf("%s.%s is %s on the wire, not %s", typ.Name(), f.Name, m, wire)
				}
			}
			checked++
			walk(f.Type)
		}
	}
	for _, v := range []any{types.Image{}, types.ImagePipeline{}, types.Component{}, types.LifecyclePolicy{}, types.InfrastructureConfiguration{}, types.ContainerRecipe{}, types.Workflow{}} {
		walk(reflect.TypeOf(v))
	}
	if checked < 200 {
		t.Errorf("only %d members compared", checked)
	}
}
