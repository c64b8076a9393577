package report

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// defaultLogLines is how many last lines of an image's log a Report keeps where Meta does not say.
const defaultLogLines = 200

// maxRetries bounds what a Report keeps of one address's failed attempts; the count goes on.
const maxRetries = 10

// Meta is what a Report says of a run that neither plan nor events know.
type Meta struct {
	Version string               // of this program
	Sandbox bool                 // whether AWS was the sandbox, which proves less
	Files   map[string]*hcl.File // the configuration's sources, for the diagnostics
	// LogLines is how many last lines of each image's log are kept; 0 means 200, below 0 none.
	LogLines int
	// Events and Log name where the record of the run and the full logs are, for the reader; "" for nowhere.
	Events, Logs string
	// Secrets are covered in the logs that are kept, before a line is cut anywhere.
	Secrets []string
}

// A Report is how a run went: everything any rendering of it says, and nothing that grows with the
// length of the logs. It is not safe for concurrent use; executor.Run calls its sink from one goroutine.
type Report struct {
	Meta Meta
	// Plan is what was carried out: its warnings, its look-ups, its graph.
	Plan    *planner.Plan
	Region  string
	Account string // "" where it is not known
	// Items are the plan's changes, in its order.
	Items []*Item
	// Started and Ended are the times of the first and the last event; zero before any.
	Started, Ended time.Time

	byAddr map[dsl.Addr]*Item
}

// An Item is one change and what became of it.
type Item struct {
	Addr   dsl.Addr
	Kind   string // the block type
	Group  string // the build it belongs to; "" for none
	Image  bool   // whether it is an image, which is what people asked for
	Name   string // in AWS; "" where it has none or it was not known when the run began
	Ver    string // semantic version, likewise
	Verb   planner.Verb
	Reason string
	Origin hcl.Range
	// Regions are where the image is to go, the one it is built in first.
	Regions  []string
	Estimate time.Duration // how long it took before; 0 where nothing is known

	Status executor.Status // "" until it has finished
	State  string          // AWS's own word for what it is doing, or did last; an open set
	Step   string          // the workflow step last entered
	// Started and Ended are when work on it began and ended; zero where it never did.
	Started, Ended time.Time
	Outputs        executor.Outputs
	// Err is why it is not there; Failure is the same in parts, nil where nobody said more than Err does.
	Err     error
	Failure *executor.Failure
	// Retries are the first failed attempts that were followed by another, Retried how many there were.
	Retries []executor.Retried
	Retried int
	Log     Tail
	title   string
}

// New begins the report of a plan's execution.
func New(p *planner.Plan, m Meta) *Report {
	if m.LogLines == 0 {
		m.LogLines = defaultLogLines
	}
	if m.Files == nil && p.Graph != nil && p.Graph.Config != nil {
		m.Files = p.Graph.Config.Files
	}
	v, cover := newView(p), newCover(m.Secrets)
	r := &Report{Meta: m, Plan: p, Region: v.region, Account: p.Account, byAddr: make(map[dsl.Addr]*Item, len(p.Changes))}
	for _, c := range p.Changes {
		it := &Item{
			Addr: c.Addr, Kind: c.Kind.Name, Group: c.Group, Image: anyImage(c.Node), title: c.Addr.String(), Name: v.name(c.Node), Ver: v.version(c.Node),
			Verb: c.Verb, Reason: c.Reason, Origin: c.Origin, Estimate: c.Estimate, Log: Tail{limit: m.LogLines, cover: cover},
		}
		if it.Image {
			it.Regions = v.regions(c.Node)
		}
		if isImage(c.Node) {
			it.title = shortAddr(c.Addr)
		}
		r.Items = append(r.Items, it)
		r.byAddr[c.Addr] = it
	}
	return r
}

// Item returns the item of an address, nil where the plan has none.
func (r *Report) Item(a dsl.Addr) *Item { return r.byAddr[a] }

