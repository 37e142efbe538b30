package boundary

import (
	"cmp"
	"slices"
	"strings"
)

// Measures, in pixels.
const (
	boxWidth   = 134
	padding    = 10
	nameHeight = 17 // of a line of a name
	noteHeight = 15
	labelRoom  = 34 // of a place where an arrow leaves, with a line of text above and one below
	arriveRoom = 16 // of a place where one arrives
	boxGap     = 20
	mostGap    = 46
	headRoom   = 26 // above the boxes of a layer
	laneWidth  = 8
	laneSide   = 7 // beside the lanes
	labelMost  = 104
	labelSide  = 6
	busHeight  = 11
)

// sides of a box
const (
	left  = 0
	right = 1
)

// A port is where an edge touches a box.
type port struct {
	edge   int
	leaves bool
}

type layout struct {
	*grouped
	columns [][]int // boxes of each column, from the top
	column  []int   // of each box
	slot    []int   // place of each box in its column
	ports   [][2][]port
	y       [][2]int // of each edge: where it leaves and where it arrives
	bus     []int    // of each edge: the line above or below all boxes it takes; 0: none, negative: above
	gutters []gutter
	top     int
	bottom  int
}

// Lay places a graph: no two boxes touch, every text is within its room, and
// the same graph has the same picture.
func Lay(g Graph) Picture {
	l := &layout{grouped: group(g)}
	l.arrange()
	l.connectPorts()
	l.buses()
	l.place()
	l.route()
	return l.picture()
}

// arrange puts boxes into columns, those that are connected near each other.
func (l *layout) arrange() {
	count := 0
	for _, layer := range l.layers {
		count = max(count, layer.Column+1)
	}
	l.columns, l.column, l.slot = make([][]int, count), make([]int, len(l.boxes)), make([]int, len(l.boxes))
	for b := range l.boxes {
		c := l.layers[l.layer[b]].Column
		l.column[b] = c
		l.slot[b] = len(l.columns[c])
		l.columns[c] = append(l.columns[c], b)
	}
	l.columns = slices.DeleteFunc(l.columns, func(boxes []int) bool { return len(boxes) == 0 })
	for c, boxes := range l.columns {
		for _, b := range boxes {
			l.column[b] = c
		}
	}
	for range 4 {
		for c := range l.columns {
			l.sortColumn(c)
		}
	}
}

// sortColumn orders a column by layer, then by the middle of what each box is
// connected with in other columns.
func (l *layout) sortColumn(c int) {
	middle := map[int]float64{}
	for _, b := range l.columns[c] {
		sum, n := 0.0, 0
		for _, e := range l.edges {
			other := -1
			if e.from == b {
				other = e.to
			} else if e.to == b {
				other = e.from
			}
			if other >= 0 && l.column[other] != c {
				sum += (float64(l.slot[other]) + 0.5) / float64(len(l.columns[l.column[other]]))
				n++
			}
		}
		if middle[b] = (float64(l.slot[b]) + 0.5) / float64(len(l.columns[c])); n > 0 {
			middle[b] = sum / float64(n)
		}
	}
	slices.SortStableFunc(l.columns[c], func(a, b int) int {
		return cmp.Or(cmp.Compare(l.layer[a], l.layer[b]), cmp.Compare(middle[a], middle[b]))
	})
	for i, b := range l.columns[c] {
		l.slot[b] = i
	}
}

// sidesOf says on which side an edge leaves its first box and on which it
// arrives at its second.
func (l *layout) sidesOf(e boxEdge) (leave, arrive int) {
	switch a, b := l.column[e.from], l.column[e.to]; {
	case a < b:
		return right, left
	case a > b:
		return left, right
	}
	return right, right
}

// connectPorts gives every edge a place on both of its boxes, in the order of
// what is at its other end.
func (l *layout) connectPorts() {
	l.ports = make([][2][]port, len(l.boxes))
	for i, e := range l.edges {
		leave, arrive := l.sidesOf(e)
		l.ports[e.from][leave] = append(l.ports[e.from][leave], port{i, true})
		l.ports[e.to][arrive] = append(l.ports[e.to][arrive], port{i, false})
	}
	for b := range l.ports {
		for side := range l.ports[b] {
			slices.SortStableFunc(l.ports[b][side], func(p, q port) int { return cmp.Compare(l.far(b, p), l.far(b, q)) })
		}
	}
}

