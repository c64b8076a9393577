package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/ociroot"
)

// privileged are the events whose workflows run with the repository's secrets whoever caused them.
// What they check out is the default branch, unless the workflow says otherwise, which is the trap:
// a pull request's configuration would then be carried out with the repository's credentials.
var privileged = []string{"pull_request_target", "workflow_run", "issue_comment"} //nolint:gochecknoglobals // a table, never written

// A trigger is what the gate looks at.
type trigger struct {
	event      string
	fork       bool // the event is a pull request of another repository
	dependabot bool
	sha        string // GITHUB_SHA, which GitHub resolved in this repository
	// head is the commit that the event's payload, or GitHub when asked, says is the pull request's; headOwn says
	// that it stands in this repository.
	head       string
	headOwn    bool
	checkedOut string // "" where it is not known
}

// A ruling is what the gate allows.
type ruling struct {
	// credentials says whether any may be had.
	credentials bool
	// refused is why nothing is done at all, and hint what to do; "" where something is.
	refused, hint string
	// notice says what is left out and why; "" where nothing is.
	notice string
}

// changing are the commands that change an account.
var changing = []string{"build", "gc"} //nolint:gochecknoglobals // a table, never written

// reading are the commands that neither call AWS nor run anything, but read a configuration, whoever wrote it.
var reading = []string{"validate", "matrix", "iam"} //nolint:gochecknoglobals // a table, never written

// judge decides what a command may do after what started the job. Untrusted says that the override was given.
//
// Nothing of a pull request from a fork is ever carried out with credentials: GitHub gives such a job none,
// and where a repository was set up to do so all the same it would be a mistake to use them.
func judge(t trigger, command string, untrusted bool) ruling {
	changes := slices.Contains(changing, command)
	switch {
	case slices.Contains(privileged, t.event) && !t.own() && !untrusted:
		if changes || command == "test" {
			return ruling{
				refused: command + " is refused on " + t.event + ": what is checked out is not this repository's own, and it would run with this repository's credentials",
				hint:    "run it on pull_request, or check out this repository's own commit; to let whoever wrote that commit do what the role can, say " + untrustedInput + ": true",
			}
		}
		return ruling{notice: "On " + t.event + " what is checked out is not this repository's own: it is looked at without credentials."}
	case t.fork && !slices.Contains(privileged, t.event):
		return ruling{notice: withoutCredentials(changes, "This pull request comes from a fork, which GitHub gives no credentials")}
	case t.dependabot:
		return ruling{notice: withoutCredentials(changes, "This run was started by Dependabot, which GitHub gives no credentials")}
	}
	return ruling{credentials: true}
}

// own reports whether what is checked out is a commit of the repository itself. What nobody can say
// is not.
func (t trigger) own() bool {
	switch t.checkedOut {
	case "":
		return false
	case t.sha:
		return true
	}
	return t.checkedOut == t.head && t.headOwn
}

// judgeOf is what files are judged by after an event: nil where all may be read, since there are no credentials, or
// nobody but the repository's own people could have caused the event.
func (a *action) judgeOf(t trigger) func(directory string) error {
	if a.in.is("offline") && !slices.Contains(changing, a.in["command"]) && a.in["command"] != "test" {
		return nil
	}
	if !slices.Contains(privileged, t.event) || a.in.is(untrustedInput) || !a.ruling.credentials || slices.Contains(reading, a.in["command"]) {
		return nil
	}
	return func(directory string) error {
		there := t
		there.checkedOut = ""
		if commit, err := checkedOut(a.env.Workspace, directory); err == nil {
			there.checkedOut = commit
		}
		if there.own() {
			return nil
		}
		return stranger(a.env.Workspace, directory, t.event)
	}
}

// judgeInputs judges the files that inputs name and that no configuration reads.
func (a *action) judgeInputs() error {
	if a.judge == nil {
		return nil
	}
	for _, i := range actionInputs {
		if i.File == nil || a.in[i.Name] == "" {
			continue
		}
		file := i.File(a.in[i.Name])
		if file == "" {
			continue
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(a.p.cwd, file)
		}
		if err := a.judgeFile(file); err != nil {
			return fmt.Errorf("input %s: %q isn't read: %w", i.Name, a.in[i.Name], err)
		}
	}
	return nil
}

// judgeFile judges a file that the workflow names by the checkouts that its name and what it leads to lie in. What lies
// in none was put there by the workflow itself.
func (a *action) judgeFile(file string) error {
	places := []string{filepath.Dir(file)}
	if to, err := filepath.EvalSymlinks(file); err == nil { // else it isn't there, as whoever wants it will say
		places = append(places, to)
	}
	for _, place := range places {
		dir, err := checkout(a.env.Workspace, place)
		if err != nil {
			continue // outside of the workspace
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err != nil {
			continue
		}
		if err := a.judge(dir); err != nil {
			return err
		}
	}
	return nil
}

// rootFile is what the input root names on this machine; "" where it names nothing there.
func rootFile(root string) string {
	if dir, ok := strings.CutPrefix(root, "dir:"); ok {
		return dir
	}
	if ref, ok := strings.CutPrefix(root, ociPrefix); ok && ociroot.IsPath(ref) {
		return ref
	}
	return ""
}

func withoutCredentials(changes bool, why string) string {
	if changes {
		return why + ": the configuration is checked and planned offline, and nothing is changed."
	}
	return why + ": the configuration is checked and planned offline."
}
