package report

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// A view is a plan seen as renderings need it: by build, and with the answers to what each asks of a node.
type view struct {
	plan    *planner.Plan
	region  string
	changes map[dsl.Addr]*planner.Change
	lookups map[dsl.Addr]bool
}

func newView(p *planner.Plan) *view {
	v := &view{plan: p, changes: make(map[dsl.Addr]*planner.Change, len(p.Changes)), lookups: map[dsl.Addr]bool{}}
	for _, c := range p.Changes {
		v.changes[c.Addr] = c
	}
	if p.Graph != nil {
		v.region = p.Graph.Region
		for _, l := range p.Graph.Lookups {
			v.lookups[l.Addr] = true
		}
	}
	return v
}

// A group is one build's changes, in the plan's order.
type group struct {
	name    string // "" for what belongs to no build
	changes []*planner.Change
}

// groups are the plan's changes by build: a build after those it needs something of, then by name.
func (v *view) groups() []group {
	index, depth := map[string]int{}, map[string]int{}
	chain := make(map[dsl.Addr]int, len(v.plan.Changes)) // how many builds a change stands on
	var out []group
	for _, c := range v.plan.Changes {
		for _, a := range c.Needs {
			need := v.changes[a]
			switch {
			case need == nil:
			case need.Group == c.Group:
				chain[c.Addr] = max(chain[c.Addr], chain[a])
			default:
				chain[c.Addr] = max(chain[c.Addr], chain[a]+1)
			}
		}
		depth[c.Group] = max(depth[c.Group], chain[c.Addr])
		i, ok := index[c.Group]
		if !ok {
			i = len(out)
			index[c.Group] = i
			out = append(out, group{name: c.Group})
		}
		out[i].changes = append(out[i].changes, c)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(cmp.Compare(depth[a.name], depth[b.name]), cmp.Compare(a.name, b.name))
	})
	return out
}

// title is a group's heading.
func (g group) title() string {
	if g.name == "" {
		return "outside of builds"
	}
	return "build " + g.name
}

func isImage(n *planner.Node) bool { return n.Kind.Naming == planner.OfRecipe }

// anyImage says that a node is what people asked for: an image of Image Builder or of AppStream.
func anyImage(n *planner.Node) bool { return isImage(n) || n.Kind.Resource == "image" }

// shortAddr is an address without its kind.
func shortAddr(a dsl.Addr) string {
	if a.Key != "" {
		return a.Name + "[" + a.Key + "]"
	}
	return a.Name
}

// name is what the resource will be called in AWS; "" where it has no name or that depends on a look-up.
func (v *view) name(n *planner.Node) string { return text(n, "name", "name") }

// version is its semantic version, likewise.
func (v *view) version(n *planner.Node) string { return text(n, "version", "semanticVersion") }

func text(n *planner.Node, attr, member string) string {
	if s, ok := n.Known[attr].(string); ok {
		return s
	}
	s, _ := n.Input[member].(string)
	return s
}

// label is name and version, and what is not known of them; of a staged file the file's name,
// which is what its key ends in.
func (v *view) label(n *planner.Node) string {
	name, version := v.name(n), v.version(n)
	if key := text(n, "key", "Key"); key != "" && n.Kind.Naming == planner.ContentKey {
		name = path.Base(key)
	}
	if _, later := n.Input["semanticVersion"].(dsl.Ref); later && version == "" {
		version = "(version known after look-up)"
	}
	if _, later := n.Input["name"].(dsl.Ref); later && name == "" {
		name = "(name known after look-up)"
	}
	return Neutral(strings.TrimSpace(name + " " + version))
}

// reason is why a change is to be made. A plan made offline says only what a pull request leaves out,
// since the rest is true of all its changes.
func (v *view) reason(c *planner.Change) string {
	if v.plan.Offline && c.Observed == nil && c.Verb != planner.Later {
		return c.Left
	}
	return c.Reason
}

