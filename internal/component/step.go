package component

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The language's defaults and this engine's limits.
const (
	defaultTimeout = 7200 * time.Second
	// maxReboots bounds how often a step may ask for a reboot and be run again.
	maxReboots = 5
	// maxOutput bounds each output of a step; what exceeds it is dropped and the log says so.
	maxOutput = 1 << 20
	// rebootCode is the exit status by which a script on Linux asks for a reboot.
	rebootCode = 194
)

// A stepRun is one step of a document while it runs.
type stepRun struct {
	*documentRun
	phase  string
	step   *Step
	result StepResult
	// resume is where the step was before a reboot; nil where it starts now.
	resume *frame
	// restart says that the action Reboot ran and that the run stops after this step.
	restart bool
	// index and value are the loop's; looping says whether there is one.
	looping bool
	index   int
	value   string
}

func (s *stepRun) event() Event {
	return Event{Document: s.Name, ARN: s.ARN, Index: s.place, Depth: s.depth, Phase: s.phase, Step: s.step.Name, Action: s.step.Action}
}

func (s *stepRun) say(line string) { s.log(s.event(), line) }

// debug logs what AWSTOE writes to application.log alone, when the job asks for it.
func (s *stepRun) debug(format string, args ...any) { s.runner.debug(s.event(), format, args...) }

// run carries out the step and reports whether it ends the document.
func (s *stepRun) run(ctx context.Context) (stop bool) {
	s.result = StepResult{Document: s.Name, ARN: s.ARN, Phase: s.phase, Name: s.step.Name, Action: s.step.Action, Start: now()}
	s.settings()
	e := s.event()
	e.Kind, e.Time = StepStarted, s.result.Start
	s.emit(e)
	s.say("Step " + s.step.Name)
	status, err := s.decide(ctx)
	if errors.Is(err, errReboot) {
		return true // the step goes on after the reboot
	}
	stop = s.judge(status, err)
	s.result.End = now()
	if s.result.Status != NotRun {
		s.runner.result.ExecutedSteps++
	}
	if !s.step.DisableLogging {
		s.result.Outputs = reported(s.ran[s.key()].Outputs)
		s.result.Inputs = reportedInputs(s.ran[s.key()].Inputs)
	}
	done := s.result
	e.Kind, e.Time, e.Status, e.Duration, e.Result = StepFinished, done.End, done.Status, done.End.Sub(done.Start), &done
	s.emit(e)
	if s.runner.result.FirstFailure == nil && (s.result.Status == Failed || s.result.Status == Unsupported) {
		first := s.result
		s.runner.result.FirstFailure = &first
	}
	s.runner.result.Steps = append(s.runner.result.Steps, s.result)
	if s.restart && !stop {
		s.stop = &frame{}
	}
	return stop
}

// settings puts the step's settings into its result, defaults filled in.
func (s *stepRun) settings() {
	r := &s.result
	r.TimeoutSeconds, r.OnFailure, r.MaxAttempts = s.step.TimeoutSeconds, orDefault(s.step.OnFailure, Abort), max(1, s.step.MaxAttempts)
	switch {
	case s.step.Action == "ExecuteDocument":
		r.TimeoutSeconds = -1 // it has no limit of its own
	case r.TimeoutSeconds == 0:
		r.TimeoutSeconds = int(defaultTimeout / time.Second)
	}
}

func (s *stepRun) key() string { return s.phase + "." + s.step.Name }

