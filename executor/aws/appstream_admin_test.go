package aws_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// A registry is AppStream's images on a sandbox, with an AMI that can be imported.
type registry struct {
	*testing.T
	clients *aws.Clients
	url     string // of the sandbox
	images  *aws.StreamImages
	ami     string

	mu    sync.Mutex
	told  []string
	at    time.Time // the sandbox's clock, standing still; zero goes with the real one
	until string    // the sentence with which it goes on; "" for none
}

func (r *registry) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() {
		return time.Now()
	}
	return r.at
}

// stop lets the sandbox's clock stand still until a sentence is heard.
func (r *registry) stop(until string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.until = time.Now(), until
}

func openRegistry(t *testing.T, o sandbox.Options, faults string) *registry {
	t.Helper()
	r := &registry{T: t}
	var err error
	if faults != "" {
		if o.Faults, err = sandbox.ReadFaults(strings.NewReader(faults)); err != nil {
			t.Fatal(err)
		}
	}
	o.Root, o.Region, o.Account, o.Now = "none", region, account, r.now
	o.AppStream.StateTimes = map[string]time.Duration{"": 5 * time.Millisecond}
	server, err := sandbox.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = url
	if r.clients, err = aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox"}); err != nil {
		t.Fatal(err)
	}
	administrator, err := aws.New(t.Context(), aws.Config{
		Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox", HTTP: &http.Client{Transport: administration{t}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.images = administrator.StreamImages(aws.StreamOptions{Interval: 5 * time.Millisecond, Tell: func(s string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told = append(r.told, s)
		if r.until != "" && strings.Contains(s, r.until) {
			r.at = time.Time{}
		}
	}})
	r.ami = r.windows()
	return r
}

// administration is a connection of the role appstream-admin: it fails the test for what that role may not do.
type administration struct{ t *testing.T }

func (a administration) RoundTrip(r *http.Request) (*http.Response, error) {
	in := strings.Split(r.Header.Get("Authorization"), "/")[2] // the region
	asked := "appstream:" + filepath.Base(r.URL.Path)
	role := permissions.Admin(&planner.Graph{}, permissions.Place{Region: region, Account: account})
	resource := "arn:aws:appstream:" + in + ":" + account + ":image/x"
	if strings.HasSuffix(asked, "ImageBuilder") {
		resource = "arn:aws:appstream:" + in + ":" + account + ":image-builder/x"
	}
	if !allows(a.t, role.Documents(), iampolicy.Request{Action: asked, Resource: resource}) {
		a.t.Errorf("the role %s does not allow %s on %s", role.Name, asked, resource)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// call makes a call and returns the text at a path of its answer.
func (r *registry) call(op planner.Op, in string, path ...string) string {
	r.Helper()
	out, err := r.clients.Call(r.Context(), op, "", json.RawMessage(in))
	if err != nil {
		r.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(out, &v); err != nil {
		r.Fatal(err)
	}
	for _, name := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if v = nil; len(x) > 0 {
				v = x[0].(map[string]any)[name]
			}
		}
	}
	s, _ := v.(string)
	return s
}

// windows builds an AMI of AWS's own, which here runs nothing.
func (r *registry) windows() string {
	r.Helper()
	base := r.call("ec2:DescribeImages", `{"Filters":[{"Name":"name","Values":["TPM-Windows_Server-2022*"]}]}`, "Images", "ImageId")
	recipe := r.call("imagebuilder:CreateImageRecipe", `{"name":"cad","semanticVersion":"1.0.0","parentImage":"`+base+
		`","components":[{"componentArn":"arn:aws:imagebuilder:`+region+`:aws:component/update-windows/x.x.x"}]}`, "imageRecipeArn")
	infra := r.call("imagebuilder:CreateInfrastructureConfiguration", `{"name":"cad","instanceProfileName":"p"}`, "infrastructureConfigurationArn")
	arn := r.call("imagebuilder:CreateImage", `{"imageRecipeArn":"`+recipe+`","infrastructureConfigurationArn":"`+infra+`"}`, "imageBuildVersionArn")
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if ami := r.call("imagebuilder:GetImage", `{"imageBuildVersionArn":"`+arn+`"}`, "image", "outputResources", "amis", "image"); ami != "" {
			return ami
		}
	}
	r.Fatal("the AMI was not made")
	return ""
}

// make imports an image and waits until it is AVAILABLE, or FAILED.
func (r *registry) make(name string) {
	r.Helper()
	r.call("appstream:CreateImportedImage", `{"Name":"`+name+`","SourceAmiId":"`+r.ami+`","IamRoleArn":"arn:aws:iam::`+account+`:role/import","Tags":{"team":"cad"}}`)
	if r.at.IsZero() {
		if _, err := r.images.Await(r.Context(), name, time.Minute); err != nil && !strings.Contains(err.Error(), "FAILED") {
			r.Fatal(err)
		}
	}
}

