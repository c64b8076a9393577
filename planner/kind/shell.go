package kind

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template/parse"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
)

// scriptAttrs are the arguments that say what a shell of any sort is to run.
func scriptAttrs() []dsl.Attr {
	return []dsl.Attr{
		{Name: "inline", Type: cty.List(cty.String), Doc: "Lines of one script. One of inline, script and scripts is required."},
		{Name: "script", Type: cty.String, Doc: "A script's path, relative to the configuration or else to the working directory."},
		{Name: "scripts", Type: cty.List(cty.String), Doc: "Several scripts, run one after another, each as a step of its own."},
		{Name: "binary", Type: cty.Bool, Doc: "Keeps line endings as they are instead of making them the platform's."},
		{Name: "environment_vars", Type: cty.List(cty.String), Doc: "Environment variables as NAME=value."},
		{Name: "env", Type: cty.Map(cty.String), Doc: "Environment variables as a map; they win over environment_vars."},
		{Name: "valid_exit_codes", Type: cty.List(cty.Number), Doc: "The exit codes that count as success. Defaults to 0."},
		{Name: "pause_after", Type: cty.String, Doc: "A duration to wait afterwards."},
	}
}

// shellProvisioner runs scripts with bash, as root.
func shellProvisioner() provisioner {
	return provisioner{
		doc: "Runs a script as root. A script that exits with 194 has the machine restarted and is then run " +
			"again from its beginning, unless valid_exit_codes names 194.",
		platforms: []string{linux, macOS},
		attrs: append(scriptAttrs(),
			dsl.Attr{Name: "execute_command", Type: cty.String, Doc: "The command that runs the script, with {{.Path}}, {{.Vars}} and {{.EnvVarFile}}; by default the script runs by itself with the variables exported."},
			dsl.Attr{Name: "inline_shebang", Type: cty.String, Doc: "The interpreter of inline. Defaults to /bin/sh -e."},
			dsl.Attr{Name: "env_var_format", Type: cty.String, Doc: "How {{.Vars}} writes one variable. Defaults to %s='%s' followed by a space."},
			dsl.Attr{Name: "use_env_var_file", Type: cty.Bool, Doc: "Whether {{.EnvVarFile}} is sourced by the default execute_command; the variables are exported either way."},
			dsl.Attr{Name: "remote_folder", Type: cty.String, Doc: "Where the script lies while execute_command runs it. Defaults to /tmp."},
			dsl.Attr{Name: "remote_file", Type: cty.String, Doc: "Its name there."},
			dsl.Attr{Name: "expect_disconnect", Type: cty.Bool, Doc: "Together with a single command that restarts the machine: has it restarted, and goes on with the next step."},
			dsl.Attr{Name: "remote_path", Type: cty.String, Doc: "Both in one."},
		),
		ignored: []string{"skip_clean", "start_retry_timeout"},
		steps:   (*task).shell,
	}
}

