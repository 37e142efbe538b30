package pdf

import (
	"tieout/report/attest"
)

func layCover(m *metrics, d *attest.Document) *page {
	f := newFlow(m)
	f.turn()
	p, c := f.page(), d.Cover
	p.head = ""
	f.y = 96
	say := func(s string, k look, width, after float64) {
		for _, l := range m.set([]attest.Run{{Text: s}}, k, width) {
			p.paint(l, left, f.y)
			f.y += l.lead
		}
		f.y += after
	}
	p.fills = append(p.fills, fill{left, 78, 46, 4, accent})
	say(c.Type, look{sansBold, 12, 16, accent}, right-left, 54)
	say(c.Client, look{serifBold, 32, 39, black}, right-left, 8)
	say(c.System, look{serif, 19, 25, grey}, right-left-40, 44)
	say(c.Title, look{serif, 13, 19, black}, 380, 26)
	p.strokes = append(p.strokes, stroke{left, f.y, left + 380, f.y, 0.5, strokes})
	f.y += 18
	for _, fact := range [][2]string{{"Dates", c.Dates}, {"Examined", c.Scope}, {"Service auditor", c.Firm}, {"Report", d.ID}} {
		if fact[1] == "" {
			continue
		}
		p.put(left, f.y, look{sans, 9, 15, pale}, fact[0])
		for _, l := range m.set([]attest.Run{{Text: fact[1]}}, look{sans, 10, 15, black}, 290) {
			p.paint(l, left+90, f.y)
			f.y += l.lead
		}
		f.y += 5
	}
	f.y = max(f.y+30, 640)
	for _, n := range c.Notes {
		k := look{sans, 9, 13, grey}
		if d.Draft && n == c.Notes[0] {
			k.ink, k.face = alarm, sansBold
		}
		say(n, k, 400, 4)
	}
	return p
}

// layContents sets the contents; before is how many pages are before the first
// part.
func layContents(m *metrics, marks []mark, before int) []*page {
	f := newFlow(m)
	f.head = "Contents"
	f.turn()
	f.page().put(left, f.y+18, look{serifBold, 21, 27, black}, "Contents")
	f.y += 56
	for i, mk := range marks {
		if !mk.listed {
			continue
		}
		k, x := look{sansBold, 9.5, 14, black}, left
		if mk.level > 0 {
			k, x = look{serif, 10, 13, black}, left+16
		}
		lines := m.set([]attest.Run{{Text: mk.title}}, k, right-x-50)
		lead := 0.0
		if mk.level == 0 {
			lead = 9
		}
		f.room(lead + height(lines) + 3)
		if f.y > top {
			f.y += lead
		}
		f.entry(lines, x, itoa(mk.at.page+before+1), markAnchor(i), mk.level == 0)
	}
	return f.pages
}

func (f *flow) entry(lines []line, x float64, number, to string, ruled bool) {
	p, from := f.page(), f.y
	for _, l := range lines {
		p.paint(l, x, f.y)
		f.y += l.lead
	}
	k := look{sans, 9.5, 14, black}
	p.put(right-f.m.width(k.face, k.size, number), f.y-14, k, number)
	p.links = append(p.links, link{x: x, y: from, w: right - x, h: f.y - from, to: to})
	if ruled {
		f.y += 3
		p.strokes = append(p.strokes, stroke{left, f.y, right, f.y, 0.5, hair})
		f.y++
	}
	f.y += 2
}
