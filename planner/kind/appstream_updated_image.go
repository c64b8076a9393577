package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamUpdatedImageExample = `
appstream_updated_image "office" {
  existing_image_name = "office-2026-01"
  name                = "office-2026-02"
}
`

// appstreamUpdatedImageKind is an image that AppStream makes of another with the newest agent, drivers and updates
// of the operating system. AWS takes hours for it.
func appstreamUpdatedImageKind() *planner.Kind {
	g := Derive(Spec{
		Op: "appstream:CreateUpdatedImage", Hidden: []string{"dryRun"}, Filled: []string{"newImageName"},
		Alias:  map[string]string{"name": "newImageName", "description": "newImageDescription", "display_name": "newImageDisplayName", "tags": "newImageTags"},
		Attrs:  []dsl.Attr{timeoutAttr("How long the update may take; eight hours when left out. Whatever is left then goes on, and the next run waits for it.")},
		Blocks: []dsl.NestedType{retentionBlock()},
	})
	k := appstreamImageOf(planner.Kind{
		Name: "appstream_updated_image", Create: "appstream:CreateUpdatedImage", Outputs: map[string]string{"arn": "image.Arn"},
		NameMember: "newImageName", TagsMember: "newImageTags",
		Accepts: map[string][]string{"existingImageName": append([]string{"appstream_image_copy"}, appstreamImages...)},
		Example: appstreamUpdatedImageExample,
	}, g, "An AppStream image that AWS makes of another one with the newest agent and updates of Windows: a managed update.")
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		l.byName("existingImageName")
		l.wait(n, b.Body, "timeout")
		l.retention(n, b.Body)
		return n, l.Diags
	}
	return k
}

// byName has a reference to an image mean its name where AWS takes names, since a bare one means its ARN.
func (l *Lowered) byName(members ...string) {
	for _, m := range members {
		if r, ok := l.Input[m].(dsl.Ref); ok && r.Attr != "name" {
			l.Input[m] = r.Of("name")
		}
	}
}
