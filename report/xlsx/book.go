package xlsx

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of the format.
const (
	sheetRows = 1 << 20 // rows of a sheet, the head included
	cellText  = 32767   // characters of a cell
	nameText  = 31      // characters of a sheet's name
)

// cut is put at the end of a text that is too long for a cell.
const cut = " … (cut here; the whole is in the JSON of this report)"

// epoch is the time every member carries.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// A book writes sheets one after the other. The first error stays in err and
// makes the rest do nothing.
type book struct {
	zip    *zip.Writer
	limit  int  // rows of a sheet
	tall   bool // rows say how high they are
	sheets []*sheet
	first  int // index of the sheet the reader sees first; those before it come last
	names  map[string]bool
	err    error
}

type sheet struct {
	name string
	cols []col
	file string
}

type col struct {
	head  string
	width int
}

// A link is a cell that leads to the start of a sheet of that name.
type link struct{ sheet string }

func newBook(w io.Writer, limit int) *book {
	return &book{zip: zip.NewWriter(w), limit: limit, names: map[string]bool{}}
}

// front makes the sheets from here on the first ones for the reader.
func (b *book) front() { b.first = len(b.sheets) }

func (b *book) create(name string) io.Writer {
	if b.err != nil {
		return io.Discard
	}
	w, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch})
	if err != nil {
		b.err = err
		return io.Discard
	}
	return w
}

func (b *book) part(name, content string) {
	if _, err := io.WriteString(b.create(name), content); err != nil && b.err == nil {
		b.err = err
	}
}

// A table is rows under a head, on as many sheets as they need.
type table struct {
	book  *book
	sheet *sheet
	out   *bufio.Writer
	base  string
	row   int
	part  int
	links []string
}

func (b *book) table(name string, cols ...col) *table {
	t := &table{book: b, base: name}
	t.open(cols)
	return t
}

func (t *table) open(cols []col) {
	t.part++
	s := &sheet{name: t.book.name(t.base, t.part), cols: cols}
	t.book.sheets = append(t.book.sheets, s)
	s.file = fmt.Sprintf("sheet%d.xml", len(t.book.sheets))
	t.sheet, t.row, t.links = s, 0, nil
	t.out = bufio.NewWriterSize(t.book.create("xl/worksheets/"+s.file), 1<<16)
	t.raw(declaration + `<worksheet xmlns="` + mainNS + `"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>` +
		`<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range cols {
		t.raw(fmt.Sprintf(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, c.width))
	}
	t.raw("</cols><sheetData>")
	head := make([]any, len(cols))
	for i, c := range cols {
		head[i] = c.head
	}
	t.write(head, styleHead)
}

// add writes a row of strings, ints and links; where the sheet is full it goes
// on with a next one under the same head.
func (t *table) add(cells ...any) {
	if t.row >= t.book.limit {
		cols := t.sheet.cols
		t.close()
		t.open(cols)
	}
	t.write(cells, stylePlain)
}

func (t *table) write(cells []any, style int) {
	t.row++
	row := strconv.Itoa(t.row)
	t.raw(`<row r="` + row + `"` + t.height(cells) + `>`)
	for i, c := range cells {
		ref := column(i) + row
		switch c := c.(type) {
		case int:
			t.raw(`<c r="` + ref + `"` + t.numberStyle() + `><v>` + strconv.Itoa(c) + `</v></c>`)
		case string:
			t.text(ref, c, style)
		case link:
			if c.sheet != "" {
				t.links = append(t.links, `<hyperlink ref="`+ref+`" location="`+escape(quote(c.sheet)+"!A1")+`"/>`)
				t.text(ref, c.sheet, styleLink)
			}
		default:
			t.fail(fmt.Errorf("cell %s holds a %T", ref, c))
		}
	}
	t.raw("</row>")
}

func (t *table) text(ref, s string, style int) {
	if s == "" {
		return
	}
	if formula(s) {
		style = styleQuoted
	}
	t.raw(`<c r="` + ref + `" s="` + strconv.Itoa(style) + `" t="inlineStr"><is><t xml:space="preserve">` + escape(fit(s)) + `</t></is></c>`)
}

// formula reports whether a program that reads cells or a comma-separated copy
// of them might take s for something to work out.
func formula(s string) bool { return strings.ContainsRune("=+-@\t\r\n＝＋－＠", first(s)) }

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// fit cuts a text that is longer than a cell holds, and says so.
func fit(s string) string {
	if len(s) <= cellText || units(s) <= cellText {
		return s
	}
	return clip(s, cellText-units(cut)) + cut
}

// units is the length of s in UTF-16, which is how the format counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

func (t *table) raw(s string) {
	if _, err := t.out.WriteString(s); err != nil {
		t.fail(err)
	}
}

func (t *table) fail(err error) {
	if t.book.err == nil {
		t.book.err = err
	}
}

func (t *table) close() {
	t.raw("</sheetData>")
	t.raw(fmt.Sprintf(`<autoFilter ref="A1:%s%d"/>`, column(len(t.sheet.cols)-1), t.row))
	if len(t.links) > 0 {
		t.raw("<hyperlinks>" + strings.Join(t.links, "") + "</hyperlinks>")
	}
	t.raw(`<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/><pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>` +
		`<headerFooter><oddFooter>&amp;L&amp;A&amp;R&amp;P of &amp;N</oddFooter></headerFooter></worksheet>`)
	if err := t.out.Flush(); err != nil {
		t.fail(err)
	}
}

// end closes the table and returns the book's first error.
func (t *table) end() error {
	t.close()
	return t.book.err
}

// column names the i-th column: A, B, ... Z, AA.
func column(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return column(i/26-1) + column(i%26)
}

// name makes a sheet's name of any text, unlike every name before it.
func (b *book) name(base string, part int) string {
	base = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) || !valid(r) || r < 0x20 {
			return '_'
		}
		return r
	}, base)
	if base == "" || strings.EqualFold(base, "history") {
		base = "Sheet " + base
	}
	for n := part; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf(" (%d)", n)
		}
		name := clip(base, nameText-units(suffix)) + suffix
		if key := strings.ToLower(name); !b.names[key] {
			b.names[key] = true
			return name
		}
	}
}

// clip cuts s to n UTF-16 units.
func clip(s string, n int) string {
	var out strings.Builder
	for _, r := range s {
		if n -= max(utf16.RuneLen(r), 1); n < 0 {
			break
		}
		out.WriteRune(r)
	}
	return out.String()
}

func quote(name string) string { return "'" + strings.ReplaceAll(name, "'", "''") + "'" }

// close writes what binds the sheets together.
func (b *book) close() error {
	ordered := append(slices.Clone(b.sheets[b.first:]), b.sheets[:b.first]...)
	b.part("xl/workbook.xml", workbook(ordered))
	b.part("xl/_rels/workbook.xml.rels", workbookRels(ordered))
	b.part("xl/styles.xml", styles)
	b.part("_rels/.rels", rootRels)
	b.part("[Content_Types].xml", contentTypes(ordered))
	if b.err != nil {
		return b.err
	}
	return b.zip.Close()
}
