package kind

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// An expansion carries one build to the blocks it stands for.
type expansion struct {
	arguments // the build's own
	scope     *planner.Scope
	build     *dsl.Block
	source    *planner.Kind
	parts     map[string]*dsl.Schema // what a source is parted into, by kind
	staged    *staging
	group     string // what the blocks belong to: the build's name, or the first source's
	others    bool   // whether sources of other builders were left out
	broken    bool   // whether it stands on a block that is broken, so that no more can be said of it
	out       []*dsl.Block
}

// An imageSpec is one image of a build: one of its sources, and the names it goes by.
type imageSpec struct {
	use      sourceUse
	body     *dsl.Body // the source's
	platform string
	address  string    // the name of the blocks it expands to
	name     dsl.Value // of the resources
	parts    []part
	needs    []dsl.Addr
}

func (e *expansion) expand() []*dsl.Block {
	e.checkBlocks()
	uses := e.uses()
	if e.broken {
		return nil
	}
	if len(uses) == 0 {
		if !e.diags.HasErrors() && !e.others {
			e.fail(e.build.Range, "No source", "The build names no source to make an image from. Write sources = [\"source.imagebuilder.NAME\"].")
		}
		return nil
	}
	e.checkFilters(uses)
	_, named := e.body.Attr("name")
	e.group = e.title()
	if !named {
		e.group = uses[0].local
	}
	e.staged = newStaging(e.group)
	var images []*imageSpec
	for _, u := range uses {
		spec := &imageSpec{use: u, body: u.body, address: e.title()}
		switch {
		case !named:
			spec.address = u.local
		case len(uses) > 1:
			spec.address += "-" + u.local
		}
		images = append(images, spec)
	}
	images = e.appstreamSpecs(images)
	for _, spec := range images {
		e.prepare(spec)
	}
	if e.broken {
		return nil
	}
	e.compose(images)
	if e.diags.HasErrors() {
		return nil // what AWS would say of half an image adds nothing
	}
	for _, spec := range images {
		e.image(spec)
	}
	return append(e.staged.order, e.out...)
}

// title is the build's name; "" for one without.
func (e *expansion) title() string {
	v, ok := e.body.Attr("name")
	s, isString := v.V.(string)
	if !ok || !isString {
		return ""
	}
	return s
}

// prepare finds an image's names and platform and checks what every source must say.
func (e *expansion) prepare(spec *imageSpec) {
	spec.platform = e.platform(spec)
	spec.name = dsl.Value{V: spec.address, Range: spec.use.at}
	if v, ok := e.body.Attr("name"); ok {
		spec.name.Range = v.Range
	}
	if v, ok := spec.body.Attr("name"); ok {
		spec.name = v
	}
	for _, name := range sourceNeeds() {
		if _, ok := spec.body.Attr(name); ok {
			continue
		}
		if _, ok := spec.body.Attr("infrastructure_configuration_arn"); ok && name == "instance_profile_name" {
			continue
		}
		if name == "parent_image" && len(spec.use.block.Body.Of("source_ami_filter")) > 0 {
			continue // what is wrong with the filter has been said
		}
		written := name
		if spec.use.typ == "amazon-ebs" {
			written = map[string]string{"parent_image": "source_ami or source_ami_filter", "instance_profile_name": "iam_instance_profile"}[name]
		}
		at := spec.use.block.Range
		for _, own := range []string{"source_ami", "iam_instance_profile", name} {
			if v, given := spec.use.block.Body.Attrs[own]; given && strings.Contains(written, own) {
				at = v.Range // it is empty
			}
		}
		e.fail(at, "Missing required argument", "The source needs %s: %s.", written, map[string]string{
			"parent_image":          "the image to start from, as an AMI id, an ARN, \"aws:NAME\" or \"ssm:/path\"",
			"instance_profile_name": "the instance profile of the machine that builds, with the policies EC2InstanceProfileForImageBuilder and AmazonSSMManagedInstanceCore",
		}[name])
	}
}

// platform is what the source says, or what its parent image and its provisioners tell.
func (e *expansion) platform(spec *imageSpec) string {
	if v, ok := spec.body.Attr("platform"); ok {
		given, _ := v.V.(string)
		for _, p := range []string{linux, windows, macOS} {
			if strings.EqualFold(given, p) {
				return p
			}
		}
		e.fail(v.Range, "Unknown platform", "%q is none of Linux, Windows and macOS.", given)
		return linux
	}
	if p := e.parentPlatform(spec.body, 0); p != "" {
		return p
	}
	return e.stepsPlatform(spec.use)
}

