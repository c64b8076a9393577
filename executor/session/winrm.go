package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"

	"github.com/org/imagebuild-action/planner"
)

const (
	// operationTimeout is how long the machine holds a request for output open (MS-WSMV, OperationTimeout).
	operationTimeout = "PT60S"
	// answerTimeout bounds each request: what has not answered by then is gone. The library itself would ask
	// again for ever.
	answerTimeout = 90 * time.Second
	// envelopeSize is the largest SOAP message that Windows takes by default.
	envelopeSize = 153600
	// farewell bounds what is still said once the caller has given up: that the command is to be ended.
	farewell = 5 * time.Second
)

// winRM is a Communicator over WS-Management.
type winRM struct {
	http *winRMTransport
	// endpoint is only what the library makes the messages' addresses of.
	endpoint *winrm.Endpoint
	folder   string // in the machine, for scripts that are too long for a command line
	staged   int
}

// Close implements Communicator.
func (w *winRM) Close() error {
	w.http.client.CloseIdleConnections()
	return nil
}

// Run implements Communicator.
func (w *winRM) Run(ctx context.Context, c Command, print func(Line)) (int, error) {
	line, err := w.commandLine(ctx, c)
	if err != nil {
		return 0, err
	}
	return w.run(ctx, line, print)
}

// commandLine is what cmd.exe is to run.
func (w *winRM) commandLine(ctx context.Context, c Command) (string, error) {
	switch c.Shell {
	case PowerShell:
		line := encodedCommand(psScript(c.Script, c.Environment))
		if len(line) <= maxCommandLine && !standsAlone().MatchString(c.Script) {
			return line, nil
		}
		path := w.stage(".ps1")
		// PowerShell 5.1 reads a file as UTF-8 only if it begins with a byte order mark.
		if err := w.Put(ctx, path, textFile("\ufeff"+c.Script)); err != nil {
			return "", err
		}
		run := operation{Do: "run", Path: path}.command(true)
		return encodedCommand(psScript(run.Script, c.Environment)), nil
	case Batch:
		path := w.stage(".cmd")
		if err := w.Put(ctx, path, textFile(batchScript(c))); err != nil {
			return "", err
		}
		return `"` + path + `"`, nil
	case Posix:
	}
	return "", &RefusedError{Why: "A script of the shell " + string(c.Shell) + " cannot run on Windows.", Advice: `Write it as "powershell" or "windows-shell".`}
}

// standsAlone finds what must be at the beginning of a script file.
var standsAlone = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?im)^\s*(param\s*\(|using\s|#requires|\[CmdletBinding)`)
})

func batchScript(c Command) string {
	var b strings.Builder
	b.WriteString("@echo off\r\n")
	for name, value := range sorted(c.Environment) {
		b.WriteString("set \"" + name + "=" + strings.ReplaceAll(value, "%", "%%") + "\"\r\n")
	}
	return b.String() + strings.ReplaceAll(strings.ReplaceAll(c.Script, "\r\n", "\n"), "\n", "\r\n") + "\r\n"
}

func (w *winRM) stage(ext string) string {
	w.staged++
	return fmt.Sprintf(`%s\script-%d%s`, w.folder, w.staged, ext)
}

// run runs one command line in a shell of its own.
func (w *winRM) run(ctx context.Context, line string, print func(Line)) (int, error) {
	params := winrm.NewParameters(operationTimeout, "en-US", envelopeSize)
	params.TransportDecorator = func() winrm.Transporter { return transporter(func(m string) (string, error) { return w.post(ctx, m) }) }
	client, err := winrm.NewClientWithParameters(w.endpoint, "", "", params)
	if err != nil {
		return 0, err
	}
	out, errs, end := Lines(print)
	filter := &clixmlFilter{to: errs}
	exit, err := client.RunWithContext(ctx, line, out, filter)
	ended := filter.end()
	end()
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case refused(err):
		return 0, err
	case err != nil:
		// 16001 is what the library gives for a connection that was closed, and no exit status of the command.
		return 0, &DroppedError{err}
	}
	return exit, ended
}

// post sends one message. Once the caller has given up, what is left to say has a little time of its own: the
// library tells the machine to end the command then.
func (w *winRM) post(ctx context.Context, message string) (string, error) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
	}
	asked, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	body, err := w.http.post(asked, message)
	if err != nil && asked.Err() != nil && ctx.Err() == nil {
		// The library takes the URL error of a timeout for a quiet command and asks again.
		return "", fmt.Errorf("the machine has not answered within %s", answerTimeout)
	}
	return body, err
}

// A transporter carries the library's messages over a connection of ours: the library's own carriers heed no
// context, take the environment's proxy, and its encrypting one sends in clear text what it fails to encrypt.
type transporter func(message string) (string, error)

// Transport implements winrm.Transporter.
func (transporter) Transport(*winrm.Endpoint) error { return nil }

// Post implements winrm.Transporter.
func (t transporter) Post(_ *winrm.Client, m *soap.SoapMessage) (string, error) { return t(m.String()) }

// Put implements Communicator. The file travels in the command lines themselves: WinRM has no other way
// that needs nothing in the machine.
func (w *winRM) Put(ctx context.Context, path string, f File) (err error) {
	r, err := f.Content.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	buf := make([]byte, chunkSize)
	for start := true; ; start = false {
		n, readErr := io.ReadFull(r, buf)
		if n > 0 || start {
			o := operation{Do: "append", Path: path, Data: base64Of(buf[:n]), Start: start}
			if _, err = w.do(ctx, o); err != nil {
				return err
			}
		}
		if errors.Is(readErr, io.EOF) || errors.Is(readErr, io.ErrUnexpectedEOF) {
			break
		}
		if readErr != nil {
			return readErr
		}
	}
	if f.SHA256 == "" {
		return nil
	}
	got, err := w.do(ctx, operation{Do: "digest", Path: path})
	if err != nil {
		return err
	}
	if got != f.SHA256 {
		return fmt.Errorf("%s arrived with the sha256 %q, and %s was sent", path, got, f.SHA256)
	}
	return nil
}

// chunkSize is how much of a file one command line holds beside its script: base64 of UTF-16 of base64 is
// 3.6 times as long.
const chunkSize = 1050

// do carries out an operation and returns the last line it printed.
func (w *winRM) do(ctx context.Context, o operation) (string, error) {
	return perform(ctx, w, o, true)
}

// perform has a machine carry out an operation and returns the last line it printed.
func perform(ctx context.Context, c Communicator, o operation, windows bool) (string, error) {
	lines, err := performLines(ctx, c, o, windows)
	if len(lines) == 0 {
		return "", err
	}
	return strings.TrimSpace(lines[len(lines)-1]), err
}

// performLines has a machine carry out an operation and returns what it printed.
func performLines(ctx context.Context, c Communicator, o operation, windows bool) (lines []string, err error) {
	var errs []string
	exit, err := c.Run(ctx, o.command(windows), func(l Line) {
		if l.Stderr {
			errs = append(errs, l.Text)
		} else {
			lines = append(lines, l.Text)
		}
	})
	if err == nil && exit != 0 {
		err = fmt.Errorf("%s in the machine ended with exit status %d: %s", o.Do, exit, strings.Join(errs, "; "))
	}
	return lines, err
}

// textFile is a text as a File; its digest is not compared.
func textFile(s string) File { return File{Content: textContent(s), Size: int64(len(s))} }

type textContent string

// Open implements planner.Content.
func (t textContent) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(t))), nil
}

var _ planner.Content = textContent("")
