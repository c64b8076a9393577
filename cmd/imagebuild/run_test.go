package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// A cloudWatch takes log events as the real one does, as far as the calls of a run go.
type cloudWatch struct {
	mu      sync.Mutex
	group   bool
	calls   []string
	lines   []string
	refuses bool // PutLogEvents
}

func (c *cloudWatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.calls = append(c.calls, op)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "refused"})
	}
	switch {
	case op == "CreateLogGroup":
		c.group = true
	case op == "CreateLogStream" && !c.group:
		refuse("ResourceNotFoundException")
		return
	case op == "PutLogEvents" && c.refuses:
		refuse("AccessDeniedException")
		return
	case op == "PutLogEvents":
		var in struct {
			LogGroupName, LogStreamName string
			LogEvents                   []struct{ Message string }
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.LogGroupName != "group" || in.LogStreamName != "stream" {
			refuse("InvalidParameterException")
			return
		}
		for _, e := range in.LogEvents {
			c.lines = append(c.lines, e.Message)
		}
	}
	_, _ = io.WriteString(w, "{}")
}

// runInAWS runs `imagebuild run` where AWS is the sandbox, CloudWatch excepted.
func runInAWS(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, lookupEnv: os.LookupEnv, environ: os.Environ,
		cwd: t.TempDir(), self: os.Args[0], now: time.Now,
	}
	status = p.run(t.Context(), append([]string{"run", "-l", t.TempDir(), "-i", "here"}, args...))
	return status, out.String(), errs.String()
}

