package pdf

import (
	"slices"
	"strings"
	"testing"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// signs is whether a text is the first line of who signs.
func signs(p *page, name string) (y float64, on bool) {
	for _, x := range p.texts {
		if x.s == name && x.look.face == sansBold && x.look.size == signed.size {
			return x.y, true
		}
	}
	return 0, false
}

// TestSignatureIsNotAlone: however long the words before it are, whoever signs
// stands on a page with some of them.
func TestSignatureIsNotAlone(t *testing.T) {
	r := attesttest.TypeII()
	moved := 0
	for n := range 90 {
		r.Closing[0].Text = strings.Repeat("One more line that is long enough to fill about one line of the page here. ", n+1)
		b := layout(t, r)
		for i := range b.pages {
			y, on := signs(b.pages[i], r.Firm.Name)
			if !on || i == 0 {
				continue
			}
			above := slices.ContainsFunc(b.pages[i].texts, func(x text) bool { return x.y > top && x.y < y-10 && x.look.face == serif })
			if !above {
				t.Errorf("%d lines: the signature stands alone on page %d", n, i+1)
			}
			if y < 250 {
				moved++
			}
		}
	}
	if moved == 0 {
		t.Error("no length had the signature come near the head of a page")
	}
}

// TestBandIsNotAlone: below each criterion stands the beginning of its first row.
func TestBandIsNotAlone(t *testing.T) {
	r := attesttest.TypeII()
	for n := range 40 {
		for i := range r.Groups[:6] {
			c := r.Groups[i].Controls[0]
			c.Text = strings.Repeat("It is done as it is written down, and more is written. ", 1+(n+i*7)%9)
			r.Groups[i].Controls = append([]attest.Control{c}, r.Groups[i].Controls[1:]...)
		}
		b := layout(t, r)
		for _, mk := range b.marks {
			if mk.level != 2 || mk.listed {
				continue
			}
			p := b.pages[mk.at.page]
			if !slices.ContainsFunc(p.texts, func(x text) bool { return x.y > mk.at.y+16 && x.y < bottom }) {
				t.Fatalf("length %d, page %d: nothing stands below %q", n, mk.at.page+1, mk.title)
			}
		}
	}
}
