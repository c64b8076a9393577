package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

const (
	defaultInterval = 10 * time.Second
	// defaultBudget is what following any number of builds may cost, in calls per second: a little
	// less than one, so that the first calls, which do not wait, leave it under one.
	defaultBudget = 0.95
	// visits is how many builds are looked into in a round even when their states took all of it.
	visits = 2
)

// A follower waits for builds: all of them in one loop, since asking after each by itself would
// cost a call per build and round. It lists what is being built and looks into the builds in turn
// for steps and log lines, within one budget of calls. It is an executor.Waiter.
type follower struct {
	clients  *Clients
	region   string
	interval time.Duration
	budget   *rate.Limiter
	trace    tracer

	mu      sync.Mutex
	watched map[*watch]bool // two may wait for the same build
	stop    context.CancelFunc
	done    chan struct{} // closed when the loop has ended; nil while there is none
}

// A watch is one build that somebody waits for. Its waiter owns it before join and after leave, the
// loop in between.
type watch struct {
	arn   string
	addr  dsl.Addr
	visit func() // looks into the build, for as long as its waiter waits
	end   chan error
	tail  *tail

	mu    sync.Mutex // held while the loop works on it
	gone  bool       // nothing may be emitted any more
	emit  func(executor.Event)
	state string
	step  string
	// puzzled is the code of what last kept the build from being looked into; "" for nothing.
	puzzled string
	fails   int // questions without an answer, in a row
	seen    time.Time
}

func newFollower(c *Clients, o Options) *follower {
	f := &follower{
		clients: c, region: o.Region, interval: o.Interval, trace: o.Trace,
		budget: rate.NewLimiter(rate.Limit(o.CallsPerSecond), max(1, int(o.CallsPerSecond))), watched: map[*watch]bool{},
	}
	if f.interval == 0 {
		f.interval = defaultInterval
	}
	if o.CallsPerSecond == 0 {
		f.budget = rate.NewLimiter(defaultBudget, 2)
	}
	return f
}

// Waits reports whether the change makes an image.
func (f *follower) Waits(c *planner.Change) bool {
	return building[c.Op] || c.Verb == planner.Wait && building[c.Kind.Create]
}

// Wait follows a build to its end and returns what it yielded.
func (f *follower) Wait(ctx context.Context, c *planner.Change, made executor.Outputs, emit func(executor.Event)) (executor.Outputs, error) {
	arn, _ := made["arn"].(string)
	w := &watch{arn: arn, addr: c.Addr, emit: emit, end: make(chan error, 1), tail: newTail(arn)}
	w.visit = func() { f.visit(ctx, w) }
	f.join(ctx, w)
	var err error
	select {
	case err = <-w.end:
	case <-ctx.Done():
		err = ctx.Err()
	}
	f.leave(w)
	if err != nil {
		return made, lost(failure(c.Node, err), "The build of "+arn)
	}
	// The build is over: an interruption may shorten the reading of its log, not lose what came of it.
	last, done := executor.Linger(ctx, executor.CallGrace)
	defer done()
	image, err := f.clients.get(last, "imagebuilder:GetImage", f.region, arn)
	if err != nil {
		return made, lost(failure(c.Node, err), "The build of "+arn)
	}
	w.tail.name(image)
	w.tail.drain(ctx, f.read, w.log, min(f.interval, 2*time.Second))
	emit(executor.Progressed{Addr: c.Addr, At: time.Now(), State: stateOf(image)})
	if state := stateOf(image); state != available {
		return made, f.failed(c, image, w)
	}
	return f.finished(last, c, made, image)
}

// finished are the outputs of an image that is AVAILABLE.
func (f *follower) finished(ctx context.Context, c *planner.Change, made executor.Outputs, image object) (executor.Outputs, error) {
	account, _, err := f.clients.Identity(ctx)
	if err != nil {
		return made, failure(c.Node, err)
	}
	out := maps.Clone(made)
	if c.Verb == planner.Update {
		// A distribution made up later has a record of its own, and is what the next run finds as the
		// newest. Of the image before it counts what that record lacks.
		maps.Copy(out, c.Observed.Outputs)
	}
	before, _ := out["amis"].(map[string]any)
	maps.Copy(out, outputsOf(image, f.region, account))
	if now, ok := out["amis"].(map[string]any); ok && len(before) > 0 {
		amis := maps.Clone(before)
		maps.Copy(amis, now)
		out["amis"] = amis
	}
	return out, nil
}

