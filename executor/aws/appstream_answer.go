package aws

import (
	"context"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// answered are the members by which the answer of a create names what was created. Images are not among them: they are
// followed by the name that was asked for, whatever the answer said.
var answered = map[planner.Op]string{ //nolint:gochecknoglobals // a table, never written
	"appstream:CreateFleet": "Fleet.Arn", "appstream:CreateStack": "Stack.Arn", "appstream:CreateImageBuilder": "ImageBuilder.Arn",
	"appstream:CreateExportImageTask": "ExportImageTask.TaskId", "appstream:CreateDirectoryConfig": "DirectoryConfig.DirectoryName",
}

// create makes the call of a create. An answer that doesn't name what was created is a failure of its own.
func (a *appstreamDriver) create(ctx context.Context, t *turn, op planner.Op, in object) (object, error) {
	out, err := a.clients.once(ctx, op, a.callRegion(t), in)
	if err == nil && saysNothing(op, out) {
		err = &executor.Failure{Code: missingOutput, Operation: op, Range: t.change.Origin, Message: missingARN(op)}
	}
	return out, err
}

// saysNothing reports whether the answer of a create doesn't name what was created.
func saysNothing(op planner.Op, out object) bool {
	path, ok := answered[op]
	if !ok {
		return false
	}
	v, _ := at(out, path)
	name, _ := v.(string)
	return name == ""
}
