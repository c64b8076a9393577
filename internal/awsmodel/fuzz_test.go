package awsmodel_test

import (
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

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
