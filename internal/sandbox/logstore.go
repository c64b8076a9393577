package sandbox

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// A logStore holds log streams: one file each, a line an event, and in memory where each event is.
type logStore struct {
	mu      sync.Mutex
	dir     string
	streams map[streamKey]*logStream
}

type streamKey struct{ Region, Group, Stream string }

// A logStream's events are in the order of their times.
type logStream struct {
	streamKey
	Created int64 // milliseconds, as all times here

	path    string
	file    *os.File // open while it is written
	entries []logEntry
	size    int64
}

type logEntry struct {
	time   int64
	offset int64
	length int32
}

// A logEvent is a line of a stream's file.
type logEvent struct {
	Time     int64  `json:"t"`
	Message  string `json:"m"`
	Ingested int64  `json:"i,omitempty"` // where it is not the time
}

// ingested is when the event was written.
func (e logEvent) ingested() int64 { return cmp.Or(e.Ingested, e.Time) }

func openLogs(dir string) (*logStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the log directory: %w", err)
	}
	s := &logStore{dir: dir, streams: map[streamKey]*logStream{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		if err := s.load(path); err != nil {
			return nil, fmt.Errorf("read the log %s: %w", path, err)
		}
	}
	return s, nil
}

// load indexes one file. A last line that was cut off is cut away.
func (s *logStore) load(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: found by listing the server's own directory
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	st := &logStream{path: path}
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var e logEvent
		if st.size == 0 {
			err = json.Unmarshal(line, st)
		} else if err = json.Unmarshal(line, &e); err == nil {
			st.entries = append(st.entries, logEntry{e.Time, st.size, int32(len(line))}) //nolint:gosec // G115: a line is at most 1 MiB
		}
		if err != nil {
			return err
		}
		st.size += int64(len(line))
	}
	if st.size == 0 {
		return os.Remove(path)
	}
	slices.SortStableFunc(st.entries, func(a, b logEntry) int { return cmp.Compare(a.time, b.time) })
	s.streams[st.streamKey] = st
	return os.Truncate(path, st.size)
}

func (s *logStore) stream(key streamKey, now time.Time) (*logStream, error) {
	st := s.streams[key]
	if st == nil {
		sum := sha256.Sum256([]byte(key.Region + "\x00" + key.Group + "\x00" + key.Stream))
		st = &logStream{streamKey: key, Created: now.UnixMilli(), path: filepath.Join(s.dir, hex.EncodeToString(sum[:12])+".jsonl")}
		s.streams[key] = st
	}
	if st.file == nil {
		f, err := os.OpenFile(st.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open a log stream: %w", err)
		}
		st.file = f
	}
	if st.size == 0 {
		return st, st.write(st)
	}
	return st, nil
}

// write appends one line.
func (st *logStream) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	n, err := st.file.Write(append(line, '\n'))
	st.size += int64(n)
	return err
}

// append adds one event. Events of one stream never go back in time.
func (s *logStore) append(key streamKey, when time.Time, message string) error {
	if message == "" {
		return nil // CloudWatch has no empty events
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(key, when)
	if err != nil {
		return err
	}
	t := when.UnixMilli()
	if n := len(st.entries); n > 0 {
		t = max(t, st.entries[n-1].time)
	}
	return st.add(logEvent{Time: t, Message: message})
}

// add writes an event and notes it behind those of its time.
func (st *logStream) add(e logEvent) error {
	at := st.size
	if err := st.write(e); err != nil {
		return fmt.Errorf("write a log stream: %w", err)
	}
	i := len(st.entries)
	for i > 0 && st.entries[i-1].time > e.Time {
		i--
	}
	st.entries = slices.Insert(st.entries, i, logEntry{e.Time, at, int32(st.size - at)}) //nolint:gosec // G115: a line is at most 1 MiB
	return nil
}

// put adds events, which may be older than what the stream has.
func (s *logStore) put(key streamKey, events []logEvent, now time.Time) error {
	st, err := s.stream(key, now)
	for _, e := range events {
		if err == nil {
			err = st.add(e)
		}
	}
	return err
}

// remove deletes a stream.
func (s *logStore) remove(st *logStream) error {
	delete(s.streams, st.streamKey)
	var err error
	if st.file != nil {
		err = st.file.Close()
	}
	return errors.Join(err, os.Remove(st.path))
}

// rest closes the file of a stream that is not written for now.
func (s *logStore) rest(key streamKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[key]
	if st == nil || st.file == nil {
		return nil
	}
	err := st.file.Close()
	st.file = nil
	return err
}

// read returns the events [from, to) of a stream.
func (st *logStream) read(from, to int) ([]logEvent, error) {
	if from >= to {
		return nil, nil
	}
	f, err := os.Open(st.path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	out := make([]logEvent, 0, to-from)
	for from < to {
		n := st.adjacent(from, to)
		first, last := st.entries[from], st.entries[n-1]
		buf := make([]byte, last.offset+int64(last.length)-first.offset)
		if _, err := f.ReadAt(buf, first.offset); err != nil {
			return nil, err
		}
		for line := range bytes.Lines(buf) {
			var e logEvent
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, err
			}
			out = append(out, e)
		}
		from = n
	}
	return out, nil
}

// adjacent is how far the events from one on stand one behind the other in the file.
func (st *logStream) adjacent(from, to int) int {
	n := from + 1
	for n < to && st.entries[n].offset == st.entries[n-1].offset+int64(st.entries[n-1].length) {
		n++
	}
	return n
}

// length is how many events a stream has.
func (s *logStore) length(key streamKey) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.streams[key]; st != nil {
		return len(st.entries)
	}
	return 0
}

// console is a stream's text from an event on, in the form of AWSTOE's console.log.
func (s *logStore) console(key streamKey, from int) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[key]
	if st == nil {
		return nil, nil
	}
	events, err := st.read(min(from, len(st.entries)), len(st.entries))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, e := range events {
		fmt.Fprintf(&b, "%s %s\n", time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), e.Message)
	}
	return b.Bytes(), nil
}

// group returns the streams of a group in order of their names.
func (s *logStore) group(region, group string) []*logStream {
	var out []*logStream
	for key, st := range s.streams {
		if key.Region == region && key.Group == group {
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b *logStream) int { return bytes.Compare([]byte(a.Stream), []byte(b.Stream)) })
	return out
}

func (s *logStore) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.streams {
		if st.file != nil {
			errs = append(errs, st.file.Close())
			st.file = nil
		}
	}
	return errors.Join(errs...)
}
