package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A terminal that becomes narrower wraps the lines that are on it: what is removed are the rows that they take then. A
// terminal that doesn't know its size is taken for the usual one.
func TestLiveAfterAResize(t *testing.T) {
	now, size := began, [2]int{100, 24}
	b := &strings.Builder{}
	p := webPlan()
	l := report.NewLive(b, p, report.LiveOptions{Color: true, Now: func() time.Time { return now }, Size: func() (int, int) { return size[0], size[1] }})
	image := addr("image.base")
	l.Fold(executor.Started{Addr: image, At: now, Verb: planner.Create})
	l.Fold(executor.Log{Addr: image, At: now, Line: strings.Repeat("日本", 40)})
	for _, tt := range []struct{ columns int }{{100}, {30}, {0}, {7}, {60}} {
		before := widths(b.String())
		b.Reset()
		now, size[0] = now.Add(200*time.Millisecond), tt.columns
		l.Tick()
		width := tt.columns
		if width == 0 {
			width = 80
		}
		want := 0
		for _, n := range before {
			want += max(1, (n+width-1)/width)
		}
		up := 0
		if m := regexp.MustCompile("^\x1b\\[(\\d+)A").FindStringSubmatch(b.String()); m != nil {
			if _, err := fmt.Sscan(m[1], &up); err != nil {
				t.Fatal(err)
			}
		}
		if up != want || b.Len() == 0 {
			t.Errorf("%d columns: up by %d, want %d (lines of %v columns)", tt.columns, up, want, before)
		}
		for _, n := range widths(b.String()) {
			if n >= max(width, 20) {
				t.Errorf("%d columns: a line of %d", tt.columns, n)
			}
		}
	}
}

// widths are the columns of the lines of a frame.
func widths(frame string) []int {
	frame = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]|\r").ReplaceAllString(frame, "")
	var out []int
	for line := range strings.Lines(frame) {
		n := 0
		for _, r := range strings.TrimSuffix(line, "\n") {
			n++
			if r > 0x2e80 {
				n++
			}
		}
		out = append(out, n)
	}
	return out
}

// A terminal that cuts lines instead of wrapping them keeps a row for each: nothing above them is removed.
func TestLiveOnATerminalThatCuts(t *testing.T) {
	now, width := began, 100
	b := &strings.Builder{}
	l := report.NewLive(b, webPlan(), report.LiveOptions{Cuts: true, Now: func() time.Time { return now }, Size: func() (int, int) { return width, 24 }})
	image := addr("image.base")
	l.Fold(executor.Started{Addr: image, At: now, Verb: planner.Create})
	l.Fold(executor.Log{Addr: image, At: now, Line: strings.Repeat("word ", 30)})
	now = now.Add(time.Second)
	l.Tick()
	rows := len(widths(b.String()))
	b.Reset()
	now, width = now.Add(time.Second), 30
	l.Tick()
	if want := fmt.Sprintf("\x1b[%dA", rows); rows != 3 || !strings.HasPrefix(b.String(), want) {
		t.Errorf("%d rows were drawn, and then %q", rows, b.String())
	}
}
