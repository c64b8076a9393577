package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/neutral"
)

// A Recorder writes events as JSON, one record on a line, as docs/events.md describes them.
type Recorder struct {
	w   io.Writer
	err error
}

// JSONLines returns a recorder that writes to w: the record of a run (events.jsonl), and what --json prints.
// Its method Fold is a sink for executor.Run.
func JSONLines(w io.Writer) *Recorder { return &Recorder{w: w} }

// Fold writes one event. After a failure to write it writes nothing more, that no record follows a torn one: see Err.
func (r *Recorder) Fold(e executor.Event) {
	if r.err != nil {
		return
	}
	b := &bytes.Buffer{}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(newRecord(e)); err != nil {
		r.err = fmt.Errorf("encode event: %w", err)
		return
	}
	if _, err := io.WriteString(r.w, visibleJSON(b.String())); err != nil {
		r.err = fmt.Errorf("write event: %w", err)
	}
}

// visibleJSON escapes what the encoder leaves and a terminal or a GitHub runner would act on. In
// JSON text the escapes mean the same.
func visibleJSON(line string) string {
	line = strings.ReplaceAll(line, "##[", `##\u005b`)
	if !strings.ContainsFunc(line, unseen) {
		return line
	}
	var b strings.Builder
	for _, c := range line {
		if unseen(c) {
			for _, u := range utf16.Encode([]rune{c}) {
				fmt.Fprintf(&b, `\u%04x`, u)
			}
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

func unseen(c rune) bool { return c != '\n' && neutral.Hidden(c) }

// Err is the failure that ended the recording, nil where there was none.
func (r *Recorder) Err() error { return r.err }

// A record is one line. Fields are only ever added.
type record struct {
	Event   string `json:"event"`
	Time    string `json:"time"`
	Address string `json:"address"`

	Verb        string           `json:"verb,omitempty"`
	State       string           `json:"state,omitempty"`
	Step        string           `json:"step,omitempty"`
	Source      string           `json:"source,omitempty"`
	Line        *string          `json:"line,omitempty"`
	Attempt     int              `json:"attempt,omitempty"`
	WaitSeconds *float64         `json:"wait_seconds,omitempty"`
	Status      string           `json:"status,omitempty"`
	Outputs     executor.Outputs `json:"outputs,omitempty"`
	Error       *recordError     `json:"error,omitempty"`
}

type recordError struct {
	Message    string       `json:"message"`
	Code       string       `json:"code,omitempty"`
	RequestID  string       `json:"request_id,omitempty"`
	Operation  string       `json:"operation,omitempty"`
	Range      *recordRange `json:"range,omitempty"`
	Component  string       `json:"component,omitempty"`
	Phase      string       `json:"phase,omitempty"`
	Step       string       `json:"step,omitempty"`
	Action     string       `json:"action,omitempty"`
	ExitStatus string       `json:"exit_status,omitempty"`
	Stderr     string       `json:"stderr,omitempty"`
	LogGroup   string       `json:"log_group,omitempty"`
	LogStream  string       `json:"log_stream,omitempty"`
	LogFile    string       `json:"log_file,omitempty"`
}

type recordRange struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
}

func newRecord(e executor.Event) record {
	addr, at := subject(e)
	r := record{Time: at.UTC().Format(time.RFC3339Nano), Address: addr.String()}
	switch e := e.(type) {
	case executor.Started:
		r.Event, r.Verb = "started", string(e.Verb)
	case executor.Progressed:
		r.Event, r.State, r.Step = "progressed", e.State, e.Step
	case executor.Log:
		r.Event, r.Source, r.Line = "log", e.Source, &e.Line
	case executor.Retried:
		wait := e.Wait.Seconds()
		r.Event, r.Attempt, r.WaitSeconds, r.Error = "retried", e.Attempt, &wait, newRecordError(e.Err)
	case executor.Finished:
		r.Event, r.Status, r.Outputs, r.Error = "finished", string(e.Status), e.Outputs, newRecordError(e.Err)
	}
	return r
}

func newRecordError(err error) *recordError {
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*executor.Failure](err)
	if !ok {
		return &recordError{Message: err.Error()}
	}
	out := &recordError{
		Message: f.Message, Code: f.Code, RequestID: f.RequestID, Operation: string(f.Operation),
		Component: f.Component, Phase: f.Phase, Step: f.Step, Action: f.Action, ExitStatus: f.ExitStatus, Stderr: f.Stderr,
		LogGroup: f.LogGroup, LogStream: f.LogStream, LogFile: f.LogFile,
	}
	if f.Range != (hcl.Range{}) {
		out.Range = &recordRange{f.Range.Filename, f.Range.Start.Line, f.Range.Start.Column, f.Range.End.Line, f.Range.End.Column}
	}
	return out
}
