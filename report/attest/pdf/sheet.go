package pdf

import "strconv"

// The sheet is US Letter, in points from its upper left corner.
const (
	sheetWidth  = 612.0
	sheetHeight = 792.0
	left        = 60.0
	right       = sheetWidth - 60
	indent      = 56.0 // of prose
	top         = 88.0
	bottom      = 724.0
)

// An ink is a color.
type ink struct{ r, g, b int }

// The colors of UX.md section 9, on paper.
var (
	black   = ink{0x13, 0x18, 0x20}
	grey    = ink{0x43, 0x4d, 0x5c}
	pale    = ink{0x5d, 0x68, 0x78}
	hair    = ink{0xe1, 0xe5, 0xeb}
	strokes = ink{0xc6, 0xcd, 0xd7}
	sunk    = ink{0xf2, 0xf4, 0xf7}
	accent  = ink{0x1c, 0x4f, 0x8f}
	alarm   = ink{0xa4, 0x2a, 0x13}
	ghost   = ink{0xf0, 0xee, 0xec}
)

// A look is how a line of text is set.
type look struct {
	face face
	size float64
	lead float64 // from one baseline to the next
	ink  ink
}

// A text is words at a place: x and its baseline y.
type text struct {
	x, y float64
	look look
	s    string
}

// A stroke is a horizontal or vertical rule.
type stroke struct {
	x1, y1, x2, y2, width float64
	ink                   ink
}

// A fill is a filled rectangle.
type fill struct {
	x, y, w, h float64
	ink        ink
}

// A link is a rectangle that leads to an anchor or an address.
type link struct {
	x, y, w, h float64
	to, url    string
}

// A page is everything on one, in the order in which it is painted: fills,
// strokes, texts.
type page struct {
	fills   []fill
	strokes []stroke
	texts   []text
	links   []link
	head    string // running head; "" on the cover
}

// A place is a page, from 0, and a height on it.
type place struct {
	page int
	y    float64
}

// A mark is a line of the outline, and of the contents where listed.
type mark struct {
	level  int
	title  string
	at     place
	anchor string
	listed bool
}

// A flow sets blocks one under the other over pages.
type flow struct {
	m       *metrics
	pages   []*page
	y       float64 // where the next block begins
	head    string
	outside bool // of the sections: its headings are not in the contents
	anchors map[string]place
	marks   []mark
}

func newFlow(m *metrics) *flow { return &flow{m: m, anchors: map[string]place{}} }

func (f *flow) page() *page { return f.pages[len(f.pages)-1] }

// turn begins a page.
func (f *flow) turn() {
	f.pages = append(f.pages, &page{head: f.head})
	f.y = top
}

// room makes sure that so much is left of the page.
func (f *flow) room(height float64) {
	if f.y+height > bottom && f.y > top {
		f.turn()
	}
}

func (f *flow) here() place { return place{len(f.pages) - 1, f.y} }

func (f *flow) anchor(name string) {
	if name != "" {
		if _, ok := f.anchors[name]; !ok {
			f.anchors[name] = f.here()
		}
	}
}

// put sets one line of words at x with its top at y.
func (p *page) put(x, y float64, k look, s string) {
	p.texts = append(p.texts, text{x: x, y: baseline(y, k.lead, k.size), look: k, s: s})
}

// baseline is where words of a size stand in a line whose top is at y.
func baseline(y, lead, size float64) float64 { return y + lead/2 + size*0.35 }

func itoa(n int) string { return strconv.Itoa(n) }
