package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A making is one image on its way.
type making struct {
	b   *builder
	r   *resource
	w   *work
	log streamKey
	// fixed is the image's record as it was at the start: what never changes is read from it
	// without the database's lock.
	fixed  object
	status string
	// wf and step are what is running.
	wf   *execution
	step *stepExecution
}

// A stopped is why an image failed.
type stopped struct {
	message   string // of the step
	component object // componentFailure, nil where no component failed
}

// Error implements error.
func (s *stopped) Error() string { return s.message }

// run takes an image through its states to the end, or leaves it where it is when the server closes.
func (m *making) run(ctx context.Context) {
	select {
	case m.b.slots <- struct{}{}:
		defer func() { <-m.b.slots }()
	case <-ctx.Done():
	}
	err := context.Cause(ctx)
	if err == nil {
		err = m.stages(ctx)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if !errors.Is(err, errClosed) {
		m.settle(err)
	}
	if err := m.b.logs.rest(m.log); err != nil {
		m.b.opts.Log(err.Error())
	}
}

func (m *making) stages(ctx context.Context) error {
	if m.w.Refusal != "" {
		return &stopped{message: m.w.Refusal}
	}
	if m.w.From == "BUILDING" {
		if err := m.build(ctx); err != nil {
			return err
		}
	}
	if m.w.From == "TESTING" {
		if err := m.test(ctx); err != nil {
			return err
		}
	}
	return m.distribute(ctx)
}

// change edits the image's record and commits.
func (m *making) change(edit func()) {
	m.b.db.Lock()
	defer m.b.db.Unlock()
	edit()
	m.b.db.save(m.r)
	if err := m.b.db.commit(); err != nil {
		m.b.opts.Log(err.Error())
	}
}

// enter moves the image to a state, and stays as long as the options say.
func (m *making) enter(ctx context.Context, status string) error {
	m.status = status
	m.change(func() { m.r.Body = with(m.r.Body, object{"state": object{"status": status}}) })
	m.say("Image %s: %s", m.r.ARN, status)
	t := time.NewTimer(m.b.opts.StageTimes[status])
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// say writes a line to the image's log.
func (m *making) say(format string, args ...any) {
	m.line(m.b.opts.Now(), fmt.Sprintf(format, args...))
}

func (m *making) line(when time.Time, text string) {
	if err := m.b.logs.append(m.log, when, text); err != nil {
		m.b.opts.Log(err.Error())
	}
}

// settle records how the making came out.
func (m *making) settle(err error) {
	now := m.b.opts.Now()
	state := object{"status": "AVAILABLE"}
	switch {
	case err == nil:
		if m.w.NotRun != "" {
			state["reason"] = m.w.NotRun
		}
	case errors.Is(err, errCancelled):
		state["status"] = "CANCELLED"
	default:
		state = m.failure(err)
		if _, ok := errors.AsType[*stopped](err); !ok {
			m.b.opts.Log(m.r.ARN + ": " + err.Error())
		}
	}
	m.say("Image %s: %s", m.r.ARN, text(state, "status"))
	m.change(func() {
		if m.wf != nil && m.wf.Status == "RUNNING" {
			status := map[bool]string{true: "CANCELLED", false: "FAILED"}[text(state, "status") == "CANCELLED"]
			message := ""
			if err != nil {
				message = clip(err.Error(), 500)
			}
			m.wf.end(status, message, now)
			m.b.db.executions.put(m.wf.ID, m.wf)
		}
		m.r.Body = with(m.r.Body, object{"state": state})
		m.tellPipeline(text(state, "status"))
	})
}

// failure is the state of an image that failed.
func (m *making) failure(err error) object {
	reason := err.Error()
	fc := object{"imageStatus": m.status}
	if m.wf != nil {
		reason = fmt.Sprintf("Workflow Execution ID: '%s' failed with reason: %s", m.wf.ID, reason)
		fc["workflowExecutionId"], fc["workflowArn"] = m.wf.ID, m.wf.Workflow
	}
	if m.step != nil {
		fc["stepExecutionId"], fc["failedStep"] = m.step.ID, m.step.Name
	}
	if stop, ok := errors.AsType[*stopped](err); ok && stop.component != nil {
		fc["componentFailure"] = stop.component
	}
	m.say("%s", reason)
	return object{"status": "FAILED", "reason": clip(reason, 1024), "failureContext": fc}
}

// tellPipeline notes the outcome on the pipeline the image came from.
func (m *making) tellPipeline(status string) {
	p := m.b.db.resources.get(text(m.r.Body, "sourcePipelineArn"))
	if p == nil {
		return
	}
	failures := number(0, p.Body, "consecutiveFailures")
	switch status {
	case "FAILED":
		failures++
	case "AVAILABLE":
		failures = 0
	}
	p.Body = with(p.Body, object{"lastRunStatus": status, "consecutiveFailures": failures})
	m.b.db.save(p)
}

// layer is the directory name of the changes this image makes.
func (m *making) layer() string {
	sum := sha256.Sum256([]byte(m.r.ARN))
	return hex.EncodeToString(sum[:10])
}

func (b *builder) layers(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = filepath.Join(b.dir, "layers", n)
	}
	return out
}

// discard removes a layer. What a component wrote may have taken the right to do so away.
func (b *builder) discard(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	walkErr := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // G302: a directory must be searchable to be emptied
		}
		return err
	})
	return errors.Join(walkErr, os.RemoveAll(dir))
}

// clip cuts a text to so many bytes at a rune's boundary.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
