//go:build linux

package component_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/component"
)

// logFiles runs documents on this machine and returns the folder of their log, with what differs
// from run to run made equal.
func logFiles(t *testing.T, job component.Job) (string, []txtar.File) {
	t.Helper()
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := t.TempDir()
	job.WorkingDirectory, job.Debug = dir, true
	start := time.Now()
	log, err := component.CreateLogFolder(filepath.Join(dir, "logs"), component.LogRun{
		ExecutionID: "f00d", Start: start, Documents: job.Documents, Phases: job.Phases,
	})
	if err != nil {
		t.Fatal(err)
	}
	result, broken := root.Run(t.Context(), job, log.Take)
	if err = log.Finish(result, broken, time.Now()); err != nil {
		t.Fatal(err)
	}
	if want := "TOE_" + start.UTC().Format("2006-01-02_15-04-05") + "_UTC-0_f00d"; filepath.Base(log.Path()) != want {
		t.Errorf("the folder is %s and should be %s", log.Path(), want)
	}
	entries, err := os.ReadDir(log.Path())
	if err != nil {
		t.Fatal(err)
	}
	var files []txtar.File
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(log.Path(), e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name(), ".log") && !stamped.Match(raw) {
			t.Errorf("%s begins without a time of nine digits:\n%.80s", e.Name(), raw)
		}
		text := normal(dir, strings.ReplaceAll(string(raw), log.Path(), "$LOG"))
		text = stamped.ReplaceAllString(text, "TIME ")
		text = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`).ReplaceAllString(text, `"TIME"`)
		text = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(text, "UUID")
		text = regexp.MustCompile(`deadline set to .*`).ReplaceAllString(text, "deadline set to TIME")
		files = append(files, txtar.File{Name: e.Name(), Data: []byte(strings.TrimRight(text, "\n") + "\n")})
	}
	return log.Path(), files
}

var stamped = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z `)

// TestLogFolder holds the files of a log folder against goldens: AWSTOE's shapes, as far as they are
// known.
func TestLogFolder(t *testing.T) {
	eachArchive(t, "testdata/toelog/*.txtar", func(t *testing.T, a *txtar.Archive) []txtar.File {
		t.Helper()
		var job component.Job
		for line := range strings.Lines(string(a.Comment)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "phases="); ok {
				job.Phases = strings.Split(v, ",")
			}
		}
		var out []txtar.File
		for _, f := range a.Files {
			switch {
			case f.Name == "nested.yml":
				job.Components = map[string]string{"arn:aws:imagebuilder:us-east-1:123456789012:component/nested/1.0.0/1": string(f.Data)}
				out = append(out, f)
			case strings.HasSuffix(f.Name, ".yml") && !strings.HasPrefix(f.Name, "D"):
				job.Documents = append(job.Documents, component.JobDocument{Name: f.Name, Source: string(f.Data)})
				out = append(out, f)
			}
		}
		_, files := logFiles(t, job)
		return append(out, files...)
	})
}

// TestLogFolderShape holds the members of the two JSON files, in their order, against those that a
// real run of AWSTOE left.
func TestLogFolderShape(t *testing.T) {
	dir, _ := logFiles(t, component.Job{Documents: []component.JobDocument{bash("build", "echo hi")}})
	for name, want := range map[string]string{
		"detailedoutput.json": "executionId status startTime endTime failureMessage documents name filePath status description startTime endTime failureMessage " +
			"phases name status startTime endTime failureMessage steps name status failureMessage timeoutSeconds onFailure maxAttempts action startTime endTime inputs outputs loop detailedOutput",
		"chaining.json": "phases name isSelected steps name inputs outputs loop documents",
	} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(raw) || raw[len(raw)-1] == '\n' {
			t.Errorf("%s is no JSON, or ends with a line break", name)
		}
		var keys []string
		for _, m := range regexp.MustCompile(`(?m)^( {4})+"(\w+)":`).FindAllStringSubmatch(string(raw), -1) {
			keys = append(keys, m[2])
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%s has the members\n%s\nand should have\n%s", name, got, want)
		}
	}
}

