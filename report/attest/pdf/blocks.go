package pdf

import (
	"tieout/report/attest"
)

// The looks of prose.
var (
	prose   = look{serif, 10.5, 15, black}
	notice  = look{serif, 10.5, 15, black}
	quiet   = look{sans, 8, 11.5, pale}
	code    = look{mono, 8.5, 12.5, black}
	signed  = look{sans, 9.5, 14, black}
	heads   = [...]look{{}, {sansBold, 13, 18, black}, {sansBold, 10.5, 15, black}, {sansBold, 9.5, 14, grey}}
	above   = [...]float64{0, 20, 13, 9}
	below   = [...]float64{0, 7, 4, 3}
	proseX  = left + indent
	measure = right - proseX - 20
)

const between = 7.0 // paragraphs

// part sets a part from the top of a new page.
func (f *flow) part(p attest.Part) {
	f.head = p.Label + "   " + p.Running
	if p.Label == p.Running {
		f.head = p.Label
	}
	f.outside = p.Kind == attest.Annexed
	f.turn()
	f.anchor(p.Anchor())
	f.marks = append(f.marks, mark{level: 0, title: p.Label + ": " + p.Title, at: f.here(), anchor: p.Anchor(), listed: true})
	f.page().put(left, f.y, look{sansBold, 9, 12, accent}, p.Label)
	f.y += 18
	for _, l := range f.m.set([]attest.Run{{Text: p.Title}}, look{serifBold, 21, 27, black}, right-left-40) {
		f.page().paint(l, left, f.y)
		f.y += l.lead
	}
	f.y += 10
	f.page().strokes = append(f.page().strokes, stroke{left, f.y, right, f.y, 1, black})
	f.y += 18
	for i, b := range p.Blocks {
		f.block(b, p.Blocks[i+1:])
	}
}

// block sets b; after are the blocks behind it, which a heading stays with.
func (f *flow) block(b attest.Block, after []attest.Block) {
	switch b.Kind {
	case attest.Heading:
		f.heading(b, after)
	case attest.Code:
		f.code(b)
	case attest.Rule:
		f.room(20)
		f.page().strokes = append(f.page().strokes, stroke{proseX, f.y + 6, proseX + measure, f.y + 6, 0.5, strokes})
		f.y += 16
	case attest.Grid:
		f.grid(b.Table)
	case attest.Signatory:
		f.signatory(b)
	default:
		if f.anchorsTable(b, after) {
			f.room(f.least(append([]attest.Block{b}, after...)))
		}
		f.paragraph(b, f.signing(after))
	}
}

// signing is the height of the signatory behind a paragraph, which does not stand
// alone on its page; 0 where none is behind it.
func (f *flow) signing(after []attest.Block) float64 {
	if len(after) == 0 || after[0].Kind != attest.Signatory {
		return 0
	}
	return between + signatoryHeight(after[0])
}

func signatoryHeight(b attest.Block) float64 { return 34 + float64(len(b.Lines))*signed.lead }

// anchorsTable reports whether b is a few words that lead to the table behind it.
func (f *flow) anchorsTable(b attest.Block, after []attest.Block) bool {
	return b.Kind != attest.Grid && len(after) > 0 && after[0].Kind == attest.Grid && len(f.m.set(b.Runs, prose, measure)) <= 4
}

func (f *flow) heading(b attest.Block, after []attest.Block) {
	level := max(1, min(3, b.Level))
	lines := f.m.set(b.Runs, heads[level], right-proseX)
	h := above[level] + height(lines) + below[level]
	f.room(h + f.least(after))
	if f.y > top {
		f.y += above[level]
	}
	f.anchor(b.Anchor)
	title := ""
	for _, r := range b.Runs {
		title += r.Text
	}
	if level < 3 {
		f.marks = append(f.marks, mark{level: level, title: title, at: f.here(), anchor: b.Anchor, listed: level == 1 && !f.outside})
	}
	for _, l := range lines {
		f.page().paint(l, proseX, f.y)
		f.y += l.lead
	}
	f.y += below[level]
}

// least is how much of what comes behind a heading has to be on its page.
func (f *flow) least(after []attest.Block) float64 {
	if len(after) == 0 {
		return 0
	}
	switch b := after[0]; b.Kind {
	case attest.Heading:
		level := max(1, min(3, b.Level))
		return above[level] + heads[level].lead + below[level] + f.least(after[1:])
	case attest.Grid:
		return 110
	case attest.Signatory:
		return 90
	}
	if f.anchorsTable(after[0], after[1:]) {
		return 4*prose.lead + 110
	}
	if sign := f.signing(after[1:]); sign > 0 {
		if n := len(f.m.set(after[0].Runs, prose, measure)); n < 2*withSignatory {
			return float64(n)*prose.lead + sign
		}
	}
	return 3 * prose.lead
}

