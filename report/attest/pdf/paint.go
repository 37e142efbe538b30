package pdf

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"tieout/audit"
	"tieout/report/attest"
)

// measured are the fonts' metrics, read once.
var measured = sync.OnceValues(func() (*metrics, error) {
	doc := fpdf.New("P", "pt", "Letter", "")
	if err := addFonts(doc); err != nil {
		return nil, err
	}
	return readMetrics(doc), doc.Error()
})

// A book is the whole report as pages, numbered.
type book struct {
	doc     *attest.Document
	pages   []*page
	anchors map[string]place
	marks   []mark
}

// lay sets a document: cover, contents, parts; of a letter the parts alone.
func lay(d *attest.Document) (*book, error) {
	m, err := measured()
	if err != nil {
		return nil, fmt.Errorf("fonts of the report: %w", err)
	}
	f := newFlow(m)
	for _, p := range d.Parts {
		f.part(p)
	}
	b, before := &book{doc: d, anchors: map[string]place{}}, 0
	if !d.Letter {
		before = 1 + len(layContents(m, f.marks, 0))
		b.pages = append(append(b.pages, layCover(m, d)), layContents(m, f.marks, before)...)
	}
	b.pages = append(b.pages, f.pages...)
	for name, at := range f.anchors {
		b.anchors[name] = place{at.page + before, at.y}
	}
	for i, mk := range f.marks {
		mk.at.page += before
		mk.anchor = markAnchor(i)
		b.anchors[mk.anchor] = mk.at
		b.marks = append(b.marks, mk)
	}
	b.furnish(m)
	return b, nil
}

func markAnchor(i int) string { return "mark-" + itoa(i) }

// furnish gives every page its running head and foot, and a draft its mark.
func (b *book) furnish(m *metrics) {
	for i, p := range b.pages {
		if b.doc.Draft {
			p.texts = append([]text{{x: -1, look: look{serifBold, 130, 0, ghost}, s: "DRAFT"}}, p.texts...)
		}
		if p.head != "" {
			b.runningHead(m, p)
		}
		b.foot(m, p, i)
	}
}

func (b *book) runningHead(m *metrics, p *page) {
	k := look{sans, 8, 11, grey}
	p.put(left, 42, k, m.showable(k.face, p.head))
	who := m.cut(k, m.showable(k.face, b.doc.Client+" · "+b.doc.System), 300)
	p.put(right-m.width(k.face, k.size, who), 42, k, who)
	p.strokes = append(p.strokes, stroke{left, 58, right, 58, 0.5, strokes})
}

func (b *book) foot(m *metrics, p *page, i int) {
	k := look{sans, 8, 11, pale}
	p.strokes = append(p.strokes, stroke{left, 742, right, 742, 0.5, strokes})
	p.put(left, 748, look{mono, 7.5, 11, pale}, b.doc.ID+"  "+attest.Short(b.doc.Digest))
	number := fmt.Sprintf("Page %d of %d", i+1, len(b.pages))
	p.put(right-m.width(k.face, k.size, number), 748, k, number)
	if b.doc.Draft {
		k.ink, k.face = alarm, sansBold
		const s = "Draft for factual review"
		p.put((sheetWidth-m.width(k.face, k.size, s))/2, 748, k, s)
	}
}

// cut shortens s to a width, with an ellipsis.
func (m *metrics) cut(k look, s string, width float64) string {
	if m.width(k.face, k.size, s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && m.width(k.face, k.size, string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// print paints a book with fpdf. The same book gives the same bytes.
func (b *book) print(dated time.Time) ([]byte, error) {
	doc := fpdf.New("P", "pt", "Letter", "")
	doc.SetCatalogSort(true)
	doc.SetCreationDate(dated)
	doc.SetModificationDate(dated)
	doc.SetAutoPageBreak(false, 0)
	doc.SetMargins(0, 0, 0)
	doc.SetTitle(b.doc.Title(), true)
	doc.SetAuthor(b.doc.Firm, true)
	doc.SetSubject(b.doc.ID+" "+b.doc.Digest, true)
	doc.SetProducer("Tieout", true)
	doc.SetLang("en-US")
	if err := addFonts(doc); err != nil {
		return nil, fmt.Errorf("fonts of the report: %w", err)
	}
	links := b.declare(doc)
	for i, p := range b.pages {
		doc.AddPage()
		b.bookmarks(doc, i)
		p.print(doc, links)
	}
	var out bytes.Buffer
	if err := doc.Output(&out); err != nil {
		return nil, fmt.Errorf("%w: print the report: %w", audit.ErrInvalid, err)
	}
	return out.Bytes(), nil
}

// declare gives every anchor that is linked to a link of fpdf, in the order of
// the pages.
func (b *book) declare(doc *fpdf.Fpdf) map[string]int {
	links := map[string]int{}
	for _, p := range b.pages {
		for _, l := range p.links {
			at, known := b.anchors[l.to]
			if l.to == "" || !known || links[l.to] != 0 {
				continue
			}
			id := doc.AddLink()
			doc.SetLink(id, max(0, at.y-24), at.page+1)
			links[l.to] = id
		}
	}
	return links
}

// bookmarks adds the outline's lines of page i, levels without gaps.
func (b *book) bookmarks(doc *fpdf.Fpdf, i int) {
	level := -1
	for n, mk := range b.marks {
		if n > 0 && mk.at.page < i {
			level = min(mk.level, level+1)
			continue
		}
		level = min(mk.level, level+1)
		if mk.at.page == i {
			doc.Bookmark(mk.title, level, max(0, mk.at.y-24))
		}
	}
}

func (p *page) print(doc *fpdf.Fpdf, links map[string]int) {
	for _, f := range p.fills {
		doc.SetFillColor(f.ink.r, f.ink.g, f.ink.b)
		doc.Rect(f.x, f.y, f.w, f.h, "F")
	}
	for _, s := range p.strokes {
		doc.SetDrawColor(s.ink.r, s.ink.g, s.ink.b)
		doc.SetLineWidth(s.width)
		doc.Line(s.x1, s.y1, s.x2, s.y2)
	}
	for _, t := range p.texts {
		f := faces[t.look.face]
		doc.SetFont(f.family, f.style, t.look.size)
		doc.SetTextColor(t.look.ink.r, t.look.ink.g, t.look.ink.b)
		if t.x < 0 {
			across(doc, t)
			continue
		}
		doc.Text(t.x, t.y, t.s)
	}
	for _, l := range p.links {
		if id := links[l.to]; id != 0 {
			doc.Link(l.x, l.y, l.w, l.h, id)
		} else if l.url != "" {
			doc.LinkString(l.x, l.y, l.w, l.h, l.url)
		}
	}
}

// across paints words from corner to corner of the sheet.
func across(doc *fpdf.Fpdf, t text) {
	doc.TransformBegin()
	doc.TransformRotate(52, sheetWidth/2, sheetHeight/2)
	doc.Text((sheetWidth-doc.GetStringWidth(t.s))/2, sheetHeight/2+45, t.s)
	doc.TransformEnd()
}
