package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// end takes the machine away, also after a failure. An interrupted run has seconds left: it stops the machine, which
// then costs nothing, and leaves the rest to the next run or to gc.
func (a *appstreamDriver) end(ctx context.Context, b *ImageBuilder, worked error) error {
	if ctx.Err() != nil {
		return a.abandon(ctx, b, worked)
	}
	if worked != nil { // taking the machine away may take a while
		b.turn.emit(executor.Log{
			Addr: b.turn.change.Addr, At: time.Now(), Source: ourselves,
			Line: fmt.Sprintf("%v; image builder %s is taken away", worked, b.name),
		})
	}
	err := a.remove(ctx, b.turn, b.name)
	if ctx.Err() != nil {
		return a.abandon(ctx, b, worked)
	}
	if f, ok := errors.AsType[*executor.Failure](worked); ok {
		kept := *f
		kept.Cause = nil // the machine is gone, so that repeating a call makes no sense
		worked = &kept
	}
	if err != nil {
		err = fmt.Errorf("image builder %s is left behind, and imagebuild gc removes it: %w", b.name, err)
	}
	return errors.Join(worked, err)
}

// stopGrace is what stopping a machine may take of an interrupted run's last seconds.
const stopGrace = 2 * time.Second

// abandon stops the machine when there are only seconds left.
func (a *appstreamDriver) abandon(ctx context.Context, b *ImageBuilder, worked error) error {
	last, done := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer done()
	e := &executor.InterruptedError{ARN: b.name, Cause: context.Cause(ctx)}
	if going, ok := errors.AsType[*executor.InterruptedError](worked); ok {
		e.Lives = going.Lives // the image is being made, and nothing of that takes the machine's being told
	}
	op := planner.Op("appstream:StopImageBuilder")
	_, err := a.clients.once(last, op, b.turn.region, object{"Name": b.name})
	if err != nil && Code(err) != appstreamGone { // it is not RUNNING: what is STOPPED or FAILED can go
		_, err = a.clients.once(last, "appstream:DeleteImageBuilder", b.turn.region, object{"Name": b.name})
	}
	switch {
	case e.Lives:
		e.Fate = fmt.Sprintf("interrupted; image %s is still being made: run the same command again to wait for it. Image builder %s stops by itself, and that run, or imagebuild gc, deletes it", b.image, b.name)
	case err == nil || Code(err) == appstreamGone:
		e.Fate = fmt.Sprintf("interrupted; image builder %s is being stopped: the next run, or imagebuild gc, deletes it", b.name)
	default:
		e.Fate = fmt.Sprintf("interrupted; image builder %s could not be stopped in the state it is in and costs money while it runs: run the same command again, or imagebuild gc, to remove it (%v)", b.name, err)
	}
	return e
}

// RemoveImageBuilder takes a machine away, waiting out the states in which nothing works. show hears of every new state.
func (c *Clients) RemoveImageBuilder(ctx context.Context, region, name string, show func(state string)) error {
	return c.removeBuilder(ctx, going{region, name, c.patience(), readyBound + deleteBound}, show)
}

// A going is a machine on its way out: how often it is asked about, and for how long.
type going struct {
	region, name string
	every, bound time.Duration
}

func (c *Clients) removeBuilder(ctx context.Context, g going, show func(state string)) error {
	state := ""
	until := time.Now().Add(g.bound)
	for {
		thing, err := c.imageBuilder(ctx, g.region, g.name)
		if err != nil {
			return err
		}
		if thing == nil {
			return nil
		}
		if now := text(thing, "State"); now != state {
			state = now
			show(now)
		}
		if err = c.nudge(ctx, g.region, g.name, state); err != nil {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("image builder %s is still %s, where AppStream lets nobody stop or delete it", g.name, state)
		}
		if err = sleep(ctx, g.every); err != nil {
			return err
		}
	}
}

// patience is the time between two questions about a machine that goes.
func (c *Clients) patience() time.Duration {
	if c.endpoint {
		return 200 * time.Millisecond
	}
	return defaultInterval
}

