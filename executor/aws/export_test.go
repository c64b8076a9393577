package aws

import (
	"maps"
	"slices"

	"github.com/org/imagebuild-action/planner"
)

// ParseConsole is what of the events at a log's end explains a failed step.
func ParseConsole(log []string, step string) (stepFound, message string, stderr []string, ok bool) {
	var lines []logLine
	for _, event := range log {
		lines = append(lines, split(event)...)
	}
	b, ok := parseConsole(lines, step)
	return b.step, b.message, b.stderr, ok
}

// Parameter is the path of the member that an error's text names.
func Parameter(message string) string { return parameter(message) }

// Wire is an output of the SDK in the wire's vocabulary.
func Wire(op planner.Op, out any) map[string]any { return wire(op, out) }

// Roles are the ARNs of an identity's roles.
func Roles(w *WebIdentity, region string) ([]string, error) { return w.roles(region) }

// TagValue is a session tag's value as STS takes it.
func TagValue(s string) string { return tagValue(s) }

// Operations are the names of all operations, sorted.
func Operations() []planner.Op { return slices.Sorted(maps.Keys(operations)) }

// Family is the name that image names have in common.
func Family(name string) string { return family(name) }
