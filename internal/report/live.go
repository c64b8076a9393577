package report

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// redrawEvery is the least time between two redraws of a terminal.
const redrawEvery = 100 * time.Millisecond

// LiveOptions say where a run is watched.
type LiveOptions struct {
	// Color allows terminal colour sequences.
	Color bool
	// Size asks the terminal how many columns and rows it has now; nil where there is no terminal:
	// then everything is written once, as lines.
	Size func() (columns, rows int)
	// Cuts says that the terminal cuts lines when it becomes narrower, where others wrap them.
	Cuts bool
	// Now is the clock that elapsed times are read from.
	Now func() time.Time
}

// Live shows a run while it goes on.
//
// On a terminal, what is under way is a few lines that are redrawn in place, and what is finished
// scrolls away above them. Elsewhere each change of state and each line of a log is a line of its own, logs
// behind "web | ", which no line of a log can imitate or break out of. Its methods may be called from several goroutines.
type Live struct {
	mu     sync.Mutex
	w      io.Writer
	o      LiveOptions
	report *Report
	active map[dsl.Addr]*Item
	order  map[dsl.Addr]int
	done   int
	failed int

	pending []string // finished lines to scroll above the region
	drawn   []int    // the columns of each line of the region that is on the screen
	columns int      // of the terminal when it was last looked at
	dirty   bool
	last    time.Time
	closed  bool
	err     error
}

// NewLive begins to show the execution of a plan on w. On a terminal nothing moves but by Run or Tick.
func NewLive(w io.Writer, p *planner.Plan, o LiveOptions) *Live {
	l := &Live{
		w: w, o: o, report: New(p, Meta{LogLines: 1}),
		active: map[dsl.Addr]*Item{}, order: make(map[dsl.Addr]int, len(p.Changes)),
	}
	for i, it := range l.report.Items {
		l.order[it.Addr] = i
	}
	return l
}

// Run redraws the terminal until ctx ends; without a terminal it returns at once.
func (l *Live) Run(ctx context.Context) {
	if l.o.Size == nil {
		return
	}
	t := time.NewTicker(redrawEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			l.Tick()
		}
	}
}

// Fold takes one event in.
func (l *Live) Fold(e executor.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	addr, _ := subject(e)
	it := l.report.Item(addr)
	if l.closed || it == nil {
		return
	}
	state, step := it.State, it.Step
	l.report.Fold(e)
	switch e := e.(type) {
	case executor.Started:
		if e.Verb != planner.None && e.Verb != planner.Later {
			l.active[addr] = it
		}
	case executor.Finished:
		delete(l.active, addr)
		l.done++
		if e.Status == executor.Failed {
			l.failed++
		}
	case executor.Progressed, executor.Log, executor.Retried:
	}
	l.dirty = true
	lines := l.lines(it, e, state != it.State || step != it.Step)
	if l.o.Size != nil {
		if _, over := e.(executor.Finished); over {
			l.pending = append(l.pending, lines...)
		}
		return
	}
	if len(lines) > 0 {
		l.write(strings.Join(lines, "\n") + "\n")
	}
}

// Tick redraws the terminal when something changed or a second went by, at most ten times a second.
func (l *Live) Tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.o.Size == nil || l.closed {
		return
	}
	now := l.o.Now()
	since := now.Sub(l.last)
	columns, rows := l.size()
	l.dirty = l.dirty || columns != l.columns
	if since < redrawEvery || !l.dirty && since < time.Second {
		return
	}
	l.last, l.dirty = now, false
	l.draw(columns, l.region(now, max(columns, 20)-1, max(rows, 4)-1))
}

// size is the terminal's. One that doesn't know its own, as serial consoles don't, is taken for the usual one.
func (l *Live) size() (width, height int) {
	width, height = l.o.Size()
	if width <= 0 {
		width = 80
	}
	if height <= 0 {
		height = 24
	}
	return width, height
}

// Close removes the moving lines, and returns the first failure to write.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && l.o.Size != nil {
		width, _ := l.size()
		l.draw(width, nil)
	}
	l.closed = true
	return l.err
}

