package aws

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

func splitPath(path string) []string { return strings.Split(path, ".") }

// lists are AppStream's lists: the member that holds the things, what names one, and how many a page has.
var lists = map[planner.Op]struct {
	items, name string
	page        int
}{ //nolint:gochecknoglobals // a table, never written
	"appstream:DescribeImages":               {"Images", "Name", 25},
	"appstream:DescribeImageBuilders":        {"ImageBuilders", "Name", 50},
	"appstream:DescribeFleets":               {"Fleets", "Name", 0},
	"appstream:DescribeStacks":               {"Stacks", "Name", 0},
	"appstream:DescribeDirectoryConfigs":     {"DirectoryConfigs", "DirectoryName", 50},
	"appstream:DescribeImagePermissions":     {"SharedImagePermissionsList", "sharedAccountId", 50},
	"appstream:DescribeSoftwareAssociations": {"SoftwareAssociations", "SoftwareName", 0},
	"appstream:ListExportImageTasks":         {"ExportImageTasks", "TaskId", 50},
	"appstream:ListAssociatedStacks":         {"Names", "", 0},
}

// all lists every page of something of AppStream.
func (c *Clients) all(ctx context.Context, op planner.Op, region string, in object) ([]object, error) {
	l := lists[op]
	ask := object{}
	maps.Copy(ask, in)
	if l.page > 0 {
		ask["MaxResults"] = l.page
	}
	var out []object
	for {
		answer, err := c.answer(ctx, op, region, ask)
		if err != nil {
			return nil, err
		}
		out = append(out, list(answer, l.items)...)
		next := text(answer, "NextToken")
		if next == "" {
			return out, nil
		}
		ask["NextToken"] = next
	}
}

// named is the one thing of a list that has a name; nil where there is none.
func (c *Clients) named(ctx context.Context, op planner.Op, region, name string) (object, error) {
	out, err := c.answer(ctx, op, region, object{"Names": []any{name}})
	if Code(err) == appstreamGone {
		return nil, nil //nolint:nilnil // not being there is an answer
	}
	for _, thing := range list(out, lists[op].items) {
		if text(thing, lists[op].name) == name {
			return thing, err
		}
	}
	return nil, err
}

// privateImages are the account's own images.
var privateImages = object{"Type": "PRIVATE"} //nolint:gochecknoglobals // never written

type listingKey struct {
	op     planner.Op
	region string
}

// A listing is what a list last said, for all who wait for something in it: whoever wants to know asks for all, so
// that waiting for many costs the pages of one list and not a call for each.
type listing struct {
	turn   chan struct{} // held while AWS is asked
	at     time.Time
	things map[string]object // by name
}

// things are all that the list has, no older than the interval.
func (a *appstreamDriver) things(ctx context.Context, op planner.Op, region string) (map[string]object, error) {
	a.mu.Lock()
	l, ok := a.listings[listingKey{op, region}]
	if !ok {
		l = &listing{turn: make(chan struct{}, 1)}
		a.listings[listingKey{op, region}] = l
	}
	a.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.things != nil && time.Since(l.at) < a.interval*3/4 {
		return l.things, nil
	}
	var in object
	if op == "appstream:DescribeImages" {
		in = privateImages
	}
	found, err := a.clients.all(ctx, op, region, in)
	if err != nil {
		return nil, err
	}
	l.things, l.at = make(map[string]object, len(found)), time.Now()
	for _, o := range found {
		l.things[text(o, lists[op].name)] = o
	}
	return l.things, nil
}

// A watching is something of a list that is waited for.
type watching struct {
	op     planner.Op
	region string
	name   string
	bound  time.Duration
	what   string // for people: "image cad-0123"
	// look decides with each answer; the thing is nil where the list does not have it.
	look func(thing object, since time.Duration) (done bool, err error)
}

// watch asks again and again until look is content, and shows every new state. What may pass by itself is no reason to stop.
func (a *appstreamDriver) watch(ctx context.Context, t *turn, w watching) error {
	begun, state, fails := time.Now(), "", 0
	for {
		things, err := a.things(ctx, w.op, w.region)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && Classify(err) == nil:
			return lost(failure(t.change.Node, err), w.what)
		case err != nil:
			fails++
			t.emit(executor.Retried{Addr: t.change.Addr, At: time.Now(), Attempt: fails, Wait: a.interval, Err: err})
		default:
			thing := things[w.name]
			if now := text(thing, "State"); now != state && now != "" {
				state = now
				t.progress(now)
			}
			if done, lookErr := w.look(thing, time.Since(begun)); done || lookErr != nil {
				return lookErr
			}
		}
		if time.Since(begun) > w.bound {
			return t.fail("Timeout", "%s is still %s after %s. What AWS has begun goes on: run the same command again to wait for it.", w.what, state, w.bound)
		}
		if err = sleep(ctx, a.interval); err != nil {
			return err
		}
	}
}

// forget has the next question asked anew: something was changed.
func (a *appstreamDriver) forget(op planner.Op, region string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listings, listingKey{op, region})
}

// interrupted is the end of a change whose thing goes on being made.
func interrupted(ctx context.Context, what, fate string) error {
	return &executor.InterruptedError{ARN: what, Lives: true, Cause: context.Cause(ctx), Fate: "interrupted; " + fate}
}
