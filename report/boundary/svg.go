package boundary

import (
	"fmt"
	"html"
	"strings"
)

// SVG writes the picture, for a page of HTML, with what it shows as a label. It holds no style: its
// elements carry classes (bd-box and the class of the part, bd-name, bd-note,
// bd-head, bd-line, bd-tip, bd-data, bd-control, bd-open where no control is
// named), and its size is its own.
func (p Picture) SVG(label string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bd" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		p.Width, p.Height, p.Width, p.Height, html.EscapeString(label))
	for _, h := range p.Heads {
		h.write(&b, "bd-head")
	}
	for _, a := range p.Arrows {
		a.write(&b)
	}
	for _, x := range p.Boxes {
		x.write(&b)
	}
	b.WriteString("</svg>")
	return b.String()
}

func (t Text) write(b *strings.Builder, class string) {
	if t.Text != "" {
		fmt.Fprintf(b, `<text class="%s" x="%d" y="%d">%s</text>`, class, t.X, t.Y, html.EscapeString(t.Text))
	}
}

func (a Arrow) write(b *strings.Builder) {
	b.WriteString(`<path class="bd-line" d="`)
	for i, p := range a.Points {
		step := "L"
		if i == 0 {
			step = "M"
		}
		fmt.Fprintf(b, "%s%d %d", step, p.X, p.Y)
	}
	n := len(a.Points)
	tip, before := a.Points[n-1], a.Points[n-2]
	back := 7
	if before.X > tip.X {
		back = -7
	}
	fmt.Fprintf(b, `"/><path class="bd-tip" d="M%d %dl%d -4v8z"/>`, tip.X, tip.Y, -back)
	a.Data.write(b, "bd-data")
	class := "bd-control"
	if a.Control.Text == noControl {
		class = "bd-open"
	}
	a.Control.write(b, class)
}

func (x Box) write(b *strings.Builder) {
	round := 4
	if x.Class == People || x.Class == Procedures || x.Class == User {
		round = 14
	}
	fmt.Fprintf(b, `<rect class="bd-box %s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, html.EscapeString(x.Class), x.X, x.Y, x.W, x.H, round)
	h := len(x.Lines) * nameHeight
	if x.Note != "" {
		h += noteHeight
	}
	y := x.Y + (x.H-h)/2 + 13
	for _, line := range x.Lines {
		Text{X: x.X + padding, Y: y, Text: line}.write(b, "bd-name")
		y += nameHeight
	}
	Text{X: x.X + padding, Y: y - 1, Text: x.Note}.write(b, "bd-note")
}
