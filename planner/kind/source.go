package kind

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// sourceKind makes the kind of source blocks out of the kinds that a source's arguments are for.
// A source alone makes nothing; the builds that use it do.
func sourceKind(of []*planner.Kind) *planner.Kind {
	return &planner.Kind{
		Name:   "source",
		Block:  dsl.BlockType{Name: "source", Labels: []string{"type", "name"}},
		Expand: func(*planner.Scope, *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) { return nil, nil },
	}
}
