package dsl_test

import (
	"reflect"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/org/imagebuild-action/dsl"
)

// Reading a body is what hcl's own reading of it is, whether or not there is anything to object to.
func FuzzContent(f *testing.F) {
	for _, src := range []string{
		"", "a = 1\n", "a = 1\nb = [a]\n", "b = 2\n", "a = 1\nc = 3\n",
		"a = 1\nplain {\n  x = 1\n}\nplain {}\nnamed \"n\" {}\n",
		"a = 1\nplain \"n\" {}\n", "a = 1\nnamed {}\n", "a = 1\nnamed \"n\" \"m\" {}\n", "a = 1\nother {}\n",
	} {
		f.Add(src)
	}
	schema := &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "a", Required: true}, {Name: "b"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "plain"}, {Type: "named", LabelNames: []string{"name"}}},
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, diags := hclsyntax.ParseConfig([]byte(src), "main.ib.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			return
		}
		want, wantDiags := file.Body.Content(schema)
		got, gotDiags := dsl.ContentOf(file.Body, schema)
		// hcl's diagnostics come in no particular order.
		if !reflect.DeepEqual(got, want) || len(gotDiags) != len(wantDiags) {
			t.Errorf("read as\n%+v %v\nand by hcl as\n%+v %v", got, gotDiags, want, wantDiags)
		}
	})
}
