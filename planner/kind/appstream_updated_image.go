package kind

import (
	"strings"

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
		Attrs:  []dsl.Attr{timeoutAttr("How long the update may take. Defaults to 8h. Whatever is left then goes on, and the next run waits for it.")},
		Blocks: []dsl.NestedType{retentionBlock()},
	})
	k := appstreamImageOf(planner.Kind{
		Name: "appstream_updated_image", Create: "appstream:CreateUpdatedImage", Outputs: map[string]string{"arn": "image.Arn"},
		NameMember: "newImageName", TagsMember: "newImageTags",
		Accepts:  map[string][]string{"existingImageName": append([]string{"appstream_image_copy"}, appstreamImages...)},
		Identity: []string{"existingImageName"}, Varies: true,
		Example: appstreamUpdatedImageExample,
	}, g, "An AppStream image that AWS makes of another one with the newest agent and updates of Windows: a managed update.")
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		l.byName("existingImageName")
		l.newestOwn(n)
		l.wait(n, b.Body, "timeout")
		l.retention(n, b.Body)
		return n, l.Diags
	}
	return k
}

// newestOwn turns the beginning of a name into the look-up of the newest of the account's images of that name, the
// new one excepted.
func (l *Lowered) newestOwn(n *planner.Node) {
	beginning, ok := l.Input["existingImageName"].(string)
	if !ok || !strings.HasSuffix(beginning, "-") && !strings.HasSuffix(beginning, "*") {
		return
	}
	if n.Fixed == "" {
		l.fail(l.Ranges["existingImageName"], "Name missing", "The newest image of a name that begins so would be the new one at the next run. Give the new image a name of its own: name = \"office-${var.month}\".")
		return
	}
	l.ask("existingImageName", BaseImage{Prefix: strings.TrimSuffix(beginning, "*"), Own: true, Except: n.Fixed})
}

// byName has a reference to an image mean its name where AWS takes names, since a bare one means its ARN.
func (l *Lowered) byName(members ...string) {
	for _, m := range members {
		if r, ok := l.Input[m].(dsl.Ref); ok && r.Attr != "name" {
			l.Input[m] = r.Of("name")
		}
	}
}
