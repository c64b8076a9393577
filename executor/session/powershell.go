package session

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// maxCommandLine is the longest command line that Windows' cmd.exe takes, which WinRM runs commands with.
const maxCommandLine = 8191

// psQuote makes a PowerShell string of a text. Typographic quotes end such strings too (about_Quoting_Rules).
func psQuote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}

// psScript is a script such that its first error ends it with a status other than 0, and the status of the last
// program is its own otherwise.
func psScript(script string, env map[string]string) string {
	var b strings.Builder
	// Headings come first: who reads them need not read PowerShell.
	if heading, rest, ok := strings.Cut(script, "\n"); ok && strings.HasPrefix(heading, headingMark) {
		b.WriteString(heading + "\n")
		script = rest
	}
	b.WriteString("$ErrorActionPreference = 'Stop'\n$ProgressPreference = 'SilentlyContinue'\n")
	b.WriteString("[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false\n$global:LASTEXITCODE = 0\n")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		b.WriteString("[Environment]::SetEnvironmentVariable(" + psQuote(name) + ", " + psQuote(env[name]) + ", 'Process')\n")
	}
	b.WriteString("try {\n" + script + "\n} catch {\n[Console]::Error.WriteLine(($_ | Out-String).TrimEnd())\nif ($LASTEXITCODE) { exit $LASTEXITCODE }\nexit 1\n}\nexit $LASTEXITCODE\n")
	return b.String()
}

// encodedCommand is a command line that runs a script: UTF-16LE in base64, which nothing between here
// and PowerShell can misread.
func encodedCommand(script string) string {
	units := utf16.Encode([]rune(script))
	raw := make([]byte, 0, 2*len(units))
	for _, u := range units {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	return "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand " + base64.StdEncoding.EncodeToString(raw)
}

// shQuote makes one word of the shell of a text.
func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// shScript is a script of the shell with its environment.
func shScript(script string, env map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		b.WriteString("export " + name + "=" + shQuote(env[name]) + "\n")
	}
	return b.String() + script
}
