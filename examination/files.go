package examination

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/docx"
	"tieout/report/attest/html"
	"tieout/report/attest/oscal"
	"tieout/report/attest/pdf"
	"tieout/report/attest/xlsx"
)

// ValueFile is the name of a report's value among its files: canonical JSON
// without signatures, so that its SHA-256 is the report's digest.
const ValueFile = "report.json"

// A Format is a way to write a report as one file.
type Format struct {
	End   string // of a file's name, with the dot: ".pdf"
	Media string // media type of the file
	Name  string // in words, for a list to choose from

	public bool // there is one of a report for general use too
	render func(attest.Report) ([]byte, error)
}

// Formats are all formats a report is issued in, the one people read first.
var Formats = []Format{
	{".pdf", "application/pdf", "PDF", true, pdf.Render},
	{".html", "text/html; charset=utf-8", "HTML", true, html.Render},
	{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word (DOCX)", true, docx.Render},
	{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Section IV (XLSX)", false, xlsx.Render},
	{".oscal.zip", "application/zip", "OSCAL (ZIP)", false, zipped},
	{".json", "application/json", "Value (JSON)", true, value},
}

// FormatsOf are the formats there are of a type of report: one for general use
// lists no tests, so it has neither workbook nor OSCAL.
func FormatsOf(t attest.Type) (out []Format) {
	for _, f := range Formats {
		if f.public || !t.Public() {
			out = append(out, f)
		}
	}
	return out
}

// A File is a report in one format.
type File struct {
	Name  string
	Media string
	Data  []byte
}

// Stem is how a report's files are named before their end: "rpt-en-1-1".
func Stem(r attest.Report) string { return strings.ToLower(r.ID) }

// Render writes a report in the format whose files end in end. A draft says in
// every format that it is one, and in its name. The same report gives the same
// bytes. An end that its type has no format for is audit.ErrNotFound.
func Render(r attest.Report, end string) (File, error) {
	for _, f := range FormatsOf(r.Type) {
		if f.End != end {
			continue
		}
		data, err := f.render(r)
		return File{nameOf(r, f.End), f.Media, data}, err
	}
	return File{}, fmt.Errorf("%w: a %s is not written as %.20q", audit.ErrNotFound, r.Type, end)
}

func nameOf(r attest.Report, end string) string {
	if r.Draft {
		return Stem(r) + "-draft" + end
	}
	if end == ".json" {
		return ValueFile
	}
	return Stem(r) + end
}

func value(r attest.Report) ([]byte, error) {
	r.Signatures = nil
	return attest.Marshal(r)
}

// zipped are the OSCAL documents in one file. Their order is fixed and no time
// stands in it, so that it has one form.
func zipped(r attest.Report) ([]byte, error) {
	list, err := oscal.Render(r, Stem(r))
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, x := range list {
		w, err := z.CreateHeader(&zip.FileHeader{Name: x.Name, Method: zip.Deflate})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", x.Name, err)
		}
		if _, err := w.Write(x.Data); err != nil {
			return nil, fmt.Errorf("pack %s: %w", x.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack the OSCAL documents of %s: %w", r.ID, err)
	}
	return buf.Bytes(), nil
}
