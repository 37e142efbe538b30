// Package docx writes a service auditor's report as a WordprocessingML document
// (ECMA-376, transitional), from the same attest.Document as the other
// renderers. Every look is a named style, so that a firm restyles the whole
// report with its own template and never by hand.
package docx

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"tieout/report/attest"
)

// epoch is the time every member of the file carries.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Render writes r as a document. The same report gives the same bytes. A report
// in which attest.Check finds a fault is refused with ErrInvalid.
func Render(r attest.Report) ([]byte, error) {
	d, err := attest.Build(r)
	if err != nil {
		return nil, err
	}
	return Write(d, r.Dated)
}

// Write writes a document, be it a report or a letter. dated is its day.
func Write(d *attest.Document, dated string) ([]byte, error) {
	w := newWriter(d)
	w.document()
	var out bytes.Buffer
	if err := pack(&out, w.members(dated)); err != nil {
		return nil, fmt.Errorf("%s as document: %w", d.Title(), err)
	}
	return out.Bytes(), nil
}

// A member is a file within the file.
type member struct{ name, content string }

// pack writes members in order, the content types first as readers of streams
// expect them.
func pack(out io.Writer, members []member) error {
	z := zip.NewWriter(out)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: epoch})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, m.content); err != nil {
			return err
		}
	}
	return z.Close()
}

// A writer builds the document's body and what it refers to.
type writer struct {
	d       *attest.Document
	out     strings.Builder
	marks   int // bookmarks written
	tocs    int // headings that the contents list
	links   []string
	linkIDs map[string]string
	ordered []int // first number of each ordered list; its id is listBase + place
	lists   map[int]list
}

func newWriter(d *attest.Document) *writer {
	return &writer{d: d, linkIDs: map[string]string{}, lists: map[int]list{}}
}

func (w *writer) raw(parts ...string) {
	for _, p := range parts {
		w.out.WriteString(p)
	}
}

// document writes the body: the cover and the contents, then each part as a
// section with a running head of its own.
func (w *writer) document() {
	w.raw(declaration, `<w:document`, namespaces, `><w:body>`)
	if !w.d.Letter {
		w.cover()
		w.contents()
		w.raw(`<w:p><w:pPr>`, sectionEnd(0, true), `</w:pPr></w:p>`)
	}
	for i, p := range w.d.Parts {
		w.part(p)
		if i+1 < len(w.d.Parts) {
			w.raw(`<w:p><w:pPr><w:pStyle w:val="SectionEnd"/>`, sectionEnd(i+1, false), `</w:pPr></w:p>`)
		}
	}
	w.raw(sectionEnd(len(w.d.Parts), false), `</w:body></w:document>`)
}

func (w *writer) part(p attest.Part) {
	w.lists = map[int]list{}
	w.raw(`<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>`)
	w.listed(p.Anchor(), func() {
		w.run(look{char: "SectionLabel"}, p.Label+": ")
		w.run(look{}, p.Title)
	})
	w.raw(`</w:p>`)
	for i, b := range p.Blocks {
		w.block(b, i+1 < len(p.Blocks) && (p.Blocks[i+1].Kind == attest.Grid || p.Blocks[i+1].Kind == attest.Signatory))
	}
}

func (w *writer) members(dated string) []member {
	out := []member{
		{"[Content_Types].xml", w.contentTypes()},
		{"_rels/.rels", rootRels},
		{"docProps/core.xml", w.core(dated)},
		{"docProps/app.xml", w.app()},
		{"docProps/custom.xml", w.custom()},
		{"word/document.xml", w.out.String()},
		{"word/_rels/document.xml.rels", w.documentRels()},
		{"word/styles.xml", styles()},
		{"word/numbering.xml", w.numbering()},
		{"word/settings.xml", settings},
		{"word/fontTable.xml", fontTable},
		{"word/footer.xml", w.footer()},
		{"word/header0.xml", w.header("Contents", 0)},
	}
	for i, p := range w.d.Parts {
		head := p.Label + "   " + p.Running
		if p.Label == p.Running {
			head = p.Label
		}
		out = append(out, member{fmt.Sprintf("word/header%d.xml", i+1), w.header(head, i+1)})
	}
	if w.d.Draft {
		out = append(out, member{"word/headerFirst.xml", w.header("", len(w.d.Parts)+1)})
	} else {
		out = append(out, member{"word/headerFirst.xml", emptyHeader})
	}
	return append(out, member{"word/footerFirst.xml", emptyFooter})
}
