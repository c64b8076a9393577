package kind

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const buildExample = `
imagebuild {
  region = "eu-west-1"
}
source "imagebuilder" "site" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "site"
  sources = ["source.imagebuilder.site"]

  component "aws:update-linux" {}

  provisioner "shell" {
    inline = ["dnf -y install httpd", "systemctl enable httpd"]
  }
  validate "shell" {
    inline = ["httpd -t"]
  }
  test "shell" {
    inline = ["curl -fsS localhost"]
  }
}
`

// buildKind makes the kind of build blocks out of that of sources and the kinds a source is parted
// into. A build expands to blocks of these kinds:
//
//   - staged_file: attributes bucket, key (strings) and Content;
//   - component: attributes name, platform, data (the document's text) and what the source says for
//     components (description, tags, version); Steps;
//   - image_recipe: a nested block "component" without label for each component, in order, with the
//     attributes component_arn (Ref or string) and parameters;
//   - infrastructure_configuration, distribution_configuration, image_pipeline and image, whose
//     references are the attributes <kind>_arn; the image has For, Needs and Manifests.
func buildKind(source *planner.Kind, of []*planner.Kind) *planner.Kind {
	parts := map[string]*dsl.Schema{}
	for _, k := range of {
		parts[k.Name] = k.Block.Schema
	}
	return &planner.Kind{
		Name: "build",
		Block: dsl.BlockType{
			Name: "build", Schema: buildSchema(source), Known: []string{"name"}, Exports: []string{"ami", "arn", "name", "appstream_image"},
			Doc: "Images, made from sources by provisioners and components in the order they are written.",
		},
		Expand: func(s *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
			e := &expansion{arguments: arguments{body: b.Body}, scope: s, build: b, source: source, parts: parts}
			return e.expand(), e.diags
		},
		Apart:   true, // builds look at sources and other builds, which are all written
		Makes:   true,
		Example: buildExample,
	}
}

// buildSchema is what a build may hold.
func buildSchema(source *planner.Kind) *dsl.Schema {
	steps := provisionerVariants()
	posts := postProcessorVariants()
	post := dsl.NestedType{Type: "post-processor", Labels: []string{"type"}, Variants: posts, Doc: "manifest records the image in a file; others are not run."}
	return &dsl.Schema{
		Attrs: []dsl.Attr{
			{Name: "name", Type: cty.String, Doc: "The name of what is made. Defaults to the source's."},
			{Name: "description", Type: cty.String, Doc: "The description of what is made, where the source has none."},
			{Name: "sources", Type: cty.List(cty.String), Doc: "The sources to make images from: \"source.imagebuilder.web\"."},
		},
		Blocks: []dsl.NestedType{
			{Type: "source", Labels: []string{"type.name"}, Schema: overlaySchema(source), Doc: "A source with further arguments, and its name within this build."},
			{Type: "provisioner", Labels: []string{"type"}, Variants: steps, Doc: "Steps of the phase build."},
			{Type: "component", Labels: []string{"component"}, Schema: componentSchema(), Doc: "A component that exists already: \"aws:NAME\" of AWS's own, an ARN, or the name of a component block."},
			{Type: "validate", Labels: []string{"type"}, Variants: steps, Doc: "Steps of the phase validate, run on the machine that is built."},
			{Type: "test", Labels: []string{"type"}, Variants: steps, Doc: "Steps of the phase test, run on a machine started from the finished image."},
			{Type: "error-cleanup-provisioner", Labels: []string{"type"}, Variants: steps, Doc: "Not supported."},
			post,
			{Type: "post-processors", Schema: &dsl.Schema{Blocks: []dsl.NestedType{post}}, Doc: "A chain of post-processors."},
		},
	}
}

// overlaySchema is what a build's own source block takes: what any source does, and a name.
func overlaySchema(source *planner.Kind) *dsl.Schema {
	out := &dsl.Schema{Attrs: []dsl.Attr{{Name: "name", Type: cty.String, Doc: "The source's name within the build."}}}
	for _, typ := range sortedKeys(source.Block.Variants) {
		mergeSchema(out, source.Block.Variants[typ])
	}
	for i := range out.Attrs {
		out.Attrs[i].Required = false
	}
	for i := range out.Blocks {
		out.Blocks[i].Min = 0
	}
	return out
}

// componentSchema is what a build's component block takes.
func componentSchema() *dsl.Schema {
	return &dsl.Schema{Attrs: []dsl.Attr{
		{Name: "parameters", Type: cty.DynamicPseudoType, Doc: "Values of the component's parameters, by name."},
		{Name: "only", Type: cty.List(cty.String), Doc: "The sources it is for, as type.name."},
		{Name: "except", Type: cty.List(cty.String), Doc: "The sources it is not for, as type.name."},
	}}
}

// postProcessorVariants are the schemas of post-processors by label: those of Packer itself.
func postProcessorVariants() map[string]*dsl.Schema {
	of := func(names ...string) *dsl.Schema {
		s := &dsl.Schema{Attrs: []dsl.Attr{
			{Name: "name", Type: cty.String, Doc: "Without effect."},
			{Name: "only", Type: cty.List(cty.String), Doc: "The sources whose images it is for, as type.name."},
			{Name: "except", Type: cty.List(cty.String), Doc: "The sources whose images it is not for, as type.name."},
			{Name: "keep_input_artifact", Type: cty.Bool, Doc: "Without effect: the image stays in any case."},
		}}
		for _, n := range names {
			s.Attrs = append(s.Attrs, dsl.Attr{Name: n, Type: cty.DynamicPseudoType})
		}
		return s
	}
	manifest := of()
	manifest.Attrs = append(manifest.Attrs,
		dsl.Attr{Name: "output", Type: cty.String, Doc: "The file to write. Defaults to packer-manifest.json."},
		dsl.Attr{Name: "strip_path", Type: cty.Bool, Doc: "Without effect: an image has no files."},
		dsl.Attr{Name: "strip_time", Type: cty.Bool, Doc: "Leaves out when the image was made."},
		dsl.Attr{Name: "custom_data", Type: cty.Map(cty.String), Doc: "Further texts to record."},
	)
	return map[string]*dsl.Schema{
		"manifest": manifest,
		"shell-local": of("inline", "script", "scripts", "command", "execute_command", "inline_shebang", "environment_vars", "env", "env_var_format",
			"only_on", "tempfile_extension", "use_linux_pathing", "valid_exit_codes"),
		"checksum": of("checksum_types", "output"),
		"compress": of("output", "format", "compression_level"),
		"artifice": of("files"),
		"amazon-import": of("s3_bucket_name", "s3_key_name", "s3_encryption", "s3_encryption_key", "skip_clean", "tags", "ami_name", "ami_description",
			"ami_users", "ami_groups", "ami_org_arns", "ami_ou_arns", "ami_encrypt", "ami_kms_key", "imds_support", "license_type", "role_name",
			"format", "architecture", "boot_mode", "platform", "region", "access_key", "secret_key"),
	}
}
