package docx

import (
	"fmt"

	"tieout/report/attest"
)

// width is that of the page between its margins, in twips.
const width = 12240 - 2*margin

// table writes a table whose head is repeated on every page.
func (w *writer) table(t *attest.Table) {
	cols := widths(t)
	if len(cols) == 0 {
		return
	}
	w.raw(`<w:tbl><w:tblPr><w:tblStyle w:val="ReportTable"/><w:tblW w:w="`, fmt.Sprint(width), `" w:type="dxa"/><w:tblLayout w:type="fixed"/>`,
		`<w:tblLook w:val="0420" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="0" w:noVBand="1"/>`,
		`<w:tblCaption w:val="`, escape(t.Name), `"/></w:tblPr><w:tblGrid>`)
	for _, c := range cols {
		w.raw(`<w:gridCol w:w="`, fmt.Sprint(c), `"/>`)
	}
	w.raw(`</w:tblGrid>`)
	w.head(t, cols)
	below := joins(t)
	for i, r := range t.Rows {
		if r.Band {
			w.band(r, len(cols))
			continue
		}
		w.row(t, cols, i, below[i])
	}
	w.raw(`</w:tbl>`)
	w.paragraph("AfterTable", "", "", func() {})
}

// widths shares the page out among the columns; they add up to it.
func widths(t *attest.Table) []int {
	total, used := 0, 0
	for _, c := range t.Columns {
		total += max(1, c.Share)
	}
	var out []int
	for i, c := range t.Columns {
		n := width * max(1, c.Share) / total
		if i+1 == len(t.Columns) {
			n = width - used
		}
		used += n
		out = append(out, n)
	}
	return out
}

func (w *writer) head(t *attest.Table, cols []int) {
	w.raw(`<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>`)
	for i, c := range t.Columns {
		w.raw(fmt.Sprintf(`<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/></w:tcPr>`, cols[i]))
		w.paragraph("TableHead", aligned(c), "", func() { w.run(look{}, c.Title) })
		w.raw(`</w:tc>`)
	}
	w.raw(`</w:tr>`)
}

func aligned(c attest.Column) string {
	if c.Right {
		return `<w:jc w:val="right"/>`
	}
	return ""
}

// band is a row of one cell; its paragraphs stay with the row below.
func (w *writer) band(r attest.Row, columns int) {
	w.raw(`<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc><w:tcPr><w:tcW w:w="`, fmt.Sprint(width), `" w:type="dxa"/>`)
	if columns > 1 {
		w.raw(`<w:gridSpan w:val="`, fmt.Sprint(columns), `"/>`)
	}
	w.raw(`</w:tcPr>`)
	anchor := r.Anchor
	for _, c := range r.Cells {
		for _, p := range c.Paras {
			w.paragraph("TableBand", "", anchor, func() { w.runs(p.Runs) })
			anchor = ""
		}
	}
	if len(r.Cells) == 0 || len(r.Cells[0].Paras) == 0 {
		w.paragraph("TableBand", "", anchor, func() {})
	}
	w.raw(`</w:tc></w:tr>`)
}

// joins says of each row whether its first cell goes on beside the row below.
func joins(t *attest.Table) []bool {
	out := make([]bool, len(t.Rows))
	for i := range t.Rows {
		if i+1 < len(t.Rows) {
			next := t.Rows[i+1].Cells
			out[i] = len(next) > 0 && next[0].Joined
		}
	}
	return out
}

// tall is how many lines a row may have and still be kept on one page.
const tall = 30

func (w *writer) row(t *attest.Table, cols []int, at int, below bool) {
	r := t.Rows[at]
	w.raw(`<w:tr>`)
	if lines(r, cols) <= tall {
		w.raw(`<w:trPr><w:cantSplit/></w:trPr>`)
	}
	anchor := r.Anchor
	for i := range cols {
		c := attest.Cell{}
		if i < len(r.Cells) {
			c = r.Cells[i]
		}
		merge := ""
		if c.Joined {
			merge = `<w:vMerge/>`
		} else if below && i == 0 {
			merge = `<w:vMerge w:val="restart"/>`
		}
		w.raw(fmt.Sprintf(`<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/>%s</w:tcPr>`, cols[i], merge))
		w.cell(t.Columns[i], c, anchor)
		anchor = ""
		w.raw(`</w:tc>`)
	}
	w.raw(`</w:tr>`)
}

// lines is about how many lines the row's highest cell has.
func lines(r attest.Row, cols []int) int {
	most := 0
	for i, c := range r.Cells {
		if i >= len(cols) {
			break
		}
		n := 0
		for _, p := range c.Paras {
			n += 1 + len(plain(p.Runs))*110/cols[i]
		}
		most = max(most, n)
	}
	return most
}

func (w *writer) cell(col attest.Column, c attest.Cell, anchor string) {
	for _, p := range c.Paras {
		w.paragraph(cellStyle(col, p), aligned(col), anchor, func() { w.runs(p.Runs) })
		anchor = ""
	}
	if len(c.Paras) == 0 {
		w.paragraph("TableText", "", anchor, func() {})
	}
}

var cellStyles = map[attest.Style]string{
	attest.Stated: "TableStatement", attest.Ref: "TableReference", attest.Quiet: "TableQuiet", attest.Strong: "TableStrong",
}

// cellStyle is the style of a paragraph of a cell: results have one of their
// own.
func cellStyle(col attest.Column, p attest.Para) string {
	if s := cellStyles[p.Style]; s != "" {
		return s
	}
	if col.Title == "Result" {
		return "Result"
	}
	return "TableText"
}
