package connect

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
)

// Limits of a list that is brought on a screen.
const (
	MaxList    = 5 << 20 // bytes
	maxRows    = 50_000
	maxColumns = 200
	maxWords   = 30 // distinct values of a column that is translated word by word
)

// A Table is a list that somebody brought: its first line names the columns.
type Table struct {
	Separator rune
	Columns   []string
	Rows      [][]string
}

// ReadTable reads a CSV file (RFC 4180) in UTF-8 whose first line names its
// columns, each once. The separator is the one of comma, semicolon and tab that
// the first line has most of. What does not fit is audit.ErrInvalid with the line.
func ReadTable(data []byte) (*Table, error) {
	if len(data) > MaxList {
		return nil, fmt.Errorf("%w: the file has more than %d MB", audit.ErrInvalid, MaxList>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%w: the file is not CSV in UTF-8. Save it as \"CSV UTF-8\", not as a workbook", audit.ErrInvalid)
	}
	t := &Table{Separator: separator(data)}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = t.Separator
	all, err := r.ReadAll()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		return nil, fmt.Errorf("%w: line %d of the file: %w", audit.ErrInvalid, bad.Line, bad.Err)
	case err != nil:
		return nil, fmt.Errorf("%w: the file: %w", audit.ErrInvalid, err)
	case len(all) < 2:
		return nil, fmt.Errorf("%w: the file needs a line that names its columns, and rows below it", audit.ErrInvalid)
	case len(all) > maxRows || len(all[0]) > maxColumns:
		return nil, fmt.Errorf("%w: the file has more than %d rows or %d columns; put it into the workspace's folder instead", audit.ErrInvalid, maxRows, maxColumns)
	}
	t.Columns, t.Rows = all[0], all[1:]
	for i, c := range t.Columns {
		if strings.TrimSpace(c) == "" || slices.Contains(t.Columns[:i], c) || strings.ContainsAny(c, "{}\\\r\n") {
			return nil, fmt.Errorf("%w: column %d of the file is called %q; each needs a name of its own, without braces", audit.ErrInvalid, i+1, c)
		}
	}
	return t, nil
}

func separator(data []byte) rune {
	head, _, _ := bytes.Cut(data, []byte("\n"))
	best := ','
	for _, r := range ";\t" {
		if bytes.Count(head, []byte(string(r))) > bytes.Count(head, []byte(string(best))) {
			best = r
		}
	}
	return best
}

// Words are the values of a column, sorted, without the empty one; nil where
// they are too many to be words.
func (t *Table) Words(column string) []string {
	seen := map[string]bool{}
	for _, v := range t.values(column) {
		if seen[v] = true; len(seen) > maxWords {
			return nil
		}
	}
	out := make([]string, 0, len(seen))
	for v := range seen {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// values are the cells of a column that are not empty.
func (t *Table) values(column string) (out []string) {
	i := slices.Index(t.Columns, column)
	if i < 0 {
		return nil
	}
	for _, r := range t.Rows {
		if r[i] != "" {
			out = append(out, r[i])
		}
	}
	return out
}

// A DateForm is a way in which days are written.
type DateForm struct {
	Layout string // as a mapping says it; "" is 2026-01-31
	Title  string
	golang string
}

// DateForms are the ways that are offered.
var DateForms = []DateForm{
	{"", "2026-01-31", "2006-01-02"}, {"DD.MM.YYYY", "31.01.2026", "02.01.2006"}, {"MM/DD/YYYY", "01/31/2026 (month first)", "01/02/2006"},
	{"DD/MM/YYYY", "31/01/2026 (day first)", "02/01/2006"}, {"YYYY/MM/DD", "2026/01/31", "2006/01/02"},
}

// GuessDates is the first way of writing days that all cells of these columns
// fit; the first of all where none does.
func (t *Table) GuessDates(columns ...string) string {
	var cells []string
	for _, c := range columns {
		cells = append(cells, t.values(c)...)
	}
	for _, f := range DateForms {
		if !slices.ContainsFunc(cells, func(s string) bool { _, err := time.Parse(f.golang, s); return err != nil }) {
			return f.Layout
		}
	}
	return ""
}
