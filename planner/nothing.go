package planner

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// checkNothing refuses a configuration whose builds all came to nothing, each for a reason that was only a warning, and
// warns of one that asks for nothing at all. Neither may pass for a configuration that is right.
func (c *compiler) checkNothing() {
	if c.partly || c.scope.Config.Partial || c.diags.HasErrors() {
		return
	}
	var build *dsl.Block // the first
	for _, b := range c.scope.Config.Blocks {
		k := c.kindOf(b.Addr)
		if k == nil || !k.Makes {
			continue
		}
		if len(c.made[b.Addr]) > 0 {
			return
		}
		if build == nil {
			build = b
		}
	}
	switch {
	case build != nil:
		c.fail(build.Range, "Nothing to build", "None of this configuration's builds has a source that imagebuild can build: the warnings name those that it skips. "+
			"Add a source that it can build, such as source \"imagebuilder\" or source \"amazon-ebs\", or build this configuration with Packer.")
	case len(c.nodes) == 0:
		c.warn(c.somewhere(), "No builds", "This configuration asks for nothing: it has no build block, and no resource of its own. "+
			"Add a build, or pass the path of the configuration that has one. imagebuild init lists examples.")
	}
}

// somewhere is a place to warn of what is missing: the first block, else the first file.
func (c *compiler) somewhere() hcl.Range {
	if blocks := c.scope.Config.Blocks; len(blocks) > 0 {
		return blocks[0].Range
	}
	at := hcl.Range{Start: hcl.InitialPos, End: hcl.InitialPos}
	for name := range c.scope.Config.Files {
		if at.Filename == "" || name < at.Filename {
			at.Filename = name
		}
	}
	return at
}
