package aws_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

const imported = `
source "imagebuilder" "desktop" {
  parent_image          = "ssm:/aws/service/ami-windows-latest/TPM-Windows_Server-2022-English-Full-Base"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "desktop"
  sources = ["source.imagebuilder.desktop"]

  provisioner "powershell" {
    inline = ["hostname"]
  }
}
source "appstream" "cad" {
  source_ami   = build.desktop.ami
  iam_role_arn = "arn:aws:iam::123456789012:role/AppStreamImport"
  tags         = { team = "cad" }

  application "cad" {
    path = "C:\\CAD\\cad.exe"
  }
  share {
    account = "210987654321"
  }
  copy_to = ["eu-central-1"]

  fleet "cad" {
    instance_type = "GeneralPurpose.t3.large"

    compute_capacity {
      desired_instances = 1
    }
    health_check {
      timeout = "1s"
    }
  }
}
`

// Each of what can go wrong with an import and with what stands on it ends in the behaviour that is promised for it,
// and the next run makes up what is missing.
func TestFaultsOfImports(t *testing.T) {
	t.Parallel()
	files := map[string]string{"main.ib.hcl": imported}
	for name, tt := range map[string]struct {
		fault sandbox.Fault
		at    string // the address that fails; "" where the run succeeds
		says  string
	}{
		"nothing":              {},
		"dry run refuses":      {sandbox.Fault{Operation: "appstream:CreateImportedImage", Code: "IncompatibleImageException", Message: "RDS-RD-Server is installed."}, "appstream_image.cad", "RDS-RD-Server"},
		"import fails":         {sandbox.Fault{Operation: "appstream:CreateImportedImage", Count: -1, Effect: "fail", Code: "IMAGE_X", Message: "port 8443 is taken"}, "appstream_image.cad", "port 8443 is taken"},
		"quota of images":      {sandbox.Fault{Operation: "appstream:CreateImportedImage", Code: "LimitExceededException", Message: "10"}, "appstream_image.cad", "L-E1182CCA"},
		"throttled":            {sandbox.Fault{Operation: "appstream:CreateFleet", Code: "RequestLimitExceededException", Count: 1}, "", ""},
		"copy waits its turn":  {sandbox.Fault{Operation: "appstream:CopyImage", Code: "LimitExceededException", Count: 3}, "", ""},
		"copy fails":           {sandbox.Fault{Operation: "appstream:CopyImage", Effect: "fail", Code: "IMAGE_COPY", Message: "gone"}, "appstream_image_copy.cad-eu-central-1", "gone"},
		"share refused":        {sandbox.Fault{Operation: "appstream:UpdateImagePermissions", Code: "LimitExceededException"}, "appstream_image_permissions.cad-210987654321", "L-99A44980"},
		"fleet does not start": {sandbox.Fault{Operation: "appstream:StartFleet", Effect: "stuck", Code: "SUBNET_HAS_INSUFFICIENT_IP_ADDRESSES"}, "appstream_fleet.cad", "no free address"},
		"fleet quota":          {sandbox.Fault{Operation: "appstream:CreateFleet", Code: "LimitExceededException"}, "appstream_fleet.cad", "L-3FEADC0C"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := to(t, streaming(t, tt.fault), nil)
			r := carryOut(t.Context(), plan(t, c, files), c.Driver(quick(nil)))
			if tt.at == "" {
				if r.err != nil {
					t.Fatal(r.err)
				}
				if again := plan(t, c, files); !strings.HasSuffix(verbs(again), " none") || strings.Contains(verbs(again), ",") {
					t.Errorf("the second plan is %s", verbs(again))
				}
				return
			}
			f := r.finished[tt.at]
			if f.Status != executor.Failed || !strings.Contains(f.Err.Error(), tt.says) {
				t.Errorf("%s %s: %v, want %q", tt.at, f.Status, f.Err, tt.says)
			}
			failure, ok := errors.AsType[*executor.Failure](f.Err)
			if !ok || failure.Range.Filename == "" {
				t.Errorf("the failure leads nowhere: %#v", f.Err)
			}
		})
	}
}

// An interrupted import goes on, and the next run attaches to it.
func TestInterruptedImport(t *testing.T) {
	t.Parallel()
	c := to(t, streaming(t, sandbox.Fault{Operation: "appstream:CreateImportedImage", First: 2, Effect: "stuck"}), nil)
	files := map[string]string{"main.ib.hcl": imported}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r := &record{finished: map[string]executor.Finished{}}
	r.err = executor.Run(ctx, plan(t, c, files), c.Driver(quick(nil)), func(e executor.Event) {
		if p, ok := e.(executor.Progressed); ok && p.State == "IMPORTING" {
			interrupt()
		}
		if f, ok := e.(executor.Finished); ok {
			r.finished[f.Addr.String()] = f
		}
	})
	f := r.finished["appstream_image.cad"]
	going, ok := errors.AsType[*executor.InterruptedError](f.Err)
	if f.Status != executor.Canceled || !ok || !going.Lives {
		t.Fatalf("%s: %v", f.Status, f.Err)
	}
	next := plan(t, c, files)
	i := slices.IndexFunc(next.Changes, func(ch *planner.Change) bool { return ch.Addr.String() == "appstream_image.cad" })
	if next.Changes[i].Verb != planner.Wait {
		t.Errorf("the next run does %s: %s", next.Changes[i].Verb, next.Changes[i].Reason)
	}
}

// The managed update of an image that is current makes none, and what refers to it gets the one that is there.
func TestManagedUpdateInAGraph(t *testing.T) {
	t.Parallel()
	c := to(t, streaming(t), nil)
	base := imported + `
appstream_updated_image "cad" {
  existing_image_name = appstream_image.cad
  name                = "cad-2026-02"
}
`
	files := map[string]string{"main.ib.hcl": strings.ReplaceAll(base, "appstream_image.cad\n", "\"cad-\"\n")}
	first := map[string]string{"main.ib.hcl": imported}
	if r := carryOut(t.Context(), plan(t, c, first), c.Driver(quick(nil))); r.err != nil {
		t.Fatal(r.err)
	}
	p := plan(t, c, files)
	r := carryOut(t.Context(), p, c.Driver(quick(nil)))
	if r.err != nil {
		t.Fatal(r.err)
	}
	out := r.finished["appstream_updated_image.cad"].Outputs
	images := ownImages(t, c)
	switch name := fmt.Sprint(out["name"]); {
	case out["remark"] != nil && len(images) == 1 && strings.HasPrefix(name, "cad-"):
	case name == "cad-2026-02" && len(images) == 2:
	default:
		t.Errorf("outputs %v, images %v", out, images)
	}
}
