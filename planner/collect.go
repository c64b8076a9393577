package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A Held is a resource that is there and that this program made: it carries the tag imagebuild:address.
type Held struct {
	Kind    *Kind
	ARN     string
	Tags    map[string]string // those whose keys begin with "imagebuild:"
	Created time.Time
	State   string // of an image, AWS's own word
	AMIs    []AMI  // of an image, those of the account itself
	// Stays is what of an image collecting it leaves, such as container images; "" for nothing.
	Stays string
	// Uses are what it is made of: ARNs, of versions and with wildcards too, and ids of AMIs.
	Uses []string
}

// An AMI is a machine image in one region.
type AMI struct{ Region, ID string }

// A User is something that is not collected and points to what might be.
type User struct {
	Name string // as a sentence names it: "pipeline weekly"
	Uses []string
}

// A Stock is all that may be collected, and all that may point to it.
type Stock struct {
	Region, Account string
	Held            []*Held
	Users           []User
	// Distributions are the regions of the distribution configurations that there are, by their ARNs.
	Distributions map[string][]string
}

// CollectOptions say what is to be collected. Where nothing else is said, Project is, but for the newest Keep
// images of each name and what those need.
type CollectOptions struct {
	PullRequest *PullRequest // what is kept for this pull request alone; nil for none
	Run         string       // what this run left: builds without an image, and what expires
	Expired     bool         // what has expired
	Project     string       // only what belongs to it; "" is any
	Keep        int          // the newest so many images of each name stay
	Now         time.Time
	AMI         *Kind // of AMIs, which no configuration has
}

// settled is how old something must be to be collected for no other reason than that nothing uses
// it: until then a run may be about to.
const settled = 24 * time.Hour

// Retention reports whether the options ask for no more than keeping the newest images.
func (o *CollectOptions) Retention() bool { return o.PullRequest == nil && o.Run == "" && !o.Expired }

// Selects reports whether the options mean a resource, whatever may point to it.
func (o *CollectOptions) Selects(h *Held) bool {
	if h.Kind.Pointer != "" || o.Project != "" && h.Tags[TagProject] != o.Project {
		return false
	}
	if o.Retention() {
		return !Passing(h.Tags) && o.Now.Sub(h.Created) >= settled
	}
	if o.PullRequest != nil {
		if key, _ := o.PullRequest.Tag(); h.Tags[key] != "" {
			return true
		}
	}
	if o.Run != "" && h.Tags[TagRun] == o.Run && (Passing(h.Tags) || h.lease() != "" || h.isImage() && h.State != "AVAILABLE") {
		return true
	}
	at, err := time.Parse(time.RFC3339, cmp.Or(h.lease(), h.Tags[TagExpires]))
	return o.Expired && err == nil && !at.After(o.Now)
}

// lease is until when the run that works on a machine is sure to live; "" for what is no machine.
func (h *Held) lease() string { return h.Tags[TagLease] }

func (h *Held) isImage() bool { return h.Kind.Naming == OfRecipe }

// Building reports whether it is an image that is still being made.
func (h *Held) Building() bool {
	return h.isImage() && !slices.Contains([]string{"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DISABLED", "DELETED"}, h.State)
}

// family is an ARN up to the version, or all of it where there is none.
func (h *Held) family() string {
	arn, err := awsmodel.ParseARN(h.ARN)
	if err != nil {
		return h.ARN
	}
	r, err := arn.ParseResource()
	if err != nil || r.Version == "" {
		return h.ARN
	}
	return h.ARN[:strings.LastIndex(h.ARN, "/"+r.Version)]
}

// A collector carries one Collect.
type collector struct {
	opts  CollectOptions
	stock *Stock
	names map[string][]*Held // by what a user may call them, among those selected
	kept  map[*Held]string   // why one that is selected stays
	takes []*Held            // oldest first
}

// Collect plans to delete what is selected and nothing else points to: images with their AMIs before
// their recipes, recipes before components, the oldest first. What stays although it is selected is in the
// plan with the reason; from what other pull requests keep, only this one's tag is taken.
func Collect(stock *Stock, opts CollectOptions) *Plan {
	c := &collector{opts: opts, stock: stock, names: map[string][]*Held{}, kept: map[*Held]string{}}
	c.choose()
	c.spread()
	return c.plan()
}

// choose marks what is selected, and what of that stays by itself.
func (c *collector) choose() {
	newest := Newest(c.stock, c.opts)
	for _, h := range slices.SortedFunc(slices.Values(c.stock.Held), older) {
		if !c.opts.Selects(h) {
			continue
		}
		c.takes = append(c.takes, h)
		c.name(h)
		if slices.Contains(newest, h) {
			c.kept[h] = fmt.Sprintf("it is one of the newest %d of its name", c.opts.Keep)
		}
		if others := c.others(h); len(others) > 0 {
			c.kept[h] = "pull request " + tagText(h.Tags[others[0]]) + " uses it too"
		}
	}
}

// older orders by age, and what is equally old by ARN.
func older(a, b *Held) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ARN, b.ARN)) }

