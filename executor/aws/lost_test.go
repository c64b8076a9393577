package aws_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
)

// A silence is a way to AWS on which one operation's answers are lost, though AWS carries the calls out.
type silence struct {
	aws    http.RoundTripper
	on     string
	broken bool // the connection breaks at once; otherwise it says nothing for an hour
	drop   bool // the call is lost too
}

func (s *silence) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/"+s.on) {
		return s.aws.RoundTrip(r)
	}
	if !s.drop {
		carried := r.WithContext(context.WithoutCancel(r.Context()))
		if answer, err := s.aws.RoundTrip(carried); err == nil {
			_ = answer.Body.Close()
		}
	}
	if s.broken {
		return nil, errors.New("connection reset by peer")
	}
	select {
	case <-time.After(time.Hour):
	case <-r.Context().Done():
	}
	return nil, r.Context().Err()
}

func through(t *testing.T, way http.RoundTripper) *aws.Clients {
	t.Helper()
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: "http://aws.invalid", KeyID: "x", SecretKey: "y", HTTP: &http.Client{Transport: way}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A build that AWS began although its answer never came is found and ended when the run is interrupted, or the run says that it
// may go on and how to find out; within seven seconds in every case.
func TestInterruptedWithoutAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		way      silence
		lists    []refusal // what lists of builds answer
		lagging  bool      // lists lack the build
		on       executor.OnCancel
		canceled bool
		says     string
	}{
		"late":            {on: executor.CancelBuilds, canceled: true, says: "/1 is being canceled"},
		"late, list lags": {on: executor.CancelBuilds, lagging: true, canceled: true, says: "/1 is being canceled"},
		"late, detached":  {on: executor.DetachBuilds, says: "/1 is still being made"},
		"broken":          {way: silence{broken: true}, on: executor.CancelBuilds, canceled: true, says: "/1 is being canceled"},
		"never arrived":   {way: silence{drop: true}, on: executor.CancelBuilds, says: "may still be building: find out with aws imagebuilder list-image-build-versions --region eu-west-1 --image-version-arn arn:aws:imagebuilder:eu-west-1:123456789012:image/"},
		"nobody may look": {lists: []refusal{{403, "AccessDeniedException", "no"}}, on: executor.CancelBuilds, says: "may still be building: find out with aws imagebuilder list-image-build-versions"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				way := tt.way
				way.aws, way.on = f, "CreateImage"
				c := through(t, &way)
				p := plan(t, c, level2(1))
				if tt.lists != nil {
					f.fail["ListImageBuildVersions"] = tt.lists
				}
				if tt.lagging {
					f.always = func(op string, _ object) (object, *refusal) {
						if op == "ListImageBuildVersions" {
							return object{"imageSummaryList": []any{}}, nil
						}
						return nil, nil
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: tt.on, Run: "1"}))
				out := r.finished["image.m0"]
				told, ok := errors.AsType[*executor.InterruptedError](out.Err)
				if !ok || out.Status != executor.Canceled || !strings.Contains(told.Fate, tt.says) {
					t.Errorf("it ended %s with %v, want %q", out.Status, out.Err, tt.says)
				}
				if r.took > 8*time.Second {
					t.Errorf("it went on for %v", r.took-time.Second)
				}
				began, canceled := false, false
				for arn, thing := range f.things {
					if strings.Contains(arn, ":image/") {
						began, canceled = true, thing["canceled"] == true
					}
				}
				if began == tt.way.drop || canceled != tt.canceled {
					t.Errorf("began %t, canceled %t", began, canceled)
				}
				if ok && began && !canceled && !told.Lives {
					t.Error("it goes on, and is not said to")
				}
			})
		})
	}
}

// Where nothing interrupts the run, a connection that breaks again and again fails it with a word about what may go on.
func TestFailedWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := through(t, &silence{aws: f, on: "CreateImage", broken: true})
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{Run: "1"}))
		if r.err == nil || !strings.Contains(r.err.Error(), "may have begun all the same") || !strings.Contains(r.err.Error(), "aws imagebuilder list-image-build-versions") {
			t.Errorf("err = %v", r.err)
		}
	})
}
