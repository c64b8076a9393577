package component

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	// toeTime is how a log folder's name carries its time; the zone is always UTC-0.
	toeTime = "2006-01-02_15-04-05"
	// toeStamp begins a line of console.log and application.log: RFC 3339 with nine digits.
	toeStamp = "2006-01-02T15:04:05.000000000Z07:00"
	// toeFlush is how old a line may grow before it is on the disk.
	toeFlush = 250 * time.Millisecond
)

// A LogFolder writes what a run does to a folder of AWSTOE's shape: copies of the documents,
// console.log, application.log, detailedoutput.json and chaining.json. Lines go to the disk as they
// come; what is held is bounded by the documents and by the limits of a StepResult.
type LogFolder struct {
	dir         string
	console     *lineFile
	application *lineFile
	detail      *detailFile
	chain       *chainFile
	// pending are entries of application.log that follow the run's first line.
	pending []string
	trace   func(string)
	flushed time.Time
	err     error // the first one
}

// A LogRun says whose log a folder is to be.
type LogRun struct {
	ExecutionID string // becomes part of the folder's name
	Start       time.Time
	Documents   []JobDocument
	Phases      []string // those asked for; none means all
	// Trace is handed every entry of application.log, without its time; nil for nobody.
	Trace func(entry string)
}

