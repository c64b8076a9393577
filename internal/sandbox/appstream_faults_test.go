package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/appstream/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

func faults(t *testing.T, script string) []sandbox.Fault {
	t.Helper()
	out, err := sandbox.ReadFaults(strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadFaults(t *testing.T) {
	for script, want := range map[string]string{
		`{}`:                                     "it must be a JSON array",
		`[] []`:                                  "one JSON array",
		`[{"code":"X"}]`:                         `fault 1: it must name an "operation"`,
		`[{"operation":"CreateFleet"}]`:          `it must have the "code"`,
		`[{"operation":"X","effect":"explode"}]`: "it is one of stuck, fail",
		`[{"operation":"X","effect":"stuck","resource":"["}]`: "cannot be read",
		`[{"operation":"X","reason":"y"}]`:                    "unknown field",
	} {
		if _, err := sandbox.ReadFaults(strings.NewReader(script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
}

func TestStreamFaultsOfCalls(t *testing.T) {
	f, _ := slow(t, sandbox.Options{Faults: faults(t, `[
		{"operation": "CreateImageBuilder", "count": 2, "code": "InvalidRoleException", "message": "AppStream 2.0 encountered an error because your IAM role 'r' is invalid"},
		{"operation": "appstream:DescribeImageBuilders", "first": 2, "code": "ThrottlingException"},
		{"operation": "StopImageBuilder", "code": "ConcurrentModificationException"}
	]`)})
	in := &appstream.CreateImageBuilderInput{Name: aws.String("b"), InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String(base)}
	for range 2 {
		_, err := f.app.CreateImageBuilder(t.Context(), in)
		f.refused(err, "InvalidRoleException", "'r'")
	}
	must[*appstream.CreateImageBuilderOutput](f)(f.app.CreateImageBuilder(t.Context(), in))
	f.describeBuilder("b")
	_, err := f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{})
	f.refused(err, "ThrottlingException")
	f.describeBuilder("b")
	_, err = f.app.StopImageBuilder(t.Context(), &appstream.StopImageBuilderInput{Name: aws.String("b")})
	f.refused(err, "ConcurrentModificationException")
}

// TestStreamMishaps: what goes wrong after the call has been answered.
func TestStreamMishaps(t *testing.T) {
	f, now := slow(t, sandbox.Options{Faults: faults(t, `[
		{"operation": "CreateImageBuilder", "count": -1, "resource": "stuck", "effect": "stuck", "code": "DOMAIN_JOIN_ERROR_ACCESS_DENIED", "message": "no right to join"},
		{"operation": "CreateImageBuilder", "count": -1, "resource": "silent", "effect": "stuck"},
		{"operation": "CreateImageBuilder", "count": -1, "resource": "failed", "effect": "fail", "code": "SUBNET_NOT_FOUND", "message": "no such subnet"},
		{"operation": "CreateImageBuilder", "count": -1, "resource": "nowhere*", "effect": "no-address", "describes": 2},
		{"operation": "CreateImageBuilder", "count": -1, "resource": "AppStream-RHEL8-*", "effect": "deprecated"},
		{"operation": "StartImageBuilder", "effect": "new-address"},
		{"operation": "appstream:CreateImage", "effect": "late", "describes": 1},
		{"operation": "appstream:CreateImage", "first": 2, "effect": "fail", "code": "INTERNAL_SERVICE_ERROR"},
		{"operation": "StartFleet", "effect": "stuck", "code": "IAM_SERVICE_ROLE_IS_MISSING"}
	]`)})
	for _, name := range []string{"stuck", "silent", "failed", "nowhere1", "other"} {
		f.builder(name)
	}
	_, err := f.app.CreateImageBuilder(t.Context(), &appstream.CreateImageBuilderInput{Name: aws.String("rhel"), InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String("AppStream-RHEL8-02-18-2026")})
	f.refused(err, "ResourceNotAvailableException", "is DEPRECATED")
	now.pass(time.Hour)
	stuck, silent, failed := f.describeBuilder("stuck"), f.describeBuilder("silent"), f.describeBuilder("failed")
	if stuck.State != "PENDING" || stuck.ImageBuilderErrors[0].ErrorCode != "DOMAIN_JOIN_ERROR_ACCESS_DENIED" || stuck.ImageBuilderErrors[0].ErrorTimestamp == nil {
		t.Errorf("stuck: %+v", stuck)
	}
	if silent.State != "PENDING" || len(silent.ImageBuilderErrors) != 0 {
		t.Errorf("silent: %+v", silent)
	}
	if failed.State != "FAILED" || failed.ImageBuilderErrors[0].ErrorCode != "SUBNET_NOT_FOUND" || *failed.StateChangeReason.Message != "no such subnet" {
		t.Errorf("failed: %+v", failed)
	}
	var addresses []string
	for range 3 {
		addresses = append(addresses, aws.ToString(f.describeBuilder("nowhere1").NetworkAccessConfiguration.EniPrivateIpAddress))
	}
	if addresses[0] != "" || addresses[1] != "" || addresses[2] == "" {
		t.Errorf("addresses %v", addresses)
	}
	first := *f.describeBuilder("other").NetworkAccessConfiguration.EniPrivateIpAddress
	for i := range 2 {
		must[*appstream.StopImageBuilderOutput](f)(f.app.StopImageBuilder(t.Context(), &appstream.StopImageBuilderInput{Name: aws.String("other")}))
		now.pass(time.Hour)
		must[*appstream.StartImageBuilderOutput](f)(f.app.StartImageBuilder(t.Context(), &appstream.StartImageBuilderInput{Name: aws.String("other")}))
		now.pass(time.Hour)
		again := *f.describeBuilder("other").NetworkAccessConfiguration.EniPrivateIpAddress
		if (again != first) != (i == 0) {
			t.Errorf("start %d: the address was %s and is %s", i, first, again)
		}
		first = again
	}
	f.server.CreateImage(*f.describeBuilder("other").Arn, "late", false)
	_, err = f.app.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Names: []string{"late"}})
	f.refused(err, "ResourceNotFoundException")
	if img := f.streamImage("late"); img.State != "PENDING" {
		t.Errorf("late is %s", img.State)
	}
	f.server.CreateImage(*f.describeBuilder("nowhere1").Arn, "broken", false)
	now.pass(time.Hour)
	if img := f.streamImage("broken"); img.State != "FAILED" || img.ImageErrors[0].ErrorCode != "INTERNAL_SERVICE_ERROR" || img.StateChangeReason.Code != "INTERNAL_ERROR" {
		t.Errorf("broken is %+v", img)
	}
	must[*appstream.CreateFleetOutput](f)(f.app.CreateFleet(t.Context(), &appstream.CreateFleetInput{
		Name: aws.String("fleet"), ImageName: aws.String(base), InstanceType: aws.String("stream.standard.medium"), ComputeCapacity: &streamtypes.ComputeCapacity{DesiredInstances: aws.Int32(1)},
	}))
	must[*appstream.StartFleetOutput](f)(f.app.StartFleet(t.Context(), &appstream.StartFleetInput{Name: aws.String("fleet")}))
	now.pass(time.Hour)
	fleet := must[*appstream.DescribeFleetsOutput](f)(f.app.DescribeFleets(t.Context(), &appstream.DescribeFleetsInput{})).Fleets[0]
	if fleet.State != "STARTING" || fleet.FleetErrors[0].ErrorCode != "IAM_SERVICE_ROLE_IS_MISSING" {
		t.Errorf("the fleet is %+v", fleet)
	}
}

// TestStreamInside: what the machines of builders hear, also across a restart of the server.
func TestStreamInside(t *testing.T) {
	dir := t.TempDir()
	now := newClock()
	opts := sandbox.Options{Dir: dir, Now: now.time}
	f := open(t, opts)
	var seen sandbox.Recorder
	f.server.Inside(&seen)
	f.builder("b")
	now.pass(time.Minute)
	b := f.describeBuilder("b")
	started := "start b " + *b.NetworkAccessConfiguration.EniPrivateIpAddress
	if err := f.server.Reboot(*b.Arn); err != nil {
		t.Fatal(err)
	}
	if state := f.describeBuilder("b").State; state != "REBOOTING" {
		t.Errorf("rebooting it is %s", state)
	}
	now.pass(time.Minute)
	f.describeBuilder("b")
	if err := f.server.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, opts)
	f.server.Inside(&seen)
	if state := f.describeBuilder("b").State; state != "RUNNING" {
		t.Errorf("after the restart it is %s", state)
	}
	must[*appstream.DeleteImageBuilderOutput](f)(f.app.DeleteImageBuilder(t.Context(), &appstream.DeleteImageBuilderInput{Name: aws.String("b")}))
	now.pass(time.Minute)
	must[*appstream.DescribeImageBuildersOutput](f)(f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{}))
	want := []string{started, "stop b", started, "stop b", "close", "stop b", "discard b"}
	if !slices.Equal(seen.Seen, want) {
		t.Errorf("the machine heard %q, want %q", seen.Seen, want)
	}
	if err := f.server.Close(); err != nil {
		t.Fatal(err)
	}
}
