package kind_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

func nodeOf(t *testing.T, g *planner.Graph, address string) *planner.Node {
	t.Helper()
	for _, n := range g.Nodes {
		if n.Addr.String() == address {
			return n
		}
	}
	t.Fatalf("no %s", address)
	return nil
}

// TestStepsLeadBack holds that a step's name leads to the block that wrote it.
func TestStepsLeadBack(t *testing.T) {
	g := compileFS(t, fstest.MapFS{"main.ib.hcl": {Data: []byte(`
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { # 9
    inline       = ["echo"]
    pause_before = "1s"
  }
  provisioner "file" { # 13
    content     = "x"
    destination = "/etc/x"
  }
  validate "shell" { # 17
    name   = "it works"
    inline = ["echo"]
  }
  post-processor "manifest" {
    output = "m.json"
  }
}
`)}})
	want := map[string]int{"build/01-shell-pause": 9, "build/01-shell": 9, "build/02-file": 13, "validate/01-shell-it-works": 17}
	got := map[string]int{}
	for step, r := range nodeOf(t, g, "component.web").Steps {
		got[step] = r.Start.Line
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("steps lead to %v, want %v", got, want)
	}
	image := nodeOf(t, g, "image.web")
	if image.Group != "web" || len(image.Manifests) != 1 || image.Manifests[0].Body.Attrs["output"].V != "m.json" {
		t.Errorf("image.web: group %q, manifests %v", image.Group, image.Manifests)
	}
}

// TestScriptPaths holds where relative paths are looked for: beside the configuration first, then in
// the working directory, and nowhere outside of the repository.
func TestScriptPaths(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"both.sh", "beside"},
		{"work.sh", "work"},
		{"../up.sh", "up"},
		{"/repository/up.sh", "up"},
		{"../../out.sh", "Path leaves the repository"},
		{"/etc/passwd", "Path leaves the repository"},
		{"/repository/../out.sh", "Path leaves the repository"},
		{"none.sh", "File not found"},
		{"", "File not found"},
		{".", "File not readable"},
	} {
		fsys := fstest.MapFS{
			"conf/main.ib.hcl": {Data: []byte(fmt.Sprintf(`
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" {
    script = %q
  }
}
`, tt.path))},
			"conf/both.sh": {Data: []byte("beside")}, "work/both.sh": {Data: []byte("wrong")},
			"work/work.sh": {Data: []byte("work")}, "up.sh": {Data: []byte("up")},
		}
		host := dsl.Host{FS: fsys, Dir: "conf", Cwd: "work", Root: "/repository", Env: func(string) (string, bool) { return "", false }, Envs: func() []string { return nil }}
		cfg, diags := dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: "1.0.0"})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		g, diags := planner.Compile(cfg, kind.All(), "eu-west-1")
		got := diags.Error()
		if g != nil {
			got = nodeOf(t, g, "component.web").Input["data"].(string)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%q: %s, want %s", tt.path, got, tt.want)
		}
	}
}

// TestAmbiguousBuild holds that a build of several images cannot stand for one of them.
func TestAmbiguousBuild(t *testing.T) {
	cfg, diags := loadText(t, `
source "imagebuilder" "one" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
source "imagebuilder" "two" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "base"
  sources = ["source.imagebuilder.one", "source.imagebuilder.two"]
}
source "imagebuilder" "web" {
  parent_image          = build.base.ami
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
}
`)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	_, diags = planner.Compile(cfg, kind.All(), "eu-west-1")
	if got := diags.Error(); len(diags) != 1 || !strings.Contains(got, "image.base-one.ami") || !strings.Contains(got, "image.base-two.ami") || diags[0].Subject.Start.Line != 15 {
		t.Errorf("%d diagnostics: %s", len(diags), got)
	}
}

// TestAMINames holds that names of Packer's become names that Image Builder takes.
func TestAMINames(t *testing.T) {
	long := strings.Repeat("n", 115)
	for given, want := range map[string]string{
		"web":                                    "web {{ imagebuilder:buildDate }}",
		"web-{{timestamp}}":                      "web-{{ imagebuilder:buildDate }}",
		`web-{{isotime "2006"}}-x86_64`:          "web-{{ imagebuilder:buildDate }}-x86_64",
		"it's (new)/{{timestamp}}-{{timestamp}}": "it-s -new--{{ imagebuilder:buildDate }}-",
		long:                                     long[:98] + " {{ imagebuilder:buildDate }}",
		long + "{{timestamp}}x":                  long[:99] + "{{ imagebuilder:buildDate }}",
	} {
		g := compileFS(t, fstest.MapFS{"main.pkr.hcl": {Data: fmt.Appendf(nil, `
source "amazon-ebs" "web" {
  ami_name             = %q
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "builder"
}
build {
  sources = ["source.amazon-ebs.web"]
}
`, given)}})
		list, _ := nodeOf(t, g, "distribution_configuration.web").Input["distributions"].([]any)
		if got := fmt.Sprint(list); !strings.Contains(got, "name:"+want+"]") || len(want) > 127 {
			t.Errorf("%q: %s, want %q", given, got, want)
		}
	}
}
