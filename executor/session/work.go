package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// A Session is what works inside one machine.
type Session struct {
	Addr dsl.Addr
	// Name is the machine's: jobs of the communicator s3 lie under it.
	Name string
	// Run tells this run from others: a job of another run is not this one's.
	Run     string
	Windows bool

	Machine Machine
	Images  Images
	Secrets Secrets
	// Objects is the bucket of the communicator s3, or of files for the others; nil for none.
	Objects Objects
	// Controller runs Ansible; nil where nothing may be run here.
	Controller Controller
	// Cover hides the secrets in a line; nil replaces them as they are written.
	Cover func(secrets []string, line string) string
	Emit  func(executor.Event)

	work    *planner.Work
	secrets map[string]string
	hidden  []string
	conn    Communicator
	trust   *trust
	cycled  bool
	step    *planner.WorkStep
	tail    []string // the last lines of standard error of the step
	apps    *catalogue
}

// Do carries out the work. What fails is an *executor.Failure that leads to the step's lines. The connection is
// made when the first step needs it, and made again after every restart.
func (s *Session) Do(ctx context.Context, w *planner.Work) (err error) {
	s.work, s.trust = w, &trust{say: s.remark}
	if err = s.resolve(ctx); err != nil {
		return s.failure(&w.Communicator.Range, err)
	}
	defer func() {
		if s.conn != nil {
			err = errors.Join(err, s.conn.Close())
		}
	}()
	if err = s.rehearse(ctx); err != nil {
		return err
	}
	for i := range w.Steps {
		s.step, s.tail = &w.Steps[i], nil
		s.Emit(executor.Progressed{Addr: s.Addr, At: time.Now(), State: "RUNNING", Step: s.step.Name})
		if err = s.attempts(ctx); err != nil {
			return err
		}
	}
	return nil
}

// resolve fetches the credentials that are kept elsewhere, and has all of them hidden from then on.
func (s *Session) resolve(ctx context.Context) error {
	s.secrets = map[string]string{}
	for name, from := range sorted(s.work.Communicator.Secrets) {
		value := from
		if planner.StoredSecret(from) {
			if s.Secrets == nil {
				return &RefusedError{Why: fmt.Sprintf("%s is kept in %s, which cannot be asked here.", name, from)}
			}
			var err error
			if value, err = s.Secrets.Secret(ctx, from); err != nil {
				return fmt.Errorf("fetching %s from %s: %w", name, from, err)
			}
		}
		s.secrets[name] = value
		s.hidden = append(s.hidden, value)
	}
	return nil
}

// attempts does a step, again while it may.
func (s *Session) attempts(ctx context.Context) error {
	in := s.step.Input
	if err := pause(ctx, secondsOf(in, "pause_before")); err != nil {
		return err
	}
	for n := 1; ; n++ {
		err := s.limited(ctx)
		switch {
		case err == nil:
			return pause(ctx, secondsOf(in, "pause_after"))
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n <= numberOf(in, "max_retries") && !refused(err):
			s.Emit(executor.Retried{Addr: s.Addr, At: time.Now(), Attempt: n, Err: s.failure(&s.step.Range, err)})
			s.tail = nil
		case truthOf(in, "continue_on_error"):
			s.remark(fmt.Sprintf("%s failed, and the work goes on as continue_on_error says: %v", s.step.Name, err))
			return nil
		default:
			return s.failure(&s.step.Range, err)
		}
	}
}

// limited does a step once, within its time.
func (s *Session) limited(ctx context.Context) error {
	limit := secondsOf(s.step.Input, "timeout")
	if limit == 0 {
		return s.do(ctx)
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := s.do(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the step took longer than its %s", limit)
	}
	return err
}

// do does the current step.
func (s *Session) do(ctx context.Context) error {
	act, ok := map[planner.WorkAction]func(*Session, context.Context, planner.Object) error{
		planner.WorkShell:          (*Session).shell,
		planner.WorkPowerShell:     (*Session).powershell,
		planner.WorkFile:           (*Session).files,
		planner.WorkAnsible:        (*Session).ansible,
		planner.WorkRestart:        (*Session).restart,
		planner.WorkApplication:    (*Session).application,
		planner.WorkDefaultProfile: (*Session).defaultProfile,
		planner.WorkManifest:       (*Session).manifest,
		planner.WorkSessionScript:  (*Session).sessionScript,
		planner.WorkCreateImage:    (*Session).createImage,
	}[s.step.Action]
	if !ok {
		return &RefusedError{Why: fmt.Sprintf("This program cannot do %q.", s.step.Action)}
	}
	return act(s, ctx, s.step.Input)
}

// remark is a line of our own in the log.
func (s *Session) remark(text string) { s.log("imagebuild", text) }

func (s *Session) log(source, text string) {
	s.Emit(executor.Log{Addr: s.Addr, At: time.Now(), Source: source, Line: s.cover(text)})
}

func (s *Session) cover(text string) string {
	if s.Cover != nil {
		return s.Cover(s.hidden, text)
	}
	for _, secret := range s.hidden {
		for line := range strings.Lines(secret) {
			if line = strings.TrimRight(line, "\r\n"); len(line) >= shortestSecret {
				text = strings.ReplaceAll(text, line, "(sensitive)")
			}
		}
	}
	return text
}

// shortestSecret is the length below which a secret is not looked for: hiding every "a" would destroy the text.
const shortestSecret = 3

// keptLines is how many lines of standard error a failure shows.
const keptLines = 20

// print hands on a line of the current step.
func (s *Session) print(l Line) {
	s.log(s.step.Name, l.Text)
	if l.Stderr {
		s.tail = append(s.tail, s.cover(l.Text))
		s.tail = s.tail[max(len(s.tail)-keptLines, 0):]
	}
}

// An exitError is a command that ended with another status than it may.
type exitError struct{ status int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// failure is an error that leads to the configuration.
func (s *Session) failure(at *hcl.Range, err error) error {
	f := &executor.Failure{Code: "WorkFailed", Message: s.cover(err.Error()), Range: *at, Cause: err}
	if s.step != nil {
		f.Phase, f.Step, f.Action = "build", s.step.Name, string(s.step.Action)
		f.Stderr = strings.Join(s.tail, "\n")
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		f.ExitStatus = e.Error()
	}
	return f
}

// pause waits, or returns ctx's cause.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
