package kind

import (
	"slices"
	"strconv"
	"strings"
)

// portable turns a program of bash into the commands of an ExecuteBash step. AWSTOE writes all
// commands into one file and runs that, so they share one shell, and it expands {{ }} beforehand:
// a program that holds such text travels as base64 and is run from a file.
func portable(lines []string) []string {
	if !slices.ContainsFunc(lines, func(l string) bool { return !travels(l) }) {
		return lines
	}
	return []string{
		"# Two opening braces or control characters would not reach the shell as they are: the program travels as base64.",
		`program=$(mktemp "${WORKING_DIRECTORY:-/tmp}/imagebuild.XXXXXXXX") || exit 1`,
		`trap 'rm -f "$program"' EXIT`,
		heredoc(`base64 -d > "$program"`, base64Lines(strings.Join(lines, "\n")+"\n")),
		`bash "$program"`,
	}
}

// A bashScript is a script that runs from a file of its own, because of its interpreter, because
// somebody else is to run it, or because of the exit codes that count as success.
type bashScript struct {
	text  string // begins with #! where the interpreter matters
	env   map[string]string
	path  string // on the machine; "" for one made by mktemp
	valid []int64
	// command runs the script; "" runs it by itself. It sees the script's path as path says.
	command string
	envFile string // where exported variables are to be found, "" where command does not read it
}

// lines is the program that writes the script, runs it and takes it away again.
func (s bashScript) lines() []string {
	target := `"$script"`
	out := []string{`script=$(mktemp "${WORKING_DIRECTORY:-/tmp}/imagebuild.XXXXXXXX") || exit 1`, `trap 'rm -f "$script"' EXIT`}
	if s.path != "" {
		target = shellWord(s.path)
		files := target
		if s.envFile != "" {
			files += " " + shellWord(s.envFile)
		}
		out = []string{"rm -f " + files, "trap " + quoteShell("rm -f "+files) + " EXIT"}
	}
	if travels(s.text) {
		out = append(out, heredoc("cat > "+target, s.text))
	} else {
		out = append(out,
			"# Two opening braces or control characters would not reach the machine as they are: the script travels as base64.",
			heredoc("base64 -d > "+target, base64Lines(s.text)))
	}
	out = append(out, "chmod 0755 "+target+" || exit 1")
	vars := exports(s.env)
	if s.envFile != "" {
		out = append(out, heredoc("cat > "+shellWord(s.envFile), strings.Join(vars, "\n")))
	}
	command := s.command
	if command == "" {
		out = append(out, vars...)
		command = target
	}
	out = append(out, command)
	if s.valid != nil {
		out = append(out, exitCodes(s.valid))
	}
	return out
}

// exitCodes ends a program with success when the command before it ended with one of the codes,
// and with failure otherwise. A code of 194 that is not among them still asks AWSTOE for a reboot.
func exitCodes(valid []int64) string {
	var codes []string
	for _, c := range valid {
		codes = append(codes, strconv.FormatInt(c, 10))
	}
	out := "status=$?\ncase $status in\n"
	if len(codes) > 0 {
		out += strings.Join(codes, " | ") + ") exit 0 ;;\n"
	}
	if !slices.Contains(valid, 0) {
		out += "0) echo 'exit status 0 is not among valid_exit_codes' >&2; exit 1 ;;\n"
	}
	return out + "*) exit \"$status\" ;;\nesac"
}
