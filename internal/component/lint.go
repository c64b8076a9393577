package component

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"
)

// Lint warns of what is allowed and yet fails, hangs or leaks when nobody watches: package managers
// that ask, interactive commands, secrets that are printed, restarts that AWSTOE does not know of.
// platform is "Linux", "Windows", "macOS", or "" where it is not known; src is as for CheckScripts.
func Lint(d *Document, src []byte, platform string) hcl.Diagnostics {
	l := &linter{places: scriptPlaces{text: src, file: d.File}}
	d.scripts(func(_ string, s *Step, operation int, commands []string) {
		l.step, l.operation, l.commands = s, operation, commands
		l.bash()
	})
	for i := range d.Phases {
		for j := range d.Phases[i].Steps {
			s := &d.Phases[i].Steps[j]
			if s.Action == "ExecutePowerShell" {
				l.powershell(s, platform)
			}
		}
	}
	return l.diags
}

// A linter looks at the script of one step.
type linter struct {
	places    scriptPlaces
	step      *Step
	operation int
	commands  []string
	// quiet says that the script asked Debian's tools to ask nothing.
	quiet bool
	// around are the nodes that the one being looked at stands in, outermost first.
	around []syntax.Node
	diags  hcl.Diagnostics
}

func (l *linter) warn(line int, summary, detail string) {
	p := problemAt(l.commands, line, "")
	at := l.places.of(l.step, l.operation, p.Command, p.Line)
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at})
}

// bash looks at every command of a script. One that is no bash is somebody else's finding.
func (l *linter) bash() {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(scriptText(l.commands)), "")
	if err != nil {
		return
	}
	l.quiet, l.around = strings.Contains(strings.Join(l.commands, "\n"), "DEBIAN_FRONTEND"), nil
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			l.around = l.around[:len(l.around)-1]
			return true
		}
		if call, ok := n.(*syntax.CallExpr); ok {
			l.call(call)
		}
		l.around = append(l.around, n)
		return true
	})
}

// call looks at one simple command.
func (l *linter) call(call *syntax.CallExpr) {
	words := bareCommand(call.Args)
	if len(words) == 0 {
		return
	}
	line := int(call.Pos().Line()) - 1
	name := words[0][strings.LastIndex(words[0], "/")+1:]
	shown := strings.Join(words, " ")
	switch name {
	case "yum", "dnf", "microdnf", "tdnf":
		if asks(words, []string{"-y", "--assumeyes", "--assumeno", "--downloadonly"}, "install", "update", "upgrade", "remove", "erase", "reinstall", "downgrade", "autoremove", "groupinstall", "localinstall", "distro-sync", "swap") {
			l.warn(line, "Package manager that asks", fmt.Sprintf("%q asks before it acts, and nobody answers, so the step fails. Write %s -y.", shown, name))
		}
	case "apt-get", "apt", "aptitude":
		l.apt(line, name, words)
	case "zypper":
		if asks(words, []string{"-n", "--non-interactive", "-y", "--no-confirm"}, "install", "in", "update", "up", "remove", "rm", "patch", "dup", "dist-upgrade") {
			l.warn(line, "Package manager that asks", fmt.Sprintf("%q asks before it acts, and nobody answers, so the step fails. Write zypper --non-interactive.", shown))
		}
	case "reboot", "poweroff", "halt", "shutdown", "telinit", "init", "systemctl":
		if restartsMachine(name, words[1:]) {
			l.warn(line, "Restart that AWSTOE does not know of", fmt.Sprintf("%q restarts or stops the machine under the running step, which then counts as failed. Use the action Reboot, or exit with status 194 to be run again after a restart.", shown))
		}
	case "echo", "printf":
		l.printed(line, call)
	case "read", "passwd", "vi", "vim", "nano", "less", "more", "mysql_secure_installation":
		if !l.fed() && !slices.Contains(words, "--stdin") {
			l.warn(line, "Interactive command", fmt.Sprintf("%q waits for input, and a build has none to give. Feed it from a file or a pipe, or use a command that does not ask.", shown))
		}
	}
}

