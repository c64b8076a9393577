package main

import (
	"io"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
)

// lintUsage is what validate and plan say of --lint.
const lintUsage = "also warn of what fails or leaks in unattended builds, such as yum install without -y"

// lintPlan warns of what the component documents of a plan do that fails, hangs or leaks when nobody
// watches. Each warning points at what wrote the step.
func lintPlan(plan *planner.Plan) hcl.Diagnostics {
	var diags hcl.Diagnostics
	staged := map[dsl.Addr]planner.Content{}
	for _, c := range plan.Changes {
		if c.Content != nil {
			staged[c.Addr] = c.Content
		}
	}
	for _, c := range plan.Changes {
		if c.Kind.Name != "component" {
			continue
		}
		if text := componentText(c.Node, staged); text != nil {
			diags = append(diags, lintComponent(c.Node, text)...)
		}
	}
	return diags
}

// maxLinted is more than a component document can hold.
const maxLinted = 1 << 20

// componentText is a component's document, nil where it is not part of the configuration or cannot be
// read, which the plan's own checks report.
func componentText(n *planner.Node, staged map[dsl.Addr]planner.Content) []byte {
	if data, ok := n.Input["data"].(string); ok {
		return []byte(data)
	}
	ref, ok := n.Input["uri"].(dsl.Ref)
	if !ok || staged[ref.Addr] == nil {
		return nil
	}
	f, err := staged[ref.Addr].Open()
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxLinted))
	if err != nil {
		return nil
	}
	return text
}

// lintComponent looks at a document step by step: what the document itself is, a build may have made,
// and only its steps lead back to the configuration.
func lintComponent(n *planner.Node, text []byte) hcl.Diagnostics {
	doc, invalid := component.Parse(text, n.Addr.String())
	if doc == nil || invalid.HasErrors() {
		return nil
	}
	platform, _ := n.Input["platform"].(string)
	var diags hcl.Diagnostics
	for _, phase := range doc.Phases {
		for i := range phase.Steps {
			one := &component.Document{Phases: []component.Phase{{Name: phase.Name, Steps: phase.Steps[i : i+1]}}}
			at, known := n.Steps[phase.Name+"/"+phase.Steps[i].Name]
			if !known {
				at = n.Origin
			}
			for _, d := range component.Lint(one, nil, platform) {
				subject := at
				d.Subject = &subject
				diags = append(diags, d)
			}
		}
	}
	return diags
}
