package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An assistantCall is one call of Image Assistant's command line, parsed.
type assistantCall struct {
	flags  map[string]string
	truths map[string]bool
	lists  map[string][]string
}

// An assistantOperation is one subcommand: its flags with a value, the required ones, those without a value,
// those with several, and what it does. An empty message is success.
type assistantOperation struct {
	flags, required, truths, lists []string
	do                             func(*guestMachineState, assistantCall, *guestWriter) (assistantAnswer, error)
}

// An assistantAnswer is the line of JSON that Image Assistant prints.
type assistantAnswer struct {
	Status       int       `json:"status"`
	Message      string    `json:"message"`
	Applications *[]object `json:"applications,omitempty"`
}

const assistantBanner = "ConsoleImageBuilder 4.0.0.886\nCopyright (C) 2026 Amazon.com, Inc. or its affiliates.\n"

// assistantOperations are the subcommands by name; there are no others, "create-default-settings" and "optimize" least of all.
func assistantOperations() map[string]assistantOperation {
	return map[string]assistantOperation{
		"add-application": {
			flags:    []string{"name", "absolute-app-path", "display-name", "absolute-icon-path", "working-directory", "launch-parameters", "absolute-manifest-path"},
			required: []string{"name", "absolute-app-path"}, do: (*guestMachineState).addApplication,
		},
		"remove-application":     {flags: []string{"name"}, required: []string{"name"}, do: (*guestMachineState).removeApplication},
		"list-applications":      {do: (*guestMachineState).listApplications},
		"update-default-profile": {flags: []string{"profile"}, do: (*guestMachineState).updateProfile},
		"reset-user-profile":     {flags: []string{"profile"}, do: (*guestMachineState).updateProfile},
		"create-image": {
			flags: []string{"name", "description", "display-name"}, required: []string{"name"},
			truths: []string{"enable-dynamic-app-catalog", "no-enable-dynamic-app-catalog", "use-latest-agent-version", "no-use-latest-agent-version", "dry-run"},
			lists:  []string{"tags"}, do: (*guestMachineState).assistantCreate,
		},
	}
}

// assistant is Image Assistant: one line of JSON, and its status as the exit status; a banner where the arguments are wrong.
func (m *guestMachineState) assistant(args []string, out *guestWriter) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" {
		out.line(assistantBanner + "\n  " + strings.Join([]string{"add-application", "remove-application", "list-applications", "update-default-profile", "reset-user-profile", "create-image", "help"}, "\n  "))
		return 0
	}
	op, ok := assistantOperations()[args[0]]
	if !ok {
		return banner(out, "Verb '"+args[0]+"' is not recognized.")
	}
	call, wrong := op.parse(args[1:])
	if len(wrong) > 0 {
		return banner(out, wrong...)
	}
	answer, err := op.do(m, call, out)
	if refusal, ok := errors.AsType[*guestRefusal](err); ok {
		answer = assistantAnswer{Status: 1, Message: refusal.Message}
	} else if err != nil {
		answer = assistantAnswer{Status: 255, Message: err.Error()}
	} else if answer.Message == "" {
		answer.Message = "Success"
	}
	raw, err := json.Marshal(answer)
	if err != nil {
		return banner(out, err.Error())
	}
	out.line(string(raw))
	return answer.Status
}

func banner(out *guestWriter, wrong ...string) int {
	out.line(assistantBanner + "\nERROR(S):\n  " + strings.Join(wrong, "\n  ") + "\n")
	return 1
}

// parse reads arguments as the real one's library does: a value that begins with a hyphen is an option.
func (o assistantOperation) parse(args []string) (c assistantCall, wrong []string) {
	c = assistantCall{map[string]string{}, map[string]bool{}, map[string][]string{}}
	for i := 0; i < len(args); i++ {
		name, value, inline := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		switch {
		case !strings.HasPrefix(args[i], "--"):
			wrong = append(wrong, "Option '"+strings.TrimLeft(args[i], "-")+"' is unknown.")
		case slices.Contains(o.truths, name):
			c.truths[name] = true
		case slices.Contains(o.lists, name):
			for i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++
				c.lists[name] = append(c.lists[name], args[i])
			}
		case !slices.Contains(o.flags, name):
			wrong = append(wrong, "Option '"+name+"' is unknown.")
		case inline:
			c.flags[name] = value
		case i+1 < len(args) && !strings.HasPrefix(args[i+1], "-"):
			i++
			c.flags[name] = args[i]
		default:
			wrong = append(wrong, "Option '"+name+"' has no value.")
		}
	}
	for _, name := range o.required {
		if c.flags[name] == "" {
			wrong = append(wrong, "Required option '"+name+"' is missing.")
		}
	}
	return c, wrong
}

const maxApplications = 50

