package executor

import (
	"context"

	"github.com/org/imagebuild-action/planner"
)

// Limit bounds how many builds are under way at once, since accounts have a quota of them (100 by
// default). builds says which changes are builds; all others, and those that attach to a build
// already running, pass freely. A limit below 1 is none.
func Limit(d Driver, images int, builds func(*planner.Change) bool) Driver {
	if images < 1 {
		return d
	}
	slots := make(chan struct{}, images)
	return DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(Event)) (Outputs, error) {
		if c.Verb == planner.Wait || !builds(c) {
			return d.Do(ctx, c, in, emit)
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-slots }()
		if ctx.Err() != nil { // both were ready and chance chose the slot
			return nil, ctx.Err()
		}
		return d.Do(ctx, c, in, emit)
	})
}