// Fold takes one event in. It costs the same however long the run has been going on.
func (r *Report) Fold(e executor.Event) {
	addr, at := subject(e)
	if r.Started.IsZero() || at.Before(r.Started) {
		r.Started = at
	}
	if at.After(r.Ended) {
		r.Ended = at
	}
	it := r.byAddr[addr]
	if it == nil {
		return // an address outside the plan cannot be shown in its place
	}
	switch e := e.(type) {
	case executor.Started:
		it.Started, it.Verb = e.At, e.Verb
	case executor.Progressed:
		it.State, it.Step = e.State, e.Step
	case executor.Log:
		it.Log.Add(e.Line)
	case executor.Retried:
		it.Retried++
		if len(it.Retries) < maxRetries {
			it.Retries = append(it.Retries, e)
		}
	case executor.Finished:
		it.Status, it.Ended, it.Outputs, it.Err = e.Status, e.At, e.Outputs, e.Err
		if f, ok := errors.AsType[*executor.Failure](e.Err); ok {
			it.Failure = f
		}
	}
}

// subject is what an event is about, and when it was.
func subject(e executor.Event) (dsl.Addr, time.Time) {
	switch e := e.(type) {
	case executor.Started:
		return e.Addr, e.At
	case executor.Progressed:
		return e.Addr, e.At
	case executor.Log:
		return e.Addr, e.At
	case executor.Retried:
		return e.Addr, e.At
	case executor.Finished:
		return e.Addr, e.At
	}
	return dsl.Addr{}, time.Time{}
}

// Count is how many items came out so; "" counts those that did not finish.
func (r *Report) Count(s executor.Status) int {
	n := 0
	for _, it := range r.Items {
		if it.Status == s {
			n++
		}
	}
	return n
}

// Took is how long the run took, from the first event to the last.
func (r *Report) Took() time.Duration { return r.Ended.Sub(r.Started) }

// Failed are the items whose own failure it was, in the plan's order: causes, not consequences.
func (r *Report) Failed() []*Item {
	var out []*Item
	for _, it := range r.Items {
		if it.Status == executor.Failed {
			out = append(out, it)
		}
	}
	return out
}

// Took is how long work on it took; 0 where there was none or it is not over.
func (it *Item) Took() time.Duration {
	if it.Started.IsZero() || it.Ended.IsZero() {
		return 0
	}
	return it.Ended.Sub(it.Started)
}

// Title is what people call it: an image of Image Builder by its build's name, anything else by its address.
func (it *Item) Title() string {
	return cmp.Or(it.title, it.Addr.String())
}

// An AMI is an image in one region.
type AMI struct{ Region, ID string }

// AMIs are the image's machine images, the region it was built in first, the others by name.
func (it *Item) AMIs() []AMI {
	byRegion := map[string]string{}
	switch m := it.Outputs["amis"].(type) {
	case map[string]string:
		maps.Copy(byRegion, m)
	case map[string]any:
		for region, id := range m {
			if s, ok := id.(string); ok {
				byRegion[region] = s
			}
		}
	}
	var out []AMI
	first, _ := it.Outputs["ami"].(string)
	for _, region := range slices.Sorted(maps.Keys(byRegion)) {
		a := AMI{region, byRegion[region]}
		if a.ID == first {
			out = slices.Insert(out, 0, a)
		} else {
			out = append(out, a)
		}
	}
	if first != "" && !slices.ContainsFunc(out, func(a AMI) bool { return a.ID == first }) {
		region := ""
		if len(it.Regions) > 0 {
			region = it.Regions[0]
		}
		out = slices.Insert(out, 0, AMI{region, first})
	}
	return out
}

// A Tail is the end of a log.
type Tail struct {
	limit int
	cover func(string) string // of secrets
	ring  []string
	next  int
	total int
}

// NewTail returns a Tail of at most limit lines, none below 0, in which secrets are covered.
func NewTail(limit int, secrets []string) *Tail {
	if limit == 0 {
		limit = defaultLogLines
	}
	return &Tail{limit: limit, cover: newCover(secrets)}
}

// Add takes in what was written: a line, or several.
func (t *Tail) Add(line string) {
	for _, l := range Lines(t.cover(line)) {
		t.total++
		switch {
		case t.limit < 0:
		case len(t.ring) < t.limit:
			t.ring = append(t.ring, fit(l, maxLineColumns))
		default:
			t.ring[t.next] = fit(l, maxLineColumns)
			t.next = (t.next + 1) % t.limit
		}
	}
}

// maxLineColumns bounds one kept line: a program may write megabytes without a line feed.
const maxLineColumns = 2000

// Last returns up to n of the last lines, oldest first, Neutral.
func (t *Tail) Last(n int) []string {
	all := slices.Concat(t.ring[t.next:], t.ring[:t.next])
	return all[max(0, len(all)-n):]
}

// Total is how many lines there were.
func (t *Tail) Total() int { return t.total }
