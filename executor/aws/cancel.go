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