// TestLogFolderOfManyLines holds that a log is streamed: what is printed is on the disk, whole, and
// not in memory.
func TestLogFolderOfManyLines(t *testing.T) {
	log, err := component.CreateLogFolder(t.TempDir(), component.LogRun{ExecutionID: "big", Start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	const lines, width = 100_000, 300
	before, after := &runtime.MemStats{}, &runtime.MemStats{}
	runtime.ReadMemStats(before)
	e := component.Event{Kind: component.LogLine, Time: time.Now(), Line: strings.Repeat("x", width)}
	for range lines {
		log.Take(e)
	}
	runtime.ReadMemStats(after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d lines made %d bytes of garbage", lines, grown)
	}
	if err = log.Finish(&component.Result{Status: component.Success}, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(log.Path(), "console.log"))
	if err != nil || info.Size() != int64(lines*(width+len("2022-05-25T14:01:45.914489412Z \n"))) {
		t.Errorf("console.log: %v, %v", info.Size(), err)
	}
}

// TestLogFolderAfterReboot holds that a run that is gone on with adds to the files of its first part.
func TestLogFolderAfterReboot(t *testing.T) {
	run := component.LogRun{ExecutionID: "again", Start: time.Now(), Documents: []component.JobDocument{bash("build", "true", "true")}}
	first, err := component.CreateLogFolder(t.TempDir(), run)
	if err != nil {
		t.Fatal(err)
	}
	step := func(l *component.LogFolder, name string) {
		at := component.Event{Time: time.Now(), Document: "doc.yml", Phase: "build"}
		for _, kind := range []component.EventKind{component.DocumentStarted, component.PhaseStarted, component.StepStarted, component.StepFinished} {
			e := at
			e.Kind = kind
			if kind == component.StepStarted || kind == component.StepFinished {
				e.Step, e.Action = name, "ExecuteBash"
			}
			if kind == component.StepFinished {
				e.Status, e.Result = component.Success, &component.StepResult{Status: component.Success, Outputs: []map[string]string{{"stdout": name}}}
			}
			l.Take(e)
		}
	}
	step(first, "s0")
	if err = first.Finish(&component.Result{Status: component.Success, Reboot: true}, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	second, err := component.ReopenLogFolder(first.Path(), run)
	if err != nil {
		t.Fatal(err)
	}
	step(second, "s1")
	if err = second.Finish(&component.Result{Status: component.Success}, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"detailedoutput.json", "chaining.json"} {
		var raw []byte
		if raw, err = os.ReadFile(filepath.Join(first.Path(), name)); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"s0", "s1"} {
			if n := strings.Count(string(raw), `"[{\"stdout\":\"`+s+`\"}]"`); n != 1 {
				t.Errorf("%s holds the output of %s %d times:\n%s", name, s, n, raw)
			}
		}
	}
}

// TestLogFolderRefusals holds that a folder that cannot be made is said so.
func TestLogFolderRefusals(t *testing.T) {
	in := t.TempDir()
	run := component.LogRun{ExecutionID: "twice", Start: time.Now()}
	if _, err := component.CreateLogFolder(in, run); err != nil {
		t.Fatal(err)
	}
	if _, err := component.CreateLogFolder(in, run); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the same folder twice: %v", err)
	}
	if _, err := component.ReopenLogFolder(filepath.Join(in, "none"), run); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

// A vault has one SecureString.
type vault string

func (v vault) Parameter(context.Context, string) (string, bool, error) { return string(v), true, nil }

func (vault) Document(context.Context, string, string) (string, error) {
	return "", errors.New("there is none")
}

// TestLogFolderKeepsSecrets holds that a SecureString is in none of the files, in no form, though it
// needs escapes in JSON.
func TestLogFolderKeepsSecrets(t *testing.T) {
	const secret = `hunter"2\ö<x>`
	dir, files := logFiles(t, component.Job{
		Resolver:  vault(secret),
		Documents: []component.JobDocument{bash("build", `cat <<'END'`+"\n{{ aws:ssm:/app/password }}\nEND\n")},
	})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, form := range []string{secret, strings.Trim(string(quoted), `"`), `hunter`} {
			if strings.Contains(string(f.Data), form) {
				t.Errorf("%s in %s holds %s:\n%s", f.Name, dir, form, f.Data)
			}
		}
	}
}
