package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
)

// importImage imports an AMI: what can be known of it first, then a dry run, then the import, which takes half an
// hour or more.
func (a *appstreamDriver) importImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	if t.change.Verb != planner.Wait {
		if err := a.checkSource(ctx, t); err != nil {
			return nil, err
		}
		if err := a.begin(ctx, t, a.dryImport); err != nil {
			return nil, err
		}
	}
	return a.follow(ctx, t, imageBound)
}

// checkSource looks at an AMI that this run made: the others were looked at when planning.
func (a *appstreamDriver) checkSource(ctx context.Context, t *turn) error {
	id := text(t.in, "SourceAmiId")
	if id == "" {
		return nil
	}
	found, err := a.clients.sourceImage(ctx, t.region, id)
	if err != nil || len(found) == 0 {
		return err
	}
	at := written(t.change.Node, "SourceAmiId")
	var said []string
	for _, f := range found {
		said = append(said, f.Message+". "+f.Advice)
	}
	return &executor.Failure{
		Code: "IncompatibleImage", Operation: t.change.Op, Range: at,
		Message: fmt.Sprintf("AppStream does not import %s: %s", id, strings.Join(said, " Also, ")),
	}
}

// sourceImage says what keeps AppStream from importing an AMI.
func (c *Clients) sourceImage(ctx context.Context, region, id string) ([]awsmodel.Finding, error) {
	account, _, err := c.Identity(ctx)
	if err != nil {
		return nil, err
	}
	out, err := c.answer(ctx, "ec2:DescribeImages", region, object{"ImageIds": []any{id}})
	if err != nil && Code(err) != "InvalidAMIID.NotFound" && Code(err) != "InvalidAMIID.Unavailable" {
		return nil, err
	}
	images := list(out, "Images")
	if len(images) == 0 {
		return []awsmodel.Finding{{Message: id + " does not exist in " + region, Advice: "Check the id and the region."}}, nil
	}
	return rules.CheckSourceImage(images[0], account), nil
}

// dryImport has AppStream look without making anything: success is an error of its own.
func (a *appstreamDriver) dryImport(ctx context.Context, t *turn) error {
	in := maps.Clone(t.in)
	in["DryRun"] = true
	_, err := a.clients.once(ctx, t.change.Op, t.region, in)
	if Code(err) == appstreamDryRun {
		return nil
	}
	return err
}

// begin makes the call that begins an image. That the image is there with the same content is a hit, also when an
// earlier call was answered by nothing; one that failed is deleted first, since it keeps the name.
func (a *appstreamDriver) begin(ctx context.Context, t *turn, first func(context.Context, *turn) error) error {
	a.tagRun(t)
	name := t.name()
	if t.change.Observed != nil && t.change.Observed.State == "FAILED" {
		if err := a.drop(ctx, t, name); err != nil {
			return err
		}
	}
	err := first(ctx, t)
	if err == nil {
		_, err = a.clients.once(ctx, t.change.Kind.Create, a.Region, t.in)
	}
	if Code(err) != appstreamTaken {
		a.forget("appstream:DescribeImages", t.region)
		return err
	}
	image, lookErr := a.clients.appstreamImage(ctx, t.region, name)
	switch {
	case lookErr != nil:
		return lookErr
	case image == nil:
		return err
	case text(image, "State") == "FAILED":
		if dropErr := a.drop(ctx, t, name); dropErr != nil {
			return dropErr
		}
		_, err = a.clients.once(ctx, t.change.Kind.Create, a.Region, t.in)
		return err
	}
	tags, lookErr := a.clients.tagsOf(ctx, t.region, text(image, "Arn"))
	if lookErr != nil {
		return lookErr
	}
	switch text(tags, planner.TagDigest) {
	case t.change.Digest:
		return nil
	case "":
		if ours, noteErr := a.begunBefore(ctx, t, image); noteErr != nil || ours {
			return noteErr
		}
	}
	return t.fail(appstreamTaken, "image %s was made by something else after the plan. Plan again.", name)
}

// begunBefore says whether an image without tags is a copy that an earlier attempt, or another run, began.
func (a *appstreamDriver) begunBefore(ctx context.Context, t *turn, image object) (bool, error) {
	if t.change.Kind.Create != "appstream:CopyImage" {
		return false, nil // all others have their tags from the start
	}
	one, err := a.noteOf(ctx, t)
	if err != nil {
		return false, err
	}
	return a.clients.begunCopy(ctx, one, image)
}

// appstreamImage is one of the account's images; nil where it is not there.
func (c *Clients) appstreamImage(ctx context.Context, region, name string) (object, error) {
	return c.named(ctx, "appstream:DescribeImages", region, name)
}

// tagsOf are the tags of a resource.
func (c *Clients) tagsOf(ctx context.Context, region, arn string) (object, error) {
	out, err := c.answer(ctx, "appstream:ListTagsForResource", region, object{"ResourceArn": arn})
	if Code(err) == appstreamGone {
		return nil, nil //nolint:nilnil // what is gone has none
	}
	return sub(out, "Tags"), err
}

