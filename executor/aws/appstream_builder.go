package aws

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// An ImageBuilder is a machine of AppStream's that a session works in.
type ImageBuilder struct {
	appstream *appstreamDriver
	turn      *turn
	name      string // of the machine
	arn       string
	image     string // that is made on it
}

// Name is what the machine is called.
func (b *ImageBuilder) Name() string { return b.name }

// Region is where it stands.
func (b *ImageBuilder) Region() string { return b.turn.region }

// Address is the machine's address in the VPC; "" while it has none. It may differ after every start. A machine that something
// else deleted is a MachineGoneError.
func (b *ImageBuilder) Address(ctx context.Context) (string, error) {
	thing, err := b.appstream.clients.imageBuilder(ctx, b.turn.region, b.name)
	if err == nil && (thing == nil || text(thing, "State") == "DELETING") {
		return "", &executor.MachineGoneError{Name: b.name}
	}
	return text(sub(thing, "NetworkAccessConfiguration"), "EniPrivateIpAddress"), err
}

// Platform is the machine's operating system in AWS's word: WINDOWS_SERVER_2022, RHEL8.
func (b *ImageBuilder) Platform(ctx context.Context) (string, error) {
	thing, err := b.appstream.clients.imageBuilder(ctx, b.turn.region, b.name)
	return text(thing, "Platform"), err
}

// Cycle stops the machine and starts it again, and returns once it runs.
func (b *ImageBuilder) Cycle(ctx context.Context) error {
	clients, region := b.appstream.clients, b.turn.region
	if _, err := clients.answer(ctx, "appstream:StopImageBuilder", region, object{"Name": b.name}); err != nil {
		return err
	}
	if err := b.await(ctx, "STOPPED"); err != nil {
		return err
	}
	if _, err := clients.answer(ctx, "appstream:StartImageBuilder", region, object{"Name": b.name}); err != nil {
		return err
	}
	return b.await(ctx, running)
}

// Await returns once the machine runs, after it was made, started, or restarted from inside.
func (b *ImageBuilder) Await(ctx context.Context) error { return b.await(ctx, running) }

// Begun says whether the making of the image has begun: it is listed as made on this machine, or the machine is being
// taken a picture of.
func (b *ImageBuilder) Begun(ctx context.Context, image string) (bool, error) {
	found, err := b.appstream.clients.appstreamImage(ctx, b.turn.region, image)
	if err != nil || found != nil && cmp.Or(text(found, "ImageBuilderName"), b.name) == b.name {
		return found != nil, err
	}
	thing, err := b.appstream.clients.imageBuilder(ctx, b.turn.region, b.name)
	return text(thing, "State") == "SNAPSHOTTING", err
}

const running = "RUNNING"

// await waits for a state. Errors that the machine will not recover from end it at once: while they pile up the
// state never leaves PENDING.
func (b *ImageBuilder) await(ctx context.Context, want string) error {
	a := b.appstream
	a.forget("appstream:DescribeImageBuilders", b.turn.region)
	return a.watch(ctx, b.turn, watching{
		op: "appstream:DescribeImageBuilders", region: b.turn.region, name: b.name,
		bound: b.turn.bound("ready_timeout", readyBound), what: "image builder " + b.name,
		look: func(thing object, since time.Duration) (bool, error) {
			state := text(thing, "State")
			if e := fatal(list(thing, "ImageBuilderErrors")); e != nil && state != want {
				return false, b.turn.fail(text(e, "ErrorCode"), "image builder %s does not come up: %s", b.name, withHint(e))
			}
			switch {
			case state == want:
				return true, nil
			case state == "FAILED":
				reason := sub(thing, "StateChangeReason")
				return false, b.turn.fail(buildFailed, "image builder %s FAILED: %s", b.name, cmp.Or(text(reason, "Message"), text(reason, "Code"), "AWS does not say why"))
			case thing == nil && since > hidden:
				return false, b.turn.fail(buildFailed, "image builder %s is not there: something else deleted it.", b.name)
			case state == "STOPPED" && want == running:
				_, err := a.clients.answer(ctx, "appstream:StartImageBuilder", b.turn.region, object{"Name": b.name})
				a.forget("appstream:DescribeImageBuilders", b.turn.region)
				return false, err
			}
			return false, nil
		},
	})
}

// imageBuilder is one machine; nil where it is not there.
func (c *Clients) imageBuilder(ctx context.Context, region, name string) (object, error) {
	return c.named(ctx, "appstream:DescribeImageBuilders", region, name)
}

