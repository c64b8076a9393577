package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// A cutOffError is a call that was on its way when its run was interrupted, and whose answer did not come within the
// grace: AWS may have carried it out.
type cutOffError struct {
	op    planner.Op
	cause error
}

func (e *cutOffError) Error() string { return fmt.Sprintf("%s was cut off: %v", e.op, e.cause) }
func (e *cutOffError) Unwrap() error { return e.cause }

// unansweredCall names the call that may have been carried out although its answer did not come; "" for none.
func unansweredCall(err error) planner.Op {
	if e, ok := errors.AsType[*cutOffError](err); ok {
		return e.op
	}
	if e, ok := errors.AsType[*CallError](err); ok && !reads(verbOf(e.Op)) && (e.Code == ConnectionFailed || passing[""][e.Code] == transient || e.Status >= 500) {
		return e.Op
	}
	return ""
}

// lastGrace is what finding out about an unanswered call may take of an interrupted run's last seconds.
const lastGrace = 2500 * time.Millisecond

// regaining looks after builds whose run ended, interrupted or not, without AWS's answer to the call that begins one:
// what it began is found by its version, and canceled as any build of an interrupted run.
func (d *driver) regaining(next executor.Driver) executor.Driver {
	return executor.DriverFunc(func(ctx context.Context, c *planner.Change, in planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
		out, err := next.Do(ctx, c, in, emit)
		if err == nil {
			return out, nil
		}
		if _, told := errors.AsType[*executor.InterruptedError](err); told {
			return out, err
		}
		op := unansweredCall(err)
		switch {
		case building[op] && ctx.Err() != nil:
			return out, d.regain(ctx, c, op)
		case building[op]:
			return out, d.doubtful(ctx, c, err)
		case ctx.Err() != nil && starts[op] != "":
			return out, d.astray(ctx, c, op)
		}
		return out, err
	})
}

// version is the ARN of the image's version; "" where the account is not known.
func (d *driver) version(ctx context.Context, c *planner.Change) string {
	account, _, err := d.clients.Identity(ctx)
	if err != nil {
		return ""
	}
	return planner.ARN(c.Node, awsmodel.PartitionOf(d.Region), d.Region, account)
}

// regain finds the build that an unanswered call began, and ends it if the run's builds are to be ended.
func (d *driver) regain(ctx context.Context, c *planner.Change, op planner.Op) error {
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), lastGrace)
	defer stop()
	version := d.version(last, c)
	e := &executor.InterruptedError{ARN: version, Lives: true, Cause: context.Cause(ctx)}
	arn, err := d.begun(last, c, version)
	switch {
	case err != nil || arn == "":
		e.Fate = fmt.Sprintf("interrupted; AWS did not answer %s in time, so %s may still be building: find out with %s, or run the same command again to wait for it", op, version, d.finding(version))
		return e
	case d.OnCancel == executor.DetachBuilds:
		e.ARN, e.Fate = arn, fmt.Sprintf("interrupted; %s is still being made: run the same command again to wait for it", arn)
		return e
	}
	e.ARN = arn
	_, err = d.clients.once(last, cancelBuild, d.Region, object{"imageBuildVersionArn": arn, "clientToken": token(c, "cancel "+arn)})
	if err != nil && Code(err) != "InvalidParameterValueException" { // the answer for a build that is over
		e.Fate = fmt.Sprintf("interrupted; %s could not be canceled and may still be building: cancel it with aws imagebuilder cancel-image-creation --region %s --image-build-version-arn %s (%v)", arn, d.Region, arn, err)
		return e
	}
	e.Lives, e.Fate = false, fmt.Sprintf("interrupted; %s is being canceled", arn)
	return e
}

// begun is the build of a version that this run began and that goes on; "" where there is none to be seen.
func (d *driver) begun(ctx context.Context, c *planner.Change, version string) (string, error) {
	if version == "" {
		return "", nil
	}
	builds, err := d.clients.builds(ctx, d.Region, version)
	if err != nil {
		return "", err
	}
	newest := 0
	for _, b := range builds {
		newest = max(newest, build(text(b, "arn")))
	}
	// A list may lag behind; the next build has the next number, and reading it does not lag.
	if next, getErr := d.clients.get(ctx, "imagebuilder:GetImage", d.Region, fmt.Sprint(version, "/", newest+1)); getErr == nil && next != nil {
		builds = append(builds, next)
	}
	i := slices.IndexFunc(builds, func(b object) bool {
		own := text(sub(b, "tags"), planner.TagRun) == d.Run && text(sub(b, "tags"), planner.TagDigest) == c.Digest
		return !terminal(stateOf(b)) && (d.Run == "" || own) && text(b, "arn") != observedARN(c)
	})
	if i < 0 {
		return "", nil
	}
	return text(builds[i], "arn"), nil
}

// finding is the command that shows the builds of a version.
func (d *driver) finding(version string) string {
	return fmt.Sprintf("aws imagebuilder list-image-build-versions --region %s --image-version-arn %s", d.Region, version)
}

// doubtful adds to a failure that what failed may have begun all the same.
func (d *driver) doubtful(ctx context.Context, c *planner.Change, err error) error {
	f, ok := errors.AsType[*executor.Failure](err)
	if !ok {
		return err
	}
	more := *f
	version := d.version(ctx, c)
	more.Message = strings.TrimRight(f.Message, ".") + fmt.Sprintf(". The build may have begun all the same: the same command waits for it then; %s shows it.", d.finding(version))
	return &more
}

// starts are the calls of AppStream that begin what costs money or takes long, with the command that shows it by its name.
var starts = map[planner.Op]string{ //nolint:gochecknoglobals // a table, never written
	"appstream:CreateImportedImage":   "aws appstream describe-images --region %s --names %s",
	"appstream:CreateUpdatedImage":    "aws appstream describe-images --region %s --names %s",
	"appstream:CopyImage":             "aws appstream describe-images --region %s --names %s",
	"appstream:CreateExportImageTask": "aws appstream list-export-image-tasks --region %s --filters Name=ImageName,Values=%s",
	"appstream:CreateImageBuilder":    "aws appstream describe-image-builders --region %s --query \"ImageBuilders[?starts_with(Name, '%s')]\"",
	"appstream:CreateFleet":           "aws appstream describe-fleets --region %s --names %s",
	"appstream:StartFleet":            "aws appstream describe-fleets --region %s --names %s",
}

// astray tells that a call of AppStream's was not answered.
func (d *driver) astray(ctx context.Context, c *planner.Change, op planner.Op) error {
	name, _ := c.Known["name"].(string)
	return &executor.InterruptedError{
		ARN: name, Lives: true, Cause: context.Cause(ctx),
		Fate: fmt.Sprintf("interrupted; AWS did not answer %s in time, so %s may have begun: find out with %s, or run the same command again to go on with it",
			op, name, fmt.Sprintf(starts[op], cmp.Or(c.Region, d.Region), name)),
	}
}

// verbOf is an operation's name without its service.
func verbOf(op planner.Op) string {
	_, verb, _ := strings.Cut(string(op), ":")
	return verb
}