// decide runs the step as its if says.
func (s *stepRun) decide(ctx context.Context) (Status, error) {
	if s.reason != "" {
		s.say(s.step.Action + ": not run")
		return NotRun, nil
	}
	if s.step.If != nil && s.resume == nil {
		j := &judge{expand: s.expander(ctx), path: s.path, env: s.env}
		holds, err := j.holds(ctx, &s.step.If.Condition)
		if err != nil {
			return Failed, fmt.Errorf("evaluating the step's if: %w", err)
		}
		outcome := orDefault(s.step.If.Else, Skip)
		if holds {
			outcome = orDefault(s.step.If.Then, Execute)
		}
		switch outcome {
		case Skip:
			s.say("Step " + s.step.Name + " is skipped: its if is " + strconv.FormatBool(holds))
			return Skipped, nil
		case Abort:
			return Failed, fmt.Errorf("the step's if is %t, which aborts it", holds)
		}
	}
	return s.attempts(ctx)
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// judge turns how the step came out into its status and that of the document.
func (s *stepRun) judge(status Status, err error) (stop bool) {
	s.result.Status = status
	if err == nil {
		return false
	}
	s.result.Message = oneLine(err.Error(), maxStderr)
	if exit, ok := errors.AsType[*exitError](err); ok {
		s.result.ExitCode = exit.code
		if !s.step.DisableLogging {
			s.result.Stderr = exit.stderr
		}
	}
	s.say(s.step.Action + ": " + err.Error())
	if status == Unsupported {
		// What cannot run here has not succeeded, whatever onFailure says.
		s.status = Failed
		s.runner.result.Failed++
		return s.step.OnFailure == "" || s.step.OnFailure == Abort
	}
	switch orDefault(s.step.OnFailure, Abort) {
	case Ignore:
		s.result.Status = IgnoredFailure
		s.runner.result.IgnoredFailed++
		if s.status == Success {
			s.status = SuccessWithIgnoredFailure
		}
		return false
	case Continue:
		s.status = Failed
		s.runner.result.Failed++
		return false
	default:
		s.status = Failed
		s.runner.result.Failed++
		return true
	}
}

// attempts runs the step until it succeeds or its attempts are used up. A reboot is no attempt.
func (s *stepRun) attempts(ctx context.Context) (Status, error) {
	act, err := s.action()
	if err != nil {
		return Unsupported, err
	}
	var failure error
	reboots, first := 0, 1
	if s.resume != nil {
		first, s.result.Nested = max(1, s.resume.Attempt), s.resume.Done
	}
	s.debug("Executor: MaxAttempts set to %d", max(1, s.step.MaxAttempts))
	for n := first; n <= max(1, s.step.MaxAttempts); {
		s.debug("Executor: Attempt %d/%d", n, max(1, s.step.MaxAttempts))
		if n > 1 {
			s.say(fmt.Sprintf("Executor: attempt %d of %d of step %s", n, s.step.MaxAttempts, s.step.Name))
		}
		outputs, err := s.attempt(ctx, act)
		if err == nil {
			s.record(outputs)
			return Success, nil
		}
		if errors.Is(err, errReboot) {
			s.stop.Attempt = n
			return "", err
		}
		if _, ok := errors.AsType[*unsupportedError](err); ok {
			return Unsupported, err
		}
		if ctx.Err() != nil {
			return Failed, context.Cause(ctx)
		}
		s.record(outputs)
		exit, ok := errors.AsType[*exitError](err)
		if ok && exit.code == rebootCode && s.job.Reboots == RebootExit {
			s.say("Getting reboot signal")
			s.stop = &frame{Decided: true, Attempt: n}
			return "", errReboot
		}
		if ok && exit.code == rebootCode {
			reboots++
			if reboots > maxReboots {
				return Failed, fmt.Errorf("the step asked for a reboot (exit status %d) more than %d times: %w", rebootCode, maxReboots, err)
			}
			s.rebooted("the same step runs again")
			continue
		}
		failure = err
		n++
	}
	return Failed, failure
}

// rebooted marks where a machine would have been restarted.
func (s *stepRun) rebooted(next string) {
	s.say("Getting reboot signal")
	s.say("Executor: an instance would reboot here; this root does not, and " + next)
}

func (s *stepRun) record(outputs []map[string]string) {
	r := s.ran[s.key()]
	r.Outputs = outputs
	s.ran[s.key()] = r
}

// attempt runs the step once, in all its iterations, within its time.
func (s *stepRun) attempt(ctx context.Context, act action) ([]map[string]string, error) {
	limit := time.Duration(s.step.TimeoutSeconds) * time.Second
	if limit == 0 {
		limit = defaultTimeout
	}
	if limit > 0 && s.step.Action != "Reboot" && s.step.Action != "ExecuteDocument" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the step timed out after %d seconds", limit/time.Second))
		defer cancel()
		s.debug("Executor: Timeout set to %d seconds", limit/time.Second)
		s.debug("Executor: Execution deadline set to %s", now().Add(limit))
	}
	if s.step.Loop == nil {
		outputs, err := s.operations(ctx, act)
		return outputs, timedOut(ctx, err)
	}
	return s.iterate(ctx, act)
}