// buildImage makes an image on a machine of its own, which is gone when this returns, however it ends.
func (a *appstreamDriver) buildImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	if t.change.Verb == planner.Wait {
		out, err := a.follow(ctx, t, imageBound)
		return out, errors.Join(err, a.sweep(ctx, t))
	}
	if a.Worker == nil {
		return nil, t.fail("UnsupportedOperation", "this program cannot work inside of an image builder: it was put together without a session.")
	}
	a.tagRun(t)
	if err := a.sweep(ctx, t); err != nil {
		return nil, err
	}
	if out, done, err := a.madeMeanwhile(ctx, t); done || err != nil {
		return out, err
	}
	b, err := a.launch(ctx, t)
	if err != nil {
		return nil, err
	}
	stop := a.lease(ctx, b)
	out, err := a.workOn(ctx, b)
	stop()
	return out, a.end(ctx, b, err)
}

// madeMeanwhile takes the image that another run made since the plan; one that failed is deleted.
func (a *appstreamDriver) madeMeanwhile(ctx context.Context, t *turn) (executor.Outputs, bool, error) {
	image, err := a.clients.appstreamImage(ctx, t.region, t.name())
	switch {
	case err != nil || image == nil:
		return nil, false, err
	case text(image, "State") == "FAILED":
		return nil, false, a.drop(ctx, t, t.name())
	case t.change.Fixed != "":
		tags, tagErr := a.clients.tagsOf(ctx, t.region, text(image, "Arn"))
		if tagErr != nil {
			return nil, false, tagErr
		}
		if text(tags, planner.TagDigest) != t.change.Digest {
			return nil, false, t.fail(appstreamTaken, "image %s exists with other content. Take another name, or leave it out.", t.name())
		}
	}
	out, err := a.follow(ctx, t, imageBound)
	return out, true, err
}

// builderName is a name that no other run uses: two that share one would work in each other's machine.
func (a *appstreamDriver) builderName(image string) string {
	suffix := "-" + strings.ToLower(rand.Text()[:6])
	if a.Run != "" {
		suffix = "-" + a.Run + suffix
	}
	const longest = 100
	return image[:min(len(image), longest-len(suffix))] + suffix
}

// launch makes the machine. A call that was answered by nothing may have made it: the name says so.
func (a *appstreamDriver) launch(ctx context.Context, t *turn) (*ImageBuilder, error) {
	b := &ImageBuilder{appstream: a, turn: t, image: t.name(), name: a.builderName(t.name())}
	in := maps.Clone(t.in)
	in["Name"] = b.name
	tags := tagged(in["Tags"], planner.TagRun, cmp.Or(a.Run, "unnamed"))
	lives := t.bound("ready_timeout", readyBound) + t.bound("timeout", imageBound) + imageBound
	tags = tagged(tags, planner.TagExpires, time.Now().Add(lives).UTC().Format(time.RFC3339))
	in["Tags"] = tagged(tags, planner.TagLease, time.Now().Add(a.leased()).UTC().Format(time.RFC3339Nano))
	out, err := a.create(ctx, t, "appstream:CreateImageBuilder", in)
	if err == nil {
		b.arn = text(sub(out, "ImageBuilder"), "Arn")
		return b, nil
	}
	if _, nobody := errors.AsType[*executor.Failure](err); nobody { // it may run and cost money all the same
		return nil, a.end(ctx, b, err)
	}
	if code := Code(err); code == appstreamTaken || code == ConnectionFailed || ctx.Err() != nil {
		return a.relaunched(ctx, b, err)
	}
	return nil, err
}

// lookGrace is what looking for a machine may take of an interrupted run's last seconds, so that some are left to stop it.
const lookGrace = 800 * time.Millisecond

// relaunched finds the machine that a call without an answer may have made.
func (a *appstreamDriver) relaunched(ctx context.Context, b *ImageBuilder, err error) (*ImageBuilder, error) {
	last, done := executor.Linger(ctx, executor.CallGrace)
	if ctx.Err() != nil {
		last, done = context.WithTimeout(context.WithoutCancel(ctx), lookGrace)
	}
	defer done()
	thing, lookErr := a.clients.imageBuilder(last, b.turn.region, b.name)
	if lookErr == nil && thing != nil {
		b.arn = text(thing, "Arn")
		return b, nil
	}
	if ctx.Err() == nil || unansweredCall(err) == "" {
		return nil, err
	}
	return nil, &executor.InterruptedError{
		ARN: b.name, Lives: true, Cause: context.Cause(ctx),
		Fate: fmt.Sprintf("interrupted; AWS did not answer CreateImageBuilder in time, so image builder %s may be starting and cost money: find out with %s; the next run, or imagebuild gc, deletes it",
			b.name, fmt.Sprintf("aws appstream describe-image-builders --region %s --names %s", b.turn.region, b.name)),
	}
}

