package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner"
)

const (
	logGroups = "/aws/imagebuilder/" // where image logs go unless configured otherwise
	// pagesAtOnce bounds one reading of a log, so that a chatty build does not starve the others.
	pagesAtOnce = 20
	// kept is how many of a log's last lines are held to explain a failure, each cut to keptLine.
	kept, keptLine = 400, 4096
	// drained is how many readings in a row must find nothing for a log to be at its end.
	drained = 2
)

// ourselves is the source of lines that are remarks of this program.
const ourselves = "imagebuild"

// A caller makes one call in the region of the build.
type caller func(ctx context.Context, op planner.Op, in object) (object, error)

// A lineSink takes one line of a log.
type lineSink func(at time.Time, source, line string)

// A tail reads the log of one build in CloudWatch from its start, line by line. A log that is not
// there or may not be read is remarked on once and is no failure: missing permissions on the
// instance profile simply mean that there is no log.
type tail struct {
	groups []string // where the log may be; AWS's examples keep the case of the recipe's name
	group  string   // where it is; "" while it was not found
	stream string
	token  string
	off    bool // it may not be read
	last   []logLine
	at     position
}

// A logLine is one line of a log.
type logLine struct {
	text string
	more bool // it goes on with the event of the line before
}

// A position is where a log says that the component runner is.
type position struct{ document, phase, step string }

// move follows the runner's own announcements. What a script prints cannot pass for one: the runner
// prefixes it.
func (p *position) move(line string) {
	word, name, _ := strings.Cut(line, " ")
	switch word {
	case "Document":
		*p = position{document: name}
	case "Phase":
		p.phase, p.step = name, ""
	case "Step":
		p.step = name
	}
}

func (p position) String() string {
	return strings.TrimLeft(p.document+"/"+p.phase+"/"+p.step, "/")
}

func newTail(buildARN string) *tail {
	t := &tail{}
	arn, err := awsmodel.ParseARN(buildARN)
	if err != nil {
		t.off = true
		return t
	}
	r, err := arn.ParseResource()
	if err != nil {
		t.off = true
		return t
	}
	t.stream = fmt.Sprintf("%s/%d", r.Version, r.Build)
	t.groups = []string{logGroups + r.Name}
	return t
}

// name takes in where AWS says the log goes.
func (t *tail) name(image object) {
	if t.group != "" {
		return
	}
	if g := text(sub(image, "loggingConfiguration"), "logGroupName"); g != "" {
		t.groups = []string{g}
		return
	}
	raw := logGroups + strings.ReplaceAll(text(image, "name"), " ", "-")
	if normal := t.groups[len(t.groups)-1:]; len(normal) == 1 && raw != logGroups && raw != normal[0] {
		t.groups = []string{raw, normal[0]}
	}
}

// read hands on what is new and returns how many lines that was.
func (t *tail) read(ctx context.Context, call caller, sink lineSink) (lines int, err error) {
	if t.off {
		return 0, nil
	}
	for range pagesAtOnce {
		out, err := t.page(ctx, call)
		if err != nil {
			return lines, t.refused(err, sink)
		}
		for _, e := range list(out, "events") {
			lines += t.take(e, sink)
		}
		next := text(out, "nextForwardToken")
		if next == "" || next == t.token { // CloudWatch's sign for the end
			return lines, nil
		}
		t.token = next
	}
	return lines, nil
}

// page reads on; the first time it finds out where the log is.
func (t *tail) page(ctx context.Context, call caller) (object, error) {
	groups := t.groups
	if t.group != "" {
		groups = []string{t.group}
	}
	var out object
	var err error
	for _, g := range groups {
		in := object{"logGroupName": g, "logStreamName": t.stream, "startFromHead": true}
		if t.token != "" {
			in["nextToken"] = t.token
		}
		if out, err = call(ctx, "logs:GetLogEvents", in); err == nil {
			t.group = g
			return out, nil
		}
		if Code(err) != notFound {
			return nil, err
		}
	}
	return out, err
}

// take splits an event into lines: components log whole outputs as one.
func (t *tail) take(event object, sink lineSink) (lines int) {
	ms, _ := event["timestamp"].(int64)
	for _, l := range split(text(event, "message")) {
		sink(time.UnixMilli(ms), t.stream, l.text)
		if !l.more {
			t.at.move(l.text)
		}
		if len(t.last) == kept {
			t.last = append(t.last[:0], t.last[1:]...)
		}
		l.text = strings.Clone(l.text[:min(len(l.text), keptLine)])
		t.last = append(t.last, l)
		lines++
	}
	return lines
}

func split(message string) (lines []logLine) {
	for line := range strings.SplitSeq(strings.TrimRight(message, "\r\n"), "\n") {
		lines = append(lines, logLine{strings.TrimSuffix(line, "\r"), len(lines) > 0})
	}
	return lines
}

// refused decides what an unreadable log means: nothing yet when it is not there, the end of
// reading when it may not be read, an error to try again after for all else.
func (t *tail) refused(err error, sink lineSink) error {
	switch Code(err) {
	case notFound:
		return nil
	case "AccessDeniedException", "AccessDenied":
		t.off = true
		t.remark(sink, "the log may not be read; allow the caller logs:GetLogEvents to see it here")
		return nil
	}
	return err
}

func (t *tail) remark(sink lineSink, what string) {
	sink(time.Now(), ourselves, fmt.Sprintf("%s %s: %s", strings.Join(t.groups, " or "), t.stream, what))
}

// drain reads to the end of the log of a build that is over. CloudWatch shows lines some time after
// they were written, so the end is believed when it was found twice. It stops early when ctx ends.
func (t *tail) drain(ctx context.Context, call caller, sink lineSink, pause time.Duration) {
	for empty := 0; empty < drained && !t.off; {
		lines, err := t.read(ctx, call, sink)
		if ctx.Err() != nil {
			t.remark(sink, "interrupted before the end was read")
			return
		}
		if err != nil {
			t.remark(sink, fmt.Sprintf("reading on failed: %v", err))
			return
		}
		if empty++; lines > 0 {
			empty = 0
		}
		if empty < drained && sleep(ctx, pause) != nil {
			t.remark(sink, "interrupted before the end was read")
			return
		}
	}
	if t.group == "" && !t.off {
		t.remark(sink, "there is no such log; the instance profile may lack the permission to write it")
	}
}
