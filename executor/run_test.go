package executor_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

var thing = &planner.Kind{Name: "c", Create: "test:Create"}

func addr(name string) dsl.Addr { return dsl.Addr{Type: "c", Name: name} }

func change(name string, needs ...string) *planner.Change {
	n := &planner.Node{Addr: addr(name), Kind: thing, Input: planner.Object{}}
	for _, x := range needs {
		n.Needs = append(n.Needs, addr(x))
		n.Input["of-"+x] = dsl.Ref{Addr: addr(x), Attr: "arn"}
	}
	return &planner.Change{Node: n, Verb: planner.Create, Op: thing.Create}
}

type doFunc = func(context.Context, *planner.Change, planner.Object, func(executor.Event)) (executor.Outputs, error)

func driver(f doFunc) executor.Driver { return executor.DriverFunc(f) }

// outcomes folds the stream to what each address came to and when; the raw order of events that
// share an instant is not promised, so no test looks at it.
func outcomes(into map[string]string) func(executor.Event) {
	start := time.Now()
	return func(e executor.Event) {
		if f, ok := e.(executor.Finished); ok {
			into[f.Addr.Name] = fmt.Sprint(f.Status, " ", f.At.Sub(start))
		}
	}
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

var throttled = &executor.RetryClass{Name: "throttled", Max: 3, First: time.Minute, Cap: time.Minute}

var errThrottled = errors.New("slow down")

func classify(err error) *executor.RetryClass {
	if errors.Is(err, errThrottled) {
		return throttled
	}
	return nil
}

func TestRunResolvesSkipsAndRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		var waited time.Duration
		d := executor.Retry(driver(func(_ context.Context, c *planner.Change, in planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
			time.Sleep(10 * time.Minute)
			switch {
			case c.Addr.Name == "b" && tries.Add(1) == 1:
				return nil, errThrottled
			case c.Addr.Name == "x":
				return nil, errors.New("boom")
			case c.Addr.Name == "c" && (in["of-a"] != "arn:a" || in["of-k"] != "arn:k"):
				return nil, fmt.Errorf("references not resolved: %v", in)
			}
			return executor.Outputs{"arn": "arn:" + c.Addr.Name}, nil
		}), classify)
		kept := change("k")
		kept.Verb, kept.Op, kept.Observed = planner.None, "", &planner.Observed{Outputs: map[string]any{"arn": "arn:k"}}
		after := change("w")
		after.After = []dsl.Addr{addr("c")}
		p := &planner.Plan{Changes: []*planner.Change{
			change("a"), change("b"), kept, change("x"), change("c", "a", "b", "k"), change("y", "x"), change("z", "y", "c"), after,
		}}
		got := map[string]string{}
		fold := outcomes(got)
		err := executor.Run(t.Context(), p, d, func(e executor.Event) {
			fold(e)
			switch e := e.(type) {
			case executor.Retried:
				waited = e.Wait
			case executor.Finished:
				if s, ok := errors.AsType[*executor.SkippedError](e.Err); ok && s.Because != addr("x") {
					t.Errorf("%v was spared by %v, want the first cause", e.Addr, s.Because)
				}
			case executor.Started, executor.Progressed, executor.Log:
			}
		})
		if waited < 30*time.Second || waited > time.Minute {
			t.Errorf("waited %v, want between half and all of a minute", waited)
		}
		b := 20*time.Minute + waited
		compare(t, got, map[string]string{
			"a": "applied 10m0s", "b": "applied " + b.String(), "k": "unchanged 0s", "c": "applied " + (b + 10*time.Minute).String(),
			"x": "failed 10m0s", "y": "skipped 10m0s", "z": "skipped " + (b + 10*time.Minute).String(), "w": "applied " + (b + 20*time.Minute).String(),
		})
		if err == nil || err.Error() != "c.x: boom" {
			t.Errorf("err = %v, want only the failure that caused the rest", err)
		}
	})
}

func TestRunCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errInterrupted := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		d := driver(func(ctx context.Context, _ *planner.Change, _ planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
			select {
			case <-time.After(10 * time.Minute):
				return executor.Outputs{"arn": "x"}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		time.AfterFunc(15*time.Minute, func() { cancel(errInterrupted) })
		p := &planner.Plan{Changes: []*planner.Change{change("a"), change("b", "a"), change("c", "b"), change("d", "a")}}
		got := map[string]string{}
		err := executor.Run(ctx, p, d, outcomes(got))
		compare(t, got, map[string]string{"a": "applied 10m0s", "b": "canceled 15m0s", "c": "skipped 15m0s", "d": "canceled 15m0s"})
		if !errors.Is(err, errInterrupted) || err.Error() != "interrupted" {
			t.Errorf("err = %v, want the cause of the cancellation, once", err)
		}
	})
}

func TestRunWithoutWhatIsNeeded(t *testing.T) {
	d := driver(func(context.Context, *planner.Change, planner.Object, func(executor.Event)) (executor.Outputs, error) {
		return nil, nil
	})
	circle := &planner.Plan{Changes: []*planner.Change{change("a", "b"), change("b", "a"), change("c")}}
	if err := executor.Run(t.Context(), circle, d, func(executor.Event) {}); err == nil {
		t.Error("a circle was carried out")
	}
	p := &planner.Plan{Changes: []*planner.Change{change("a"), change("b", "a")}}
	err := executor.Run(t.Context(), p, d, func(executor.Event) {})
	f, ok := errors.AsType[*executor.Failure](err)
	if !ok || f.Code != "MissingOutput" {
		t.Errorf("err = %v, want that a has no arn", err)
	}
}

// randomPlan is a plan of n changes in layers, and how long each takes.
func randomPlan(seed uint64, n int) (*planner.Plan, map[string]time.Duration) {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &planner.Plan{}
	took := map[string]time.Duration{}
	for i := range n {
		var needs []string
		for range r.IntN(4) {
			if need := fmt.Sprint("n", r.IntN(i+1)); i > 0 && need != fmt.Sprint("n", i) {
				needs = append(needs, need)
			}
		}
		name := fmt.Sprint("n", i)
		c := change(name, needs...)
		c.Needs = c.Needs[:0]
		for k := range c.Input { // duplicates out
			c.Needs = append(c.Needs, addr(k[len("of-"):]))
		}
		p.Changes = append(p.Changes, c)
		took[name] = time.Duration(1+r.IntN(5000)) * time.Millisecond
	}
	return p, took
}

func criticalPath(p *planner.Plan, took map[string]time.Duration) time.Duration {
	end := map[dsl.Addr]time.Duration{}
	var longest time.Duration
	for _, c := range p.Changes {
		var start time.Duration
		for _, a := range c.Needs {
			start = max(start, end[a])
		}
		end[c.Addr] = start + took[c.Addr.Name]
		longest = max(longest, end[c.Addr])
	}
	return longest
}

