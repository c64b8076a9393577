package component

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// A stepParser reads one step.
type stepParser struct {
	*parser
	phase string
	step  *Step
}

func (p *parser) steps(ph *Phase, n *yaml.Node) {
	if n == nil {
		p.fail(ph.Range, "Missing steps", fmt.Sprintf("The phase %s has no steps.", ph.Name))
		return
	}
	list := p.list(n, "the value of steps")
	if len(list) == 0 && resolve(n).Kind == yaml.SequenceNode {
		p.fail(p.src.at(n), "Missing steps", fmt.Sprintf("The phase %s has no steps.", ph.Name))
	}
	seen := map[string]int{}
	for _, e := range list {
		s := &stepParser{parser: p, phase: ph.Name, step: &Step{Range: p.src.at(e), Ranges: map[string]hcl.Range{}}}
		s.read(e)
		if line, dup := seen[s.step.Name]; dup && s.step.Name != "" {
			p.fail(s.step.Range, "Duplicate step name", fmt.Sprintf("The phase %s has two steps named %s, the first in line %d. Rename one.", ph.Name, s.step.Name, line))
		}
		seen[s.step.Name] = s.step.Range.Start.Line
		ph.Steps = append(ph.Steps, *s.step)
	}
}

// where is how messages speak of the step: AWS's own words.
func (p *stepParser) where() string {
	return fmt.Sprintf("Parsing step '%s' in phase '%s' failed. Error: ", p.step.Name, p.phase)
}

func (p *stepParser) read(n *yaml.Node) {
	what := "the step"
	f := p.mapping(n, what, "name", "action", "if", "loop", "timeoutSeconds", "onFailure", "maxAttempts", "disableLogging", "inputs")
	for name, v := range f {
		p.step.Ranges[name] = p.src.at(v.key)
	}
	p.name(f)
	p.action(f)
	if v := f.get("timeoutSeconds"); v != nil {
		p.timeout(v)
	}
	if v := f.get("onFailure"); v != nil {
		p.step.OnFailure = p.choice(v, "onFailure", Abort, Continue, Ignore)
	}
	if v := f.get("maxAttempts"); v != nil {
		i, ok := p.integer(v, "the value of maxAttempts")
		if ok && i < 1 {
			p.fail(p.src.at(v), "Invalid maxAttempts", fmt.Sprintf("%smaxAttempts is %d and must be at least 1: it counts all attempts, the first included.", p.where(), i))
		}
		p.step.MaxAttempts = i
	}
	if v := f.get("disableLogging"); v != nil {
		p.step.DisableLogging = p.choice(v, "disableLogging", "true", "false") == "true"
	}
	if v := f.get("if"); v != nil {
		p.step.If = p.condition(v)
	}
	if v := f.get("loop"); v != nil {
		p.step.Loop = p.loop(v)
	}
	p.inputs(f["inputs"])
}

func (p *stepParser) name(f fields) {
	n := f.get("name")
	if n == nil {
		p.fail(p.step.Range, "Missing step name", fmt.Sprintf("A step of phase '%s' has no name.", p.phase))
		return
	}
	name, ok := p.text(n, "a step's name")
	p.step.Name, p.step.Range = name, p.src.at(n)
	if ok && !isName(name) {
		p.fail(p.src.at(n), "Invalid step name",
			fmt.Sprintf("Invalid step name '%s' in phase '%s'. Allowed characters are combinations of numbers [0-9], english letters [a-z,A-Z] and special characters [-_].", name, p.phase))
	}
}

func (p *stepParser) action(f fields) {
	n := f.get("action")
	if n == nil {
		p.fail(p.step.Range, "Missing action", p.where()+"the step has no action.")
		return
	}
	var ok bool
	p.step.Action, ok = p.text(n, "a step's action")
	p.step.Ranges["action"] = p.src.at(n)
	if _, known := ModuleNamed(p.step.Action); ok && !known {
		p.fail(p.src.at(n), "Unknown action", p.where()+"Unsupported action "+p.step.Action+"."+didYouMean(p.step.Action, ModuleNames()))
	}
}

