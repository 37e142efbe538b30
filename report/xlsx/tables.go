package xlsx

import (
	"fmt"
	"io"
)

// A Column of a sheet: its head, and its width in characters.
type Column struct {
	Head  string
	Width int
}

// A Sheet is rows of strings and ints under a head.
type Sheet struct {
	Name    string
	Columns []Column
	Rows    [][]any
}

// Tables writes sheets to w as a workbook: the head stays in sight and is
// printed on every page, columns can be filtered, and no text is taken for a
// formula. A sheet that is full goes on in a next one. The same sheets give the
// same bytes. On error what was written is not a workbook.
func Tables(w io.Writer, sheets []Sheet) error {
	b := newBook(w, sheetRows)
	for _, s := range sheets {
		cols := make([]col, len(s.Columns))
		for i, c := range s.Columns {
			cols[i] = col{c.Head, c.Width}
		}
		t := b.table(s.Name, cols...)
		for _, r := range s.Rows {
			t.add(r...)
		}
		if err := t.end(); err != nil {
			return fmt.Errorf("sheet %s: %w", s.Name, err)
		}
	}
	return b.close()
}
