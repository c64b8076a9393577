package permissions

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/planner"
)

//go:embed reference.json
var referenceJSON []byte

// A serviceReference is what AWS's Service Authorization Reference says of one service, cut to what
// building images touches. Facts as of June 2026.
type serviceReference struct {
	Actions   map[string]actionReference   `json:"actions"`
	Resources map[string]resourceReference `json:"resources"`
}

type actionReference struct {
	Level string `json:"level"`
	// Resources are the types of resources the action works on; none means that only * can be allowed.
	Resources []string `json:"resources"`
	// Dependents are actions that AWS says must, or depending on the input may have to, be allowed besides.
	Dependents  []string `json:"dependents"`
	RequestTags bool     `json:"requestTags"` // aws:RequestTag can be asked for
}

type resourceReference struct {
	ARN  string `json:"arn"`
	Tags bool   `json:"tags"` // aws:ResourceTag can be asked for
}

var reference = sync.OnceValue(func() map[string]serviceReference {
	var out map[string]serviceReference
	if err := json.Unmarshal(referenceJSON, &out); err != nil {
		panic(fmt.Sprintf("reference.json: %v", err)) // it is part of the program; a test reads it
	}
	return out
})

// action is what AWS says of an action; false for one that it does not know.
func action(name string) (actionReference, bool) {
	service, verb, _ := strings.Cut(name, ":")
	a, ok := reference()[service].Actions[verb]
	return a, ok
}

// Level is AWS's access level of an action: "Read", "List", "Write", "Tagging" or "Permissions management"; "" for none.
func Level(name string) string {
	a, _ := action(name)
	return a.Level
}

// taggable reports whether the resources of an action can be told apart by their tags.
func taggable(name string) bool {
	service, _, _ := strings.Cut(name, ":")
	a, ok := action(name)
	return ok && len(a.Resources) > 0 && !slices.ContainsFunc(a.Resources, func(t string) bool { return !reference()[service].Resources[t].Tags })
}

// otherwise are the operations that IAM calls by another name.
var otherwise = map[planner.Op][]string{ //nolint:gochecknoglobals // a table, never written
	"s3:HeadObject":    {"s3:GetObject", "s3:ListBucket"}, // without the latter, what is not there answers 403
	"s3:ListObjectsV2": {"s3:ListBucket"},
	"s3:HeadBucket":    {"s3:ListBucket"},
	// The service is called by its old name in the SDK, and by its short one in IAM.
	"tagging:GetResources": {"tag:GetResources"},
	"ec2:DeregisterImage":  {"ec2:DeregisterImage", "ec2:DeleteSnapshot"}, // its snapshots go with it
	// Newer than the reference; AWS names actions after operations.
	"appstream:DrainSessionInstance": {"appstream:DrainSessionInstance"},
}

// Actions are the IAM actions that one call is decided by; none for a call that nobody has heard of.
func Actions(op planner.Op) []string {
	if names, ok := otherwise[op]; ok {
		return names
	}
	if _, ok := action(string(op)); ok {
		return []string{string(op)}
	}
	return nil
}
