package session_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

const password = "Sandbox-1"

// winrm is a communicator with the sandbox's own password.
func winrm(settings planner.Object) planner.Communicator {
	if settings == nil {
		settings = planner.Object{}
	}
	settings["username"] = "Administrator"
	if settings["connect_timeout"] == nil {
		settings["connect_timeout"] = int64(20)
	}
	return planner.Communicator{Type: "winrm", Settings: settings, Secrets: map[string]string{"password": password}}
}

// The whole of a builder's work, over each way that WinRM has here.
func TestWinRM(t *testing.T) {
	icon := strings.Repeat("an icon ", 300)
	sum := sha256.Sum256([]byte(icon))
	digest := hex.EncodeToString(sum[:])
	for name, settings := range map[string]planner.Object{
		"http":  {"http": true},
		"https": {"trust_on_first_use": true},
		"basic": {"trust_on_first_use": true, "authentication": "basic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, "WINDOWS_SERVER_2022", sandbox.Options{})
			w := &planner.Work{
				Communicator: winrm(settings),
				Contents:     map[string]planner.Content{digest: text(icon)},
				Steps: []planner.WorkStep{
					{Name: "install", Action: planner.WorkPowerShell, Input: planner.Object{"script": "choco install cad"}},
					{Name: "icon", Action: planner.WorkFile, Input: planner.Object{
						"destination": `C:\CAD\icon.png`,
						"files":       []any{map[string]any{"sha256": digest, "size": int64(len(icon))}},
					}},
					{Name: "restart", Action: planner.WorkRestart},
					{Name: "cad", Action: planner.WorkApplication, Input: planner.Object{
						"name": "cad", "path": `C:\CAD\cad.exe`, "display_name": `CAD "2026"`, "launch_parameters": `-file "C:\CAD\it is.x"`,
					}},
					{Name: "cad", Action: planner.WorkApplication, Input: planner.Object{
						"name": "cad", "path": `C:\CAD\cad.exe`, "display_name": `CAD "2026"`, "launch_parameters": `-file "C:\CAD\it is.x"`,
					}},
					{Name: "manifest", Action: planner.WorkManifest, Input: planner.Object{"paths": []any{`C:\CAD`}}},
					{Name: "profile", Action: planner.WorkDefaultProfile, Input: planner.Object{}},
					{Name: "scripts", Action: planner.WorkSessionScript, Input: planner.Object{"config": planner.Object{
						"SessionStart": planner.Object{"waitingTime": int64(30), "executables": []any{planner.Object{"context": "system", "filename": "cmd.exe"}}},
					}}},
					{Name: "image", Action: planner.WorkCreateImage, Input: planner.Object{
						"name": "made-" + name, "description": "-made here", "agent": "pinned", "tags": planner.Object{"team": "cad", "x": "y z"},
					}},
				},
			}
			if err := c.session().Do(t.Context(), w); err != nil {
				t.Fatalf("%v\n%s", err, c.log())
			}
			image := c.call("DescribeImages", map[string]any{"Names": []string{"made-" + name}})["Images"].([]any)[0].(map[string]any)
			apps := image["Applications"].([]any)
			if len(apps) != 1 || apps[0].(map[string]any)["LaunchParameters"] != `-file "C:\CAD\it is.x"` || apps[0].(map[string]any)["DisplayName"] != `CAD "2026"` {
				t.Errorf("the image has the applications %v", apps)
			}
			if image["LatestAppstreamAgentVersion"] != "FALSE" {
				t.Errorf("the agent is not pinned: %v", image)
			}
			for _, want := range []string{"NOT RUN: PowerShell is not here", "The machine restarts.", "cad is in the catalogue as wanted.", "1 files", "The image is being made."} {
				if !strings.Contains(c.log(), want) {
					t.Errorf("the log lacks %q:\n%s", want, c.log())
				}
			}
			if strings.Contains(c.log(), password) {
				t.Error("the log shows the password")
			}
		})
	}
}
