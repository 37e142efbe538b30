package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// A bulk is one statement that takes many rows of values: Head, then
// "($1, $2), ($3, $4)", then Tail. Types casts each
// column where the engine could not guess its type, as "text bigint".
type bulk struct {
	Head  string
	Types string // one word a column; "" leaves the columns to the engine
	Cols  int
	Tail  string
}

// insertInto is the bulk of a plain insert.
func insertInto(table, cols, tail string) bulk {
	return bulk{
		Head: "insert into " + table + " (" + cols + ") values ",
		Cols: strings.Count(cols, ",") + 1,
		Tail: tail,
	}
}

func (b bulk) text(rows int) string {
	var t strings.Builder
	t.WriteString(b.Head)
	types := strings.Fields(b.Types)
	n := 0
	for r := range rows {
		if r > 0 {
			t.WriteString(", ")
		}
		for c := range b.Cols {
			t.WriteString([]string{", ", "("}[bit(c == 0)])
			n++
			if c < len(types) {
				t.WriteString("cast($" + strconv.Itoa(n) + " as " + types[c] + ")")
			} else {
				t.WriteString("$" + strconv.Itoa(n))
			}
		}
		t.WriteByte(')')
	}
	t.WriteString(b.Tail)
	return t.String()
}

// run executes b for n rows; row appends the values of row i. It returns how
// many rows were affected.
func (b bulk) run(ctx context.Context, tx *sql.Tx, d Dialect, n int, row func(args []any, i int) []any) (int64, error) {
	var affected int64
	var args []any
	for first := 0; first < n; {
		size := min(d.Rows, n-first)
		stmt, err := tx.PrepareContext(ctx, b.text(size))
		if err != nil {
			return affected, err
		}
		for ; n-first >= size; first += size {
			args = args[:0]
			for i := range size {
				args = row(args, first+i)
			}
			k, err := exec(ctx, stmt, args)
			if err != nil {
				stmt.Close() //nolint:sqlclosecheck // a statement is for some rows, not for the whole function
				return affected, fmt.Errorf("row %d: %w", first, err)
			}
			affected += k
		}
		if err := stmt.Close(); err != nil {
			return affected, err
		}
	}
	return affected, nil
}

func exec(ctx context.Context, stmt *sql.Stmt, args []any) (int64, error) {
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// inList calls f with at most 500 of keys at a time, as "$1, $2" and arguments.
func inList[T any](keys []T, f func(list string, args []any) error) error {
	for len(keys) > 0 {
		n := min(500, len(keys))
		args := make([]any, n)
		names := make([]string, n)
		for i, k := range keys[:n] {
			args[i], names[i] = k, "$"+strconv.Itoa(i+1)
		}
		if err := f(strings.Join(names, ", "), args); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}