// refused asserts a sentence of an error and one of its hint.
func (r *registry) refused(err error, message, hint string) {
	r.Helper()
	e, ok := errors.AsType[*aws.StreamError](err)
	if !ok || !strings.Contains(e.Error(), message) || !strings.Contains(e.Hint, hint) {
		r.Errorf("got %v, want %q with the hint %q", err, message, hint)
	}
}

func (r *registry) heard(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.told, func(s string) bool { return strings.Contains(s, text) })
}

// TestCopiesQueue: three copies into one region, which takes two at once, are all made; the third says that it waits.
func TestCopiesQueue(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, "")
	r.make("cad")
	r.stop("waits for other copies into eu-central-1") // no copy comes to its end before
	var work errgroup.Group
	for _, as := range []string{"one", "two", "three"} {
		work.Go(func() error {
			_, err := r.images.Copy(t.Context(), aws.CopyRequest{Name: "cad", Regions: []string{"eu-central-1"}, As: as})
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	if !r.heard(r.until) {
		t.Errorf("nothing waited: %q", r.told)
	}
}

// TestCopyAnew: a copy that FAILED is an error with its reasons; the next run makes it anew. A region without room is
// not waited for.
func TestCopyAnew(t *testing.T) {
	r := openRegistry(t, sandbox.Options{Quotas: map[string]int{"appstream:image": 1}}, `[{"operation":"appstream:CopyImage","effect":"fail","message":"the disk is gone"}]`)
	r.make("cad")
	ask := aws.CopyRequest{Name: "cad", Regions: []string{"eu-central-1"}}
	_, err := r.images.Copy(t.Context(), ask)
	r.refused(err, "the image cad in eu-central-1 FAILED: IMAGE_COPY_FAILURE: the disk is gone", "appstream delete cad")
	copies, err := r.images.Copy(t.Context(), ask)
	if err != nil || copies[0].State != "AVAILABLE" || !r.heard("FAILED before and is created again") {
		t.Errorf("%+v, %v", copies, err)
	}
	ask.As = "other"
	_, err = r.images.Copy(t.Context(), ask)
	r.refused(err, "a quota is used up", "L-E1182CCA")
}

// TestManagedUpdate: a dry run makes nothing; an update that is under way is taken up and not begun twice; one that
// FAILED is made anew.
func TestManagedUpdate(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, `[
		{"operation":"CreateImportedImage","effect":"old"},
		{"operation":"CreateUpdatedImage","first":3,"effect":"fail","message":"no luck"}]`)
	r.make("cad-1")
	ask := aws.ImageUpdate{Name: "cad-1", As: "cad-2", DryRun: true, Tags: map[string]string{"month": "11"}}
	out, err := r.images.Update(t.Context(), ask)
	if err != nil || !out.CanUpdate || out.Image != nil {
		t.Errorf("the dry run: %+v, %v", out, err)
	}
	ask.DryRun = false
	_, err = r.images.Update(t.Context(), ask)
	r.refused(err, "cad-2 in "+region+" FAILED: IMAGE_UPDATE_FAILURE: no luck", "delete cad-2")
	ask.Detach = true
	if out, err = r.images.Update(t.Context(), ask); err != nil || out.Image == nil || out.Image.State != "CREATING" {
		t.Errorf("detached: %+v, %v", out, err)
	}
	ask.Detach = false
	if out, err = r.images.Update(t.Context(), ask); err != nil || out.Image.State != "AVAILABLE" {
		t.Errorf("taken up: %+v, %v", out, err)
	}
	tags := r.call("appstream:ListTagsForResource", `{"ResourceArn":"`+out.Image.ARN+`"}`, "Tags", "month") +
		r.call("appstream:ListTagsForResource", `{"ResourceArn":"`+out.Image.ARN+`"}`, "Tags", "team") +
		r.call("appstream:ListTagsForResource", `{"ResourceArn":"`+out.Image.ARN+`"}`, "Tags", "imagebuild:updated-from")
	if tags != "11cadarn:aws:appstream:"+region+":"+account+":image/cad-1" {
		t.Errorf("tags %s", tags)
	}
	if out, err = r.images.Update(t.Context(), aws.ImageUpdate{Name: "cad-2", As: "cad-3"}); err != nil || out.CanUpdate || out.Image != nil {
		t.Errorf("an image of today: %+v, %v", out, err)
	}
	_, err = r.images.Update(t.Context(), aws.ImageUpdate{Name: "cad-2", As: "cad-1"})
	r.refused(err, "there is another image cad-1", "--as")
}

// TestRetention: FAILED images go first, then the oldest; what is shared or used stays.
func TestRetention(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, `[{"operation":"CreateImportedImage","count":-1,"resource":"cad-bad","effect":"fail"}]`)
	start := time.Now()
	for i, name := range []string{"cad-1", "cad-2", "cad-3", "cad-bad", "cad-4", "cad-5", "other"} {
		r.mu.Lock()
		r.at = start.Add(time.Duration(i) * 24 * time.Hour)
		r.mu.Unlock()
		r.make(name)
	}
	r.mu.Lock()
	r.at = start.Add(30 * 24 * time.Hour)
	r.mu.Unlock()
	r.call("appstream:UpdateImagePermissions", `{"Name":"cad-2","SharedAccountId":"210987654321","ImagePermissions":{"allowFleet":true,"allowImageBuilder":false}}`)
	r.call("appstream:CreateFleet", `{"Name":"desk","ImageName":"cad-3","InstanceType":"GeneralPurpose.t3.large","ComputeCapacity":{"DesiredInstances":1}}`)
	for _, tt := range []struct {
		name string
		ask  aws.Retention
		want string
	}{
		{"count", aws.Retention{Prefix: "cad-", Keep: 1}, "cad-bad cad-1 cad-4"},
		{"count and shares", aws.Retention{Prefix: "cad-", Keep: 1, Unshare: true}, "cad-bad cad-1 cad-2 cad-4"},
		{"of each name", aws.Retention{Keep: 4}, "cad-bad cad-1"},
		{"age", aws.Retention{OlderThan: 27*24*time.Hour + time.Hour}, "cad-1"},
		{"both", aws.Retention{Prefix: "cad-", Keep: 4, OlderThan: time.Hour}, "cad-bad cad-1"},
	} {
		tt.ask.Now = r.now()
		removals, err := r.images.PlanRetention(t.Context(), tt.ask)
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(removals))
		for i, one := range removals {
			names[i] = one.Image.Name
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	blocked, err := r.images.PlanRemovals(t.Context(), []string{"cad-1", "cad-3"})
	if err != nil {
		t.Fatal(err)
	}
	r.refused(r.images.Remove(t.Context(), blocked, true), "cad-3 cannot be deleted: used by the fleets desk", "another image")
	if _, ok, err := r.images.Image(t.Context(), "cad-1"); !ok || err != nil {
		t.Errorf("cad-1 was deleted although cad-3 is blocked: %v", err)
	}
}

// TestExportFails: the reasons are told, and the next run begins anew.
func TestExportFails(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, `[{"operation":"CreateExportImageTask","effect":"fail","code":"INTERNAL_SERVICE_ERROR","message":"out of space"}]`)
	r.make("cad")
	ask := aws.ExportRequest{Name: "cad", AMIName: "cad-ami", Role: "arn:aws:iam::" + account + ":role/export"}
	_, err := r.images.Export(t.Context(), ask)
	r.refused(err, "FAILED: INTERNAL_SERVICE_ERROR: out of space", "")
	task, err := r.images.Export(t.Context(), ask)
	if err != nil || task.State != "COMPLETED" || !strings.HasPrefix(task.AMI, "ami-") {
		t.Errorf("%+v, %v", task, err)
	}
}

