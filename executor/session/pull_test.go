package session_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// pulling is a communicator that nothing has to reach, with the key that the sandbox's machines have.
var pulling = planner.Communicator{
	Type: "s3", Settings: planner.Object{"bucket": "jobs"}, Secrets: map[string]string{"key": "ssm:/imagebuild/job-key"},
}

func TestPullWindows(t *testing.T) {
	t.Parallel()
	c := newCloud(t, "WINDOWS_SERVER_2022", sandbox.Options{})
	s := c.session()
	s.Objects = bucket{c.url + "/jobs"}
	body := strings.Repeat("a program ", 1000)
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	w := &planner.Work{
		Communicator: pulling,
		Contents:     map[string]planner.Content{digest: text(body)},
		Steps: []planner.WorkStep{
			{Name: "file", Action: planner.WorkFile, Input: planner.Object{"destination": `C:\CAD`, "files": []any{map[string]any{"name": "bin/cad.exe", "sha256": digest, "size": int64(len(body))}}}},
			{Name: "restart", Action: planner.WorkRestart},
			{Name: "missing", Action: planner.WorkApplication, Input: planner.Object{"name": "none", "path": `C:\none.exe`, "continue_on_error": true}},
			{Name: "cad", Action: planner.WorkApplication, Input: planner.Object{"name": "cad", "path": `C:\CAD\bin\cad.exe`}},
			{Name: "image", Action: planner.WorkCreateImage, Input: planner.Object{"name": "pulled"}},
		},
	}
	if err := s.Do(t.Context(), w); err != nil {
		t.Fatalf("%v\n%s", err, c.log())
	}
	image := c.call("DescribeImages", map[string]any{"Names": []string{"pulled"}})["Images"].([]any)[0].(map[string]any)
	if apps := image["Applications"].([]any); len(apps) != 1 || image["LatestAppstreamAgentVersion"] != "TRUE" {
		t.Errorf("the image is %v", image)
	}
	if !strings.Contains(c.log(), "File not found (absolute-app-path)") {
		t.Errorf("the missing program was not noticed:\n%s", c.log())
	}
	key, _ := c.Secret(t.Context(), "ssm:/imagebuild/job-key")
	if strings.Contains(c.log(), key) {
		t.Error("the log shows the key")
	}
}

// Scripts of Linux builders really run.
func TestPullLinux(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("roots of their own need root here")
	}
	t.Parallel()
	c := newCloud(t, "RHEL8", sandbox.Options{Root: "auto"})
	s := c.session()
	s.Windows, s.Objects = false, bucket{c.url + "/jobs"}
	shell := func(name, script string) planner.WorkStep {
		return planner.WorkStep{Name: name, Action: planner.WorkShell, Input: planner.Object{
			"script": script, "environment": planner.Object{"GREETING": "it's me"}, "valid_exit_codes": []any{int64(0), int64(3)},
		}}
	}
	w := &planner.Work{
		Communicator: pulling,
		Contents:     map[string]planner.Content{"7509e5bda0c762d2bac7f90d758b5b2263fa01ccbc542ab5e3df163be08e6ca9": text("hello world!")},
		Steps: []planner.WorkStep{
			{Name: "file", Action: planner.WorkFile, Input: planner.Object{"destination": "/opt/it/a file", "files": []any{map[string]any{"sha256": "7509e5bda0c762d2bac7f90d758b5b2263fa01ccbc542ab5e3df163be08e6ca9", "size": int64(12)}}}},
			shell("read", `cat "/opt/it/a file"; echo; echo "$GREETING"; echo made >/opt/it/made; echo to stderr >&2; exit 3`),
			{Name: "restart", Action: planner.WorkRestart},
			shell("again", "cat /opt/it/made"),
			{Name: "manifest", Action: planner.WorkManifest, Input: planner.Object{"path": "/opt/it/manifest", "paths": []any{"/opt/it", "/nowhere/*"}}},
			shell("shown", "cat /opt/it/manifest"),
			{Name: "app", Action: planner.WorkApplication, Input: planner.Object{"name": "it", "path": "/opt/it/made"}},
			{Name: "fails", Action: planner.WorkShell, Input: planner.Object{"script": "echo no such thing >&2\nfalse\necho not reached"}},
		},
	}
	err := s.Do(t.Context(), w)
	if err == nil || err.Error() != "step fails of phase build failed: exit status 1" {
		t.Errorf("the last step came out as %v", err)
	}
	for _, want := range []string{"read: hello world!", "read: it's me", "read: to stderr", "again: made", "shown: /opt/it/a file", "shown: /opt/it/made", "fails: no such thing"} {
		if !strings.Contains(c.log(), want) {
			t.Errorf("the log lacks %q:\n%s", want, c.log())
		}
	}
	if strings.Contains(c.log(), "not reached") {
		t.Error("a script went on behind a failure")
	}
}
