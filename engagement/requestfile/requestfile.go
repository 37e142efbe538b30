// Package requestfile writes a list of requests as CSV or XLSX, and reads such a
// list back. What is wrong in one is named by file, line and column, all of it at
// once, so that nobody repairs a file in ten rounds.
package requestfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"tieout/audit"
	"tieout/engagement"
)

// Limits of a file that is read.
const (
	MaxBytes = 10 << 20
	MaxRows  = 5000
	maxCell  = 20_000 // characters
)

// Columns are the columns of a list. Status and why are written and, in a file
// that is read, not looked at: a request's course is no matter of a spreadsheet.
var Columns = []string{"id", "kind", "title", "asks", "tests", "items", "due", "status", "why"}

// Kinds are the kinds of request.
var Kinds = []string{"population", "evidence", "document", "explanation"}

// A Row is one request as a list has it.
type Row struct {
	Request engagement.Request
	Status  engagement.RequestStatus
	Why     string
	Line    int // of the file it was read from, 1-based
}

func (r Row) cells() []string {
	q := r.Request
	return []string{q.ID, q.Kind, q.Title, q.Asks, strings.Join(q.Tests, " "), strings.Join(q.Items, "\n"), q.Due, string(r.Status), r.Why}
}

// WriteCSV writes rows as RFC 4180 CSV with a head. Text that a spreadsheet would
// take for a formula is marked as text by an apostrophe.
func WriteCSV(w io.Writer, rows []Row) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(Columns); err != nil {
		return err
	}
	for _, r := range rows {
		cells := r.cells()
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteXLSX writes rows as one sheet, every cell a text.
func WriteXLSX(w io.Writer, rows []Row) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	const sheet = "Requests"
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	for i, cells := range append([][]string{Columns}, cellsOf(rows)...) {
		for j, text := range cells {
			name, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return err
			}
			if i > 0 {
				text = inert(text)
			}
			if err := f.SetCellStr(sheet, name, text); err != nil {
				return err
			}
		}
	}
	return f.Write(w)
}

func cellsOf(rows []Row) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = r.cells()
	}
	return out
}

// formula reports whether a spreadsheet would take a text for a formula.
func formula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", r)
}

// inert marks text that begins like a formula, or like such a mark, as text.
func inert(s string) string {
	if formula(s) || strings.HasPrefix(s, "'") {
		return "'" + s
	}
	return s
}

// plain takes the mark of inert away.
func plain(s string) string {
	if rest, marked := strings.CutPrefix(s, "'"); marked && (formula(rest) || strings.HasPrefix(rest, "'")) {
		return rest
	}
	return s
}

// ReadCSV reads a list; name stands in its errors, which wrap audit.ErrInvalid
// and hold one line for everything that is wrong.
func ReadCSV(name string, r io.Reader) ([]Row, error) {
	in := csv.NewReader(&bounded{r: r, left: MaxBytes})
	in.FieldsPerRecord = -1
	var p parser
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var perr *csv.ParseError
		if errors.As(err, &perr) {
			return nil, fmt.Errorf("%w: %s:%d:%d: %w", audit.ErrInvalid, name, perr.Line, perr.Column, perr.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.row(cells, func(i int) (int, int) { return in.FieldPos(i) })
		if len(p.rows) > MaxRows {
			break
		}
	}
	return p.done(name)
}

// bounded ends a file that is too long with an error, not quietly.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: longer than %d bytes", audit.ErrInvalid, MaxBytes)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// ReadXLSX reads the first sheet of a workbook; columns in errors count from 1.
func ReadXLSX(name string, r io.Reader) (_ []Row, err error) {
	f, err := excelize.OpenReader(&bounded{r: r, left: MaxBytes}, excelize.Options{UnzipSizeLimit: 100 << 20, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: it is no workbook: %w", audit.ErrInvalid, name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, name, err)
	}
	var p parser
	for at := 1; rows.Next() && len(p.rows) <= MaxRows; at++ {
		cells, err := rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %w", audit.ErrInvalid, name, at, err)
		}
		if p.columns != nil && strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue // rows a spreadsheet keeps for their style
		}
		p.row(cells, func(i int) (int, int) { return at, i + 1 })
	}
	if err := errors.Join(rows.Error(), rows.Close()); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, name, err)
	}
	return p.done(name)
}