// draw replaces the region on the screen, in one write. A terminal that became narrower since has wrapped its lines, or cut them.
func (l *Live) draw(width int, region []string) {
	var b strings.Builder
	up := 0
	for _, n := range l.drawn {
		if l.o.Cuts {
			n = 0
		}
		up += max(1, (n+width-1)/width)
	}
	if up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	if up > 0 || len(region) > 0 {
		b.WriteString("\r\x1b[J")
	}
	for _, s := range slices.Concat(l.pending, region) {
		b.WriteString(s + "\n")
	}
	l.pending, l.drawn, l.columns = nil, l.drawn[:0], width
	for _, s := range region {
		l.drawn = append(l.drawn, shownColumns(s))
	}
	l.write(b.String())
}

func (l *Live) write(s string) {
	if l.err != nil || s == "" {
		return
	}
	if _, err := io.WriteString(l.w, s); err != nil {
		l.err = fmt.Errorf("show progress: %w", err)
	}
}

// region is what moves: what is under way, images first, and the count of it all.
func (l *Live) region(now time.Time, columns, rows int) []string {
	items := make([]*Item, 0, len(l.active))
	for _, it := range l.active {
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b *Item) int {
		if a.Image != b.Image {
			return cmp.Compare(boolInt(b.Image), boolInt(a.Image))
		}
		return cmp.Compare(l.order[a.Addr], l.order[b.Addr])
	})
	withLog := 0
	for _, it := range items {
		if it.Log.Total() > 0 {
			withLog++
		}
	}
	room := rows - 2 // the totals, and the line for what does not fit
	logs := len(items)+withLog <= room
	var out []string
	shown := items[:max(0, min(room, len(items)))]
	title, elapsed := 0, 0
	for _, it := range shown {
		title, elapsed = max(title, min(columns/3, titleColumns(it))), max(elapsed, len(it.elapsed(now)))
	}
	for _, it := range shown {
		s := "  " + pad(fit(Neutral(it.Title()), title), title) + "  " + pad(it.elapsed(now), elapsed) + "  " + it.doing()
		out = append(out, l.paint(fit(s, columns), verbShade(it.Verb)))
		if last := it.Log.Last(1); logs && len(last) > 0 {
			out = append(out, l.paint(fit("    | "+last[0], columns), faint))
		}
	}
	if more := len(items) - room; more > 0 {
		out = append(out, l.paint(fit(fmt.Sprintf("  and %d more under way", more), columns), faint))
	}
	return append(out, l.totals(now, columns))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func titleColumns(it *Item) int { return columns(Neutral(it.Title())) }

// elapsed says how long work on it has been going on, and how long it took before.
func (it *Item) elapsed(now time.Time) string {
	s := ticking(now.Sub(it.Started))
	if it.Estimate > 0 {
		s += " of about " + ticking(it.Estimate)
	}
	return s
}

// doing says what is going on with it, in AWS's words where there are any.
func (it *Item) doing() string {
	s := Neutral(it.State)
	if s == "" {
		s = map[planner.Verb]string{
			planner.Create: "creating", planner.Update: "updating", planner.Delete: "deleting",
			planner.Wait: "waiting for the build under way", planner.None: "there already", planner.Later: "left to the merge",
		}[it.Verb]
	}
	if it.Step != "" {
		s += ", " + Neutral(it.Step)
	}
	if it.Retried > 0 {
		s += fmt.Sprintf(" (attempt %d)", it.Retried+1)
	}
	return s
}

func (l *Live) totals(now time.Time, columns int) string {
	s := fmt.Sprintf("%d of %d done", l.done, len(l.report.Items))
	if l.failed > 0 {
		s += fmt.Sprintf(", %d failed", l.failed)
	}
	s += fmt.Sprintf(", %d under way", len(l.active))
	if !l.report.Started.IsZero() {
		s += "  " + ticking(now.Sub(l.report.Started))
	}
	return l.paint(fit(s, columns), bold)
}

func (l *Live) paint(s string, c shade) string { return TextOptions{Color: l.o.Color}.paint(s, c) }
