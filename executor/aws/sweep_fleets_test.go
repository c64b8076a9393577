package aws_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// streams is what AWS holds of AppStream.
var streams = []question{
	{op: "appstream:DescribeFleets", in: `{}`, each: &question{op: "appstream:ListTagsForResource", in: `{"ResourceArn":"%s"}`}},
	{op: "appstream:DescribeStacks", in: `{}`, each: &question{op: "appstream:ListTagsForResource", in: `{"ResourceArn":"%s"}`}},
	{op: "appstream:DescribeDirectoryConfigs", in: `{}`},
	{op: "appstream:DescribeImageBuilders", in: `{}`},
	{op: "appstream:DescribeImages", in: `{"Type":"PRIVATE"}`, each: &question{op: "appstream:ListTagsForResource", in: `{"ResourceArn":"%s"}`}},
	{op: "appstream:DescribeImages", in: `{"Type":"PRIVATE"}@eu-central-1`, each: &question{op: "appstream:ListTagsForResource", in: `{"ResourceArn":"%s"}@eu-central-1`}},
	{op: "appstream:ListAssociatedStacks", in: `{"FleetName":"office"}`},
	{op: "appstream:ListExportImageTasks", in: `{}`},
}

// slowly lets AppStream take minutes, as it does.
func slowly() sandbox.Options {
	return sandbox.Options{AppStream: sandbox.AppStreamOptions{StateTimes: map[string]time.Duration{"": 2 * time.Minute}}}
}

const fleetsInTurn = `
variable "password" {
  type      = string
  sensitive = true
  default   = "known to the test alone"
}
appstream_directory_config "corp" {
  directory_name                          = "corp.example.com"
  organizational_unit_distinguished_names = ["OU=AppStream,DC=corp,DC=example,DC=com"]

  service_account_credentials {
    account_name     = "CORP\\join"
    account_password = var.password
  }
}
appstream_fleet "preprod" {
  name          = "office-preprod"
  image_name    = "AppStream-WinServer2022-02-12-2026"
  instance_type = "stream.standard.medium"
  fleet_type    = "ON_DEMAND"

  compute_capacity {
    desired_instances = 1
  }
  health_check {
    instances = 1
  }
}
appstream_fleet "office" {
  image_name    = "AppStream-WinServer2022-02-12-2026"
  instance_type = "stream.standard.medium"
  depends_on    = [appstream_fleet.preprod]

  compute_capacity {
    desired_instances = 4
  }
}
appstream_fleet "stopped" {
  image_name    = "AppStream-WinServer2022-02-12-2026"
  instance_type = "stream.standard.medium"
  start         = false

  compute_capacity {
    desired_instances = 1
  }
}
appstream_stack "office" {
  display_name = "Office"
}
appstream_fleet_association "office" {
  fleet_name = appstream_fleet.office
  stack_name = appstream_stack.office
}
`

// Fleets come up whatever happened to the run that made them.
func TestSweepOfNewFleets(t *testing.T) {
	s := &sweep{files: map[string]string{"main.ib.hcl": fleetsInTurn}, state: streams, sandbox: slowly(), every: 7}
	s.sweeping(t)
}

// Fleets that have to be stopped for a change run again with it, whatever happened to the run that stopped them.
func TestSweepOfChangedFleets(t *testing.T) {
	changed := strings.NewReplacer(`"stream.standard.medium"`, `"stream.standard.large"`, `"Office"`, `"The office"`).Replace(fleetsInTurn)
	s := &sweep{
		before: map[string]string{"main.ib.hcl": fleetsInTurn}, files: map[string]string{"main.ib.hcl": changed},
		state: streams, sandbox: slowly(), every: 11,
	}
	s.sweeping(t)
}

// A run that is interrupted, or that fails, between stopping a fleet and starting it again says in what state it leaves the
// fleet; one that is STOPPED already is given back to its users at once.
func TestRunsSayWhatTheyLeaveOfAFleet(t *testing.T) {
	changed := strings.ReplaceAll(fleetsInTurn, `"stream.standard.medium"`, `"stream.standard.large"`)
	s := &sweep{before: map[string]string{"main.ib.hcl": fleetsInTurn}, files: map[string]string{"main.ib.hcl": changed}, state: streams, sandbox: slowly()}
	for _, tt := range []struct {
		call string
		at   int
		how  disturbance
		says string
		then string // the state that the fleet comes to by itself
	}{
		{"appstream:StopFleet", 1, signalAfter, "interrupted; fleet office-preprod had to be stopped for this change and is STOPPING, so nobody can stream from it: run the same command again", "STOPPED"},
		{"appstream:StopFleet", 1, denied, "fleet office-preprod had to be stopped for this change and is RUNNING. Run the same command again", "RUNNING"},
		{"appstream:UpdateFleet", 2, denied, "fleet office-preprod was stopped for this change and is being started again as it is. Run the same command again", "RUNNING"},
		{"appstream:UpdateFleet", 2, signalAfter, "interrupted; fleet office-preprod was stopped for this change and updated and is being started again as it is: run the same command again", "RUNNING"},
		{"appstream:StartFleet", 1, killBefore, "fleet office-preprod was stopped for this change and updated and is in a state that could not be asked for", "STOPPED"},
		{"appstream:TagResource", 1, denied, "AccessDenied", "RUNNING"},
	} {
		s.within(t, func(w *world) {
			r := w.process(&storm{on: tt.call, at: tt.at, how: tt.how}, s.files)
			if said := r.told("appstream_fleet.preprod"); r.err == nil || !strings.Contains(said, tt.says) {
				t.Errorf("%s %s: %s, want %q", tt.how, tt.call, said, tt.says)
			}
			time.Sleep(10 * time.Minute)
			if got := w.holds(); !strings.Contains(got, `"office-preprod",`+"\n   "+`"Platform": "WINDOWS_SERVER_2022",`+"\n   "+`"State": "`+tt.then) {
				t.Errorf("%s %s: the fleet is not %s: %s", tt.how, tt.call, tt.then, got)
			}
		})
	}
}

// told is how a change ended, for people.
func (r *record) told(addr string) string {
	if f := r.finished[addr]; f.Err != nil {
		return f.Err.Error()
	}
	return ""
}

// An image of another operating system takes a stopped fleet, which no member of the call tells: AWS says so.
func TestFleetOfAnotherSystem(t *testing.T) {
	other := strings.ReplaceAll(fleetsInTurn, "AppStream-WinServer2022-02-12-2026", "AppStream-WinServer2025-02-12-2026")
	s := &sweep{before: map[string]string{"main.ib.hcl": fleetsInTurn}, files: map[string]string{"main.ib.hcl": other}, state: streams, sandbox: slowly()}
	s.within(t, func(w *world) {
		calls := &storm{}
		if r := w.process(calls, s.files); r.err != nil {
			t.Error(r.err)
		}
		if !slices.Contains(calls.calls, "appstream:StopFleet") {
			t.Errorf("nothing was stopped: %v", calls.calls)
		}
		if again := w.process(&storm{}, s.files); again.err != nil || !quiet(again.plan) {
			t.Errorf("something is left to do: %v %s", again.err, busyIn(again.plan))
		}
	})
}
