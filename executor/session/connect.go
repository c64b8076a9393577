package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

const (
	// connectWithin is how long a machine is given to let itself be reached. Group policies that open WinRM lag
	// behind RUNNING by up to a quarter of an hour.
	connectWithin = 15 * time.Minute
	connectEvery  = 15 * time.Second
	// cycleAfter is when a machine that cannot be reached is stopped and started once: policies' startup scripts
	// run at a boot alone.
	cycleAfter = 10 * time.Minute
	// missing is how often in a row a machine may not be there before it counts as gone: one answer of AWS may be behind.
	missing = 2
)

// connection is the open connection, made if there is none.
func (s *Session) connection(ctx context.Context) (Communicator, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	limit := secondsOf(s.work.Communicator.Settings, "connect_timeout")
	if limit == 0 {
		limit = connectWithin
	}
	cycle := truthOf(s.work.Communicator.Settings, "restart_if_unreachable") && !s.cycled
	until := time.Now().Add(limit)
	retry := time.Now().Add(min(cycleAfter, limit*2/3))
	missed := 0
	for n := 1; ; n++ {
		conn, err := s.connect(ctx)
		if err == nil {
			s.conn = conn
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if _, gone := errors.AsType[*executor.MachineGoneError](err); gone {
			if missed++; missed >= missing {
				return nil, err
			}
		} else {
			missed = 0
		}
		if refused(err) || !time.Now().Before(until) {
			return nil, unreachable(err, s.work.Communicator.Type)
		}
		if cycle && !time.Now().Before(retry) {
			cycle, s.cycled = false, true
			s.remark("The machine cannot be reached; it is stopped and started once, as restart_if_unreachable says.")
			if err = s.Machine.Cycle(ctx); err != nil {
				return nil, fmt.Errorf("stopping and starting the machine: %w", err)
			}
			until = time.Now().Add(limit)
			continue
		}
		s.Emit(executor.Retried{Addr: s.Addr, At: time.Now(), Attempt: n, Wait: connectEvery, Err: fmt.Errorf("connecting by %s: %w", s.work.Communicator.Type, err)})
		if err = pause(ctx, connectEvery); err != nil {
			return nil, err
		}
	}
}

// unreachable says what may be the matter.
func unreachable(err error, communicator string) error {
	if refused(err) {
		return err
	}
	advice := map[string]string{
		"winrm": "Check that this program runs in a network from which the machine's address can be reached, that its security group lets port 5986 (5985 for HTTP) in, " +
			"and that a group policy or the base image enables WinRM. Policies that run scripts at startup may need restart_if_unreachable = true.",
		"s3":  "Check that the base image runs imagebuild's bootstrap script at startup, and that the machine's role may read the jobs and write the results.",
		"ssh": "Check that this program runs in a network from which the machine's address can be reached, and that its security group lets port 22 in.",
	}[communicator]
	return fmt.Errorf("the machine cannot be reached: %w. %s", err, advice)
}

// connect asks for the machine's address, since it may be another one now, and proves that commands run there.
func (s *Session) connect(ctx context.Context) (Communicator, error) {
	conn, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := perform(ctx, conn, operation{Do: "booted"}, s.Windows); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// open makes the communicator that the configuration asks for.
func (s *Session) open(ctx context.Context) (Communicator, error) {
	c := s.work.Communicator
	switch c.Type {
	case "s3": // it asks nothing of the machine, so that a machine that is gone would only be silent
		if _, err := s.Machine.Address(ctx); err != nil {
			return nil, err
		}
		return s.openPull()
	case "ssm":
		return nil, &RefusedError{Why: planner.SSMRefused}
	case "winrm", "ssh":
	default:
		return nil, &RefusedError{Why: fmt.Sprintf("There is no communicator %q.", c.Type), Advice: "It is winrm, s3 or ssh."}
	}
	address, err := s.Machine.Address(ctx)
	if err != nil {
		return nil, err
	}
	if address == "" {
		return nil, errors.New("the machine has no address yet")
	}
	if c.Type == "ssh" {
		return openSSH(ctx, c, s.secrets, address, s.trust)
	}
	if !s.Windows {
		return nil, &RefusedError{Why: "WinRM is Windows' own, and this machine is Linux.", Advice: `Write communicator "ssh" or "s3".`}
	}
	return openWinRM(c, s.secrets, address, s.trust)
}

// disconnect forgets a connection that is of no use any more.
func (s *Session) disconnect() {
	if s.conn == nil {
		return
	}
	if err := s.conn.Close(); err != nil {
		s.remark("closing the connection: " + err.Error())
	}
	s.conn = nil
}

// restart restarts the machine and waits until commands run there again.
func (s *Session) restart(ctx context.Context, in planner.Object) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	before, err := perform(ctx, conn, operation{Do: "booted"}, s.Windows)
	if err != nil {
		return err
	}
	if command := textOf(in, "restart_command"); command != "" {
		_, err = conn.Run(ctx, s.scriptOf(command, nil), s.print)
	} else {
		_, err = perform(ctx, conn, operation{Do: "restart"}, s.Windows)
	}
	if err != nil && !dropped(err) {
		return err
	}
	s.remark("The machine restarts.")
	return s.comeBack(ctx, before, in, 0)
}

// restartWithin is how long a restart may take; Windows installs updates in it.
const restartWithin = 30 * time.Minute

// comeBack waits for a boot other than the one before. patience is how long a machine may go on answering from that
// one; 0 is as long as a restart may take.
func (s *Session) comeBack(ctx context.Context, before string, in planner.Object, patience time.Duration) error {
	s.disconnect()
	limit := secondsOf(in, "restart_timeout")
	if limit == 0 {
		limit = restartWithin
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := s.reboot(within, before, in, patience)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the machine has not come back within %s", limit)
	}
	return err
}

// reboot is comeBack without its limit.
func (s *Session) reboot(ctx context.Context, before string, in planner.Object, patience time.Duration) error {
	var same time.Time // since when the machine has answered from the boot before
	for {
		if err := pause(ctx, restartPause); err != nil {
			return err
		}
		if err := s.Machine.Await(ctx); err != nil {
			return fmt.Errorf("waiting for the machine to run again: %w", err)
		}
		conn, err := s.connection(ctx)
		if err != nil {
			return err
		}
		now, err := perform(ctx, conn, operation{Do: "booted"}, s.Windows)
		switch {
		case err == nil && now != before:
			return s.ready(ctx, conn, in)
		case err != nil:
			same = time.Time{} // it went down just now
		case same.IsZero():
			same = time.Now()
		case patience > 0 && time.Since(same) > patience:
			return errors.New("the connection was lost, and the machine has not restarted: whether the script has ended, and how, is not known")
		}
		s.disconnect()
	}
}

// shutdownWithin is how long a machine may go on answering after a script that restarts it has lost its connection.
const shutdownWithin = 3 * time.Minute

// restartPause is how long a machine is left alone that was told to restart.
const restartPause = 2 * time.Second

// ready waits until the command that says so ends with 0.
func (s *Session) ready(ctx context.Context, conn Communicator, in planner.Object) error {
	command := textOf(in, "restart_check_command")
	if command == "" {
		return nil
	}
	for {
		exit, err := conn.Run(ctx, s.scriptOf(command, nil), s.print)
		if err == nil && exit == 0 {
			return nil
		}
		if err != nil && !dropped(err) {
			return err
		}
		if err := pause(ctx, restartPause); err != nil {
			return err
		}
	}
}
