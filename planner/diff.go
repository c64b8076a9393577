package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// DiffOptions are what the command line says about a comparison.
type DiffOptions struct {
	// Rebuild makes images again whose version is already AVAILABLE.
	Rebuild bool
	// Account is the account compared with; "" offline.
	Account string
	// PullRequest confines the plan to what that pull request may do; nil for no such bounds.
	PullRequest *PullRequest
}

// A differ carries one Diff.
type differ struct {
	opts    DiffOptions
	seen    map[dsl.Addr]*Observed
	nodes   map[dsl.Addr]*Node
	verbs   map[dsl.Addr]Verb
	changed map[dsl.Addr]string // what makes a recipe another than the version before
	diags   hcl.Diagnostics
}

// Diff decides what to do about every node of a sealed graph, comparing what is wanted with what
// is there. A nil seen is a plan made offline, to which nothing is there.
func Diff(g *Graph, seen map[dsl.Addr]*Observed, opts DiffOptions) (*Plan, hcl.Diagnostics) {
	d := &differ{
		opts: opts, seen: seen, verbs: make(map[dsl.Addr]Verb, len(g.Nodes)),
		nodes: make(map[dsl.Addr]*Node, len(g.Nodes)), changed: map[dsl.Addr]string{},
	}
	for _, n := range g.Nodes {
		d.nodes[n.Addr] = n
	}
	p := &Plan{Graph: g, Account: opts.Account, Offline: seen == nil, PullRequest: opts.PullRequest, Changes: make([]*Change, 0, len(g.Nodes))}
	var later []*Change
	for _, n := range g.Nodes {
		c := &Change{Node: n, Observed: seen[n.Addr], Region: n.Region}
		d.decide(c, p.Offline)
		if opts.PullRequest != nil {
			d.confine(c)
		}
		d.verbs[n.Addr] = c.Verb // what is there yields the same whatever its tags are
		d.keep(c)
		var surplus surplusChanges
		if opts.PullRequest == nil { // what is there is for the merge to take away
			surplus = d.surplus(g, c)
		}
		if c.Observed != nil && n.Kind.Naming == OfRecipe && (c.Verb == Create || c.Verb == Wait) {
			c.Estimate = c.Observed.Took
		}
		p.Changes = append(p.Changes, surplus.before...)
		p.Changes = append(p.Changes, c)
		later = append(later, surplus.after...)
	}
	p.Changes = append(p.Changes, later...)
	sortDiags(d.diags)
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	p.Diags = d.diags
	return p, d.diags
}

func (d *differ) decide(c *Change, offline bool) {
	have := c.Observed
	switch {
	case offline:
		create(c, "offline: not compared with AWS")
	case c.Digest == "":
		create(c, "not compared: a look-up that it depends on has no answer yet")
	case c.Kind.Naming == OfRecipe && c.Known["version"] == nil:
		create(c, "always built: its recipe is named by a wildcard, so that no image can be known to be this one")
	case have == nil || !have.Exists:
		create(c, "new")
		if says := d.because(c); says != "" {
			d.changed[c.Addr] = says
			c.Reason += ", " + says
		}
	case c.Kind.Naming == OfRecipe:
		d.image(c)
	case c.Kind.Naming == StableName:
		d.update(c)
	case c.Kind.Naming == ContentVersion && have.Digest != c.Digest:
		d.foreign(c)
	case c.Kind.Naming == HashedName && c.Fixed != "" && have.Digest != c.Digest:
		d.foreignName(c)
	case have.State != "":
		d.stated(c)
	case c.Kind.Naming == NamedAfter && c.Kind.Update != "":
		d.update(c)
	default:
		none(c, "unchanged")
	}
}

func create(c *Change, reason string) { c.Verb, c.Op, c.Reason = Create, c.Kind.Create, reason }

func none(c *Change, reason string) { c.Verb, c.Op, c.Reason = None, "", reason }

