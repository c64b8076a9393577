package executor

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// A RetryClass is one sort of failure that may pass by itself, and how to meet it.
type RetryClass struct {
	Name string // for people: "throttled"
	// Max is how many times it is tried again.
	Max int
	// First is the wait before the first new attempt; each further one doubles it, up to Cap.
	First, Cap time.Duration
	// Anew says that the thing must be made again rather than the call repeated: its build
	// failed, and repeating the call would only be answered with the failed build.
	Anew bool
}

// wait is how long to hold before the nth new attempt, counted from 1: between half and all of the
// step, so that those who were throttled together do not come back together.
func (c *RetryClass) wait(n int) time.Duration {
	d := c.First
	for range n - 1 {
		if d *= 2; d >= c.Cap {
			d = c.Cap
			break
		}
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreading load needs no secrecy
}

// Next returns how long to wait before the attempt that follows the nth failure of this class, and
// whether there is one.
func (c *RetryClass) Next(n int) (time.Duration, bool) {
	if c == nil || n > c.Max {
		return 0, false
	}
	return c.wait(n), true
}

// Retry tries a change again while classify finds the failure worth it; nil means it is not.
// Each class counts for itself.
func Retry(d Driver, classify func(error) *RetryClass) Driver {
	return DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error) {
		failures := map[*RetryClass]int{}
		for n := 1; ; n++ {
			out, err := d.Do(ctx, c, in, emit)
			if err == nil || ctx.Err() != nil {
				return out, err
			}
			class := classify(err)
			failures[class]++
			wait, again := class.Next(failures[class])
			if !again {
				return out, err
			}
			emit(Retried{Addr: c.Addr, At: time.Now(), Attempt: n, Wait: wait, Err: err})
			if class.Anew {
				c = anew(c)
			}
			if sleep(ctx, wait) != nil {
				return out, errors.Join(ctx.Err(), err)
			}
		}
	})
}

// anew is the same change with one more failed build behind it. One that attached to the failed
// build makes its own now.
func anew(c *planner.Change) *planner.Change {
	next := *c
	seen := planner.Observed{}
	if c.Observed != nil {
		seen = *c.Observed
	}
	seen.Attempt++
	seen.Outputs = nil
	next.Observed = &seen
	if next.Verb == planner.Wait {
		next.Verb, next.Op = planner.Create, c.Kind.Create
	}
	return &next
}

// sleep waits, and returns early with ctx's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