// nudge makes the call that leads on from a state. Which code a call that comes at the wrong time gets is not
// published, so that any of them means to look again.
func (c *Clients) nudge(ctx context.Context, region, name, state string) error {
	var calls []planner.Op
	switch state {
	case running:
		calls = []planner.Op{"appstream:StopImageBuilder", "appstream:DeleteImageBuilder"}
	case "STOPPED", "FAILED":
		calls = []planner.Op{"appstream:DeleteImageBuilder"}
	}
	for _, op := range calls {
		_, err := c.once(ctx, op, region, object{"Name": name})
		switch code := Code(err); {
		case err == nil || code == appstreamGone:
			return nil
		case code == appstreamNotAllowed || code == "ConcurrentModificationException" || code == "ResourceNotAvailableException" || Classify(err) != nil:
			continue
		default:
			return err
		}
	}
	return nil
}

// remove is RemoveImageBuilder within a run.
func (a *appstreamDriver) remove(ctx context.Context, t *turn, name string) error {
	defer a.forget("appstream:DescribeImageBuilders", t.region)
	return a.clients.removeBuilder(ctx, going{t.region, name, a.interval, cmp.Or(a.Removal, deleteBound)}, t.progress)
}

// deleteBuilder takes away a machine that an earlier run left behind.
func (a *appstreamDriver) deleteBuilder(ctx context.Context, t *turn) (executor.Outputs, error) {
	return nil, a.outlive(ctx, t, text(t.in, "Name"))
}

// outlive waits until no run is sure to work on a machine any more, and takes it away.
func (a *appstreamDriver) outlive(ctx context.Context, t *turn, name string) error {
	told := false
	for {
		thing, err := a.clients.imageBuilder(ctx, t.region, name)
		if err != nil || thing == nil {
			return err
		}
		tags, err := a.clients.tagsOf(ctx, t.region, text(thing, "Arn"))
		if err != nil {
			return err
		}
		until, err := time.Parse(time.RFC3339Nano, text(tags, planner.TagLease))
		if err != nil || !time.Now().Before(until) {
			return a.remove(ctx, t, name)
		}
		if !told {
			told = true
			t.emit(executor.Log{
				Addr: t.change.Addr, At: time.Now(), Source: ourselves,
				Line: fmt.Sprintf("image builder %s may have a run that works on it: waiting until it is gone, or until its lease has ended (%s)", name, until.Format(time.RFC3339)),
			})
		}
		if err = sleep(ctx, min(time.Until(until)+time.Second/10, a.interval)); err != nil {
			return err
		}
	}
}

// sweep takes away the machines that earlier runs left behind of the same image block.
func (a *appstreamDriver) sweep(ctx context.Context, t *turn) error {
	left, err := a.clients.leftBuilders(ctx, t.region, t.change.Node)
	if err != nil {
		return err
	}
	for _, b := range left {
		if err = a.outlive(ctx, t, text(b, "Name")); err != nil {
			return err
		}
	}
	return nil
}

// leftBuilders are the machines on which a node's image was to be made: by name, and by the tag that says so.
func (c *Clients) leftBuilders(ctx context.Context, region string, n *planner.Node) ([]object, error) {
	found, err := c.all(ctx, "appstream:DescribeImageBuilders", region, nil)
	if err != nil {
		return nil, err
	}
	var out []object
	for _, b := range found {
		if !strings.HasPrefix(text(b, "Name"), n.Name[:min(len(n.Name), 80)]) {
			continue
		}
		tags, err := c.tagsOf(ctx, region, text(b, "Arn"))
		if err != nil {
			return nil, err
		}
		wanted, _ := n.Input["Tags"].(map[string]any)
		if text(tags, planner.TagAddress) == planner.TagAddressOf(n) && text(tags, planner.TagProject) == text(wanted, planner.TagProject) {
			out = append(out, b)
		}
	}
	return out, nil
}
