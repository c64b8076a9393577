package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamExportExample = appstreamImageExample + `
appstream_export_image_task "cad" {
  image_name   = appstream_image.cad
  iam_role_arn = "arn:aws:iam::123456789012:role/AppStreamExport"
}
`

// appstreamExportKind is an AMI made of an AppStream image. Its name, which is the image's when not given, must be
// unique, so that an AMI of the name is the export.
func appstreamExportKind() *planner.Kind {
	const op = "appstream:CreateExportImageTask"
	g := Derive(Spec{Op: op, Filled: []string{"AmiName"}, Attrs: []dsl.Attr{timeoutAttr("How long the export may take. Defaults to 2h.")}})
	k := &planner.Kind{
		Name:   "appstream_export_image_task",
		Block:  block("appstream_export_image_task", g, "An AMI made of an AppStream image, without the agent and licence-included software.", "ami", "name"),
		Naming: planner.NamedAfter, NameMember: "AmiName", TagsMember: "TagSpecifications",
		Create: op, Read: "appstream:ListExportImageTasks",
		Outputs: map[string]string{"ami": "ExportImageTask.AmiId"},
		Accepts: map[string][]string{"ImageName": appstreamImages},
		Pointer: "an export is of what was merged",
		Example: appstreamExportExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		n := &planner.Node{Input: l.Input, Ranges: l.Ranges, Settings: planner.Object{}}
		if _, given := l.Input["AmiName"]; !given {
			l.Input["AmiName"], l.Ranges["AmiName"] = l.Input["ImageName"], l.Ranges["ImageName"]
		}
		l.byName("ImageName", "AmiName")
		l.wait(n, b.Body, "timeout")
		return n, l.Diags
	}
	return k
}
