package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// secretVariables hold what must never be shown. The runner masks none of them by itself; the request
// token can mint identity tokens and write artifacts and caches.
var secretVariables = []string{ //nolint:gochecknoglobals // a table, never written
	"ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", inputVariable("github-token"), "GITHUB_TOKEN", "GH_TOKEN",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
}

// visibleVariables are what a configuration may see of a job's environment besides its own variables: a
// pull request's configuration must not be able to read the job's tokens and put them into a script.
var visibleVariables = []string{ //nolint:gochecknoglobals // a table, never written
	"AWS_REGION", "AWS_DEFAULT_REGION", "HOME", "LANG", "PATH", "TZ",
	"GITHUB_REPOSITORY", "GITHUB_REF_NAME", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER",
}

// visibleVariable reports whether a configuration may see a variable: one of those above, or one that is
// a value of the configuration's own.
func visibleVariable(name string) bool {
	return slices.Contains(visibleVariables, name) || strings.HasPrefix(name, "PKR_VAR_") || strings.HasPrefix(name, "IB_VAR_")
}

// legOf is a leg of a matrix in words: the values of the matrix's variables in the order of their names. "" is a
// job without a matrix.
func legOf(matrix string) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(matrix), &m); err != nil {
		return "" // null, or nothing at all
	}
	var values []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch v := m[name].(type) {
		case string:
			values = append(values, v)
		case map[string]any, []any:
			raw, err := json.Marshal(v)
			if err == nil {
				values = append(values, string(raw))
			}
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	return strings.Join(values, ", ")
}

// values are an input's values as a flag takes them.
func (in givenInputs) values(i actionInput) []string {
	switch i.Kind {
	case inputLines:
		return in.lines(i.Name)
	case inputList:
		return in.list(i.Name)
	case inputText, inputBoolean, inputNumber, inputDuration, inputChoice:
	}
	return []string{in[i.Name]}
}

// key tells this step's comment from those of others on the same pull request. Legs of one matrix share it.
func (a *action) key() string {
	return strings.Join([]string{filepath.ToSlash(filepath.Clean(a.in["path"])), a.in["environment"]}, "#")
}

// mark is the key and the leg in 12 hexadecimal digits, for names of files, artifacts and tags.
func (a *action) mark() string {
	sum := sha256.Sum256([]byte(a.key() + "#" + a.leg))
	return hex.EncodeToString(sum[:6])
}

// runTag is what the resources of this step are tagged with as made by this run.
func (a *action) runTag() string {
	return fmt.Sprintf("github:%d:%d:%d:%s", a.env.Repository.ID, a.env.RunID, a.env.RunAttempt, a.mark())
}

// ownDirectory is where the action leaves files in the workspace, for later steps.
const ownDirectory = ".imagebuild"

func (a *action) workspace() string {
	if a.env.Workspace != "" {
		return a.env.Workspace
	}
	return a.p.cwd
}

// write leaves a file in the workspace, named from there. It belongs to whoever the workspace belongs to, so that
// later steps can delete it though this one is root. Pull requests may hold links of any name: none leads out.
func (a *action) write(name string, content []byte) (err error) {
	root, err := os.OpenRoot(a.workspace())
	if err != nil {
		return fmt.Errorf("opening the workspace: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	dir := filepath.Dir(name)
	written := append(missing(root, dir), name)
	if err := root.MkdirAll(dir, 0o755); err != nil { // later steps run as another user
		return fmt.Errorf("making %s: %w", dir, err)
	}
	if dir == ownDirectory { // what is in it is nobody's source
		ignore := filepath.Join(dir, ".gitignore")
		if err := root.WriteFile(ignore, []byte("*\n"), 0o644); err != nil {
			return err
		}
		written = append(written, dir, ignore)
	}
	if err := root.WriteFile(name, content, 0o644); err != nil {
		return err
	}
	return handOver(root, written)
}

// missing are the directories on the way to dir, and dir itself, that aren't there yet.
func missing(root *os.Root, dir string) []string {
	var out []string
	for ; dir != "."; dir = filepath.Dir(dir) {
		if _, err := root.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		out = append(out, dir)
	}
	return out
}

// leave gives what the step wrote outside of the workspace to the runner's user, who deletes it between jobs.
func (a *action) leave() {
	for _, dir := range []string{a.logs, filepath.Dir(a.home(""))} {
		if dir == "" {
			continue
		}
		if err := handOverTree(dir); err != nil {
			a.commands.Debug("The runner's user can't delete " + dir + ": " + err.Error())
		}
	}
}

// home is where the runner keeps files from step to step of a job.
func (a *action) home(name string) string {
	home, _ := a.p.lookupEnv("HOME")
	return filepath.Join(home, ownDirectory, a.mark()+"-"+name)
}

// logDirectory is where the whole logs of a run are kept until they are uploaded.
func (a *action) logDirectory() string {
	temp := a.env.Temp
	if temp == "" {
		temp = os.TempDir()
	}
	return filepath.Join(temp, "imagebuild-"+a.mark()+"-logs")
}
