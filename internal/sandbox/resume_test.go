package sandbox_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestResume: an image that was being built when the server stopped is built again under its ARN,
// and all that was there is there.
func TestResume(t *testing.T) {
	opts := overlay(t)
	opts.Dir = filepath.Join(t.TempDir(), "state")
	f := open(t, opts)
	must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k"), Body: strings.NewReader("v")}))
	done := f.image(f.recipe("done", parent, f.component("done", "echo kept > /opt/kept")), f.infrastructure("done"))
	ami := *f.wait(done).OutputResources.Amis[0].Image
	put := func(v string) {
		must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/go"), Value: &v, Type: "String", Overwrite: aws.Bool(true),
		}))
	}
	put("no")
	slow := f.image(f.recipe("slow", ami, f.component("slow", `cat /opt/kept; echo started; test "{{ aws:ssm:/go }}" = yes || sleep 600`)), f.infrastructure("slow"))
	f.until(func() bool { return slices.Contains(f.tryLog("/aws/imagebuilder/slow"), "Stdout: started") })
	_, err := sandbox.Open(context.WithoutCancel(t.Context()), sandbox.Options{Dir: opts.Dir, Self: os.Args[0]})
	if err == nil || !strings.Contains(err.Error(), "another sandbox is running") {
		t.Errorf("a second server on the directory: %v", err)
	}
	put("yes")
	if err := f.server.Close(); err != nil {
		t.Fatal(err)
	}
	f = start(t, opts)
	if img := f.wait(slow); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("the resumed image is %s: %s\n%s", img.State.Status, aws.ToString(img.State.Reason), strings.Join(f.log("/aws/imagebuilder/slow"), "\n"))
	}
	if img := f.wait(done); *img.OutputResources.Amis[0].Image != ami {
		t.Errorf("the finished image changed: %+v", img.OutputResources)
	}
	if !slices.Contains(f.log("/aws/imagebuilder/slow"), "Stdout: kept") {
		t.Error("the base image's layer is gone")
	}
	must[*s3.HeadObjectOutput](f)(f.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")}))
	must[*ibapi.GetImageRecipeOutput](f)(f.ib.GetImageRecipe(t.Context(), &ibapi.GetImageRecipeInput{ImageRecipeArn: aws.String(arnBase + "image-recipe/done/1.0.0")}))
}

// TestCrash: a copy of the directory of a server at work is what a machine that died would have;
// opening it builds the image again.
func TestCrash(t *testing.T) {
	opts := overlay(t)
	opts.Dir = filepath.Join(t.TempDir(), "state")
	f := start(t, opts)
	comp := f.component("slow", "echo started; test ! -e /opt/again || exit 1; touch /opt/again; sleep 1")
	arn := f.image(f.recipe("slow", parent, comp), f.infrastructure("slow"))
	f.until(func() bool { return slices.Contains(f.tryLog("/aws/imagebuilder/slow"), "Stdout: started") })
	opts.Dir = filepath.Join(t.TempDir(), "copy")
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state.json", "journal.jsonl"} {
		b, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "journal.jsonl" {
			b = append(b, `[{"t":"resource","k":"half a li`...)
		}
		if err := os.WriteFile(filepath.Join(opts.Dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if img := start(t, opts).wait(arn); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("the image is %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
}
