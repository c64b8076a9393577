package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// An agentProcess is this program, started again to run one job.
type agentProcess struct {
	root    Root
	request request
	group   *controlGroup
	wire    *wire // nil for a root with the machine's network
	cmd     *exec.Cmd
	events  *os.File
	answers *os.File
	job     *os.File
	stderr  tailBuffer
	started chan error
	ended   chan error
}

// pipes connects the agent and returns its ends of them: its standard input, and what it finds after
// the standard descriptors.
func (a *agentProcess) pipes() (theirs []*os.File, err error) {
	var ours [3]*os.File
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("making a pipe: %w", err), closeAll(append(theirs, ours[:i]...)))
		}
		if i == 1 {
			r, w = w, r
		}
		theirs, ours[i] = append(theirs, r), w
	}
	a.job, a.events, a.answers = ours[0], ours[1], ours[2]
	return theirs, nil
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// start starts the agent from a thread that lives as long as it does: the kernel kills the agent
// when the thread that started it ends, which is how it dies with this process.
func (a *agentProcess) start(ctx context.Context, role string) error {
	body, err := json.Marshal(a.request)
	if err != nil {
		return fmt.Errorf("writing the job: %w", err)
	}
	theirs, err := a.pipes()
	if err != nil {
		return err
	}
	a.cmd = exec.CommandContext(ctx, a.root.self, agentArgument, role) //nolint:gosec // the program itself
	a.cmd.Stdin = theirs[0]
	a.cmd.Stderr = writerFunc(a.stderr.write)
	a.cmd.ExtraFiles = theirs[1:]
	if a.wire != nil {
		a.cmd.ExtraFiles = append(slices.Clone(a.cmd.ExtraFiles), a.wire.theirs)
		theirs = append(theirs, a.wire.theirs)
	}
	a.cmd.Env, a.cmd.Dir = a.request.Env, "/"
	a.cmd.SysProcAttr = a.isolation(role)
	a.started, a.ended = make(chan error, 1), make(chan error, 1)
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
	if closed := closeAll(theirs); err == nil {
		err = closed
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting the process that runs the documents: %w", err), closeAll([]*os.File{a.job, a.events, a.answers}))
	}
	// It does nothing before it has its job, so nothing it starts is outside of its group.
	err = a.group.add(a.cmd.Process.Pid)
	if err != nil {
		// Without a job it ends; nobody waits for more.
		ended := a.cmd.Process.Kill()
		if ended == nil {
			<-a.ended //nolint:errcheck // it was killed
		}
		return errors.Join(err, ended, closeAll([]*os.File{a.job, a.events, a.answers}))
	}
	// An agent that ends before it has read its job says why by itself.
	_, _ = a.job.Write(body)
	return a.job.Close()
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
	if a.wire != nil {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	if a.root.user {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// A report is what an agent has told so far.
type report struct {
	result  *Result
	steps   []StepResult
	state   []byte
	failure string
}

// take passes an event on, and keeps the rest.
func (r *report) take(m message, emit func(Event)) {
	switch {
	case m.Event != nil:
		if m.Event.Result != nil && m.Event.Depth == 0 {
			r.steps = append(r.steps, *m.Event.Result)
		}
		emit(*m.Event)
	case m.State != nil:
		r.state = append(r.state, m.State...)
	case m.Result != nil:
		r.result = m.Result
	case m.Error != "" && r.failure == "":
		r.failure = m.Error
	}
}

// finish passes the agent's messages on and gathers the result.
func (a *agentProcess) finish(ctx context.Context, emit func(Event)) (*Result, error) {
	var told report
	answers := json.NewEncoder(a.answers)
	err := receive(a.events, func(m message) {
		if m.Ask != nil {
			// An agent that is gone does not mind the missing answer, and its end is reported below.
			_ = answers.Encode(reply(ctx, a.request.Job.Resolver, *m.Ask))
			return
		}
		told.take(m, emit)
	})
	if err != nil {
		// The pipe holds something that is no message: whoever wrote it is not the agent.
		err = errors.Join(err, a.cmd.Process.Kill())
	}
	err = errors.Join(err, closeAll([]*os.File{a.events, a.answers}))
	ended := <-a.ended
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case told.failure != "":
		return nil, errors.New(told.failure)
	case err != nil:
		return nil, fmt.Errorf("reading the events of a run: %w", err)
	case told.result == nil || ended != nil:
		return nil, fmt.Errorf("the process that runs the documents ended early (%w): %s", errors.Join(ended, errNoResult(told.result)), a.stderr.text())
	}
	told.result.Steps = told.steps
	if a.request.Resume != nil {
		told.result.Steps = slices.Concat(a.request.Resume.Result.Steps, told.steps)
	}
	return told.result, a.remember(told)
}

// remember keeps the state of a run that stopped for a reboot, and forgets that of one that did not.
func (a *agentProcess) remember(told report) error {
	switch job := a.request.Job; {
	case job.Reboots != RebootExit:
		return nil
	case told.result.Reboot:
		return writeState(job.StateDirectory, told.state)
	default:
		return forgetState(job.StateDirectory)
	}
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
