package component

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// drainGrace is how long a command that ended may leave its output open, and silent, before it
	// counts as having left a background process behind.
	drainGrace = 250 * time.Millisecond
	// drainTick is how often that is looked at.
	drainTick = 25 * time.Millisecond
	// maxPipe is the most that a pipe can hold (pipe(7), /proc/sys/fs/pipe-max-size): once so much was
	// read after its end, nothing is left of what the command itself printed.
	maxPipe = 1 << 20
)

// A stream is one output of a command while it is read.
type stream struct {
	file    *os.File
	done    chan struct{}
	total   atomic.Int64
	waiting atomic.Bool // in Read, so all that came was passed on
}

// Read implements io.Reader.
func (t *stream) Read(p []byte) (int, error) {
	t.waiting.Store(true)
	n, err := t.file.Read(p)
	t.waiting.Store(false)
	t.total.Add(int64(n))
	return n, err
}

// drain waits for what a command that ended has printed, but not for the end of a pipe that a
// background process holds.
func (t *stream) drain() {
	select {
	case <-t.done:
		return
	default:
	}
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	start := t.total.Load()
	last, silent := start, time.Duration(0)
	for silent < drainGrace && t.total.Load()-start <= maxPipe {
		select {
		case <-t.done:
			return
		case <-tick.C:
		}
		if now := t.total.Load(); now != last || !t.waiting.Load() {
			last, silent = now, 0
			continue
		}
		silent += drainTick
	}
}

// pipe makes a stream of the command and reads it to its end, also past the end of the step: a
// background process must not find its output closed.
func (s *stepRun) pipe(to *io.Writer, read func(io.Reader)) (*stream, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	*to = w
	t := &stream{file: r, done: make(chan struct{})}
	s.streams.add(r)
	s.streams.readers.Go(func() {
		defer close(t.done)
		read(t)
		s.streams.remove(r)
		if err := r.Close(); err != nil {
			s.say("CmdExecution: closing a pipe: " + err.Error())
		}
	})
	return t, nil
}

// streams are pipes that are still read when their step is over.
type streams struct {
	mu      sync.Mutex
	open    map[*os.File]bool
	readers sync.WaitGroup
}

func (s *streams) add(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*os.File]bool{}
	}
	s.open[f] = true
}

func (s *streams) remove(f *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, f)
}

// end stops all readers and waits for them.
func (s *streams) end() {
	s.mu.Lock()
	for f := range s.open {
		// A pipe that knows no deadline is a regular file, which ends by itself.
		_ = f.SetReadDeadline(time.Unix(1, 0))
	}
	s.mu.Unlock()
	s.readers.Wait()
}

// closeWriters closes this process's ends of the pipes, so that their readers see the end.
func closeWriters(cmd *exec.Cmd) {
	for _, w := range []io.Writer{cmd.Stdout, cmd.Stderr} {
		if f, ok := w.(*os.File); ok {
			_ = f.Close() // nothing was written here
		}
	}
}
