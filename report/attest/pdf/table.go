package pdf

import (
	"tieout/report/attest"
)

// The looks of tables.
var (
	headCell = look{sansBold, 7.5, 10, grey}
	bandCell = look{sans, 8.5, 12, black}
	cellText = map[attest.Style]look{
		attest.Plain:  {sans, 8.5, 12, black},
		attest.Stated: {serif, 9.5, 12.5, black},
		attest.Ref:    {mono, 7.8, 12, black},
		attest.Quiet:  {sans, 7.5, 10.5, pale},
		attest.Strong: {sansBold, 8.5, 12, black},
	}
	goesOn = look{sansItalic, 7.5, 10.5, pale}
)

const (
	gutter   = 12.0 // between columns
	padding  = 5.0  // above and below a row's words
	shortest = 4    // lines a row is split into at least
)

// A grid is a table being set.
type grid struct {
	f     *flow
	t     *attest.Table
	x     []float64
	width []float64
	band  *attest.Row // the one the rows stand under
	mark  string      // what the row being set belongs to
}

// rowLines are a row's cells as lines. under is whether the row below stands
// beside the same first cell, joined whether this one does.
type rowLines struct {
	cells         [][]line
	joined, under bool
}

func (f *flow) grid(t *attest.Table) {
	g := &grid{f: f, t: t}
	g.columns()
	rows := g.lines()
	if len(rows) == 0 {
		return
	}
	f.room(g.headHeight() + 2*padding + 60)
	if f.y > top {
		f.y += 4
	}
	g.head()
	for i := range t.Rows {
		if t.Rows[i].Band {
			g.setBand(i, rows)
			continue
		}
		if !rows[i].joined {
			g.mark = t.Rows[i].Mark
		}
		g.row(t.Rows[i].Anchor, rows[i])
	}
	f.y += 14
}

func (g *grid) columns() {
	total := 0
	for _, c := range g.t.Columns {
		total += max(1, c.Share)
	}
	space := right - left - gutter*float64(len(g.t.Columns)-1)
	x := left
	for _, c := range g.t.Columns {
		w := space * float64(max(1, c.Share)) / float64(total)
		g.x, g.width = append(g.x, x), append(g.width, w)
		x += w + gutter
	}
}

// lines sets every cell, and shares the lines of a cell beside several rows out
// among them.
func (g *grid) lines() []rowLines {
	out := make([]rowLines, len(g.t.Rows))
	for i, r := range g.t.Rows {
		for j, c := range r.Cells {
			width := right - left - 16
			if !r.Band {
				width = g.width[min(j, len(g.width)-1)]
			}
			out[i].cells = append(out[i].cells, g.cell(c, width, r.Band))
		}
		out[i].joined = len(r.Cells) > 0 && r.Cells[0].Joined
	}
	for i, r := range g.t.Rows {
		if len(r.Cells) > 0 && r.Cells[0].Rows > 1 {
			share(out[i:min(len(out), i+r.Cells[0].Rows)])
		}
	}
	return out
}

// overhang is how much higher than its row a cell beside several may be before
// its lines go on beside the next.
const overhang = 90.0

// share moves the lines of the first row's first cell that do not fit beside the
// row down to the next ones.
func share(rows []rowLines) {
	rest := rows[0].cells[0]
	if height(rest)+2*padding <= tall(rowLines{cells: rows[0].cells[1:]})+overhang {
		for i := range rows {
			rows[i].under = i+1 < len(rows)
		}
		return
	}
	for i := range rows {
		rows[i].under = i+1 < len(rows)
		if i+1 == len(rows) {
			rows[i].cells[0] = rest
			return
		}
		beside := 0.0
		for _, c := range rows[i].cells[1:] {
			beside = max(beside, height(c)+2*padding)
		}
		n, h := 0, 0.0
		for n < len(rest) && h+rest[n].gap+rest[n].lead <= beside {
			h += rest[n].gap + rest[n].lead
			n++
		}
		rows[i].cells[0], rest = rest[:n], rest[n:]
	}
}

func (g *grid) cell(c attest.Cell, width float64, band bool) []line {
	var out []line
	for i, p := range c.Paras {
		k := cellText[p.Style]
		if band {
			k = bandCell
		}
		lines := g.f.m.set(p.Runs, k, width)
		if i > 0 && len(lines) > 0 {
			lines[0].gap = 3
		}
		out = append(out, lines...)
	}
	return out
}

func (g *grid) headHeight() float64 {
	h := 0.0
	for i, c := range g.t.Columns {
		h = max(h, height(g.f.m.set([]attest.Run{{Text: c.Title}}, headCell, g.width[i])))
	}
	return h + 8
}

