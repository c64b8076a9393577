package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// agentInit is process 1 of a root. It starts the worker while this program's file can still be
// reached, makes the root around both, and then waits for every process that ends in it. When it
// returns the kernel kills whatever is left.
func agentInit() error {
	if os.Getpid() != 1 {
		return errors.New("an agent of role init is process 1 of a namespace, and this one is not")
	}
	// A process of the root may signal process 1 like any other; only its own end counts.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	raw, err := io.ReadAll(requests())
	if err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	var req request
	if err = json.Unmarshal(raw, &req); err != nil || req.Setup == nil {
		return errors.Join(errors.New("reading the job"), err)
	}
	grown, err := req.Setup.newMeter(req.Limits.Disk)
	if err != nil {
		return err
	}
	if err = req.Limits.apply(); err != nil {
		return err
	}
	if req.Setup.Network == NetworkNone || req.Setup.Network == NetworkPrivate {
		if err = req.Setup.joinNetwork(networkPipe()); err != nil {
			return err
		}
	}
	w, err := startWorker(req.Env, req.Setup.Network == networkScoped)
	if err != nil {
		return fmt.Errorf("starting the worker: %w", err)
	}
	if err := req.Setup.enter(); err != nil {
		return err
	}
	req.Setup = nil
	go w.hand(req)
	return w.within(grown)
}

// within waits for the worker and ends it when the root has grown too large.
func (w *worker) within(grown *meter) error {
	if grown == nil {
		return w.reap()
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // this is the top of a process
	full := make(chan error, 1)
	go func() {
		err := grown.watch(ctx)
		if err != nil {
			// The worker's end ends process 1, and with it all others.
			err = errors.Join(err, w.cmd.Process.Kill())
		}
		full <- err
	}()
	err := w.reap()
	cancel()
	if over := <-full; over != nil {
		return over
	}
	return err
}

// A worker is the process that runs the job. It lacks the capabilities by which root could leave
// the root: it cannot mount, load modules, reboot, trace others or make devices that work.
type worker struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// startWorker returns when the worker is loaded and needs nothing more of the machine's files.
func startWorker(env []string, scoped bool) (*worker, error) {
	ready, loaded, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe", agentArgument, innerRole) //nolint:noctx // the worker's end is process 1's own
	cmd.Env, cmd.Dir = env, "/"
	cmd.Stderr = os.NewFile(2, "stderr")
	cmd.ExtraFiles = []*os.File{eventPipe(), answerPipe(), loaded}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error)
	go func() {
		// What is given up belongs to a thread and is inherited by what that starts. The thread is never
		// unlocked, so it ends here: process 1 itself has a root to make.
		runtime.LockOSThread()
		err := confine(scoped)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	if err := loaded.Close(); err != nil {
		return nil, err
	}
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return nil, fmt.Errorf("the worker ended before it was loaded: %w", err)
	}
	return &worker{cmd, stdin}, ready.Close()
}

// confine gives up, for this thread and all it starts, what no document needs.
func confine(scoped bool) error {
	if scoped {
		if err := closeAbstractSockets(); err != nil {
			return fmt.Errorf("closing the machine's abstract sockets: %w", err)
		}
	}
	if err := filterCalls(); err != nil {
		return fmt.Errorf("filtering system calls: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	return nil
}

// capabilities are what root keeps: the list that container engines keep by default, which package
// managers and services are used to, without the making of devices, which would not work here.
func capabilities() []int {
	return []int{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FSETID, unix.CAP_FOWNER, unix.CAP_NET_RAW,
		unix.CAP_SETGID, unix.CAP_SETUID, unix.CAP_SETFCAP, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE,
		unix.CAP_SYS_CHROOT, unix.CAP_KILL, unix.CAP_AUDIT_WRITE,
	}
}

func dropCapabilities() error {
	for c := range unix.CAP_LAST_CAP + 1 {
		if slices.Contains(capabilities(), c) {
			continue
		}
		// An older kernel does not know the newest capabilities, and then they need not be dropped.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	return nil
}

// hand gives the worker its job. A worker that does not read it has ended, which reap reports.
func (w *worker) hand(req request) {
	_ = json.NewEncoder(w.stdin).Encode(req)
	_ = w.stdin.Close()
}

// reap waits for every process of the root until the worker ends.
func (w *worker) reap() error {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("waiting for the worker: %w", err)
		case pid == w.cmd.Process.Pid && status.Exited() && status.ExitStatus() == 0:
			return nil
		case pid == w.cmd.Process.Pid && status.Signaled():
			return fmt.Errorf("the process that runs the documents was ended by signal %d (%s); a step may have killed it, or memory ran out", status.Signal(), status.Signal())
		case pid == w.cmd.Process.Pid:
			return fmt.Errorf("the process that runs the documents ended with status %d", status.ExitStatus())
		}
	}
}

// guard closes an agent against what it starts: descriptors are not inherited, and without the
// capability to trace, nobody reads or writes its memory, its program or its pipes through /proc.
func guard() error {
	if err := unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("keeping descriptors to itself: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing itself to others: %w", err)
	}
	return nil
}
