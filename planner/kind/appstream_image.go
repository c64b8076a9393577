package kind

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamImageExample = `
appstream_image "cad" {
  source_ami_id          = "ami-0123456789abcdef0"
  iam_role_arn           = "arn:aws:iam::123456789012:role/AppStreamImport"
  agent_software_version = "ALWAYS_LATEST"

  app_catalog_config {
    name              = "cad"
    absolute_app_path = "C:\\CAD\\cad.exe"
  }
}
`

// appstreamImageKind is an AppStream image, imported from an AMI or a WorkSpaces image.
func appstreamImageKind() *planner.Kind {
	g := Derive(Spec{
		Op: "appstream:CreateImportedImage", Hidden: []string{"DryRun"}, Filled: []string{"Name"},
		Attrs: []dsl.Attr{timeoutAttr("How long the import may take. Defaults to 2h.")}, Blocks: []dsl.NestedType{retentionBlock()},
	})
	k := appstreamImageOf(planner.Kind{
		Name: "appstream_image", Create: "appstream:CreateImportedImage", Outputs: map[string]string{"arn": "Image.Arn"},
		// Which role reads the AMI and what the image is tried on makes no other image.
		Identity: []string{"AgentSoftwareVersion", "AppCatalogConfig", "Description", "DisplayName", "SourceAmiId", "WorkspaceImageId"},
		Accepts:  map[string][]string{"SourceAmiId": {"image"}},
		Example:  appstreamImageExample,
	}, g, "An AppStream image, imported from an AMI or a WorkSpaces image.")
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		l.wait(n, b.Body, "timeout")
		l.retention(n, b.Body)
		return n, l.Diags
	}
	return k
}

// appstreamImageOf completes a kind whose resource is an AppStream image.
func appstreamImageOf(k planner.Kind, g *Grammar, doc string) *planner.Kind {
	k.Block = block(k.Name, g, doc, "arn", "name", "appstream_image")
	k.Naming, k.Resource = planner.HashedName, "image"
	if k.NameMember == "" {
		k.NameMember, k.TagsMember = "Name", "Tags"
	}
	k.Read, k.List, k.Delete = "appstream:DescribeImages", "appstream:DescribeImages", "appstream:DeleteImage"
	k.Surplus = appstreamSurplus
	return &k
}

func timeoutAttr(doc string) dsl.Attr { return dsl.Attr{Name: "timeout", Type: cty.String, Doc: doc} }

// retentionBlock says which of the earlier images stay.
func retentionBlock() dsl.NestedType {
	return dsl.NestedType{
		Type: "retention", Max: 1, Doc: "Which earlier images of this block stay. Those that a fleet uses or that are shared always do.",
		Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "keep", Type: cty.Number, Doc: "How many stay, the newest; an account has ten images in a region by default."},
			{Name: "max_age", Type: cty.String, Doc: "Those that are older go, beyond the newest that keep leaves: \"720h\"."},
		}},
	}
}

// age returns a duration of any length in seconds; 0 where it was not given.
func (a *arguments) age(name string) int {
	s, ok := a.str(name)
	if !ok || s.s == "" {
		return 0
	}
	d, err := time.ParseDuration(s.s)
	if err != nil || d <= 0 {
		a.fail(s.at, "Wrong duration", "%q is no duration that %q can have. Write hours: \"720h\".", s.s, name)
		return 0
	}
	return int(d / time.Second)
}

// retention reads the block into the node's settings.
func (l *Lowered) retention(n *planner.Node, body *dsl.Body) {
	written := first(body, "retention")
	if written == nil {
		return
	}
	l.readArguments(written.Body, func(a *arguments) {
		rule := map[string]any{}
		if a.has("keep") {
			keep := a.number("keep")
			if keep < 1 {
				a.fail(written.Body.At("keep"), "Nothing kept", "The image that is made stays in any case: keep must be at least 1.")
			}
			rule["keep"] = int64(keep)
		}
		if age := a.age("max_age"); age > 0 {
			rule["max_age"] = int64(age)
		}
		if len(rule) == 0 {
			a.fail(written.Range, "Nothing said", "retention needs keep, max_age or both.")
		}
		n.Settings["retention"] = rule
	})
}
