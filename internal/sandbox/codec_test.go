package sandbox_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"go/build"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// snapshots are AWS's own examples of the wire, which the SDK's module carries for its tests.
func snapshots(t *testing.T, dir, suffix string) map[string][]byte {
	t.Helper()
	pkg, err := build.Import("github.com/aws/aws-sdk-go-v2/service/imagebuilder", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(pkg.Dir, dir, "*"+suffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("no snapshots in %s: %v", dir, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), suffix)] = b
	}
	return out
}

func model(t *testing.T) *awsmodel.Service {
	t.Helper()
	s, err := awsmodel.Get("imagebuilder")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil && err != io.EOF {
		t.Fatalf("%v: %s", err, b)
	}
	return out
}

func TestResponsesAsAWS(t *testing.T) {
	for name, snap := range snapshots(t, "response_snapshot", ".response.snap") {
		op, ok := model(t).Operation(name)
		if !ok {
			t.Errorf("the model lacks %s", name)
			continue
		}
		_, body, _ := bytes.Cut(snap, []byte("\n\n"))
		// The SDK is ahead of the published model by these two members of a workflow step.
		body = regexp.MustCompile(`"(attemptNumber|maxAttempts)":1,`).ReplaceAll(body, nil)
		want := decode(t, body)
		got := sandbox.EncodeResponse(op, decode(t, body))
		if !reflect.DeepEqual(decode(t, got.Body.Bytes()), want) {
			t.Errorf("%s: encoded as\n%s\nwant\n%s", name, got.Body, body)
		}
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, got.Code, got.Header().Get("Content-Type"))
		}
	}
}

func TestErrorsAsAWS(t *testing.T) {
	for name, snap := range snapshots(t, "response_snapshot", ".error.snap") {
		head, body, _ := bytes.Cut(snap, []byte("\n\n"))
		got := sandbox.EncodeError(name, "__Message__")
		if want, _, _ := strings.Cut(string(head), "\n"); http.StatusText(got.Code) == "" || want != itoa(got.Code) {
			t.Errorf("%s: status %d, want %s", name, got.Code, want)
		}
		if !reflect.DeepEqual(decode(t, got.Body.Bytes()), decode(t, body)) {
			t.Errorf("%s: encoded as %s, want %s", name, got.Body, body)
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// TestRequestsAsAWS: every request of the client finds its operation and arrives whole.
func TestRequestsAsAWS(t *testing.T) {
	for name, snap := range snapshots(t, "request_snapshot", ".request.snap") {
		parts := strings.SplitN(string(snap), "\n\n", 3) // the request line, headers, the body
		body := []byte(parts[len(parts)-1])
		raw := parts[0] + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + string(body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		op, in, err := sandbox.DecodeRequest(model(t), r)
		if err != nil || op == nil || op.Name != name {
			t.Errorf("%s arrives as %v, %v", name, op, err)
			continue
		}
		want := len(decode(t, body)) + len(r.URL.Query())
		if strings.Contains(op.URI, "{") {
			want++
		}
		if len(in) != want {
			t.Errorf("%s: %d members arrived, %d were sent: %v", name, len(in), want, in)
		}
	}
}

// TestEveryOperation: all 77 have behaviour or an error that their own model lists.
func TestEveryOperation(t *testing.T) {
	answered, all := 0, 0
	for op := range model(t).Operations() {
		all++
		if sandbox.Answered(op.Name) {
			answered++
		} else if code := sandbox.Unsupported(op); !slices.Contains(op.Errors, code) {
			t.Errorf("%s answers %s, which its model does not list: %v", op.Name, code, op.Errors)
		}
	}
	if all != 77 || answered != 73 {
		t.Errorf("%d of %d operations have behaviour", answered, all)
	}
}

func FuzzChunked(f *testing.F) {
	f.Add("6;chunk-signature=aa\r\nhello \r\n0\r\n\r\n")
	f.Add("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")
	f.Add("ffffffffffffffff\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		b, _ := io.ReadAll(sandbox.NewChunked(strings.NewReader(body)))
		if len(b) > len(body) {
			t.Errorf("%d bytes out of %d", len(b), len(body))
		}
	})
}

func FuzzParseRef(f *testing.F) {
	f.Add("arn:aws:imagebuilder:eu-west-1:123456789012:component/web/1.0.0/1")
	f.Add("arn:aws:imagebuilder:eu-west-1:aws:workflow/build/build-image/x.x.x")
	f.Add("arn:aws:imagebuilder:::image//x/")
	f.Fuzz(func(t *testing.T, arn string) {
		family, version, build, ok := sandbox.ParseRef(arn)
		if ok && (!strings.HasPrefix(arn, family) || build < 0 || !strings.Contains(arn, version)) {
			t.Errorf("%q is %q %q %d", arn, family, version, build)
		}
	})
}

func FuzzFilterPattern(f *testing.F) {
	f.Add(`"exit status" -debug ?a ?b`, "exit status 7 a")
	f.Add(`{ $.x = 1 }`, "")
	f.Fuzz(func(_ *testing.T, pattern, line string) {
		if match, err := sandbox.FilterPattern(pattern); err == nil {
			match(line)
		}
	})
}

func FuzzWebIdentity(f *testing.F) {
	f.Add(jwt(`{"iss":"i","sub":"s","aud":["a"],"exp":99999999999}`))
	f.Add("a.b.c")
	f.Fuzz(func(_ *testing.T, token string) {
		_, _ = sandbox.WebIdentity(token, time.Unix(0, 0))
	})
}

func TestWildcard(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"ubuntu/*24.04*", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64", true},
		{"al2023-ami-?", "al2023-ami-x", true},
		{"al2023-ami-?", "al2023-ami-", false},
		{"a[b]c", "a[b]c", true},
		{"a[b]c", "abc", false},
		{`a\*c`, "a*c", true},
		{`a\*c`, "abc", false},
		{"exact", "exactly", false},
	} {
		if got := sandbox.Wildcard(tt.pattern, tt.s); got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.s, got)
		}
	}
}