// far is how far down the other end of a port is.
func (l *layout) far(b int, p port) float64 {
	other := l.edges[p.edge].from
	if other == b {
		other = l.edges[p.edge].to
	}
	return (float64(l.slot[other]) + 0.5) / float64(len(l.columns[l.column[other]]))
}

// buses give edges that pass over a column a line above or below all boxes.
func (l *layout) buses() {
	l.bus = make([]int, len(l.edges))
	above, below := 0, 0
	for i, e := range l.edges {
		if d := l.column[e.from] - l.column[e.to]; d >= -1 && d <= 1 {
			continue
		}
		if l.far(e.to, port{edge: i})+l.far(e.from, port{edge: i}) < 1 {
			above++
			l.bus[i] = -above
		} else {
			below++
			l.bus[i] = below
		}
	}
	l.top = above * busHeight
	if above > 0 {
		l.top += busHeight
	}
}

// place gives boxes their height and their place in the column, and ports
// theirs on the box.
func (l *layout) place() {
	heights := make([]int, len(l.columns))
	for c, boxes := range l.columns {
		for i, b := range boxes {
			l.boxes[b].W, l.boxes[b].H = boxWidth, l.height(b)
			heights[c] += l.boxes[b].H + boxGap
			if i == 0 || l.layer[boxes[i-1]] != l.layer[b] {
				heights[c] += headRoom
			}
		}
	}
	tallest := slices.Max(append(heights, 0))
	for c, boxes := range l.columns {
		gap := boxGap
		if len(boxes) > 0 {
			gap = min(boxGap+(tallest-heights[c])/len(boxes), mostGap)
		}
		l.placeColumn(boxes, gap)
	}
	l.y = make([][2]int, len(l.edges))
	for b := range l.ports {
		for _, ports := range l.ports[b] {
			l.placePorts(b, ports)
		}
	}
}

func (l *layout) placeColumn(boxes []int, gap int) {
	y := l.top
	for i, b := range boxes {
		if i == 0 || l.layer[boxes[i-1]] != l.layer[b] {
			y += headRoom
		}
		l.boxes[b].Y = y
		y += l.boxes[b].H + gap
		l.bottom = max(l.bottom, l.boxes[b].Y+l.boxes[b].H)
	}
}

func (l *layout) height(b int) int {
	h := 2*padding + len(l.boxes[b].Lines)*nameHeight
	if l.boxes[b].Note != "" {
		h += noteHeight
	}
	for _, ports := range l.ports[b] {
		h = max(h, room(ports)+padding)
	}
	return h
}

func room(ports []port) int {
	n := 0
	for _, p := range ports {
		n += p.room()
	}
	return n
}

func (p port) room() int {
	if p.leaves {
		return labelRoom
	}
	return arriveRoom
}

// placePorts puts ports in the middle of a side, below each other.
func (l *layout) placePorts(b int, ports []port) {
	y := l.boxes[b].Y + (l.boxes[b].H-room(ports))/2
	for _, p := range ports {
		at := y + p.room()/2
		if p.leaves {
			l.y[p.edge][0] = at
		} else {
			l.y[p.edge][1] = at
		}
		y += p.room()
	}
}

// picture is what was placed.
func (l *layout) picture() Picture {
	p := Picture{Boxes: l.boxes, Left: l.left}
	for _, boxes := range l.columns {
		for i, b := range boxes {
			if i > 0 && l.layer[boxes[i-1]] == l.layer[b] {
				continue
			}
			name := headFace.fit(l.layers[l.layer[b]].Name, boxWidth)
			p.Heads = append(p.Heads, Text{l.boxes[b].X, l.boxes[b].Y - 9, headFace.width(name), name})
		}
	}
	below := 0
	for i, e := range l.edges {
		p.Arrows = append(p.Arrows, l.arrow(i, e))
		below = max(below, l.bus[i])
	}
	for _, g := range l.gutters {
		p.Width = max(p.Width, g.x+g.width())
	}
	if p.Height = l.bottom + 2; below > 0 {
		p.Height += (below + 1) * busHeight
	}
	return p
}

func title(boxes []Box, e boxEdge) string {
	data, control := e.words()
	return strings.Join(boxes[e.from].Lines, " ") + " to " + strings.Join(boxes[e.to].Lines, " ") + ": " + data + "; " + control
}
