package kind

import "github.com/org/imagebuild-action/dsl"

// DataBlockType is how data blocks are written. It is no kind: a data block asks and makes nothing.
func DataBlockType() dsl.BlockType {
	return dsl.BlockType{Name: "data", Labels: []string{"type", "name"}}
}
