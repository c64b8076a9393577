package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func (r Root) supported() error { return nil }

// probe makes the root once, with nothing to do in it.
func (r Root) probe(ctx context.Context) error {
	for _, dir := range []string{r.dir, r.spec.Base} {
		if dir == "" {
			continue
		}
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			return fmt.Errorf("%s is no directory", dir)
		}
	}
	_, err := r.isolated(ctx, Job{}, func(Event) {})
	return err
}

// isolated runs a job in an agent and returns when that and all it started are gone.
func (r Root) isolated(ctx context.Context, job Job, emit func(Event)) (result *Result, err error) {
	req := request{Job: job, Env: r.environment()}
	role := workRole
	if r.kind != RootHost {
		role = initRole
		var cleanup func() error
		if req.Setup, cleanup, err = r.prepare(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cleanup()) }()
	}
	a := &agentProcess{root: r, request: req}
	if err := a.start(ctx, role); err != nil {
		return nil, err
	}
	return a.finish(ctx, emit)
}

// prepare makes the directories that one run needs.
func (r Root) prepare() (*setup, func() error, error) {
	scratch := r.spec.Scratch
	if scratch == "" {
		scratch = os.TempDir()
	}
	run, err := os.MkdirTemp(scratch, ".component-root-")
	if err != nil {
		return nil, nil, fmt.Errorf("making a scratch directory: %w", err)
	}
	cleanup := func() error { return removeTree(run) }
	s := &setup{Dir: r.dir, Base: r.spec.Base, Run: run, User: r.user, Lowers: r.spec.Lowers, ResolvConf: resolvConf()}
	if r.kind == rootDir {
		return s, cleanup, nil
	}
	s.Upper = r.spec.Upper
	if s.Upper == "" {
		s.Upper = filepath.Join(run, "upper")
	}
	if err = os.MkdirAll(s.Upper, 0o755); err != nil { //nolint:gosec // it is the root directory of an image
		return nil, nil, errors.Join(err, cleanup())
	}
	// The kernel wants the work directory in the same mount as the upper one.
	s.Work, err = os.MkdirTemp(filepath.Dir(filepath.Clean(s.Upper)), ".component-work-")
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("making the overlay's work directory: %w", err), cleanup())
	}
	// The layers must not be seen inside of themselves: what deletes files would chase its own traces.
	s.Mask = r.masks(append([]string{run, s.Upper, s.Work}, s.Lowers...))
	return s, func() error { return errors.Join(removeTree(s.Work), removeTree(run)) }, nil
}

// masks are the directories of the machine that appear empty.
func (r Root) masks(own []string) []string {
	if r.spec.Base != "" {
		return nil // nothing of the machine is seen
	}
	list := slices.Concat([]string{"/root"}, r.spec.Mask, own)
	entries, err := os.ReadDir("/home")
	if err == nil {
		for _, e := range entries {
			list = append(list, filepath.Join("/home", e.Name()))
		}
	}
	var out []string
	for _, dir := range list {
		if full, err := filepath.EvalSymlinks(dir); err == nil && full != "/" && filepath.IsAbs(full) {
			out = append(out, full)
		}
	}
	return out
}

// removeTree removes what an overlay leaves, also directories without permissions.
func removeTree(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // the directory is about to be removed
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}

func resolvConf() string {
	raw, err := os.ReadFile("/etc/resolv.conf")
	if err != nil || len(raw) > 64<<10 {
		return ""
	}
	return string(raw)
}

// An agentProcess is this program, started again to run one job.
type agentProcess struct {
	root    Root
	request request
	cmd     *exec.Cmd
	events  *os.File
	stderr  tailBuffer
	started chan error
	ended   chan error
}

// start starts the agent from a thread that lives as long as it does: the kernel kills the agent
// when the thread that started it ends, which is how it dies with this process.
func (a *agentProcess) start(ctx context.Context, role string) error {
	body, err := json.Marshal(a.request)
	if err != nil {
		return fmt.Errorf("writing the job: %w", err)
	}
	events, send, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	a.cmd = exec.CommandContext(ctx, a.root.self, agentArgument, role) //nolint:gosec // the program itself
	a.cmd.Stdin = strings.NewReader(string(body))
	a.cmd.Stderr = writerFunc(a.stderr.write)
	a.cmd.ExtraFiles = []*os.File{send}
	a.cmd.Env, a.cmd.Dir = a.request.Env, "/"
	a.cmd.SysProcAttr = a.isolation(role)
	a.events, a.started, a.ended = events, make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		startErr := a.cmd.Start()
		a.started <- startErr
		if startErr == nil {
			a.ended <- a.cmd.Wait()
		}
	}()
	err = <-a.started
	if closed := send.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting the process that runs the documents: %w", err), events.Close())
	}
	return nil
}

// isolation is what an agent is started with. One that has no namespaces is asked to end, so that it
// ends its step's processes first; otherwise the kernel does that.
func (a *agentProcess) isolation(role string) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	if role != initRole {
		attr.Pdeathsig = syscall.SIGTERM
		a.cmd.Cancel = func() error { return a.cmd.Process.Signal(syscall.SIGTERM) }
		a.cmd.WaitDelay = 5 * time.Second
		return attr
	}
	attr.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC
	if a.root.user {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// finish passes the agent's messages on and gathers the result.
func (a *agentProcess) finish(ctx context.Context, emit func(Event)) (*Result, error) {
	var result *Result
	var steps []StepResult
	var failure string
	err := receive(a.events, func(m message) {
		switch {
		case m.Event != nil:
			if m.Event.Result != nil {
				steps = append(steps, *m.Event.Result)
			}
			emit(*m.Event)
		case m.Result != nil:
			result = m.Result
		case m.Error != "" && failure == "":
			failure = m.Error
		}
	})
	if err != nil {
		// The pipe holds something that is no message: whoever wrote it is not the agent.
		err = errors.Join(err, a.cmd.Process.Kill())
	}
	err = errors.Join(err, a.events.Close())
	ended := <-a.ended
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case failure != "":
		return nil, errors.New(failure)
	case err != nil:
		return nil, fmt.Errorf("reading the events of a run: %w", err)
	case result == nil || ended != nil:
		return nil, fmt.Errorf("the process that runs the documents ended early (%w): %s", errors.Join(ended, errNoResult(result)), a.stderr.text())
	}
	result.Steps = steps
	return result, nil
}

func errNoResult(r *Result) error {
	if r == nil {
		return errors.New("without a result")
	}
	return nil
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
