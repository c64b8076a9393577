package kind

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// image adds the blocks of one image: recipe, infrastructure, distribution, pipeline and image. All
// but the image stand for what the source says.
func (e *expansion) image(spec *imageSpec) {
	at := spec.use.block.Range
	ref := func(kind string) dsl.Value {
		return dsl.Value{V: dsl.Ref{Addr: dsl.Addr{Type: kind, Name: spec.address}, Attr: "arn"}, Range: at}
	}
	recipe := e.pick(spec, "image_recipe")
	for _, p := range spec.parts {
		if p.existing != nil {
			recipe.Blocks = append(recipe.Blocks, p.existing)
		}
	}
	e.add("image_recipe", spec.address, recipe, at)

	links := map[string]dsl.Value{"image_recipe_arn": ref("image_recipe")}
	const infrastructure, distribution = "infrastructure_configuration", "distribution_configuration"
	if own, ok := spec.body.Attr(infrastructure + "_arn"); ok {
		links[infrastructure+"_arn"] = own
	} else {
		e.add(infrastructure, spec.address, e.pick(spec, infrastructure), at)
		links[infrastructure+"_arn"] = ref(infrastructure)
	}
	if own, ok := spec.body.Attr(distribution + "_arn"); ok {
		links[distribution+"_arn"] = own
	} else if body := e.distribution(spec); body != nil {
		e.add(distribution, spec.address, body, at)
		links[distribution+"_arn"] = ref(distribution)
	}
	link := func(body *dsl.Body) *dsl.Body {
		maps.Copy(body.Attrs, links)
		return body
	}
	needs := slices.CompactFunc(slices.SortedFunc(slices.Values(spec.needs), func(a, b dsl.Addr) int { return strings.Compare(a.Name, b.Name) }),
		func(a, b dsl.Addr) bool { return a == b })
	if e.scheduled(spec) {
		e.add("image_pipeline", spec.address, link(imageTags(e.pick(spec, "image_pipeline"))), at).Needs = needs
	}
	image := e.add("image", spec.address, link(e.pick(spec, "image")), e.build.Range)
	image.Needs, image.For, image.Manifests = needs, e.build.Addr, e.manifests(spec)
}

// imageTags gives the images that a pipeline makes by itself the tags of everything else that the source makes: AWS puts
// the tags of a pipeline on none of them. Where image_tags has the same tag, that stands.
func imageTags(pipeline *dsl.Body) *dsl.Body {
	tags, ok := pipeline.Attrs["tags"]
	if !ok || tags.V == nil {
		return pipeline
	}
	own, given := pipeline.Attrs["image_tags"]
	common, isMap := tags.V.(map[string]any)
	more, _ := own.V.(map[string]any)
	switch {
	case !given || own.V == nil:
		pipeline.Attrs["image_tags"] = tags
	case isMap:
		merged := maps.Clone(common)
		maps.Copy(merged, more)
		own.V = merged
		pipeline.Attrs["image_tags"] = own
	}
	return pipeline
}

// pick is what the source says for one kind, with the names and texts that go to all.
func (e *expansion) pick(spec *imageSpec, kind string) *dsl.Body {
	schema := e.parts[kind]
	body := Pick(spec.body, schema)
	if hasAttr(schema, "name") {
		body.Attrs["name"] = spec.name
	}
	if hasAttr(schema, "description") {
		e.common(spec, body, nil)
	}
	return body
}

func hasAttr(s *dsl.Schema, name string) bool {
	return slices.ContainsFunc(s.Attrs, func(a dsl.Attr) bool { return a.Name == name })
}

func hasBlock(s *dsl.Schema, typ string) bool {
	return slices.ContainsFunc(s.Blocks, func(b dsl.NestedType) bool { return b.Type == typ })
}

// scheduled reports whether the source says anything that only a pipeline has.
func (e *expansion) scheduled(spec *imageSpec) bool {
	elsewhere := func(name string) bool {
		for _, kind := range []string{"image_recipe", "infrastructure_configuration", "distribution_configuration", "image"} {
			if s := e.parts[kind]; hasAttr(s, name) || hasBlock(s, name) {
				return true
			}
		}
		return name == "name" || name == "regions"
	}
	body := Pick(spec.body, e.parts["image_pipeline"])
	for name, v := range body.Attrs {
		if v.V != nil && !elsewhere(name) {
			return true
		}
	}
	return slices.ContainsFunc(body.Blocks, func(n *dsl.Nested) bool { return !elsewhere(n.Type) })
}

