package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

const (
	// few is how many things of one sort are asked for one by one; more are listed.
	few = 10
	// doubt is how many things that a list lacks are asked for all the same: lists lag up to two
	// minutes behind. Beyond it they are taken as missing, since making what is there is harmless:
	// AWS answers that it exists, and that is a hit.
	doubt = 25
	// recalled is of how many recipes in one observation the version before is looked at; each costs two calls.
	recalled = 20
	// abreast is how many questions are under way at once.
	abreast = 8
)

// Observe says what of the graph exists. Nodes whose identity is not known yet are left out.
func (c *Clients) Observe(ctx context.Context, g *planner.Graph) (map[dsl.Addr]*planner.Observed, hcl.Diagnostics) {
	region := g.Region
	if region == "" {
		region = c.Region()
	}
	o := &observer{clients: c, graph: g, region: region, seen: map[dsl.Addr]*planner.Observed{}}
	account, _, err := c.Identity(ctx)
	if err != nil {
		return nil, hcl.Diagnostics{unanswered(hcl.Range{}, "who is calling", err)}
	}
	o.account = account
	groups := map[planner.Op][]*planner.Node{}
	var order []planner.Op
	for _, n := range g.Nodes {
		if n.Digest == "" || n.Kind.Create == "" {
			continue
		}
		if _, ok := groups[n.Kind.Read]; !ok {
			order = append(order, n.Kind.Read)
		}
		groups[n.Kind.Read] = append(groups[n.Kind.Read], n)
	}
	var work errgroup.Group
	for _, op := range order {
		work.Go(func() error { o.observe(ctx, op, groups[op]); return nil })
	}
	_ = work.Wait() // every failure is among the diagnostics
	if !o.diags.HasErrors() {
		o.uses(ctx)
		o.diags = append(o.diags, c.MissingSecrets(ctx, g, o.seen)...)
	}
	slices.SortFunc(o.diags, func(a, b *hcl.Diagnostic) int { return strings.Compare(a.Detail, b.Detail) })
	return o.seen, o.diags
}

// An observer carries one Observe.
type observer struct {
	clients         *Clients
	graph           *planner.Graph
	region, account string

	explained atomic.Int32 // recipes whose other versions were looked at

	mu    sync.Mutex
	seen  map[dsl.Addr]*planner.Observed
	diags hcl.Diagnostics
	lists seenLists
}

