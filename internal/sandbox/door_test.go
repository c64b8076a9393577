package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestDoor: a page in a browser on the same machine reaches the port, and is not answered, by whatever
// name it calls the server; the clients that people use are.
func TestDoor(t *testing.T) {
	f := start(t, sandbox.Options{HostNames: []string{"aws.test"}})
	port := f.url[strings.LastIndexByte(f.url, ':'):]
	const signed = "AWS4-HMAC-SHA256 Credential=AKID/20261001/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=x"
	for name, c := range map[string]struct {
		method, path, host string
		header             map[string]string
		want               int
		says               string
	}{
		"a page's write":              {"PUT", "/bucket/key", "", map[string]string{"Origin": "http://evil.example"}, 403, "doesn't answer web pages"},
		"a page's image":              {"GET", "/bucket", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "doesn't answer web pages"},
		"another port's page":         {"GET", "/bucket", "", map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "doesn't answer web pages"},
		"a rebound page of its own":   {"GET", "/bucket", "evil.example" + port, map[string]string{"Sec-Fetch-Site": "same-origin"}, 403, "doesn't answer web pages"},
		"a rebound name":              {"GET", "/bucket", "evil.example" + port, nil, 403, "--host-name evil.example"},
		"a name that ends like one":   {"GET", "/bucket", "evillocalhost" + port, nil, 403, "doesn't serve the host name"},
		"a name that begins like one": {"GET", "/bucket", "localhost.evil.example", nil, 403, "doesn't serve the host name"},
		"an address in a name":        {"GET", "/bucket", "127.0.0.1.evil.example", nil, 403, "doesn't serve the host name"},
		"a change by GET":             {"GET", "/?Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=s", "", map[string]string{"Authorization": signed}, 403, "as POST only"},
		"keys by GET":                 {"GET", "/?Action=GetSessionToken", "", map[string]string{"Authorization": signed}, 403, "as POST only"},
		"JSON by GET":                 {"GET", "/", "", map[string]string{"X-Amz-Target": "AmazonSSM.PutParameter"}, 403, "as POST only"},
		"typed into a browser":        {"GET", "/no-such-bucket", "", map[string]string{"Sec-Fetch-Site": "none"}, 404, "NoSuchBucket"},
		"an identity by GET":          {"GET", "/?Action=GetCallerIdentity", "", map[string]string{"Authorization": signed}, 200, "123456789012"},
		"localhost":                   {"GET", "/no-such-bucket", "localhost" + port, nil, 404, "NoSuchBucket"},
		"LOCALHOST.":                  {"GET", "/no-such-bucket", "LOCALHOST.", nil, 404, "NoSuchBucket"},
		"IPv6":                        {"GET", "/no-such-bucket", "[::1]" + port, nil, 404, "NoSuchBucket"},
		"another address of its":      {"GET", "/no-such-bucket", "192.0.2.7" + port, nil, 404, "NoSuchBucket"},
		"a bucket before localhost":   {"GET", "/no-such-bucket", "my.bucket.localhost" + port, nil, 404, "NoSuchBucket"},
		"a bucket before the address": {"GET", "/no-such-bucket", "bucket.127.0.0.1" + port, nil, 404, "NoSuchBucket"},
		"AWS's name":                  {"GET", "/no-such-bucket", "bucket.s3.eu-west-1.amazonaws.com", nil, 404, "NoSuchBucket"},
		"from a container":            {"GET", "/no-such-bucket", "host.docker.internal" + port, nil, 404, "NoSuchBucket"},
		"a name that was given":       {"GET", "/no-such-bucket", "bucket.aws.test" + port, nil, 404, "NoSuchBucket"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, f.url+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range c.header {
				req.Header.Set(k, v)
			}
			req.Host = c.host
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close() //nolint:errcheck // it was only read
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != c.want || !strings.Contains(string(body), c.says) {
				t.Errorf("status %d, %s (%v)", res.StatusCode, body, err)
			}
		})
	}
}

// TestExposed: a server that others reach says so.
func TestExposed(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "[::1]:0": false, "0.0.0.0:0": true} {
		s, err := sandbox.Open(t.Context(), sandbox.Options{Root: "none"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Listen(listen)
		if got := strings.Contains(s.Banner(), "isn't a loopback address"); err != nil || got != want {
			t.Errorf("%s: %s (%v)", listen, s.Banner(), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
