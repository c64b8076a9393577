package kind

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// sourceParts are the kinds a source is parted into, and how a table calls them.
func sourceParts() [][2]string {
	return [][2]string{
		{"image_recipe", "recipe"},
		{"infrastructure_configuration", "infrastructure"},
		{"distribution_configuration", "distribution"},
		{"image_pipeline", "pipeline"},
		{"image", "image"},
	}
}

// partsOf says which parts of a source have an argument or a block, "all" where most do.
func partsOf(has func(*dsl.Schema) bool) string {
	var out []string
	for _, p := range sourceParts() {
		if has(byName()[p[0]].Block.Schema) {
			out = append(out, p[1])
		}
	}
	if len(out) >= 4 {
		return "all"
	}
	return strings.Join(out, ", ")
}

func (l *reference) source() string {
	k := byName()["source"]
	s := k.Block.Variants["imagebuilder"]
	var b strings.Builder
	b.WriteString("#### `source \"imagebuilder\"`\n\n")
	b.WriteString("What an image is made from and how. The arguments of " +
		"[image_recipe](#image_recipe), [infrastructure_configuration](#infrastructure_configuration), " +
		"[distribution_configuration](#distribution_configuration), [image_pipeline](#image_pipeline) and [image](#image) stand side by side; " +
		"the third column says for which of them an argument is. What is required may also stand in the build's own [source block](#source-in-a-build). " +
		"A source alone makes nothing; a [build](#build) names the sources it makes images from.\n\n")
	b.WriteString("| Argument | Type | For | Meaning |\n|---|---|---|---|\n")
	for _, a := range s.Attrs {
		parts := partsOf(func(s *dsl.Schema) bool {
			return slices.ContainsFunc(s.Attrs, func(o dsl.Attr) bool { return o.Name == a.Name })
		})
		switch {
		case a.Name == "platform":
			parts = "components" // which a build makes, and nobody writes
		case parts != "all" && slices.Contains(componentArguments(), a.Name):
			parts += ", components"
		}
		a.Required = slices.Contains(sourceNeeds(), a.Name)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, typeCell(a), parts, cell(a.Doc))
	}
	for _, n := range s.Blocks {
		parts := partsOf(func(s *dsl.Schema) bool {
			return slices.ContainsFunc(s.Blocks, func(o dsl.NestedType) bool { return o.Type == n.Type })
		})
		fmt.Fprintf(&b, "| %s | block, %s | %s | %s |\n", l.linked(n), howMany(n), parts, cell(n.Doc))
	}
	b.WriteString("\nWhat belongs to a distribution and stands beside the `distribution` blocks holds for each of them that does not say otherwise, and for each of `regions`. " +
		"A `schedule`, or anything else that only a pipeline has, makes a pipeline beside the image.\n\n")
	b.WriteString(fence(k.Example) + "\n")
	b.WriteString(amazonEBS())
	return b.String()
}

// amazonEBS says what becomes of a source of Packer's.
func amazonEBS() string {
	s := amazonEBSSchema()
	var read, blocks []string
	for _, a := range s.Attrs {
		if !slices.Contains(ebsIgnored(), a.Name) && !slices.Contains(ebsUnsupported(), a.Name) {
			read = append(read, a.Name)
		}
	}
	for _, n := range s.Blocks {
		if !slices.Contains(ebsUnsupportedBlocks(), n.Type) && !slices.Contains(ebsIdleBlocks(), n.Type) {
			blocks = append(blocks, n.Type)
		}
	}
	var b strings.Builder
	b.WriteString("#### `source \"amazon-ebs\"`\n\nPacker's own, read as what it means to EC2 Image Builder: `source_ami` is `parent_image`, " +
		"`instance_type` is `instance_types`, `iam_instance_profile` is `instance_profile_name`, `ami_regions` are distributions, `ami_users` a launch permission. " +
		"In `ami_name`, what makes names differ becomes `{{ imagebuilder:buildDate }}`.\n\n")
	for _, list := range []struct {
		title string
		names []string
	}{
		{"Arguments that are read", read},
		{"Blocks that are read", blocks},
		{"Errors, because EC2 Image Builder cannot do what they ask for", slices.Concat(ebsUnsupported(), ebsUnsupportedBlocks())},
	} {
		fmt.Fprintf(&b, "%s: %s.\n\n", list.title, codes(list.names))
	}
	b.WriteString("Whatever Packer refuses in a source is an error, and what Image Builder does another way is a warning that names the argument: the rules pk-… of " +
		"[rules.md](rules.md#packer-templates).\n\nArguments and blocks without effect, each with a warning, by what happens instead:\n\n")
	for _, g := range ebsWithoutEffect() {
		fmt.Fprintf(&b, "- %s %s.\n", g.instead, codes(g.names))
	}
	b.WriteString("\n")
	return b.String()
}

