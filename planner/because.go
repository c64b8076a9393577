package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A Previous is the newest other version of a resource that is to be made: what it was before.
type Previous struct {
	Version string
	Input   Object // in the vocabulary of the create call's input, references resolved
}

// A part is something a recipe is made of, as plans compare it.
type part struct{ name, version, text string }

// because says what makes a recipe another version than the one before; "" where that is not known. An
// image is what its recipe is.
func (d *differ) because(c *Change) string {
	for _, m := range c.Kind.Identity {
		if r, ok := c.Input[m].(dsl.Ref); ok {
			return d.changed[r.Addr]
		}
	}
	if c.Observed == nil || c.Observed.Previous == nil {
		return ""
	}
	was := c.Observed.Previous
	var says []string
	if base := d.base(was, c.Input["parentImage"]); base != "" {
		says = append(says, base)
	}
	says = append(says, d.components(was, c.Input)...)
	for _, m := range sortedKeys(c.Input) {
		switch m {
		case "parentImage", "components", "name", "semanticVersion", "tags", "clientToken":
		default:
			if !Covers(was.Input[m], c.Input[m]) {
				says = append(says, m+" changed")
			}
		}
	}
	if len(says) == 0 {
		return ""
	}
	return "since version " + was.Version + ": " + strings.Join(says, ", ")
}

// base says how the image that a recipe starts from differs.
func (d *differ) base(was *Previous, wanted any) string {
	before, ok := was.Input["parentImage"].(string)
	if !ok {
		return ""
	}
	from, to := d.part(before), d.part(wanted)
	switch {
	case to.text == "" || to.text == from.text || from.name != "" && from.name == to.name && from.version == to.version:
		return ""
	case from.name != "" && from.name == to.name:
		return fmt.Sprintf("base image %s changed: %s → %s", to.name, from.version, to.version)
	}
	return fmt.Sprintf("base image changed: %s → %s", from.text, to.text)
}

// part is what a reference, an ARN or an AMI's id stands for; nothing where that is not known.
func (d *differ) part(v any) part {
	switch v := v.(type) {
	case dsl.Ref:
		n := d.nodes[v.Addr]
		if n == nil {
			return part{}
		}
		name, _ := n.Known["name"].(string)
		version, _ := n.Known["version"].(string)
		if version == "" {
			return part{}
		}
		return part{awsmodel.NormalizeName(name), version, n.Title()}
	case string:
		arn, err := awsmodel.ParseARN(v)
		if err != nil {
			return part{text: v}
		}
		r, err := arn.ParseResource()
		if err != nil {
			return part{text: v}
		}
		return part{r.Name, r.Version, v}
	}
	return part{}
}

// components says which components a recipe has that it had not, or not so, and which it has no more.
func (d *differ) components(was *Previous, input Object) []string {
	had, has := d.parts(was.Input["components"]), d.parts(input["components"])
	var says []string
	named := func(list []part, name string) int {
		return slices.IndexFunc(list, func(p part) bool { return p.name == name })
	}
	for _, p := range has {
		if p.name == "" {
			continue // not known yet
		}
		i := named(had, p.name)
		switch {
		case i < 0:
			says = append(says, "component "+p.name+" added")
		case had[i].version != p.version:
			says = append(says, "component "+p.name+" changed")
		case had[i].text != p.text:
			says = append(says, "parameters of component "+p.name+" changed")
		}
	}
	for _, p := range had {
		if named(has, p.name) < 0 {
			says = append(says, "component "+p.name+" removed")
		}
	}
	order := func(list, other []part) (names []string) {
		for _, p := range list {
			if named(other, p.name) >= 0 {
				names = append(names, p.name)
			}
		}
		return names
	}
	if !slices.Equal(order(had, has), order(has, had)) {
		says = append(says, "components in another order")
	}
	return says
}

// parts are a recipe's components, their text being their parameters.
func (d *differ) parts(v any) []part {
	list, _ := v.([]any)
	var out []part
	for _, e := range list {
		m, _ := e.(map[string]any)
		p := d.part(m["componentArn"])
		if parameters, ok := m["parameters"].([]any); ok && len(parameters) > 0 {
			p.text = string(appendJSON(nil, parameters, appendRef))
		} else {
			p.text = ""
		}
		out = append(out, p)
	}
	return out
}
