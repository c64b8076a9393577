package rules

// Parent is what is known of the image that a recipe starts from. "" stands for what is not known.
type Parent struct {
	Platform string // Linux, Windows, macOS
}

var platformRules = []Rule{}

// ParentOf is what the name of a parent image tells of it.
func ParentOf(image any) Parent { return Parent{} }
