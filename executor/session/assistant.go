package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// Where Image Assistant lies.
const (
	windowsAssistant = `C:\Program Files\Amazon\Photon\ConsoleImageBuilder\image-assistant.exe`
	linuxAssistant   = "/usr/local/appstream/image-assistant/AppStreamImageAssistant"
)

// maxApplications is how many Image Assistant takes.
const maxApplications = 50

// An assistantAnswer is what Image Assistant said: a line of JSON, or text where its arguments were wrong.
type assistantAnswer struct {
	Status       int             `json:"status"`
	Message      string          `json:"message"`
	Applications []catalogueItem `json:"applications"`
}

// A catalogueItem is an application in the list. Members that the list does not show are not compared.
type catalogueItem map[string]any

// name is the application's, however the list spells that member.
func (i catalogueItem) text(names ...string) (string, bool) {
	for key, v := range i {
		flat := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
		if s, ok := v.(string); ok && slices.Contains(names, flat) {
			return s, true
		}
	}
	return "", false
}

// parseAssistant reads Image Assistant's output: the last line that begins with a brace counts, whatever else
// was printed. Without one the exit status decides, and all of the text is the message.
func parseAssistant(lines []string, exit int) assistantAnswer {
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "\ufeff"))
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var a assistantAnswer
		if json.Unmarshal([]byte(line), &a) == nil {
			if a.Status == 0 {
				a.Status = exit
			}
			return a
		}
		break
	}
	return assistantAnswer{Status: exit, Message: strings.TrimSpace(strings.Join(lines, "\n"))}
}

// An assistantError is a refusal of Image Assistant's.
type assistantError struct {
	operation string
	answer    assistantAnswer
}

func (e *assistantError) Error() string {
	return fmt.Sprintf("Image Assistant's %s ended with status %d: %s", e.operation, e.answer.Status, e.answer.Message)
}

// An application is an application step's input.
type application struct {
	name, path, displayName, icon, directory, parameters, manifest string
}

func applicationOf(in planner.Object) application {
	return application{
		name: textOf(in, "name"), path: textOf(in, "path"), displayName: textOf(in, "display_name"), icon: textOf(in, "icon"),
		directory: textOf(in, "working_directory"), parameters: textOf(in, "launch_parameters"), manifest: textOf(in, "manifest"),
	}
}

// arguments are those of add-application.
func (a application) arguments() []string {
	out := []string{"add-application", "--name", a.name, "--absolute-app-path", a.path}
	for _, f := range []struct{ flag, value string }{
		{"--display-name", a.displayName},
		{"--absolute-icon-path", a.icon},
		{"--working-directory", a.directory},
		{"--launch-parameters", optionValue(a.parameters)},
		{"--absolute-manifest-path", a.manifest},
	} {
		if f.value != "" {
			out = append(out, f.flag, f.value)
		}
	}
	return out
}

// optionValue keeps a value that begins with a hyphen from being taken for an option: a space goes in front.
func optionValue(v string) string {
	if strings.HasPrefix(v, "-") {
		return " " + v
	}
	return v
}

// item is the application as the catalogue would list it.
func (a application) item() catalogueItem {
	return catalogueItem{
		"name": a.name, "path": a.path, "display-name": a.displayName, "working-directory": a.directory,
		"launch-parameters": a.parameters, "icon-path": a.icon, "manifest-path": a.manifest,
	}
}

// same says whether what is in the catalogue is what is wanted, as far as the list shows it.
func (a application) same(have catalogueItem) bool {
	for _, m := range []struct {
		want  string
		names []string
	}{
		{a.path, []string{"absoluteapppath", "launchpath", "path"}},
		{a.displayName, []string{"displayname"}},
		{a.directory, []string{"workingdirectory"}},
		{a.parameters, []string{"launchparameters"}},
		{a.icon, []string{"absoluteiconpath", "iconpath"}},
		{a.manifest, []string{"absolutemanifestpath", "manifestpath"}},
	} {
		got, shown := have.text(m.names...)
		if shown && strings.TrimPrefix(got, " ") != m.want || !shown && m.want != "" {
			return false
		}
	}
	return true
}

// createArguments are those of create-image. Whether the agent is pinned is always said: the default of the command
// line is another one than the console's, and of a pinned image it cannot be changed.
func createArguments(in planner.Object, dry bool) []string {
	out := []string{"create-image", "--name", textOf(in, "name")}
	for _, f := range []struct{ flag, name string }{{"--description", "description"}, {"--display-name", "display_name"}} {
		if v := textOf(in, f.name); v != "" {
			out = append(out, f.flag, optionValue(v))
		}
	}
	catalogue, agent := "--no-enable-dynamic-app-catalog", "--use-latest-agent-version"
	if truthOf(in, "dynamic_app_catalog") {
		catalogue = "--enable-dynamic-app-catalog"
	}
	if textOf(in, "agent") == "pinned" {
		agent = "--no-use-latest-agent-version"
	}
	out = append(out, catalogue, agent)
	if tags := textsOf(in, "tags"); len(tags) > 0 {
		out = append(out, "--tags")
		for k, v := range sorted(tags) {
			out = append(out, k, v)
		}
	}
	if dry {
		out = append(out, "--dry-run")
	}
	return out
}
