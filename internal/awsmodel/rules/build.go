package rules

import (
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A Build is the calls that together make an image, and what is known of what it starts from. AWS
// refuses some combinations of inputs that it accepts one by one. A nil map stands for an input that is not known.
type Build struct {
	Place                         // where the image is built
	Image          map[string]any // of CreateImage, CreateImagePipeline or UpdateImagePipeline
	Recipe         map[string]any // of CreateImageRecipe or CreateContainerRecipe
	Infrastructure map[string]any // of CreateInfrastructureConfiguration or its update
	Distribution   map[string]any // of CreateDistributionConfiguration or its update
	Components     []Component    // those of the recipe, by their index in it
	Workflows      []*Workflow    // those of the image, by their index in it; nil for what is not known
	Parent         Parent
}

// A Component is what is known of one of a recipe's components.
type Component struct {
	Input  map[string]any // of CreateComponent; nil where it is not known
	Phases []string       // of its document
}

// build is the operation under which the rules across calls are kept.
var build = []string{"build"}

// CheckBuild returns what AWS refuses in a build and not in one of its calls. A finding's Part says
// which call it is about: "image", "recipe", "infrastructure" or "distribution".
func CheckBuild(b *Build) []Finding {
	root := make(map[string]any, 4)
	for _, part := range []struct {
		name  string
		input map[string]any
	}{{"image", b.Image}, {"recipe", b.Recipe}, {"infrastructure", b.Infrastructure}, {"distribution", b.Distribution}} {
		if part.input != nil {
			root[part.name] = part.input
		}
	}
	var found []Finding
	applied()["build"].judge(&subject{root: root, place: b.Place, build: b}, func(a application, f awsmodel.Finding) {
		found = append(found, Finding{Finding: f, Rule: a.rule, Part: a.part})
	})
	return sorted(found)
}
