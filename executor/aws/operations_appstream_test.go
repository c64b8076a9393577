package aws_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/appstream/types"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

// Every operation of AppStream's model can be called, since whoever adds one to the model must find it here.
func TestAllOfAppStreamCanBeCalled(t *testing.T) {
	model, err := awsmodel.Get("appstream")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for op := range model.Operations() {
		n++
		if err := aws.Check(planner.Op("appstream:"+op.Name), json.RawMessage(`{}`)); err != nil {
			t.Error(err)
		}
	}
	if n != 89 {
		t.Errorf("the model has %d operations", n)
	}
}

// Some of AppStream's members begin with a small letter, and the SDK's decoder tells the two apart.
func TestMixedCaseMembersComeBackAsTheWireHasThem(t *testing.T) {
	yes, account := true, "111122223333"
	allowed := &types.ImagePermissions{AllowFleet: &yes}
	for _, tt := range []struct {
		op   planner.Op
		out  any
		want string
	}{
		{
			"appstream:DescribeImagePermissions",
			appstream.DescribeImagePermissionsOutput{SharedImagePermissionsList: []types.SharedImagePermissions{
				{SharedAccountId: &account, ImagePermissions: allowed},
			}},
			`{"SharedImagePermissionsList":[{"imagePermissions":{"allowFleet":true},"sharedAccountId":"111122223333"}]}`,
		},
		{
			"appstream:CreateUpdatedImage",
			appstream.CreateUpdatedImageOutput{CanUpdateImage: &yes, Image: &types.Image{ImagePermissions: allowed}},
			`{"canUpdateImage":true,"image":{"ImagePermissions":{"allowFleet":true}}}`,
		},
		{"appstream:DescribeFleets", appstream.DescribeFleetsOutput{NextToken: &account}, `{"NextToken":"111122223333"}`},
	} {
		got, err := json.Marshal(aws.Wire(tt.op, tt.out))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s, want %s (%v)", tt.op, got, tt.want, err)
		}
	}
}
