// Package executor carries out a plan: it starts every change as soon as what it needs is there,
// hands on what each yields, and tells one sink of everything that happens.
//
// It refuses to know AWS, files and terminals. What a change means is its Driver's business;
// retrying, limiting and waiting are drivers around drivers, put together in one visible place.
package executor

import (
	"context"
	"fmt"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// A Driver carries out one change. Its input holds no references any more.
//
// Do may emit events of the change's own address while it runs, from any goroutine, and none
// after it returned. Outputs that come with an error are what was made before it happened.
type Driver interface {
	Do(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error)
}

// DriverFunc makes a function a Driver.
type DriverFunc func(context.Context, *planner.Change, planner.Object, func(Event)) (Outputs, error)

// Do calls f.
func (f DriverFunc) Do(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error) {
	return f(ctx, c, in, emit)
}

// Mux hands each change to the driver of its service: "imagebuilder", "s3". A change without a
// call of its own, one that only waits, goes where the call that makes its kind would go.
func Mux(services map[string]Driver) Driver {
	return DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error) {
		op := c.Op
		if op == "" {
			op = c.Kind.Create
		}
		service, _, _ := strings.Cut(string(op), ":")
		d, ok := services[service]
		if !ok {
			return nil, &Failure{
				Code: "UnsupportedOperation", Operation: op, Range: c.Origin,
				Message: fmt.Sprintf("this program has no driver for the service %q.", service),
			}
		}
		return d.Do(ctx, c, in, emit)
	})
}
