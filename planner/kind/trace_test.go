package kind_test

import (
	"testing"

	"github.com/org/imagebuild-action/dsl"
)

// A step of a component that was there already leads to where the recipe of the failed image takes
// it, and not to another recipe that takes it too.
func TestTraceOfExistingComponents(t *testing.T) {
	p := mustPlan(t, `
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
source "imagebuilder" "api" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  component "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2/1" {}
}
build {
  name    = "api"
  sources = ["source.imagebuilder.api"]
  provisioner "shell" {
    inline = ["true"]
  }
  component "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2" {}
}
`)
	const arn = "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2/1"
	for image, want := range map[string]int{"web": 13, "api": 21} {
		r, ok := p.Trace(dsl.Addr{Type: "image", Name: image}, arn, "build", "UpdateOS")
		if !ok || r.Start.Line != want {
			t.Errorf("image.%s: %v, %v; want line %d", image, r, ok, want)
		}
	}
	if r, ok := p.Trace(dsl.Addr{Type: "image", Name: "web"}, "arn:aws:imagebuilder:eu-west-1:aws:component/reboot-linux/1.0.1/1", "build", "Reboot"); ok {
		t.Errorf("a component that no recipe takes was found at %v", r)
	}
}