func (p *stepParser) timeout(n *yaml.Node) {
	v, ok := p.integer(n, "the value of timeoutSeconds")
	p.step.TimeoutSeconds = v
	switch {
	case !ok:
	case v == 0 || v < -1:
		p.fail(p.src.at(n), "Invalid timeoutSeconds", fmt.Sprintf("%stimeoutSeconds is %d; it must be positive, or -1 for no limit.", p.where(), v))
	case p.step.Action == "Reboot":
		p.fail(p.src.at(n), "Invalid timeoutSeconds", p.where()+"the action Reboot takes no timeoutSeconds.")
	case p.step.Action == "ExecuteDocument" && v != -1:
		p.fail(p.src.at(n), "Invalid timeoutSeconds", p.where()+"the action ExecuteDocument has no timeout of its own: timeoutSeconds may only be -1.")
	}
}

// choice reads a word that must be one of several.
func (p *stepParser) choice(n *yaml.Node, key string, allowed ...string) string {
	v, ok := p.text(n, key)
	if ok && !slices.Contains(allowed, v) {
		hint := didYouMean(v, allowed)
		if i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, v) }); i >= 0 {
			hint = " Did you mean " + allowed[i] + "?"
		}
		p.fail(p.src.at(n), "Invalid "+key, fmt.Sprintf("%s%s is %q; it must be one of %s.%s", p.where(), key, v, strings.Join(allowed, ", "), hint))
	}
	return v
}

