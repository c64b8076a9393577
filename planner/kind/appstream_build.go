package kind

import (
	"maps"

	"github.com/org/imagebuild-action/dsl"
)

// builderSourceType and importSourceType are the labels of AppStream's sources.
const (
	builderSourceType = "appstream-builder"
	importSourceType  = "appstream"
)

// appstream adds the block of an image that is made on an image builder: what the source says, and the build's
// provisioners as steps in the machine.
func (e *expansion) appstream(spec *imageSpec) {
	body := &dsl.Body{Attrs: maps.Clone(spec.body.Attrs), Range: spec.body.Range}
	for _, n := range spec.body.Blocks {
		if n.Type != "provisioner" {
			body.Blocks = append(body.Blocks, n)
		}
	}
	for _, n := range e.body.Blocks {
		if !e.runs(n, spec.use) {
			continue
		}
		switch n.Type {
		case "provisioner", "validate":
			step := *n
			step.Type, step.Body = "provisioner", override(n, spec.use)
			body.Blocks = append(body.Blocks, &step)
		case "component":
			e.fail(n.Range, "Unsupported component", "Components are EC2 Image Builder's, and do not run in an AppStream image builder. "+
				"Keep the block away from this source with except = [%q], or put its steps into a provisioner.", spec.use.full())
		case "test":
			e.fail(n.Range, "Unsupported test", "Nothing starts a machine from a finished AppStream image by itself. Write validate, which runs on the machine that is built, "+
				"or keep the block away from this source with except = [%q].", spec.use.full())
		}
	}
	if v, ok := e.body.Attr("description"); ok {
		if _, own := body.Attr("description"); !own {
			body.Attrs["description"] = v
		}
	}
	image := e.add("appstream_image_builder", spec.address, body, e.build.Range)
	image.For, image.Manifests = e.build.Addr, e.manifests(spec)
}

// appstreamSpecs parts the images of a build: those made on image builders of AppStream are expanded here, the others returned.
func (e *expansion) appstreamSpecs(images []*imageSpec) []*imageSpec {
	var rest []*imageSpec
	for _, spec := range images {
		switch spec.use.typ {
		case builderSourceType:
			e.appstream(spec)
		case importSourceType:
			e.fail(spec.use.at, "Source of no build", "source \"appstream\" %q imports an AMI by itself: nothing is run in it. Remove it from the build, or make the image on a machine with source \"appstream-builder\". "+
				"An AMI of this build is imported by source_ami = build.NAME.ami.", spec.use.label)
		default:
			rest = append(rest, spec)
		}
	}
	return rest
}
