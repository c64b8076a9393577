package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// An interruption is errInterrupted with its time.
type interruption struct{ at time.Time }

func (i *interruption) Error() string { return errInterrupted.Error() }

func (i *interruption) Is(target error) bool { return target == errInterrupted }

// interruptedAt is when a signal ended the context.
func interruptedAt(ctx context.Context) (time.Time, bool) {
	i, ok := errors.AsType[*interruption](context.Cause(ctx))
	if !ok {
		return time.Time{}, false
	}
	return i.at, true
}

// withSignals ends the context at the first SIGINT or SIGTERM and the process at the second.
func (p *program) withSignals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
				if n > 0 {
					os.Exit(statusInterrupted)
				}
				cancel(&interruption{p.now()})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
