package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tieout/report/attest"
)

// A seg is words of one look within a line.
type seg struct {
	x    float64
	look look
	s    string
	to   string
	url  string
	w    float64
}

// A line is what fits beside each other; gap is space above it.
type line struct {
	segs []seg
	size float64 // of its usual words: all stand on their baseline
	lead float64
	gap  float64
}

// styled is a run with the look it gets.
type styled struct {
	run  attest.Run
	look look
}

func (m *metrics) style(runs []attest.Run, base look) []styled {
	out := make([]styled, 0, len(runs))
	for _, r := range runs {
		k := base
		if r.Strong {
			k.face = k.face.strong()
		}
		if r.Italic {
			k.face = k.face.italic()
		}
		if r.Code {
			k.face, k.size = mono, base.size*0.86
		}
		if r.To != "" || r.Link != "" {
			k.ink = accent
		}
		r.Text = m.showable(k.face, r.Text)
		out = append(out, styled{r, k})
	}
	return out
}

// A setter fills lines of one width.
type setter struct {
	m     *metrics
	width float64
	size  float64
	lead  float64
	out   []line
	cur   []seg
	x     float64
}

// set breaks runs into lines of at most width. A word that is wider is broken
// where it has to be.
func (m *metrics) set(runs []attest.Run, base look, width float64) []line {
	s := setter{m: m, width: width, size: base.size, lead: base.lead}
	var word []seg
	w := 0.0
	for _, r := range m.style(runs, base) {
		rest := r.run.Text
		for rest != "" {
			if rest[0] == ' ' {
				s.word(word, w)
				word, w = nil, 0
				s.space(r)
				rest = strings.TrimLeft(rest, " ")
				continue
			}
			n := wordEnd(rest)
			piece := seg{look: r.look, s: rest[:n], to: r.run.To, url: r.run.Link, w: m.width(r.look.face, r.look.size, rest[:n])}
			word, w = append(word, piece), w+piece.w
			if rest = rest[n:]; rest != "" && rest[0] != ' ' {
				s.word(word, w)
				word, w = nil, 0
			}
		}
	}
	s.word(word, w)
	s.flush()
	return s.out
}

// wordEnd is where a word ends: at a space, or behind a hyphen or slash between
// two lower-case words.
func wordEnd(s string) int {
	for i, r := range s {
		if r == ' ' {
			return i
		}
		if (r == '-' || r == '/') && i > 2 && i+1 < len(s) {
			before, _ := utf8.DecodeLastRuneInString(s[:i])
			after, _ := utf8.DecodeRuneInString(s[i+1:])
			if unicode.IsLower(before) && unicode.IsLower(after) {
				return i + 1
			}
		}
	}
	return len(s)
}

func (s *setter) space(r styled) {
	if len(s.cur) == 0 {
		return
	}
	w := s.m.width(r.look.face, r.look.size, " ")
	last := &s.cur[len(s.cur)-1]
	if last.look == r.look && last.to == r.run.To && last.url == r.run.Link {
		last.s += " "
		last.w += w
	}
	s.x += w
}

func (s *setter) word(word []seg, w float64) {
	if len(word) == 0 {
		return
	}
	if s.x+w > s.width && len(s.cur) > 0 {
		s.flush()
	}
	if w > s.width {
		s.chop(word)
		return
	}
	for _, p := range word {
		s.add(p)
	}
}

func (s *setter) add(p seg) {
	if n := len(s.cur); n > 0 {
		last := &s.cur[n-1]
		if last.look == p.look && last.to == p.to && last.url == p.url && last.x+last.w > s.x-0.01 {
			last.s += p.s
			last.w += p.w
			s.x += p.w
			return
		}
	}
	p.x = s.x
	s.cur = append(s.cur, p)
	s.x += p.w
}

// chop breaks a word that is wider than a line between characters.
func (s *setter) chop(word []seg) {
	for _, p := range word {
		for _, r := range p.s {
			one := p
			one.s = string(r)
			one.w = s.m.width(p.look.face, p.look.size, one.s)
			if s.x+one.w > s.width && len(s.cur) > 0 {
				s.flush()
			}
			s.add(one)
		}
	}
}

func (s *setter) flush() {
	if len(s.cur) == 0 {
		return
	}
	last := &s.cur[len(s.cur)-1]
	last.s = strings.TrimRight(last.s, " ")
	last.w = s.m.width(last.look.face, last.look.size, last.s)
	s.out = append(s.out, line{segs: s.cur, size: s.size, lead: s.lead})
	s.cur, s.x = nil, 0
}

// paint puts a line on a page, its top at y.
func (p *page) paint(l line, x, y float64) {
	for _, s := range l.segs {
		p.texts = append(p.texts, text{x: x + s.x, y: baseline(y, l.lead, l.size), look: s.look, s: s.s})
		if s.to != "" || s.url != "" {
			p.links = append(p.links, link{x: x + s.x, y: y, w: s.w, h: l.lead, to: s.to, url: s.url})
		}
	}
}

// paintRight puts a line at the right end of a column of the given width.
func (p *page) paintRight(l line, x, y, width float64) {
	end := 0.0
	for _, s := range l.segs {
		end = max(end, s.x+s.w)
	}
	p.paint(l, x+width-end, y)
}

func height(lines []line) float64 {
	h := 0.0
	for _, l := range lines {
		h += l.gap + l.lead
	}
	return h
}
