package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// headingMark begins the first line of scripts of our own. What follows says as JSON what the script does, so that a
// machine without PowerShell, such as the sandbox's, can do it by itself.
const headingMark = "# imagebuild: "

// An operation is one of the few things that this program itself has a machine do.
type operation struct {
	Do string `json:"do"`
	// Argv is the program of "exec".
	Argv []string `json:"argv,omitempty"`
	// Path is the file of "append", "digest", "fetch", "run" and "glob".
	Path string `json:"path,omitempty"`
	// Data is what "append" appends, in base64; Start empties the file first. Data is too long to be said twice in
	// a command line, so that it stands in the script alone.
	Data  string `json:"-"`
	Start bool   `json:"start,omitempty"`
	// URL and SHA256 are those of "fetch".
	URL    string `json:"url,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Globs are what "glob" finds files by.
	Globs []string `json:"globs,omitempty"`
}

// command is the operation as a script of the machine's shell.
func (o operation) command(windows bool) Command {
	raw, err := json.Marshal(o)
	if err != nil {
		panic("session: an operation is plain data: " + err.Error())
	}
	heading := headingMark + string(raw) + "\n"
	if windows {
		return Command{Shell: PowerShell, Script: heading + o.powershell()}
	}
	return Command{Shell: Posix, Interpreter: "/bin/sh -e", Script: heading + o.posix()}
}

func (o operation) powershell() string {
	p := psQuote(o.Path)
	directory := "$d = Split-Path -Parent $p; if ($d) { [void][IO.Directory]::CreateDirectory($d) }\n"
	switch o.Do {
	case "exec":
		// PowerShell 5.1 loses quotes inside of arguments; ProcessStartInfo takes the command line as it is.
		return "$i = New-Object Diagnostics.ProcessStartInfo\n$i.FileName = " + psQuote(o.Argv[0]) + "\n$i.Arguments = " + psQuote(windowsArguments(o.Argv[1:])) +
			"\n$i.UseShellExecute = $false\n$q = [Diagnostics.Process]::Start($i)\n$q.WaitForExit()\n$global:LASTEXITCODE = $q.ExitCode"
	case "append":
		mode := "Append"
		if o.Start {
			mode = "Create"
		}
		return "$p = " + p + "\n" + directory + "$b = [Convert]::FromBase64String(" + psQuote(o.Data) + ")\n$f = [IO.File]::Open($p, '" + mode + "')\ntry { $f.Write($b, 0, $b.Length) } finally { $f.Close() }"
	case "digest":
		return "(Get-FileHash -Algorithm SHA256 -LiteralPath " + p + ").Hash.ToLower()"
	case "fetch":
		return "$p = " + p + "\n" + directory + "[Net.ServicePointManager]::SecurityProtocol = 'Tls12'\nInvoke-WebRequest -UseBasicParsing -Uri " + psQuote(o.URL) + " -OutFile $p\n(Get-FileHash -Algorithm SHA256 -LiteralPath $p).Hash.ToLower()"
	case "run":
		return "& " + p
	case "remove":
		return "Remove-Item -Force -LiteralPath " + p
	case "glob":
		return "$p = " + p + "\n" + directory + "$all = @(" + quoteAll(o.Globs, psQuote) + ") | ForEach-Object { Get-ChildItem -Path $_ -Recurse -Force -ErrorAction SilentlyContinue } | " +
			"Where-Object { -not $_.PSIsContainer } | ForEach-Object { $_.FullName } | Sort-Object -Unique\n" +
			"[IO.File]::WriteAllLines($p, [string[]]@($all), (New-Object Text.UTF8Encoding $false))\n\"$(@($all).Count) files\""
	case "pending":
		return pendingRestart
	case "booted":
		return "(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToUniversalTime().ToString('o')"
	case "restart":
		return "shutdown.exe /r /f /t 2"
	}
	panic("session: there is no operation " + o.Do)
}

// pendingRestart prints why Windows wants to be restarted, a line for each reason. These are the places that
// Windows itself looks at: servicing, Windows Update, file renames, the computer's name.
const pendingRestart = `if (Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') { 'component servicing' }
if (Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired') { 'Windows Update' }
$m = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager' -Name PendingFileRenameOperations -ErrorAction SilentlyContinue
if ($m -and $m.PendingFileRenameOperations) { 'pending file renames' }
$a = (Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName').ComputerName
$c = (Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName').ComputerName
if ($a -ne $c) { 'a new computer name' }`

func (o operation) posix() string {
	p := shQuote(o.Path)
	directory := "mkdir -p \"$(dirname " + p + ")\"\n"
	switch o.Do {
	case "exec":
		return quoteWords(o.Argv)
	case "append":
		arrow := ">>"
		if o.Start {
			arrow = ">"
		}
		return directory + "printf %s " + shQuote(o.Data) + " | base64 -d " + arrow + " " + p
	case "digest":
		return "sha256sum < " + p + " | cut -d ' ' -f 1"
	case "fetch":
		return directory + "curl -fsSL --retry 3 -o " + p + " " + shQuote(o.URL) + "\nsha256sum < " + p + " | cut -d ' ' -f 1"
	case "run":
		return "/bin/sh -e " + p
	case "remove":
		return "rm -f " + p
	case "glob":
		return directory + "{ for g in " + strings.Join(o.Globs, " ") + "; do find \"$g\" -type f 2>/dev/null || true; done; } | sort -u > " + p + "\nwc -l < " + p
	case "pending":
		return "if [ -f /var/run/reboot-required ]; then echo 'installed updates'; fi\nif command -v needs-restarting >/dev/null 2>&1 && ! needs-restarting -r >/dev/null 2>&1; then echo 'installed updates'; fi"
	case "booted":
		return "cat /proc/sys/kernel/random/boot_id"
	case "restart":
		return "(sleep 2; systemctl reboot) >/dev/null 2>&1 &"
	}
	panic("session: there is no operation " + o.Do)
}

// windowsArguments is the part of a command line that stands for arguments, as CommandLineToArgvW reads it.
func windowsArguments(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = windowsArgument(a)
	}
	return strings.Join(words, " ")
}

// windowsArgument quotes one argument: backslashes count only in front of a quote.
func windowsArgument(a string) string {
	if a != "" && !strings.ContainsAny(a, " \t\n\v\"") {
		return a
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range a {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	b.WriteByte('"')
	return b.String()
}

func quoteWords(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = shQuote(a)
	}
	return strings.Join(words, " ")
}

func quoteAll(list []string, quote func(string) string) string {
	var out []string
	for _, s := range list {
		out = append(out, quote(s))
	}
	return strings.Join(out, ", ")
}

// unsafeGlob says whether a glob holds what a shell would take for more than a pattern.
func unsafeGlob(g string) bool {
	return strings.ContainsAny(g, "`$;&|<>(){}'\"\\\n ") || !strings.HasPrefix(g, "/")
}

// checkGlobs refuses what the shell of Linux would run instead of expanding.
func checkGlobs(globs []string, windows bool) error {
	if windows {
		return nil
	}
	if i := slices.IndexFunc(globs, unsafeGlob); i >= 0 {
		return fmt.Errorf("%s is no pattern of an absolute path", strconv.Quote(globs[i]))
	}
	return nil
}
