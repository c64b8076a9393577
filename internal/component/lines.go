package component

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// A lineLog passes a stream on line by line and keeps its beginning.
type lineLog struct {
	say   func(string)
	quiet bool
	mu    sync.Mutex
	kept  []byte
	lost  bool
	over  bool
}

// read reads the stream to its end; an error of reading is its end.
func (l *lineLog) read(r io.Reader) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		l.keep(line)
		full := errors.Is(err, bufio.ErrBufferFull)
		text := visible(line)
		if full {
			var n int
			n, err = l.skip(in)
			text += fmt.Sprintf(" … (%d more bytes of this line are not logged)", n)
		}
		if len(line) > 0 && !l.quiet {
			l.say(text)
		}
		if err != nil {
			return
		}
	}
}

// skip reads to the end of a line that is too long to be logged.
func (l *lineLog) skip(in *bufio.Reader) (n int, err error) {
	for {
		rest, err := in.ReadSlice('\n')
		l.keep(rest)
		n += len(rest)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
}

func (l *lineLog) keep(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	n := min(len(p), maxOutput-len(l.kept))
	l.kept = append(l.kept, p[:n]...)
	l.lost = l.lost || n < len(p)
}

// text is what the stream brought so far without the line breaks at its end. What comes later, from a
// background process, is not kept.
func (l *lineLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.lost {
		l.say(fmt.Sprintf("(only the first %d bytes of the output can be referred to by later steps)", maxOutput))
	}
	return strings.TrimRight(string(l.kept), "\r\n")
}

// A tailBuffer keeps the end of a stream.
type tailBuffer struct {
	mu   sync.Mutex
	kept []byte
	cut  bool
}

func (t *tailBuffer) read(r io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		t.write(buf[:n])
		if err != nil {
			return
		}
	}
}

func (t *tailBuffer) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxStderr; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
		t.cut = true
	}
}

func (t *tailBuffer) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := visible(t.kept)
	if t.cut {
		s = "… " + s
	}
	return s
}

// visible makes bytes a text for a log: valid UTF-8, without the line break at its end.
func visible(line []byte) string {
	return strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\ufffd")
}

// oneLine makes any text an entry of a log: line breaks are shown as \n, and what exceeds limit is cut.
func oneLine(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit] + " …"
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	return strings.NewReplacer("\r\n", `\n`, "\n", `\n`).Replace(text)
}