func codes(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

func (l *reference) data() string {
	t := DataBlockType()
	var b strings.Builder
	fmt.Fprintf(&b, "%s It is asked while the configuration is read, so that the answer may stand in strings. "+
		"Without AWS (`--offline`) it is a [reference](#references), shown as known after look-up.\n", t.Doc)
	common := t.Variants["amazon-ami"]
	for _, label := range slices.Sorted(maps.Keys(t.Variants)) {
		s := t.Variants[label]
		fmt.Fprintf(&b, "\n#### `data \"%s\"`\n\n%s\n", label, exportsOf("data."+label+".NAME", t.VariantExports[label]))
		var own []dsl.Attr
		for _, a := range s.Attrs {
			if a.Doc != withoutEffect {
				own = append(own, a)
			}
		}
		b.WriteString(attributes(own))
	}
	var idle []string
	for _, a := range common.Attrs {
		if a.Doc == withoutEffect {
			idle = append(idle, a.Name)
		}
	}
	fmt.Fprintf(&b, "\nEach accepts, without effect, Packer's ways to give credentials, which come from the environment here: %s and the block `assume_role`.\n", codes(idle))
	b.WriteString("\n#### `data \"null\"`\n\nPasses its argument `input` on as `data.null.NAME.output`.\n")
	fmt.Fprintf(&b, "\nNot supported: %s. A reference to one of them is an error that says what to do instead.\n", codes(sortedKeys(t.Unsupported)))
	return b.String()
}

func (l *reference) build() string {
	k := byName()["build"]
	s := k.Block.Schema
	var b strings.Builder
	fmt.Fprintf(&b, "%s It has no label; with `name = \"web\"` it is `build.web`.\n\n", k.Block.Doc)
	b.WriteString(exportsOf("build.NAME", k.Block.Exports) + "\n" + attributes(s.Attrs))
	b.WriteString("\n| Block | Meaning |\n|---|---|\n")
	for _, n := range s.Blocks {
		b.WriteString("| `" + n.Type)
		for _, label := range n.Labels {
			b.WriteString(" \"" + strings.ToUpper(label) + "\"")
		}
		b.WriteString("` | " + cell(n.Doc) + " |\n")
	}
	b.WriteString("\nSeveral sources make an image each, called `NAME-SOURCE`. A build expands to the blocks of [Resources](#resources) under its own name, " +
		"so that `build \"web\"` makes `component.web`, `image_recipe.web`, `image.web` and so on: these addresses are what a plan shows. " +
		"Consecutive provisioners are one component; a `component` block between two of them splits it in two.\n")
	b.WriteString("\n#### `source` in a build\n\nThe arguments of a [source](#source) that are for this build alone, and a `name`. " +
		"An argument that the source has already is an error.\n")
	component := byTypeOf(s, "component")
	b.WriteString("\n#### `component` in a build\n\n" + cell(component.Doc) + "\n\n" + attributes(component.Schema.Attrs))
	post := byTypeOf(s, "post-processor")
	b.WriteString("\n#### `post-processor \"manifest\"`\n\nRecords the images in a file, as Packer does.\n\n" + attributes(post.Variants["manifest"].Attrs))
	var others []string
	for _, label := range slices.Sorted(maps.Keys(post.Variants)) {
		if label != "manifest" {
			others = append(others, label)
		}
	}
	fmt.Fprintf(&b, "\nRead and not run, with a warning: %s.\n", codes(others))
	return b.String()
}

func byTypeOf(s *dsl.Schema, typ string) dsl.NestedType {
	i := slices.IndexFunc(s.Blocks, func(n dsl.NestedType) bool { return n.Type == typ })
	return s.Blocks[i]
}

func (l *reference) provisioners() string {
	all := provisioners()
	scripts := scriptAttrs()
	var b strings.Builder
	b.WriteString("The blocks `provisioner`, `validate` and `test` of a [build](#build) take the same types: what they do is done in the phase build, " +
		"in the phase validate on the same machine, or in the phase test on a machine started from the finished image. All types take:\n\n")
	b.WriteString(attributes(commonAttrs()))
	fmt.Fprintf(&b, "\n### Scripts\n\nWhat `shell`, `powershell` and `windows-shell` have in common:\n\n%s", attributes(scripts))
	for _, label := range []string{
		"shell", "file", "ansible", "ansible-local", "powershell", "windows-shell", "windows-restart", "windows-update", "sleep", "breakpoint", "shell-local",
	} {
		p := all[label]
		fmt.Fprintf(&b, "\n### `%s`\n\n%s", label, cell(p.doc))
		if p.platforms != nil {
			fmt.Fprintf(&b, " Runs on %s.", strings.Join(p.platforms, " and "))
		}
		b.WriteString("\n\n")
		attrs := p.attrs
		switch {
		case label == "ansible-local":
			b.WriteString("Takes the arguments of " + link("`ansible`") + ".\n")
			attrs = nil
		case len(attrs) >= len(scripts) && attrs[0].Name == scripts[0].Name:
			b.WriteString("Takes the arguments of " + link("Scripts") + ".\n\n")
			attrs = attrs[len(scripts):]
		}
		b.WriteString(attributes(attrs))
		if p.ignored != nil && label != "shell-local" { // where nothing has an effect
			fmt.Fprintf(&b, "\nAccepted, and without effect: %s.\n", codes(p.ignored))
		}
	}
	return b.String()
}
