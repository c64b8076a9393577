package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/org/imagebuild-action/planner"
)

// CancelRun ends the builds of image versions that a run started and left: those that carry the run's
// tag and have not ended. It returns the ARNs of the builds that it asked AWS to end, also with an error.
// It may be called again, and for versions that never came to be.
func (c *Clients) CancelRun(ctx context.Context, region, run string, versions []string) (canceled []string, err error) {
	var errs []error
	for _, version := range versions {
		builds, err := c.builds(ctx, region, version)
		if err != nil {
			errs = append(errs, fmt.Errorf("asking for the builds of %s: %w", version, err))
			continue
		}
		for _, b := range builds {
			arn := text(b, "arn")
			if terminal(stateOf(b)) || text(sub(b, "tags"), planner.TagRun) != run {
				continue
			}
			sum := sha256.Sum256([]byte("cancel " + arn))
			_, err := c.answer(ctx, cancelBuild, region, object{"imageBuildVersionArn": arn, "clientToken": hex.EncodeToString(sum[:])})
			if err != nil && Code(err) != "InvalidParameterValueException" { // the answer for a build that is over
				errs = append(errs, fmt.Errorf("cancelling %s: %w", arn, err))
				continue
			}
			canceled = append(canceled, arn)
		}
	}
	return canceled, errors.Join(errs...)
}

// RemoveRun takes away the AppStream image builders of a run that was interrupted, which cost money while they stand.
// It returns the names of those that are gone, also with an error.
func (c *Clients) RemoveRun(ctx context.Context, region, run string) (removed []string, err error) {
	builders, err := c.all(ctx, "appstream:DescribeImageBuilders", region, nil)
	if err != nil {
		return nil, fmt.Errorf("listing image builders: %w", err)
	}
	var errs []error
	for _, b := range builders {
		tags, err := c.tagsOf(ctx, region, text(b, "Arn"))
		if err != nil {
			errs = append(errs, fmt.Errorf("asking for the tags of image builder %s: %w", text(b, "Name"), err))
			continue
		}
		if tags[planner.TagRun] != run {
			continue
		}
		if err = c.RemoveImageBuilder(ctx, region, text(b, "Name"), func(string) {}); err != nil {
			errs = append(errs, fmt.Errorf("removing image builder %s: %w", text(b, "Name"), err))
			continue
		}
		removed = append(removed, text(b, "Name"))
	}
	return removed, errors.Join(errs...)
}
