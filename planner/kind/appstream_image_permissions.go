package kind

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamImagePermissionsExample = appstreamImageExample + `
appstream_image_permissions "finance" {
  image_name        = appstream_image.cad
  shared_account_id = "210987654321"

  image_permissions {
    allow_fleet = true
  }
}
`

// appstreamImagePermissionsKind is what another account may do with an image. Accounts that are named nowhere
// any more lose it: see appstreamSurplus.
func appstreamImagePermissionsKind() *planner.Kind {
	const op = "appstream:UpdateImagePermissions"
	g := Derive(Spec{Op: op, Hidden: []string{"Name"}, Attrs: []dsl.Attr{imageNameAttr(), regionAttr()}})
	k := &planner.Kind{
		Name:   "appstream_image_permissions",
		Block:  block("appstream_image_permissions", g, "What another account may do with an AppStream image of this one.", "name"),
		Naming: planner.NamedAfter, NameMember: "Name", Identity: []string{"SharedAccountId"},
		Create: op, Read: "appstream:DescribeImagePermissions", Update: op, Delete: "appstream:DeleteImagePermissions", Partial: true,
		Accepts: map[string][]string{"Name": append([]string{"appstream_image_copy"}, appstreamImages...)},
		Pointer: "other accounts use what is shared with them",
		Example: appstreamImagePermissionsExample,
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		l := g.Lower(b.Body)
		n := &planner.Node{Input: l.Input, Ranges: l.Ranges}
		l.imageName(b.Body)
		l.region(n, b.Body)
		both := map[string]any{"allowFleet": false, "allowImageBuilder": false}
		if given, ok := l.Input["ImagePermissions"].(map[string]any); ok {
			maps.Copy(both, given) // what is not allowed is said to be so: a call replaces the account's entry
		}
		if both["allowFleet"] == false && both["allowImageBuilder"] == false {
			l.fail(l.Ranges["ImagePermissions"], "Nothing allowed", "The account may use the image neither for fleets nor for image builders. Allow one of them, or remove the account: one that is named nowhere loses the image.")
		}
		l.Input["ImagePermissions"] = both
		return n, l.Diags
	}
	return k
}

func imageNameAttr() dsl.Attr {
	return dsl.Attr{Name: "image_name", Type: cty.String, Required: true, Member: "Name", Doc: "The image: a reference or a name."}
}

// imageName reads the attribute image_name into the member Name.
func (l *Lowered) imageName(body *dsl.Body) {
	if v, ok := body.Attr("image_name"); ok {
		l.Input["Name"] = v.V
		l.mark("Name", v)
		l.byName("Name")
	}
}

func regionAttr() dsl.Attr {
	return dsl.Attr{Name: "region", Type: cty.String, Doc: "The region it is done in. Defaults to the configuration's."}
}

// region reads where a node is made.
func (l *Lowered) region(n *planner.Node, body *dsl.Body) {
	l.readArguments(body, func(a *arguments) {
		if region, ok := a.str("region"); ok {
			n.Region = region.s
		}
	})
}