// others are the tags of pull requests other than the one that is collected, which keep a resource.
func (c *collector) others(h *Held) []string {
	if c.opts.PullRequest == nil {
		return nil
	}
	own, _ := c.opts.PullRequest.Tag()
	if h.Tags[own] == "" {
		return nil
	}
	return slices.DeleteFunc(PullRequestTags(h.Tags), func(k string) bool { return k == own })
}

// Newest are the images that Keep protects, the newest first.
func Newest(stock *Stock, o CollectOptions) []*Held {
	var out []*Held
	versions := map[string][]string{}
	for _, h := range slices.Backward(slices.SortedFunc(slices.Values(stock.Held), older)) {
		if !h.isImage() || h.State != "AVAILABLE" || o.Retention() && (Passing(h.Tags) || stock.superseded(h)) {
			continue
		}
		// A distribution made up later is another build of the same version.
		f, version := h.family(), h.version()
		if !slices.Contains(versions[f], version) {
			versions[f] = append(versions[f], version)
		}
		if slices.Index(versions[f], version) < o.Keep {
			out = append(out, h)
		}
	}
	return out
}

// name notes what others may call a resource.
func (c *collector) name(h *Held) {
	names := []string{h.ARN}
	if f := h.family(); f != h.ARN {
		version, _, _ := strings.Cut(strings.TrimPrefix(h.ARN, f+"/"), "/")
		names = append(names, f+"/"+version)
		if !c.outlived(h, f) { // another of its name answers to the wildcard
			names = append(names, wildcards(f, version)...)
		}
	}
	for _, a := range h.AMIs {
		names = append(names, a.ID)
	}
	for _, n := range slices.Compact(names) {
		c.names[n] = append(c.names[n], h)
	}
}

// outlived reports whether something else of the family stays in any case.
func (c *collector) outlived(h *Held, family string) bool {
	return slices.ContainsFunc(c.stock.Held, func(o *Held) bool {
		return o != h && o.family() == family && !c.opts.Selects(o) && (!o.isImage() || o.State == "AVAILABLE")
	})
}

// wildcards are the ARNs with x that a version answers to.
func wildcards(family, version string) []string {
	nodes := strings.Split(version, ".")
	var out []string
	for i := range nodes {
		out = append(out, family+"/"+strings.Join(append(slices.Clone(nodes[:i]), slices.Repeat([]string{"x"}, len(nodes)-i)...), "."))
	}
	return out
}

// spread keeps what anything uses that stays, and what that uses in turn.
func (c *collector) spread() {
	var open []User
	open = append(open, c.stock.Users...)
	selected := map[*Held]bool{}
	for _, h := range c.takes {
		selected[h] = true
	}
	for _, h := range c.stock.Held {
		if _, kept := c.kept[h]; !selected[h] || kept {
			open = append(open, User{h.title(), h.uses()})
		}
	}
	for len(open) > 0 {
		user := open[0]
		open = open[1:]
		for _, name := range user.Uses {
			for _, h := range c.names[name] {
				if _, known := c.kept[h]; !known {
					c.kept[h] = user.Name + " uses it"
					open = append(open, User{h.title(), h.uses()})
				}
			}
		}
	}
}

// uses are what a resource is made of; an image, of the recipe of its name and version.
func (h *Held) uses() []string {
	if !h.isImage() {
		return h.Uses
	}
	version := h.version()
	return append(slices.Clone(h.Uses),
		strings.Replace(version, ":image/", ":image-recipe/", 1), strings.Replace(version, ":image/", ":container-recipe/", 1))
}

// title names a resource in a sentence: "image web/1.2.3/1".
func (h *Held) title() string {
	_, name, _ := strings.Cut(resourcePart(h.ARN), "/")
	return strings.ReplaceAll(h.Kind.Name, "_", " ") + " " + name
}

func resourcePart(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	return parts[len(parts)-1]
}

// plan writes down what becomes of all that is selected.
func (c *collector) plan() *Plan {
	p := &Plan{Graph: &Graph{Region: c.stock.Region}, Account: c.stock.Account}
	add := func(ch *Change) {
		p.Changes = append(p.Changes, ch)
		p.Graph.Nodes = append(p.Graph.Nodes, ch.Node)
	}
	users := c.users()
	needed := c.shared()
	done := map[*Held]bool{}
	var visit func(h *Held)
	visit = func(h *Held) {
		if done[h] {
			return
		}
		done[h] = true
		if why, kept := c.kept[h]; kept {
			add(c.keeps(h, why))
			for _, ch := range c.copies(h) {
				if !needed[ch.Addr.Name] {
					needed[ch.Addr.Name] = true // of two records of one AMI the first deletes it
					add(ch)
				}
			}
			return
		}
		var needs []dsl.Addr
		for _, u := range users[h] {
			visit(u)
			needs = append(needs, u.addr())
		}
		for _, a := range h.AMIs {
			if !needed[a.ID] {
				ch := c.deregister(h, a)
				needed[a.ID] = true
				add(ch)
				needs = append(needs, ch.Addr)
			}
		}
		ch := c.takesAway(h)
		ch.Needs = distinct(needs)
		add(ch)
	}
	for _, h := range c.takes {
		visit(h)
	}
	p.Graph.digest = configDigest(p.Graph.Nodes)
	return p
}