func (p *stepParser) inputs(f field) {
	m, known := ModuleNamed(p.step.Action)
	if !known {
		return
	}
	if m.Name == "ExecuteDocument" && p.step.MaxAttempts > 1 {
		p.fail(p.step.At("maxAttempts"), "Invalid maxAttempts", p.where()+"the action ExecuteDocument runs once: maxAttempts may only be 1.")
	}
	n := f.value
	if isNull(n) || len(n.Content) == 0 && n.Kind != yaml.ScalarNode {
		if !m.Bare {
			p.fail(p.step.At("action"), "Missing inputs", p.where()+"Action "+m.Name+" has no inputs; it requires an 'inputs'.")
		}
		return
	}
	if m.Name == "Assert" {
		p.step.Assert = p.operators(n, 0)
		return
	}
	n = resolve(n)
	if m.Many {
		if n.Kind != yaml.SequenceNode {
			p.fail(p.src.at(n), "Wrong shape of inputs", p.where()+"the inputs of "+m.Name+" are a list of maps. Start the first with a dash: \"- "+m.inputs[0].name+": …\".")
			return
		}
		for i, e := range n.Content {
			p.input(m, resolve(e), i)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		p.fail(p.src.at(n), "Wrong shape of inputs", p.where()+"the inputs of "+m.Name+" are one map and not "+kindName(n)+".")
		return
	}
	p.input(m, n, 0)
}

// input reads one operation's inputs.
func (p *stepParser) input(m *Module, n *yaml.Node, index int) {
	what := "inputs of " + m.Name
	path := "inputs[" + strconv.Itoa(index) + "]"
	f := p.anyMapping(n, what)
	in := Input{}
	p.step.Ranges[path] = p.src.at(n)
	for name, v := range f {
		if _, known := m.input(name); !known {
			p.warn(p.src.at(v.key), "Unknown input", fmt.Sprintf("The action %s has no input %q; it is ignored.%s", m.Name, name, didYouMean(name, m.Inputs())))
		}
	}
	for _, spec := range m.inputs {
		v := f.get(spec.name)
		if v == nil {
			if spec.required {
				at := p.src.at(n)
				if k := f[spec.name].key; k != nil {
					at = p.src.at(k)
				}
				p.fail(at, "Missing input", p.where()+"Action "+m.Name+" requires the input '"+spec.name+"'.")
			}
			continue
		}
		if read, ok := p.value(v, spec, path+"."+spec.name); ok {
			in[spec.name] = read
		}
	}
	p.combination(m, in, p.src.at(n))
	if len(in) == 0 && m.Bare {
		return // the same as no inputs
	}
	p.step.Inputs = append(p.step.Inputs, in)
}

// combination checks what the guide says of several inputs together.
func (p *stepParser) combination(m *Module, in Input, at hcl.Range) {
	has := func(k string) bool { _, ok := in[k]; return ok }
	switch m.Name {
	case "ExecutePowerShell":
		if has("commands") == has("file") {
			p.fail(at, "Wrong inputs", p.where()+"Action ExecutePowerShell requires exactly one of the inputs 'commands' and 'file'.")
		}
	case "WebDownload":
		if has("checksum") != has("algorithm") {
			p.warn(at, "Checksum not verified", p.where()+"a download is only verified when both 'checksum' and 'algorithm' are given.")
		}
	}
}

// value reads one input. An expression stands for a value of any scalar type.
func (p *stepParser) value(n *yaml.Node, spec inputSpec, path string) (any, bool) {
	what := "the input " + spec.name + " of step " + p.step.Name
	p.step.Ranges[path] = p.src.at(n)
	switch spec.typ {
	case listInput:
		return p.texts(n, what, path)
	case pairsInput:
		return p.pairs(n, what)
	case mapInput:
		return p.textMap(n, what)
	case anyInput:
		if n.Kind == yaml.SequenceNode {
			return p.texts(n, what, path)
		}
		return orFalse(p.text(n, what))
	case boolInput:
		return p.boolean(n, what)
	case intInput:
		if hasExpression(n) {
			return n.Value, true
		}
		return orFalse(p.integer(n, what))
	case encodingText:
		s, ok := p.text(n, what)
		if _, known := encodingNamed(s); ok && !known && !hasExpression(n) {
			p.fail(p.src.at(n), "Unknown encoding", fmt.Sprintf("%sthe encoding %q is not known; use one of %s.", p.where(), s, strings.Join(encodingNames(), ", ")))
		}
		return s, ok
	case enumInput:
		s, ok := p.text(n, what)
		if ok && !hasExpression(n) && !slices.ContainsFunc(spec.allowed, func(a string) bool { return strings.EqualFold(a, s) }) {
			p.fail(p.src.at(n), "Invalid input", fmt.Sprintf("%s%s is %q; it must be one of %s.", p.where(), spec.name, s, strings.Join(spec.allowed, ", ")))
		}
		return s, ok
	case textInput:
		return orFalse(p.text(n, what))
	}
	return nil, false
}

func orFalse[T any](v T, ok bool) (any, bool) { return v, ok }

func hasExpression(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && len(expressions(n.Value)) > 0
}

func (p *stepParser) texts(n *yaml.Node, what, path string) (any, bool) {
	if n.Kind == yaml.ScalarNode {
		p.fail(p.src.at(n), "Wrong type in component document", sentence(what)+" must be a list of texts. Put a dash before the value.")
		return nil, false
	}
	out := []string{}
	for i, e := range p.list(n, what) {
		s, ok := p.text(e, "an entry of "+what)
		if ok {
			p.step.Ranges[path+"["+strconv.Itoa(i)+"]"] = p.src.at(e)
			out = append(out, s)
		}
	}
	if len(out) == 0 && len(n.Content) == 0 {
		p.fail(p.src.at(n), "Missing input", p.where()+sentence(what)+" is an empty list.")
		return nil, false
	}
	return out, true
}

func (p *stepParser) boolean(n *yaml.Node, what string) (any, bool) {
	if hasExpression(n) {
		return n.Value, true
	}
	s, ok := p.text(n, what)
	if !ok {
		return nil, false
	}
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		p.fail(p.src.at(n), "Wrong type in component document", fmt.Sprintf("%s must be true or false and is %s.", sentence(what), shown(n)))
		return nil, false
	}
	return b, true
}

func (p *stepParser) pairs(n *yaml.Node, what string) (any, bool) {
	out := map[string]string{}
	for _, e := range p.list(n, what) {
		f := p.mapping(e, "an entry of "+what, "name", "value")
		name, value := f.get("name"), f.get("value")
		if name == nil || value == nil {
			p.fail(p.src.at(e), "Missing input", p.where()+"each entry of 'parameters' requires 'name' and 'value'.")
			continue
		}
		k, ok := p.text(name, "a parameter's name")
		v, also := p.text(value, "a parameter's value")
		if ok && also {
			out[k] = v
		}
	}
	return out, true
}

func (p *stepParser) textMap(n *yaml.Node, what string) (any, bool) {
	out := map[string]string{}
	for k, f := range p.anyMapping(n, what) {
		if s, ok := p.text(f.value, what+" "+k); ok {
			out[k] = s
		}
	}
	return out, true
}
