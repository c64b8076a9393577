package kind

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// powershellProvisioner runs PowerShell as SYSTEM.
func powershellProvisioner() provisioner {
	return provisioner{
		doc: "Runs PowerShell as SYSTEM. A script that exits with 3010 has the machine restarted and is then run again " +
			"from its beginning, unless valid_exit_codes names 3010.",
		platforms: []string{windows},
		attrs: append(scriptAttrs(),
			dsl.Attr{Name: "execution_policy", Type: cty.String, Doc: "The policy of scripts that run in a process of their own. Defaults to bypass; none leaves it alone."},
			dsl.Attr{Name: "use_pwsh", Type: cty.Bool, Doc: "Runs the scripts with PowerShell 7 (pwsh), which must be on the machine."},
		),
		ignored: []string{
			"elevated_user", "elevated_password", "elevated_execute_command", "elevated_env_var_format", "execute_command", "env_var_format",
			"remote_path", "remote_env_var_path", "remote_file", "remote_folder", "skip_clean", "start_retry_timeout", "debug_mode",
		},
		steps: (*task).powershellScripts,
	}
}

// needsFile finds what PowerShell takes only at the beginning of a file of its own.
var needsFile = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?im)^\s*(param\b|using\s|#requires\b|\[CmdletBinding|begin\s*\{|process\s*\{)`)
})

func (t *task) powershellScripts() {
	env := t.environment()
	policy, given := t.str("execution_policy")
	if !given {
		policy.s = "bypass"
	}
	policies := []string{"bypass", "allsigned", "default", "remotesigned", "restricted", "undefined", "unrestricted", "none"}
	if !slices.Contains(policies, strings.ToLower(policy.s)) {
		t.fail(policy.at, "Wrong execution policy", "%q is none of %s.", policy.s, strings.Join(policies, ", "))
		return
	}
	alone := needsFile()
	for _, s := range t.scripts() {
		t.powershellScript(s, t.withPacker(maps.Clone(env), s.s), shellOf{
			own:    t.truth("use_pwsh") || given || !s.inline && alone.MatchString(s.s),
			policy: strings.ToLower(policy.s),
		})
	}
}

// A shellOf says in which PowerShell a script runs.
type shellOf struct {
	own    bool // in a process of its own, from a file
	policy string
}

func (t *task) powershellScript(s script, env map[string]string, shell shellOf) {
	valid := t.exitCodes()
	lines := []string{"$ProgressPreference = 'SilentlyContinue'"}
	lines = append(lines, assignments(env)...)
	if shell.own || !readable(s.s) || valid != nil && !slices.Equal(valid, []int64{0}) {
		program := "powershell.exe"
		if t.truth("use_pwsh") {
			program = "pwsh.exe"
		}
		command := "& " + program + " -NoProfile -NonInteractive"
		if shell.policy != "none" {
			command += " -ExecutionPolicy " + shell.policy
		}
		text := s.s
		if !strings.HasPrefix(text, "\ufeff") {
			text = "\ufeff" + text // without it Windows PowerShell takes a file for the machine's old code page
		}
		lines = append(lines, windowsFile("imagebuild-"+digest12(s.s)+".ps1", text)...)
		lines = append(lines, command+" -File $script")
		t.powershell(s.suffix, append(lines, windowsExit(valid)...)...)
		return
	}
	lines = append(lines, t.commands(s)...)
	t.powershell(s.suffix, append(lines, "if ($null -ne $LASTEXITCODE) { exit $LASTEXITCODE }")...)
}

// readable reports whether PowerShell understands text as part of a document: the encoding in which
// AWSTOE hands it a script is not documented, so only ASCII is sure.
func readable(s string) bool {
	return travels(s) && !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

// assignments are the statements that set environment variables, sorted by name.
func assignments(env map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if v := env[k]; readable(v) && !strings.Contains(v, "\n") {
			out = append(out, "$env:"+k+" = "+quotePowerShell(v))
		} else {
			out = append(out, "$env:"+k+" = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String("+quotePowerShell(base64Line(v))+"))")
		}
	}
	return out
}

// windowsFile are the statements that write a file from base64 and leave its path in $script.
func windowsFile(name, content string) []string {
	return []string{
		"$script = Join-Path $env:TEMP " + quotePowerShell(name),
		"[IO.File]::WriteAllBytes($script, [Convert]::FromBase64String(@'\n" + base64Lines(content) + "'@))",
	}
}

// windowsExit ends a program that ran $script: success for the valid exit codes, else the code itself.
func windowsExit(valid []int64) []string {
	out := []string{"$status = $LASTEXITCODE", "Remove-Item -Force -LiteralPath $script"}
	if valid == nil {
		return append(out, "exit $status")
	}
	var codes []string
	for _, c := range valid {
		codes = append(codes, strconv.FormatInt(c, 10))
	}
	out = append(out, fmt.Sprintf("if (@(%s) -contains $status) { exit 0 }", strings.Join(codes, ", ")))
	if !slices.Contains(valid, 0) {
		out = append(out, "if ($status -eq 0) { exit 1 }")
	}
	return append(out, "exit $status")
}

// windowsShellProvisioner runs batch files as SYSTEM.
func windowsShellProvisioner() provisioner {
	return provisioner{
		doc:       "Runs a batch file as SYSTEM, with cmd.exe.",
		platforms: []string{windows},
		attrs:     scriptAttrs(),
		ignored:   []string{"execute_command", "env_var_format", "remote_path", "start_retry_timeout", "skip_clean"},
		steps:     (*task).windowsShell,
	}
}

func (t *task) windowsShell() {
	env, valid := t.environment(), t.exitCodes()
	for _, s := range t.scripts() {
		lines := assignments(t.withPacker(maps.Clone(env), s.s))
		// Batch files want the line endings of Windows.
		text := strings.ReplaceAll(strings.ReplaceAll(s.s, "\r\n", "\n"), "\n", "\r\n") + "\r\n"
		name := quotePowerShell("imagebuild-" + digest12(s.s) + ".cmd")
		if readable(s.s) && !strings.HasPrefix(s.s, "'@") && !strings.Contains(s.s, "\n'@") {
			lines = append(lines,
				"$script = Join-Path $env:TEMP "+name,
				"$text = @'\n"+strings.ReplaceAll(s.s, "\r\n", "\n")+"\n'@",
				"[IO.File]::WriteAllText($script, ($text -replace \"`r?`n\", \"`r`n\") + \"`r`n\")")
		} else {
			lines = append(lines, windowsFile(strings.Trim(name, "'"), text)...)
		}
		lines = append(lines, "& cmd.exe /d /c $script")
		t.powershell(s.suffix, append(lines, windowsExit(valid)...)...)
	}
}
