package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// An actionOutput is one output of the action. Each is also written with underscores for hyphens, which
// expressions can name without brackets.
type actionOutput struct {
	Name string
	Help string
	// Pattern is what every value matches; nothing else is written. It is nil for JSON, which is decoded instead.
	Pattern *regexp.Regexp
}

// actionOutputs are the outputs, in the order in which action.yml has them.
var actionOutputs = []actionOutput{ //nolint:gochecknoglobals // a table, never written
	{"changed", "Whether there is anything to do, or was: true or false.", regexp.MustCompile(`^(true|false)$`)},
	{"plan-json", "The plan as JSON, up to 200,000 characters; a larger one is in plan-file and the artifact alone.", nil},
	{"plan-digest", "sha256 of the plan file, or of the plan where none is written: what build takes as plan-digest.", regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)},
	{"images", "JSON: by build, the image's arn, status, and AMIs by region.", nil},
	{"ami-ids", "JSON: by build and region, the AMI's id.", nil},
	{"appstream-images", "JSON: by address, the AppStream image's name and ARN.", nil},
	{"matrix", "JSON of command matrix, for strategy.matrix.", nil},
	{"report", "The report as JSON: a file in the workspace.", regexp.MustCompile(`^[\w./@+-]{1,200}$`)},
	{"comment-url", "The comment on the pull request.", regexp.MustCompile(`^https?://[\w.:\[\]-]+/[\w./#-]+$`)},
}

// The ids and ARNs that go into JSON outputs. A value of AWS's that is none of these is left out.
var (
	amiID   = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
	region  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,3}-\d{1,2}$`)
	awsARN  = regexp.MustCompile(`^arn:aws[\w-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12}|aws)?:[\w+=,.@/:-]+$`)
	asLabel = regexp.MustCompile(`^[\w.@/ -]{1,200}$`)
)

// maxOutput bounds a value. All outputs of a job may have a megabyte of UTF-16 together.
const maxOutput = 200_000

// outputValues are the outputs of one run by name.
type outputValues map[string]string

// set takes in a value that is what the table says of it, and says why it does not where it is not.
func (v outputValues) set(name, value string) error {
	for _, o := range actionOutputs {
		if o.Name != name {
			continue
		}
		switch {
		case len(value) > maxOutput:
			return fmt.Errorf("the output %s has %d characters, and %d are allowed", name, len(value), maxOutput)
		case o.Pattern != nil && !o.Pattern.MatchString(value):
			return fmt.Errorf("the output %s is not what it should be (%s)", name, o.Pattern)
		case o.Pattern == nil && !json.Valid([]byte(value)):
			return fmt.Errorf("the output %s is no JSON", name)
		}
		v[name] = value
		return nil
	}
	return fmt.Errorf("the action has no output %s", name)
}

// setJSON takes in a value as JSON.
func (v outputValues) setJSON(name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("writing the output %s: %w", name, err)
	}
	return v.set(name, string(raw))
}

// write hands every output over in both spellings, in the table's order.
func (v outputValues) write(output func(name, value string) error) error {
	for _, o := range actionOutputs {
		value, ok := v[o.Name]
		if !ok {
			continue
		}
		for _, name := range spellings(o.Name) {
			if err := output(name, value); err != nil {
				return fmt.Errorf("writing the output %s: %w", o.Name, err)
			}
		}
	}
	return nil
}

// spellings are a name with hyphens and, where that differs, with underscores.
func spellings(name string) []string {
	if under := strings.ReplaceAll(name, "-", "_"); under != name {
		return []string{name, under}
	}
	return []string{name}
}
