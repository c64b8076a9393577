package awsmodel

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ManagedComponentsDate is when the list of managed components was last compared with AWS's. AWS adds
// components without notice, so a name that is missing here may exist.
const ManagedComponentsDate = "2026-12-01"

//go:embed managed_components.json
var managedComponentsJSON []byte

// A ManagedComponent is a component that AWS owns and every account may use (User Guide, "Use managed components").
type ManagedComponent struct {
	Name       string             `json:"name"`     // as it stands in ARNs: "update-linux"
	Platform   string             `json:"platform"` // Linux or Windows
	Parameters []ManagedParameter `json:"parameters"`
	// ReplacedBy is the component that took its place; new recipes can't use a replaced one. "" for a current one.
	ReplacedBy string `json:"replacedBy"`
}

// A ManagedParameter is a parameter of a managed component.
type ManagedParameter struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	Default  string   `json:"default"`
	Allowed  []string `json:"allowed"` // the values accepted; empty for any
}

// ManagedComponents returns the managed components known on [ManagedComponentsDate], sorted by name. The list is
// shared and must not be changed.
var ManagedComponents = sync.OnceValue(func() []ManagedComponent {
	var list []ManagedComponent
	if err := json.Unmarshal(managedComponentsJSON, &list); err != nil {
		panic(fmt.Sprintf("managed_components.json: %v", err)) // the file is part of the program
	}
	return list
})

// ManagedComponentNamed returns the managed component of this name; false for one that isn't in the list.
func ManagedComponentNamed(name string) (ManagedComponent, bool) {
	list := ManagedComponents()
	i, ok := slices.BinarySearchFunc(list, name, func(c ManagedComponent, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return ManagedComponent{}, false
	}
	return list[i], true
}