// follow waits for an image to be AVAILABLE. An interruption leaves it being made: AppStream has no call to end it.
func (a *appstreamDriver) follow(ctx context.Context, t *turn, otherwise time.Duration) (executor.Outputs, error) {
	name, seen := t.name(), false
	var image object
	err := a.watch(ctx, t, watching{
		op: "appstream:DescribeImages", region: t.region, name: name, bound: t.bound("timeout", otherwise), what: "image " + name,
		look: func(thing object, since time.Duration) (bool, error) {
			image = thing
			seen = seen || thing != nil
			return a.settled(t, thing, seen, since)
		},
	})
	if err != nil && ctx.Err() != nil {
		return executor.Outputs{"name": name}, interrupted(ctx, name, "image "+name+" is still being made, and AppStream goes on with it: run the same command again to wait for it")
	}
	if err != nil {
		return nil, err
	}
	return imageOutputs(image), nil
}

// settled says whether an image is finished. The set of states is open: one that is not known here is an image on its way.
func (a *appstreamDriver) settled(t *turn, image object, seen bool, since time.Duration) (bool, error) {
	switch state := text(image, "State"); {
	case image == nil && !seen && since < hidden:
		return false, nil
	case image == nil || state == "DELETING":
		return false, t.fail(buildFailed, "image %s is not there: it was deleted, or its making never began.", t.name())
	case state == available:
		return true, nil
	case state == "FAILED":
		return false, t.fail(buildFailed, "image %s FAILED: %s", t.name(), because(image))
	}
	return false, nil
}

// because is why an image failed: the reason and every error that AppStream tells.
func because(image object) string {
	reason := sub(image, "StateChangeReason")
	said := []string{cmp.Or(text(reason, "Message"), text(reason, "Code"), "AWS does not say why")}
	for _, e := range list(image, "ImageErrors") {
		said = append(said, withHint(e))
	}
	return strings.Join(said, "; ")
}

func imageOutputs(image object) executor.Outputs {
	return executor.Outputs{"arn": text(image, "Arn"), "name": text(image, "Name"), "appstream_image": text(image, "Name")}
}

// updateImage has AWS make an image of another with newer software: whether there is anything to do first. It takes
// hours, so that an interruption leaves it, and the next run waits for it.
func (a *appstreamDriver) updateImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	if t.change.Verb != planner.Wait {
		current := false
		err := a.begin(ctx, t, func(ctx context.Context, t *turn) error {
			in := maps.Clone(t.in)
			in["dryRun"] = true
			out, err := a.clients.once(ctx, t.change.Op, t.region, in)
			if err == nil && out["canUpdateImage"] == false {
				current = true
				return errCurrent
			}
			return err
		})
		if current {
			return a.current(ctx, t)
		}
		if err != nil {
			return nil, err
		}
	}
	return a.follow(ctx, t, updateBound)
}

var errCurrent = errors.New("the image is current")

// current stands for the new image where AWS has nothing to update: the existing one.
func (a *appstreamDriver) current(ctx context.Context, t *turn) (executor.Outputs, error) {
	name := text(t.in, "existingImageName")
	t.progress("CURRENT")
	image, err := a.clients.appstreamImage(ctx, t.region, name)
	if err != nil {
		return nil, err
	}
	out := imageOutputs(image)
	out["remark"] = "AWS has nothing to update in " + name + ", so that no new image was made"
	return out, nil
}

// atOnce is how many copies to one region AppStream makes at once (L-60244546).
const atOnce = 2

// copyImage copies an image to another region, then puts its tags on. A note on the source tells of it in between. AppStream takes two copies to a region at once,
// so that others wait for their turn.
func (a *appstreamDriver) copyImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	leave, err := a.enter(ctx, t.region)
	if err != nil {
		return nil, err
	}
	defer leave()
	one, err := a.noteOf(ctx, t)
	if err != nil {
		return nil, err
	}
	if t.change.Verb != planner.Wait {
		if err = one.note(ctx, a.clients); err != nil {
			return nil, err
		}
		if err = a.beginCopy(ctx, t); err != nil {
			return nil, a.neverBegun(ctx, one, err)
		}
	}
	out, err := a.follow(ctx, t, imageBound)
	if err != nil {
		return out, err
	}
	return out, a.finishCopy(ctx, t, one, out["arn"])
}

// finishCopy gives a copy its tags, and then takes the note from its source.
func (a *appstreamDriver) finishCopy(ctx context.Context, t *turn, one copying, arn any) error {
	tags := planner.LaterTags(t.change.Node)
	if a.Run != "" {
		tags[planner.TagRun] = a.Run
	}
	if _, err := a.clients.answer(ctx, "appstream:TagResource", t.region, object{"ResourceArn": arn, "Tags": tags}); err != nil {
		return err
	}
	return one.unnote(ctx, a.clients)
}

