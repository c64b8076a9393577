package aws

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// Data answers data blocks.
func (c *Clients) Data(_ context.Context) func(*dsl.Block) (map[string]cty.Value, hcl.Diagnostics) {
	return nil
}