// users are, for all that is taken, what of the rest that is taken uses it.
func (c *collector) users() map[*Held][]*Held {
	out := map[*Held][]*Held{}
	for _, u := range c.takes {
		if _, kept := c.kept[u]; kept {
			continue
		}
		for _, name := range u.uses() {
			for _, h := range c.names[name] {
				if h != u && !slices.Contains(out[h], u) {
					out[h] = append(out[h], u)
				}
			}
		}
	}
	return out
}

// shared are the AMIs that an image which stays has too: a distribution made up later is a record of
// its own, and need not be a copy.
func (c *collector) shared() map[string]bool {
	out := map[string]bool{}
	taken := c.taken()
	for _, h := range c.stock.Held {
		dropped := c.dropped(h)
		for _, a := range h.AMIs {
			if !taken[h] && !slices.Contains(dropped, a) {
				out[a.ID] = true
			}
		}
	}
	return out
}

// addr is the address of a resource in a plan: several of one address in the configuration may be
// collected, so that it ends in the version and the build.
func (h *Held) addr() dsl.Addr {
	_, name, _ := strings.Cut(resourcePart(h.ARN), "/")
	return dsl.Addr{Type: h.Kind.Name, Name: name}
}

func (c *collector) node(h *Held) *Node {
	return &Node{Addr: h.addr(), Kind: h.Kind, Input: Object{}, Known: map[string]any{}, Digest: h.Tags[TagDigest]}
}

// seen is what is there of a resource, as a plan shows it.
func (h *Held) seen() *Observed {
	return &Observed{Exists: true, State: h.State, Digest: h.Tags[TagDigest], Tags: maps.Clone(h.Tags), Outputs: map[string]any{"arn": h.ARN}}
}

// keeps is what becomes of a resource that stays.
func (c *collector) keeps(h *Held, why string) *Change {
	ch := &Change{Node: c.node(h), Verb: None, Reason: "stays: " + why, Observed: h.seen()}
	if len(c.others(h)) > 0 {
		own, _ := c.opts.PullRequest.Tag()
		ch.Verb, ch.Retag = Update, &Retag{Remove: []string{own}}
	}
	return ch
}

// takesAway is the deletion of one resource.
func (c *collector) takesAway(h *Held) *Change {
	return &Change{Node: c.node(h), Verb: Delete, Op: h.Kind.Delete, Args: h.named(), Reason: c.why(h), Observed: h.seen()}
}

// named is the input of the call that deletes a resource: its ARN, its name in AppStream, and of a staged
// file bucket and key.
func (h *Held) named() Object {
	if h.Kind.Naming == ContentKey {
		bucket, key, _ := strings.Cut(resourcePart(h.ARN), "/")
		return Object{"Bucket": bucket, "Key": key}
	}
	service, operation := h.Kind.Delete.split()
	first := operationOf(service, operation).Input.Members[0].Name
	if service == "imagebuilder" {
		return Object{first: h.ARN}
	}
	return Object{first: h.ARN[strings.LastIndexByte(h.ARN, '/')+1:]}
}

// deregister is the deletion of an AMI with its snapshots.
func (c *collector) deregister(h *Held, a AMI) *Change {
	return &Change{
		Node: &Node{Addr: dsl.Addr{Type: c.opts.AMI.Name, Name: a.ID}, Kind: c.opts.AMI, Input: Object{}, Known: map[string]any{}},
		Verb: Delete, Op: c.opts.AMI.Delete, Args: Object{"ImageId": a.ID, "DeleteAssociatedSnapshots": true}, Region: a.Region,
		Reason:   "of " + h.title() + ", with its snapshots, in " + a.Region,
		Observed: &Observed{Exists: true, Outputs: map[string]any{"ami": a.ID}},
	}
}

// why says why a resource is taken.
func (c *collector) why(h *Held) string {
	var why string
	key := ""
	if c.opts.PullRequest != nil {
		key, _ = c.opts.PullRequest.Tag()
	}
	switch {
	case key != "" && h.Tags[key] != "":
		why = "made for pull request " + tagText(h.Tags[key])
	case c.opts.Run != "" && h.Tags[TagRun] == c.opts.Run:
		why = "left by the run " + tagText(c.opts.Run)
	case c.opts.Retention():
		why = "nothing uses it"
		if by := c.stock.successor(h); by != nil {
			why = "superseded by " + by.title() + ", which was distributed from it"
		} else if h.isImage() {
			why = fmt.Sprintf("there are %d newer ones of its name", c.opts.Keep)
			if h.State != "AVAILABLE" {
				why = "it came to no image"
			}
		}
	default:
		why = "expired at " + tagText(cmp.Or(h.lease(), h.Tags[TagExpires]))
	}
	if h.isImage() && h.State != "AVAILABLE" {
		why += "; " + h.State
	}
	if h.Building() {
		why += ", to be cancelled first"
	}
	if h.Stays != "" {
		why += "; " + h.Stays
	}
	return why
}
