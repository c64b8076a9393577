package component

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

const (
	// maxLine bounds one line of the log.
	maxLine = 64 << 10
	// maxStderr bounds what is kept of a command's standard error: its end.
	maxStderr = 8 << 10
)

// An exitError is a command that ended with another status than 0.
type exitError struct {
	code   int // -1 where a signal ended it
	text   string
	stderr string
}

func (e *exitError) Error() string { return e.text }

// command runs a program in a process group of its own, logs what it prints, and returns its
// standard output without the line breaks at its end. When ctx ends the whole group is killed.
func (s *stepRun) command(ctx context.Context, argv []string) (stdout string, err error) {
	path, err := lookPath(argv[0], s.env)
	if err != nil {
		return "", err
	}
	program := strings.Join(argv, " ")
	if !s.step.DisableLogging {
		s.say("CmdExecution: Preparing object for command " + argv[0] + " with arguments [" + strings.Join(argv[1:], " ") + "]")
		s.say("CmdExecution: Starting execution of command with arguments [" + program + "]")
	}
	cmd := exec.Command(path, argv[1:]...) //nolint:gosec,noctx // running what the document says is the purpose; the group is ended below
	cmd.Args[0] = argv[0]
	cmd.Dir, cmd.Env = s.start(), s.env
	ownGroup(cmd)
	out := &lineLog{say: func(l string) { s.say("Stdout: " + l) }, quiet: s.step.DisableLogging}
	tail := &tailBuffer{}
	stdoutStream, err := s.pipe(&cmd.Stdout, out.read)
	if err != nil {
		return "", err
	}
	stderrStream, err := s.pipe(&cmd.Stderr, tail.read)
	if err != nil {
		closeWriters(cmd)
		return "", err
	}
	err = cmd.Start()
	closeWriters(cmd)
	if err != nil {
		return "", fmt.Errorf("starting %s: %w", argv[0], err)
	}
	ended := make(chan error, 1)
	s.streams.readers.Go(func() { ended <- cmd.Wait() })
	select {
	case err = <-ended:
	case <-ctx.Done():
		killGroup(cmd)
		err = <-ended
	}
	stdoutStream.drain()
	stderrStream.drain()
	return s.conclude(cmd, err, commandOutput{out.text(), tail.text()})
}

type commandOutput struct{ stdout, stderr string }

// conclude writes the end of a command's log and turns its status into an error.
func (s *stepRun) conclude(cmd *exec.Cmd, err error, o commandOutput) (string, error) {
	s.say("CmdExecution: Terminating read operation on STDOUT pipe - EOF")
	s.say("CmdExecution: Command execution has been completed")
	if err == nil {
		s.say("CmdExecution: Command execution was completed successfully")
	} else {
		s.say("CmdExecution: Command execution has resulted in an error")
	}
	if !s.step.DisableLogging {
		s.block(s.event(), "CmdExecution: Stderr: "+o.stderr)
	}
	s.say(fmt.Sprintf("CmdExecution: ExitCode %d", cmd.ProcessState.ExitCode()))
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return o.stdout, &exitError{code: exit.ExitCode(), text: exit.Error(), stderr: o.stderr}
	}
	return o.stdout, err
}