// leased is for how long a machine is sure to have a run that works on it.
func (a *appstreamDriver) leased() time.Duration { return cmp.Or(a.Lease, 3*time.Minute) }

// lease renews the tag by which other runs see that the machine is being worked on, until stop is called.
func (a *appstreamDriver) lease(ctx context.Context, b *ImageBuilder) (stop func()) {
	renewing, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for sleep(renewing, a.leased()/3) == nil {
			// A renewal that fails is followed by the next: the lease covers three.
			_, err := a.clients.once(renewing, "appstream:TagResource", b.turn.region, object{
				"ResourceArn": b.arn, "Tags": object{planner.TagLease: time.Now().Add(a.leased()).UTC().Format(time.RFC3339Nano)},
			})
			if err != nil && renewing.Err() == nil && Classify(err) == nil {
				return // it is gone, or may not be tagged
			}
		}
	}()
	return func() { cancel(); <-over }
}

// workOn does the work in the machine and returns once the image is finished.
func (a *appstreamDriver) workOn(ctx context.Context, b *ImageBuilder) (executor.Outputs, error) {
	if err := b.await(ctx, running); err != nil {
		return nil, err
	}
	if err := a.software(ctx, b); err != nil {
		return nil, err
	}
	work := named(b.turn.change.Work, b.image, b.turn.in["Tags"])
	worked := a.Worker.Work(ctx, Job{Addr: b.turn.change.Addr, Work: work, Machine: b, Emit: b.turn.emit})
	if worked == nil {
		return a.pictured(ctx, b)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// The session ends with the machine's picture being taken, so that its end alone says nothing.
	begun, err := b.Begun(ctx, b.image)
	if err != nil {
		return nil, errors.Join(worked, err)
	}
	if begun {
		return a.pictured(ctx, b)
	}
	if out, done, metErr := a.madeMeanwhile(ctx, b.turn); done { // another run was first
		return out, metErr
	}
	return nil, worked
}

// named is the work with the image's name and tags put in, which follow from the digest of the work.
func named(w *planner.Work, image string, tags any) *planner.Work {
	out := *w
	out.Steps = slices.Clone(w.Steps)
	for i, s := range out.Steps {
		if s.Action == planner.WorkCreateImage {
			s.Input = maps.Clone(s.Input)
			s.Input["name"], s.Input["tags"] = image, tags
			out.Steps[i] = s
		}
	}
	return &out
}

// pictured waits for the image that the machine makes.
func (a *appstreamDriver) pictured(ctx context.Context, b *ImageBuilder) (executor.Outputs, error) {
	a.forget("appstream:DescribeImages", b.turn.region)
	return a.follow(ctx, b.turn, imageBound)
}

// software waits until licence-included software is installed; one attempt that failed is repeated.
func (a *appstreamDriver) software(ctx context.Context, b *ImageBuilder) error {
	if _, wanted := b.turn.in["SoftwaresToInstall"]; !wanted {
		return nil
	}
	retried, until := false, time.Now().Add(b.turn.bound("ready_timeout", readyBound))
	for {
		rows, err := a.clients.all(ctx, "appstream:DescribeSoftwareAssociations", b.turn.region, object{"AssociatedResource": b.arn})
		if err != nil {
			return err
		}
		open, failed := rowsLeft(rows)
		switch {
		case len(failed) > 0 && retried:
			return b.turn.fail(buildFailed, "software could not be deployed to image builder %s: %s", b.name, strings.Join(failed, "; "))
		case len(failed) > 0 || len(open) > 0 && !retried && slices.Contains(open, "STAGED_FOR_INSTALLATION"):
			retried = true
			_, err = a.clients.answer(ctx, "appstream:StartSoftwareDeploymentToImageBuilder", b.turn.region,
				object{"ImageBuilderName": b.name, "RetryFailedDeployments": len(failed) > 0})
			if err != nil {
				return err
			}
		case len(open) == 0:
			return b.await(ctx, running)
		case time.Now().After(until):
			return b.turn.fail("Timeout", "software is still being deployed to image builder %s: %s", b.name, strings.Join(open, ", "))
		}
		if err = sleep(ctx, a.interval); err != nil {
			return err
		}
	}
}

// rowsLeft are the states of software that is not there yet, and what failed.
func rowsLeft(rows []object) (open, failed []string) {
	for _, row := range rows {
		switch state := text(row, "Status"); {
		case strings.HasPrefix(state, "FAILED_TO_"):
			var said []string
			for _, e := range list(row, "DeploymentError") {
				said = append(said, withHint(e))
			}
			failed = append(failed, strings.TrimSpace(text(row, "SoftwareName")+" "+state+" "+strings.Join(said, " ")))
		case state != "INSTALLED" && state != "":
			open = append(open, state)
		}
	}
	return open, failed
}
