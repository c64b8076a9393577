package aws

import (
	"context"
	"errors"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// directory makes or changes a directory configuration, with its password fetched from where it is kept.
func (a *appstreamDriver) directory(ctx context.Context, t *turn) (executor.Outputs, error) {
	credentials := sub(t.in, "ServiceAccountCredentials")
	if password := text(credentials, "AccountPassword"); planner.StoredSecret(password) {
		secret, err := a.clients.Secret(ctx, t.region, password)
		if err != nil {
			return nil, pointed(t.change.Node, err, "ServiceAccountCredentials.AccountPassword")
		}
		t.in["ServiceAccountCredentials"] = object{"AccountName": credentials["AccountName"], "AccountPassword": secret}
	}
	out, err := a.plain(ctx, t)
	if Code(err) == appstreamTaken && t.change.Verb == planner.Create {
		out, err = a.sameDirectory(ctx, t, err)
	}
	if e, ok := errors.AsType[*CallError](err); ok {
		hidden := *e
		hidden.Message = strings.ReplaceAll(e.Message, text(sub(t.in, "ServiceAccountCredentials"), "AccountPassword"), "(sensitive)")
		return out, &hidden
	}
	return out, err
}
