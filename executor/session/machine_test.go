package session_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

func TestMain(m *testing.M) {
	if handled, code := component.AgentMain(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// A cloud is a sandbox spoken to in AppStream's older protocol, which needs no SDK.
type cloud struct {
	t    *testing.T
	url  string
	name string // of the builder

	mu    sync.Mutex
	lines []string
	steps []string
}

// newCloud starts a sandbox with one image builder that runs.
func newCloud(t *testing.T, platform string, opts sandbox.Options) *cloud {
	t.Helper()
	opts.Self, opts.Root = os.Args[0], map[bool]string{true: opts.Root, false: "none"}[opts.Root != ""]
	opts.AppStream.StateTimes = map[string]time.Duration{"": time.Millisecond}
	s, err := sandbox.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closing := s.Close(); closing != nil {
			t.Error(closing)
		}
	})
	c := &cloud{t: t, name: "b-" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))}
	if c.url, err = s.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	image := ""
	for _, i := range c.call("DescribeImages", map[string]any{"Type": "PUBLIC"})["Images"].([]any) {
		if m := i.(map[string]any); m["Platform"] == platform && m["ImageBuilderSupported"] == true && m["State"] == "AVAILABLE" && !strings.Contains(m["Name"].(string), "Graphics") {
			image = m["Name"].(string)
		}
	}
	c.call("CreateImageBuilder", map[string]any{
		"Name": c.name, "ImageName": image, "InstanceType": "stream.standard.medium", "VpcConfig": map[string]any{"SubnetIds": []string{"subnet-1"}},
	})
	if err = c.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cloud) try(operation string, in any) (map[string]any, error) {
	return c.post("PhotonAdminProxyService."+operation, "appstream", in)
}

func (c *cloud) post(target, service string, in any) (map[string]any, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", target, raw)
	}
	out := map[string]any{}
	return out, json.Unmarshal(raw, &out)
}

func (c *cloud) call(operation string, in any) map[string]any {
	c.t.Helper()
	out, err := c.try(operation, in)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *cloud) describe() (map[string]any, error) {
	out, err := c.try("DescribeImageBuilders", map[string]any{"Names": []string{c.name}})
	if err != nil {
		return nil, err
	}
	return out["ImageBuilders"].([]any)[0].(map[string]any), nil
}

// Address implements session.Machine.
func (c *cloud) Address(context.Context) (string, error) {
	b, err := c.describe()
	if err != nil {
		return "", err
	}
	network, _ := b["NetworkAccessConfiguration"].(map[string]any)
	address, _ := network["EniPrivateIpAddress"].(string)
	return address, nil
}

// Await implements session.Machine.
func (c *cloud) Await(ctx context.Context) error {
	for ctx.Err() == nil {
		b, err := c.describe()
		if err != nil || b["State"] == "RUNNING" {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return ctx.Err()
}

// Cycle implements session.Machine.
func (c *cloud) Cycle(ctx context.Context) error {
	if _, err := c.try("StopImageBuilder", map[string]any{"Name": c.name}); err != nil {
		return err
	}
	for {
		if _, err := c.try("StartImageBuilder", map[string]any{"Name": c.name}); err == nil {
			return c.Await(ctx)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Begun implements session.Images.
func (c *cloud) Begun(_ context.Context, image string) (bool, error) {
	out, err := c.try("DescribeImages", map[string]any{"Names": []string{image}})
	if err != nil && strings.Contains(err.Error(), "ResourceNotFound") {
		return false, nil
	}
	return err == nil && len(out["Images"].([]any)) == 1, err
}

// Secret implements session.Secrets.
func (c *cloud) Secret(_ context.Context, name string) (string, error) {
	out, err := c.post("AmazonSSM.GetParameter", "ssm", map[string]any{"Name": strings.TrimPrefix(name, "ssm:"), "WithDecryption": true})
	if err != nil {
		return "", err
	}
	return out["Parameter"].(map[string]any)["Value"].(string), nil
}

// A bucket is session.Objects over plain requests.
type bucket struct{ url string }

func (b bucket) Put(_ context.Context, key string, content planner.Content) error {
	r, err := content.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPut, b.url+"/"+key, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("put %s: %s", key, resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

func (b bucket) Get(_ context.Context, key string) ([]byte, error) {
	resp, err := http.Get(b.url + "/" + key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotFound {
		return nil, session.ErrNoObject
	}
	return io.ReadAll(resp.Body)
}

func (b bucket) Presign(_ context.Context, key string, _ time.Duration) (string, error) {
	return b.url + "/" + key, nil
}

// session is a session in the builder.
func (c *cloud) session() *session.Session {
	return &session.Session{
		Addr: dsl.Addr{Type: "source.appstream-builder", Name: "it"}, Name: c.name, Run: "run-1", Windows: true,
		Machine: c, Images: c, Secrets: c, Emit: c.emit,
	}
}

func (c *cloud) emit(e executor.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := e.(type) {
	case executor.Log:
		c.lines = append(c.lines, e.Source+": "+e.Line)
	case executor.Progressed:
		c.steps = append(c.steps, e.Step)
	case executor.Retried:
		c.lines = append(c.lines, "retried: "+e.Err.Error())
	case executor.Started, executor.Finished:
		c.t.Errorf("a session emitted %T", e)
	}
}

func (c *cloud) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

type text string

func (s text) Open() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(s))), nil }
