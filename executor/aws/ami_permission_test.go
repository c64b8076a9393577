package aws_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// ask makes one call and returns its output, or fails the test.
func ask(t *testing.T, c *aws.Clients, op planner.Op, in string) string {
	t.Helper()
	out, err := c.Call(t.Context(), op, region, json.RawMessage(in))
	if err != nil {
		t.Fatalf("%s %s: %v", op, in, err)
	}
	return string(out)
}

// The sandbox's permissions of AMIs and snapshots, as the SDK writes and reads them.
func TestPermissionsOfAMIs(t *testing.T) {
	t.Parallel()
	c, _, _ := connect(t)
	p := plan(t, c, map[string]string{"main.ib.hcl": strings.ReplaceAll(staged, "%s", "aws:amazon-linux-2023-x86")})
	r := carryOut(t.Context(), p, c.Driver(aws.Options{Interval: 50e6, CallsPerSecond: 1000, Run: "1"}))
	if r.err != nil {
		t.Fatal(r.err)
	}
	ami, _ := r.finished["image.web"].Outputs["ami"].(string)
	launch := func() string {
		return ask(t, c, "ec2:DescribeImageAttribute", `{"ImageId":"`+ami+`","Attribute":"launchPermission"}`)
	}
	for _, step := range []struct{ in, has, lacks string }{
		{`{"LaunchPermission":{"Add":[{"Group":"all"},{"UserId":"111122223333"}]}}`, `"Group":"all"`, "organization"},
		{`{"LaunchPermission":{"Add":[{"OrganizationArn":"arn:aws:organizations::123456789012:organization/o-abc"},{"OrganizationalUnitArn":"arn:aws:organizations::123456789012:ou/o-abc/ou-1"}]}}`, `"OrganizationalUnitArn":"arn:aws:organizations::123456789012:ou/o-abc/ou-1"`, "zzz"},
		{`{"LaunchPermission":{"Remove":[{"Group":"all"},{"OrganizationArn":"arn:aws:organizations::123456789012:organization/o-abc"}]}}`, "111122223333", `"all"`},
		{`{"Attribute":"launchPermission","OperationType":"remove","UserIds":["111122223333"]}`, ":ou/", "111122223333"},
	} {
		ask(t, c, "ec2:ModifyImageAttribute", `{"ImageId":"`+ami+`",`+step.in[1:])
		if got := launch(); !strings.Contains(got, step.has) || strings.Contains(got, step.lacks) {
			t.Errorf("after %s: %s", step.in, got)
		}
	}
	for name, in := range map[string]string{"account": `{"UserId":"bob"}`, "group": `{"Group":"some"}`, "nothing": ``} {
		if _, err := c.Call(t.Context(), "ec2:ModifyImageAttribute", region, json.RawMessage(`{"ImageId":"`+ami+`","LaunchPermission":{"Add":[`+in+`]}}`)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	snap := "snap-" + strings.TrimPrefix(ami, "ami-")
	ask(t, c, "ec2:ModifySnapshotAttribute", `{"SnapshotId":"`+snap+`","Attribute":"createVolumePermission","CreateVolumePermission":{"Add":[{"UserId":"111122223333"},{"Group":"all"}]}}`)
	ask(t, c, "ec2:ModifySnapshotAttribute", `{"SnapshotId":"`+snap+`","Attribute":"createVolumePermission","CreateVolumePermission":{"Remove":[{"Group":"all"}]}}`)
	got := ask(t, c, "ec2:DescribeSnapshotAttribute", `{"SnapshotId":"`+snap+`","Attribute":"createVolumePermission"}`)
	if !strings.Contains(got, "111122223333") || strings.Contains(got, `"all"`) {
		t.Errorf("snapshot %s", got)
	}
}
