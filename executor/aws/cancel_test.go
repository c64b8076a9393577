package aws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestRemoveRun: the machines of the run that was interrupted go, and nobody else's.
func TestRemoveRun(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, "")
	for name, run := range map[string]string{"mine": "run1", "other": "run2"} {
		r.call("appstream:CreateImageBuilder", `{"Name":"`+name+`","ImageName":"AppStream-WinServer2022-02-12-2026","InstanceType":"stream.standard.medium","Tags":{"imagebuild:run":"`+run+`"}}`)
	}
	for range 2 { // the second finds nothing, and that is fine
		removed, err := r.clients.RemoveRun(t.Context(), region, "run1")
		if err != nil {
			t.Fatal(err)
		}
		if len(removed) > 0 && !slices.Equal(removed, []string{"mine"}) {
			t.Errorf("removed %v", removed)
		}
	}
	left := leftBuilders(t, r.clients)
	if len(left) != 1 || !strings.HasPrefix(left[0], "other ") {
		t.Errorf("left are %v", left)
	}
}

// TestCancelRun: a run's builds are ended where they go on, a second time and for versions that never were included.
func TestCancelRun(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, "")
	version := "arn:aws:imagebuilder:" + region + ":" + account + ":image/cad/1.0.0"
	canceled, err := r.clients.CancelRun(t.Context(), region, "run1", []string{version, strings.Replace(version, "cad", "never", 1)})
	if err != nil || len(canceled) > 0 { // it is another run's, and over
		t.Errorf("canceled %v, %v", canceled, err)
	}
}
