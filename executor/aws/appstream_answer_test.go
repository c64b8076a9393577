package aws_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// A blank answers one operation of AppStream's with an empty map, whether or not the call gets through.
type blank struct {
	operation string
	through   bool

	mu    sync.Mutex
	calls []string
}

func (b *blank) RoundTrip(r *http.Request) (*http.Response, error) {
	call := callOf(r)
	b.mu.Lock()
	b.calls = append(b.calls, call)
	b.mu.Unlock()
	if call != "appstream:"+b.operation {
		return http.DefaultTransport.RoundTrip(r)
	}
	if b.through {
		out, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = out.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/cbor"}, "Smithy-Protocol": {"rpc-v2-cbor"}},
		Body:   io.NopCloser(bytes.NewReader([]byte{0xa0})), ContentLength: 1, // {}
	}, nil
}

const oneOfEach = onABuilder + `
appstream_export_image_task "cad" {
  image_name   = build.cad.appstream_image
  iam_role_arn = "arn:aws:iam::123456789012:role/AppStreamExport"
}
appstream_fleet "cad" {
  image_name    = "AppStream-WinServer2022-02-12-2026"
  instance_type = "stream.standard.medium"

  compute_capacity {
    desired_instances = 1
  }
}
appstream_stack "cad" {
  display_name = "CAD"
}
appstream_directory_config "corp" {
  directory_name                          = "corp.example.com"
  organizational_unit_distinguished_names = ["OU=AppStream,DC=corp,DC=example,DC=com"]

  service_account_credentials {
    account_name     = "CORP\\join"
    account_password = var.password
  }
}
`

// A create of AppStream's that is answered with nothing ends with the sentence that Image Builder's ends with. Nothing is
// waited for that has no name, and no machine is left that nobody knows of.
func TestStreamCreatesAnsweredWithNothing(t *testing.T) {
	for _, operation := range []string{"CreateFleet", "CreateStack", "CreateDirectoryConfig", "CreateImageBuilder", "CreateExportImageTask"} {
		for _, through := range []bool{true, false} {
			t.Run(operation, func(t *testing.T) {
				t.Parallel()
				url := streaming(t)
				b := &blank{operation: operation, through: through}
				c := to(t, url, &http.Client{Transport: b})
				r := carryOut(t.Context(), plan(t, c, map[string]string{"main.ib.hcl": oneOfEach}), c.Driver(quick(&hand{})))
				if r.err == nil || !strings.Contains(r.err.Error(), "MissingOutput: AWS accepted appstream:"+operation+" and didn't answer with an ARN") {
					t.Errorf("%v", r.err)
				}
				if n := strings.Count(strings.Join(b.calls, " ")+" ", "appstream:"+operation+" "); n != 1 {
					t.Errorf("called %d times", n)
				}
				if left := leftBuilders(t, c); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				b.operation = ""
				r = carryOut(t.Context(), plan(t, c, map[string]string{"main.ib.hcl": oneOfEach}), c.Driver(quick(&hand{})))
				if r.err != nil {
					t.Errorf("the next run: %v", r.err)
				}
			})
		}
	}
}

// The verb that exports an image ends alike.
func TestExportAnsweredWithNothing(t *testing.T) {
	r := openRegistry(t, sandbox.Options{}, "")
	r.make("cad")
	s := to(t, r.url, &http.Client{Transport: &blank{operation: "CreateExportImageTask"}}).StreamImages(aws.StreamOptions{})
	_, err := s.Export(t.Context(), aws.ExportRequest{Name: "cad", AMIName: "cad-ami", Role: "arn:aws:iam::" + account + ":role/export"})
	r.refused(err, "MissingOutput: AWS accepted appstream:CreateExportImageTask", "")
}
