package kind

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
)

// A part is one component of an image: one that exists, or a document made of the build's blocks.
type part struct {
	existing *dsl.Nested
	doc      *document
}

// A document is a component document in the making.
type document struct {
	phases map[string][]component.Step
	blocks map[string]int       // how many blocks each phase was made of
	steps  map[string]hcl.Range // by "phase/step"
	needs  []dsl.Addr
	at     hcl.Range // the block that gave the most text: what makes a document too long
	most   int
}

func newDocument() *document {
	return &document{phases: map[string][]component.Step{}, blocks: map[string]int{}, steps: map[string]hcl.Range{}}
}

// compose turns the blocks of the build into components of each image. What is the same for all
// images of the build is one component.
func (e *expansion) compose(images []*imageSpec) {
	for _, spec := range images {
		spec.parts = e.components(spec)
	}
	if e.diags.HasErrors() {
		return
	}
	shared := e.shared(images)
	done := map[string]bool{}
	for _, spec := range images {
		base, name := spec.address, spec.name
		if shared && len(images) > 1 {
			base, name.V = e.group, e.group
		}
		e.own(spec, base, name, done)
	}
}

// own makes components of an image's documents, numbered where there are several, and puts
// references to them in their places.
func (e *expansion) own(spec *imageSpec, base string, name dsl.Value, done map[string]bool) {
	var docs []*part
	for i := range spec.parts {
		if spec.parts[i].doc != nil {
			docs = append(docs, &spec.parts[i])
		}
	}
	for i, p := range docs {
		address, called := base, name
		if len(docs) > 1 {
			address = fmt.Sprintf("%s-%d", base, i+1)
			called.V = fmt.Sprintf("%v-%d", name.V, i+1)
		}
		spec.needs = append(spec.needs, p.doc.needs...)
		arn := dsl.Ref{Addr: dsl.Addr{Type: "component", Name: address}, Attr: "arn"}
		p.existing = &dsl.Nested{Type: "component", Range: p.doc.at, Body: &dsl.Body{
			Range: p.doc.at, Attrs: map[string]dsl.Value{"component_arn": {V: arn, Range: p.doc.at}},
		}}
		if !done[address] {
			done[address] = true
			e.component(spec, p.doc, address, called)
		}
	}
}

// shared reports whether the documents of all images are the same, and what else a component says.
func (e *expansion) shared(images []*imageSpec) bool {
	if len(images) <= 1 {
		return true
	}
	if e.title() == "" {
		return false // there is no name that is not one source's
	}
	sign := func(spec *imageSpec) []string {
		out := []string{spec.platform}
		for _, p := range spec.parts {
			if p.doc != nil {
				out = append(out, string(component.Render(p.doc.build())))
			}
		}
		for _, name := range componentArguments() {
			v, _ := spec.body.Attr(name)
			out = append(out, fmt.Sprint(v.V))
		}
		return out
	}
	first := sign(images[0])
	for _, spec := range images[1:] {
		if !slices.Equal(first, sign(spec)) {
			return false
		}
	}
	return true
}

// componentArguments are the arguments of a source that its components take too.
func componentArguments() []string {
	return []string{"description", "tags", "version", "semantic_version"}
}

// component adds the block of one document.
func (e *expansion) component(spec *imageSpec, doc *document, address string, name dsl.Value) {
	body := &dsl.Body{Range: doc.at, Attrs: map[string]dsl.Value{
		"name":     name,
		"platform": {V: spec.platform, Range: spec.body.At("platform")},
		"data":     {V: string(component.Render(doc.build())), Range: doc.at},
	}}
	e.common(spec, body, componentArguments())
	b := e.add("component", address, body, doc.at)
	b.Steps = doc.steps
}

// common copies arguments of the source that go to every resource; the build's description stands
// in where the source has none.
func (e *expansion) common(spec *imageSpec, body *dsl.Body, names []string) {
	for _, name := range names {
		if v, ok := spec.body.Attr(name); ok {
			body.Attrs[name] = v
		}
	}
	if v, ok := e.body.Attr("description"); ok {
		if _, own := body.Attr("description"); !own {
			body.Attrs["description"] = v
		}
	}
}

// build is the document as AWSTOE reads it.
func (d *document) build() *component.Document {
	out := &component.Document{}
	for _, phase := range []string{"build", "validate", "test"} {
		if steps := d.phases[phase]; len(steps) > 0 {
			out.Phases = append(out.Phases, component.Phase{Name: phase, Steps: steps})
		}
	}
	return out
}