func (o *observer) observe(ctx context.Context, op planner.Op, nodes []*planner.Node) {
	var err error
	switch service, _, _ := strings.Cut(string(op), ":"); {
	case op == "imagebuilder:GetImage":
		err = o.images(ctx, nodes)
	case service == "s3":
		err = o.files(ctx, nodes)
	case service == "appstream":
		err = o.appstream(ctx, op, nodes)
	case resources[op].arg == "":
		err = fmt.Errorf("%s is not among the resources of executor/aws: add it to existing.go", op)
	case len(nodes) <= few:
		err = o.each(ctx, op, nodes)
	default:
		err = o.many(ctx, op, nodes)
	}
	if err == nil {
		return
	}
	at := nodes[0].Origin
	if located, ok := errors.AsType[*nodeError](err); ok {
		at = located.node.Origin
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.diags = append(o.diags, unanswered(at, "what exists", err))
}

// A nodeError is a failed question about one node.
type nodeError struct {
	node *planner.Node
	err  error
}

func (e *nodeError) Error() string { return fmt.Sprintf("%v: %v", e.node.Addr, e.err) }
func (e *nodeError) Unwrap() error { return e.err }

// forEach asks about nodes, several at a time.
func forEach(ctx context.Context, nodes []*planner.Node, ask func(context.Context, *planner.Node) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(abreast)
	for _, n := range nodes {
		work.Go(func() error {
			if err := ask(ctx, n); err != nil {
				return &nodeError{n, err}
			}
			return nil
		})
	}
	return work.Wait()
}

// arn is where the node is, or would be; versions without a build number.
func (o *observer) arn(n *planner.Node) string {
	return planner.ARN(n, awsmodel.PartitionOf(o.region), o.region, o.account)
}

func (o *observer) record(n *planner.Node, seen *planner.Observed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[n.Addr] = seen
}

// each reads things one by one.
func (o *observer) each(ctx context.Context, op planner.Op, nodes []*planner.Node) error {
	return forEach(ctx, nodes, func(ctx context.Context, n *planner.Node) error {
		arn := o.arn(n)
		if arn == "" {
			return nil
		}
		thing, err := o.clients.get(ctx, op, o.region, arn)
		if err != nil {
			return err
		}
		seen := observed(n, thing)
		if !seen.Exists && n.Input["parentImage"] != nil {
			seen.Previous = o.previous(ctx, op, n)
		}
		if seen.Exists && strings.Count(n.Fixed, ".") == 2 && seen.Digest != n.Digest {
			if seen.Versions, err = o.versions(ctx, op, arn); err != nil {
				return err
			}
		}
		o.record(n, seen)
		return nil
	})
}

// previous is the newest other version of a recipe, for people to see what changed: where AWS does not
// tell, there is none. One that a pull request made is taken only where there is no other.
func (o *observer) previous(ctx context.Context, op planner.Op, n *planner.Node) *planner.Previous {
	if o.explained.Add(1) > recalled {
		return nil
	}
	r, name := resources[op], versionOf(o.arn(n))
	var newest object
	rank := func(item object) string {
		if planner.Passing(ownTags(item)) {
			return "0" + text(item, "dateCreated")
		}
		return "1" + text(item, "dateCreated")
	}
	in := object{"filters": []any{object{"name": "name", "values": []string{n.Name}}}}
	_, err := o.clients.pages(ctx, query{r.list, o.region, in, r.items, 2}, func(item object) bool {
		if versionOf(text(item, "arn")) == name && (newest == nil || rank(item) > rank(newest)) {
			newest = item
		}
		return true
	})
	if err != nil || newest == nil {
		return nil
	}
	recipe, err := o.clients.get(ctx, op, o.region, text(newest, "arn"))
	if err != nil || recipe == nil {
		return nil
	}
	return &planner.Previous{Version: strings.TrimPrefix(text(recipe, "arn"), name+"/"), Input: planner.Object(recipe)}
}

// versions lists what versions there are of the name in arn, to find one that is free.
func (o *observer) versions(ctx context.Context, op planner.Op, arn string) ([]string, error) {
	r, name := resources[op], versionOf(arn)
	var out []string
	_, err := o.clients.pages(ctx, query{r.list, o.region, nil, r.items, 40}, func(item object) bool {
		if rest, ok := strings.CutPrefix(text(item, "arn"), name+"/"); ok {
			version, _, _ := strings.Cut(rest, "/")
			out = append(out, version)
		}
		return true
	})
	return out, err
}

// many lists things and reads only what the list does not settle.
func (o *observer) many(ctx context.Context, op planner.Op, nodes []*planner.Node) error {
	r := resources[op]
	wanted := map[string]bool{}
	for _, n := range nodes {
		if arn := o.arn(n); arn != "" {
			wanted[arn] = true
		}
	}
	found := map[string]object{}
	// A list longer than what is wanted costs more than asking one by one.
	ended, err := o.clients.pages(ctx, query{r.list, o.region, nil, r.items, len(wanted)}, func(item object) bool {
		arn := text(item, "arn")
		if !wanted[arn] {
			arn = versionOf(arn) // lists of builds name builds
		}
		if wanted[arn] && build(text(item, "arn")) >= build(text(found[arn], "arn")) {
			found[arn] = item
		}
		return true
	})
	if err != nil {
		return err
	}
	var open []*planner.Node
	for _, n := range nodes {
		thing, there := found[o.arn(n)]
		if there && (r.whole || n.Kind.Update == "") {
			o.record(n, observed(n, thing))
		} else {
			open = append(open, n)
		}
	}
	unlisted := len(wanted) - len(found)
	if ended && unlisted > doubt {
		open = slices.DeleteFunc(open, func(n *planner.Node) bool {
			_, there := found[o.arn(n)]
			if !there {
				o.record(n, &planner.Observed{})
			}
			return !there
		})
	}
	return o.each(ctx, op, open)
}

// observed reads what AWS says of a thing; nil is a thing that is not there.
func observed(n *planner.Node, thing object) *planner.Observed {
	if thing == nil {
		return &planner.Observed{}
	}
	seen := &planner.Observed{
		Exists:  true,
		Digest:  text(sub(thing, "tags"), planner.TagDigest),
		Outputs: map[string]any{"arn": text(thing, "arn")},
		Tags:    ownTags(thing),
	}
	update, err := lookUp(n.Kind.Update)
	if err != nil { // it has none
		return seen
	}
	seen.Input = planner.Object{}
	for member, v := range thing {
		if update.has(member) {
			seen.Input[member] = v
		}
	}
	return seen
}

// ownTags are the tags of a thing that are this program's.
func ownTags(thing object) map[string]string {
	tags := map[string]string{}
	for k, v := range sub(thing, "tags") {
		if s, ok := v.(string); ok && strings.HasPrefix(k, "imagebuild:") {
			tags[k] = s
		}
	}
	return tags
}

// unanswered is a question that AWS did not answer; the error is the diagnostic's Extra.
func unanswered(at hcl.Range, what string, err error) *hcl.Diagnostic {
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "No answer from AWS", Extra: err,
		Detail: fmt.Sprintf("Asking %s failed: %v. %s", what, err, cmp.Or(hintOf(err), "Plan with --offline to go on without AWS.")),
	}
	if at.Filename != "" {
		d.Subject = at.Ptr()
	}
	return d
}
