package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// An OnCancel says what becomes of the builds a run started when the run is interrupted.
type OnCancel string

// What may become of them.
const (
	CancelBuilds OnCancel = "cancel" // they are ended
	DetachBuilds OnCancel = "detach" // they go on; the next run attaches to them
)

// The seconds an interrupted run has. Calls under way are given CallGrace to finish, since a
// create that was cut off may have made something nobody would know of; ending the builds is given
// cancelGrace after that. Together they stay under the seven seconds that a runner leaves between
// its first signal and the kill.
const (
	CallGrace   = 4 * time.Second
	cancelGrace = 2500 * time.Millisecond
)

// An InterruptedError is the end of a change that was under way when its run was interrupted.
type InterruptedError struct {
	ARN   string // what was being made; "" where that is not known
	Fate  string // a sentence: what became of it, and what to do next
	Lives bool   // whether what was being made goes on
	Cause error  // of the interruption
}

func (e *InterruptedError) Error() string { return e.Fate }

// Unwrap is the cause of the interruption.
func (e *InterruptedError) Unwrap() error { return e.Cause }

// A Waiter follows what is not finished when the call that makes it returns.
type Waiter interface {
	// Waits reports whether the change makes such a thing.
	Waits(c *planner.Change) bool
	// Wait returns when what was made is finished, or ctx is. made is what the call yielded.
	Wait(ctx context.Context, c *planner.Change, made Outputs, emit func(Event)) (Outputs, error)
	// Cancel ends what is being made.
	Cancel(ctx context.Context, c *planner.Change, made Outputs) error
}

// Await holds a change open until what it makes is finished. Changes that only attach make no
// call. When ctx ends it stops waiting, and ends what this run itself started, or leaves it, as
// told; what the run merely attached to is left in any case.
func Await(d Driver, w Waiter, on OnCancel) Driver {
	return DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error) {
		made := known(c)
		if c.Verb != planner.Wait || !w.Waits(c) { // what the waiter does not know waits in its own driver
			out, err := d.Do(ctx, c, in, emit)
			if err != nil || !w.Waits(c) {
				return out, err
			}
			made = out
		}
		out, err := w.Wait(ctx, c, made, emit)
		if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
			return out, err
		}
		return made, abandon(ctx, w, c, made, c.Verb != planner.Wait && on == CancelBuilds)
	})
}

func abandon(ctx context.Context, w Waiter, c *planner.Change, made Outputs, end bool) error {
	arn, _ := made["arn"].(string)
	e := &InterruptedError{ARN: arn, Cause: context.Cause(ctx)}
	if !end {
		e.Lives = true
		e.Fate = fmt.Sprintf("interrupted; %s is still being made: run the same command again to wait for it", arn)
		return e
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer stop()
	if err := w.Cancel(last, c, made); err != nil {
		e.Fate = fmt.Sprintf("interrupted; %s could not be canceled and may still be being made: run the same command again to wait for it, or cancel it (%v)", arn, err)
		return e
	}
	e.Fate = fmt.Sprintf("interrupted; %s is being canceled", arn)
	return e
}

// Linger returns a context that outlives ctx by at most d, for calls that must not be torn.
func Linger(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel(nil) }
}