// restarts finds commands that do nothing but restart the machine.
var restarts = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(sudo\s+)?(/\S*/)?(reboot|shutdown\s+-r(\s+-f)?\s+(now|\+?0)|systemctl\s+reboot|init\s+6)\s*(&|;)?\s*$`)
})

func (t *task) shell() {
	if t.truth("expect_disconnect") {
		lines := t.list("inline")
		if len(lines) == 1 && restarts().MatchString(lines[0].s) {
			t.add("", "Reboot", nil)
			return
		}
		t.warn(t.body.At("expect_disconnect"), "Restart not expected",
			"A script that restarts the machine by itself ends the build. Have it exit with 194, after which it is run again, or put the restart into a block of its own: inline = [\"reboot\"].")
	}
	env := t.environment()
	for _, s := range t.scripts() {
		t.shellScript(s.suffix, s, maps.Clone(env))
	}
}

// A script is something to run, and whether its text was written in the configuration itself.
type script struct {
	written
	inline bool
	suffix string // of its step's name, where the block has several
}

// scripts are the contents of inline, script or scripts, of which exactly one must be given.
func (t *task) scripts() []script {
	var given []string
	for _, name := range []string{"inline", "script", "scripts"} {
		if t.has(name) {
			given = append(given, name)
		}
	}
	if len(given) != 1 {
		t.fail(t.block.Range, "Wrong script arguments", "%q needs exactly one of inline, script and scripts; %d of them were given.", t.block.Labels[0], len(given))
		return nil
	}
	var out []script
	switch given[0] {
	case "inline":
		var lines []string
		for _, l := range t.list("inline") {
			lines = append(lines, l.s)
		}
		if len(lines) == 0 {
			t.fail(t.body.At("inline"), "Empty script", "inline holds no line. Write at least one, or remove the block.")
			return nil
		}
		out = []script{{written{strings.Join(lines, "\n"), t.body.At("inline")}, true, ""}}
	case "script":
		if p, ok := t.str("script"); ok {
			out = t.read(out, p)
		}
	case "scripts":
		for _, p := range t.list("scripts") {
			before := len(out)
			out = t.read(out, p)
			for i := range out[before:] {
				out[before+i].suffix = stepName(path.Base(p.s))
			}
		}
	}
	if !t.truth("binary") {
		for i := range out {
			out[i].s = strings.ReplaceAll(out[i].s, "\r\n", "\n")
		}
	}
	return out
}

func (t *task) read(out []script, name written) []script {
	src, d := readFile(t.scope.Config.Host, name, maxScript)
	if d != nil {
		t.diags = append(t.diags, d)
		return out
	}
	return append(out, script{written{string(src), name.at}, false, ""})
}

// maxScript is more than a component document can hold; what is larger is refused without being read whole.
const maxScript = 256 << 10

// shellScript makes the step of one script: readable commands where bash can run it as it is.
func (t *task) shellScript(suffix string, s script, env map[string]string) {
	env = t.withPacker(env, s.s)
	valid := t.exitCodes()
	flags, plain := shellFlags(t.shebang(s))
	command, custom := t.str("execute_command")
	if plain && !custom && (valid == nil || slices.Equal(valid, []int64{0})) {
		var lines []string
		if flags != "" {
			lines = append(lines, "set -"+flags)
		}
		lines = append(lines, exports(env)...)
		commands := t.commands(s)
		t.checkBash(s, commands)
		t.bash(suffix, append(lines, commands...)...)
		return
	}
	run := bashScript{text: s.s, env: env, valid: valid}
	if s.inline && !strings.HasPrefix(s.s, "#!") || s.inline && t.has("inline_shebang") {
		run.text = "#!" + t.shebang(s) + "\n" + s.s
	}
	if custom {
		t.customCommand(&run, command)
	}
	t.bash(suffix, run.lines()...)
}

// commands are the commands of a script: the elements of inline one by one, a file as a whole.
func (t *task) commands(s script) []string {
	if !s.inline {
		return []string{cmp.Or(strings.TrimRight(s.s, "\n"), ":")}
	}
	var out []string
	for _, l := range t.list("inline") {
		out = append(out, strings.ReplaceAll(l.s, "\r\n", "\n"))
	}
	return out
}

// checkBash looks for a syntax error in a script that bash runs as it is, and points at the element of
// inline that holds it.
func (t *task) checkBash(s script, commands []string) {
	p := component.BashProblem(commands)
	if p == nil {
		return
	}
	at, where := s.at, fmt.Sprintf(" in line %d of the file", p.Line+1)
	if elements := t.list("inline"); s.inline && p.Command < len(elements) {
		at, where = t.inElement(elements[p.Command], p.Line)
	}
	t.fail(at, "Bash syntax error", "Bash cannot read the script%s: %s. The step would fail.", where, p.Text)
}

// inElement is where a line of an element of inline stands; where that cannot be pointed at, it is said.
func (t *task) inElement(e written, line int) (at hcl.Range, where string) {
	if at, ok := heredocLines(t.scope, e.at, e.s)[line+1]; ok {
		return at, ""
	}
	if strings.Contains(e.s, "\n") {
		return e.at, fmt.Sprintf(" in line %d of this element", line+1)
	}
	return e.at, ""
}

// shebang is the interpreter a script asks for; "" where it asks for none.
func (t *task) shebang(s script) string {
	if first, ok := strings.CutPrefix(s.s, "#!"); ok && (!s.inline || !t.has("inline_shebang")) {
		first, _, _ = strings.Cut(first, "\n")
		return strings.TrimSpace(first)
	}
	if !s.inline {
		return ""
	}
	if own, ok := t.str("inline_shebang"); ok {
		return own.s
	}
	return "/bin/sh -e"
}

// shellFlags takes an interpreter line apart. It reports whether bash may run the script in its
// place, and with which flags of set.
func shellFlags(shebang string) (string, bool) {
	fields := strings.Fields(shebang)
	if len(fields) == 0 {
		return "", true
	}
	if len(fields) > 1 && path.Base(fields[0]) == "env" {
		fields = fields[1:]
		if len(fields) > 1 {
			return "", false // env takes the rest for one word, or -S
		}
	}
	if base := path.Base(fields[0]); base != "sh" && base != "bash" || len(fields) > 2 {
		return "", false
	}
	if len(fields) == 1 {
		return "", true
	}
	flags, ok := strings.CutPrefix(fields[1], "-")
	return flags, ok && flags != "" && strings.Trim(flags, "euxvf") == ""
}

// customCommand renders execute_command. The paths in it are spelled out, because what stands
// between them and the script (sudo, sh -c '…') need not pass variables on.
func (t *task) customCommand(run *bashScript, command written) {
	if strings.ContainsRune(command.s, 0) {
		t.fail(command.at, "Wrong execute_command", "The command holds a NUL character.")
		return
	}
	run.path = t.remotePath(run.text)
	run.envFile = run.path + ".env"
	if len(run.env) == 0 || !strings.Contains(command.s, "EnvVarFile") {
		run.envFile = ""
	}
	var vars strings.Builder
	format := "%s='%s' "
	if f, ok := t.str("env_var_format"); ok {
		if strings.Count(f.s, "%s") != 2 || strings.Count(f.s, "%") != 2 {
			t.fail(f.at, "Wrong env_var_format", "%q must hold %%s twice, for the name and for the value, and no other %%.", f.s)
			return
		}
		format = f.s
	}
	for _, k := range slices.Sorted(maps.Keys(run.env)) {
		fmt.Fprintf(&vars, format, k, strings.ReplaceAll(run.env[k], "'", `'"'"'`))
	}
	envFile := run.envFile
	if envFile == "" {
		envFile = "/dev/null"
	}
	rendered, err := renderCommand(command.s, map[string]string{"Path": run.path, "Vars": vars.String(), "EnvVarFile": envFile})
	if err != nil {
		t.fail(command.at, "Wrong execute_command", "The command %s. It may use {{.Path}}, {{.Vars}} and {{.EnvVarFile}}.", err)
		return
	}
	run.command = rendered
	if strings.TrimSpace(run.command) == "" {
		t.fail(command.at, "Wrong execute_command", "The command is empty, so that nothing would run the script. Write {{.Path}} in it, or remove it.")
	}
}

// renderCommand puts values into the template of a command. It takes fields alone: what else the
// templates of Go can do (loops, padding) could be made to run without end.
func renderCommand(src string, values map[string]string) (string, error) {
	trees, err := parse.Parse("execute_command", src, "", "")
	if err != nil {
		return "", fmt.Errorf("is no valid template: %w", err)
	}
	var out strings.Builder
	for _, n := range trees["execute_command"].Root.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			out.Write(n.Text)
			continue
		case *parse.ActionNode:
			value, ok := values[strings.TrimPrefix(n.Pipe.String(), ".")]
			if ok {
				out.WriteString(value)
				continue
			}
		}
		return "", fmt.Errorf("uses %s, which means nothing here", n)
	}
	return out.String(), nil
}

// remotePath is where a script lies on the machine. Its name follows from the content unless the
// configuration says otherwise.
func (t *task) remotePath(content string) string {
	if p, ok := t.str("remote_path"); ok {
		return p.s
	}
	folder, file := "/tmp", "imagebuild-"+digest12(content)+".sh"
	if f, ok := t.str("remote_folder"); ok {
		folder = f.s
	}
	if f, ok := t.str("remote_file"); ok {
		file = f.s
	}
	return strings.TrimSuffix(folder, "/") + "/" + file
}
