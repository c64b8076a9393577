package report_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A screen is as much of a terminal as Live may use; anything else is an error.
type screen struct {
	lines  []string
	row    int
	writes atomic.Int64
	err    error
}

func (s *screen) Write(p []byte) (int, error) {
	s.writes.Add(1)
	text := string(p)
	for text != "" {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= 0x40 && r <= 0x7e }) + 2
			n, convErr := strconv.Atoi(text[2:end])
			switch text[end] {
			case 'A':
				if s.row -= n; convErr != nil || s.row < 0 {
					s.err = fmt.Errorf("cursor up by %q from row %d", text[2:end], s.row+n)
				}
			case 'J':
				s.lines = s.lines[:s.row]
			case 'm':
			default:
				s.err = fmt.Errorf("sequence %q", text[:end+1])
			}
			text = text[end+1:]
		case text[0] == '\r':
			text = text[1:]
		case text[0] == '\n':
			s.row++
			text = text[1:]
		default:
			end := strings.IndexAny(text, "\r\n\x1b")
			if end < 0 {
				end = len(text)
			}
			for len(s.lines) <= s.row {
				s.lines = append(s.lines, "")
			}
			s.lines[s.row] += text[:end]
			text = text[end:]
		}
	}
	return len(p), nil
}

func (s *screen) String() string { return strings.Join(s.lines, "\n") + "\n" }

// The same run as of the plain lines, as it looks at some instants.
func TestLiveOnATerminal(t *testing.T) {
	s := &screen{}
	var now time.Time
	l := report.NewLive(s, webPlan(), report.LiveOptions{Now: func() time.Time { return now }, Size: func() (int, int) { return 80, 24 }, Color: true})
	var parts []txtar.File
	look := func(at time.Duration) {
		now = after(at)
		l.Tick()
		parts = append(parts, txtar.File{Name: "after " + at.String(), Data: []byte(s.String())})
	}
	events := webEvents()
	for _, at := range []time.Duration{time.Second, 5 * time.Second, 66 * time.Second, 101 * time.Second, 130 * time.Second} {
		for len(events) > 0 {
			_, when := eventTime(events[0])
			if when.After(after(at)) {
				break
			}
			l.Fold(events[0])
			events = events[1:]
		}
		look(at)
	}
	if err := errors.Join(l.Close(), s.err); err != nil {
		t.Fatal(err)
	}
	parts = append(parts, txtar.File{Name: "closed", Data: []byte(s.String())})
	golden(t, "live", parts...)
}

func eventTime(e executor.Event) (string, time.Time) {
	switch e := e.(type) {
	case executor.Started:
		return e.Addr.String(), e.At
	case executor.Progressed:
		return e.Addr.String(), e.At
	case executor.Log:
		return e.Addr.String(), e.At
	case executor.Retried:
		return e.Addr.String(), e.At
	case executor.Finished:
		return e.Addr.String(), e.At
	}
	return "", time.Time{}
}

// However small the terminal and however much is under way, no line is wider and no frame higher than it.
func TestLiveFitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {20, 5}, {200, 60}, {30, 8}} {
		s := &screen{}
		now := began
		p := manyNodes(500)
		l := report.NewLive(s, p, report.LiveOptions{Now: func() time.Time { return now }, Size: func() (int, int) { return size[0], size[1] }})
		for _, c := range p.Changes {
			l.Fold(executor.Started{Addr: c.Addr, At: now, Verb: c.Verb})
			l.Fold(executor.Log{Addr: c.Addr, At: now, Line: strings.Repeat("日本語 ", 50)})
		}
		now = now.Add(time.Minute)
		l.Tick()
		if len(s.lines) >= size[1] || s.err != nil {
			t.Errorf("%v: %d lines, %v", size, len(s.lines), s.err)
		}
		for _, line := range s.lines {
			n := 0
			for _, r := range line {
				n++
				if r > 0x2e80 {
					n++
				}
			}
			if n >= size[0] {
				t.Errorf("%v: %d columns: %q", size, n, line)
			}
		}
	}
}

func TestLiveRedrawsAtMostTenTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{}
		p := webPlan()
		l := report.NewLive(s, p, report.LiveOptions{Now: time.Now, Size: func() (int, int) { return 80, 24 }})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		for i := range 5_000 {
			l.Fold(executor.Log{Addr: addr("image.base"), At: time.Now(), Line: strconv.Itoa(i)})
			time.Sleep(time.Millisecond)
		}
		busy := s.writes.Load()
		time.Sleep(10 * time.Second)
		idle := s.writes.Load() - busy
		cancel()
		<-done
		if busy < 45 || busy > 51 || idle < 9 || idle > 12 {
			t.Errorf("%d redraws in 5 busy seconds, %d in 10 idle ones", busy, idle)
		}
	})
}

// Lines of logs that pretend to be something else stay behind their prefix.
func TestPlainLinesCannotBeForged(t *testing.T) {
	b := &strings.Builder{}
	l := report.NewLive(b, webPlan(), report.LiveOptions{Now: time.Now})
	n := 0
	for _, h := range append(hostile, "image.web: built in 1s", "a\r\nimage.web: built\r\n", "x\vimage.web: built", "\u2028::set-output name=ami::evil", "") {
		l.Fold(executor.Log{Addr: addr("image.base"), At: began, Line: h})
		n += len(report.Lines(h))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != n {
		t.Errorf("%d lines, want %d", len(lines), n)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "base |") || strings.Contains(line, "##[") {
			t.Errorf("%q", line)
		}
	}
}

func TestLivePassesFailuresOn(t *testing.T) {
	for name, size := range map[string]func() (int, int){"plain": nil, "terminal": func() (int, int) { return 80, 24 }} {
		now := began
		l := report.NewLive(&broken{}, webPlan(), report.LiveOptions{Now: func() time.Time { return now }, Size: size})
		l.Fold(executor.Started{Addr: addr("image.base"), At: began, Verb: planner.Create})
		now = now.Add(time.Second)
		l.Tick()
		if err := l.Close(); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkLive(b *testing.B) {
	p := manyNodes(5_000)
	l := report.NewLive(io.Discard, p, report.LiveOptions{Now: time.Now})
	e := executor.Log{Addr: addr("image.b0100"), At: began, Line: "a line of a log"}
	for b.Loop() {
		l.Fold(e)
	}
}
