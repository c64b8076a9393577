package aws

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// whileRunning are the members of UpdateFleet that a RUNNING fleet may change (API Reference, UpdateFleet).
var whileRunning = []string{ //nolint:gochecknoglobals // a table, never written
	"Name", "ComputeCapacity", "DisplayName", "DisconnectTimeoutInSeconds", "IdleDisconnectTimeoutInSeconds", "ImageArn", "ImageName",
}

// createFleet makes a fleet and starts it.
func (a *appstreamDriver) createFleet(ctx context.Context, t *turn) (executor.Outputs, error) {
	if t.change.Verb == planner.Wait {
		return a.finishFleet(ctx, t)
	}
	a.tagRun(t)
	out, err := a.create(ctx, t, t.change.Op, t.in)
	fleet := sub(out, "Fleet")
	if Code(err) == appstreamTaken {
		if fleet, err = a.clients.named(ctx, "appstream:DescribeFleets", t.region, t.name()); err == nil {
			err = a.ours(ctx, t, fleet)
		}
	}
	if err != nil {
		return nil, err
	}
	a.forget("appstream:DescribeFleets", t.region)
	made := executor.Outputs{"arn": text(fleet, "Arn"), "name": t.name()}
	if t.change.Settings["start"] == false {
		return made, nil
	}
	return made, a.left(ctx, t, "was created", a.runFleet(ctx, t))
}

// ours refuses what was made meanwhile by somebody else.
func (a *appstreamDriver) ours(ctx context.Context, t *turn, thing object) error {
	tags, err := a.clients.tagsOf(ctx, t.region, text(thing, "Arn"))
	if err == nil && text(tags, planner.TagAddress) != planner.TagAddressOf(t.change.Node) {
		err = t.fail(appstreamTaken, "%s was made by something else after the plan. Plan again.", t.name())
	}
	return err
}

// updateOnce changes a fleet. What a RUNNING one cannot change has it stopped for as long as that takes; in STARTING
// and STOPPING nothing can be changed. A fleet that should run is started afterwards, whoever stopped it.
func (a *appstreamDriver) updateOnce(ctx context.Context, t *turn) (executor.Outputs, error) {
	state, err := a.settle(ctx, t)
	if err != nil {
		return nil, err
	}
	out := executor.Outputs{"name": t.name()}
	maps.Copy(out, t.change.Observed.Outputs)
	if done, lookErr := a.already(ctx, t); lookErr != nil {
		return nil, lookErr
	} else if done && t.change.Settings["start"] == false && !a.owes(t) {
		return out, nil
	} else if done {
		return a.finishFleet(ctx, t)
	}
	if state == running && !changeable(t.in) {
		return out, a.stopAndUpdate(ctx, t)
	}
	_, err = a.clients.once(ctx, t.change.Op, t.region, t.in)
	if state == running && Code(err) == appstreamNotAllowed { // an image of another operating system, for one
		return out, a.stopAndUpdate(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	a.forget("appstream:DescribeFleets", t.region)
	if state != running && t.change.Settings["start"] == false && !a.owes(t) {
		return out, nil
	}
	return out, a.left(ctx, t, "was updated", a.runFleet(ctx, t))
}

// stopAndUpdate takes the fleet from its users for a change. A tag says so before anything is taken, and goes when they have
// it back, so that any later run knows what this one owes them.
func (a *appstreamDriver) stopAndUpdate(ctx context.Context, t *turn) error {
	if err := a.note(ctx, t); err != nil {
		return err
	}
	if err := a.stopFleet(ctx, t); raced(err) {
		return err
	} else if err != nil {
		return a.left(ctx, t, "had to be stopped for this change", err)
	}
	if _, err := a.clients.once(ctx, t.change.Op, t.region, t.in); raced(err) {
		return err
	} else if err != nil {
		return a.left(ctx, t, "was stopped for this change", err)
	}
	a.forget("appstream:DescribeFleets", t.region)
	return a.left(ctx, t, "was stopped for this change and updated", a.runFleet(ctx, t))
}

// finishFleet does what an earlier run, or somebody else, left undone: a fleet whose members are as wanted comes to run.
func (a *appstreamDriver) finishFleet(ctx context.Context, t *turn) (executor.Outputs, error) {
	out := executor.Outputs{"name": t.name()}
	maps.Copy(out, t.change.Observed.Outputs)
	return out, a.left(ctx, t, "", a.runFleet(ctx, t))
}

// runFleet returns once a fleet runs and is healthy. The note that it was stopped goes last.
func (a *appstreamDriver) runFleet(ctx context.Context, t *turn) error {
	state, err := a.settle(ctx, t)
	if err != nil {
		return err
	}
	if state != running {
		if err = a.startFleet(ctx, t); err != nil {
			return err
		}
	}
	if err = a.healthy(ctx, t); err != nil {
		return err
	}
	return a.unnote(ctx, t)
}

// changeable says whether a fleet may stay RUNNING for an update.
func changeable(in planner.Object) bool {
	for member := range in {
		if !slices.Contains(whileRunning, member) {
			return false
		}
	}
	return true
}

// settle waits until a fleet is RUNNING or STOPPED and returns which. Errors that a starting one will not recover from end
// the wait: while they pile up the state never leaves STARTING.
func (a *appstreamDriver) settle(ctx context.Context, t *turn) (state string, err error) {
	err = a.watchFleet(ctx, t, t.bound("timeout", fleetBound), func(fleet object, _ time.Duration) (bool, error) {
		state = text(fleet, "State")
		if fleet == nil {
			return false, t.fail(appstreamGone, "fleet %s is not there any more.", t.name())
		}
		if e := fatal(list(fleet, "FleetErrors")); e != nil && state == "STARTING" {
			return false, t.fail(text(e, "ErrorCode"), "fleet %s does not start: %s", t.name(), withHint(e))
		}
		return state == running || state == "STOPPED", nil
	})
	return state, err
}

func (a *appstreamDriver) watchFleet(ctx context.Context, t *turn, bound time.Duration, look func(object, time.Duration) (bool, error)) error {
	return a.watch(ctx, t, watching{
		op: "appstream:DescribeFleets", region: t.region, name: t.name(), bound: bound, what: "fleet " + t.name(), look: look,
	})
}

func (a *appstreamDriver) stopFleet(ctx context.Context, t *turn) error {
	if _, err := a.clients.once(ctx, "appstream:StopFleet", t.region, object{"Name": t.name()}); err != nil {
		return err
	}
	a.forget("appstream:DescribeFleets", t.region)
	return a.watchFleet(ctx, t, t.bound("timeout", fleetBound), func(fleet object, _ time.Duration) (bool, error) {
		return text(fleet, "State") != "STOPPING", nil // STARTING where another run was faster
	})
}
