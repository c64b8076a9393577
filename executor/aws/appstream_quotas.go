package aws

import (
	"errors"

	"github.com/org/imagebuild-action/planner"
)

// appstreamQuotas are what the calls that make something may use up, as Service Quotas calls it, where the service is
// appstream2 (AppStream 2.0 Administration Guide, "Service quotas").
var appstreamQuotas = map[planner.Op]string{ //nolint:gochecknoglobals // a table, never written
	"appstream:CreateImportedImage":    "images (L-E1182CCA, 10 by default)",
	"appstream:CopyImage":              "images (L-E1182CCA, 10 by default)",
	"appstream:CreateImageBuilder":     "image builders (L-DE32F884, 10 by default) or machines of this instance type (0 by default for graphics)",
	"appstream:CreateUpdatedImage":     "images (L-E1182CCA, 10 by default), image builders (L-DE32F884, 10 by default) or updates at once (L-9B6418E0, 5 by default)",
	"appstream:CreateFleet":            "fleets (L-3FEADC0C, 10 by default) or machines of this instance type",
	"appstream:StartFleet":             "machines of this instance type",
	"appstream:CreateStack":            "stacks (L-A8B8B901, 10 by default)",
	"appstream:UpdateImagePermissions": "accounts that an image is shared with (L-99A44980, 100 by default)",
}

// usedUp is what to do about a quota that a call met; false for every other error.
func usedUp(err error) (advice string, ok bool) {
	e, ok := errors.AsType[*CallError](err)
	if !ok || e.Code != appstreamQuota {
		return "", false
	}
	advice = "delete what is not needed, or have the quota raised in Service Quotas, service appstream2"
	if quota := appstreamQuotas[e.Op]; quota != "" {
		advice += ": " + quota
	}
	return advice, true
}

// quotaNamed tells a verb that met a quota which one it is.
func quotaNamed(err error) error {
	advice, ok := usedUp(err)
	if !ok {
		return err
	}
	return &StreamError{Message: "a quota is used up", Hint: advice + "; imagebuild appstream delete deletes images", Cause: err}
}
