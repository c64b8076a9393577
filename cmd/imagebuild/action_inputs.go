package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An inputKind is how an input is written in a workflow.
type inputKind string

const (
	inputText     inputKind = "text"
	inputLines    inputKind = "lines"    // one value a line
	inputList     inputKind = "list"     // values separated by commas or lines
	inputBoolean  inputKind = "boolean"  // as YAML's core schema writes them
	inputNumber   inputKind = "number"   // a whole number, not negative
	inputDuration inputKind = "duration" // as Go writes them, such as 90m, or a number of seconds
	inputChoice   inputKind = "choice"
)

// An actionInput is one input of the action. action.yml, the README and docs/action.md say the same of
// it; a test compares them.
type actionInput struct {
	Name    string
	Kind    inputKind
	Default string   // an expression of GitHub's where it begins with "${{"
	Choices []string // of a choice
	// Line is what each line of several is; nil for anything.
	Line     *regexp.Regexp
	Required bool // for the commands in For; GitHub does not check it, the action does
	// Flag is the flag of imagebuild that the input becomes, where the command has one of that name.
	Flag string
	// File is the file or directory of a value that names one which no configuration reads, "" where it names none; nil
	// where no value does.
	File func(value string) string
	// For are the commands it means something to; empty for all of them, or for those that have the flag.
	For  []string
	Help string
}

// assignment is name=value, whatever the value.
var assignment = regexp.MustCompile(`^[^=\s]+=`)

// untrustedInput is the override of the gate, named for what it does.
const untrustedInput = "dangerously-hand-credentials-to-untrusted-code"

// actionCommands are the values of the input command.
var actionCommands = []string{"plan", "validate", "build", "test", "gc", "report", "doctor", "matrix", "iam"} //nolint:gochecknoglobals // a table, never written