func (l *linter) apt(line int, name string, words []string) {
	verbs := []string{"install", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "remove", "purge", "autoremove", "reinstall", "build-dep"}
	if asks(words, []string{"-y", "--yes", "--assume-yes", "-qq", "--assume-no", "--download-only", "-s", "--simulate", "--dry-run"}, verbs...) {
		l.warn(line, "Package manager that asks", fmt.Sprintf("%q asks before it acts, and nobody answers, so the step fails. Write %s -y.", strings.Join(words, " "), name))
	}
	if !l.quiet && asks(words, nil, "install", "upgrade", "dist-upgrade", "full-upgrade") {
		l.quiet = true // once a script is enough
		l.warn(line, "Packages may ask", fmt.Sprintf("%q may show a dialogue of a package, for which -y is no answer. Run export DEBIAN_FRONTEND=noninteractive before.", strings.Join(words, " ")))
	}
}

// asks says whether a package manager is asked to change something, and by no flag told not to ask.
func asks(words, flags []string, verbs ...string) bool {
	verb := false
	for _, w := range words[1:] {
		if slices.Contains(flags, w) || isBundled(w, flags) {
			return false
		}
		verb = verb || slices.Contains(verbs, w)
	}
	return verb
}

// isBundled finds -y in -qy.
func isBundled(word string, flags []string) bool {
	if len(word) < 3 || word[0] != '-' || word[1] == '-' || strings.Contains(word, "=") {
		return false
	}
	return slices.ContainsFunc(flags, func(f string) bool {
		return len(f) == 2 && strings.Contains(word[1:], f[1:]) || f == "-qq" && strings.Contains(word, "qq")
	})
}

func restartsMachine(name string, arguments []string) bool {
	switch name {
	case "systemctl":
		return slices.ContainsFunc(arguments, func(a string) bool {
			return slices.Contains([]string{"reboot", "poweroff", "halt", "kexec"}, a)
		})
	case "init", "telinit":
		return slices.Equal(arguments, []string{"6"}) || slices.Equal(arguments, []string{"0"})
	case "shutdown":
		return !slices.Contains(arguments, "-c")
	}
	return true
}

// printed looks for secrets among what a command prints into the log.
func (l *linter) printed(line int, call *syntax.CallExpr) {
	if l.caught() {
		return
	}
	for _, w := range call.Args[1:] {
		syntax.Walk(w, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil && !p.Length && secretName(p.Param.Value) {
				l.warn(line, "Secret in the log", fmt.Sprintf("The value of $%s is printed, and what a step prints is kept in logs. Leave it out, or set disableLogging on the step.", p.Param.Value))
			}
			return true
		})
	}
	source := l.commandLine(line)
	for _, e := range expressions(source) {
		if (e.kind == nameExpr || e.kind == ssmExpr) && secretName(e.name) {
			l.warn(line, "Secret in the log", fmt.Sprintf("The value of %s is printed, and what a step prints is kept in logs. Leave it out, or set disableLogging on the step.", source[e.start:e.end]))
		}
	}
}

// commandLine is a line of the script as it was written.
func (l *linter) commandLine(line int) string {
	p := problemAt(l.commands, line, "")
	lines := strings.Split(l.commands[p.Command], "\n")
	return lines[min(p.Line, len(lines)-1)]
}

func secretName(name string) bool { return secretNames().MatchString(name) }

