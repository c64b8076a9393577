package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// A SkippedError says whose failure a change was spared by: the first cause, not the last link.
type SkippedError struct{ Because dsl.Addr }

func (e *SkippedError) Error() string { return fmt.Sprintf("not tried: %v did not finish", e.Because) }

// Run carries out the plan and tells sink of everything that happens, in one order and from the
// goroutine that called it. It returns when nothing runs any more.
//
// When ctx ends nothing new is started; drivers decide what becomes of what is under way. The
// error joins every change's own failure and, once, the cause of the interruption; a change spared
// by another's failure adds nothing to it.
func Run(ctx context.Context, p *planner.Plan, d Driver, sink func(Event)) error {
	r := &run{
		driver: d, sink: sink, events: make(chan Event),
		left: map[dsl.Addr]int{}, feeds: map[dsl.Addr][]*planner.Change{},
		done: map[dsl.Addr]Finished{},
	}
	for _, c := range p.Changes {
		needs := needed(c)
		r.left[c.Addr] = len(needs)
		for _, a := range needs {
			r.feeds[a] = append(r.feeds[a], c)
		}
	}
	for _, c := range p.Changes {
		if len(needed(c)) == 0 {
			r.begin(ctx, c)
		}
	}
	for r.running > 0 {
		switch e := (<-r.events).(type) {
		case Finished:
			r.running--
			r.finish(ctx, e)
		case Started, Progressed, Log, Retried:
			sink(e)
		}
	}
	if n := len(p.Changes) - len(r.done); n > 0 {
		r.errs = append(r.errs, fmt.Errorf("can't run the plan: %d of its changes wait for each other or for something it lacks", n))
	}
	if r.canceled {
		r.errs = append(r.errs, context.Cause(ctx))
	}
	return errors.Join(r.errs...)
}

// A run is one execution of a plan. Only Run's goroutine touches it.
type run struct {
	driver   Driver
	sink     func(Event)
	events   chan Event
	left     map[dsl.Addr]int               // needs not yet finished
	feeds    map[dsl.Addr][]*planner.Change // who waits for it
	done     map[dsl.Addr]Finished
	running  int
	canceled bool
	errs     []error
}

func (r *run) begin(ctx context.Context, c *planner.Change) {
	now := time.Now()
	r.sink(Started{Addr: c.Addr, At: now, Verb: c.Verb})
	if because, ok := r.unmet(c); ok {
		r.finish(ctx, Finished{Addr: c.Addr, At: now, Status: Skipped, Err: &SkippedError{because}})
		return
	}
	if c.Verb == planner.None || c.Verb == planner.Later {
		r.finish(ctx, Finished{Addr: c.Addr, At: now, Status: Unchanged, Outputs: known(c)})
		return
	}
	if ctx.Err() != nil {
		r.finish(ctx, Finished{Addr: c.Addr, At: now, Status: Canceled, Err: context.Cause(ctx)})
		return
	}
	in, err := r.input(c)
	if err == nil {
		c, err = r.withWork(c)
	}
	if err != nil {
		r.finish(ctx, Finished{Addr: c.Addr, At: now, Status: Failed, Err: err})
		return
	}
	r.running++
	go func() {
		out, err := r.driver.Do(ctx, c, in, func(e Event) { r.events <- e })
		r.events <- finished(ctx, c, out, err)
	}()
}

// input is the change's input with every reference replaced by what it turned out to be.
func (r *run) input(c *planner.Change) (planner.Object, error) {
	l := lookup{run: r, change: c}
	in := c.Call().Resolve(l.find)
	return in, l.err()
}

// withWork is the change with the references of its work replaced.
func (r *run) withWork(c *planner.Change) (*planner.Change, error) {
	if c.Work == nil {
		return c, nil
	}
	l := lookup{run: r, change: c}
	node, next := *c.Node, *c
	node.Work = c.Work.Resolve(l.find)
	next.Node = &node
	return &next, l.err()
}

// A lookup finds what a change refers to among what the changes before it turned out to be.
type lookup struct {
	run     *run
	change  *planner.Change
	missing *dsl.Ref // the first that was not there
}

func (l *lookup) find(ref dsl.Ref) any {
	out := l.run.done[ref.Addr].Outputs
	if ref.Addr == l.change.Addr { // an update names what it updates
		out = known(l.change)
	}
	v, ok := out[ref.Attr]
	if !ok && l.missing == nil {
		l.missing = &ref
	}
	return v
}

func (l *lookup) err() error {
	if l.missing == nil {
		return nil
	}
	return &Failure{
		Code: "MissingOutput", Operation: l.change.Op, Range: l.change.Origin,
		Message: fmt.Sprintf("%v needs %q of %v, and AWS did not say what it is.", l.change.Addr, l.missing.Attr, l.missing.Addr),
	}
}

func (r *run) finish(ctx context.Context, f Finished) {
	r.done[f.Addr] = f
	switch f.Status {
	case Failed:
		r.errs = append(r.errs, fmt.Errorf("%v: %w", f.Addr, f.Err))
	case Canceled:
		r.canceled = true
	case Applied, Unchanged, Skipped:
	}
	r.sink(f)
	for _, c := range r.feeds[f.Addr] {
		if r.left[c.Addr]--; r.left[c.Addr] == 0 {
			r.begin(ctx, c)
		}
	}
}

// needed are the addresses that must be finished before c is begun.
func needed(c *planner.Change) []dsl.Addr {
	all := slices.Clone(c.Needs)
	for _, a := range c.After {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// unmet names what keeps the change from being tried.
func (r *run) unmet(c *planner.Change) (dsl.Addr, bool) {
	for _, a := range needed(c) {
		f := r.done[a]
		if f.Status == Applied || f.Status == Unchanged {
			continue
		}
		if skipped, ok := errors.AsType[*SkippedError](f.Err); ok {
			return skipped.Because, true
		}
		return a, true
	}
	return dsl.Addr{}, false
}

// known are the outputs that were there before the run.
func known(c *planner.Change) Outputs {
	out := Outputs{}
	maps.Copy(out, c.Known)
	if c.Observed != nil {
		maps.Copy(out, c.Observed.Outputs)
	}
	return out
}

func finished(ctx context.Context, c *planner.Change, out Outputs, err error) Finished {
	all := Outputs{}
	maps.Copy(all, c.Known)
	maps.Copy(all, out)
	f := Finished{Addr: c.Addr, At: time.Now(), Outputs: all, Err: err, Status: Applied}
	if err == nil {
		return f
	}
	if _, ok := errors.AsType[*InterruptedError](err); ok {
		f.Status = Canceled
	} else if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		f.Status, f.Err = Canceled, context.Cause(ctx)
	} else {
		f.Status = Failed
	}
	return f
}
