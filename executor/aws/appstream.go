package aws

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// A Worker does what is to be done inside a machine. It returns when the last step has begun the making of the
// image: whether the image came to be is for AWS to say, and not for the session, which ends with it.
type Worker interface {
	Work(ctx context.Context, j Job) error
}

// A Job is work in one image builder.
type Job struct {
	Addr    dsl.Addr
	Work    *planner.Work
	Machine *ImageBuilder
	Emit    func(executor.Event)
}

// The bounds of what AppStream takes its time for, where the configuration has none. AWS publishes no such bounds;
// these are two to four times what its users report.
const (
	readyBound  = time.Hour
	imageBound  = 2 * time.Hour
	updateBound = 8 * time.Hour
	deleteBound = 30 * time.Minute
	fleetBound  = time.Hour
	healthBound = 30 * time.Minute
	// hidden is how long an image may not be listed although its making has begun.
	hidden = 5 * time.Minute
)

// Codes of AppStream that more than one place decides on.
const (
	appstreamGone       = "ResourceNotFoundException"
	appstreamTaken      = "ResourceAlreadyExistsException"
	appstreamQuota      = "LimitExceededException"
	appstreamDryRun     = "DryRunOperationException"
	appstreamNotAllowed = "OperationNotPermittedException"
	appstreamInUse      = "ResourceInUseException"
)

// An appstreamDriver carries out changes of AppStream. What takes long is followed here rather than by the follower of
// Image Builder: its builders must be cleaned up whatever happens, and its images cannot be canceled.
type appstreamDriver struct {
	*driver
	interval time.Duration

	mu       sync.Mutex
	listings map[listingKey]*listing
	copies   map[string]chan struct{} // by destination region: how many may be under way
	notes    map[dsl.Addr]bool        // fleets that this run stopped for a change, and noted it on them
}

func newAppStream(d *driver) *appstreamDriver {
	return &appstreamDriver{
		driver: d, interval: cmp.Or(d.Interval, 2*defaultInterval),
		listings: map[listingKey]*listing{}, copies: map[string]chan struct{}{}, notes: map[dsl.Addr]bool{},
	}
}

// A turn is one change being carried out.
type turn struct {
	change *planner.Change
	in     planner.Object
	region string
	emit   func(executor.Event)
}

// name is what the change's resource is called.
func (t *turn) name() string {
	s, _ := t.in[cmp.Or(t.change.Kind.NameMember, "name")].(string)
	if s == "" {
		s, _ = t.change.Known["name"].(string)
	}
	return s
}

func (t *turn) progress(state string) {
	t.emit(executor.Progressed{Addr: t.change.Addr, At: time.Now(), State: state})
}

// bound is a duration of the change's settings, or else the one given.
func (t *turn) bound(setting string, otherwise time.Duration) time.Duration {
	if n, ok := t.change.Settings[setting].(int64); ok && n > 0 {
		return time.Duration(n) * time.Second
	}
	return otherwise
}

// fail is a failure of our own, at what caused the change.
func (t *turn) fail(code, format string, args ...any) error {
	return &executor.Failure{Code: code, Operation: t.change.Kind.Create, Range: t.change.Origin, Message: fmt.Sprintf(format, args...)}
}

// do carries out one change.
func (a *appstreamDriver) do(ctx context.Context, c *planner.Change, in planner.Object, emit func(executor.Event)) (executor.Outputs, error) {
	t := &turn{change: c, in: maps.Clone(in), region: cmp.Or(c.Region, a.Region), emit: emit}
	op := c.Op
	if c.Verb == planner.Wait {
		op = c.Kind.Create
	}
	carry, ok := map[planner.Op]func(context.Context, *turn) (executor.Outputs, error){
		"appstream:CreateImportedImage":   a.importImage,
		"appstream:CreateImageBuilder":    a.buildImage,
		"appstream:CreateUpdatedImage":    a.updateImage,
		"appstream:CopyImage":             a.copyImage,
		"appstream:TagResource":           a.tagCopy,
		"appstream:CreateExportImageTask": a.exportImage,
		"appstream:DeleteImage":           a.deleteImage,
		"appstream:DeleteImageBuilder":    a.deleteBuilder,
		"appstream:CreateFleet":           a.createFleet,
		"appstream:UpdateFleet":           a.updateFleet,
		"appstream:StartFleet":            a.finishFleet,
		"appstream:CreateDirectoryConfig": a.directory,
		"appstream:UpdateDirectoryConfig": a.directory,
	}[op]
	if !ok {
		carry = a.plain
	}
	out, err := carry(ctx, t)
	if err != nil {
		return out, failure(c.Node, err)
	}
	return out, nil
}

// plain makes the change's call and nothing else.
func (a *appstreamDriver) plain(ctx context.Context, t *turn) (executor.Outputs, error) {
	a.tagRun(t)
	out, err := a.create(ctx, t, t.change.Op, t.in)
	switch {
	case Code(err) == appstreamGone && t.change.Verb == planner.Delete:
		return nil, nil
	case err != nil:
		return a.twin(ctx, t, err)
	}
	made := executor.Outputs{"name": t.name()}
	for attr, path := range t.change.Kind.Outputs {
		if v, found := at(out, path); found {
			made[attr] = v
		}
	}
	return made, nil
}

// callRegion is the region that the call is made in: an image is copied from where it is.
func (a *appstreamDriver) callRegion(t *turn) string {
	if t.change.Op == "appstream:CopyImage" {
		return a.Region
	}
	return t.region
}

// tagRun says which run made something.
func (a *appstreamDriver) tagRun(t *turn) {
	member := cmp.Or(t.change.Kind.TagsMember, "tags")
	if _, taggable := t.in[member]; !taggable {
		return
	}
	if a.Run != "" {
		t.in[member] = tagged(t.in[member], planner.TagRun, a.Run)
	}
	if a.PullRequest != nil {
		t.in[member] = tagged(t.in[member], planner.TagExpires, a.expires())
	}
}

// at is the value at a path of members, "Image.Arn".
func at(o object, path string) (any, bool) {
	var v any = o
	for _, m := range splitPath(path) {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = inner[m]; !ok {
			return nil, false
		}
	}
	return v, true
}
