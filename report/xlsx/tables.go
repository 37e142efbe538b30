package xlsx

import (
	"fmt"
	"io"
	"strings"
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
	b.tall = true
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

// numberStyle names the plain style: without it, a number stands at the foot of a
// high row in some programs.
func (t *table) numberStyle() string {
	if !t.book.tall {
		return ""
	}
	return fmt.Sprintf(` s="%d"`, stylePlain)
}

// Points of a row of one line, and of each further one. The format has no row
// higher than 409.
const (
	oneLine  = 15
	nextLine = 13
	highest  = 409
)

// height is a row's, for programs that do not measure wrapped text when they open
// a file: enough for its longest cell, by the width of its column.
func (t *table) height(cells []any) string {
	if !t.book.tall {
		return ""
	}
	most := 1
	for i, c := range cells {
		s, ok := c.(string)
		if !ok || i >= len(t.sheet.cols) {
			continue
		}
		n := 0
		for line := range strings.SplitSeq(s, "\n") {
			n += 1 + units(line)*11/10/max(1, t.sheet.cols[i].width)
		}
		most = max(most, n)
	}
	return fmt.Sprintf(` ht="%d" customHeight="1"`, min(highest, oneLine+nextLine*(most-1)))
}
