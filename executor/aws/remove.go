package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// dependedOn is the code of what AWS does not delete because something needs it.
const dependedOn = "ResourceDependencyException"

// gone are the codes that say that what is to be deleted is not there: deleting goes on where an
// earlier run stopped.
var gone = []string{notFound, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"} //nolint:gochecknoglobals // a table, never written

// remove deletes one thing.
func (d *driver) remove(ctx context.Context, c *planner.Change, in planner.Object) (executor.Outputs, error) {
	out, err := d.clients.once(ctx, c.Op, cmp.Or(c.Region, d.Region), in)
	if slices.Contains(gone, Code(err)) {
		return known(c), nil
	}
	if err != nil {
		return nil, failure(c.Node, err)
	}
	var left []string
	for _, s := range list(out, "DeleteSnapshotResults") {
		// "skipped" is a snapshot that another AMI has too.
		if code := text(s, "ReturnCode"); code != "success" && code != "skipped" {
			left = append(left, text(s, "SnapshotId")+" ("+code+")")
		}
	}
	if len(left) > 0 {
		return nil, &executor.Failure{
			Code: "SnapshotsLeft", Operation: c.Op, Range: c.Origin,
			Message: "the AMI is gone, and these of its snapshots are not: " + strings.Join(left, ", ") + ". Delete them by hand.",
		}
	}
	return known(c), nil
}

// Cancel ends builds, side by side and without waiting for a turn, since it is called when there is
// little time left. Builds that are over are no failure. It returns the ARNs of those that were ended.
func (c *Clients) Cancel(ctx context.Context, region string, images []string) ([]string, error) {
	var mu sync.Mutex
	var ended []string
	var work errgroup.Group
	work.SetLimit(abreast)
	for _, arn := range images {
		work.Go(func() error {
			_, err := c.answer(ctx, cancelBuild, region, object{"imageBuildVersionArn": arn})
			switch Code(err) {
			case "InvalidParameterValueException", notFound: // it is over, or gone
				return nil
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, arn)
			}
			return err
		})
	}
	err := work.Wait()
	slices.Sort(ended)
	return ended, err
}

// Ended waits until builds are over, asking after each every interval, or ctx ends.
func (c *Clients) Ended(ctx context.Context, region string, images []string, interval time.Duration) error {
	open := slices.Clone(images)
	for {
		var still []string
		for _, arn := range open {
			image, err := c.get(ctx, "imagebuilder:GetImage", region, arn)
			if err != nil {
				return err
			}
			if image != nil && !terminal(stateOf(image)) {
				still = append(still, arn)
			}
		}
		if open = still; len(open) == 0 {
			return nil
		}
		if err := sleep(ctx, interval); err != nil {
			return fmt.Errorf("waiting for %s to be cancelled: %w", strings.Join(open, ", "), err)
		}
	}
}