func sleeping(took map[string]time.Duration) executor.Driver {
	return driver(func(ctx context.Context, c *planner.Change, _ planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
		select {
		case <-time.After(took[c.Addr.Name]):
			return executor.Outputs{"arn": c.Addr.Name}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

func TestMakespanIsTheCriticalPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, took := randomPlan(7, 1000)
		start := time.Now()
		if err := executor.Run(t.Context(), p, sleeping(took), func(executor.Event) {}); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(start), criticalPath(p, took); got > want*102/100 {
			t.Errorf("took %v, want at most 1.02 × %v", got, want)
		}
	})
}

// A builder is a service that makes builds, for the sake of interrupting it: it knows which it was
// left with.
type builder struct {
	mu      sync.Mutex
	running map[string]bool
	torn    int
}

func (b *builder) Do(ctx context.Context, c *planner.Change, _ planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	call, done := executor.Linger(ctx, executor.CallGrace)
	defer done()
	select {
	case <-time.After(700 * time.Millisecond):
	case <-call.Done():
		b.mu.Lock()
		b.torn++
		b.mu.Unlock()
		return nil, ctx.Err()
	}
	b.mu.Lock()
	b.running[c.Addr.Name] = true
	b.mu.Unlock()
	emit(executor.Progressed{Addr: c.Addr, At: time.Now(), State: "PENDING"})
	return executor.Outputs{"arn": c.Addr.Name}, nil
}

func (b *builder) Waits(*planner.Change) bool { return true }

func (b *builder) Wait(ctx context.Context, c *planner.Change, made executor.Outputs, emit func(executor.Event)) (executor.Outputs, error) {
	for range 4 {
		select {
		case <-time.After(time.Second):
			emit(executor.Log{Addr: c.Addr, At: time.Now(), Line: "working"})
		case <-ctx.Done():
			return made, ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, c.Addr.Name)
	return made, nil
}

func (b *builder) Cancel(_ context.Context, c *planner.Change, _ executor.Outputs) error {
	time.Sleep(300 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.running, c.Addr.Name)
	return nil
}

// At whatever instant a run is interrupted, every address is finished exactly once and last, no
// call is torn, nothing that this run started goes on, and it is over within seven seconds. That no
// goroutine is left is what synctest sees to.
func TestInterruptedAtEachInstant(t *testing.T) {
	errInterrupted := errors.New("interrupted")
	for _, on := range []executor.OnCancel{executor.CancelBuilds, executor.DetachBuilds} {
		for at := time.Duration(0); at < 16*time.Second; at += 250 * time.Millisecond {
			synctest.Test(t, func(t *testing.T) {
				b := &builder{running: map[string]bool{}}
				d := executor.Retry(executor.Limit(executor.Await(b, b, on), 2, b.Waits), classify)
				p := &planner.Plan{Changes: []*planner.Change{change("a"), change("b"), change("c"), change("d", "a"), change("e", "d", "b")}}
				began := time.Now()
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(at, func() { cancel(errInterrupted) })
				finished := map[string]executor.Finished{}
				err := executor.Run(ctx, p, d, func(e executor.Event) {
					if a := addressOf(e); finished[a.Name].Status != "" {
						t.Errorf("%v: %T %v after it was finished", at, e, a)
					}
					if f, ok := e.(executor.Finished); ok {
						finished[f.Addr.Name] = f
					}
				})
				over := time.Since(began) - at
				if len(finished) != len(p.Changes) {
					t.Errorf("%v: %d of %d finished", at, len(finished), len(p.Changes))
				}
				if over > 7*time.Second {
					t.Errorf("%v: took %v more", at, over)
				}
				if b.torn > 0 {
					t.Errorf("%v: %d calls were torn", at, b.torn)
				}
				if ctx.Err() != nil && err != nil && !errors.Is(err, errInterrupted) {
					t.Errorf("%v: err = %v", at, err)
				}
				for name := range b.running {
					f := finished[name]
					i, told := errors.AsType[*executor.InterruptedError](f.Err)
					if on == executor.CancelBuilds || f.Status != executor.Canceled || !told || i.ARN != name || f.Outputs["arn"] != name {
						t.Errorf("%v: %s goes on, and was reported as %v %v", at, name, f.Status, f.Err)
					}
				}
				cancel(nil)
			})
		}
	}
}

func addressOf(e executor.Event) dsl.Addr {
	switch e := e.(type) {
	case executor.Started:
		return e.Addr
	case executor.Progressed:
		return e.Addr
	case executor.Log:
		return e.Addr
	case executor.Retried:
		return e.Addr
	case executor.Finished:
		return e.Addr
	}
	return dsl.Addr{}
}

// An attached build is nobody's to cancel.
func TestAttachedBuildsAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builder{running: map[string]bool{"a": true}}
		c := change("a")
		c.Verb, c.Op, c.Observed = planner.Wait, "", &planner.Observed{Exists: true, Outputs: map[string]any{"arn": "a"}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := executor.Run(ctx, &planner.Plan{Changes: []*planner.Change{c}}, executor.Await(b, b, executor.CancelBuilds), func(executor.Event) {})
		if !b.running["a"] || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("running %v, err %v", b.running, err)
		}
	})
}

func TestLimitHoldsBuildsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		d := driver(func(_ context.Context, c *planner.Change, _ planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
			if c.Op == "test:Build" {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
			}
			time.Sleep(time.Minute)
			return executor.Outputs{"arn": "x"}, nil
		})
		p := &planner.Plan{}
		for i := range 20 {
			c := change(fmt.Sprint("n", i))
			if i%2 == 0 {
				c.Op = "test:Build"
			}
			p.Changes = append(p.Changes, c)
		}
		got := map[string]string{}
		limited := executor.Limit(d, 3, func(c *planner.Change) bool { return c.Op == "test:Build" })
		if err := executor.Run(t.Context(), p, limited, outcomes(got)); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 3 || got["n1"] != "applied 1m0s" || got["n19"] != "applied 1m0s" {
			t.Errorf("%d builds at once, others %s and %s", most.Load(), got["n1"], got["n19"])
		}
	})
}

// A failed build is made anew, under a new attempt; one that was attached to becomes one's own.
func TestRetryAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class := &executor.RetryClass{Name: "not started", Max: 2, First: time.Second, Cap: time.Second, Anew: true}
		var seen []string
		d := driver(func(_ context.Context, c *planner.Change, _ planner.Object, _ func(executor.Event)) (executor.Outputs, error) {
			seen = append(seen, fmt.Sprint(c.Verb, " ", c.Op, " ", c.Observed.Attempt, " ", c.Observed.Outputs["arn"]))
			return nil, errThrottled
		})
		c := change("a")
		c.Verb, c.Op, c.Observed = planner.Wait, "", &planner.Observed{Attempt: 4, Outputs: map[string]any{"arn": "old"}}
		_, err := executor.Retry(d, func(error) *executor.RetryClass { return class }).Do(t.Context(), c, nil, func(executor.Event) {})
		want := "[wait  4 old create test:Create 5 <nil> create test:Create 6 <nil>]"
		if got := fmt.Sprint(seen); got != want || !errors.Is(err, errThrottled) {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
		if c.Observed.Attempt != 4 {
			t.Error("the plan itself was changed")
		}
	})
}

func TestMux(t *testing.T) {
	named := func(name string) executor.Driver {
		return driver(func(context.Context, *planner.Change, planner.Object, func(executor.Event)) (executor.Outputs, error) {
			return executor.Outputs{"by": name}, nil
		})
	}
	mux := executor.Mux(map[string]executor.Driver{"test": named("test"), "s3": named("s3")})
	for op, want := range map[planner.Op]string{"test:Update": "test", "s3:PutObject": "s3", "": "test"} {
		c := change("a")
		c.Op = op
		out, err := mux.Do(t.Context(), c, nil, nil)
		if err != nil || out["by"] != want {
			t.Errorf("%q went to %v, %v; want %s", op, out["by"], err, want)
		}
	}
	c := change("a")
	c.Op = "moon:Land"
	_, err := mux.Do(t.Context(), c, nil, nil)
	if f, ok := errors.AsType[*executor.Failure](err); !ok || f.Code != "UnsupportedOperation" {
		t.Errorf("err = %v", err)
	}
}

// The ratio is what matters: what the machinery adds to the critical path of 1,000 changes.
func BenchmarkMakespan(b *testing.B) {
	p, took := randomPlan(7, 1000)
	for name := range took {
		took[name] /= 25
	}
	want := criticalPath(p, took)
	for b.Loop() {
		begin := time.Now()
		if err := executor.Run(b.Context(), p, sleeping(took), func(executor.Event) {}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begin))/float64(want), "makespan/critical-path")
	}
}
