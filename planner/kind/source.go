package kind

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

const sourceExample = `
imagebuild {
  region = "eu-west-1"
}
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_types        = ["t3.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1", "eu-central-1"]
  tags                  = { team = "web" }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]

  provisioner "shell" {
    inline = ["echo hello > /etc/motd"]
  }
}
`

// sourceKind makes the kind of source blocks out of the kinds whose arguments a source takes.
// Most make nothing alone; the builds that use them do.
func sourceKind(of []*planner.Kind, builder, fleet *planner.Kind) *planner.Kind {
	return &planner.Kind{
		Name: "source",
		Block: dsl.BlockType{
			Name: "source", Labels: []string{"type", "name"},
			Variants: map[string]*dsl.Schema{
				"imagebuilder": sourceSchema(of), "amazon-ebs": amazonEBSSchema(),
				importSourceType: appstreamSchema(fleet), builderSourceType: builderSource(builder),
			},
			Exports: []string{"address"},
			Doc:     "What an image is made from and how: the arguments of recipe, infrastructure, distribution, pipeline and image side by side.",
		},
		Expand: func(_ *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
			if b.Label == importSourceType {
				return expandAppStream(b)
			}
			return nil, nil // the builds that use it do
		},
		Example: sourceExample,
	}
}

// sourceNeeds are the arguments without which no build can use a source.
func sourceNeeds() []string { return []string{"parent_image", "instance_profile_name"} }

// sourceSchema is what the kinds of a source's parts take, without the references between them,
// which the build fills in, and with what belongs to each distribution beside them.
func sourceSchema(of []*planner.Kind) *dsl.Schema {
	out := &dsl.Schema{Attrs: []dsl.Attr{
		{Name: "name", Type: cty.String, Member: "name", Doc: "The name of everything that is created. Defaults to the build's name or the source's label."},
		{Name: "description", Type: cty.String, Member: "description", Doc: "The description of everything that is made. 1 to 1024 characters."},
		{Name: "tags", Type: cty.Map(cty.String), Member: "tags", Doc: "Tags of everything that is made. A map of 1 to 50 entries."},
		{Name: "platform", Type: cty.String, Doc: "Linux, Windows or macOS. Defaults to what the parent image's name and the provisioners say."},
		{Name: "regions", Type: cty.List(cty.String), Doc: "The regions to distribute to: short for one distribution block each."},
	}}
	for _, k := range of {
		mergeSchema(out, k.Block.Schema)
	}
	mergeSchema(out, distributionDefaults(out))
	between := func(name string) bool {
		return name == "component" || name == "components" || name == "image_recipe_arn" || name == "container_recipe_arn"
	}
	out.Attrs = slices.DeleteFunc(out.Attrs, func(a dsl.Attr) bool { return between(a.Name) })
	out.Blocks = slices.DeleteFunc(out.Blocks, func(b dsl.NestedType) bool { return between(b.Type) })
	for i := range out.Attrs {
		out.Attrs[i].Required = false // checked when the build's own source block has been laid over
	}
	for i := range out.Blocks {
		out.Blocks[i].Min = 0
	}
	return out
}

// mergeSchema adds what is not there yet. Where both have a block, its contents are merged, and
// what one of them does not require is not required.
func mergeSchema(into, from *dsl.Schema) {
	if from == nil {
		return
	}
	for _, a := range from.Attrs {
		if i := slices.IndexFunc(into.Attrs, func(o dsl.Attr) bool { return o.Name == a.Name }); i >= 0 {
			into.Attrs[i].Required = into.Attrs[i].Required && a.Required
		} else {
			into.Attrs = append(into.Attrs, a)
		}
	}
	for _, b := range from.Blocks {
		i := slices.IndexFunc(into.Blocks, func(o dsl.NestedType) bool { return o.Type == b.Type })
		if i < 0 {
			into.Blocks = append(into.Blocks, b)
			continue
		}
		if into.Blocks[i].Schema == b.Schema || b.Schema == nil || into.Blocks[i].Schema == nil {
			continue
		}
		both := &dsl.Schema{}
		mergeSchema(both, into.Blocks[i].Schema)
		mergeSchema(both, b.Schema)
		for j := range both.Attrs {
			both.Attrs[j].Required = requiresAttr(into.Blocks[i].Schema, both.Attrs[j].Name) && requiresAttr(b.Schema, both.Attrs[j].Name)
		}
		into.Blocks[i].Schema = both
	}
}