// components turns the blocks into components, in order: consecutive provisioners are one document, and
// validate and test blocks belong to the last one.
func (e *expansion) components(spec *imageSpec) []part {
	var out []part
	var open, last *document
	for _, n := range e.body.Blocks {
		if !e.runs(n, spec.use) {
			continue
		}
		switch n.Type {
		case "component":
			open = nil
			if c := e.existing(n, spec.use); c != nil {
				out = append(out, part{existing: c})
			}
		case "provisioner":
			if open == nil {
				open = newDocument()
				out = append(out, part{doc: open})
			}
			e.steps(spec, n, open, "build")
		}
	}
	out = slices.DeleteFunc(out, func(p part) bool { return p.doc != nil && len(p.doc.phases) == 0 })
	for _, p := range out {
		if p.doc != nil {
			last = p.doc
		}
	}
	after := last
	if after == nil {
		after = newDocument()
	}
	for _, n := range e.body.Blocks {
		if (n.Type == "validate" || n.Type == "test") && e.runs(n, spec.use) {
			e.steps(spec, n, after, n.Type)
		}
	}
	if last == nil && len(after.phases) > 0 {
		out = append(out, part{doc: after})
	}
	return out
}

// existing is the recipe's block for a component that is not made of the build's own steps.
func (e *expansion) existing(n *dsl.Nested, u sourceUse) *dsl.Nested {
	name := n.Labels[0]
	body := &dsl.Body{Range: n.Range, Attrs: map[string]dsl.Value{}}
	v, diag := namedComponent(e.scope, name, labelRange(n))
	if diag != nil {
		e.report(diag)
		return nil
	}
	body.Attrs["component_arn"] = dsl.Value{V: v, Range: labelRange(n)}
	if v, ok := n.For(u.full()).Attr("parameters"); ok {
		body.Attrs["parameters"] = v
	}
	return &dsl.Nested{Type: "component", Body: body, Range: n.Range}
}

// steps adds the steps of one provisioner, validate or test block to a phase of a document.
func (e *expansion) steps(spec *imageSpec, n *dsl.Nested, doc *document, phase string) {
	p, ok := provisioners()[n.Labels[0]]
	if !ok {
		e.fail(labelRange(n), "Unknown provisioner", "There is no %s %q. The types are %v.", n.Type, n.Labels[0], sortedKeys(provisioners()))
		return
	}
	doc.blocks[phase]++
	t := &task{
		arguments: arguments{body: override(n, spec.use)},
		scope:     e.scope, block: n, source: spec.use.sourceName, platform: spec.platform, stage: e.staged,
		prefix: fmt.Sprintf("%02d-%s", doc.blocks[phase], n.Labels[0]),
	}
	if name, ok := t.str("name"); ok && name.s != "" {
		t.prefix += "-" + stepName(name.s)
	}
	t.run(p)
	for _, d := range t.diags {
		e.report(d)
	}
	size := 0
	for _, s := range t.made {
		doc.steps[phase+"/"+s.Name] = n.Range
		for _, in := range s.Inputs {
			size += sizeOf(in)
		}
	}
	if size > doc.most {
		doc.most, doc.at = size, n.Range
	}
	if doc.most == 0 {
		doc.at = n.Range
	}
	if len(t.made) > 0 {
		doc.phases[phase] = append(doc.phases[phase], t.made...)
	}
	doc.needs = append(doc.needs, t.needs...)
}

// sizeOf is how much text the inputs of a step are, printed: what is long is told from what is
// short by it, for every step of every image, so that the printing itself is spared.
func sizeOf(v any) int {
	const brackets = len("map[") + len("]")
	switch v := v.(type) {
	case string:
		return len(v)
	case []string:
		size := len("[]") + max(len(v)-1, 0)
		for _, s := range v {
			size += len(s)
		}
		return size
	case component.Input:
		size := brackets + max(len(v)-1, 0)
		for k, e := range v {
			size += len(k) + len(":") + sizeOf(e)
		}
		return size
	}
	return len(fmt.Sprint(v))
}

// report adds a diagnostic once: the same block is read for every source of the build.
func (e *expansion) report(d *hcl.Diagnostic) {
	if !slices.ContainsFunc(e.diags, func(o *hcl.Diagnostic) bool {
		return o.Summary == d.Summary && o.Detail == d.Detail && *o.Subject == *d.Subject
	}) {
		e.diags = append(e.diags, d)
	}
}

// override is a block's body with what it says for this source laid over it. Names that the source
// does not have are ignored, as in Packer.
func override(n *dsl.Nested, u sourceUse) *dsl.Body {
	written := n.For(u.full())
	v, ok := written.Attr("override")
	all, isMap := v.V.(map[string]any)
	own, has := all[u.local].(map[string]any)
	if !ok || !isMap || !has {
		return written
	}
	body := *written
	body.Attrs = maps.Clone(written.Attrs)
	for k, x := range own {
		body.Attrs[k] = dsl.Value{V: x, Range: v.At(u.local)}
	}
	return &body
}
