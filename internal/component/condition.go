package component

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v3"
)

// maxConditionDepth is how deep and, or and not may be nested (AWSTOE user guide, "Logical operators").
const maxConditionDepth = 4

// companion is the key that a comparison needs beside its operator: "value", "path" or "" for none.
// The operators are those of the AWSTOE user guide, "Comparison operators".
func companion(operator string) (key string, known bool) {
	switch operator {
	case "stringIsEmpty", "stringIsWhitespace", "binaryExists", "fileExists", "folderExists", "and", "or", "not":
		return "", true
	case "stringEquals", "stringLessThan", "stringLessThanEquals", "stringGreaterThan", "stringGreaterThanEquals", "patternMatches",
		"numberEquals", "numberLessThan", "numberLessThanEquals", "numberGreaterThan", "numberGreaterThanEquals":
		return "value", true
	case "fileMD5Equals", "fileSHA1Equals", "fileSHA256Equals", "fileSHA512Equals":
		return "path", true
	}
	return "", false
}

func operatorNames() []string {
	return []string{
		"and", "or", "not", "stringIsEmpty", "stringIsWhitespace", "stringEquals",
		"stringLessThan", "stringLessThanEquals", "stringGreaterThan", "stringGreaterThanEquals", "patternMatches",
		"numberEquals", "numberLessThan", "numberLessThanEquals", "numberGreaterThan", "numberGreaterThanEquals",
		"binaryExists", "fileExists", "folderExists", "fileMD5Equals", "fileSHA1Equals", "fileSHA256Equals", "fileSHA512Equals",
	}
}

// condition reads a step's if.
func (p *stepParser) condition(n *yaml.Node) *If {
	out := &If{}
	r := &conditionReader{stepParser: p, outcome: out}
	if c := r.read(n, 0); c != nil {
		out.Condition = *c
	}
	return out
}

// operators reads the condition of an Assert, which has no then and else.
func (p *stepParser) operators(n *yaml.Node, depth int) *Condition {
	r := &conditionReader{stepParser: p}
	return r.read(n, depth)
}

// A conditionReader reads one if or Assert.
type conditionReader struct {
	*stepParser
	// outcome takes then and else; nil where there can be none. AWS's own STIG component writes them
	// inside not, where they mean the same as beside it.
	outcome *If
}