// secretNames are the names by which people call what is to be kept.
var secretNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(password|passwd|passphrase|secret|token|api_?key|private_?key|access_?key|credential)`)
})

// caught says whether what the command prints goes elsewhere than into the log.
func (l *linter) caught() bool {
	if l.step.DisableLogging {
		return true
	}
	for i, n := range l.around {
		switch n := n.(type) {
		case *syntax.Stmt:
			for _, r := range n.Redirs {
				to := r.Word.Lit()
				if (r.Op == syntax.RdrOut || r.Op == syntax.AppOut || r.Op == syntax.RdrClob || r.Op == syntax.RdrAll || r.Op == syntax.AppAll) && to != "/dev/stderr" && to != "/dev/stdout" {
					return true
				}
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && l.within(i, n.X) {
				return true
			}
		case *syntax.CmdSubst, *syntax.ProcSubst:
			return true
		}
	}
	return false
}

// fed says whether the command has something to read.
func (l *linter) fed() bool {
	for i, n := range l.around {
		switch n := n.(type) {
		case *syntax.Stmt:
			if slices.ContainsFunc(n.Redirs, func(r *syntax.Redirect) bool {
				return r.Op == syntax.RdrIn || r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc || r.Op == syntax.WordHdoc || r.Op == syntax.DplIn
			}) {
				return true
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && l.within(i, n.Y) {
				return true
			}
		case *syntax.FuncDecl:
			return true // who calls it decides
		}
	}
	return false
}

// within says whether the way from around[i] to the command leads through side.
func (l *linter) within(i int, side *syntax.Stmt) bool {
	return i+1 < len(l.around) && l.around[i+1] == syntax.Node(side)
}

// bareCommand is a command's words without what only says how it is run: sudo, env, nice.
func bareCommand(args []*syntax.Word) []string {
	words := make([]string, len(args))
	for i, a := range args {
		if words[i] = a.Lit(); words[i] == "" {
			words[i] = "…"
		}
	}
	for len(words) > 0 {
		switch words[0] {
		case "sudo", "env", "nice", "nohup", "command", "exec", "ionice", "time":
			words = words[1:]
			for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=")) {
				words = words[1:]
			}
		default:
			return words
		}
	}
	return nil
}

// powershell looks at the lines of a PowerShell step.
func (l *linter) powershell(s *Step, platform string) {
	for k, in := range s.Inputs {
		l.step, l.operation, l.commands = s, k, in.list("commands")
		line := 0
		for _, c := range l.commands {
			for text := range strings.SplitSeq(c, "\n") {
				l.powershellLine(line, text, platform)
				line++
			}
		}
	}
}

// powershellWords finds in a line of PowerShell what is looked for.
var powershellWords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^\s*(?:(sudo)\s|(Restart-Computer|Stop-Computer|shutdown(?:\.exe)?)\b|(Read-Host|pause)\b|(Write-Host|Write-Output|echo)\b(.*))`)
})

// powershellValues finds the variables and expressions of a line.
var powershellValues = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:env:)?\{?(\w+)|\{\{\s*([\w:/-]+)`)
})

func (l *linter) powershellLine(line int, text, platform string) {
	m := powershellWords().FindStringSubmatch(text)
	switch {
	case m == nil:
	case m[1] != "" && platform != Linux && platform != MacOS:
		l.warn(line, "No sudo on Windows", "Windows has no sudo, and the step runs as SYSTEM already. Leave the word out.")
	case m[2] != "":
		l.warn(line, "Restart that AWSTOE does not know of", m[2]+" restarts or stops the machine under the running step, which then counts as failed. Use the action Reboot, or exit with status 3010 to be run again after a restart.")
	case m[3] != "":
		l.warn(line, "Interactive command", m[3]+" waits for input, and a build has none to give.")
	case m[4] != "" && !l.step.DisableLogging && !strings.ContainsAny(m[5], "|>"):
		for _, name := range powershellValues().FindAllStringSubmatch(m[5], -1) {
			if secretName(name[1] + name[2]) {
				l.warn(line, "Secret in the log", fmt.Sprintf("The value of %s is printed, and what a step prints is kept in logs. Leave it out, or set disableLogging on the step.", name[1]+name[2]))
			}
		}
	}
}