// actionInputs are the inputs, in the order in which action.yml has them.
var actionInputs = []actionInput{ //nolint:gochecknoglobals // a table, never written
	{Name: "command", Kind: inputChoice, Default: "plan", Choices: actionCommands, Required: true, Help: "What to do."},
	{Name: "path", Kind: inputText, Default: ".", Help: "The configuration: a directory in the workspace, or one file."},
	{Name: "vars", Kind: inputLines, Line: assignment, Flag: "var", Help: "Variables, one `name=value` a line. A value of several lines goes into one of var-files."},
	{Name: "var-files", Kind: inputLines, Flag: "var-file", Help: "Files of variables, one a line; later ones win."},
	{Name: "only", Kind: inputList, Flag: "only", Help: "Keep only the builds whose names match one of these globs, and what they need."},
	{Name: "except", Kind: inputList, Flag: "except", Help: "Leave out the builds whose names match one of these globs."},
	{Name: "aws-region", Kind: inputText, Flag: "region", Help: "The region to build in. Without it: AWS_REGION, AWS_DEFAULT_REGION, the configuration's, the only one that its sources name, the profile's."},

	{Name: "offline", Kind: inputBoolean, Default: "false", Flag: "offline", Help: "Plan without comparing with AWS. Without it, a job that was given a role, account ids or `id-token: write` fails when it has no credentials."},
	{Name: "role-to-assume", Kind: inputText, Help: "The role that this job's OpenID Connect token is exchanged for. Without it the credentials of the environment are used, and named."},
	{Name: "role-duration", Kind: inputDuration, Help: "How long one session of the role lasts, 15m to 12h. Sessions are renewed, so builds may take longer."},
	{Name: "role-chain", Kind: inputLines, Help: "Roles assumed one after the other from role-to-assume, one ARN a line."},
	{Name: "role-session-name", Kind: inputText, Help: "The name of the session in CloudTrail. Without it: imagebuild-, the run and its attempt."},
	{Name: "audience", Kind: inputText, Default: "sts.amazonaws.com", Help: "The audience of the token."},
	{Name: "allowed-account-ids", Kind: inputList, Help: "Go on only in one of these accounts."},

	{Name: "plan-file", Kind: inputText, File: func(v string) string { return v }, For: []string{"plan", "build"}, Help: "With plan: the file to write the plan to, bound to this run, commit and pull request. With build: the plan to apply, and no other."},
	{Name: "plan-digest", Kind: inputText, For: []string{"build"}, Help: "What the output plan-digest said of the plan in plan-file. A plan of another run is taken only with it."},
	{Name: "rebuild", Kind: inputBoolean, Default: "false", Flag: "rebuild", Help: "Build images again that are there already."},
	{Name: "lint", Kind: inputBoolean, Default: "false", Flag: "lint", Help: "Also warn of what is allowed and seldom right."},
	{Name: "parallel", Kind: inputNumber, Flag: "parallel", Help: "At most so many builds at once."},
	{Name: "on-cancel", Kind: inputChoice, Default: "cancel", Choices: []string{"cancel", "detach"}, Flag: "on-cancel", Help: "What to do with running builds when the run is cancelled."},
	{Name: "expires", Kind: inputDuration, Flag: "expires", Help: "How long what a pull request builds is kept."},
	{Name: "pull-request", Kind: inputNumber, Help: "The pull request's number, where the event does not tell it."},
	{Name: "environment", Kind: inputText, Help: "The job's deployment environment: part of what tells its comment from others."},

	{Name: "sandbox", Kind: inputBoolean, Default: "false", Flag: "sandbox", Help: "Use an AWS of its own inside the action instead of an account."},
	{Name: "root", Kind: inputText, Flag: "root", File: rootFile, Help: "Where components run with sandbox and test: overlay, dir:PATH, oci:IMAGE, none, or auto."},

	{Name: "comment", Kind: inputChoice, Default: "update", Choices: []string{"update", "recreate", "new", "off"}, Help: "The comment on the pull request: kept up to date, deleted and written again, a new one for each run, or none."},
	{Name: "comment-on", Kind: inputChoice, Default: "always", Choices: []string{"always", "changes", "failure"}, Help: "When a comment is made. One that is there already is kept up to date in any case."},
	{Name: "check", Kind: inputBoolean, Default: "false", Help: "Also make a check run with the result; needs `checks: write`."},
	{Name: "artifact", Kind: inputBoolean, Default: "true", Help: "Upload the full logs and the report as an artifact of the run."},
	{Name: "log-lines", Kind: inputNumber, Default: "40", Help: "How many last lines of each image's log the reports show."},
	{Name: "reports", Kind: inputLines, For: []string{"report"}, Help: "With report: files or directories of reports, one a line. Without it the artifacts of this run are fetched."},

	{Name: "dry-run", Kind: inputBoolean, Default: "false", Flag: "dry-run", For: []string{"gc"}, Help: "With gc: only say what would be deleted."},
	{Name: "keep", Kind: inputNumber, Flag: "keep", For: []string{"gc"}, Help: "With gc: never delete the newest so many images of each name."},
	{Name: "max-layers", Kind: inputNumber, Flag: "max-layers", For: []string{"matrix"}, Help: "With matrix: at most so many layers, as many as the workflow has jobs with a matrix."},
	{Name: "expired", Kind: inputBoolean, Default: "false", Flag: "expired", For: []string{"gc"}, Help: "With gc: what is past its expiry."},

	{Name: "github-token", Kind: inputText, Default: "${{ github.token }}", Help: "The token for comments, checks and artifacts."},
	{Name: "matrix", Kind: inputText, Default: "${{ toJSON(matrix) }}", Help: "The job's leg of a matrix: its section in the comment. Leave it as it is."},
	{Name: "check-run-id", Kind: inputText, Default: "${{ job.check_run_id }}", Help: "The job, for links to it. Leave it as it is."},
	{Name: untrustedInput, Kind: inputBoolean, Default: "false", Help: "Let build, gc and test go on, and configurations read any file, with credentials on pull_request_target, workflow_run and issue_comment though what is checked out is not the repository's own. Whoever wrote it can then do what the role can."},
}

// inputVariable is the environment variable in which GitHub's runner hands over an input: hyphens stay.
func inputVariable(name string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, " ", "_"))
}

// givenInputs are the inputs of one run, checked. What is not given has its default.
type givenInputs map[string]string

