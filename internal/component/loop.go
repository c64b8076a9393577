package component

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// loop reads a step's loop.
func (p *stepParser) loop(n *yaml.Node) *Loop {
	f := p.mapping(n, "the loop of step "+p.step.Name, "name", "for", "forEach")
	l := &Loop{Range: p.src.at(resolve(n))}
	if v := f.get("name"); v != nil {
		l.Name, _ = p.text(v, "a loop's name")
		p.loopName(l, v)
	}
	count, each := f.get("for"), f.get("forEach")
	switch {
	case (count == nil) == (each == nil):
		p.fail(p.src.at(resolve(n)), "Invalid loop", p.where()+"a loop has exactly one of 'for' and 'forEach'.")
	case count != nil:
		p.count(l, count)
	default:
		p.each(l, each)
	}
	return l
}

func (p *stepParser) loopName(l *Loop, n *yaml.Node) {
	at := p.src.at(n)
	switch prev, taken := p.loops[l.Name]; {
	case !isName(l.Name):
		p.fail(at, "Invalid loop name", fmt.Sprintf("%sthe loop name %q may only hold letters, digits, - and _.", p.where(), l.Name))
	case taken:
		p.fail(at, "Duplicate loop name", fmt.Sprintf("%sthe phase has another loop named %s, in line %d.", p.where(), l.Name, prev.Start.Line))
	}
	p.loops[l.Name] = at
}

func (p *stepParser) count(l *Loop, n *yaml.Node) {
	f := p.mapping(n, "for", "start", "end", "updateBy")
	whole := true
	read := func(key string) int {
		v := f.get(key)
		if v == nil {
			p.fail(p.src.at(n), "Invalid loop", p.where()+"'for' requires '"+key+"'.")
			whole = false
			return 0
		}
		i, ok := p.integer(v, "the value of "+key)
		whole = whole && ok
		return i
	}
	l.For = LoopRange{Start: read("start"), End: read("end"), Step: read("updateBy")}
	if !whole {
		return
	}
	if slices.ContainsFunc([]int{l.For.Start, l.For.End, l.For.Step}, func(i int) bool { return i < math.MinInt32 || i > math.MaxInt32 }) {
		p.fail(p.src.at(n), "Invalid loop", p.where()+"the numbers of a loop must fit in 32 bits.")
		l.For = LoopRange{}
		return
	}
	if l.For.Step == 0 || (l.For.End-l.For.Start)*sign(l.For.Step) < 0 {
		p.fail(p.src.at(n), "Endless loop", fmt.Sprintf("%sa loop from %d to %d by %d never ends.", p.where(), l.For.Start, l.For.End, l.For.Step))
	}
}

func sign(i int) int {
	if i < 0 {
		return -1
	}
	return 1
}

func (p *stepParser) each(l *Loop, n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		l.Each = []string{}
		for i, e := range p.list(n, "forEach") {
			if s, ok := p.text(e, "an item of forEach"); ok {
				l.Each = append(l.Each, s)
				p.step.Ranges["loop.forEach["+strconv.Itoa(i)+"]"] = p.src.at(e)
			}
		}
		if len(n.Content) == 0 {
			p.fail(p.src.at(n), "Invalid loop", p.where()+"forEach has no items.")
		}
		return
	}
	f := p.mapping(n, "forEach", "list", "delimiter")
	if v := f.get("list"); v != nil {
		l.List, _ = p.text(v, "forEach.list")
		p.step.Ranges["loop.forEach.list"] = p.src.at(v)
	} else {
		p.fail(p.src.at(n), "Invalid loop", p.where()+"forEach requires 'list' when it is a map.")
	}
	if v := f.get("delimiter"); v != nil {
		l.Delimiter, _ = p.text(v, "forEach.delimiter")
		if !slices.Contains(strings.Split(`. , ; : - _`, " "), l.Delimiter) && l.Delimiter != " " && l.Delimiter != "\t" && l.Delimiter != "\n" {
			p.fail(p.src.at(v), "Invalid loop", fmt.Sprintf("%sthe delimiter %q is not one of . , ; : newline tab space - and _.", p.where(), l.Delimiter))
		}
	}
}

// iterations yields the values the loop takes one by one; its expressions are expanded already.
func (l *Loop) iterations(yield func(index int, value string) bool) {
	switch {
	case l.For.Step != 0:
		index := 0
		for v := l.For.Start; (l.For.End-v)*sign(l.For.Step) >= 0; v += l.For.Step {
			if !yield(index, strconv.Itoa(v)) {
				return
			}
			index++
		}
	case l.List != "":
		delimiter := l.Delimiter
		if delimiter == "" {
			delimiter = ","
		}
		index := 0
		for v := range strings.SplitSeq(l.List, delimiter) {
			if !yield(index, v) {
				return
			}
			index++
		}
	default:
		for i, v := range l.Each {
			if !yield(i, v) {
				return
			}
		}
	}
}