// TestAgentOfABuilder: it is brought to the newest, and the builder is stopped again; one with errors is not waited for.
func TestAgentOfABuilder(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, `[{"operation":"StartImageBuilder","first":2,"effect":"stuck","code":"SUBNET_NOT_FOUND","message":"no subnet"}]`)
	r.call("appstream:CreateImageBuilder", `{"Name":"b","ImageName":"AppStream-WinServer2022-02-12-2026","InstanceType":"stream.standard.medium"}`)
	err := r.images.UpdateAgent(t.Context(), "b", "LATEST")
	r.refused(err, "the image builder b is ", "stop the builder first") // PENDING, or RUNNING already
	state := func() string { return r.call("appstream:DescribeImageBuilders", "{}", "ImageBuilders", "State") }
	deadline := time.Now().Add(10 * time.Second)
	for state() != "RUNNING" && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	r.call("appstream:StopImageBuilder", `{"Name":"b"}`)
	for state() != "STOPPED" && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if err := r.images.UpdateAgent(t.Context(), "b", "LATEST"); err != nil {
		t.Fatal(err)
	}
	if got := r.call("appstream:DescribeImageBuilders", "{}", "ImageBuilders", "LatestAppstreamAgentVersion"); got != "TRUE" || state() != "STOPPED" {
		t.Errorf("agent latest %s, builder %s", got, state())
	}
	r.refused(r.images.UpdateAgent(t.Context(), "b", "LATEST"), "SUBNET_NOT_FOUND: no subnet", "")
}
