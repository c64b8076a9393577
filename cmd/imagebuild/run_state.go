package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/imagebuild-action/internal/component"
)

// runStateFile lies beside the engine's own state and holds what belongs to the command.
const runStateFile = "run.json"

// A runState is what the next run must know of one that stopped for a reboot.
type runState struct {
	ExecutionID string `json:"executionId"`
	LogFolder   string `json:"logFolder"`
}

// takeUp finds out whether a run is to be gone on with. Like AWSTOE's, a run whose state directory
// holds a state goes on with that, whatever its own documents are.
func (x *execution) takeUp() error {
	if x.StateDirectory == "" {
		return nil
	}
	x.job.Reboots, x.job.StateDirectory = component.RebootExit, x.p.absolute(x.StateDirectory)
	state, err := component.ReadState(x.job.StateDirectory)
	if err != nil {
		return fmt.Errorf("reading the state directory: %w", err)
	}
	if state == nil {
		return nil
	}
	x.job.Documents, x.job.Phases = state.Job.Documents, state.Job.Phases
	x.state = &runState{}
	raw, err := readFile(x.stateFile(), largestSmall)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the log begins anew
	}
	if err == nil {
		err = json.Unmarshal(raw, x.state)
	}
	if err != nil {
		return fmt.Errorf("reading the state directory: %w", err)
	}
	if x.state.ExecutionID != "" {
		x.ExecutionID, x.result.ExecutionID = x.state.ExecutionID, x.state.ExecutionID
	}
	fmt.Fprintf(x.p.stderr, "imagebuild run: going on with the run %s that stopped for a reboot; its state is in %s.\n", x.ExecutionID, x.StateDirectory)
	return nil
}

func (x *execution) stateFile() string { return filepath.Join(x.job.StateDirectory, runStateFile) }

// openLog makes the log folder, or opens that of the run that is gone on with.
func (x *execution) openLog() (err error) {
	run := component.LogRun{ExecutionID: x.ExecutionID, Start: x.p.now(), Documents: x.job.Documents, Phases: x.job.Phases}
	if x.Trace {
		run.Trace = x.show
	}
	if x.state != nil && x.state.LogFolder != "" {
		x.log, err = component.ReopenLogFolder(x.state.LogFolder, run)
	} else {
		x.log, err = component.CreateLogFolder(x.p.absolute(x.LogDirectory), run)
	}
	if err != nil {
		return err
	}
	x.result.LogURL = x.log.Path()
	return nil
}

// keepState writes down what the next run must know.
func (x *execution) keepState() error {
	raw, err := json.Marshal(runState{x.ExecutionID, x.log.Path()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(x.stateFile(), raw, 0o600); err != nil {
		return fmt.Errorf("keeping the state of the run: %w", err)
	}
	return nil
}

// dropState removes it when the run is over.
func (x *execution) dropState() error {
	if x.job.StateDirectory == "" {
		return nil
	}
	if err := os.Remove(x.stateFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the state of the run: %w", err)
	}
	return nil
}

// absolute is a path of the command line, which starts in the working directory.
func (p *program) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.cwd, path)
}
