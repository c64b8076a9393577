package kind

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const appstreamImageBuilderExample = `
appstream_image_builder "cad" {
  base_image    = "AppStream-WinServer2022-"
  instance_type = "stream.standard.large"
  subnet_id     = "subnet-0123456789abcdef0"
  communicator  = "s3"

  s3 {
    bucket = "imagebuild-sessions"
  }
  provisioner "powershell" {
    inline = ["Start-Process -Wait C:\\\\setup\\\\cad.exe /S"]
  }
  application "cad" {
    path = "C:\\CAD\\cad.exe"
  }
}
`

// appstreamImageBuilderKind is an AppStream image made on an image builder: a machine is started from a base image,
// worked in, and gone when the image is there. The node is the image; its call makes the machine.
func appstreamImageBuilderKind() *planner.Kind {
	const op = "appstream:CreateImageBuilder"
	g := Derive(Spec{
		Op: op, Filled: []string{"Name"},
		Alias:  map[string]string{"software": "SoftwaresToInstall", "internet_access": "EnableDefaultInternetAccess"},
		Attrs:  append(builderAttrs(), communicatorAttr()),
		Blocks: append(builderBlocks(), communicatorBlocks()...),
	})
	k := appstreamImageOf(planner.Kind{
		Name: "appstream_image_builder", Create: op, Outputs: map[string]string{"arn": "ImageBuilder.Arn"},
		// What the machine is and where it stands makes no other image.
		Identity: []string{"AppstreamAgentVersion", "ImageArn", "ImageName", "RootVolumeConfig", "SoftwaresToInstall", "SoftwaresToUninstall"},
		Accepts:  map[string][]string{"ImageArn": append([]string{"appstream_image_copy"}, appstreamImages...), "ImageName": appstreamImages},
		Example:  appstreamImageBuilderExample,
	}, g, "An AppStream image, made on an image builder: a machine that is started for it and deleted afterwards.")
	k.Lower = func(s *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerAppStream(g, k, b)
		l.reserved(n)
		l.family(s, b.Body)
		l.joins(s)
		l.baseImage(b.Body)
		l.subnet(b.Body)
		l.wait(n, b.Body, "timeout")
		l.wait(n, b.Body, "ready_timeout")
		l.retention(n, b.Body)
		n.Work = l.work(s, b)
		return n, l.Diags
	}
	return k
}

// builderAttrs are the arguments of an image builder that become no member by themselves.
func builderAttrs() []dsl.Attr {
	return []dsl.Attr{
		{Name: "base_image", Type: cty.String, Doc: "The image to start from: a name, an ARN, a reference, or the beginning of a name that ends in \"-\" or \"*\", " +
			"for the newest by date that is AVAILABLE and supports image builders. The arguments image_arn and image_name say it without a look-up."},
		{Name: "pin", Type: cty.String, Doc: "The name of the image that stands in for the newest until this is removed; the plan warns of a newer one."},
		{Name: "platform", Type: cty.String, Doc: "Windows or Linux. Defaults to what the base image's name says."},
		{Name: "subnet_id", Type: cty.String, Doc: "Short for vpc_config with the one subnet that an image builder has."},
		{Name: "security_group_ids", Type: cty.List(cty.String), Doc: "The security groups, with subnet_id."},
		{Name: "agent", Type: cty.String, Doc: "latest has the image update AppStream's agent by itself, pinned keeps the one it has. Defaults to latest."},
		{Name: "dynamic_app_catalog", Type: cty.Bool, Doc: "Whether applications may be added while sessions run, by an application provider."},
		{Name: "allow_pending_reboot", Type: cty.Bool, Doc: "Makes the image although Windows waits for a restart."},
		{Name: "ready_timeout", Type: cty.String, Doc: "How long the machine may take until it is RUNNING. Defaults to 1h."},
		timeoutAttr("How long making the image may take, once the work is done. Defaults to 2h."),
	}
}