func requiresAttr(s *dsl.Schema, name string) bool {
	return slices.ContainsFunc(s.Attrs, func(a dsl.Attr) bool { return a.Name == name && a.Required })
}

// nestedSchema is the schema of a block inside another; nil where there is none.
func nestedSchema(s *dsl.Schema, typ string) *dsl.Schema {
	for _, b := range s.Blocks {
		if b.Type == typ {
			return b.Schema
		}
	}
	return nil
}

// amiShort are the members of ami_distribution_configuration that may stand in the source itself.
func amiShort() []string { return []string{"launch_permission", "target_account_ids"} }

// distributionDefaults is what a source may say once for all its distributions.
func distributionDefaults(union *dsl.Schema) *dsl.Schema {
	one := nestedSchema(union, "distribution")
	if one == nil {
		return nil
	}
	out := &dsl.Schema{
		Attrs:  slices.DeleteFunc(slices.Clone(one.Attrs), func(a dsl.Attr) bool { return a.Name == "region" }),
		Blocks: slices.Clone(one.Blocks),
	}
	if ami := nestedSchema(one, "ami_distribution_configuration"); ami != nil {
		for _, a := range ami.Attrs {
			if slices.Contains(amiShort(), a.Name) {
				out.Attrs = append(out.Attrs, a)
			}
		}
		for _, b := range ami.Blocks {
			if slices.Contains(amiShort(), b.Type) {
				out.Blocks = append(out.Blocks, b)
			}
		}
	}
	return out
}

// A sourceName is how a build calls one of its sources.
type sourceName struct {
	typ   string // "imagebuilder"
	label string // of the source block
	local string // the name within the build; label unless the build says otherwise
}

// full is what only and except compare.
func (n sourceName) full() string { return n.typ + "." + n.local }

// A sourceUse is one source of a build, with what the build lays over it.
type sourceUse struct {
	sourceName
	block *dsl.Block // the source's own
	body  *dsl.Body
	at    hcl.Range // where the build names it
}

// sourceAddr takes "imagebuilder.web", "source.imagebuilder.web" or "sources.imagebuilder.web" apart.
func sourceAddr(s string) (dsl.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && parts[0] != "source" && parts[0] != "sources" {
		return dsl.Addr{}, false
	}
	parts = parts[len(parts)-2:]
	return dsl.Addr{Type: "source." + parts[0], Name: parts[1]}, parts[0] != "" && parts[1] != ""
}

// find looks up a source that a build names.
func (e *expansion) find(addr dsl.Addr, at hcl.Range) (sourceUse, bool) {
	typ := strings.TrimPrefix(addr.Type, "source.")
	b, ok := e.scope.Block(addr)
	_, supported := e.source.Block.Variants[typ]
	switch {
	case ok && b.Broken:
		e.broken = true
		return sourceUse{}, false
	case !ok && supported, !ok && !e.skipped(addr):
		e.fail(at, "Unknown source", "There is no source %q %q in the configuration.%s", typ, addr.Name, e.suggest(addr))
		return sourceUse{}, false
	case !supported || b.Body == nil:
		e.others = true
		e.warn(at, "Source skipped", "imagebuild can't build %s sources. Skipping source.%s.%s.", typ, typ, addr.Name)
		return sourceUse{}, false
	}
	return sourceUse{sourceName{typ, addr.Name, addr.Name}, b, b.Body, at}, true
}

// skipped reports whether a source of another builder than ours is meant, rather than a misspelt one.
func (e *expansion) skipped(addr dsl.Addr) bool {
	return nearest(strings.TrimPrefix(addr.Type, "source."), sortedKeys(e.source.Block.Variants)) == ""
}

// suggest names the sources there are.
func (e *expansion) suggest(addr dsl.Addr) string {
	var names []string
	for _, b := range e.scope.Config.Blocks {
		if typ, ok := strings.CutPrefix(b.Addr.Type, "source."); ok {
			names = append(names, typ+"."+b.Addr.Name)
		}
	}
	return choices(strings.TrimPrefix(addr.Type, "source.")+"."+addr.Name, names)
}

