package component

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Render writes a document as YAML. Equal documents give equal bytes, and Parse gives the document
// back but for its ranges. Text that is not UTF-8 is made so: YAML has no other.
func Render(d *Document) []byte { return write(tree(d)) }

// tree is a document as YAML's nodes.
func tree(d *Document) *yaml.Node {
	root := pairs()
	root.text("name", d.Name)
	root.text("description", d.Description)
	root.add("schemaVersion", scalar(SchemaVersion, "!!float"))
	if len(d.Constants) > 0 {
		var list []*yaml.Node
		for _, c := range d.Constants {
			body := pairs().text("type", c.Type).add("value", str(c.Value))
			list = append(list, pairs().add(c.Name, body.node).node)
		}
		root.add("constants", seq(list))
	}
	if len(d.Parameters) > 0 {
		var list []*yaml.Node
		for _, p := range d.Parameters {
			list = append(list, pairs().add(p.Name, renderParameter(p)).node)
		}
		root.add("parameters", seq(list))
	}
	var phases []*yaml.Node
	for _, ph := range d.Phases {
		var steps []*yaml.Node
		for i := range ph.Steps {
			steps = append(steps, renderStep(&ph.Steps[i]))
		}
		phases = append(phases, pairs().add("name", str(ph.Name)).add("steps", seq(steps)).node)
	}
	root.add("phases", seq(phases))
	return root.node
}

// encode cannot fail: the tree holds nothing but scalars, lists and maps of valid UTF-8.
func encode(n *yaml.Node) []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		panic("component: YAML refuses a tree of texts: " + err.Error())
	}
	return b.Bytes()
}

func renderParameter(p Parameter) *yaml.Node {
	body := pairs().text("type", p.Type)
	if p.HasDefault {
		body.add("default", str(p.Default))
	}
	body.text("description", p.Description)
	if len(p.Allowed) > 0 {
		body.add("allowedValues", texts(p.Allowed))
	}
	return body.node
}

func renderStep(s *Step) *yaml.Node {
	n := pairs().add("name", str(s.Name)).add("action", str(s.Action))
	if s.If != nil {
		cond := renderCondition(&s.If.Condition)
		cond.text("then", s.If.Then).text("else", s.If.Else)
		n.add("if", cond.node)
	}
	if s.Loop != nil {
		n.add("loop", renderLoop(s.Loop))
	}
	n.number("timeoutSeconds", s.TimeoutSeconds).text("onFailure", s.OnFailure).number("maxAttempts", s.MaxAttempts)
	if s.DisableLogging {
		n.add("disableLogging", scalar("true", "!!bool"))
	}
	if s.Assert != nil {
		return n.add("inputs", renderCondition(s.Assert).node).node
	}
	if len(s.Inputs) > 0 {
		n.add("inputs", renderInputs(s))
	}
	return n.node
}

func renderInputs(s *Step) *yaml.Node {
	m, known := ModuleNamed(s.Action)
	order := []string(nil)
	if known {
		order = m.Inputs()
	}
	list := make([]*yaml.Node, len(s.Inputs))
	for i, in := range s.Inputs {
		body := pairs()
		keys := slices.SortedFunc(maps.Keys(in), func(a, b string) int {
			return compareIn(order, a, b)
		})
		for _, k := range keys {
			body.add(k, renderValue(in[k], k))
		}
		list[i] = body.node
	}
	if len(list) == 1 && (!known || !m.Many) {
		return list[0]
	}
	return seq(list)
}

// compareIn puts known names in their order and any others after them by the alphabet.
func compareIn(order []string, a, b string) int {
	i, j := slices.Index(order, a), slices.Index(order, b)
	switch {
	case i >= 0 && j >= 0:
		return i - j
	case i >= 0:
		return -1
	case j >= 0:
		return 1
	}
	return strings.Compare(a, b)
}