// manifests are the manifest post-processors for a source.
func (e *expansion) manifests(spec *imageSpec) []*dsl.Nested {
	var out []*dsl.Nested
	for _, n := range e.posts() {
		if n.Labels[0] == "manifest" && e.runs(n, spec.use) {
			out = append(out, n)
		}
	}
	return out
}

// distribution is the body of the distribution configuration: the source's distribution blocks and
// one more for each of its regions, all with what the source says for every distribution. It is nil
// where the image stays in the region it is built in and nothing is said about it.
func (e *expansion) distribution(spec *imageSpec) *dsl.Body {
	schema := e.parts["distribution_configuration"]
	one := nestedSchema(schema, "distribution")
	defaults := e.defaults(spec, one)
	regions, given := spec.body.Attr("regions")
	list, _ := regions.V.([]any)
	own := spec.body.Of("distribution")
	if !given && len(own) == 0 {
		if len(defaults.Attrs)+len(defaults.Blocks) == 0 {
			return nil
		}
		if e.scope.Region == "" {
			e.fail(spec.use.block.Range, "Region not known", "What the source says about its distribution needs a region. Write regions = [\"...\"].")
			return nil
		}
		list, regions = []any{e.scope.Region}, dsl.Value{Range: spec.body.Range}
	}
	body := Pick(spec.body, schema)
	body.Attrs["name"] = spec.name
	e.common(spec, body, nil)
	delete(body.Attrs, "regions")
	for name := range defaults.Attrs {
		delete(body.Attrs, name)
	}
	body.Blocks = slices.DeleteFunc(body.Blocks, func(n *dsl.Nested) bool { return n.Type == "distribution" || nestedSchema(one, n.Type) != nil })
	for _, n := range own {
		filled := *n
		filled.Body = fill(n.Body, defaults)
		body.Blocks = append(body.Blocks, &filled)
	}
	for i, region := range list {
		at := regions.At(strconv.Itoa(i))
		d := fill(&dsl.Body{Range: at, Attrs: map[string]dsl.Value{"region": {V: region, Range: at}}}, defaults)
		if len(d.Attrs)+len(d.Blocks) == 1 {
			// AWS refuses a region without any output, and an empty output says nothing.
			d.Blocks = []*dsl.Nested{{Type: "ami_distribution_configuration", Range: at, Body: &dsl.Body{Range: at, Attrs: map[string]dsl.Value{
				"name": {V: amiName(spec), Range: at},
			}}}}
		}
		body.Blocks = append(body.Blocks, &dsl.Nested{Type: "distribution", Range: at, Body: d})
	}
	return body
}

// amiName is the name of AMIs that the source does not name.
func amiName(spec *imageSpec) string {
	name, _ := spec.name.V.(string)
	return name[:min(len(name), 90)] + " {{ imagebuilder:buildDate }}"
}

// defaults are what the source says for every distribution.
func (e *expansion) defaults(spec *imageSpec, one *dsl.Schema) *dsl.Body {
	out := Pick(spec.body, one)
	delete(out.Attrs, "region")
	ami := nestedSchema(one, "ami_distribution_configuration")
	short := Pick(spec.body, ami)
	for name := range short.Attrs {
		if !slices.Contains(amiShort(), name) {
			delete(short.Attrs, name)
		}
	}
	short.Blocks = slices.DeleteFunc(short.Blocks, func(n *dsl.Nested) bool { return !slices.Contains(amiShort(), n.Type) })
	if len(short.Attrs)+len(short.Blocks) == 0 {
		return out
	}
	whole := &dsl.Nested{Type: "ami_distribution_configuration", Range: spec.body.Range, Body: short}
	if i := slices.IndexFunc(out.Blocks, func(n *dsl.Nested) bool { return n.Type == whole.Type }); i >= 0 {
		written := out.Blocks[i]
		whole.Range = written.Range
		whole.Body = fill(written.Body, short)
		out.Blocks[i] = whole
	} else {
		out.Blocks = append(out.Blocks, whole)
	}
	return out
}

// fill is a body with the defaults for whatever it does not say.
func fill(body, defaults *dsl.Body) *dsl.Body {
	out := &dsl.Body{Attrs: maps.Clone(defaults.Attrs), Range: body.Range, Blocks: slices.Clone(body.Blocks)}
	for name, v := range body.Attrs {
		if _, ok := body.Attr(name); ok {
			out.Attrs[name] = v
		}
	}
	for _, n := range defaults.Blocks {
		if len(body.Of(n.Type)) == 0 {
			out.Blocks = append(out.Blocks, n)
		}
	}
	return out
}
