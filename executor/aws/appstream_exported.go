package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// exported looks for the AMI first, whose name is unique in an account, and then for an export that is under way. Either is
// this export's only when it is of the same image.
func (o *observer) exported(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	out, err := o.clients.answer(ctx, "ec2:DescribeImages", o.regionOf(n), object{
		"Owners": []any{"self"}, "Filters": []any{object{"Name": "name", "Values": []any{n.Known["name"]}}},
	})
	if err != nil {
		return nil, err
	}
	tasks, err := o.listed(ctx, "appstream:ListExportImageTasks", o.regionOf(n))
	if err != nil {
		return nil, err
	}
	if amis := list(out, "Images"); len(amis) > 0 {
		ami := amis[0]
		if !exportOf(n, ami, tasks) {
			o.foreign(n, "The AMI "+text(ami, "ImageId"))
			return &planner.Observed{}, nil
		}
		return &planner.Observed{Exists: true, State: "COMPLETED", Outputs: map[string]any{"ami": text(ami, "ImageId"), "name": n.Known["name"]}}, nil
	}
	for _, task := range tasks {
		if text(task, "AmiName") != n.Known["name"] || text(task, "State") != "EXPORTING" {
			continue
		}
		if !ofImage(n, task) {
			o.foreign(n, "The AMI of the export "+text(task, "TaskId"))
			return &planner.Observed{}, nil
		}
		return &planner.Observed{Exists: true, State: "EXPORTING", Outputs: map[string]any{"task": text(task, "TaskId"), "name": n.Known["name"]}}, nil
	}
	return &planner.Observed{}, nil
}

// exportOf says whether an AMI was made by an export of a node's image: by the task that made it, or by the tags that the task
// was given where AppStream doesn't list it any more.
func exportOf(n *planner.Node, ami object, tasks []object) bool {
	for _, task := range tasks {
		if text(task, "AmiId") == text(ami, "ImageId") {
			return ofImage(n, task)
		}
	}
	tags := map[string]string{}
	for _, tag := range list(ami, "Tags") {
		tags[text(tag, "Key")] = text(tag, "Value")
	}
	return tags[planner.TagAddress] == planner.TagAddressOf(n) && tags[planner.TagDigest] == n.Digest
}

// ofImage says whether a task exports the image that a node names; yes where that image's name isn't known yet.
func ofImage(n *planner.Node, task object) bool {
	name, known := n.Input["ImageName"].(string)
	return !known || strings.HasSuffix(text(task, "ImageArn"), ":image/"+name)
}

func (o *observer) foreign(n *planner.Node, what string) {
	name, _ := n.Known["name"].(string)
	image, _ := n.Input["ImageName"].(string)
	at := written(n, "AmiName")
	o.report(&hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: "AMI name in use", Subject: at.Ptr(),
		Detail: fmt.Sprintf("%s in %s has the name %s and isn't an export of the AppStream image %s. Choose another ami_name, or deregister that AMI first.",
			awsmodel.Printable(what), o.regionOf(n), awsmodel.Printable(name), awsmodel.Printable(image)),
	})
}
