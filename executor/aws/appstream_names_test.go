package aws_test

import (
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// An image that is still being made can neither be shared nor copied nor exported, and none is copied onto itself.
func TestVerbsHoldStates(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, "")
	r.make("done")
	r.mu.Lock()
	r.at = time.Now().Add(time.Hour) // and stands still
	r.mu.Unlock()
	r.call("appstream:CreateImportedImage", `{"Name":"cad","SourceAmiId":"`+r.ami+`","IamRoleArn":"arn:aws:iam::`+account+`:role/import"}`)
	_, err := r.images.PlanShares(t.Context(), "cad", []aws.StreamShare{{Account: "210987654321", Fleet: true}}, false)
	r.refused(err, "the image cad is IMPORTING", "only AVAILABLE")
	_, err = r.images.Export(t.Context(), aws.ExportRequest{Name: "cad", AMIName: "x", Role: "arn:aws:iam::" + account + ":role/export"})
	r.refused(err, "the image cad is IMPORTING", "only AVAILABLE")
	_, err = r.images.PlanShares(t.Context(), "done", []aws.StreamShare{{Account: account, Fleet: true}}, false)
	r.refused(err, "in the account "+account+" itself", "needs no permission")
	_, err = r.images.Copy(t.Context(), aws.CopyRequest{Name: "done", Regions: []string{"eu-central-1", region}})
	r.refused(err, "can't be copied onto itself", "--as")
	_, err = r.images.Copy(t.Context(), aws.CopyRequest{Name: "done", Regions: []string{"cn-north-1"}})
	r.refused(err, "another partition", "build the image there")
}

// What follows a name and tells its versions apart is no part of the name that --keep counts by.
func TestFamilies(t *testing.T) {
	for name, want := range map[string]string{
		"cad": "cad", "cad-1": "cad", "cad-12": "cad", "cad-2026-11-30": "cad", "cad-20261130T101112Z": "cad", "cad_v2.1": "cad", "cad-0123456789ab": "cad",
		"cad-beta-3": "cad-beta", "2026": "2026", "cad3": "cad3", "office": "office", "cad-abcdef": "cad-abcdef",
	} {
		if got := aws.Family(name); got != want {
			t.Errorf("%s is of %s, want %s", name, got, want)
		}
	}
}
