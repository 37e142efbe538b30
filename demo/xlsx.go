package demo

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The parts of a workbook with one sheet that never change.
var workbookParts = [][2]string{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
}

// writeXLSX writes a workbook with one sheet of text cells. Equal rows give
// equal bytes.
func writeXLSX(name, sheet string, cols []column, rows [][]string, made time.Time) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("create export folder: %w", err)
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("create workbook: %w", err)
	}
	z := zip.NewWriter(f)
	err = workbook(z, sheet, cols, rows)
	if cerr := z.Close(); err == nil {
		err = cerr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chtimes(name, made, made)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func workbook(z *zip.Writer, sheet string, cols []column, rows [][]string) error {
	for _, part := range workbookParts {
		if err := workbookPart(z, part[0], part[1]); err != nil {
			return err
		}
	}
	book := `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
		`<sheets><sheet name="` + sheet + `" sheetId="1" r:id="rId1"/></sheets></workbook>`
	if err := workbookPart(z, "xl/workbook.xml", book); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`)
	head := make([]string, len(cols))
	for i, c := range cols {
		head[i] = c.name
	}
	sheetRow(&b, 1, head)
	for i, r := range rows {
		sheetRow(&b, i+2, r)
	}
	b.WriteString(`</sheetData></worksheet>`)
	return workbookPart(z, "xl/worksheets/sheet1.xml", b.String())
}

func workbookPart(z *zip.Writer, name, text string) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		return err
	}
	bw := bufio.NewWriter(w)
	bw.WriteString(xml.Header)
	bw.WriteString(text)
	return bw.Flush()
}

func sheetRow(b *strings.Builder, number int, cells []string) {
	fmt.Fprintf(b, `<row r="%d">`, number)
	for i, c := range cells {
		if c == "" {
			continue
		}
		fmt.Fprintf(b, `<c r="%c%d" t="inlineStr"><is><t>`, 'A'+i, number)
		_ = xml.EscapeText(b, []byte(c)) // a strings.Builder takes every byte
		b.WriteString(`</t></is></c>`)
	}
	b.WriteString(`</row>`)
}
