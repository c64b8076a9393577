package session

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// maxLine bounds one line that is handed on; what a machine prints is not trusted to end its lines.
const maxLine = 64 << 10

// Lines are writers for a program's two streams that hand on what they are given line by line, one after the
// other. end hands on last lines that were not ended.
func Lines(print func(Line)) (stdout, stderr io.Writer, end func()) {
	var mu sync.Mutex
	out, errs := &lineWriter{mu: &mu, print: print}, &lineWriter{mu: &mu, print: print, stderr: true}
	return out, errs, func() { out.end(); errs.end() }
}

// A lineWriter cuts what is written into lines. Several share the mutex of their command, so that
// lines are handed on one after the other.
type lineWriter struct {
	mu     *sync.Mutex
	stderr bool
	print  func(Line)
	buf    []byte
}

// Write implements io.Writer.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	for {
		i := bytes.IndexByte(w.buf, '\n')
		if i < 0 && len(w.buf) > maxLine {
			i = maxLine
			w.say(w.buf[:i])
			w.buf = w.buf[i:]
			continue
		}
		if i < 0 {
			return len(p), nil
		}
		w.say(w.buf[:i])
		w.buf = w.buf[i+1:]
	}
}

func (w *lineWriter) say(line []byte) {
	w.print(Line{Stderr: w.stderr, Text: strings.ToValidUTF8(strings.TrimSuffix(string(line), "\r"), "\uFFFD")})
}

// end hands on a last line that was not ended.
func (w *lineWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) > 0 {
		w.say(w.buf)
		w.buf = nil
	}
}
