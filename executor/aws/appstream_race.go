package aws

import (
	"context"
	"errors"
	"maps"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// rounds is how often a change of a fleet looks at the fleet anew because another run, or a person, changed its state in
// between.
const rounds = 4

// raced says that a call came in a state that it is not for: something else brought the fleet there since it was looked at.
func raced(err error) bool {
	code := Code(err)
	return code == appstreamNotAllowed || code == appstreamInUse
}

// updateFleet changes a fleet. A state that another run brought it to meanwhile is taken for what it is, and so is a change that
// the other run has made already.
func (a *appstreamDriver) updateFleet(ctx context.Context, t *turn) (out executor.Outputs, err error) {
	for range rounds {
		if out, err = a.updateOnce(ctx, t); err == nil || !raced(err) || ctx.Err() != nil {
			return out, err
		}
		a.forget("appstream:DescribeFleets", t.region)
	}
	return out, a.left(ctx, t, "", err)
}

// startFleet starts a fleet and waits until it runs. One that another run starts is waited for.
func (a *appstreamDriver) startFleet(ctx context.Context, t *turn) error {
	var err error
	for range rounds {
		_, err = a.clients.once(ctx, "appstream:StartFleet", t.region, object{"Name": t.name()})
		if err != nil && !raced(err) {
			return err
		}
		a.forget("appstream:DescribeFleets", t.region)
		state, lookErr := a.settle(ctx, t)
		switch {
		case lookErr != nil:
			return lookErr
		case state == running:
			return nil
		case err == nil:
			return t.fail("FleetStopped", "fleet %s was started and is %s: something else stopped it.", t.name(), state)
		}
	}
	return err
}

// already says whether a fleet has all that an update is to give it: another run was first.
func (a *appstreamDriver) already(ctx context.Context, t *turn) (bool, error) {
	fleet, err := a.clients.named(ctx, "appstream:DescribeFleets", t.region, t.name())
	if err != nil {
		return false, err
	}
	if _, clears := t.in["AttributesToDelete"]; clears {
		return false, nil
	}
	has := withCapacity(fleet)
	for member, want := range t.in {
		if !planner.Covers(has[member], want) {
			return false, nil
		}
	}
	return true, nil
}

// withCapacity is a fleet with the capacity in the words that it is asked for in.
func withCapacity(fleet object) object {
	status, capacity := sub(fleet, "ComputeCapacityStatus"), object{}
	if v, ok := status["Desired"]; ok {
		capacity["DesiredInstances"] = v
	}
	if v, ok := status["DesiredUserSessions"]; ok {
		capacity["DesiredSessions"] = v
	}
	out := object{"ComputeCapacity": capacity}
	maps.Copy(out, fleet)
	return out
}

// twin is what a create that met something of its name takes: what another run made of the same block and content.
func (a *appstreamDriver) twin(ctx context.Context, t *turn, cause error) (executor.Outputs, error) {
	if Code(cause) != appstreamTaken || t.change.Verb != planner.Create || t.change.Kind.Read == "" {
		return nil, cause
	}
	thing, err := a.clients.named(ctx, t.change.Kind.Read, t.region, t.name())
	if err != nil || thing == nil {
		return nil, errors.Join(cause, err)
	}
	tags, err := a.clients.tagsOf(ctx, t.region, text(thing, "Arn"))
	if err != nil || text(tags, planner.TagDigest) != t.change.Digest {
		return nil, errors.Join(cause, err)
	}
	return executor.Outputs{"name": t.name(), "arn": text(thing, "Arn")}, nil
}

// sameDirectory takes a directory configuration that another run made since the plan, with the password that this one has.
// It has no tags: its content says whether it is the one that is wanted.
func (a *appstreamDriver) sameDirectory(ctx context.Context, t *turn, cause error) (executor.Outputs, error) {
	out, err := a.clients.answer(ctx, "appstream:DescribeDirectoryConfigs", t.region, object{"DirectoryNames": []any{t.name()}})
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	account := sub(t.in, "ServiceAccountCredentials")["AccountName"]
	found := list(out, "DirectoryConfigs")
	if len(found) == 0 || sub(found[0], "ServiceAccountCredentials")["AccountName"] != account ||
		!planner.Covers(found[0]["OrganizationalUnitDistinguishedNames"], t.in["OrganizationalUnitDistinguishedNames"]) {
		return nil, cause
	}
	_, err = a.clients.once(ctx, "appstream:UpdateDirectoryConfig", t.region, t.in)
	return executor.Outputs{"name": t.name()}, err
}
