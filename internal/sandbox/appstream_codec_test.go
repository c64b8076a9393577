package sandbox_test

import (
	"bufio"
	"bytes"
	"go/build"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/appstream"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestStreamRequestsAsAWS: every request of the client, which speaks Smithy's RPC v2, finds its operation,
// arrives whole, and has no member that the model does not know.
func TestStreamRequestsAsAWS(t *testing.T) {
	pkg, err := build.Import("github.com/aws/aws-sdk-go-v2/service/appstream", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	model, err := awsmodel.Get("appstream")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(pkg.Dir, "request_snapshot", "*.request.snap"))
	if err != nil || len(files) != 89 {
		t.Fatalf("%d snapshots, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".request.snap")
		snap, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := bytes.SplitN(snap, []byte("\n\n"), 3) // the request line, headers, the body
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", bytes.NewReader(parts[2]))
		if err != nil {
			t.Fatal(err)
		}
		_, r.URL.Path, _ = strings.Cut(string(parts[0]), " ")
		got, in, err := sandbox.DecodeRPC(r)
		op, ok := model.Operation(name)
		if err != nil || got != name || !ok {
			t.Errorf("%s arrives as %q, %v", name, got, err)
			continue
		}
		for _, m := range op.Input.Members {
			if _, ok := in[m.Name]; !ok {
				t.Errorf("%s: %s did not arrive", name, m.Name)
			}
		}
		if len(in) != len(op.Input.Members) {
			t.Errorf("%s: %d members arrived, the model has %d: %v", name, len(in), len(op.Input.Members), in)
		}
	}
}

// post sends a request as an older client does, in JSON 1.1, or with a path in Smithy's RPC v2.
func (f *fixture) post(path, target, body string) (int, http.Header, string) {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), http.MethodPost, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261101/eu-west-1/appstream/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	out, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil {
		f.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(out)
}

func TestStreamJSON(t *testing.T) {
	f := start(t, sandbox.Options{})
	const target = "PhotonAdminProxyService."
	status, header, body := f.post("/", target+"DescribeImages", `{"Names":["`+base+`"]}`)
	if status != http.StatusOK || header.Get("Content-Type") != "application/x-amz-json-1.1" || !strings.Contains(body, `"PublicBaseImageReleasedDate":1770854400`) {
		t.Errorf("%d %v %s", status, header, body)
	}
	status, header, body = f.post("/", target+"DescribeImages", `{"Names":["none"]}`)
	if status != http.StatusNotFound || header.Get("X-Amzn-Errortype") != "ResourceNotFoundException" ||
		!strings.Contains(body, `"__type":"ResourceNotFoundException"`) || !strings.Contains(body, `"Message":"The image none`) {
		t.Errorf("%d %v %s", status, header, body)
	}
	for _, tt := range []struct{ path, target, body, code string }{
		{"/", target + "Nothing", "{}", "UnknownOperationException"},
		{"/", target + "DescribeImages", "[", "SerializationException"},
		{"/service/PhotonAdminProxyService/operation/Nothing", "", "", "UnknownOperationException"},
		{"/service/PhotonAdminProxyService/operation/DescribeImages", "", "\x81", "SerializationException"},
		{"/", target + "DescribeImages", `{"names":["x"]}`, "ValidationException"},
		{"/", target + "CreateUpdatedImage", `{"ExistingImageName":"x","newImageName":"y"}`, "ValidationException"},
	} {
		_, header, body := f.post(tt.path, tt.target, tt.body)
		if header.Get("X-Amzn-Errortype") != tt.code {
			t.Errorf("%s %s is answered %v %q, want %s", tt.path, tt.target, header, body, tt.code)
		}
	}
}

// TestStreamNull: a member that is null counts as absent, in CBOR as in JSON.
func TestStreamNull(t *testing.T) {
	f := start(t, sandbox.Options{})
	status, header, body := f.post("/service/PhotonAdminProxyService/operation/DescribeStacks", "", "\xbf\x69NextToken\xf6\xff")
	if header.Get("Smithy-Protocol") != "rpc-v2-cbor" || header.Get("Content-Type") != "application/cbor" || status == http.StatusBadRequest && strings.Contains(body, "ValidationException") {
		t.Errorf("%d %v %q", status, header, body)
	}
	_, err := f.app.DescribeImages(t.Context(), &appstream.DescribeImagesInput{})
	if err != nil {
		t.Error(err)
	}
}

func FuzzCBOR(f *testing.F) {
	f.Add([]byte("\xbf\x69NextToken\xf6\xff"))
	f.Add([]byte("\xa1\x65Names\x81\x61x"))
	f.Add([]byte("\xa1\x61x\xc1\xfb\x41\xd4\x52\xd9\xe2\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/service/PhotonAdminProxyService/operation/DescribeImages", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		model, err := awsmodel.Get("appstream")
		if err != nil {
			t.Fatal(err)
		}
		op, _ := model.Operation("DescribeImages")
		if _, in, err := sandbox.DecodeRPC(r); err == nil {
			op.CheckShape(in)
		}
	})
}

func FuzzReadFaults(f *testing.F) {
	f.Add(`[{"operation":"CreateFleet","code":"X","count":-1}]`)
	f.Add(`[{"operation":"x:CreateFleet","effect":"stuck","resource":"[a-"}]`)
	f.Fuzz(func(t *testing.T, script string) {
		faults, err := sandbox.ReadFaults(strings.NewReader(script))
		for _, fault := range faults {
			if err == nil && fault.Operation == "" {
				t.Errorf("%q has a fault of no operation", script)
			}
		}
	})
}