// withSignatory is how many lines of a paragraph stand on a signatory's page at
// least. A paragraph of less than twice as many is not parted before it.
const withSignatory = 3

// beside is how many of the lines that would fit are set on this page, so that a
// signatory of some height behind them is not alone on the next one.
func (f *flow) beside(lines []line, n int, signatory float64) int {
	switch {
	case signatory == 0 || n < len(lines) || f.y+height(lines)+signatory <= bottom:
		return n
	case len(lines) >= 2*withSignatory:
		return len(lines) - withSignatory
	case f.y > top:
		return 0
	}
	return n
}

// paragraph sets b; signatory is the height of what is kept with its last lines.
func (f *flow) paragraph(b attest.Block, signatory float64) {
	k, x, width := prose, proseX, measure
	depth := float64(min(b.Level, 8))
	if b.Style == attest.Quiet {
		k = quiet
	}
	if depth > 0 {
		x += depth*16 - 2
		width -= depth*16 - 2
	}
	bar := b.Kind == attest.Notice
	if bar {
		x, width, k = x+12, width-12, notice
	}
	lines := f.m.set(b.Runs, k, width)
	f.anchor(b.Anchor)
	first := true
	for len(lines) > 0 {
		n := f.beside(lines, f.fit(lines), signatory)
		y := f.y
		for _, l := range lines[:n] {
			if first && b.Mark != "" {
				f.hang(b.Mark, k, x)
			}
			f.page().paint(l, x, f.y)
			f.y += l.lead
			first = false
		}
		if bar && n > 0 {
			f.page().fills = append(f.page().fills, fill{x - 12, y + 1, 2, f.y - y - 2, accent})
		}
		if lines = lines[n:]; len(lines) > 0 {
			f.turn()
		}
	}
	f.y += between
	if b.Kind == attest.Item {
		f.y -= 3
	}
}

// hang puts a list's mark before the line.
func (f *flow) hang(mark string, k look, x float64) {
	w := f.m.width(k.face, k.size, mark)
	f.page().put(x-5-max(w, 7), f.y, k, f.m.showable(k.face, mark))
}

// fit is how many lines go on the page: never the first alone, nor all but the
// last.
func (f *flow) fit(lines []line) int {
	n, y := 0, f.y
	for n < len(lines) && y+lines[n].lead <= bottom+0.01 {
		y += lines[n].lead
		n++
	}
	if n == len(lines) {
		return n
	}
	if len(lines)-n == 1 && n > 2 {
		n--
	}
	if n == 1 && f.y > top {
		return 0
	}
	if n == 0 && f.y <= top {
		return 1 // higher than a page: it is set all the same
	}
	return n
}

func (f *flow) code(b attest.Block) {
	x, width := proseX, measure
	for _, raw := range b.Lines {
		lines := f.m.set([]attest.Run{{Text: keepSpaces(raw)}}, code, width-20)
		if len(lines) == 0 {
			lines = []line{{lead: code.lead}}
		}
		for _, l := range lines {
			f.room(l.lead)
			f.page().fills = append(f.page().fills, fill{x, f.y, width, l.lead + 0.3, sunk})
			f.page().paint(l, x+10, f.y)
			f.y += l.lead
		}
	}
	f.y += between + 2
}

// keepSpaces makes the spaces at the start of a line of code ones that stay.
func keepSpaces(s string) string {
	n := 0
	for n < len(s) && s[n] == ' ' {
		n++
	}
	out := ""
	for range n {
		out += "\u00a0"
	}
	return out + s[n:]
}

func (f *flow) signatory(b attest.Block) {
	f.room(signatoryHeight(b))
	f.y += 26
	f.page().strokes = append(f.page().strokes, stroke{proseX, f.y, proseX + 230, f.y, 0.75, black})
	f.y += 6
	for i, s := range b.Lines {
		k := signed
		if i == 0 {
			k.face = sansBold
		}
		for _, l := range f.m.set([]attest.Run{{Text: s}}, k, measure) {
			f.page().paint(l, proseX, f.y)
			f.y += l.lead
		}
	}
	f.y += 14
}
