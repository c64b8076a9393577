package aws

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
)

// Codes of builds that ended without an image.
const (
	buildFailed     = "BuildFailed"
	buildNotStarted = "BuildNotStarted" // EC2 or Systems Manager was throttled: it may be tried again
)

// A tracer leads the step of a component that failed in an image's build back to what wrote it.
type tracer func(image dsl.Addr, componentARN, phase, step string) (hcl.Range, bool)

// stderrKept is how much of a failed step's stderr is shown, from its end.
const stderrKept = 60

// explain completes a failure: from what AWS says in parts, and from the end of the log, where the
// component runner writes the first failed step with its stderr.
func explain(e *executor.Failure, context object, log []logLine) {
	if throttledStart(e.Message) {
		e.Code = buildNotStarted
		return
	}
	failed := sub(context, "componentFailure")
	e.Component, e.Phase = text(failed, "componentArn"), text(failed, "phaseName")
	e.Step, e.Action = text(failed, "stepName"), text(failed, "action")
	if m := text(failed, "errorMessage"); m != "" {
		e.Message = m
	} else if m := text(sub(context, "distributionFailure"), "errorMessage"); m != "" {
		e.Message = m
	}
	if b, ok := parseConsole(log, e.Step); ok {
		if e.Step == "" {
			e.Component, e.Phase, e.Step, e.Action = b.component, b.phase, b.step, b.action
		}
		if b.message != "" && strings.HasPrefix(b.message, "exit status ") {
			e.ExitStatus = b.message
		}
		e.Stderr = strings.Join(b.stderr[max(0, len(b.stderr)-stderrKept):], "\n")
	}
	if e.ExitStatus == "" && strings.HasPrefix(e.Message, "exit status ") {
		e.ExitStatus = e.Message
	}
}

// throttledStart recognises a build that EC2 or Systems Manager throttled before it began. AWS has
// neither a code nor a structure for it: the reason reads "Can't start SSM Automation for arn … during
// building. Rate exceeded".
func throttledStart(reason string) bool {
	return strings.HasPrefix(reason, "Can't start SSM Automation") && strings.Contains(reason, "Rate exceeded")
}

// A consoleBlock is what the component runner appends to its log about the first failed step
// (AWSTOE, "console.log").
type consoleBlock struct {
	component, phase, step, action, message string
	stderr                                  []string
}

// parseConsole finds the block about a step; "" takes the first there is. What a component prints
// cannot pass for a block: the runner prefixes it, except the further lines of a stderr, which go on
// with the event that it began.
func parseConsole(log []logLine, step string) (consoleBlock, bool) {
	for i, line := range log {
		if line.more || !strings.HasPrefix(line.text, "ComponentArn: ") && !strings.HasPrefix(line.text, "Document: ") {
			continue
		}
		if b := readBlock(log[i:]); b.step != "" && (step == "" || step == b.step) {
			return b, true
		}
	}
	return consoleBlock{}, false
}

func readBlock(log []logLine) consoleBlock {
	var b consoleBlock
	fields := map[string]*string{
		"ComponentArn": &b.component, "Phase": &b.phase, "Step": &b.step, "Action": &b.action, "ErrorMessage": &b.message,
	}
	for i, line := range log {
		key, value, ok := strings.Cut(line.text, ":")
		value = strings.TrimPrefix(value, " ")
		if ok && key == "Stderr" {
			b.stderr = append([]string{value}, rest(log[i+1:])...)
			for len(b.stderr) > 0 && strings.TrimSpace(b.stderr[len(b.stderr)-1]) == "" {
				b.stderr = b.stderr[:len(b.stderr)-1]
			}
			return b
		}
		field, known := fields[key]
		switch {
		case ok && known:
			*field = value
		case !ok || key != "Document":
			return b
		}
	}
	return b
}

// after are the beginnings of what follows a block when its stderr came as one event per line.
var after = []string{ //nolint:gochecknoglobals // a table, never written
	"TOE has completed execution", "ExecuteBash: ", "Document ", "Document: ", "Workflow step ", "Workflow Execution ID", "Image arn:",
}

// rest are the further lines of a multi-line stderr: those of the same event, or, where each line is
// an event of its own, those up to what the runner or the workflow says next.
func rest(log []logLine) (lines []string) {
	one := len(log) > 0 && log[0].more
	for _, line := range log {
		if one && !line.more || !one && slices.ContainsFunc(after, func(p string) bool { return strings.HasPrefix(line.text, p) }) {
			break
		}
		lines = append(lines, line.text)
	}
	return lines
}