// CreateLogFolder makes the folder TOE_<time>_UTC-0_<execution id> in a directory, which it makes
// too where it is missing.
func CreateLogFolder(in string, run LogRun) (*LogFolder, error) {
	l := &LogFolder{trace: run.Trace, dir: filepath.Join(in, "TOE_"+run.Start.UTC().Format(toeTime)+"_UTC-0_"+run.ExecutionID)}
	if err := os.MkdirAll(in, 0o755); err != nil { //nolint:gosec // the caller's directory, as mkdir would make it
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	// Scripts print what is secret: the log is its owner's alone.
	if err := os.Mkdir(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the log folder: %w", err)
	}
	for i, d := range run.Documents {
		copied := filepath.Join(l.dir, fmt.Sprintf("D%d__%s", i, copyName(d)))
		l.pending = append(l.pending, "Setup: Copying "+d.Name+" to "+copied)
		if err := os.WriteFile(copied, []byte(d.Source), 0o600); err != nil {
			return nil, fmt.Errorf("copying the document: %w", err)
		}
		l.pending = append(l.pending, "Setup: Successfully copied "+d.Name+" to "+copied)
	}
	l.detail, l.chain = newDetailFile(l.dir, run), newChainFile(l.dir, run)
	l.pending = append(l.pending, "Setup: Creating chaining.json at "+l.dir, "Setup: Creating detailedoutput.json at "+l.dir)
	return l, errors.Join(l.open(), l.detail.write(), l.chain.write())
}

// ReopenLogFolder goes on with the folder of a run that stopped for a reboot.
func ReopenLogFolder(dir string, run LogRun) (*LogFolder, error) {
	l := &LogFolder{dir: dir, trace: run.Trace, detail: newDetailFile(dir, run), chain: newChainFile(dir, run)}
	if err := errors.Join(l.detail.read(), l.chain.read()); err != nil {
		return nil, fmt.Errorf("reading the log of the run that is gone on with: %w", err)
	}
	return l, l.open()
}

// copyName is the base name of a document's copy.
func copyName(d JobDocument) string {
	if d.ARN == "" {
		return path.Base(filepath.ToSlash(d.Name))
	}
	parts := strings.Split(d.ARN, "/") // …:component/name/1.0.0/1
	return strings.Join(parts[min(1, len(parts)-1):], "-") + ".yml"
}

func (l *LogFolder) open() (err error) {
	if l.console, err = openLineFile(filepath.Join(l.dir, "console.log")); err != nil {
		return err
	}
	l.application, err = openLineFile(filepath.Join(l.dir, "application.log"))
	return err
}

// Path is the folder's own path.
func (l *LogFolder) Path() string { return l.dir }

// Take writes one event. A disk that is full is told by Finish.
func (l *LogFolder) Take(e Event) {
	if l.err != nil {
		return
	}
	switch e.Kind {
	case LogLine:
		l.say(e.Time, e.Line)
		l.settle(e.Time)
	case DebugLine:
		l.debug(e.Time, e.Line)
	case DocumentStarted, PhaseStarted, StepStarted:
		l.begin(e)
	case DocumentFinished, PhaseFinished, StepFinished:
		l.end(e)
	}
	if e.Kind != LogLine && e.Kind != DebugLine || e.Time.Sub(l.flushed) > toeFlush {
		l.flushed = e.Time
		l.fail(errors.Join(l.console.flush(), l.application.flush()))
	}
}

func (l *LogFolder) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// settle writes what was waiting for the run's first line.
func (l *LogFolder) settle(at time.Time) {
	pending := l.pending
	l.pending = nil
	for _, p := range pending {
		l.debug(at, p)
	}
}

// say writes an entry that is for everybody.
func (l *LogFolder) say(at time.Time, text string) {
	l.fail(l.console.line(at, text))
	l.apply(at, text)
}

func (l *LogFolder) debug(at time.Time, text string) { l.apply(at, "Debug "+text) }

// apply writes an entry of application.log.
func (l *LogFolder) apply(at time.Time, text string) {
	l.fail(l.application.line(at, text))
	if l.trace != nil {
		l.trace(text)
	}
}

// begin writes that a document, a phase or a step begins. What ExecuteDocument nests is part of its
// step and has lines alone.
func (l *LogFolder) begin(e Event) {
	switch e.Kind { //nolint:exhaustive // see Take
	case DocumentStarted:
		l.debug(e.Time, "Executor: STARTED EXECUTION OF DOCUMENT "+e.Document)
	case PhaseStarted:
		l.debug(e.Time, "Executor: STARTED PHASE "+e.Phase+" IN DOCUMENT "+e.Document)
	default:
		l.debug(e.Time, "Executor: STARTED STEP "+e.Step+" in PHASE "+e.Phase)
	}
	if e.Depth == 0 {
		l.detail.begin(e)
		l.updateDetail(e.Time)
	}
}

func (l *LogFolder) end(e Event) {
	if e.Depth == 0 {
		l.detail.end(e)
		l.updateDetail(e.Time)
		l.updateChain(e)
	}
	code := 0
	if e.Status == Failed || e.Status == Unsupported {
		code = 1
	}
	switch e.Kind { //nolint:exhaustive // see Take
	case DocumentFinished:
		l.debug(e.Time, fmt.Sprintf("Executor: FINISHED EXECUTION OF DOCUMENT %s with final documentLevelExitCode %d", e.Document, code))
	case PhaseFinished:
		l.debug(e.Time, fmt.Sprintf("Executor: FINISHED PHASE %s IN DOCUMENT %s with final phaseLevelExitCode %d", e.Phase, e.Document, code))
	default:
		if r := e.Result; r != nil {
			why := "<nil>"
			if r.Message != "" {
				why = r.Message
			}
			l.debug(e.Time, oneLine(fmt.Sprintf("Executor: Step results - Results %s, Exit code %d, Error %s", asJSON(orEmpty(r.Outputs)), r.ExitCode, why), maxLine))
		}
		l.debug(e.Time, "Executor: FINISHED STEP "+e.Step+" in PHASE "+e.Phase)
	}
}

// updateDetail brings detailedoutput.json up to date, unless it has grown so large that this has to wait.
func (l *LogFolder) updateDetail(at time.Time) {
	if wrote, err := l.detail.update(at); wrote {
		l.fail(err)
		l.debug(at, "Updated detailed output file at "+l.detail.path)
	}
}

// updateChain takes what a step leaves into chaining.json.
func (l *LogFolder) updateChain(e Event) {
	if !l.chain.end(e) {
		return
	}
	if wrote, err := l.chain.update(e.Time); wrote {
		l.fail(err)
		l.debug(e.Time, "Updated chaining file at "+l.chain.path)
	}
}

// Finish completes the folder with the run's result, or with broken, why the run has none. The error
// is the first that kept something from being written.
func (l *LogFolder) Finish(result *Result, broken error, at time.Time) error {
	switch {
	case broken != nil:
		l.settle(at)
		l.say(at, "TOE has completed execution with failure - "+oneLine(broken.Error(), maxLine))
		l.detail.finish(Failed, broken.Error(), at)
	case result.Reboot:
		l.debug(at, "CLI run: the machine is to be rebooted; the same command goes on afterwards")
	default:
		l.detail.finish(result.Status, result.FailureMessage, at)
		l.settle(at)
	}
	err := errors.Join(l.err, l.detail.write(), l.chain.write(), l.console.close(), l.application.close())
	if err != nil {
		return fmt.Errorf("writing the log folder %s: %w", l.dir, err)
	}
	return nil
}

// A lineFile is a log that grows line by line.
type lineFile struct {
	file *os.File
	buf  *bufio.Writer
}

func openLineFile(name string) (*lineFile, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // in the folder made for it
	if err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	return &lineFile{f, bufio.NewWriterSize(f, 64<<10)}, nil
}

// line writes one entry. One of several lines has its time on the first alone, as AWSTOE's have.
func (f *lineFile) line(at time.Time, text string) error {
	_, err := f.buf.Write(at.UTC().AppendFormat(f.buf.AvailableBuffer(), toeStamp))
	if err == nil {
		err = f.buf.WriteByte(' ')
	}
	if err == nil {
		_, err = f.buf.WriteString(text)
	}
	if err == nil {
		err = f.buf.WriteByte('\n')
	}
	return err
}

func (f *lineFile) flush() error { return f.buf.Flush() }

func (f *lineFile) close() error { return errors.Join(f.buf.Flush(), f.file.Close()) }