func renderValue(v any, key string) *yaml.Node {
	switch v := v.(type) {
	case bool:
		return scalar(strconv.FormatBool(v), "!!bool")
	case int:
		return scalar(strconv.Itoa(v), "!!int")
	case []string:
		return texts(v)
	case map[string]string:
		names := slices.Sorted(maps.Keys(v))
		if key == "parameters" {
			var list []*yaml.Node
			for _, k := range names {
				list = append(list, pairs().add("name", str(k)).add("value", str(v[k])).node)
			}
			return seq(list)
		}
		body := pairs()
		for _, k := range names {
			body.add(k, str(v[k]))
		}
		return body.node
	case string:
		return str(v)
	default:
		return scalar("null", "!!null")
	}
}

func renderCondition(c *Condition) *mapping {
	n := pairs()
	switch {
	case c.Operator == "not" && len(c.Terms) == 1:
		n.add("not", renderCondition(&c.Terms[0]).node)
	case len(c.Terms) > 0:
		list := make([]*yaml.Node, len(c.Terms))
		for i := range c.Terms {
			list[i] = renderCondition(&c.Terms[i]).node
		}
		n.add(c.Operator, seq(list))
	default:
		n.add(c.Operator, str(c.Operand))
	}
	if key, _ := companion(c.Operator); key != "" {
		n.add(key, str(c.Value))
	}
	return n
}

func renderLoop(l *Loop) *yaml.Node {
	n := pairs().text("name", l.Name)
	switch {
	case l.For.Step != 0:
		n.add("for", pairs().
			add("start", renderValue(l.For.Start, "")).
			add("end", renderValue(l.For.End, "")).
			add("updateBy", renderValue(l.For.Step, "")).node)
	case l.List != "":
		n.add("forEach", pairs().add("list", str(l.List)).text("delimiter", l.Delimiter).node)
	default:
		n.add("forEach", texts(l.Each))
	}
	return n.node
}

// A mapping is a YAML mapping being written in a chosen order.
type mapping struct{ node *yaml.Node }

func pairs() *mapping {
	return &mapping{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}}
}

func (m *mapping) add(key string, value *yaml.Node) *mapping {
	m.node.Content = append(m.node.Content, str(key), value)
	return m
}

// text adds a text that is not empty.
func (m *mapping) text(key, value string) *mapping {
	if value != "" {
		m.add(key, str(value))
	}
	return m
}

func (m *mapping) number(key string, value int) *mapping {
	if value != 0 {
		m.add(key, scalar(strconv.Itoa(value), "!!int"))
	}
	return m
}

func seq(list []*yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: list}
	if len(list) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

func texts(list []string) *yaml.Node {
	nodes := make([]*yaml.Node, len(list))
	for i, s := range list {
		nodes[i] = str(s)
	}
	return seq(nodes)
}

func scalar(value, tag string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// str writes text as a block where a person would, and in quotes where YAML would change it otherwise.
func str(s string) *yaml.Node {
	s = strings.ToValidUTF8(s, "\ufffd")
	n := scalar(s, "!!str")
	switch {
	case !plainText(s):
		n.Style = yaml.DoubleQuotedStyle
	case strings.Contains(s, "\n"):
		n.Style = yaml.LiteralStyle
	case strings.Contains(s, "{{") || strings.HasPrefix(s, "<<"):
		n.Style = yaml.SingleQuotedStyle
	}
	return n
}

// plainText says whether a text survives unquoted: no control characters, no line that ends in
// space, no space in front. Carriage returns and Unicode's line separators are line breaks to YAML.
func plainText(s string) bool {
	if s == "" || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.HasSuffix(s, " ") {
		return false
	}
	for line := range strings.SplitSeq(s, "\n") {
		if strings.HasSuffix(line, " ") || strings.Contains(line, "\t") && strings.TrimLeft(line, "\t ") != line && strings.TrimSpace(line) == "" {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && !unicode.IsPrint(r)
	}) && !strings.HasPrefix(s, "\t")
}
