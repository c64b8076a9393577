package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// streaming opens a sandbox whose AppStream goes through its states at once, with faults.
func streaming(t *testing.T, faults ...sandbox.Fault) (url string) {
	t.Helper()
	server, err := sandbox.Open(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Root: "none", Region: region, Account: account, Faults: faults,
		AppStream: sandbox.AppStreamOptions{StateTimes: map[string]time.Duration{"": 30 * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	if url, err = server.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return url
}

// to are clients of a sandbox.
func to(t *testing.T, url string, through *http.Client) *aws.Clients {
	t.Helper()
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox", HTTP: through})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A hand works in image builders with a session of its own, or fails at it.
type hand struct {
	fail error // returned instead of working
	drop error // returned after the image was begun, as a session that was cut off is
}

func (h *hand) Work(ctx context.Context, j aws.Job) error {
	if h.fail != nil {
		return h.fail
	}
	s := &session.Session{Addr: j.Addr, Name: j.Machine.Name(), Run: "run", Windows: true, Machine: j.Machine, Images: j.Machine, Emit: j.Emit}
	return errors.Join(s.Do(ctx, j.Work), h.drop)
}

const onABuilder = `
variable "password" {
  type      = string
  sensitive = true
  default   = "Sandbox-1"
}
source "appstream-builder" "cad" {
  base_image    = "AppStream-WinServer2022-"
  instance_type = "stream.standard.large"
  subnet_id     = "subnet-0123456789abcdef0"
  communicator  = "winrm"

  winrm {
    username           = "Administrator"
    password           = var.password
    trust_on_first_use = true
  }
  application "notes" {
    path = "C:\\Windows\\notepad.exe"
  }
}
build {
  name    = "cad"
  sources = ["source.appstream-builder.cad"]

  provisioner "powershell" {
    inline = ["hostname"]
  }
}
`

func builderFiles() map[string]string { return map[string]string{"main.ib.hcl": onABuilder} }

func quick(h *hand) aws.Options {
	o := aws.Options{Interval: 10 * time.Millisecond, CallsPerSecond: 1000, Run: "run1", Lease: 150 * time.Millisecond, Removal: 2 * time.Second}
	if h != nil {
		o.Worker = h
	}
	return o
}

// names are what a list has, by state.
func names(t *testing.T, c *aws.Clients, op planner.Op, items, in string) []string {
	t.Helper()
	raw, err := c.Call(t.Context(), op, "", json.RawMessage(in))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	var things []struct{ Name, State string }
	if err = errors.Join(json.Unmarshal(raw, &all)); err == nil && all[items] != nil {
		err = json.Unmarshal(all[items], &things)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, thing := range things {
		out = append(out, thing.Name+" "+thing.State)
	}
	return out
}

func leftBuilders(t *testing.T, c *aws.Clients) []string {
	t.Helper()
	return names(t, c, "appstream:DescribeImageBuilders", "ImageBuilders", `{}`)
}

func ownImages(t *testing.T, c *aws.Clients) []string {
	t.Helper()
	return names(t, c, "appstream:DescribeImages", "Images", `{"Type":"PRIVATE"}`)
}

func TestImageOnABuilder(t *testing.T) {
	t.Parallel()
	url := streaming(t)
	c := to(t, url, nil)
	h := &hand{drop: errors.New("the connection was cut")}
	p := plan(t, c, builderFiles())
	if got := fmt.Sprint(p.Changes[0].Input["ImageArn"]); !strings.HasSuffix(got, "AppStream-WinServer2022-05-28-2026") { // 12-… of the year before would sort behind it
		t.Errorf("the newest by date is not %s", got)
	}
	r := carryOut(t.Context(), p, c.Driver(quick(h)))
	if r.err != nil {
		t.Fatal(r.err)
	}
	out := r.finished["appstream_image_builder.cad"].Outputs
	if out["name"] != p.Changes[0].Known["name"] || !strings.HasPrefix(fmt.Sprint(out["arn"]), "arn:aws:appstream:eu-west-1:"+account+":image/cad-") {
		t.Errorf("outputs %v", out)
	}
	if left := leftBuilders(t, c); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	states := r.states("appstream_image_builder.cad")
	for _, want := range []string{"RUNNING", "AVAILABLE", "STOPPED"} { // PENDING may be over before it is asked for
		if !slices.Contains(states, want) {
			t.Errorf("states %v lack %s", states, want)
		}
	}
	if again := plan(t, c, builderFiles()); verbs(again) != "1 none" {
		t.Errorf("the second plan is %s: %s", verbs(again), again.Changes[0].Reason)
	}
}

// A cutter is a process that dies: from one call on nothing gets through, the call itself or its answer included.
type cutter struct {
	after  int  // calls that get through
	answer bool // the call that dies is carried out, and its answer lost
	died   context.CancelFunc

	mu    sync.Mutex
	calls int
}

var errDead = errors.New("the process is dead")

func (k *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	k.mu.Lock()
	k.calls++
	n := k.calls
	k.mu.Unlock()
	if n <= k.after {
		return http.DefaultTransport.RoundTrip(r)
	}
	if n == k.after+1 && k.answer {
		if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
			_ = answer.Body.Close()
		}
	}
	k.died()
	return nil, errDead
}

// A run is killed after each of its calls, before and after AWS carried the call out, and run again: no machine is left
// behind, and the image is there once.
func TestNoBuilderIsLeaked(t *testing.T) {
	t.Parallel()
	crash := func(t *testing.T, after int, answer bool) (calls int, finished bool) {
		t.Helper()
		url := streaming(t)
		alive := to(t, url, nil)
		p := plan(t, alive, builderFiles())
		ctx, die := context.WithCancel(t.Context())
		defer die()
		k := &cutter{after: after, answer: answer, died: die}
		dying := to(t, url, &http.Client{Transport: k})
		first := carryOut(ctx, p, dying.Driver(quick(&hand{})))
		second := carryOut(t.Context(), plan(t, alive, builderFiles()), alive.Driver(quick(&hand{})))
		if second.err != nil {
			t.Errorf("killed after %d calls (answer lost: %t), the next run: %v", after, answer, second.err)
		}
		if left := leftBuilders(t, alive); len(left) > 0 {
			t.Errorf("killed after %d calls (answer lost: %t): left behind %v", after, answer, left)
		}
		if images := ownImages(t, alive); len(images) != 1 || !strings.HasSuffix(images[0], " AVAILABLE") {
			t.Errorf("killed after %d calls (answer lost: %t): images %v", after, answer, images)
		}
		return k.calls, first.err == nil
	}
	calls, finished := crash(t, 10_000, false)
	if !finished || calls < 15 {
		t.Fatalf("an undisturbed run made %d calls, finished: %t", calls, finished)
	}
	var all errgroup.Group
	all.SetLimit(16) // most of a run is waiting
	for n := range calls {
		for _, answer := range []bool{false, true} {
			all.Go(func() error { crash(t, n, answer); return nil })
		}
	}
	_ = all.Wait()
	t.Logf("killed at %d points", 2*calls)
}

// Each of what can go wrong ends in the behaviour that is promised for it, and never in a machine that is left.
func TestFaultsOfBuilders(t *testing.T) {
	t.Parallel()
	stuck := func(code string) []sandbox.Fault {
		return []sandbox.Fault{{Operation: "appstream:CreateImageBuilder", Effect: "stuck", Code: code}}
	}
	refused := func(code string, count int) []sandbox.Fault {
		return []sandbox.Fault{{Operation: "appstream:CreateImageBuilder", Code: code, Count: count, Message: "refused"}}
	}
	for name, tt := range map[string]struct {
		faults []sandbox.Fault
		work   hand
		says   string // "" where it succeeds
	}{
		"organizational unit":     {faults: stuck("DOMAIN_JOIN_ERROR_FILE_NOT_FOUND"), says: "must begin with OU="},
		"parameter":               {faults: stuck("DOMAIN_JOIN_ERROR_INVALID_PARAMETER"), says: "without spaces around the commas"},
		"more data":               {faults: stuck("DOMAIN_JOIN_ERROR_MORE_DATA"), says: "organizational unit is wrong"},
		"access":                  {faults: stuck("DOMAIN_JOIN_ERROR_ACCESS_DENIED"), says: "create computer objects"},
		"machine quota":           {faults: stuck("DOMAIN_JOIN_ERROR_DS_MACHINE_ACCOUNT_QUOTA_EXCEEDED"), says: "as many computers as it may"},
		"logon":                   {faults: stuck("DOMAIN_JOIN_ERROR_LOGON_FAILURE"), says: "make the machine anew"},
		"password expired":        {faults: stuck("DOMAIN_JOIN_NERR_PASSWORD_EXPIRED"), says: "password has expired"},
		"no domain":               {faults: stuck("DOMAIN_JOIN_ERROR_NO_SUCH_DOMAIN"), says: "DHCP options"},
		"not supported":           {faults: stuck("DOMAIN_JOIN_ERROR_NOT_SUPPORTED"), says: "Simple AD"},
		"workgroup":               {faults: stuck("DOMAIN_JOIN_NERR_INVALID_WORKGROUP_NAME"), says: "fully qualified"},
		"workstation":             {faults: stuck("DOMAIN_JOIN_NERR_WORKSTATION_NOT_STARTED"), says: "Run it again"},
		"join internal":           {faults: stuck("DOMAIN_JOIN_INTERNAL_SERVICE_ERROR"), says: "may exist elsewhere"},
		"service role":            {faults: stuck("IAM_SERVICE_ROLE_IS_MISSING"), says: "AmazonAppStreamServiceAccess"},
		"service role describes":  {faults: stuck("IAM_SERVICE_ROLE_MISSING_ENI_DESCRIBE_ACTION"), says: "ec2:DescribeNetworkInterfaces"},
		"service role creates":    {faults: stuck("IAM_SERVICE_ROLE_MISSING_ENI_CREATE_ACTION"), says: "ec2:CreateNetworkInterface"},
		"service role deletes":    {faults: stuck("IAM_SERVICE_ROLE_MISSING_ENI_DELETE_ACTION"), says: "ec2:DeleteNetworkInterface"},
		"service role subnets":    {faults: stuck("IAM_SERVICE_ROLE_MISSING_DESCRIBE_SUBNET_ACTION"), says: "ec2:DescribeSubnets"},
		"service role groups":     {faults: stuck("IAM_SERVICE_ROLE_MISSING_DESCRIBE_SECURITY_GROUPS_ACTION"), says: "ec2:DescribeSecurityGroups"},
		"machine role":            {faults: stuck("MACHINE_ROLE_IS_MISSING"), says: "trust appstream.amazonaws.com"},
		"sts":                     {faults: stuck("STS_DISABLED_IN_REGION"), says: "Activate STS"},
		"interfaces":              {faults: stuck("NETWORK_INTERFACE_LIMIT_EXCEEDED"), says: "quota of the VPC"},
		"addresses":               {faults: stuck("SUBNET_HAS_INSUFFICIENT_IP_ADDRESSES"), says: "no free address"},
		"subnet":                  {faults: stuck("SUBNET_NOT_FOUND"), says: "does not exist in this region"},
		"subnet configuration":    {faults: stuck("INVALID_SUBNET_CONFIGURATION"), says: "availability zone"},
		"security groups":         {faults: stuck("SECURITY_GROUPS_NOT_FOUND"), says: "security group"},
		"gateway":                 {faults: stuck("IGW_NOT_ATTACHED"), says: "internet gateway"},
		"image":                   {faults: stuck("IMAGE_NOT_FOUND"), says: "not shared with this account any more"},
		"provisioning":            {faults: stuck("FLEET_INSTANCE_PROVISIONING_FAILURE"), says: "try another type"},
		"fleet stopped":           {faults: stuck("FLEET_STOPPED"), says: "The fleet was stopped"},
		"validation":              {faults: stuck("VALIDATION_ERROR"), says: "could not start a machine"},
		"unknown code":            {faults: stuck("SOMETHING_NEW"), says: "SOMETHING_NEW"},
		"failed":                  {faults: []sandbox.Fault{{Operation: "appstream:CreateImageBuilder", Effect: "fail", Code: "INTERNAL_ERROR", Message: "broken"}}, says: "broken"},
		"deprecated":              {faults: []sandbox.Fault{{Operation: "appstream:CreateImageBuilder", Effect: "deprecated"}}, says: "DEPRECATED"},
		"quota is not throttling": {faults: refused("LimitExceededException", 1), says: "L-DE32F884"},
		"work failed":             {work: hand{fail: errors.New("setup.exe ended with 1603")}, says: "1603"},
		"late image":              {faults: []sandbox.Fault{{Operation: "appstream:CreateImage", Effect: "late", Describes: 3}}},
		"image failed":            {faults: []sandbox.Fault{{Operation: "appstream:CreateImage", Effect: "fail", Code: "INTERNAL_ERROR", Message: "disk full"}}, says: "disk full"},
		"stop refused once":       {faults: []sandbox.Fault{{Operation: "appstream:StopImageBuilder", Code: "OperationNotPermittedException"}}},
		"delete refused twice":    {faults: []sandbox.Fault{{Operation: "appstream:DeleteImageBuilder", Code: "ConcurrentModificationException", Count: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := streaming(t, tt.faults...)
			c := to(t, url, nil)
			h := tt.work
			options := quick(&h)
			pending := len(tt.faults) > 0 && tt.faults[0].Effect == "stuck"
			if pending {
				options.Removal = 50 * time.Millisecond // it never leaves PENDING, where nothing takes it away
			}
			r := carryOut(t.Context(), plan(t, c, builderFiles()), c.Driver(options))
			switch {
			case tt.says == "" && r.err != nil:
				t.Errorf("it failed: %v", r.err)
			case tt.says != "" && (r.err == nil || !strings.Contains(r.err.Error(), tt.says)):
				t.Errorf("it ended with %v, want %q", r.err, tt.says)
			}
			for _, e := range r.events {
				if again, ok := e.(executor.Retried); ok && name == "quota is not throttling" {
					t.Errorf("a quota was tried again: %v", again.Err)
				}
			}
			left := leftBuilders(t, c)
			switch {
			case !pending && len(left) > 0:
				t.Errorf("left behind: %v", left)
			case pending && !strings.Contains(r.err.Error(), strings.Fields(left[0])[0]+" is left behind"):
				t.Errorf("what is left behind is not named: %v", r.err)
			}
		})
	}
}

// An internal error is no reason to give a machine up: AppStream tries again by itself for as long as is waited.
func TestInternalErrorsAreWaitedOut(t *testing.T) {
	t.Parallel()
	c := to(t, streaming(t, sandbox.Fault{Operation: "appstream:CreateImageBuilder", Effect: "stuck", Code: "INTERNAL_SERVICE_ERROR"}), nil)
	files := builderFiles()
	for name, text := range files {
		files[name] = strings.Replace(text, "  instance_type", "  ready_timeout = \"1s\"\n  instance_type", 1)
	}
	options := quick(&hand{})
	options.Removal = 50 * time.Millisecond
	begun := time.Now()
	r := carryOut(t.Context(), plan(t, c, files), c.Driver(options))
	if r.err == nil || !strings.Contains(r.err.Error(), "1s") || time.Since(begun) < time.Second {
		t.Errorf("after %v it ended with %v, want the end of a second", time.Since(begun), r.err)
	}
}
