package boundary

import (
	"cmp"
	"slices"
)

// A gutter is the room beside a column: texts of arrows that leave the boxes to
// its left, lanes for arrows to go up and down in, and texts of those that
// leave the boxes to its right. Gutter 0 is left of all boxes.
type gutter struct {
	x     int
	texts [2]int // widths, at its left and at its right
	lanes []lane
}

// A lane is one upright stretch of one edge.
type lane struct {
	edge    int
	from    int // y it begins at
	to      int
	leaving bool // the one at the edge's beginning
}

func (g gutter) width() int {
	w := 0
	if n := len(g.lanes); n > 0 {
		w = 2*laneSide + n*laneWidth
	}
	for _, t := range g.texts {
		if t > 0 {
			w += t + labelSide
		}
	}
	return w
}

// lanesAt is where the first lane of a gutter is.
func (g gutter) lanesAt() int {
	at := g.x + laneSide + laneWidth/2
	if g.texts[0] > 0 {
		at += g.texts[0] + labelSide
	}
	return at
}

// gutterOf is the gutter on a side of a box.
func (l *layout) gutterOf(box, side int) int { return l.column[box] + side }

// route gives every edge its lanes and every box its place across.
func (l *layout) route() {
	l.gutters = make([]gutter, len(l.columns)+1)
	for i, e := range l.edges {
		leave, arrive := l.sidesOf(e)
		data, control := e.words()
		g := &l.gutters[l.gutterOf(e.from, leave)]
		side := 1 - leave // what leaves to the right stands at the gutter's left
		g.texts[side] = max(g.texts[side], labelWidth(data), labelWidth(control))
		l.lanesOf(i, l.gutterOf(e.from, leave), l.gutterOf(e.to, arrive))
	}
	x := 1
	for i := range l.gutters {
		g := &l.gutters[i]
		slices.SortStableFunc(g.lanes, byTurn)
		g.x = x
		x += g.width()
		if i < len(l.columns) {
			for _, b := range l.columns[i] {
				l.boxes[b].X = x
			}
			x += boxWidth
		}
	}
	last := &l.gutters[len(l.gutters)-1]
	last.texts[1]++ // the line around the last box
}

func labelWidth(s string) int { return min(smallFace.width(s), labelMost) }

// lanesOf notes the upright stretches of an edge: one, or by way of a bus two.
func (l *layout) lanesOf(i, leave, arrive int) {
	y := l.y[i]
	if l.bus[i] == 0 {
		l.gutters[leave].lanes = append(l.gutters[leave].lanes, lane{i, y[0], y[1], true})
		return
	}
	bus := l.busY(i)
	l.gutters[leave].lanes = append(l.gutters[leave].lanes, lane{i, y[0], bus, true})
	l.gutters[arrive].lanes = append(l.gutters[arrive].lanes, lane{i, bus, y[1], false})
}

func (l *layout) busY(i int) int {
	if l.bus[i] < 0 {
		return l.top + l.bus[i]*busHeight
	}
	return l.bottom + l.bus[i]*busHeight
}

// byTurn orders lanes so that few lines cross: of those that go down the lowest
// is the first from the left, of those that go up the highest.
func byTurn(a, b lane) int {
	downA, downB := a.to >= a.from, b.to >= b.from
	switch {
	case downA && downB:
		return cmp.Compare(b.from, a.from)
	case !downA && !downB:
		return cmp.Compare(a.from, b.from)
	case downA:
		return 1
	}
	return -1
}

// laneX is where a lane of an edge is.
func (l *layout) laneX(gutter, edge int, leaving bool) int {
	g := l.gutters[gutter]
	n := slices.IndexFunc(g.lanes, func(x lane) bool { return x.edge == edge && x.leaving == leaving })
	return g.lanesAt() + n*laneWidth
}

// arrow is the way of an edge from box to box.
func (l *layout) arrow(i int, e boxEdge) Arrow {
	leave, arrive := l.sidesOf(e)
	from, to, y := edgeOf(l.boxes[e.from], leave), edgeOf(l.boxes[e.to], arrive), l.y[i]
	out := l.laneX(l.gutterOf(e.from, leave), i, true)
	a := Arrow{From: e.from, To: e.to, Title: title(l.boxes, e)}
	a.Points = []Point{{from, y[0]}, {out, y[0]}, {out, y[1]}, {to, y[1]}}
	if l.bus[i] != 0 {
		bus, in := l.busY(i), l.laneX(l.gutterOf(e.to, arrive), i, false)
		a.Points = []Point{{from, y[0]}, {out, y[0]}, {out, bus}, {in, bus}, {in, y[1]}, {to, y[1]}}
	}
	data, control := e.words()
	a.Data, a.Control = label(data, from, y[0]-4, leave), label(control, from, y[0]+11, leave)
	return a
}

func edgeOf(b Box, side int) int { return b.X + side*b.W }

// label is a text beside a box.
func label(s string, x, y, side int) Text {
	s = smallFace.fit(s, labelMost)
	w := smallFace.width(s)
	if side == right {
		return Text{x + labelSide, y, w, s}
	}
	return Text{x - labelSide - w, y, w, s}
}