// Title names a node as a person would: its kind, name and version.
func (n *Node) Title() string {
	if uri, ok := n.Known["uri"].(string); ok {
		return uri
	}
	title := []string{strings.ReplaceAll(n.Kind.Name, "_", " ")}
	for _, attr := range []string{"name", "version"} {
		if v, ok := n.Known[attr].(string); ok {
			title = append(title, v)
		}
	}
	return strings.Join(title, " ")
}

// foreign is a version that is there without being known to have this content.
func (d *differ) foreign(c *Change) {
	at := c.at("semanticVersion")
	if c.Observed.Digest == "" {
		none(c, "unchanged")
		if strings.Count(c.Fixed, ".") == 2 {
			d.diags = append(d.diags, &hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Content not compared",
				Detail: fmt.Sprintf("%s is there but has no tag %s, so it is used whatever it holds. Give %s a version of its own if that is not meant.",
					c.Title(), TagDigest, c.Addr),
				Subject: at.Ptr(),
			})
		}
		return
	}
	create(c, c.Title()+" has other content")
	d.diags = append(d.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "Version already taken",
		Detail: fmt.Sprintf("%s exists with other content, and AWS does not change a version once it is made. The next free version is %s; "+
			"with only the leading numbers fixed, such as %q, the content chooses the rest.", c.Title(), nextFree(c), major(c.Fixed)),
		Subject: at.Ptr(),
	})
}

// nextFree counts the last node of a taken version up to one that is not there.
func nextFree(c *Change) string {
	version, _ := c.Known["version"].(string)
	i := strings.LastIndexByte(version, '.')
	last, err := strconv.ParseUint(version[i+1:], 10, 32)
	if err != nil {
		return "" // lowering accepts numbers alone
	}
	for {
		last++
		next := version[:i+1] + strconv.FormatUint(last, 10)
		if !slices.Contains(c.Observed.Versions, next) {
			return next
		}
	}
}

func major(fixed string) string {
	m, _, _ := strings.Cut(fixed, ".")
	if m == "" {
		return "1"
	}
	return m
}

// image decides by the state of the newest build of the version. The set of states is open: one
// that is not known here is a build still going on.
func (d *differ) image(c *Change) {
	have := c.Observed
	version, _ := c.Known["version"].(string)
	switch have.State {
	case "AVAILABLE":
		switch {
		case d.opts.Rebuild:
			create(c, fmt.Sprintf("built again as asked: version %s is AVAILABLE", version))
		case d.opts.PullRequest == nil && misplaced(c) && c.Kind.Mend != nil:
			d.mend(c)
		case d.opts.PullRequest != nil && have.Distributed != nil:
			none(c, fmt.Sprintf("reused: version %s is AVAILABLE; its distribution is left to the merge", version))
		default:
			none(c, fmt.Sprintf("reused: version %s is AVAILABLE", version))
		}
	case "FAILED", "CANCELLED":
		create(c, fmt.Sprintf("built again: attempt %d of version %s ended %s", max(have.Attempt, 1), version, have.State))
	case "DEPRECATED", "DISABLED", "DELETED":
		create(c, fmt.Sprintf("built again: version %s is %s", version, have.State))
	default:
		c.Verb, c.Op, c.Reason = Wait, "", fmt.Sprintf("being built: version %s is %s", version, have.State)
		if d.opts.PullRequest == nil && undistributed(c) {
			d.distribute(c)
		}
	}
}

// misplaced reports whether an image that is there is distributed otherwise than it is to be.
func misplaced(c *Change) bool {
	return len(c.Observed.Missing) > 0 || c.Observed.Distributed != nil || undistributed(c)
}

// distribute lets a distribution follow the build that a pull request began.
func (d *differ) distribute(c *Change) {
	m, diags := c.Kind.Mend(c.Node, c.Observed)
	d.diags = append(d.diags, diags...)
	if m.Op != "" {
		c.Op, c.Args = m.Op, m.Args
		c.Reason += ", to be distributed then: a pull request builds it"
	}
}