// stepsPlatform is Windows when what runs for a source runs on Windows alone, else Linux.
func (e *expansion) stepsPlatform(u sourceUse) string {
	found := linux
	for _, n := range e.body.Blocks {
		if !slices.Contains([]string{"provisioner", "validate", "test"}, n.Type) || !e.runs(n, u) {
			continue
		}
		switch p := provisioners()[n.Labels[0]].platforms; {
		case slices.Contains(p, linux):
			return linux
		case slices.Contains(p, windows):
			found = windows
		}
	}
	return found
}

// parentPlatform is what the name of the parent image tells, or the build that makes it; "" for nothing.
func (e *expansion) parentPlatform(source *dsl.Body, depth int) string {
	v, _ := source.Attr("parent_image")
	switch parent := v.V.(type) {
	case string:
		parent = strings.ToLower(parent)
		switch {
		case strings.Contains(parent, "windows"):
			return windows
		case strings.Contains(parent, "macos"):
			return macOS
		}
	case dsl.Ref:
		b, ok := e.scope.Block(parent.Addr)
		e.broken = e.broken || ok && b.Broken
		if !ok || parent.Type != "build" || b.Body == nil || depth > 16 { // a cycle is reported elsewhere
			return ""
		}
		return e.buildPlatform(b, depth+1)
	}
	return ""
}

// buildPlatform is the platform of another build's first source.
func (e *expansion) buildPlatform(b *dsl.Block, depth int) string {
	other := &expansion{arguments: arguments{body: b.Body}, scope: e.scope, build: b, source: e.source, parts: e.parts}
	uses := other.uses() // what is wrong with it is reported by its own expansion
	defer func() { e.broken = e.broken || other.broken }()
	if len(uses) == 0 {
		return ""
	}
	if v, ok := uses[0].body.Attr("platform"); ok {
		p, _ := v.V.(string)
		return p
	}
	if p := other.parentPlatform(uses[0].body, depth); p != "" {
		return p
	}
	return other.stepsPlatform(uses[0])
}

// runs reports whether a block is for a source: neither only nor except keep it away.
func (e *expansion) runs(n *dsl.Nested, u sourceUse) bool {
	holds := func(name string) (given, has bool) {
		v, ok := n.For(u.full()).Attr(name)
		list, _ := v.V.([]any)
		return ok, slices.Contains(list, any(u.full()))
	}
	if given, has := holds("only"); given {
		return has
	}
	_, has := holds("except")
	return !has
}

// checkFilters refuses only beside except, and points out names that no source has: Packer takes
// them silently, and the block then runs where it should not, or nowhere.
func (e *expansion) checkFilters(uses []sourceUse) {
	var names []string
	for _, u := range uses {
		names = append(names, u.full())
	}
	for _, n := range e.body.Blocks {
		only, hasOnly := n.Body.Attr("only")
		except, hasExcept := n.Body.Attr("except")
		if hasOnly && hasExcept {
			e.fail(except.Range, "Conflicting arguments", "A block may have only or except, not both.")
		}
		for _, v := range []dsl.Value{only, except} {
			list, _ := v.V.([]any)
			for i, x := range list {
				if s, ok := x.(string); ok && !slices.Contains(names, s) {
					e.warn(v.At(strconv.Itoa(i)), "Source not in this build", "%q names no source of this build, which has %s.", s, strings.Join(names, ", "))
				}
			}
		}
	}
}

// checkBlocks reports the blocks of a build that lead to nothing.
func (e *expansion) checkBlocks() {
	for _, n := range e.body.Of("error-cleanup-provisioner") {
		e.fail(n.Range, "Unsupported block",
			"Nothing can be run on the machine after a failure: EC2 Image Builder ends it. Set terminate_instance_on_failure = false to look at the machine, and logging to keep its logs.")
	}
	var posts []*dsl.Nested
	for _, n := range e.posts() {
		if n.Labels[0] != "manifest" {
			posts = append(posts, n)
		}
	}
	if len(posts) > 0 {
		var names []string
		for _, n := range posts {
			names = append(names, n.Labels[0])
		}
		e.warn(posts[0].Range, "Post-processors not run", "These post-processors are not run: %s. The plan's images and their ids are in the outputs of the run; work with them in a step of the workflow after it.",
			strings.Join(names, ", "))
	}
}

// posts are the post-processors, also those in chains.
func (e *expansion) posts() []*dsl.Nested {
	var out []*dsl.Nested
	for _, n := range e.body.Blocks {
		switch n.Type {
		case "post-processor":
			out = append(out, n)
		case "post-processors":
			out = append(out, n.Body.Of("post-processor")...)
		}
	}
	return out
}

// add makes a block of the expansion.
func (e *expansion) add(kind, name string, body *dsl.Body, at hcl.Range) *dsl.Block {
	b := &dsl.Block{Addr: dsl.Addr{Type: kind, Name: name}, Body: body, Range: at, Group: e.group}
	e.out = append(e.out, b)
	return b
}
