package aws_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// An aged AWS is one whose AppStream images all have an agent of early 2024.
type aged struct{}

var agents = regexp.MustCompile(`AppstreamAgentVersion\x6a[0-9-]{10}`) // a CBOR string of ten bytes behind its key

func (aged) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || callOf(r) != "appstream:DescribeImages" {
		return out, err
	}
	body, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	body = agents.ReplaceAll(body, []byte("AppstreamAgentVersion\x6a01-12-2024"))
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.Header.Del("X-Amz-Crc32")
	out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return out, err
}

// What an image's agent is too old for is found when planning, for fleets and for the base images of builders.
func TestAgentOfAnImage(t *testing.T) {
	builder := strings.Replace(onABuilder, `  communicator  = "winrm"`, `  communicator  = "winrm"
  disable_imdsv1 = true`, 1)
	fleet := `
appstream_fleet "cad" {
  image_name     = "AppStream-WinServer2022-02-12-2026"
  instance_type  = "stream.standard.medium"
  disable_imdsv1 = true

  compute_capacity {
    desired_instances = 1
  }
}
`
	url := streaming(t)
	for name, files := range map[string]map[string]string{"builder": config(builder), "fleet": config(fleet)} {
		if _, err := planFor(t.Context(), t, to(t, url, nil), files); err != nil {
			t.Errorf("%s of today: %v", name, err)
		}
		_, err := planFor(t.Context(), t, to(t, url, &http.Client{Transport: aged{}}), files)
		if err == nil || !strings.Contains(err.Error(), "has an agent of 01-12-2024, and IMDSv1 can be disabled only") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