// readInputs reads the inputs from the environment. It returns what is wrong with them, each once, and
// the names of those that there are not, which are harmless but seldom meant.
func readInputs(environ []string) (in givenInputs, unknown []string, err error) {
	env := make(map[string]string, len(environ))
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	in = givenInputs{}
	var errs []error
	for _, i := range actionInputs {
		v := strings.TrimSpace(env[inputVariable(i.Name)])
		if v == "" && !strings.HasPrefix(i.Default, "${{") {
			v = i.Default
		}
		delete(env, inputVariable(i.Name))
		if v == "" {
			continue
		}
		if v, err = i.check(v); err != nil {
			errs = append(errs, fmt.Errorf("input %s: %w", i.Name, err))
			continue
		}
		in[i.Name] = v
	}
	for name := range env {
		if input, ok := strings.CutPrefix(name, "INPUT_"); ok && !runnersOwn[input] {
			unknown = append(unknown, strings.ToLower(input))
		}
	}
	slices.Sort(unknown)
	return in, unknown, errors.Join(errs...)
}

// runnersOwn are the inputs that every container action takes: the runner's, not ours.
var runnersOwn = map[string]bool{"ENTRYPOINT": true, "ARGS": true} //nolint:gochecknoglobals // a table, never written

// check returns the value in its usual form.
func (i actionInput) check(v string) (string, error) {
	switch i.Kind {
	case inputBoolean:
		b, ok := map[string]string{
			"true": "true", "True": "true", "TRUE": "true", "false": "false", "False": "false", "FALSE": "false",
		}[v]
		if !ok {
			return "", fmt.Errorf("%q is no boolean; write true or false", v)
		}
		return b, nil
	case inputNumber:
		if n, err := strconv.Atoi(v); err != nil || n < 0 {
			return "", fmt.Errorf("%q is no whole number", v)
		}
	case inputDuration:
		if _, err := strconv.Atoi(v); err == nil {
			v += "s"
		}
		if d, err := time.ParseDuration(v); err != nil || d <= 0 {
			return "", fmt.Errorf("%q is no duration; write 90m, 12h, or a number of seconds", v)
		}
	case inputChoice:
		if !slices.Contains(i.Choices, v) {
			return "", fmt.Errorf("there is no %q; choose one of %s", v, strings.Join(i.Choices, ", "))
		}
	case inputText:
		if strings.ContainsAny(v, "\x00") {
			return "", errors.New("it holds a NUL character")
		}
	case inputLines, inputList:
		// What is wrong is not said: it may be the rest of a secret of several lines.
		for n, line := range strings.Split(v, "\n") {
			if line = strings.TrimSpace(line); line != "" && i.Line != nil && !i.Line.MatchString(line) {
				return "", fmt.Errorf("line %d is not name=value; a value of several lines goes into one of var-files", n+1)
			}
		}
	}
	return v, nil
}

// is reports whether a boolean input is true.
func (in givenInputs) is(name string) bool { return in[name] == "true" }

// lines are the values of an input of several; blank lines do not count.
func (in givenInputs) lines(name string) []string {
	return fields(in[name], func(r rune) bool { return r == '\n' || r == '\r' })
}

// list are the values of an input, separated by commas or lines.
func (in givenInputs) list(name string) []string {
	return fields(in[name], func(r rune) bool { return r == '\n' || r == '\r' || r == ',' })
}

func fields(s string, at func(rune) bool) []string {
	var out []string
	for _, f := range strings.FieldsFunc(s, at) {
		if f = strings.TrimSpace(f); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// duration is the value of an input of that kind; 0 where none is given.
func (in givenInputs) duration(name string) time.Duration {
	d, err := time.ParseDuration(in[name])
	if err != nil {
		return 0 // not given: what is given was checked
	}
	return d
}

// number is the value of an input of that kind; 0 where none is given.
func (in givenInputs) number(name string) int {
	n, err := strconv.Atoi(in[name])
	if err != nil {
		return 0 // not given: what is given was checked
	}
	return n
}

// logLines is how many lines of a log are kept, in report.Meta's terms: below 0 none, 0 what it keeps by itself.
func (in givenInputs) logLines() int {
	n := in.number("log-lines")
	if n == 0 && in["log-lines"] != "" {
		return -1
	}
	return n
}
