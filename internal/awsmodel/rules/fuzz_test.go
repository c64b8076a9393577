package rules_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// FuzzCheck gives any JSON to any operation: Check must not panic, must say the same twice, and
// every finding must be fit to be shown.
func FuzzCheck(f *testing.F) {
	for op, text := range base {
		f.Add("imagebuilder", op, text)
	}
	for _, c := range ruleCases {
		f.Add("imagebuilder", c.op, c.change)
	}
	f.Add("ssm", "PutParameter", `{"Name":"/a","Value":"b","Type":"String"}`)
	f.Add("ec2", "CreateTags", `{"Resources":[],"Tags":[{"Key":1}]}`)
	f.Add("appstream", "CreateImageBuilder", `{"Name":"x","InstanceType":"stream.standard.medium"}`)
	f.Fuzz(func(t *testing.T, service, name, text string) {
		s, err := awsmodel.Get(service)
		if err != nil {
			t.Skip()
		}
		op, ok := s.Operation(name)
		var in map[string]any
		if !ok || json.Unmarshal([]byte(text), &in) != nil {
			t.Skip()
		}
		found := rules.Check(op, in, here)
		if again := rules.Check(op, in, here); !slices.Equal(found, again) {
			t.Errorf("%+v, and the second time %+v", found, again)
		}
		for _, x := range found {
			if x.Code == "" || x.Message == "" || x.Advice == "" {
				t.Errorf("half a finding: %+v", x)
			}
		}
	})
}

func BenchmarkCheckRecipe(b *testing.B) {
	op := operation(b, "CreateImageRecipe")
	in := input(b, base["CreateImageRecipe"])
	in["components"] = []any{map[string]any{"componentArn": awsmodel.Unknown{}}}
	in["tags"] = map[string]any{"team": "web", "imagebuilder:digest": "0123456789abcdef"}
	b.ReportAllocs()
	for b.Loop() {
		if f := rules.Check(op, in, here); len(f) > 0 {
			b.Fatal(f)
		}
	}
}