// Cancel asks AWS to end a build. One that ended meanwhile is no failure.
func (f *follower) Cancel(ctx context.Context, c *planner.Change, made executor.Outputs) error {
	_, err := f.clients.answer(ctx, cancelBuild, f.region, object{
		"imageBuildVersionArn": made["arn"], "clientToken": token(c, fmt.Sprint("cancel ", made["arn"])),
	})
	if Code(err) == "InvalidParameterValueException" { // the answer for a build that is over
		return nil
	}
	return err
}

func (f *follower) join(ctx context.Context, w *watch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched[w] = true
	if f.done != nil {
		return
	}
	loop, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	f.stop, f.done = stop, done
	go func() {
		defer close(done)
		f.loop(loop)
	}()
}

// leave returns when the loop is done with w; the last to leave ends the loop.
func (f *follower) leave(w *watch) {
	f.mu.Lock()
	delete(f.watched, w)
	var done chan struct{}
	if len(f.watched) == 0 && f.done != nil {
		f.stop()
		done, f.done = f.done, nil
	}
	f.mu.Unlock()
	w.mu.Lock()
	w.gone = true
	w.mu.Unlock()
	if done != nil {
		<-done
	}
	w.gone = false // it is the waiter's again
}

// all are the builds being watched, those not looked into for longest first.
func (f *follower) all() []*watch {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Keys(f.watched), func(a, b *watch) int { return a.seen.Compare(b.seen) })
}

func (f *follower) loop(ctx context.Context) {
	listing := 1 // calls that listing the builds takes
	for ctx.Err() == nil {
		next := time.Now().Add(f.interval)
		watches := f.all()
		if len(watches) > listing {
			listing = f.list(ctx, watches)
		} else {
			for _, w := range watches {
				f.ask(ctx, w)
			}
		}
		for i, w := range f.all() {
			if ctx.Err() != nil || i >= visits && !time.Now().Before(next) {
				break
			}
			w.visit()
		}
		if sleep(ctx, time.Until(next)) != nil {
			return
		}
	}
}

// list asks after all builds by listing them and returns how many calls that took, so that asking
// after each alone can be chosen when it is cheaper: an account's list holds all it ever built.
func (f *follower) list(ctx context.Context, watches []*watch) (calls int) {
	wanted := map[string][]*watch{}
	for _, w := range watches {
		wanted[w.arn] = append(wanted[w.arn], w)
	}
	in := object{"maxResults": pageSize}
	for len(wanted) > 0 && calls <= len(watches) {
		out, err := f.once(ctx, listBuilds, in)
		calls++
		if err != nil {
			for _, arn := range slices.Sorted(maps.Keys(wanted)) {
				for _, w := range wanted[arn] {
					f.unanswered(ctx, w, err)
				}
			}
			return calls
		}
		for _, image := range list(out, "imageSummaryList") {
			arn := text(image, "arn")
			for _, w := range wanted[arn] {
				f.update(ctx, w, image)
			}
			delete(wanted, arn)
		}
		if in["nextToken"] = text(out, "nextToken"); in["nextToken"] == "" {
			break
		}
	}
	return calls
}

// ask asks after one build.
func (f *follower) ask(ctx context.Context, w *watch) {
	out, err := f.once(ctx, "imagebuilder:GetImage", object{"imageBuildVersionArn": w.arn})
	if err != nil {
		f.unanswered(ctx, w, err)
		return
	}
	f.update(ctx, w, sub(out, "image"))
}

// once makes one call within the budget.
func (f *follower) once(ctx context.Context, op planner.Op, in object) (object, error) {
	if err := f.budget.Wait(ctx); err != nil {
		return nil, err
	}
	return f.clients.once(ctx, op, f.region, in)
}

// read is a call outside of the budget, for what is asked once at the end of a build.
func (f *follower) read(ctx context.Context, op planner.Op, in object) (object, error) {
	return f.clients.answer(ctx, op, f.region, in)
}

