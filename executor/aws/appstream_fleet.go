package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	a.tagRun(t)
	out, err := a.clients.once(ctx, t.change.Op, t.region, t.in)
	fleet := sub(out, "Fleet")
	if Code(err) == appstreamTaken {
		if fleet, err = a.clients.named(ctx, "appstream:DescribeFleets", t.region, t.name()); err == nil {
			err = a.ours(ctx, t, fleet)
		}
	}
	if err != nil {
		return nil, a.quota(err)
	}
	a.forget("appstream:DescribeFleets", t.region)
	made := executor.Outputs{"arn": text(fleet, "Arn"), "name": t.name()}
	if t.change.Settings["start"] == false {
		return made, nil
	}
	return made, a.startFleet(ctx, t)
}

// ours refuses what was made meanwhile by somebody else.
func (a *appstreamDriver) ours(ctx context.Context, t *turn, thing object) error {
	tags, err := a.clients.tagsOf(ctx, t.region, text(thing, "Arn"))
	if err == nil && text(tags, planner.TagAddress) != planner.TagAddressOf(t.change.Node) {
		err = t.fail(appstreamTaken, "%s was made by something else after the plan. Plan again.", t.name())
	}
	return err
}

// updateFleet changes a fleet. What a RUNNING one cannot change has it stopped for as long as that takes; in STARTING
// and STOPPING nothing can be changed.
func (a *appstreamDriver) updateFleet(ctx context.Context, t *turn) (executor.Outputs, error) {
	state, err := a.settle(ctx, t)
	if err != nil {
		return nil, err
	}
	stopped := false
	if state == running && !changeable(t.in) {
		if err = a.stopFleet(ctx, t); err != nil {
			return nil, err
		}
		stopped, state = true, "STOPPED"
	}
	if _, err = a.clients.once(ctx, t.change.Op, t.region, t.in); err != nil {
		return nil, err
	}
	a.forget("appstream:DescribeFleets", t.region)
	out := executor.Outputs{"name": t.name()}
	maps.Copy(out, t.change.Observed.Outputs)
	if stopped {
		return out, a.startFleet(ctx, t)
	}
	if state == running {
		return out, a.healthy(ctx, t)
	}
	return out, nil
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

// settle waits until a fleet is RUNNING or STOPPED and returns which.
func (a *appstreamDriver) settle(ctx context.Context, t *turn) (state string, err error) {
	err = a.watchFleet(ctx, t, fleetBound, func(fleet object, _ time.Duration) (bool, error) {
		state = text(fleet, "State")
		if fleet == nil {
			return false, t.fail(appstreamGone, "fleet %s is not there any more.", t.name())
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
		return text(fleet, "State") == "STOPPED", nil
	})
}

// startFleet starts a fleet and looks after its health. Errors that it will not recover from end it: while they pile
// up the state never leaves STARTING.
func (a *appstreamDriver) startFleet(ctx context.Context, t *turn) error {
	if _, err := a.clients.once(ctx, "appstream:StartFleet", t.region, object{"Name": t.name()}); err != nil {
		return a.quota(err)
	}
	a.forget("appstream:DescribeFleets", t.region)
	err := a.watchFleet(ctx, t, t.bound("timeout", fleetBound), func(fleet object, _ time.Duration) (bool, error) {
		if e := fatal(list(fleet, "FleetErrors")); e != nil {
			return false, t.fail(text(e, "ErrorCode"), "fleet %s does not start: %s", t.name(), withHint(e))
		}
		return text(fleet, "State") == running, nil
	})
	if err != nil {
		return err
	}
	return a.healthy(ctx, t)
}

// healthy holds a fleet to its health check: so many machines available and no errors. What comes after it in the
// graph waits for that.
func (a *appstreamDriver) healthy(ctx context.Context, t *turn) error {
	check, ok := t.change.Settings["health_check"].(map[string]any)
	if !ok {
		return nil
	}
	want, _ := check["instances"].(int64)
	bound := healthBound
	if n, given := check["timeout"].(int64); given {
		bound = time.Duration(n) * time.Second
	}
	last := ""
	err := a.watchFleet(ctx, t, bound, func(fleet object, _ time.Duration) (bool, error) {
		if e := fatal(list(fleet, "FleetErrors")); e != nil {
			return false, t.fail(text(e, "ErrorCode"), "fleet %s is not healthy: %s", t.name(), withHint(e))
		}
		have := whole(sub(fleet, "ComputeCapacityStatus")["Available"])
		last = fmt.Sprintf("%d of %d machines available", have, want)
		return text(fleet, "State") == running && have >= want, nil
	})
	if f, timed := errors.AsType[*executor.Failure](err); timed && f.Code == "Timeout" {
		return t.fail("Unhealthy", "fleet %s is not healthy after %s: %s. What comes after it was not touched.", t.name(), bound, cmp.Or(last, "no machine is available"))
	}
	return err
}

func whole(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// directory makes or changes a directory configuration, with its password fetched from where it is kept.
func (a *appstreamDriver) directory(ctx context.Context, t *turn) (executor.Outputs, error) {
	credentials := sub(t.in, "ServiceAccountCredentials")
	if password := text(credentials, "AccountPassword"); planner.StoredSecret(password) {
		secret, err := a.clients.Secret(ctx, t.region, password)
		if err != nil {
			return nil, err
		}
		t.in["ServiceAccountCredentials"] = object{"AccountName": credentials["AccountName"], "AccountPassword": secret}
	}
	out, err := a.plain(ctx, t)
	if e, ok := errors.AsType[*CallError](err); ok {
		hidden := *e
		hidden.Message = strings.ReplaceAll(e.Message, text(sub(t.in, "ServiceAccountCredentials"), "AccountPassword"), "(sensitive)")
		return out, &hidden
	}
	return out, err
}