// mend makes up what an image lacks that is otherwise as wanted.
func (d *differ) mend(c *Change) {
	version, _ := c.Known["version"].(string)
	m, diags := c.Kind.Mend(c.Node, c.Observed)
	d.diags = append(d.diags, diags...)
	if m.nothing() {
		none(c, fmt.Sprintf("reused: version %s is AVAILABLE, though %s", version, m.Lacks))
		return
	}
	c.Verb, c.Op, c.Args, c.Retag = Update, m.Op, m.Args, m.Retag
	c.Reason = fmt.Sprintf("version %s is AVAILABLE, but %s", version, m.Lacks)
}

// update compares an updatable resource member by member. AWS replaces the whole object, so an
// update sends all of it.
func (d *differ) update(c *Change) {
	wanted := updateInput(c)
	resolved := wanted.Resolve(d.outputOf)
	var differ []string
	for _, m := range sortedKeys(resolved) {
		if have, ok := c.Observed.Input[m]; !ok || !Covers(have, resolved[m]) {
			differ = append(differ, m)
		}
	}
	for _, m := range c.Kind.Cleared {
		if _, want := resolved[m]; !want && holds(c.Observed.Input[m]) {
			differ = append(differ, m)
		}
	}
	if len(differ) == 0 {
		c.settle()
		return
	}
	slices.Sort(differ)
	c.Verb, c.Op, c.Args = Update, c.Kind.Update, wanted
	c.Reason = "differs in " + strings.Join(differ, ", ")
	if c.Kind.Partial {
		c.partial(differ)
	} else {
		c.Args[c.Kind.Outputs["arn"]] = c.Observed.Outputs["arn"]
	}
}

// settle decides about what has all its members as wanted.
func (c *Change) settle() {
	var rest Rest
	if c.Kind.Unsettled != nil {
		rest = c.Kind.Unsettled(c.Node, c.Observed)
	}
	if rest.Verb == "" {
		none(c, fmt.Sprintf("unchanged: %s is as wanted", c.Title()))
		return
	}
	c.Verb, c.Op, c.Args, c.Reason = rest.Verb, rest.Op, rest.Args, rest.Reason
}

// holds says whether a member that AWS returned has anything in it.
func holds(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// updateInput is what of a node's input its update takes.
func updateInput(c *Change) Object {
	op := operationOf(c.Kind.Update.split())
	out := Object{}
	for m, v := range c.Input {
		if _, ok := op.Input.Member(m); ok {
			out[m] = v
		}
	}
	return out
}

// outputOf is what a reference yields today; the reference itself, which equals nothing that is in
// AWS, where its target is yet to be made.
func (d *differ) outputOf(r dsl.Ref) any {
	if have := d.seen[r.Addr]; have != nil && have.Exists && d.verbs[r.Addr] == None {
		if v, ok := have.Outputs[r.Attr]; ok {
			return v
		}
	}
	return r
}

// Covers says whether what AWS holds has all that is wanted. It may hold more: AWS fills in
// defaults inside of structures. Lists are compared in order.
func Covers(have, want any) bool {
	switch want := want.(type) {
	case Object:
		return Covers(have, map[string]any(want))
	case map[string]any:
		var m map[string]any
		switch have := have.(type) {
		case map[string]any:
			m = have
		case Object:
			m = have
		default:
			return false
		}
		for k, w := range want {
			if h, ok := m[k]; !ok || !Covers(h, w) {
				return false
			}
		}
		return true
	case []any:
		list, ok := have.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !Covers(list[i], want[i]) {
				return false
			}
		}
		return true
	}
	if h, ok := number(have); ok {
		w, also := number(want)
		return also && h == w
	}
	return have == want
}

// number makes the number types that JSON and HCL arrive as comparable.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
