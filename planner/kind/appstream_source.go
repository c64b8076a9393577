package kind

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// appstreamSchema is how an imported image and where it goes are written in one block.
func appstreamSchema(fleet *planner.Kind) *dsl.Schema {
	text := func(name, doc string) dsl.Attr { return dsl.Attr{Name: name, Type: cty.String, Doc: doc} }
	return &dsl.Schema{
		Attrs: []dsl.Attr{
			text("name", "The whole name of the image. Without it the label is the beginning, and what the image is made of the rest, so that every content has a name of its own."),
			text("source_ami", "The AMI to import: an id, data.amazon-ami.NAME.id, or build.NAME.ami."),
			text("workspace_image_id", "A WorkSpaces image to import instead."),
			text("iam_role_arn", "The role that AppStream reads the AMI with."),
			text("description", "Letters, digits, spaces and _.()- only."),
			text("display_name", "What users see. Letters, digits, spaces and _.()- only."),
			text("agent", "latest has the image update AppStream's agent by itself, pinned keeps the one of today. Defaults to latest."),
			{Name: "tags", Type: cty.Map(cty.String), Doc: "Tags of the image and its copies."},
			{Name: "copy_to", Type: cty.List(cty.String), Doc: "The regions to copy the image to, with its tags and permissions."},
			timeoutAttr("How long the import and each copy may take. Defaults to 2h."),
		},
		Blocks: append(appstreamSourceBlocks(), dsl.NestedType{
			Type: "fleet", Labels: []string{"name"}, Schema: fleetInSource(fleet),
			Doc: "A fleet that uses the image. Fleets follow each other in the order they are written, each after the health check of the one before: put pre-production first.",
		}),
	}
}

func appstreamSourceBlocks() []dsl.NestedType {
	return []dsl.NestedType{
		{Type: "application", Labels: []string{"name"}, Schema: applicationSchema(), Doc: "An application of the catalogue."},
		{Type: "runtime_validation", Max: 1, Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "instance_type", Type: cty.String, Required: true, Doc: "The type of machine that AppStream tries the image on: \"GeneralPurpose.t3.large\"."},
		}}, Doc: "Has AppStream start a machine from the image before it is AVAILABLE."},
		{Type: "share", Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "account", Type: cty.String, Doc: "The account, 12 digits."},
			{Name: "accounts", Type: cty.List(cty.String), Doc: "Several of them."},
			{Name: "fleet", Type: cty.Bool, Doc: "Whether its fleets may use the image. Defaults to true."},
			{Name: "image_builder", Type: cty.Bool, Doc: "Whether its image builders may start from it."},
		}}, Doc: "Accounts that may use the image, here and where it is copied to. Those that are named no more lose it."},
		{Type: "export", Max: 1, Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "ami_name", Type: cty.String, Doc: "The AMI's name. Defaults to the image's."},
			{Name: "iam_role_arn", Type: cty.String, Required: true, Doc: "The role that AppStream makes the AMI with."},
			{Name: "description", Type: cty.String, Doc: "The AMI's description."},
		}}, Doc: "Makes an AMI of the image."},
		retentionBlock(),
	}
}

// fleetInSource is a fleet's schema without what the source says.
func fleetInSource(fleet *planner.Kind) *dsl.Schema {
	out := &dsl.Schema{Blocks: fleet.Block.Schema.Blocks}
	for _, a := range fleet.Block.Schema.Attrs {
		if !slices.Contains([]string{"name", "image_name", "image_arn", planner.DependsOn}, a.Name) {
			out.Attrs = append(out.Attrs, a)
		}
	}
	return out
}

// An appstreamSource carries one source to the blocks it stands for.
type appstreamSource struct {
	arguments
	block *dsl.Block
	out   []*dsl.Block
}

// expandAppStream turns a source "appstream" into an image, its copies and permissions, an export and fleets.
func expandAppStream(b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
	s := &appstreamSource{arguments: arguments{body: b.Body}, block: b}
	s.add("appstream_image", b.Addr.Name, s.image(), b.Range).For = b.Addr
	s.copies()
	s.shares()
	s.export()
	s.fleets()
	return s.out, s.diags
}

func (s *appstreamSource) add(kind, name string, body *dsl.Body, at hcl.Range) *dsl.Block {
	b := &dsl.Block{Addr: dsl.Addr{Type: kind, Name: name}, Body: body, Range: at, Group: s.block.Addr.Name}
	s.out = append(s.out, b)
	return b
}

// name refers to the name of the image.
func (s *appstreamSource) name(at hcl.Range) dsl.Value {
	return dsl.Value{V: dsl.Ref{Addr: dsl.Addr{Type: "appstream_image", Name: s.block.Addr.Name}, Attr: "name"}, Range: at}
}

