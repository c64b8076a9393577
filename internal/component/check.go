package component

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Check checks what depends on the platform, "Linux", "Windows" or "macOS".
func (d *Document) Check(platform string) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i := range d.Phases {
		for j := range d.Phases[i].Steps {
			s := &d.Phases[i].Steps[j]
			m, known := ModuleNamed(s.Action)
			if !known || slices.Contains(m.Platforms, platform) {
				continue
			}
			at := s.At("action")
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError, Summary: "Action not on this platform", Subject: &at,
				Detail: fmt.Sprintf("Parsing step '%s' in phase '%s' failed. Error: Unsupported action %s for os platform %s. It exists on %s.%s",
					s.Name, d.Phases[i].Name, s.Action, strings.ToLower(platform), strings.Join(m.Platforms, " and "), counterpart(s.Action, platform)),
			})
		}
	}
	return diags
}

// counterpart names what does the same elsewhere.
func counterpart(action, platform string) string {
	switch {
	case action == "ExecuteBash" && platform == Windows:
		return " Use ExecutePowerShell."
	case action == "ExecutePowerShell" && platform != Windows:
		return " Use ExecuteBash."
	}
	return ""
}

// A checker resolves the expressions of a document.
type checker struct {
	doc   *Document
	src   *source // nil for a document built in Go
	diags hcl.Diagnostics
	// phase and step are where it is.
	phase, step int
}

// references checks every {{ … }} of the document.
func (c *checker) references() {
	for c.phase = range c.doc.Phases {
		steps := c.doc.Phases[c.phase].Steps
		for c.step = range steps {
			s := &steps[c.step]
			c.inputs(s)
			if s.Loop != nil {
				for i, v := range s.Loop.Each {
					c.text(s, v, "loop.forEach["+strconv.Itoa(i)+"]")
				}
				c.text(s, s.Loop.List, "loop.forEach.list")
			}
			if s.If != nil {
				c.condition(s, &s.If.Condition)
			}
			if s.Assert != nil {
				c.condition(s, s.Assert)
			}
		}
	}
}

func (c *checker) inputs(s *Step) {
	for i, in := range s.Inputs {
		for name, v := range in {
			path := "inputs[" + strconv.Itoa(i) + "]." + name
			switch v := v.(type) {
			case string:
				c.text(s, v, path)
			case []string:
				for j, e := range v {
					c.text(s, e, path+"["+strconv.Itoa(j)+"]")
				}
			case map[string]string:
				for _, e := range v {
					c.text(s, e, path)
				}
			}
		}
	}
}

func (c *checker) condition(s *Step, cond *Condition) {
	c.at(s, cond.Operand, cond.Range)
	c.at(s, cond.Value, cond.Range)
	for i := range cond.Terms {
		c.condition(s, &cond.Terms[i])
	}
}

func (c *checker) text(s *Step, text, path string) { c.at(s, text, s.At(path)) }

// at checks the expressions of one text that stands at rng.
func (c *checker) at(s *Step, text string, rng hcl.Range) {
	for _, e := range expressions(text) {
		place := rng
		if c.src != nil {
			place = c.src.find(rng, text[e.start:e.end])
		}
		var problem string
		severity := hcl.DiagError
		summary := "Unresolvable expression"
		switch e.kind {
		case nameExpr:
			problem = c.name(e)
		case chainExpr:
			problem = c.chain(e)
		case ssmExpr:
			if e.indirect && isName(e.name) {
				problem = c.name(e)
			}
		case loopExpr:
			problem = c.loop(s, e)
		case unknownExpr:
			severity, summary = hcl.DiagWarning, "Unknown form of expression"
			problem = text[e.start:e.end] + " is none of the forms that AWSTOE documents, and is left as it is written."
		}
		if problem != "" {
			c.diags = append(c.diags, &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: problem, Subject: &place})
		}
	}
}

func (c *checker) name(e expr) string {
	names := make([]string, 0, len(c.doc.Parameters)+len(c.doc.Constants))
	for _, p := range c.doc.Parameters {
		names = append(names, p.Name)
	}
	for _, k := range c.doc.Constants {
		names = append(names, k.Name)
	}
	if slices.Contains(names, e.name) {
		return ""
	}
	return fmt.Sprintf("The document declares no parameter or constant %q.%s Declare it under \"parameters\" or \"constants\".", e.name, didYouMean(e.name, names))
}

// loop lets {{ loop.value }} pass where there is no loop: AWSTOE leaves it as it is written.
func (c *checker) loop(s *Step, e expr) string {
	if e.name == "loop" || s.Loop != nil && s.Loop.Name == e.name {
		return ""
	}
	if s.Loop == nil {
		return fmt.Sprintf("The step %s has no loop, so there is no %s.%s.", s.Name, e.name, e.key)
	}
	return fmt.Sprintf("The loop of step %s is not named %q; write loop.%s.", s.Name, e.name, e.key)
}

// chain checks a reference to another step. Steps that ran before are those of earlier phases and the earlier ones of this.
func (c *checker) chain(e expr) string {
	names := make([]string, len(c.doc.Phases))
	for i, ph := range c.doc.Phases {
		names[i] = ph.Name
	}
	pi := slices.Index(names, e.phase)
	if pi < 0 {
		return fmt.Sprintf("The expression %q refers to the phase %q, which the document does not have.%s", e.text, e.phase, didYouMean(e.phase, names))
	}
	steps := c.doc.Phases[pi].Steps
	names = make([]string, len(steps))
	for i := range steps {
		names[i] = steps[i].Name
	}
	si := slices.Index(names, e.step)
	switch {
	case si < 0:
		return fmt.Sprintf("The expression %q refers to the step %q, which the phase %s does not have.%s", e.text, e.step, e.phase, didYouMean(e.step, names))
	case pi == c.phase && si == c.step:
		return fmt.Sprintf("The expression %q refers to the step it stands in. A step can only use what earlier steps left.", e.text)
	case pi > c.phase || pi == c.phase && si > c.step:
		return fmt.Sprintf("The expression %q refers to the step %s, which runs later. A step can only use what earlier steps left.", e.text, e.step)
	}
	return chainKey(e, &steps[si])
}

// chainKey checks the input or output that a reference names.
func chainKey(e expr, s *Step) string {
	m, known := ModuleNamed(s.Action)
	if !known {
		return ""
	}
	keys, what := m.Inputs(), "input"
	if e.outputs {
		keys, what = m.Outputs, "output"
	}
	if !slices.Contains(keys, e.key) {
		list := strings.Join(keys, ", ")
		if list == "" {
			list = "none"
		}
		return fmt.Sprintf("The expression %q refers to the %s %q, and the action %s of step %s has: %s.%s", e.text, what, e.key, s.Action, s.Name, list, didYouMean(e.key, keys))
	}
	if e.index >= max(1, len(s.Inputs)) {
		return fmt.Sprintf("The expression %q refers to entry %d, and the step %s has %d, counted from 0.", e.text, e.index, s.Name, max(1, len(s.Inputs)))
	}
	return ""
}
