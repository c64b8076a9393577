package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/component"
)

// notRun is the exit status of a script that was not run, since this machine lacks what runs it. No program of
// Windows or Linux ends with it by itself; a client that does not know it sees a failure.
const notRun = 20050

// decline says that a script was not run.
func (m *guestMachineState) decline(out *guestWriter, why string) int {
	m.change(func(d *guestDisk) { d.NotRun = true })
	out.error("NOT RUN: " + why)
	return notRun
}

const noPowerShell = "PowerShell is not here: the sandbox runs on Linux without pwsh. The step was not run, and nothing is known of what it would have done."

// commandLine runs what a client gave to cmd.exe.
func (m *guestMachineState) commandLine(ctx context.Context, line string, env map[string]string, out *guestWriter) int {
	words := splitCommandLine(line)
	if len(words) == 0 {
		return 0
	}
	switch programName(words[0]) {
	case "image-assistant", "appstreamimageassistant":
		return m.assistant(words[1:], out)
	case "powershell", "pwsh":
		script, ok := powershellArgument(words[1:])
		if !ok {
			out.error("The sandbox's guest takes PowerShell's -EncodedCommand and -Command alone.")
			return 1
		}
		return m.script(ctx, guestScript{shell: "powershell", text: script, env: env}, out)
	}
	return m.decline(out, "cmd.exe is not here: the sandbox runs on Linux. The command was not run.")
}

// programName is a program's name without directories and .exe, in lower case.
func programName(p string) string {
	p = strings.ToLower(p[strings.LastIndexAny(p, `\/`)+1:])
	return strings.TrimSuffix(p, ".exe")
}

