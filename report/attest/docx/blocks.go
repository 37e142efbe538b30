package docx

import (
	"fmt"
	"strings"

	"tieout/report/attest"
)

// keepNext keeps a paragraph on the page of the next.
const keepNext = `<w:keepNext/>`

// block writes b. lead says that b is followed by a table or by who signs, which its
// words stay with.
func (w *writer) block(b attest.Block, lead bool) {
	if b.Kind != attest.Item && b.Level == 0 || b.Kind == attest.Heading {
		w.lists = map[int]list{}
	}
	more := ""
	if lead {
		more = keepNext
	}
	switch b.Kind {
	case attest.Heading:
		w.heading(b)
	case attest.Item:
		w.item(b)
	case attest.Code:
		w.lines(b)
	case attest.Rule:
		w.paragraph("Rule", "", b.Anchor, func() {})
	case attest.Grid:
		w.table(b.Table)
	case attest.Signatory:
		w.signatory(b.Lines)
	case attest.Notice:
		w.paragraph("Notice", more+inward(b.Level), b.Anchor, func() { w.runs(b.Runs) })
	default:
		w.paragraph(proseStyle(b), more+inward(b.Level), b.Anchor, func() { w.runs(b.Runs) })
	}
}

func proseStyle(b attest.Block) string {
	if b.Style == attest.Quiet {
		return "Quiet"
	}
	return "BodyText"
}

// inward is the indent of a paragraph under so many lists.
func inward(level int) string {
	if level <= 0 {
		return ""
	}
	return fmt.Sprintf(`<w:ind w:left="%d"/>`, step*min(level, 9))
}

// heading writes one of a part: the part's own title is the first level.
func (w *writer) heading(b attest.Block) {
	level := 1 + max(1, min(3, b.Level))
	w.raw(fmt.Sprintf(`<w:p><w:pPr><w:pStyle w:val="Heading%d"/></w:pPr>`, level))
	write := func() { w.runs(b.Runs) }
	if level == 2 {
		w.listed(b.Anchor, write)
	} else {
		w.anchored(b.Anchor, write)
	}
	w.raw(`</w:p>`)
}

func (w *writer) lines(b attest.Block) {
	for i, l := range b.Lines {
		anchor, more := "", ""
		if i == 0 {
			anchor = b.Anchor
		}
		if i+1 < len(b.Lines) && len(b.Lines) <= 20 {
			more = keepNext
		}
		w.paragraph("Code", more+inward(b.Level), anchor, func() { w.run(look{}, strings.ReplaceAll(l, "\t", "    ")) })
	}
}

func (w *writer) signatory(lines []string) {
	for i, l := range lines {
		style, more := "Signatory", keepNext
		if i == 0 {
			style = "SignatoryName"
		}
		if i+1 == len(lines) {
			more = ""
		}
		w.paragraph(style, more, "", func() { w.run(look{}, l) })
	}
}

func (w *writer) cover() {
	c := w.d.Cover
	say := func(style, text string) {
		if text != "" {
			w.paragraph(style, "", "", func() { w.run(look{}, text) })
		}
	}
	say("CoverType", c.Type)
	say("Title", c.Client)
	say("Subtitle", c.System)
	say("CoverTitle", c.Title)
	for _, fact := range [][2]string{{"Dates", c.Dates}, {"Examined", c.Scope}, {"Service auditor", c.Firm}, {"Report", w.d.ID}} {
		if fact[1] == "" {
			continue
		}
		w.paragraph("CoverFact", "", "", func() {
			w.run(look{char: "FactName"}, fact[0])
			w.raw(`<w:r><w:tab/></w:r>`)
			w.run(look{}, fact[1])
		})
	}
	for i, n := range c.Notes {
		if w.d.Draft && i == 0 {
			say("DraftMark", n)
		} else {
			say("CoverNote", n)
		}
	}
}

// contents is the table of contents: a field that Word and LibreOffice make anew
// when asked to, with the entries they show until then. These have no page
// numbers: only the program that breaks the pages knows them, and a wrong one is
// worse than none.
func (w *writer) contents() {
	w.raw(`<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/><w:docPartUnique/></w:docPartObj></w:sdtPr><w:sdtContent>`)
	w.paragraph("TOCHeading", "", "", func() { w.run(look{}, "Contents") })
	n := 0
	entry := func(style, text string) {
		n++
		w.paragraph(style, "", "", func() {
			if n == 1 {
				w.raw(fieldBegin(`TOC \o "1-2" \h \z`))
			}
			w.raw(`<w:hyperlink w:anchor="`, listedName(n), `" w:history="1">`)
			w.run(look{}, text)
			w.raw(`</w:hyperlink>`)
		})
	}
	for _, p := range w.d.Parts {
		entry("TOC1", p.Label+": "+p.Title)
		for _, b := range p.Blocks {
			if b.Kind == attest.Heading && b.Level <= 1 {
				entry("TOC2", plain(b.Runs))
			}
		}
	}
	w.raw(`<w:p><w:pPr><w:pStyle w:val="SectionEnd"/></w:pPr><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:sdtContent></w:sdt>`)
}

func plain(runs []attest.Run) string {
	out := ""
	for _, r := range runs {
		out += r.Text
	}
	return out
}

func fieldBegin(instruction string) string {
	return `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> ` + escape(instruction) +
		` </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>`
}

// field is a field with what it shows until it is worked out.
func field(instruction, shown string) string {
	return fieldBegin(instruction) + `<w:r><w:t>` + escape(shown) + `</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>`
}