func (m *guestMachineState) addApplication(c assistantCall, out *guestWriter) (assistantAnswer, error) {
	name := c.flags["name"]
	apps := m.state().Applications
	switch {
	case len(apps) >= maxApplications:
		return refuse("Unable to add more than 50 apps to the catalog.")
	case utf8.RuneCountInString(name) > 256 || strings.ContainsFunc(name, unicode.IsSpace):
		return refuse("Invalid value (name)")
	case slices.ContainsFunc(apps, func(a object) bool { return text(a, "Name") == name }):
		return refuse("Name is not unique")
	}
	app := c.flags["absolute-app-path"]
	if ext := strings.ToLower(path.Ext(app)); m.windows() && ext != ".exe" && ext != ".bat" {
		return refuse("Unsupported file extension")
	}
	if err := m.checkFiles(c, out); err != nil {
		return assistantAnswer{}, err
	}
	entry := object{"Name": name, "LaunchPath": app, "Enabled": true}
	for flag, member := range map[string]string{"display-name": "DisplayName", "working-directory": "WorkingDirectory", "launch-parameters": "LaunchParameters", "absolute-icon-path": "IconPath", "absolute-manifest-path": "ManifestPath"} {
		if v := c.flags[flag]; v != "" {
			entry[member] = strings.TrimPrefix(v, " ") // a space in front of it only keeps it from being an option
		}
	}
	m.change(func(d *guestDisk) { d.Applications = append(slices.Clone(d.Applications), entry) })
	return assistantAnswer{}, nil
}

func refuse(message string) (assistantAnswer, error) {
	return assistantAnswer{}, &guestRefusal{Message: message}
}

// checkFiles looks whether what an application names is there. Of a machine in which a script was not run
// nothing can be said.
func (m *guestMachineState) checkFiles(c assistantCall, out *guestWriter) error {
	if !m.windows() {
		return nil // an image of Linux lies in layers that only its root puts together
	}
	var missing string
	if _, ok := m.exists(c.flags["absolute-app-path"]); !ok {
		missing = "File not found (absolute-app-path)"
	}
	if dir := c.flags["working-directory"]; missing == "" && dir != "" {
		if info, ok := m.exists(dir); !ok || !info.IsDir() {
			missing = "Directory not found (working-directory)"
		}
	}
	if file := c.flags["absolute-manifest-path"]; missing == "" && file != "" {
		missing = m.checkManifest(file)
	}
	if missing == "" {
		return nil
	}
	if m.state().NotRun {
		out.error("sandbox: not refused although \"" + missing + "\", since steps were not run that may have made it")
		return nil
	}
	return &guestRefusal{Message: missing}
}

func (m *guestMachineState) checkManifest(file string) string {
	raw, err := m.read(file)
	if err != nil {
		return "Optimization-manifest not found: " + file
	}
	for line := range strings.Lines(strings.TrimPrefix(string(raw), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" {
			if info, ok := m.exists(line); !ok || info.IsDir() {
				return "File not found: " + line
			}
		}
	}
	return ""
}

func (m *guestMachineState) removeApplication(c assistantCall, _ *guestWriter) (assistantAnswer, error) {
	removed := false
	m.change(func(d *guestDisk) {
		before := len(d.Applications)
		d.Applications = slices.DeleteFunc(slices.Clone(d.Applications), func(a object) bool { return text(a, "Name") == c.flags["name"] })
		removed = len(d.Applications) < before
	})
	if !removed {
		return refuse("App not found")
	}
	return assistantAnswer{}, nil
}

func (m *guestMachineState) listApplications(assistantCall, *guestWriter) (assistantAnswer, error) {
	apps := slices.Clone(m.state().Applications)
	if apps == nil {
		apps = []object{}
	}
	return assistantAnswer{Applications: &apps}, nil
}

func (m *guestMachineState) updateProfile(c assistantCall, _ *guestWriter) (assistantAnswer, error) {
	domain, _, ok := strings.Cut(c.flags["profile"], `\`)
	switch {
	case !m.windows():
		return refuse("This operation is only supported on Windows")
	case ok && domain != "." && m.spec.Domain == "":
		return refuse("Cannot copy a domain user when not joined to a domain")
	}
	return assistantAnswer{}, nil
}

func (m *guestMachineState) assistantCreate(c assistantCall, _ *guestWriter) (assistantAnswer, error) {
	tags := c.lists["tags"]
	if len(tags)%2 != 0 {
		return refuse("Invalid value (tags)")
	}
	image := guestImage{
		Name: c.flags["name"], Description: c.flags["description"], DisplayName: c.flags["display-name"],
		DynamicCatalog: c.truths["enable-dynamic-app-catalog"], LatestAgent: c.truths["use-latest-agent-version"],
		Tags: map[string]string{}, DryRun: c.truths["dry-run"],
		// The machine's own disk goes on changing and goes with the machine, so that it is no layer of an image.
		Layers: m.spec.Layers,
	}
	for _, a := range m.state().Applications {
		shown := object{}
		for _, member := range []string{"Name", "DisplayName", "LaunchPath", "LaunchParameters", "Enabled", "WorkingDirectory"} {
			if v, ok := a[member]; ok {
				shown[member] = v
			}
		}
		image.Applications = append(image.Applications, shown)
	}
	for i := 0; i+1 < len(tags); i += 2 {
		image.Tags[tags[i]] = tags[i+1]
	}
	if err := m.guest.service.createImage(m.spec.ARN, image); err != nil {
		return assistantAnswer{}, fmt.Errorf("creating the image: %w", err)
	}
	return assistantAnswer{}, nil
}
