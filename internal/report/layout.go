package report

import (
	"cmp"
	"slices"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// Measures of the drawing, in SVG's user units.
const (
	charWidth  = 7.3 // of the 12 unit monospace face
	boxPadding = 10
	boxHeight  = 42
	bendHeight = 10 // the room an arrow takes that passes a column
	rowGap     = 14
	columnGap  = 64
	laneGap    = 18
	laneTitle  = 26
	margin     = 16
	sweeps     = 4 // of ordering, each way
	maxBoxText = 40
)

// A cell is one thing in a column of a lane: a resource's box, or the bend of an arrow that passes by.
type cell struct {
	change     *planner.Change // nil for a bend
	lines      []string
	lane       int
	layer      int
	index      int // within lane and layer
	x, y, w, h float64
	ins, outs  []*cell
}

func (c *cell) middle() float64 { return c.y + c.h/2 }

// A lane is a build's band of the drawing, columns of cells from left to right.
type lane struct {
	title  string
	layers [][]*cell
	y, h   float64
}

// A layout is a layered drawing of a plan's graph (Sugiyama's method): what is needed stands left of
// what needs it, each build in its own band, arrows never behind boxes.
type layout struct {
	lanes  []*lane
	boxes  []*cell
	cells  map[dsl.Addr]*cell
	xs, ws []float64 // of the columns
	width  float64
	height float64
}

func newLayout(v *view) *layout {
	l := &layout{cells: map[dsl.Addr]*cell{}}
	depth := layers(v)
	columnsOfIt := 0
	for _, d := range depth {
		columnsOfIt = max(columnsOfIt, d+1)
	}
	for i, g := range v.groups() {
		la := &lane{title: Neutral(g.title()), layers: make([][]*cell, columnsOfIt)}
		l.lanes = append(l.lanes, la)
		for _, c := range g.changes {
			box := &cell{change: c, lane: i, layer: depth[c.Addr], h: boxHeight}
			box.lines = []string{fit(symbol(c.Verb)+" "+Neutral(c.Addr.String()), maxBoxText), fit(v.label(c.Node), maxBoxText)}
			box.w = max(float64(max(columns(box.lines[0]), columns(box.lines[1])))*charWidth+2*boxPadding, 90)
			l.cells[c.Addr] = box
			l.boxes = append(l.boxes, box)
			l.add(box)
		}
	}
	for _, c := range v.plan.Changes {
		for _, a := range c.Needs {
			if from := l.cells[a]; from != nil {
				l.connect(from, l.cells[c.Addr])
			}
		}
	}
	for range sweeps {
		l.sweep()
	}
	l.place(columnsOfIt)
	return l
}

// layers gives each change its column: as far left as what it needs allows, and then as far right as
// what needs it allows, which keeps arrows short.
func layers(v *view) map[dsl.Addr]int {
	depth := make(map[dsl.Addr]int, len(v.plan.Changes))
	limit := make(map[dsl.Addr]int, len(v.plan.Changes))
	for _, c := range v.plan.Changes {
		d := 0
		for _, a := range c.Needs {
			if v.changes[a] != nil {
				d = max(d, depth[a]+1)
			}
		}
		depth[c.Addr] = d
	}
	for _, c := range slices.Backward(v.plan.Changes) {
		if to, ok := limit[c.Addr]; ok {
			depth[c.Addr] = to
		}
		for _, a := range c.Needs {
			if to, ok := limit[a]; !ok || depth[c.Addr]-1 < to {
				limit[a] = depth[c.Addr] - 1
			}
		}
	}
	return depth
}

func (l *layout) add(c *cell) {
	la := l.lanes[c.lane]
	c.index = len(la.layers[c.layer])
	la.layers[c.layer] = append(la.layers[c.layer], c)
}

// connect draws an arrow through a bend in every column between, in the lane it leads to.
func (l *layout) connect(from, to *cell) {
	at := from
	for layer := from.layer + 1; layer < to.layer; layer++ {
		bend := &cell{lane: to.lane, layer: layer, h: bendHeight}
		l.add(bend)
		at.outs, bend.ins = append(at.outs, bend), append(bend.ins, at)
		at = bend
	}
	at.outs, to.ins = append(at.outs, to), append(to.ins, at)
}

// sweep orders each column by where its cells' neighbours stand, from left to right and back.
func (l *layout) sweep() {
	for _, la := range l.lanes {
		for i := range la.layers {
			arrange(la.layers[i], func(c *cell) []*cell { return c.ins })
		}
		for i := range slices.Backward(la.layers) {
			arrange(la.layers[i], func(c *cell) []*cell { return c.outs })
		}
	}
}

func arrange(column []*cell, neighbours func(*cell) []*cell) {
	weight := make(map[*cell]float64, len(column))
	for _, c := range column {
		near := neighbours(c)
		if len(near) == 0 {
			weight[c] = float64(c.index)
			continue
		}
		sum := 0.0
		for _, n := range near {
			sum += float64(n.index) + 1e4*float64(n.lane-c.lane)
		}
		weight[c] = sum / float64(len(near))
	}
	slices.SortStableFunc(column, func(a, b *cell) int { return cmp.Compare(weight[a], weight[b]) })
	for i, c := range column {
		c.index = i
	}
}

// place computes the coordinates.
func (l *layout) place(columns int) {
	l.ws, l.xs = make([]float64, columns), make([]float64, columns)
	for _, b := range l.boxes {
		l.ws[b.layer] = max(l.ws[b.layer], b.w)
	}
	x := float64(margin + boxPadding)
	for i, w := range l.ws {
		l.xs[i] = x
		x += w + columnGap
	}
	l.width = x - columnGap + boxPadding + margin
	y := float64(margin)
	for _, la := range l.lanes {
		la.y = y
		inner := 0.0
		for _, column := range la.layers {
			inner = max(inner, columnHeight(column))
		}
		la.h = laneTitle + inner + rowGap
		for i, column := range la.layers {
			top := la.y + laneTitle + (inner-columnHeight(column))/2
			for _, c := range column {
				c.x, c.y, c.w = l.xs[i], top, l.ws[i]
				top += c.h + rowGap
			}
		}
		y += la.h + laneGap
	}
	l.height = y - laneGap + margin
}

func columnHeight(column []*cell) float64 {
	h := -float64(rowGap)
	for _, c := range column {
		h += c.h + rowGap
	}
	return max(h, 0)
}