// read reads one expression: a mapping, or a list of one as the guide's syntax box has it.
func (r *conditionReader) read(n *yaml.Node, depth int) *Condition {
	n = resolve(n)
	if n.Kind == yaml.SequenceNode && len(n.Content) == 1 {
		n = resolve(n.Content[0])
	}
	if n.Kind != yaml.MappingNode {
		r.fail(r.src.at(n), "Invalid condition", r.where()+"a condition is a map that holds one operator, and this is "+kindName(n)+".")
		return nil
	}
	f := r.anyMapping(n, "a condition")
	c := &Condition{Range: r.src.at(n)}
	var operator field
	names := []string{}
	for name, v := range f {
		switch {
		case (name == "then" || name == "else") && r.outcome != nil:
			r.decide(name, v)
		case name == "value" || name == "path":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) != 1 {
		r.fail(c.Range, "Invalid condition", fmt.Sprintf("%sa condition holds exactly one operator, and this one holds %d.", r.where(), len(names)))
		return nil
	}
	operator = f[names[0]]
	c.Range = r.src.at(operator.key)
	c.Operator = r.spelling(names[0], c.Range)
	if c.Operator == "" {
		return nil
	}
	r.fill(c, f, operator.value, depth)
	return c
}

func (r *conditionReader) decide(name string, f field) {
	v := r.choice(f.value, name, Execute, Skip, Abort)
	if name == "then" {
		r.outcome.Then = v
	} else {
		r.outcome.Else = v
	}
}

// spelling is the operator's proper name. The guide itself once writes stringlessThan, so another
// case is a warning.
func (r *conditionReader) spelling(name string, at hcl.Range) string {
	if _, known := companion(name); known {
		return name
	}
	all := operatorNames()
	if i := slices.IndexFunc(all, func(o string) bool { return strings.EqualFold(o, name) }); i >= 0 {
		r.warn(at, "Unusual spelling of an operator", fmt.Sprintf("The operator is spelled %s.", all[i]))
		return all[i]
	}
	r.fail(at, "Unknown operator", fmt.Sprintf("%sthere is no operator %q.%s", r.where(), name, didYouMean(name, all)))
	return ""
}

// fill reads the operand of an operator and what stands beside it.
func (r *conditionReader) fill(c *Condition, f fields, operand *yaml.Node, depth int) {
	key, _ := companion(c.Operator)
	for _, k := range []string{"value", "path"} {
		v := f.get(k)
		switch {
		case k == key && v == nil:
			r.fail(c.Range, "Invalid condition", fmt.Sprintf("%sthe operator %s needs the key %q beside it.", r.where(), c.Operator, key))
		case k == key:
			c.Value = r.operand(v, c.Operator)
		case f[k].key != nil:
			r.fail(r.src.at(f[k].key), "Invalid condition", fmt.Sprintf("%sthe operator %s has no key %q beside it.", r.where(), c.Operator, k))
		}
	}
	switch c.Operator {
	case "and", "or", "not":
		r.terms(c, operand, depth)
	default:
		if isNull(operand) {
			r.fail(c.Range, "Invalid condition", fmt.Sprintf("%sthe operator %s has no value.", r.where(), c.Operator))
			return
		}
		c.Operand = r.operand(operand, c.Operator)
		r.checkOperand(c)
	}
}

func (r *conditionReader) checkOperand(c *Condition) {
	literal := len(expressions(c.Operand)) == 0
	switch {
	case !literal:
	case strings.HasPrefix(c.Operator, "number"):
		if _, ok := number(c.Operand); !ok {
			r.fail(c.Range, "Invalid condition", fmt.Sprintf("%s%s compares numbers, and %q is none.", r.where(), c.Operator, c.Operand))
		}
	case c.Operator == "patternMatches":
		if _, err := pattern(c.Operand); err != nil {
			r.fail(c.Range, "Invalid condition", fmt.Sprintf("%s%q is no regular expression as Go understands them: %s.", r.where(), c.Operand, err))
		}
	}
}

func (r *conditionReader) terms(c *Condition, n *yaml.Node, depth int) {
	if depth >= maxConditionDepth {
		r.fail(c.Range, "Condition too deep", fmt.Sprintf("%sand, or and not may be nested %d deep.", r.where(), maxConditionDepth))
		return
	}
	list := []*yaml.Node{n}
	inner := &conditionReader{stepParser: r.stepParser}
	if c.Operator == "not" {
		inner.outcome = r.outcome
	} else {
		list = r.list(n, "the operand of "+c.Operator)
	}
	if len(list) == 0 || isNull(n) {
		r.fail(c.Range, "Invalid condition", fmt.Sprintf("%sthe operator %s has nothing to judge.", r.where(), c.Operator))
		return
	}
	for _, e := range list {
		if t := inner.read(e, depth+1); t != nil {
			c.Terms = append(c.Terms, *t)
		}
	}
}

// operand reads a value that is compared. A YAML number written with an exponent is brought into the
// decimal form that the number operators accept; any other keeps its text.
func (r *conditionReader) operand(n *yaml.Node, operator string) string {
	s, _ := r.text(n, "the value of "+operator)
	if n.ShortTag() == "!!float" && strings.ContainsAny(s, "eE") && strings.HasPrefix(operator, "number") && len(s) < 32 {
		var f float64
		if err := n.Decode(&f); err == nil {
			return new(big.Float).SetFloat64(f).Text('f', -1)
		}
	}
	return s
}
