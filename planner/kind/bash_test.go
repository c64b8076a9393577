package kind_test

import (
	"errors"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/org/imagebuild-action/internal/component"
)

// bashOf returns the program of one shell provisioner whose arguments are given, as AWSTOE runs it.
func bashOf(t *testing.T, files fstest.MapFS, arguments string) string {
	t.Helper()
	fsys := fstest.MapFS{"main.ib.hcl": {Data: []byte(`
source "imagebuilder" "web" {
  parent_image          = "ami-0123456789abcdef0"
  instance_profile_name = "builder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" {
    ` + arguments + `
  }
}
`)}}
	maps.Copy(fsys, files)
	for _, n := range compileFS(t, fsys).Nodes {
		data, ok := n.Input["data"].(string)
		if !ok {
			continue
		}
		doc, diags := component.Parse([]byte(data), "")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return strings.Join(doc.Phases[0].Steps[0].Inputs[0]["commands"].([]string), "\n")
	}
	t.Fatal("no component")
	return ""
}

// TestShellRuns runs the programs that provisioners become.
func TestShellRuns(t *testing.T) {
	script := func(text string) fstest.MapFS { return fstest.MapFS{"x.sh": {Data: []byte(text)}} }
	for _, tt := range []struct {
		name, arguments string
		files           fstest.MapFS
		out             string
		status          int
	}{
		{"inline stops at the first failure", `inline = ["echo a", "false", "echo b"]`, nil, "a\n", 1},
		{"a file without -e does not", `script = "x.sh"`, script("echo a\nfalse\necho b\n"), "a\nb\n", 0},
		{"a file with -e does", `script = "x.sh"`, script("#!/bin/sh -e\necho a\nfalse\necho b\n"), "a\n", 1},
		{"heredocs in inline", `inline = ["cat <<'E'", "x y", "E"]`, nil, "x y\n", 0},
		{"values are not expanded", `inline = ["echo \"$A\""]` + "\n" + `env = { A = "$(id) it's \"q\" \\" }`, nil, "$(id) it's \"q\" \\\n", 0},
		{"braces arrive", `inline = ["echo '{{ .X }}' \"$A\""]` + "\n" + `env = { A = "{{a}}" }`, nil, "{{ .X }} {{a}}\n", 0},
		{"braces and a failure", `inline = ["echo '{{x}}'", "exit 5", "echo no"]`, nil, "{{x}}\n", 5},
		{"reboot asked for", `inline = ["exit 194"]`, nil, "", 194},
		{"reboot asked for in braces", `inline = ["echo '{{x}}' >/dev/null; exit 194"]`, nil, "", 194},
		{"valid exit code", `inline = ["exit 3"]` + "\n" + `valid_exit_codes = [0, 3]`, nil, "", 0},
		{"another exit code", `inline = ["exit 4"]` + "\n" + `valid_exit_codes = [0, 3]`, nil, "", 4},
		{"zero is not valid", `inline = ["true"]` + "\n" + `valid_exit_codes = [3]`, nil, "", 1},
		{"another interpreter", `inline = ["BEGIN { print 1 + 1 }"]` + "\n" + `inline_shebang = "/usr/bin/awk -f"`, nil, "2\n", 0},
		{"execute_command", `script = "x.sh"` + "\n" + `env = { A = "it's" }` + "\n" + `execute_command = "{{.Vars}} bash {{.Path}}; echo $?"`, script("echo $A; exit 6\n"), "it's\n6\n", 0},
		{"execute_command with a file of variables", `script = "x.sh"` + "\n" + `env = { A = "it's" }` + "\n" + `execute_command = ". {{.EnvVarFile}} && {{.Path}}"`, script("#!/bin/sh\necho $A; exit 6\n"), "it's\n", 6},
		{"no line break at the end", `script = "x.sh"` + "\n" + `valid_exit_codes = [0]`, script("printf x"), "x", 0},
		{"line endings of Windows", `script = "x.sh"`, script("#!/bin/sh -eu\r\necho a\r\n"), "a\n", 0},
		{"delimiters of others", `script = "x.sh"` + "\n" + `valid_exit_codes = [1]`, script("echo END_\nexit 1\n"), "END_\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := bashOf(t, tt.files, tt.arguments)
			cmd := exec.CommandContext(t.Context(), "bash", "-c", program)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "WORKING_DIRECTORY=" + t.TempDir()}
			out, err := cmd.Output()
			status := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if string(out) != tt.out || status != tt.status {
				t.Errorf("printed %q and ended with %d, want %q and %d\n%s", out, status, tt.out, tt.status, program)
			}
		})
	}
}

// FuzzShell holds that any script arrives on the machine as it was, whichever way it travels.
func FuzzShell(f *testing.F) {
	f.Add("plain", false)
	f.Add("{{ x }}", true)
	f.Add("END_\n'\"$`\\", true)
	f.Add("\x00\x01\xff\r\n", false)
	f.Add("\ttabs and trailing space \n\n\n", true)
	f.Fuzz(func(t *testing.T, text string, codes bool) {
		text = "#!/bin/cat\n" + text // a script that prints itself
		arguments := `script = "x.sh"` + "\n    binary = true"
		if codes {
			arguments += "\n    valid_exit_codes = [0, 1]"
		}
		program := bashOf(t, fstest.MapFS{"x.sh": {Data: []byte(text)}}, arguments)
		if strings.Contains(program, "{{") {
			t.Errorf("AWSTOE would expand %q", program)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-c", program)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "WORKING_DIRECTORY=" + t.TempDir()}
		out, err := cmd.Output()
		if err != nil || strings.TrimSuffix(string(out), "\n") != strings.TrimSuffix(text, "\n") {
			t.Errorf("printed %q, %v, want %q\n%s", out, err, text, program)
		}
	})
}