// uses are the sources of a build, in order: those of the attribute, then those with blocks of their own.
func (e *expansion) uses() []sourceUse {
	var out []sourceUse
	if v, ok := e.body.Attr("sources"); ok {
		list, _ := v.V.([]any)
		for i, s := range list {
			at := v.At(strconv.Itoa(i))
			var addr dsl.Addr
			switch s := s.(type) {
			case dsl.Ref:
				addr = s.Addr
			case string:
				if addr, ok = sourceAddr(s); !ok {
					e.fail(at, "Unknown source", "%q names no source. Write \"source.imagebuilder.NAME\".", s)
					continue
				}
			}
			if u, ok := e.find(addr, at); ok {
				out = append(out, u)
			}
		}
	}
	for _, n := range e.body.Of("source") {
		addr, ok := sourceAddr(n.Labels[0])
		if !ok {
			e.fail(labelRange(n), "Unknown source", "%q names no source. Write source \"imagebuilder.NAME\".", n.Labels[0])
			continue
		}
		if u, ok := e.find(addr, labelRange(n)); ok {
			out = append(out, e.overlay(u, n))
		}
	}
	out = e.distinct(out)
	for i, u := range out {
		if u.typ == "amazon-ebs" {
			out[i] = e.translate(u)
		}
	}
	return out
}

// overlay lays the build's own arguments over a source's. An argument that both have is an error,
// as in Packer: it would not be clear which one counts.
func (e *expansion) overlay(u sourceUse, n *dsl.Nested) sourceUse {
	schema := e.source.Block.Variants[u.typ]
	merged := &dsl.Body{Attrs: maps.Clone(u.body.Attrs), Range: u.block.Body.Range, Blocks: slices.Concat(u.body.Blocks, n.Body.Blocks)}
	for _, name := range sortedKeys(n.Body.Attrs) {
		v := n.Body.Attrs[name]
		if v.V == nil {
			continue
		}
		if name == "name" {
			if local, ok := v.V.(string); ok {
				u.local = local
			}
			continue
		}
		if !hasAttr(schema, name) {
			e.fail(v.Range, "Unsupported argument", "A source of type %q has no argument %q.%s", u.typ, name, choices(name, attrNames(schema)))
			continue
		}
		if old, ok := u.body.Attr(name); ok {
			e.fail(v.Range, "Duplicate argument", "%q is given here and in the source itself, at %s. Remove one of the two.", name, old.Range)
			continue
		}
		merged.Attrs[name] = v
	}
	for _, b := range n.Body.Blocks {
		if nestedSchema(schema, b.Type) == nil {
			e.fail(b.Range, "Unsupported block", "A source of type %q has no block %q.", u.typ, b.Type)
		}
		i := slices.IndexFunc(schema.Blocks, func(t dsl.NestedType) bool { return t.Type == b.Type && t.Max == 1 })
		if old := u.body.Of(b.Type); i >= 0 && len(old) > 0 {
			e.fail(b.Range, "Duplicate block", "%q is given here and in the source itself, at %s. Remove one of the two.", b.Type, old[0].Range)
		}
	}
	u.body = merged
	return u
}

func attrNames(s *dsl.Schema) []string {
	var out []string
	for _, a := range s.Attrs {
		out = append(out, a.Name)
	}
	return out
}

// distinct refuses two sources of one name in a build.
func (e *expansion) distinct(uses []sourceUse) []sourceUse {
	seen := map[string]hcl.Range{}
	var out []sourceUse
	for _, u := range uses {
		if at, taken := seen[u.local]; taken {
			e.fail(u.at, "Duplicate source", "The build has a source called %q already, at %s. Give this one a name of its own: source \"%s.%s\" { name = \"...\" }.",
				u.local, at, u.typ, u.label)
			continue
		}
		seen[u.local] = u.at
		out = append(out, u)
	}
	return out
}

// few is how many names a sentence may list.
const few = 8

// choices ends a sentence about an unknown name: with the one that is near, or, where none is and
// they are few, with all there are.
func choices(given string, names []string) string {
	if near := nearest(given, names); near != "" {
		return " Did you mean " + strconv.Quote(near) + "?"
	}
	if len(names) == 0 || len(names) > few {
		return ""
	}
	var quoted []string
	for _, n := range slices.Sorted(slices.Values(names)) {
		quoted = append(quoted, strconv.Quote(n))
	}
	return " There is: " + strings.Join(quoted, ", ") + "."
}

// nearest is the name most like the one given; "" when none is like it.
func nearest(given string, names []string) string {
	best, bound := "", max(len(given)/3, 2)+1
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := levenshtein.Distance(given, n, nil); d < bound {
			best, bound = n, d
		}
	}
	return best
}