// useSandbox makes the sandbox the AWS of this process's environment.
func useSandbox(t *testing.T, logs http.Handler) *aws.Clients {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("documents run on Linux alone")
	}
	server, err := sandbox.Open(t.Context(), sandbox.Options{Root: "none"})
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closed := server.Close(); closed != nil {
			t.Error(closed)
		}
	})
	watch := httptest.NewServer(logs)
	t.Cleanup(watch.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": watch.URL, "AWS_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	clients, err := aws.New(t.Context(), aws.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

const downloading = `
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Get
        action: S3Download
        inputs: [{source: 's3://stage/page', destination: page}]
      - name: Show
        action: ExecuteBash
        inputs: {commands: ['cat page']}
`

// TestRunInAWS runs documents of S3 and of Image Builder, and delivers the log to S3 and CloudWatch.
func TestRunInAWS(t *testing.T) {
	watch := &cloudWatch{}
	clients := useSandbox(t, watch)
	dir := t.TempDir()
	for key, text := range map[string]string{"doc.yml": downloading, "page": "fetched from S3"} {
		name := filepath.Join(dir, key)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := clients.Store(t.Context(), planner.Object{"Bucket": "stage", "Key": key}, fileContent(name)); err != nil {
			t.Fatal(err)
		}
	}
	made, err := clients.Call(t.Context(), "imagebuilder:CreateComponent", "", json.RawMessage(`{"name": "mine", "semanticVersion": "1.0.0", "platform": "Linux",
		"clientToken": "one", "data": "schemaVersion: 1.0\nphases: [{name: build, steps: [{name: Mine, action: ExecuteBash, inputs: {commands: ['echo of a component']}}]}]"}`))
	if err != nil {
		t.Fatal(err)
	}
	var mine struct{ ComponentBuildVersionARN string }
	if err = json.Unmarshal(made, &mine); err != nil {
		t.Fatal(err)
	}
	status, out, errs := runInAWS(t, "-d", "s3://stage/doc.yml,"+mine.ComponentBuildVersionARN,
		"-b", "logs", "-k", "builds", "--cw-log-group", "group", "--cw-log-stream", "stream")
	var result runResult
	if err = json.Unmarshal([]byte(out), &result); err != nil || status != statusDone {
		t.Fatalf("the run ended with %d (%v):\n%s%s", status, err, out, errs)
	}
	if !strings.HasPrefix(result.LogURL, "s3://logs/builds/TOE_") {
		t.Errorf("the log is at %s", result.LogURL)
	}
	console, err := clients.Fetch(t.Context(), result.LogURL+"/console.log", "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Stdout: fetched from S3", "Stdout: of a component", "TOE has completed execution successfully"} {
		if !strings.Contains(string(console), want) {
			t.Errorf("console.log in S3 lacks %q:\n%s", want, console)
		}
		if !slices.Contains(watch.lines, want) {
			t.Errorf("CloudWatch lacks %q: %q", want, watch.lines)
		}
	}
	if _, err := clients.Fetch(t.Context(), result.LogURL+"/D1__mine-1.0.0-1.yml", "", 1<<20); err != nil {
		t.Errorf("the copy of the component: %v", err)
	}
	if want := []string{"CreateLogStream", "CreateLogGroup", "CreateLogStream"}; !slices.Equal(watch.calls[:3], want) {
		t.Errorf("CloudWatch was called %q", watch.calls)
	}
}

// TestRunThroughRelay lets a document fetch from and store to S3 with the caller's credentials, on the
// machine itself, and keeps one in a root of its own from them.
func TestRunThroughRelay(t *testing.T) {
	clients := useSandbox(t, &cloudWatch{})
	dir := t.TempDir()
	page := filepath.Join(dir, "page")
	if err := os.WriteFile(page, []byte("fetched from S3"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"site/a", "site/b/c"} {
		if err := clients.Store(t.Context(), planner.Object{"Bucket": "stage", "Key": key}, fileContent(page)); err != nil {
			t.Fatal(err)
		}
	}
	x := &execution{p: &program{stderr: io.Discard, lookupEnv: os.LookupEnv}, credentials: true}
	x.aws = newRunClients(x.p)
	stop, err := x.serveS3(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	root, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: component.RootHost}, os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	x.job.Start = dir
	x.job.Documents = []component.JobDocument{{Name: "doc.yml", Source: `
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Folder, action: CreateFolder, inputs: [{path: all}]}
      - {name: Get, action: S3Download, inputs: [{source: 's3://stage/site/*', destination: all, expectedBucketOwner: '123456789012'}]}
      - {name: Put, action: S3Upload, inputs: [{source: all/b/c, destination: 's3://stage/back'}]}
      - {name: Gone, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://stage/none', destination: none}]}
`}}
	result, err := root.Run(t.Context(), x.job, func(component.Event) {})
	if err != nil || result.Status != component.SuccessWithIgnoredFailure {
		t.Fatalf("%v: %+v", err, result)
	}
	if message := result.Steps[3].Message; !strings.Contains(message, "404") {
		t.Errorf("what is not there: %s", message)
	}
	back, err := clients.Fetch(t.Context(), "s3://stage/back", "", 1<<20)
	if err != nil || string(back) != "fetched from S3" {
		t.Errorf("what came back is %q, %v", back, err)
	}
	guess, _, _ := strings.Cut(strings.TrimPrefix(x.job.S3Endpoint, "http://"), "/")
	resp, err := http.Get("http://" + guess + "/stage/back")
	if err != nil {
		t.Fatal(err)
	}
	if err = resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("without the path the relay answers %s", resp.Status)
	}
}

// TestRunRefusedByCloudWatch holds that a log that CloudWatch does not take fails the run, unless
// that was to be ignored.
func TestRunRefusedByCloudWatch(t *testing.T) {
	useSandbox(t, &cloudWatch{group: true, refuses: true})
	doc := filepath.Join(t.TempDir(), "doc.yml")
	if err := os.WriteFile(doc, []byte("schemaVersion: 1.0\nphases: [{name: build, steps: [{name: S, action: ExecuteBash, inputs: {commands: [echo hi]}}]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, _ := runInAWS(t, "-d", doc, "--cw-log-group", "group", "--cw-log-stream", "stream")
	if status != statusFailed || !strings.Contains(out, "CloudWatch does not take the log") || !strings.Contains(out, "AccessDeniedException") {
		t.Errorf("the run ended with %d:\n%s", status, out)
	}
	status, out, errs := runInAWS(t, "-d", doc, "--cw-log-group", "group", "--cw-log-stream", "stream", "--cw-ignore-failures")
	if status != statusDone || !strings.Contains(errs, "warning: CloudWatch does not take the log") {
		t.Errorf("the run ended with %d:\n%s%s", status, out, errs)
	}
}

// TestDecodeSettings holds AWSTOE's misspelling and what no file may hold.
func TestDecodeSettings(t *testing.T) {
	s, err := decodeSettings([]byte(`{"documents": [{"path": "a.yml"}], "executonId": "x", "cwIgnoreFailures": true}`))
	if err != nil || s.ExecutionID != "x" || !s.CWIgnoreFailures {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{`{`, `[]`, `{"documents": [{"path": ""}]}`, `{"documents": [{"path": "a"}]} {}`, `{"documents": "a"}`} {
		if _, err := decodeSettings([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// TestRunPage runs the commands of docs/run.md on its files, and looks for the lines that it shows.
func TestRunPage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("documents run on Linux alone")
	}
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(examplesDir(t)), "docs", "run.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, dir := string(raw), t.TempDir()
	for name, mark := range map[string]string{"hello.yml": "```yaml\n", "run.json": "```json\n"} {
		_, text, _ := strings.Cut(page, mark)
		text, _, _ = strings.Cut(text, "```")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := strings.Split(page, "```console\n$ imagebuild ")[1:]
	if len(commands) < 4 {
		t.Errorf("only %d commands", len(commands))
	}
	for _, c := range commands {
		c, _, _ = strings.Cut(c, "```")
		line, shown, _ := strings.Cut(c, "\n")
		var out, errs bytes.Buffer
		p := &program{
			stdin: strings.NewReader(""), stdout: &out, stderr: &errs, lookupEnv: os.LookupEnv, environ: os.Environ,
			cwd: dir, self: os.Args[0], now: time.Now,
		}
		if status := p.run(t.Context(), strings.Fields(line)); status != statusDone {
			t.Errorf("%s ended with %d:\n%s%s", line, status, &errs, &out)
		}
		for want := range strings.Lines(shown) {
			if !strings.Contains(errs.String()+out.String(), want) {
				t.Errorf("%s does not print %q:\n%s%s", line, want, &errs, &out)
			}
		}
	}
}

// FuzzDecodeSettings holds that a configuration file that is accepted names documents.
func FuzzDecodeSettings(f *testing.F) {
	for _, seed := range []string{
		`{"documents": [{"path": "a.yml", "parameters": [{"name": "n", "value": "v"}]}], "phases": "build"}`,
		`{"documents": [{"path": "a"}], "executonId": "x", "trace": true}`, `{`, `[]`, `null`, `{"documents": null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := decodeSettings(raw)
		if err != nil {
			return
		}
		if len(s.Documents) == 0 || slices.ContainsFunc(s.Documents, func(d runDocument) bool { return d.Path == "" }) {
			t.Errorf("%q was accepted as %+v", raw, s)
		}
	})
}
