package sandbox

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// importComponent makes a component of a script: a document whose one step runs it, by a shell or by PowerShell as the
// platform has it.
func (ib *imageBuilder) importComponent(c *call) (object, error) {
	script, from, err := ib.source(c, "data", "uri")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(script) == "" {
		return nil, invalid(from, "The script is empty.")
	}
	action := "ExecuteBash"
	if text(c.in, "platform") == "Windows" {
		action = "ExecutePowerShell"
	}
	type step struct {
		Name   string              `yaml:"name"`
		Action string              `yaml:"action"`
		Inputs map[string][]string `yaml:"inputs"`
	}
	type phase struct {
		Name  string `yaml:"name"`
		Steps []step `yaml:"steps"`
	}
	document, err := yaml.Marshal(struct {
		Name          string  `yaml:"name"`
		SchemaVersion string  `yaml:"schemaVersion"`
		Phases        []phase `yaml:"phases"`
	}{text(c.in, "name"), "1.0", []phase{{
		strings.ToLower(text(c.in, "type")), []step{{"ImportedScript", action, map[string][]string{"commands": {script}}}},
	}}})
	if err != nil {
		return nil, err
	}
	sub := *c
	sub.in = with(without(c.in, "format", "type", "uri"), object{"data": string(document)})
	out, err := ib.createComponent(&sub)
	if err != nil {
		return nil, err
	}
	return without(out, "latestVersionReferences"), nil
}
