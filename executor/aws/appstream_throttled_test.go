package aws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// Throttling whose code comes with a namespace, in AppStream's own protocol, is waited out by every change: the calls that
// create, start, stop, change, copy, share, export and tag.
func TestNamespacedThrottlingOfStreams(t *testing.T) {
	changed := strings.NewReplacer(`"stream.standard.medium"`, `"stream.standard.large"`, `"Office"`, `"The office"`).Replace(fleetsInTurn)
	images := office + officeShared + officeCopies + `
appstream_export_image_task "office" {
  image_name   = appstream_image.office
  iam_role_arn = "arn:aws:iam::123456789012:role/export"
}
`
	for op, files := range map[string][]string{
		"CreateFleet": {fleetsInTurn}, "StartFleet": {fleetsInTurn}, "CreateStack": {fleetsInTurn}, "AssociateFleet": {fleetsInTurn}, "CreateDirectoryConfig": {fleetsInTurn},
		"UpdateFleet": {fleetsInTurn, changed}, "StopFleet": {fleetsInTurn, changed}, "UntagResource": {fleetsInTurn, changed}, "UpdateStack": {fleetsInTurn, changed},
		"CreateImportedImage": {images}, "CopyImage": {images}, "UpdateImagePermissions": {images}, "CreateExportImageTask": {images}, "TagResource": {images},
	} {
		sandboxed := slowly()
		sandboxed.Faults = []sandbox.Fault{{Operation: "appstream:" + op, Code: "com.amazon.coral.availability#ThrottlingException", Count: 1}}
		s := &sweep{state: streams, sandbox: sandboxed}
		s.within(t, func(w *world) {
			var again []string
			for _, text := range files {
				r := w.process(&storm{}, config(text))
				if r.err != nil {
					t.Errorf("%s: %v", op, r.err)
				}
				again = append(again, retries(r)...)
			}
			if !slices.Equal(again, []string{"throttled"}) {
				t.Errorf("%s is retried as %v", op, again)
			}
		})
	}
}

// retries are the classes that the calls of a run were repeated for.
func retries(r *record) (out []string) {
	for _, e := range r.events {
		if again, ok := e.(executor.Retried); ok {
			out = append(out, aws.Classify(again.Err).Name)
		}
	}
	return out
}
