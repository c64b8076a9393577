package planner

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// diagnose says a finding at the configuration's own text, with the rule that it can be looked up by.
func diagnose(n *Node, f rules.Finding) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Not accepted by AWS", Detail: f.Message, Subject: n.at(f.Path).Ptr()}
	if !strings.HasSuffix(d.Detail, ".") {
		d.Detail += "." // some of AWS's texts end in a pattern
	}
	if f.Advice != "" {
		d.Detail += " " + f.Advice
	}
	if f.Warning() {
		d.Severity, d.Summary = hcl.DiagWarning, "May not be accepted by AWS"
	}
	if f.Rule != nil {
		d.Detail += " [" + f.Rule.ID + "]"
		d.Extra = Rule(f.Rule.ID)
	}
	return d
}

// A Rule is the Extra of a diagnostic that a rule of internal/awsmodel/rules gives: the rule's ID.
type Rule string

// RuleDiagnostic is a finding of a rule that is judged where a block is lowered. It panics on an ID
// that no rule has.
func RuleDiagnostic(id string, at hcl.Range, detail string) *hcl.Diagnostic {
	r, ok := rules.Get(id)
	if !ok {
		panic("planner: there is no rule " + id)
	}
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Not accepted by AWS", Subject: at.Ptr(), Detail: detail + " [" + id + "]", Extra: Rule(id)}
	if r.Severity == rules.Warning {
		d.Severity, d.Summary = hcl.DiagWarning, "May not be accepted by AWS"
	}
	switch {
	case strings.HasPrefix(id, "pk-") && r.Severity == rules.Warning:
		d.Summary = "Different from Packer"
	case strings.HasPrefix(r.Source, "packer-plugin"):
		d.Summary = "Not accepted by Packer"
	}
	return d
}

// allow leaves out what the configuration silences.
func allow(cfg *dsl.Config, diags hcl.Diagnostics) hcl.Diagnostics {
	if len(cfg.Allows) == 0 {
		return diags
	}
	kept := diags[:0:0]
	for _, d := range diags {
		id, ruled := d.Extra.(Rule)
		if !ruled || d.Severity == hcl.DiagError || d.Subject == nil || !cfg.Allowed(string(id), *d.Subject) {
			kept = append(kept, d)
		}
	}
	return kept
}

// checkAllows reports comments that silence nothing: rules that do not exist, and refusals, which no
// comment keeps from AWS.
func (c *compiler) checkAllows() {
	for _, a := range c.scope.Config.Allows {
		switch r, ok := rules.Get(a.Rule); {
		case !ok:
			c.warn(a.Range, "Unknown rule", fmt.Sprintf("There is no rule %s. %s", awsmodel.Printable(a.Rule), rules.Suggest(a.Rule)))
		case r.Severity == rules.Error:
			c.warn(a.Range, "Rule can't be allowed", a.Rule+" is what AWS refuses, so imagebuild refuses it too. Remove the comment.")
		}
	}
}

func (c *compiler) warn(at hcl.Range, summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

// known is what a rule may read of a reference: nothing but the question it asks AWS.
func known(r dsl.Ref) any {
	if r.Type == LookupType && (strings.HasPrefix(r.Name, "arn:") || strings.HasPrefix(r.Name, "ssm:")) {
		return awsmodel.Unknown{Question: r.Name}
	}
	return awsmodel.Unknown{}
}

// namedRegion is the region that rules compare with: none where nobody named one.
func namedRegion(cfg *dsl.Config, region string) string {
	if cfg.Settings.RegionAssumed {
		return ""
	}
	return region
}
