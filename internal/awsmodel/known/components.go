package known

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed components.json
var componentsJSON []byte

// A Component is a component that AWS owns and every account may use (User Guide, "Use managed components").
type Component struct {
	Name       string      `json:"name"`     // as it stands in ARNs: "update-linux"
	Platform   string      `json:"platform"` // Linux or Windows
	Parameters []Parameter `json:"parameters"`
	// ReplacedBy is the component that took its place; new recipes can't use a replaced one. "" for a current one.
	ReplacedBy string `json:"replacedBy"`
}

// A Parameter is a parameter of a managed component.
type Parameter struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	Default  string   `json:"default"`
	Allowed  []string `json:"allowed"` // the values accepted; empty for any
}

var components = sync.OnceValue(func() []Component {
	var list []Component
	decode("components.json", componentsJSON, &list)
	return list
})

// Components returns the managed components known on [Date], sorted by name. The list is
// shared and must not be changed.
func Components() []Component { return components() }

// ComponentNamed returns the managed component of this name; false for one that isn't in the list.
func ComponentNamed(name string) (Component, bool) {
	list := Components()
	i, ok := slices.BinarySearchFunc(list, name, func(c Component, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return Component{}, false
	}
	return list[i], true
}
