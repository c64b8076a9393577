package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// note says on the fleet, before it is stopped, that it has to be started again.
func (a *appstreamDriver) note(ctx context.Context, t *turn) error {
	why := "stopped for a change by imagebuild"
	if a.Run != "" {
		why = "stopped for a change by run " + a.Run
	}
	_, err := a.clients.once(ctx, "appstream:TagResource", t.region, object{"ResourceArn": observedARN(t.change), "Tags": object{planner.TagRestart: why}})
	if err == nil {
		a.noted(t.change.Addr, true)
	}
	return err
}

// unnote takes the note away from a fleet that has one.
func (a *appstreamDriver) unnote(ctx context.Context, t *turn) error {
	if !a.owes(t) {
		return nil
	}
	_, err := a.clients.once(ctx, "appstream:UntagResource", t.region, object{"ResourceArn": observedARN(t.change), "TagKeys": []any{planner.TagRestart}})
	if err == nil {
		a.noted(t.change.Addr, false)
	}
	return err
}

func (a *appstreamDriver) noted(fleet dsl.Addr, is bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.notes[fleet] = is
}

// stopped says whether this run stopped the fleet, in this attempt or in one before.
func (a *appstreamDriver) stopped(t *turn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.notes[t.change.Addr]
}

// owes says whether the fleet has to be started because imagebuild stopped it, in this run or in an earlier one.
func (a *appstreamDriver) owes(t *turn) bool {
	if t.change.Observed == nil {
		return false
	}
	_, before := t.change.Observed.Tags[planner.TagRestart]
	return before || a.stopped(t)
}

// left tells of a change of several calls that ended in between what state its fleet is left in, and who makes it good. A
// fleet that this run stopped and that is STOPPED is started again as it is: users get it back at once, and the note on
// it has the next run finish the change. What may pass by itself is tried again as things stand.
func (a *appstreamDriver) left(ctx context.Context, t *turn, done string, err error) error {
	if err == nil {
		return nil
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer stop()
	state, started := a.giveBack(last, t, ctx.Err() != nil || Classify(err) == nil)
	said := "fleet " + t.name()
	if done != "" {
		said += " " + done + " and"
	}
	switch {
	case started:
		said += " is being started again as it is"
	case state == "":
		said += " is in a state that could not be asked for"
	default:
		said += " is " + state
	}
	if state != running && !started {
		said += ", so nobody can stream from it"
	}
	if ctx.Err() != nil {
		return &executor.InterruptedError{ARN: t.name(), Cause: context.Cause(ctx), Fate: "interrupted; " + said + ": run the same command again to finish the change"}
	}
	if f, ok := errors.AsType[*executor.Failure](err); ok && f.Code == "Unhealthy" {
		return err // it runs, and the message says what it lacks
	}
	return withRemark(t, err, said+". Run the same command again to finish the change.")
}

// giveBack starts a fleet that this run stopped, where that can be done now and nothing more is going to be tried, and returns
// the state that it found.
func (a *appstreamDriver) giveBack(ctx context.Context, t *turn, final bool) (state string, started bool) {
	fleet, err := a.clients.named(ctx, "appstream:DescribeFleets", t.region, t.name())
	if err != nil {
		return "", false
	}
	state = text(fleet, "State")
	if state != "STOPPED" || !final || !a.stopped(t) {
		return state, false
	}
	_, err = a.clients.once(ctx, "appstream:StartFleet", t.region, object{"Name": t.name()})
	return state, err == nil
}

// withRemark is a failure with a sentence after its own.
func withRemark(t *turn, err error, remark string) error {
	shown := failure(t.change.Node, err)
	f, ok := errors.AsType[*executor.Failure](shown)
	if !ok {
		return fmt.Errorf("%w. %s", err, remark)
	}
	more := *f
	more.Message = sentence(f.Message) + " " + remark
	return &more
}

func sentence(s string) string {
	if s == "" || s[len(s)-1] == '.' {
		return s
	}
	return s + "."
}
