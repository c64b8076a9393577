package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/appstream/types"
)

// An ExportRequest asks for an AMI of an image.
type ExportRequest struct {
	Name        string // of the image
	AMIName     string
	Role        string // the ARN of a role that AppStream assumes to make the AMI
	Description string
	Tags        map[string]string
	Detach      bool // return when the export has begun
}

// An Export is a task that makes an AMI of an image.
type Export struct {
	TaskID string   `json:"task_id"`
	Image  string   `json:"image_arn"`
	AMI    string   `json:"ami_id,omitempty"` // once there is one
	Name   string   `json:"ami_name"`
	State  string   `json:"state"` // EXPORTING, COMPLETED, FAILED, TIMED_OUT
	Errors []string `json:"errors,omitempty"`
}

func export(t *types.ExportImageTask) Export {
	out := Export{
		TaskID: sdk.ToString(t.TaskId), Image: sdk.ToString(t.ImageArn), AMI: sdk.ToString(t.AmiId), Name: sdk.ToString(t.AmiName), State: string(t.State),
	}
	for _, e := range t.ErrorDetails {
		out.Errors = append(out.Errors, sdk.ToString(e.ErrorCode)+": "+sdk.ToString(e.ErrorMessage))
	}
	return out
}

// Export has an AMI made of an image and waits for it. A task for the same image and AMI name that is under way, or
// done, is taken up. AppStream takes the agent and license-included applications out.
func (s *StreamImages) Export(ctx context.Context, r ExportRequest) (Export, error) {
	img, err := s.own(ctx, r.Name)
	if err != nil {
		return Export{}, err
	}
	if img.State != "AVAILABLE" {
		return Export{}, &StreamError{Message: fmt.Sprintf("the image %s is %s", r.Name, img.State), Hint: "only AVAILABLE images can be exported"}
	}
	task, ok, err := s.exporting(ctx, img.ARN, r.AMIName)
	if err != nil {
		return task, err
	}
	if !ok {
		in := object{"ImageName": r.Name, "AmiName": r.AMIName, "IamRoleArn": r.Role}
		if r.Description != "" {
			in["AmiDescription"] = r.Description
		}
		if len(r.Tags) > 0 {
			in["TagSpecifications"] = r.Tags
		}
		made, err := read[appstream.CreateExportImageTaskOutput](ctx, s.clients, "appstream:CreateExportImageTask", s.region, in)
		if err != nil {
			return task, quotaNamed(err)
		}
		if made.ExportImageTask == nil || sdk.ToString(made.ExportImageTask.TaskId) == "" {
			return task, &StreamError{Message: missingOutput + ": " + missingARN("appstream:CreateExportImageTask")}
		}
		task = export(made.ExportImageTask)
	}
	if r.Detach {
		return task, nil
	}
	return s.awaitExport(ctx, task)
}

// exporting finds a task for the same AMI of the same image that did not fail.
func (s *StreamImages) exporting(ctx context.Context, arn, ami string) (Export, bool, error) {
	in := object{}
	for {
		page, err := read[appstream.ListExportImageTasksOutput](ctx, s.clients, "appstream:ListExportImageTasks", s.region, in)
		if err != nil {
			return Export{}, false, err
		}
		for i := range page.ExportImageTasks {
			t := export(&page.ExportImageTasks[i])
			if t.Image == arn && t.Name == ami && (t.State == "EXPORTING" || t.State == "COMPLETED") {
				return t, true, nil
			}
		}
		if sdk.ToString(page.NextToken) == "" {
			return Export{}, false, nil
		}
		in["NextToken"] = *page.NextToken
	}
}

func (s *StreamImages) awaitExport(ctx context.Context, task Export) (Export, error) {
	for began := time.Now(); ; {
		switch {
		case task.State == "COMPLETED":
			return task, nil
		case task.State == "FAILED" || task.State == "TIMED_OUT":
			return task, &StreamError{Message: fmt.Sprintf("the export %s of %s %s: %s", task.TaskID, task.Name, task.State, strings.Join(task.Errors, "; "))}
		case time.Since(began) > imageBound:
			return task, &StreamError{Message: fmt.Sprintf("the export %s is still %s", task.TaskID, task.State), Hint: "run the same command again to go on waiting"}
		}
		if err := sleep(ctx, s.interval); err != nil {
			return task, err
		}
		out, err := read[appstream.GetExportImageTaskOutput](ctx, s.clients, "appstream:GetExportImageTask", s.region, object{"TaskId": task.TaskID})
		if err != nil {
			return task, err
		}
		if out.ExportImageTask == nil {
			return task, &StreamError{Message: "AWS answered appstream:GetExportImageTask without the export " + task.TaskID, Hint: "run the same command again to go on waiting"}
		}
		task = export(out.ExportImageTask)
	}
}