// builderBlocks are the blocks that say what is done in the machine, in the order it is done.
func builderBlocks() []dsl.NestedType {
	return []dsl.NestedType{
		{Type: "provisioner", Labels: []string{"type"}, Variants: workVariants(), Doc: "A step in the machine, as in a build: powershell, windows-shell, shell, file, ansible, windows-restart."},
		{Type: "application", Labels: []string{"name"}, Schema: applicationSchema(), Doc: "An application of the catalogue. Those that the base image has beside are taken away."},
		{Type: "manifest", Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "path", Type: cty.String, Doc: "Where in the machine the manifest lies. Defaults to the common one."},
			{Name: "paths", Type: cty.List(cty.String), Required: true, Doc: "The files that fleets load early, with wildcards: \"C:\\\\CAD\\\\**\"."},
		}}, Doc: "A list of files that fleets load before an application starts: an optimisation manifest."},
		{Type: "default_profile", Max: 1, Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "profile", Type: cty.String, Doc: `The user whose settings become everybody's: ".\\name" or "DOMAIN\\name". Defaults to the Template User.`},
		}}, Doc: "Makes the settings of one user those that every session starts with."},
		{Type: "session_script", Labels: []string{"when"}, Schema: &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "filename", Type: cty.String, Required: true, Doc: "The program, as a path in the machine."},
			{Name: "arguments", Type: cty.String, Doc: "Its arguments."},
			{Name: "context", Type: cty.String, Doc: "user or system. Defaults to system."},
			{Name: "log_to_s3", Type: cty.Bool, Doc: "Whether its output is kept in S3."},
			{Name: "waiting_time", Type: cty.Number, Doc: "Seconds it may take, at most 60. Defaults to 30."},
		}}, Doc: "A program that runs when a session starts or ends: the label is start or end."},
		retentionBlock(),
	}
}

func applicationSchema() *dsl.Schema {
	return &dsl.Schema{Attrs: []dsl.Attr{
		{Name: "path", Type: cty.String, Required: true, Doc: "The program, as an absolute path in the machine."},
		{Name: "display_name", Type: cty.String, Doc: "What users see."},
		{Name: "icon_path", Type: cty.String, Doc: "The icon, a file in the machine."},
		{Name: "working_directory", Type: cty.String, Doc: "Where it is started."},
		{Name: "launch_parameters", Type: cty.String, Doc: "What it is started with."},
		{Name: "manifest_path", Type: cty.String, Doc: "A file in the machine that lists what is loaded early."},
	}}
}

// subnet reads the short form of vpc_config.
func (l *Lowered) subnet(body *dsl.Body) {
	subnet, hasSubnet := body.Attr("subnet_id")
	groups, hasGroups := body.Attr("security_group_ids")
	if !hasSubnet && !hasGroups {
		return
	}
	if at, given := l.Ranges["VpcConfig"]; given {
		l.fail(at, "Argument given twice", "vpc_config says the same as subnet_id and security_group_ids. Keep one of the two forms.")
		return
	}
	vpc := map[string]any{}
	if hasSubnet {
		vpc["SubnetIds"] = []any{subnet.V}
		l.Ranges["VpcConfig"], l.Ranges["VpcConfig.SubnetIds"], l.Ranges["VpcConfig.SubnetIds[0]"] = subnet.Range, subnet.Range, subnet.Range
	}
	if hasGroups {
		vpc["SecurityGroupIds"] = groups.V
		l.mark("VpcConfig.SecurityGroupIds", groups)
		if !hasSubnet {
			l.fail(groups.Range, "Subnet missing", "Security groups are those of a network interface in a subnet. Write subnet_id too.")
		}
	}
	l.Input["VpcConfig"] = vpc
}

// builderSource is how an image builder is written as the source of builds.
func builderSource(builder *planner.Kind) *dsl.Schema {
	out := *builder.Block.Schema
	out.Attrs = slices.DeleteFunc(slices.Clone(out.Attrs), func(a dsl.Attr) bool { return a.Name == planner.DependsOn })
	out.Blocks = slices.DeleteFunc(slices.Clone(out.Blocks), func(b dsl.NestedType) bool { return b.Type == "provisioner" })
	for i := range out.Attrs {
		out.Attrs[i].Required = false // a build's own source block may say it
	}
	return &out
}