// update takes in a build's state and ends its watch when it will not change any more.
func (f *follower) update(ctx context.Context, w *watch, image object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = 0
	w.tail.name(image)
	state := stateOf(image)
	if w.gone || state == w.state {
		return
	}
	if terminal(state) { // its waiter tells of it, after the rest of the log
		w.state, w.step = state, ""
		f.finish(w, nil)
		return
	}
	if w.state != "" { // what was logged until now belongs to the state before
		if _, err := w.tail.read(ctx, f.once, w.log); err != nil {
			w.puzzle(err)
		}
	}
	w.state, w.step = state, ""
	w.emit(executor.Progressed{Addr: w.addr, At: time.Now(), State: state})
}

// finish ends a watch: nil when the build is over.
func (f *follower) finish(w *watch, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watched[w] {
		delete(f.watched, w)
		w.end <- err
	}
}

// unanswered goes on after what may pass by itself, since the build goes on too, and ends the
// watch otherwise.
func (f *follower) unanswered(ctx context.Context, w *watch, err error) {
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return
	}
	w.fails++
	if Classify(err) == nil {
		f.finish(w, err)
		return
	}
	w.emit(executor.Retried{Addr: w.addr, At: time.Now(), Attempt: w.fails, Wait: f.interval, Err: err})
}

// visit looks into one build: which step it is at, and what its log has that is new.
func (f *follower) visit(ctx context.Context, w *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone || terminal(w.state) {
		return
	}
	w.seen = time.Now()
	_, tailErr := w.tail.read(ctx, f.once, w.log)
	step, err := f.step(ctx, w)
	if step != "" && step != w.step {
		w.step = step
		w.emit(executor.Progressed{Addr: w.addr, At: time.Now(), State: w.state, Step: step})
	}
	if ctx.Err() == nil {
		w.puzzle(errors.Join(err, tailErr))
	}
}

// puzzle remarks once on what keeps a build from being looked into. That ends no watch: the next
// visit tries again, and what it misses the end of the log tells.
func (w *watch) puzzle(err error) {
	code := Code(err)
	if err != nil && code != w.puzzled {
		w.log(time.Now(), ourselves, fmt.Sprintf("steps and log of %s cannot be read now: %v", w.arn, err))
	}
	w.puzzled = code
}

func (w *watch) log(at time.Time, source, line string) {
	w.emit(executor.Log{Addr: w.addr, At: at, Source: source, Line: line})
}

// step is the workflow step that a build is at, or, while components run and their log comes in
// live, the component's step; "" when none is running.
func (f *follower) step(ctx context.Context, w *watch) (string, error) {
	out, err := f.once(ctx, "imagebuilder:ListWorkflowExecutions", object{"imageBuildVersionArn": w.arn})
	if err != nil {
		return "", err
	}
	for _, e := range list(out, "workflowExecutions") {
		if text(e, "status") != "RUNNING" {
			continue
		}
		out, err = f.once(ctx, "imagebuilder:ListWorkflowStepExecutions", object{"workflowExecutionId": text(e, "workflowExecutionId")})
		if err != nil {
			return "", err
		}
		for _, s := range list(out, "steps") {
			if text(s, "status") != "RUNNING" {
				continue
			}
			// The log lags behind the state: what it tells of the phases before is over.
			at := w.tail.at
			if at.step != "" && text(s, "action") == "ExecuteComponents" && (at.phase == "test") == (w.state == "TESTING") {
				return at.String(), nil
			}
			return text(s, "name"), nil
		}
	}
	return "", nil
}

// failed says why a build ended without an image.
func (f *follower) failed(c *planner.Change, image object, w *watch) error {
	state := sub(image, "state")
	e := &executor.Failure{
		Code: buildFailed, Operation: c.Kind.Create, Range: c.Origin, Message: text(state, "reason"),
		LogGroup: w.tail.group, LogStream: w.tail.stream,
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the build of %s ended %s.", w.arn, text(state, "status"))
	}
	explain(e, sub(state, "failureContext"), w.tail.last)
	if f.trace != nil && e.Step != "" {
		if r, ok := f.trace(c.Addr, e.Component, e.Phase, e.Step); ok {
			e.Range = r
		}
	}
	return e
}
