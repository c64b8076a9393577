package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/org/imagebuild-action/internal/component"
)

// A runResult is what AWSTOE prints on standard output when a run is over, in its order of keys.
type runResult struct {
	ExecutionID            string `json:"executionId"`
	Status                 string `json:"status"`
	FailedStepCount        int    `json:"failedStepCount"`
	ExecutedStepCount      int    `json:"executedStepCount"`
	IgnoredFailedStepCount int    `json:"ignoredFailedStepCount"`
	FailureMessage         string `json:"failureMessage"`
	LogURL                 string `json:"logUrl"`
}

func (r *runResult) take(result *component.Result) {
	r.Status = string(result.Status)
	r.FailedStepCount, r.ExecutedStepCount, r.IgnoredFailedStepCount = result.Failed, result.ExecutedSteps, result.IgnoredFailed
	r.FailureMessage = result.FailureMessage
}

func (r *runResult) print(w io.Writer) error { return printTOE(w, r) }

// printTOE writes JSON as AWSTOE does since 2023: indented by four spaces.
func printTOE(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
