package component

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A State is where a run stopped for a reboot.
type State struct {
	// Job is what the run was asked to do.
	Job Job `json:"job"`
	// Result is how it stood, the steps that were done included.
	Result Result `json:"result"`
	// Frame is the place.
	Frame frame `json:"frame"`
}

// A frame is a place in a document: the step to go on with, and what it needs to.
type frame struct {
	Document int `json:"document"`
	Phase    int `json:"phase"`
	Step     int `json:"step"`
	// Decided says that the step had begun: its if was judged before the reboot and is not again.
	Decided bool `json:"decided,omitempty"`
	Attempt int  `json:"attempt,omitempty"`
	// Ran is what earlier steps of the document left.
	Ran         map[string]record `json:"ran,omitempty"`
	Status      Status            `json:"status"`      // of the document so far
	PhaseStatus Status            `json:"phaseStatus"` // of the phase so far
	// Iteration, Joined and Done are how far the loop of an ExecuteDocument step came.
	Iteration int                 `json:"iteration,omitempty"`
	Joined    []map[string]string `json:"joined,omitempty"`
	Done      []*Result           `json:"done,omitempty"`
	Nested    *State              `json:"nested,omitempty"`
}

// errReboot unwinds a run that stops for a reboot; the runner's stop says where.
var errReboot = errors.New("the machine is to be restarted")

// state is where a runner stopped.
func (r *runner) state() *State { return &State{Job: r.job, Result: *r.result, Frame: *r.stop} }

// takeNested is the nested run that this step was in before a reboot, nil where there was none.
func (s *stepRun) takeNested() *State {
	if s.resume == nil {
		return nil
	}
	n := s.resume.Nested
	s.resume.Nested = nil
	return n
}

// stateFile is the file of a state directory.
const stateFile = "state.json"

// maxState bounds the files that a run leaves for its own next part.
const maxState = 16 << 20

// readSmall is os.ReadFile for files that other processes may have written: what is larger than anything expected isn't read.
func readSmall(path string) (_ []byte, err error) {
	f, err := os.Open(path) //nolint:gosec // the directory is the caller's
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err == nil && len(raw) > maxState {
		return nil, fmt.Errorf("%s is too large: at most %d MiB are read", path, maxState>>20)
	}
	return raw, err
}

// ReadState returns the state that an earlier run left in a directory, or nil where there is none.
// [Root.Run] takes it up by itself when Job.StateDirectory names that directory.
func ReadState(dir string) (*State, error) {
	raw, err := readSmall(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state of an earlier run: %w", err)
	}
	s := &State{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("reading the state of an earlier run: %s holds something else: %w", dir, err)
	}
	return s, nil
}

// writeState replaces the state in a directory in one step. It may hold secrets: only its owner reads it.
func writeState(dir string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state directory: %w", err)
	}
	f, err := os.CreateTemp(dir, stateFile+"-*")
	if err != nil {
		return fmt.Errorf("keeping the state: %w", err)
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, stateFile))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keeping the state: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// forgetState removes the state of a run that came to its end.
func forgetState(dir string) error {
	err := os.Remove(filepath.Join(dir, stateFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the state: %w", err)
	}
	return nil
}

// takeUp turns a job into the one that an earlier run left, if it left any. Whoever answers questions is the new job's.
func (job Job) takeUp() (Job, *State, error) {
	if job.Reboots != RebootExit {
		return job, nil, nil
	}
	if job.StateDirectory == "" {
		return job, nil, errors.New("a run that stops for reboots needs a state directory to go on from")
	}
	left, err := ReadState(job.StateDirectory)
	if err != nil || left == nil {
		return job, nil, err
	}
	next := left.Job
	next.Resolver, next.SSM, next.S3Endpoint, next.Components = job.Resolver, job.SSM, job.S3Endpoint, job.Components
	next.Reboots, next.StateDirectory = job.Reboots, job.StateDirectory
	left.Job = next
	return next, left, nil
}
