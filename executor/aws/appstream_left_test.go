package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// A verb of imagebuild appstream as one process.
type verb func(ctx context.Context, s *aws.StreamImages) error

func copyOffice(ctx context.Context, s *aws.StreamImages) error {
	_, err := s.Copy(ctx, aws.CopyRequest{Name: "office", Regions: []string{"eu-central-1", "us-west-2"}})
	return err
}

func agentOfBench(ctx context.Context, s *aws.StreamImages) error {
	return s.UpdateAgent(ctx, "bench", "LATEST")
}

func shareOffice(ctx context.Context, s *aws.StreamImages) error {
	want := []aws.StreamShare{{Account: "210987654321", Fleet: true}, {Account: "333333333333", Builder: true}}
	changes, err := s.PlanShares(ctx, "office", want, true)
	if err == nil {
		err = s.Reshare(ctx, "office", changes)
	}
	return err
}

func unshareOffice(ctx context.Context, s *aws.StreamImages) error {
	changes, err := s.PlanUnshares(ctx, "office", nil)
	if err == nil {
		err = s.Reshare(ctx, "office", changes)
	}
	return err
}

func exportOffice(ctx context.Context, s *aws.StreamImages) error {
	_, err := s.Export(ctx, aws.ExportRequest{Name: "office", AMIName: "office-ami", Role: "arn:aws:iam::" + account + ":role/export"})
	return err
}

func updateOffice(ctx context.Context, s *aws.StreamImages) error {
	_, err := s.Update(ctx, aws.ImageUpdate{Name: "office", As: "office-2"})
	return err
}

func deleteOffice(ctx context.Context, s *aws.StreamImages) error {
	removals, err := s.PlanRemovals(ctx, []string{"office"})
	if e, ok := errors.AsType[*aws.StreamError](err); ok && strings.Contains(e.Message, "there is no image") {
		return nil // the run before deleted it, and says now that it is gone
	}
	if err == nil {
		err = s.Remove(ctx, removals, true)
	}
	return err
}

// runs is the process of a verb.
func (w *world) runs(s *storm, do verb) error {
	ctx, stop := context.WithCancelCause(w.Context())
	defer stop(nil)
	s.aws, s.stop = w.server, stop
	return do(ctx, w.to(ctx, s).StreamImages(aws.StreamOptions{Interval: 20 * time.Second}))
}

func (w *world) to(ctx context.Context, s *storm) *aws.Clients {
	c, err := aws.New(ctx, aws.Config{Region: region, Endpoint: "http://127.0.0.1", KeyID: "sandbox", SecretKey: "sandbox", HTTP: &http.Client{Transport: s}})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// calls makes a call as somebody else would, and lets time pass until all that it began is done.
func (w *world) calls(op planner.Op, in, where string) {
	if _, err := w.to(w.Context(), &storm{aws: w.server}).Call(w.Context(), op, where, json.RawMessage(in)); err != nil {
		w.Fatal(err)
	}
	time.Sleep(10 * time.Minute)
}

// A verb that was cut off anywhere ends with the next run of it as if nothing had been: its copies have their tags and
// permissions, and no image builder is left running.
func TestSweepOfVerbs(t *testing.T) {
	old := slowly()
	old.Faults = []sandbox.Fault{{Operation: "appstream:CreateImportedImage", Count: -1, Effect: "old"}}
	bench := `{"Name":"bench","ImageName":"AppStream-WinServer2022-02-12-2026","InstanceType":"stream.standard.medium"}`
	for name, tt := range map[string]struct {
		do     verb
		before string
		bench  bool
	}{
		"copy": {do: copyOffice, before: office + officeShared}, "agent": {do: agentOfBench, before: desktopAMI, bench: true},
		"share": {do: shareOffice, before: office}, "unshare": {do: unshareOffice, before: office + officeShared},
		"export": {do: exportOffice, before: office}, "update": {do: updateOffice, before: office}, "delete": {do: deleteOffice, before: office + officeShared},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sweep{before: config(tt.before), state: append(slices.Clone(desks), question{op: "appstream:DescribeImageBuilders", in: `{}`, each: ofEach("")}), sandbox: old}
			point := func(at int, how disturbance, want string) (held string, calls []string, wrong string) {
				s.within(t, func(w *world) {
					if tt.bench {
						w.calls("appstream:CreateImageBuilder", bench, "")
						w.calls("appstream:StopImageBuilder", `{"Name":"bench"}`, "")
					}
					first := &storm{at: at, how: how}
					err := w.runs(first, tt.do)
					calls = first.calls
					for range attempts {
						if err != nil {
							err = w.runs(&storm{}, tt.do)
						}
					}
					if held = w.holds(); err != nil {
						wrong = "it does not come to its end: " + err.Error()
					} else if want != "" && held != want {
						wrong = difference(want, held)
					}
				})
				return held, calls, wrong
			}
			want, calls, wrong := point(0, undisturbed, "")
			if wrong != "" {
				t.Fatal(wrong)
			}
			tried, held := 0, 0
			for i := range calls {
				for j, how := range disturbances {
					if (i*len(disturbances)+j)%everyOf(13) != 0 {
						continue
					}
					tried++
					if _, _, wrong := point(i+1, how, want); wrong != "" {
						t.Errorf("%s call %d (%s): %s", how, i+1, calls[i], wrong)
					} else {
						held++
					}
				}
			}
			t.Logf("%d of %d points of %d calls", held, tried, len(calls))
		})
	}
}

// An image of somebody else under a copy's name is neither taken for the copy nor tagged.
func TestForeignImageUnderACopysName(t *testing.T) {
	for name, tt := range map[string]struct{ tags, says string }{
		"untagged":     {"", "Image office in eu-central-1 exists, and imagebuild didn't create it. Set another destination_image_name"},
		"another copy": {`{"imagebuild:digest":"0","imagebuild:address":"appstream_image_copy.frankfurt"}`, "Image office in eu-central-1 is a copy of another image"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sweep{before: config(office), files: config(office + officeCopies), state: desks, sandbox: slowly()}
			s.within(t, func(w *world) {
				w.calls("appstream:CopyImage", `{"SourceImageName":"office","DestinationImageName":"office","DestinationRegion":"eu-central-1"}`, "")
				if tt.tags != "" {
					w.calls("appstream:TagResource", `{"ResourceArn":"arn:aws:appstream:eu-central-1:`+account+`:image/office","Tags":`+tt.tags+`}`, "eu-central-1")
				}
				before := w.holds()
				if r := w.process(&storm{}, s.files); r.err == nil || !strings.Contains(r.err.Error(), tt.says) {
					t.Errorf("got %v", r.err)
				}
				err := w.runs(&storm{}, func(ctx context.Context, s *aws.StreamImages) error {
					_, err := s.Copy(ctx, aws.CopyRequest{Name: "office", Regions: []string{"eu-central-1"}})
					return err
				})
				if err == nil || !strings.Contains(err.Error(), "there is another image office in eu-central-1") {
					t.Errorf("the verb: %v", err)
				}
				if got := w.holds(); got != before {
					t.Errorf("it was touched: %s", difference(before, got))
				}
			})
		})
	}
}