// tagCopy gives a copy the tags that it lacks, which is the end of a copy that an earlier run began.
func (a *appstreamDriver) tagCopy(ctx context.Context, t *turn) (executor.Outputs, error) {
	if a.Run != "" {
		t.in["Tags"] = tagged(t.in["Tags"], planner.TagRun, a.Run)
	}
	out := maps.Clone(t.change.Observed.Outputs)
	if _, err := a.clients.once(ctx, t.change.Op, t.region, t.in); err != nil {
		return nil, err
	}
	for _, in := range t.change.Observed.Beside[besideCopying] {
		account, _, err := a.clients.Identity(ctx)
		if err != nil {
			return out, err
		}
		if err = copyingOf(in, a.Region, account).unnote(ctx, a.clients); err != nil {
			return out, err
		}
	}
	return out, nil
}

// neverBegun takes the note of a copy away that AWS refused. Where a call was not answered, the copy may have begun.
func (a *appstreamDriver) neverBegun(ctx context.Context, one copying, err error) error {
	if ctx.Err() != nil || unansweredCall(err) != "" || Classify(err) != nil {
		return err
	}
	return errors.Join(err, one.unnote(ctx, a.clients))
}

// beginCopy calls until there is room: another program's copies count too.
func (a *appstreamDriver) beginCopy(ctx context.Context, t *turn) error {
	none := func(context.Context, *turn) error { return nil }
	until := time.Now().Add(t.bound("timeout", imageBound))
	for n := 1; ; n++ {
		err := a.begin(ctx, t, none)
		if Code(err) != appstreamQuota || time.Now().After(until) {
			return err
		}
		t.emit(executor.Retried{Addr: t.change.Addr, At: time.Now(), Attempt: n, Wait: a.interval, Err: err})
		if err = sleep(ctx, a.interval); err != nil {
			return err
		}
	}
}

// enter waits for a turn to copy to a region.
func (a *appstreamDriver) enter(ctx context.Context, region string) (leave func(), err error) {
	a.mu.Lock()
	slots, ok := a.copies[region]
	if !ok {
		slots = make(chan struct{}, atOnce)
		a.copies[region] = slots
	}
	a.mu.Unlock()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// exportImage makes an AMI of an image.
func (a *appstreamDriver) exportImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	task := ""
	if t.change.Observed != nil {
		task, _ = t.change.Observed.Outputs["task"].(string)
	}
	if t.change.Verb != planner.Wait {
		out, err := a.create(ctx, t, t.change.Op, t.in)
		if err != nil {
			return nil, err
		}
		task = text(sub(out, "ExportImageTask"), "TaskId")
		a.forget("appstream:ListExportImageTasks", t.region)
	}
	var done object
	err := a.watch(ctx, t, watching{
		op: "appstream:ListExportImageTasks", region: t.region, name: task, bound: t.bound("timeout", imageBound), what: "export " + task,
		look: func(thing object, _ time.Duration) (bool, error) {
			done = thing
			switch state := text(thing, "State"); state {
			case "COMPLETED":
				return true, nil
			case "FAILED", "TIMED_OUT":
				return false, t.fail(buildFailed, "the export of %s ended %s: %s", text(t.in, "ImageName"), state, errorDetails(thing))
			}
			return false, nil
		},
	})
	if err != nil && ctx.Err() != nil {
		return nil, interrupted(ctx, task, "the export "+task+" goes on: run the same command again to wait for it")
	}
	if err != nil {
		return nil, err
	}
	return executor.Outputs{"ami": text(done, "AmiId"), "name": t.name()}, nil
}

func errorDetails(task object) string {
	var said []string
	for _, e := range list(task, "ErrorDetails") {
		said = append(said, strings.TrimPrefix(text(e, "ErrorCode")+": "+text(e, "ErrorMessage"), ": "))
	}
	return cmp.Or(strings.Join(said, "; "), "AWS does not say why.")
}

// deleteImage deletes an image that nothing uses.
func (a *appstreamDriver) deleteImage(ctx context.Context, t *turn) (executor.Outputs, error) {
	return nil, a.drop(ctx, t, text(t.in, "Name"))
}

// drop deletes an image and waits until it is gone.
func (a *appstreamDriver) drop(ctx context.Context, t *turn, name string) error {
	_, err := a.clients.once(ctx, "appstream:DeleteImage", t.region, object{"Name": name})
	if Code(err) == appstreamGone {
		return nil
	}
	if code := Code(err); code == appstreamInUse || code == appstreamNotAllowed {
		return t.fail(code, "image %s cannot be deleted: a fleet uses it, or it is shared. imagebuild appstream delete lists what keeps it.", name)
	}
	if err != nil {
		return err
	}
	a.forget("appstream:DescribeImages", t.region)
	return a.watch(ctx, t, watching{
		op: "appstream:DescribeImages", region: t.region, name: name, bound: deleteBound, what: "image " + name,
		look: func(thing object, _ time.Duration) (bool, error) { return thing == nil, nil },
	})
}
