package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// MaxUnzipped is how large a workbook may become when unpacked, in bytes.
const MaxUnzipped = 512 << 20

// Texts a spreadsheet shows in place of a value it could not work out.
var sheetErrors = []string{"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"}

// xlsx reads one sheet of a workbook; "" is the first. The first row that is
// not empty is the header. Values are read as stored, not as shown.
func (b *build) xlsx(sheet string, body []byte) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some broken workbooks
			b.refuse(0, fmt.Errorf("the workbook cannot be read: %v", r))
		}
	}()
	if err := b.workbook(sheet, body); err != nil {
		b.refuse(0, err)
	}
}

func (b *build) workbook(sheet string, body []byte) error {
	// Both limits are the same so that nothing is unpacked onto the disk.
	f, err := excelize.OpenReader(bytes.NewReader(body), excelize.Options{RawCellValue: true, UnzipSizeLimit: MaxUnzipped, UnzipXMLSizeLimit: MaxUnzipped})
	if err != nil {
		return fmt.Errorf("the workbook cannot be read: %w", err)
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if sheet == "" && len(sheets) > 0 {
		sheet = sheets[0]
	}
	if !slices.Contains(sheets, sheet) {
		return fmt.Errorf("there is no sheet %q; the workbook has %q", sheet, sheets)
	}
	t := &table{build: b, valid: true, sheet: true, base: 1900}
	if props, err := f.GetWorkbookProps(); err == nil && props.Date1904 != nil && *props.Date1904 {
		t.base = 1904
	}
	rows, err := f.Rows(sheet)
	if err != nil {
		return fmt.Errorf("sheet %q: %w", sheet, err)
	}
	defer rows.Close()
	return t.sheetRows(rows)
}

func (t *table) sheetRows(rows *excelize.Rows) error {
	var fields [][]byte
	for line := 1; rows.Next(); line++ {
		cols, err := rows.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return fmt.Errorf("row %d: %w", line, err)
		}
		if strings.Join(cols, "") == "" {
			continue
		}
		fields = fields[:0]
		for _, c := range cols {
			fields = append(fields, []byte(strings.ToValidUTF8(c, "\uFFFD")))
		}
		if t.header == nil {
			if t.places, err = t.Program.places(fields); err != nil {
				return err
			}
			t.header = cloneAll(fields)
			continue
		}
		t.sheetRow(fields, line)
	}
	if err := rows.Error(); err != nil {
		return err
	}
	if t.header == nil {
		return fmt.Errorf("the sheet is empty")
	}
	return nil
}

// sheetRow fills up a row that ends in empty cells, and refuses one that holds
// a spreadsheet's error where a column is read.
func (t *table) sheetRow(fields [][]byte, line int) {
	for len(fields) < len(t.header) {
		fields = append(fields, nil)
	}
	for len(fields) > len(t.header) && len(fields[len(fields)-1]) == 0 {
		fields = fields[:len(fields)-1]
	}
	for i, at := range t.places {
		if at >= 0 && at < len(fields) && slices.Contains(sheetErrors, string(fields[at])) {
			t.refuse(line, fmt.Errorf("column %q shows %s", t.columns[i].name, fields[at]))
			return
		}
	}
	t.record(fields, line)
}

// looksNumeric: digits with at most one point, or in scientific notation.
func looksNumeric(b []byte) bool {
	digits := false
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c == '-' && i == 0, c == '.', (c == 'E' || c == 'e') && digits, (c == '+' || c == '-') && i > 0:
		default:
			return false
		}
	}
	return digits
}