// timedOut prefers the reason a context ended over what the ended work said, but keeps what the
// work wrote to its error stream until then.
func timedOut(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return &exitError{code: exit.code, text: context.Cause(ctx).Error(), stderr: exit.stderr}
	}
	return context.Cause(ctx)
}

// iterate runs a looping step. The first iteration that fails ends the attempt.
func (s *stepRun) iterate(ctx context.Context, act action) ([]map[string]string, error) {
	loop := *s.step.Loop
	var err error
	if loop.List, err = s.expand(ctx, loop.List); err != nil {
		return nil, err
	}
	loop.Each = slices.Clone(loop.Each)
	for i, v := range loop.Each {
		if loop.Each[i], err = s.expand(ctx, v); err != nil {
			return nil, err
		}
	}
	s.looping = true
	defer func() { s.looping = false }()
	var joined []map[string]*strings.Builder
	from := 0
	if s.resume != nil && s.resume.Nested != nil {
		from, joined = s.resume.Iteration, join(nil, s.resume.Joined)
	}
	for s.index, s.value = range loop.iterations {
		if s.index < from {
			continue
		}
		outputs, err := s.operations(ctx, act)
		if err != nil {
			if errors.Is(err, errReboot) {
				s.stop.Joined = built(joined)
				return nil, err
			}
			if ctx.Err() != nil {
				return built(joined), fmt.Errorf("the loop ended in iteration %d: %w", s.index, timedOut(ctx, err))
			}
			return built(joined), fmt.Errorf("the loop failed in iteration %d: %w", s.index, err)
		}
		joined = join(joined, outputs)
	}
	return built(joined), nil
}

// join adds the outputs of one more iteration, a line break between.
func join(all []map[string]*strings.Builder, outputs []map[string]string) []map[string]*strings.Builder {
	for len(all) < len(outputs) {
		all = append(all, map[string]*strings.Builder{})
	}
	for i, o := range outputs {
		for k, v := range o {
			b := all[i][k]
			switch {
			case b == nil:
				b = &strings.Builder{}
				all[i][k] = b
			case b.Len() < maxOutput:
				b.WriteByte('\n')
			}
			b.WriteString(v[:min(len(v), max(0, maxOutput-b.Len()))])
		}
	}
	return all
}

func built(all []map[string]*strings.Builder) []map[string]string {
	out := make([]map[string]string, len(all))
	for i, m := range all {
		out[i] = map[string]string{}
		for k, b := range m {
			out[i][k] = b.String()
		}
	}
	return out
}

// operations resolves the step's inputs and hands them to the action one after another.
func (s *stepRun) operations(ctx context.Context, act action) ([]map[string]string, error) {
	inputs, err := s.resolve(ctx)
	if err != nil {
		return nil, err
	}
	s.ran[s.key()] = record{Inputs: inputs}
	if s.job.Debug && !s.step.DisableLogging {
		s.debug("Executor: Before unchaining inputs %s of step %s...", asJSON(s.step.Inputs), s.step.Name)
		shown := StepResult{Inputs: reportedInputs(inputs)}
		if cover := s.secrets.replacer(); cover != nil {
			shown = coverStep(shown, cover) // before it is JSON, whose escapes would hide a secret
		}
		s.debug("Executor: After parameter resolve inputs %s of step %s.", asJSON(shown.Inputs), s.step.Name)
	}
	s.say(s.step.Action + ": STARTED EXECUTION")
	if len(inputs) == 0 {
		inputs = []Input{{}}
	}
	var outputs []map[string]string
	for _, in := range inputs {
		if err := ctx.Err(); err != nil {
			return outputs, context.Cause(ctx)
		}
		out, err := act(ctx, s, in)
		if len(out) > 0 {
			outputs = append(outputs, out)
		}
		if err != nil {
			return outputs, err
		}
	}
	if s.step.Action == "WebDownload" {
		outputs = oneDestination(outputs)
	}
	s.say(s.step.Action + ": FINISHED EXECUTION")
	return outputs, nil
}

// oneDestination makes WebDownload's single output, the paths written in the order of the inputs.
func oneDestination(outputs []map[string]string) []map[string]string {
	var paths []string
	for _, o := range outputs {
		paths = append(paths, o["destination"])
	}
	return []map[string]string{{"destination": strings.Join(paths, "\n")}}
}
