package awsmodel_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
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
		found := op.Check(in)
		if again := op.Check(in); !slices.Equal(found, again) {
			t.Errorf("%+v, and the second time %+v", found, again)
		}
		for _, x := range found {
			if x.Code == "" || x.Message == "" || x.Advice == "" {
				t.Errorf("half a finding: %+v", x)
			}
		}
	})
}

func FuzzARN(f *testing.F) {
	f.Add("arn:aws:imagebuilder:eu-west-1:123456789012:component/web/1.0.0/1")
	f.Add("arn:aws:imagebuilder:eu-west-1:123456789012:workflow/build")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := awsmodel.ParseARN(s)
		if err != nil {
			return
		}
		if a.String() != s {
			t.Errorf("%q comes back as %q", s, a)
		}
		if r, err := a.ParseResource(); err == nil && (r.Kind == "" || r.Name == "") {
			t.Errorf("%q names %+v", s, r)
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
		if f := op.Check(in); len(f) > 0 {
			b.Fatal(f)
		}
	}
}

// BenchmarkLoad is what the first use of a service costs; imagebuilder is to stay below 5 ms.
func BenchmarkLoad(b *testing.B) {
	for _, service := range awsmodel.Services() {
		b.Run(service, func(b *testing.B) {
			for b.Loop() {
				if _, err := awsmodel.Load(service); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
