package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
)

// keptRuns is how many runs' records the user's cache holds; older ones are removed.
const keptRuns = 20

// A record keeps a run on this machine: every event, and each image's whole log, secrets covered.
type record struct {
	dir   string
	names map[string]bool                // of files, without their ends
	text  func(io.Writer) io.WriteCloser // covers secrets
	json  *report.Recorder
	files []*sink
	logs  map[dsl.Addr]*sink
	err   error
}

// A sink is one file of a record.
type sink struct {
	file   *os.File
	buffer *bufio.Writer
	io.WriteCloser
}

func (s *sink) close() error {
	return errors.Join(s.Close(), s.buffer.Flush(), s.file.Close())
}

// openRecord begins a record in dir, or in a new directory of the user's cache.
func (p *program) openRecord(dir string, secrets []string) (*record, error) {
	if dir == "" {
		runs, err := p.runsDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(runs, p.now().UTC().Format("20060102-150405.000000"))
		if err := prune(runs); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	cover := report.Redact(nil, secrets)
	r := &record{dir: dir, logs: map[dsl.Addr]*sink{}, names: map[string]bool{}, text: func(w io.Writer) io.WriteCloser { return cover.To(w) }}
	events, err := r.open("events.jsonl", func(w io.Writer) io.WriteCloser { return report.RedactJSON(w, secrets) })
	if err != nil {
		return nil, err
	}
	r.json = report.JSONLines(events)
	return r, nil
}

// runsDir is where records go by default. Without a home directory they go where temporary files do.
func (p *program) runsDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	runs := filepath.Join(cache, "imagebuild", "runs")
	if err := os.MkdirAll(runs, 0o700); err != nil {
		return "", fmt.Errorf("making the log directory: %w", err)
	}
	return runs, nil
}

// prune removes the oldest records. Their names are times, so that the order of names is that of age.
func prune(runs string) error {
	entries, err := os.ReadDir(runs)
	if err != nil {
		return fmt.Errorf("listing earlier runs: %w", err)
	}
	slices.Reverse(entries)
	for i, e := range entries {
		if _, err := time.Parse("20060102-150405.000000", e.Name()); err != nil || i < keptRuns-1 {
			continue
		}
		if err := os.RemoveAll(filepath.Join(runs, e.Name())); err != nil {
			return fmt.Errorf("removing an earlier run: %w", err)
		}
	}
	return nil
}

func (r *record) events() string { return filepath.Join(r.dir, "events.jsonl") }

func (r *record) open(name string, cover func(io.Writer) io.WriteCloser) (*sink, error) {
	f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // logName leaves no separator in a name
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	b := bufio.NewWriter(f)
	s := &sink{file: f, buffer: b, WriteCloser: cover(b)}
	r.files = append(r.files, s)
	return s, nil
}

// fold writes one event, and a line of a log to the file of its image.
func (r *record) fold(e executor.Event) {
	r.json.Fold(e)
	line, ok := e.(executor.Log)
	if !ok || r.err != nil {
		return
	}
	s := r.logs[line.Addr]
	if s == nil {
		if s, r.err = r.open(r.logName(line.Addr), r.text); r.err != nil {
			return
		}
		r.logs[line.Addr] = s
	}
	_, r.err = fmt.Fprintln(s, line.Line)
}

// logFile is the file that holds an image's log; "" where there is none.
func (r *record) logFile(a dsl.Addr) string {
	if s := r.logs[a]; s != nil {
		return s.file.Name()
	}
	return ""
}

// close ends the record and says what of it is missing.
func (r *record) close() error {
	errs := []error{r.json.Err(), r.err}
	for _, s := range r.files {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// logName is the address as the name of a file that no other address of the run has; labels may hold anything.
func (r *record) logName(a dsl.Addr) string {
	safe := func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '_'
	}
	name := strings.Map(safe, a.String())
	if r.names[name] {
		name += fmt.Sprintf("-%d", len(r.logs))
	}
	r.names[name] = true
	return name + ".log"
}