func (s *appstreamSource) image() *dsl.Body {
	body := &dsl.Body{Attrs: map[string]dsl.Value{}, Range: s.body.Range, Blocks: s.body.Of("retention")}
	for from, to := range map[string]string{
		"name": "name", "source_ami": "source_ami_id", "workspace_image_id": "workspace_image_id", "iam_role_arn": "iam_role_arn",
		"description": "description", "display_name": "display_name", "tags": "tags", "timeout": "timeout",
	} {
		if v, ok := s.body.Attr(from); ok {
			body.Attrs[to] = v
		}
	}
	versions := map[string]string{"latest": "ALWAYS_LATEST", "pinned": "CURRENT_LATEST"}
	agent := written{s: "latest", at: s.body.Range}
	if given, ok := s.str("agent"); ok {
		agent = given
	}
	version, ok := versions[agent.s]
	if !ok {
		s.fail(agent.at, "Unknown agent", "%q is neither latest nor pinned.%s", agent.s, choices(agent.s, sortedKeys(versions)))
	}
	body.Attrs["agent_software_version"] = dsl.Value{V: version, Range: agent.at}
	for _, n := range s.body.Of("runtime_validation") {
		body.Blocks = append(body.Blocks, renamed(n, "runtime_validation_config", map[string]string{"instance_type": "intended_instance_type"}))
	}
	for _, n := range s.body.Of("application") {
		app := renamed(n, "app_catalog_config", map[string]string{
			"path": "absolute_app_path", "icon_path": "absolute_icon_path", "manifest_path": "absolute_manifest_path",
			"display_name": "display_name", "working_directory": "working_directory", "launch_parameters": "launch_parameters",
		})
		app.Body.Attrs["name"] = dsl.Value{V: n.Labels[0], Range: labelRange(n)}
		body.Blocks = append(body.Blocks, app)
	}
	return body
}

// renamed is a nested block of another type, with its arguments under other names.
func renamed(n *dsl.Nested, typ string, names map[string]string) *dsl.Nested {
	body := &dsl.Body{Attrs: map[string]dsl.Value{}, Range: n.Body.Range}
	for from, to := range names {
		if v, ok := n.Body.Attr(from); ok {
			body.Attrs[to] = v
		}
	}
	return &dsl.Nested{Type: typ, Body: body, Range: n.Range}
}

func (s *appstreamSource) copies() {
	for _, region := range s.list("copy_to") {
		body := &dsl.Body{Attrs: map[string]dsl.Value{
			"source_image_name": s.name(region.at), "destination_region": {V: region.s, Range: region.at},
		}, Range: region.at}
		for _, name := range []string{"tags", "timeout"} {
			if v, ok := s.body.Attr(name); ok {
				body.Attrs[name] = v
			}
		}
		s.add("appstream_image_copy", s.block.Addr.Name+"-"+region.s, body, region.at)
	}
}

// shares are an account's permissions, in every region that the image is in.
func (s *appstreamSource) shares() {
	regions := append([]written{{}}, s.list("copy_to")...)
	for _, n := range s.body.Of("share") {
		a := &arguments{body: n.Body}
		accounts := a.list("accounts")
		if one, ok := a.str("account"); ok {
			accounts = append(accounts, one)
		}
		if len(accounts) == 0 {
			a.fail(n.Range, "Account missing", "share needs account or accounts.")
		}
		allowed := &dsl.Nested{Type: "image_permissions", Range: n.Range, Body: &dsl.Body{Range: n.Range, Attrs: map[string]dsl.Value{
			"allow_fleet":         {V: !a.has("fleet") || a.truth("fleet"), Range: n.Body.At("fleet")},
			"allow_image_builder": {V: a.truth("image_builder"), Range: n.Body.At("image_builder")},
		}}}
		for _, account := range accounts {
			for _, region := range regions {
				s.share(account, region, allowed)
			}
		}
		s.diags = append(s.diags, a.diags...)
	}
}

func (s *appstreamSource) share(account, region written, allowed *dsl.Nested) {
	name := s.block.Addr.Name + "-" + account.s
	body := &dsl.Body{Range: account.at, Blocks: []*dsl.Nested{allowed}, Attrs: map[string]dsl.Value{
		"image_name": s.name(account.at), "shared_account_id": {V: account.s, Range: account.at},
	}}
	if region.s != "" {
		name += "-" + region.s
		copied := dsl.Addr{Type: "appstream_image_copy", Name: s.block.Addr.Name + "-" + region.s}
		body.Attrs["image_name"] = dsl.Value{V: dsl.Ref{Addr: copied, Attr: "name"}, Range: account.at}
		body.Attrs["region"] = dsl.Value{V: region.s, Range: region.at}
	}
	s.add("appstream_image_permissions", name, body, account.at)
}

func (s *appstreamSource) export() {
	for _, n := range s.body.Of("export") {
		task := renamed(n, "", map[string]string{"ami_name": "ami_name", "iam_role_arn": "iam_role_arn", "description": "ami_description"})
		task.Body.Attrs["image_name"] = s.name(n.Range)
		s.add("appstream_export_image_task", s.block.Addr.Name, task.Body, n.Range)
	}
}

// fleets follow each other: a fleet that does not come up well keeps the image from those behind it.
func (s *appstreamSource) fleets() {
	var before []dsl.Addr
	for _, n := range s.body.Of("fleet") {
		body := *n.Body
		body.Attrs = maps.Clone(n.Body.Attrs)
		body.Attrs["name"] = dsl.Value{V: n.Labels[0], Range: labelRange(n)}
		body.Attrs["image_name"] = s.name(n.Range)
		b := s.add("appstream_fleet", n.Labels[0], &body, n.Range)
		b.Needs = slices.Clone(before)
		before = append(before, b.Addr)
	}
}