// head paints the columns' titles.
func (g *grid) head() {
	h := g.headHeight()
	p := g.f.page()
	for i, c := range g.t.Columns {
		lines := g.f.m.set([]attest.Run{{Text: c.Title}}, headCell, g.width[i])
		y := g.f.y + h - 4 - height(lines)
		for _, l := range lines {
			if c.Right {
				p.paintRight(l, g.x[i], y, g.width[i])
			} else {
				p.paint(l, g.x[i], y)
			}
			y += l.lead
		}
	}
	g.f.y += h
	p.strokes = append(p.strokes, stroke{left, g.f.y, right, g.f.y, 0.75, grey})
}

// setBand paints a band on a page on which the row below it begins too.
func (g *grid) setBand(i int, rows []rowLines) {
	r := &g.t.Rows[i]
	space := bottom - g.f.y - height(rows[i].cells[0]) - 2*padding
	alone := space < 0 || i+1 < len(rows) && !g.t.Rows[i+1].Band && !begins(rows[i+1], space)
	if alone && g.f.y > top+g.headHeight() {
		g.turn(false)
	}
	g.band = r
	g.f.anchor(r.Anchor)
	if r.Anchor != "" && r.Mark != "" {
		g.f.marks = append(g.f.marks, mark{level: 2, title: r.Mark, at: g.f.here()})
	}
	g.paintBand(rows[i].cells[0])
}

func (g *grid) paintBand(lines []line) {
	p := g.f.page()
	h := height(lines) + 2*padding
	p.fills = append(p.fills, fill{left, g.f.y, right - left, h, sunk})
	y := g.f.y + padding
	for _, l := range lines {
		y += l.gap
		p.paint(l, left+8, y)
		y += l.lead
	}
	g.f.y += h
}

func tall(r rowLines) float64 {
	h := 0.0
	for _, c := range r.cells {
		h = max(h, height(c))
	}
	return h + 2*padding
}

// turn begins a page with the head again and, within a band, says what goes on.
func (g *grid) turn(within bool) {
	g.f.turn()
	g.head()
	if !within || g.band == nil {
		return
	}
	runs := []attest.Run{{Text: g.band.Mark, Strong: true}, {Text: " (continued)", Italic: true}}
	g.paintBand(g.f.m.set(runs, bandCell, right-left-16))
}

// keepWhole is how high a row is at most that is never split.
const keepWhole = 150.0

// begins reports whether a row is begun in a space: it fits, or is long and a part
// of it does that can be read as one.
func begins(r rowLines, space float64) bool {
	if tall(r) <= space {
		return true
	}
	_, _, ok := split(r, space-2*padding)
	return ok && tall(r) > keepWhole
}

// row sets one row, split where it does not fit and is long.
func (g *grid) row(anchor string, r rowLines) {
	for fresh := false; ; fresh = true {
		space := bottom - g.f.y
		head, tail, ok := split(r, space-2*padding)
		if tall(r) <= space || fresh && !ok {
			g.f.anchor(anchor)
			g.paintRow(r)
			return
		}
		if fresh || begins(r, space) { // a fresh page takes what it can of a row that fits no page
			g.f.anchor(anchor)
			head.under = true
			g.paintRow(head)
			r = tail
		}
		g.turn(true)
		if r.joined && g.mark != "" && len(r.cells[0]) == 0 {
			r.cells[0] = g.f.m.set([]attest.Run{{Text: g.mark + " (continued)"}}, goesOn, g.width[0])
		}
	}
}

// split cuts a row at a height; ok is false where a part would be too short to
// be read as one.
func split(r rowLines, space float64) (head, tail rowLines, ok bool) {
	most, left := 0, 0
	for _, c := range r.cells {
		n, h := 0, 0.0
		for n < len(c) && h+c[n].gap+c[n].lead <= space {
			h += c[n].gap + c[n].lead
			n++
		}
		if len(c)-n == 1 && n > 2 {
			n--
		}
		head.cells, tail.cells = append(head.cells, c[:n]), append(tail.cells, c[n:])
		most, left = max(most, n), max(left, len(c)-n)
	}
	head.joined, tail.under, tail.joined = r.joined, r.under, true
	return head, tail, most >= shortest && left >= 1
}

func (g *grid) paintRow(r rowLines) {
	p, h := g.f.page(), tall(r)
	for i, c := range r.cells {
		y := g.f.y + padding
		for n, l := range c {
			if n > 0 {
				y += l.gap
			}
			if i < len(g.t.Columns) && g.t.Columns[i].Right {
				p.paintRight(l, g.x[i], y, g.width[i])
			} else {
				p.paint(l, g.x[min(i, len(g.x)-1)], y)
			}
			y += l.lead
		}
	}
	g.f.y += h
	from := left
	if r.under && len(g.x) > 1 {
		from = g.x[1]
	}
	p.strokes = append(p.strokes, stroke{from, g.f.y, right, g.f.y, 0.5, hair})
}
