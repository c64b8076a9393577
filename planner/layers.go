package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/dsl"
)

// A Leg is what one job of several carries out of a plan: a build, or what belongs to no build.
type Leg struct {
	Name   string // of the build; the address of what belongs to none
	Only   string // the glob that selects it: Graph.Select
	Images []dsl.Addr
	// Estimate is how long earlier builds of its images took, one after the other where they need each
	// other; 0 where nothing is known.
	Estimate time.Duration
}

// Layers parts a plan into layers of legs that can be carried out side by side: each leg after those
// that make what it needs. Legs that have nothing to do are left out, unless all are wanted; what stands
// on them begins at once. What no image needs, such as a pipeline that stands by itself, is a leg too.
func (p *Plan) Layers(all bool) ([][]Leg, error) {
	l := &layering{
		legs: map[string]*Leg{}, after: map[string]map[string]bool{}, depth: map[string]int{},
		below: map[dsl.Addr]map[string]bool{}, ends: map[dsl.Addr]time.Duration{},
	}
	l.gather(p, all)
	var layers [][]Leg
	for _, name := range sortedKeys(l.legs) {
		leg := l.legs[name]
		var err error
		if leg.Only, err = onlyGlob(name, p.Graph.selectable()); err != nil {
			return nil, err
		}
		d, err := l.deep(name, nil)
		if err != nil {
			return nil, err
		}
		for len(layers) <= d {
			layers = append(layers, nil)
		}
		layers[d] = append(layers[d], *leg)
	}
	for _, layer := range layers { // the longest first, that a runner that is free late gets a short one
		slices.SortFunc(layer, func(a, b Leg) int { return cmp.Or(cmp.Compare(b.Estimate, a.Estimate), cmp.Compare(a.Name, b.Name)) })
	}
	return layers, nil
}

// A layering carries one Layers.
type layering struct {
	legs  map[string]*Leg
	after map[string]map[string]bool   // the legs that one stands on
	depth map[string]int               // how many must come before it, one after the other; from 1 once known
	below map[dsl.Addr]map[string]bool // the nearest legs that an address stands on, or the one it is of
	ends  map[dsl.Addr]time.Duration   // in the leg that an address is of
}

// gather finds the legs, and what each stands on.
func (l *layering) gather(p *Plan, all bool) {
	busy, needed := map[string]bool{}, map[dsl.Addr]bool{}
	for _, c := range p.Changes {
		if c.Verb != None && c.Verb != Later {
			busy[selectName(c.Node)] = true
		}
		for _, a := range c.Needs {
			needed[a] = true
		}
	}
	for _, c := range p.Changes {
		name := selectName(c.Node)
		stands := map[string]bool{}
		for _, a := range c.Needs {
			maps.Copy(stands, l.below[a])
		}
		l.below[c.Addr] = stands
		// A block of its own that something else needs is made by the leg that needs it.
		if (all || busy[name]) && (c.Group != "" || c.Kind.Naming == OfRecipe || c.Kind.Resource == "image" || !needed[c.Addr]) {
			l.take(name, c, stands)
		}
	}
}

// take makes a change part of a leg, which then stands on the legs that the change stands on.
func (l *layering) take(name string, c *Change, stands map[string]bool) {
	leg := l.legs[name]
	if leg == nil {
		leg = &Leg{Name: name}
		l.legs[name], l.after[name] = leg, map[string]bool{}
	}
	for n := range stands {
		if n != name {
			l.after[name][n] = true
		}
	}
	for _, a := range c.Needs {
		if l.below[a][name] {
			l.ends[c.Addr] = max(l.ends[c.Addr], l.ends[a])
		}
	}
	l.ends[c.Addr] += c.Estimate
	leg.Estimate = max(leg.Estimate, l.ends[c.Addr])
	if c.Kind.Naming == OfRecipe || c.Kind.Resource == "image" { // of AppStream
		leg.Images = append(leg.Images, c.Addr)
	}
	l.below[c.Addr] = map[string]bool{name: true}
}

// deep is how many layers stand below a leg.
func (l *layering) deep(name string, path []string) (int, error) {
	if d := l.depth[name]; d > 0 {
		return d - 1, nil
	}
	if i := slices.Index(path, name); i >= 0 {
		return 0, fmt.Errorf("%s need each other in turn, so that no job can come first: build them in one, with --only", strings.Join(path[i:], " and "))
	}
	depth := 0
	for _, n := range sortedKeys(l.after[name]) {
		d, err := l.deep(n, append(path, name))
		if err != nil {
			return 0, err
		}
		depth = max(depth, d+1)
	}
	l.depth[name] = depth + 1
	return depth, nil
}

// onlyGlob is a glob that matches one of the names and no other. It holds no character that a command
// line, a workflow or CSV would read as more than itself: each stands as "?", any character.
func onlyGlob(name string, names []string) (string, error) {
	glob := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]*?\",'`+"`$ \t\r\n{}", r) {
			return '?'
		}
		return r
	}, name)
	for _, other := range names {
		if other != name && matches(glob, other) {
			return "", fmt.Errorf("no pattern tells %q from %q: rename one of the two", name, other)
		}
	}
	return glob, nil
}