// splitCommandLine parts a command line as Windows programs do (CommandLineToArgvW).
func splitCommandLine(line string) []string {
	var words []string
	var word strings.Builder
	quoted, open, slashes := false, false, 0
	flush := func(n int) {
		word.WriteString(strings.Repeat(`\`, n))
		slashes = 0
	}
	for _, r := range line {
		switch {
		case r == '\\':
			slashes++
			open = true
			continue
		case r == '"' && slashes%2 == 1:
			flush(slashes / 2)
			word.WriteByte('"')
		case r == '"':
			flush(slashes / 2)
			quoted, open = !quoted, true
		case (r == ' ' || r == '\t') && !quoted:
			flush(slashes)
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			flush(slashes)
			word.WriteRune(r)
			open = true
		}
	}
	flush(slashes)
	if open {
		words = append(words, word.String())
	}
	return words
}

func abbreviates(short, whole string) bool { return strings.HasPrefix(whole, short) }

// powershellArgument is the script among PowerShell's arguments; parameters may be cut short there.
func powershellArgument(args []string) (string, bool) {
	for i, a := range args {
		name := strings.ToLower(strings.TrimLeft(a, "-/"))
		switch {
		case name == "" || name == a:
			return strings.Join(args[i:], " "), true
		case abbreviates(name, "command") && i+1 < len(args):
			return strings.Join(args[i+1:], " "), true
		case (abbreviates(name, "encodedcommand") || name == "ec") && i+1 < len(args):
			raw, err := base64.StdEncoding.DecodeString(args[i+1])
			return fromUTF16(raw), err == nil
		case i+1 < len(args) && (strings.HasPrefix(name, "ex") || strings.HasPrefix(name, "ou") || strings.HasPrefix(name, "in")):
			args[i+1] = "-value" // that of ExecutionPolicy, OutputFormat, InputFormat
		}
	}
	return "", false
}

// A guestScript is a script and what runs it.
type guestScript struct {
	shell       string // "powershell", "cmd", "sh"
	interpreter string // of sh
	text        string
	env         map[string]string
}

// script runs a script: those of imagebuild's own that the machine knows by itself, others by their shell.
func (m *guestMachineState) script(ctx context.Context, s guestScript, out *guestWriter) int {
	if op, ok := headingOf(s.text); ok {
		if exit, done := m.operation(op, s, out); done {
			return exit
		}
	}
	switch {
	case s.shell == "powershell":
		return m.pwsh(ctx, s, out)
	case s.shell == "cmd" || m.windows():
		return m.decline(out, "cmd.exe is not here: the sandbox runs on Linux. The step was not run.")
	}
	return m.inRoot(ctx, s.text, s.interpreter, s.env, out)
}

// pwsh runs a script by the PowerShell that stands in the root, if one does.
func (m *guestMachineState) pwsh(ctx context.Context, s guestScript, out *guestWriter) int {
	if !m.hasPowerShell() {
		return m.decline(out, noPowerShell)
	}
	text := "pwsh -NoProfile -NonInteractive -EncodedCommand " + base64.StdEncoding.EncodeToString(utf16le(s.text))
	return m.inRoot(ctx, text, "", s.env, out)
}

// hasPowerShell looks for pwsh where a root's PATH does.
func (m *guestMachineState) hasPowerShell() bool {
	for _, dir := range append(slices.Clone(m.spec.Layers), m.disk(), m.guest.opts.Base+"/") {
		for _, bin := range []string{"usr/local/bin", "usr/bin", "bin"} {
			if _, err := os.Stat(filepath.Join(dir, bin, "pwsh")); err == nil {
				return true
			}
		}
	}
	return false
}

const guestFolder = "var/lib/imagebuild"

// inRoot runs a script of the shell in the machine's root. Its standard output comes line by line, its
// standard error at the end.
func (m *guestMachineState) inRoot(ctx context.Context, text, interpreter string, env map[string]string, out *guestWriter) int {
	root, err := m.root(ctx)
	if err != nil {
		out.error(err.Error())
		return 1
	}
	if root.Kind() == component.RootNone {
		return m.decline(out, root.Describe()+". The step was not run.")
	}
	if interpreter == "" {
		interpreter = "/bin/sh"
	}
	var exports strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		exports.WriteString("export " + name + "='" + strings.ReplaceAll(env[name], "'", `'\''`) + "'\n")
	}
	// The engine takes status 194 for a wish to be restarted, and keeps only the end of standard error.
	wrapper := exports.String() + interpreter + " /" + guestFolder + "/script 2>/" + guestFolder + "/stderr\necho $? >/" + guestFolder + "/status\n"
	folder := filepath.Join(m.disk(), guestFolder)
	err = os.MkdirAll(folder, 0o755) //nolint:gosec // it belongs to the machine's root, which is the only user there
	for name, body := range map[string]string{"script": text, "run": wrapper, "status": ""} {
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), []byte(body), 0o644) //nolint:gosec // as above
		}
	}
	if err == nil {
		err = m.engine(ctx, root, out)
	}
	stderr, readErr := readGuest(filepath.Join(folder, "stderr"))
	if readErr == nil && len(stderr) > 0 {
		out.add(true, stderr)
	}
	status, readErr := readGuest(filepath.Join(folder, "status"))
	exit, numErr := strconv.Atoi(strings.TrimSpace(string(status)))
	if err != nil || readErr != nil || numErr != nil {
		out.error(fmt.Sprintf("the sandbox could not run the script to its end: %v", firstError(err, context.Cause(ctx), readErr, numErr)))
		return 1
	}
	return exit
}

// maxGuestText bounds what a script may say on standard error: more than anybody reads.
const maxGuestText = 4 << 20

// readGuest reads the beginning of what a script of a guest left.
func readGuest(file string) (_ []byte, err error) {
	f, err := os.Open(file) //nolint:gosec // a file of the sandbox's own
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxGuestText))
}

func firstError(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// engine runs the wrapper as a document's only step.
func (m *guestMachineState) engine(ctx context.Context, root component.Root, out *guestWriter) error {
	const document = `{"name": "guest", "schemaVersion": 1.0, "phases": [{"name": "build", "steps": [{"name": "script", "action": "ExecuteBinary", "timeoutSeconds": -1,
		"inputs": {"path": "/bin/sh", "arguments": ["/` + guestFolder + `/run"]}}]}]}`
	_, err := root.Run(ctx, component.Job{Documents: []component.JobDocument{{Name: "guest", Source: document}}}, func(e component.Event) {
		if line, ok := strings.CutPrefix(e.Line, "Stdout: "); ok && e.Kind == component.LogLine {
			out.line(line)
		}
	})
	return err
}

// A guestOperation is the heading of a script of imagebuild's own: what it does, as JSON.
type guestOperation struct {
	Do     string   `json:"do"`
	Argv   []string `json:"argv"`
	Path   string   `json:"path"`
	Start  bool     `json:"start"`
	URL    string   `json:"url"`
	SHA256 string   `json:"sha256"`
	Globs  []string `json:"globs"`
}

const headingMark = "# imagebuild: "

func headingOf(script string) (guestOperation, bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(script, "\ufeff"), "\n")
	text, ok := strings.CutPrefix(line, headingMark)
	var op guestOperation
	return op, ok && json.Unmarshal([]byte(text), &op) == nil
}

var appended = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`FromBase64String\('([A-Za-z0-9+/=]*)'\)`) })

// windowsPath is where a path of Windows lies on the machine's disk.
func windowsPath(p string) string {
	p = strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(p, `\`, "/"), ":", ""))
	return strings.TrimPrefix(path.Clean("/"+p), "/")
}
