package aws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/org/imagebuild-action/executor/aws"
)

// Images are built and brought to a changed distribution whatever happened to the run before: no AMI stays public, no build goes
// on unseen, and nothing is left to do.
func TestSweepOfImages(t *testing.T) {
	const one = "regions = [\"eu-west-1\"]\n"
	public := distributedImage(one+"launch_permission {\nuser_groups = [\"all\"]\n}", distributor)
	for name, s := range map[string]*sweep{
		"new":          {files: distributedImage(one, distributor), every: 2},
		"permissions":  {before: public, files: distributedImage(one+"launch_permission {\nuser_ids = [\"111122223333\"]\n}", distributor), every: 2},
		"redistribute": {before: public, files: distributedImage("regions = [\"eu-west-1\", \"eu-central-1\"]", distributor), every: 2},
		"none":         {before: public, files: distributedImage("", distributor), every: 2},
	} {
		t.Run(name, func(t *testing.T) {
			calls := &storm{}
			s.within(t, func(w *world) {
				if r := w.process(calls, s.files); r.err != nil {
					t.Fatal(r.err)
				}
				if wrong := w.wrongWithImages(); wrong != "" {
					t.Errorf("undisturbed: %s", wrong)
				}
			})
			every := s.every
			if os.Getenv("IMAGEBUILD_SWEEP") == "all" {
				every = 1
			}
			var mu sync.Mutex
			tried := 0
			var all errgroup.Group
			all.SetLimit(runtime.GOMAXPROCS(0))
			for i := range calls.calls {
				for j, how := range disturbances {
					if (i*len(disturbances)+j)%every != 0 {
						continue
					}
					all.Go(func() error {
						wrong := s.imagePoint(t, i+1, how)
						mu.Lock()
						defer mu.Unlock()
						tried++
						if wrong != "" {
							t.Errorf("%s call %d (%s): %s", how, i+1, calls.calls[i], wrong)
						}
						return nil
					})
				}
			}
			_ = all.Wait()
			t.Logf("%d points of %d calls", tried, len(calls.calls))
		})
	}
}

// imagePoint disturbs one call, runs again, and says what is wrong with what comes of it; "" for nothing.
func (s *sweep) imagePoint(t *testing.T, at int, how disturbance) (wrong string) {
	t.Helper()
	s.within(t, func(w *world) {
		first := w.process(&storm{at: at, how: how}, s.files)
		if first.err == nil {
			if wrong = w.wrongWithImages(); wrong != "" {
				wrong = "the disturbed run says that all is done: " + wrong
				return
			}
		}
		var last *record
		for range attempts {
			if last = w.process(&storm{}, s.files); last.err == nil {
				break
			}
		}
		if last.err != nil {
			wrong = fmt.Sprintf("it does not come to its end: %v", last.err)
			return
		}
		if wrong = w.wrongWithImages(); wrong != "" {
			return
		}
		if again := w.process(&storm{}, s.files); again.err != nil || !quiet(again.plan) {
			wrong = fmt.Sprintf("after the next run there is something left to do: %v %s", again.err, busyIn(again.plan))
		}
	})
	return wrong
}

// wrongWithImages says what no run that says that all is done may leave; "" for nothing.
func (w *world) wrongWithImages() string {
	c, err := aws.New(w.Context(), aws.Config{
		Region: region, Endpoint: "http://127.0.0.1", KeyID: "sandbox", SecretKey: "sandbox", HTTP: &http.Client{Transport: &storm{aws: w.server}},
	})
	if err != nil {
		w.Fatal(err)
	}
	builds, err := c.Call(w.Context(), "imagebuilder:ListImageBuildVersions", region, json.RawMessage(`{}`))
	if err != nil {
		w.Fatal(err)
	}
	for _, state := range []string{"PENDING", "CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING"} {
		if strings.Contains(string(builds), `"`+state+`"`) {
			return "a build is " + state
		}
	}
	if !strings.Contains(string(builds), `"AVAILABLE"`) {
		return "no image is AVAILABLE"
	}
	amis, err := c.Call(w.Context(), "ec2:DescribeImages", region, json.RawMessage(`{"Owners":["self"],"Filters":[{"Name":"is-public","Values":["true"]}]}`))
	if err != nil {
		w.Fatal(err)
	}
	if strings.Contains(string(amis), `"ImageId"`) {
		return "an AMI is public"
	}
	return ""
}