// later says what a reference to something outside the plan's resources stands for.
func (v *view) later(r dsl.Ref) (string, bool) {
	if v.lookups[r.Addr] || strings.HasPrefix(r.Type, "data.") || r.Type == "lookup" {
		name := r.Name
		if r.Type != "lookup" {
			name = r.Addr.String()
		}
		return Neutral(name) + " (known after look-up)", true
	}
	return "", false
}

// details are the lines under a change: what it is made on, and with what of AWS's.
func (v *view) details(n *planner.Node) []string {
	var on, with []string
	switch parent := n.Input["parentImage"].(type) {
	case string:
		on = append(on, "on "+Neutral(parent))
	case dsl.Ref:
		if v.changes[parent.Addr] != nil {
			on = append(on, "on "+Neutral(parent.Addr.String()))
		}
	}
	walkRefs(map[string]any(n.Input), "", func(path string, r dsl.Ref) {
		what, later := v.later(r)
		switch {
		case !later:
		case path == "parentImage":
			on = append(on, "on "+what)
		default:
			with = append(with, "with "+what)
		}
	})
	for _, c := range asList(n.Input["components"]) {
		if s, ok := asMap(c)["componentArn"].(string); ok {
			with = append(with, "with "+Neutral(s))
		}
	}
	return append(on, with...)
}

// walkRefs calls f for each reference in v, members by name.
func walkRefs(v any, at string, f func(at string, r dsl.Ref)) {
	switch v := v.(type) {
	case dsl.Ref:
		f(at, v)
	case []any:
		for i, e := range v {
			walkRefs(e, fmt.Sprintf("%s[%d]", at, i), f)
		}
	default:
		m := asMap(v)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			walkRefs(m[k], strings.TrimPrefix(at+"."+k, "."), f)
		}
	}
}

func asMap(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case planner.Object:
		return v
	}
	return nil
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// regions are where an image goes: where it is built, then where its distribution configuration says.
func (v *view) regions(n *planner.Node) []string {
	var out []string
	if v.region != "" {
		out = append(out, v.region)
	}
	for _, a := range n.Needs {
		c := v.changes[a]
		if c == nil {
			continue
		}
		for _, d := range asList(c.Input["distributions"]) {
			if s, ok := asMap(d)["region"].(string); ok && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// summary is the last line of a plan.
func (v *view) summary() string {
	n := make(map[planner.Verb]int)
	for _, c := range v.plan.Changes {
		n[c.Verb]++
	}
	s := fmt.Sprintf("%d to create, %d to update, %d to delete, %d unchanged", n[planner.Create], n[planner.Update], n[planner.Delete], n[planner.None])
	if w := n[planner.Wait]; w > 0 {
		s += fmt.Sprintf(", %d being built already", w)
	}
	if l := n[planner.Later]; l > 0 {
		s += fmt.Sprintf(", %d left to the merge", l)
	}
	return s
}

// estimate is how long the longest chain of the plan took before, and how many images to be built
// were never seen; 0 where nothing is known.
func (v *view) estimate() (longest time.Duration, unknown int) {
	ends := make(map[dsl.Addr]time.Duration, len(v.plan.Changes))
	for _, c := range v.plan.Changes {
		var begin time.Duration
		for _, a := range c.Needs {
			begin = max(begin, ends[a])
		}
		if c.Verb != planner.None && c.Verb != planner.Later {
			begin += c.Estimate
			if c.Estimate == 0 && isImage(c.Node) && c.Verb == planner.Create {
				unknown++
			}
		}
		ends[c.Addr] = begin
		longest = max(longest, begin)
	}
	return longest, unknown
}

// estimateSentence says the estimate; "" where nothing is known.
func (v *view) estimateSentence() string {
	d, unknown := v.estimate()
	if d == 0 {
		return ""
	}
	s := "Estimated time: about " + short(d.Round(time.Second)) + ", as long as earlier builds took."
	if unknown > 0 {
		s += " Not counted: " + count(unknown, "image") + " with no earlier build."
	}
	return s
}
