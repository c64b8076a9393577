package dsl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/dsl"
)

// large is a configuration of n sources and n builds with four provisioners each, in ten files.
func large(n int) map[string]string {
	files := map[string]string{"conf/variables.ib.hcl": "variable \"region\" {\n  default = \"eu-west-1\"\n}\nlocals {\n  tags = { team = \"web\", region = var.region }\n}\n"}
	for part := range 10 {
		var b strings.Builder
		for i := part; i < n; i += 10 {
			fmt.Fprintf(&b, "source \"imagebuilder\" \"image-%d\" {\n  parent_image   = \"ami-0123456789abcdef0\"\n  instance_types = [\"t3.medium\", \"t3.large\"]\n"+
				"  regions        = [var.region, \"eu-central-1\"]\n  tags           = merge(local.tags, { name = source.name })\n}\n\n", i)
			fmt.Fprintf(&b, "build {\n  name    = \"image-%d\"\n  sources = [\"source.imagebuilder.image-%d\"]\n\n", i, i)
			for p := range 3 {
				fmt.Fprintf(&b, "  provisioner \"shell\" {\n    inline = [\"dnf -y install package-%d\", \"echo ${build.name} ${var.region}\"]\n  }\n", p)
			}
			b.WriteString("  provisioner \"file\" {\n    source      = \"site/\"\n    destination = \"/var/www/html/\"\n  }\n}\n\n")
		}
		files[fmt.Sprintf("conf/part%d.ib.hcl", part)] = b.String()
	}
	return files
}

func BenchmarkLoad1000(b *testing.B) {
	host := testHost(large(1000), nil)
	lines := 0
	for _, text := range large(1000) {
		lines += strings.Count(text, "\n")
	}
	opts := dsl.Options{Types: testTypes(), Version: "1.4.0"}
	b.ReportAllocs()
	for b.Loop() {
		if _, diags := dsl.Load(host, opts); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
	b.ReportMetric(float64(lines), "lines")
}