// A parser reads rows of cells; the first is the head.
type parser struct {
	columns []string // names by place
	rows    []Row
	wrong   []string // "line:column: why"
}

type place func(cell int) (line, column int)

func (p *parser) fault(at place, cell int, format string, args ...any) {
	line, column := at(cell)
	p.wrong = append(p.wrong, fmt.Sprintf("%d:%d: %s", line, column, fmt.Sprintf(format, args...)))
}

func (p *parser) row(cells []string, at place) {
	if p.columns == nil {
		p.head(cells, at)
		return
	}
	line, _ := at(0)
	r := Row{Line: line}
	r.Request.Tests = []string{}
	for i, cell := range cells {
		if i >= len(p.columns) {
			if strings.TrimSpace(cell) != "" {
				p.fault(at, i, "there is no column here")
			}
			continue
		}
		if why := r.set(p.columns[i], plain(cell)); why != "" {
			p.fault(at, i, "%s: %s", p.columns[i], why)
		}
	}
	for _, need := range []struct{ column, have string }{{"kind", r.Request.Kind}, {"title", r.Request.Title}, {"asks", r.Request.Asks}} {
		if need.have == "" && len(p.wrong) < 100 {
			p.fault(at, 0, "%s is missing", need.column)
		}
	}
	p.rows = append(p.rows, r)
}

func (p *parser) head(cells []string, at place) {
	p.columns = []string{}
	seen := map[string]bool{}
	for i, c := range cells {
		name := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff")))
		known := false
		for _, k := range Columns {
			known = known || k == name
		}
		switch {
		case !known:
			p.fault(at, i, "there is no column %.40q; the columns are %s", name, strings.Join(Columns, ", "))
		case seen[name]:
			p.fault(at, i, "column %s is there twice", name)
		}
		seen[name] = true
		p.columns = append(p.columns, name)
	}
	for _, need := range []string{"kind", "title", "asks"} {
		if !seen[need] {
			p.fault(at, 0, "column %s is missing", need)
		}
	}
}

// set puts a cell into a row, or says why it cannot be.
func (r *Row) set(column, cell string) string {
	q := &r.Request
	cell = strings.TrimSpace(cell)
	if !utf8.ValidString(cell) || strings.ContainsFunc(cell, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' && c != '\r' }) {
		return "holds characters that cannot be shown"
	}
	if utf8.RuneCountInString(cell) > maxCell && column != "items" {
		return fmt.Sprintf("longer than %d characters", maxCell)
	}
	switch column {
	case "id":
		q.ID = cell
	case "kind":
		q.Kind = strings.ToLower(cell)
		for _, k := range Kinds {
			if k == q.Kind {
				return ""
			}
		}
		return fmt.Sprintf("one of %s, not %.40q", strings.Join(Kinds, ", "), cell)
	case "title":
		q.Title = strings.Join(strings.Fields(cell), " ")
	case "asks":
		q.Asks = cell
	case "tests":
		q.Tests = append(q.Tests, strings.FieldsFunc(cell, func(c rune) bool { return unicode.IsSpace(c) || c == ',' || c == ';' })...)
	case "items":
		for line := range strings.Lines(cell) {
			if line = strings.TrimSpace(line); line != "" {
				q.Items = append(q.Items, line)
			}
		}
	case "due":
		if _, err := time.Parse(time.DateOnly, cell); err != nil && cell != "" {
			return fmt.Sprintf("%.40q is not a day such as 2026-09-14", cell)
		}
		q.Due = cell
	}
	return ""
}

// done gives the rows, or everything that is wrong, at most a hundred of it.
func (p *parser) done(name string) ([]Row, error) {
	switch {
	case p.columns == nil:
		return nil, fmt.Errorf("%w: %s:1:1: the file is empty", audit.ErrInvalid, name)
	case len(p.rows) > MaxRows:
		return nil, fmt.Errorf("%w: %s: more than %d rows", audit.ErrInvalid, name, MaxRows)
	case len(p.wrong) == 0:
		return p.rows, nil
	}
	for i := range p.wrong {
		p.wrong[i] = name + ":" + p.wrong[i]
	}
	return nil, fmt.Errorf("%w: nothing is imported:\n%s", audit.ErrInvalid, strings.Join(p.wrong[:min(len(p.wrong), 100)], "\n"))
}
