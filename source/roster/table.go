package roster

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A table is one file, read: rows of values by what their columns hold.
type table struct {
	name    string
	columns map[string]int // what is held -> place; only columns that are there
	rows    []row
	bad     []badRow
	zone    *time.Location
	layouts []string
}

type row struct {
	line  int
	cells []string
	of    *table
}

type badRow struct {
	line int
	err  error
}

// readTable reads a CSV file (RFC 4180; comma, semicolon or tab). The error is
// of the whole file; a row that cannot be read is among the bad.
func readTable(part, name string, conf tableConfig, zone *time.Location, body []byte) (*table, error) {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8; export it as UTF-8")
	}
	t := &table{name: name, zone: zone}
	var err error
	if t.layouts, err = layouts(conf.DateFormat); err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(body))
	r.Comma, r.FieldsPerRecord = separator(body), -1
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the header cannot be read: %w", notEOF(err))
	}
	if t.columns, err = places(part, header, conf.Columns); err != nil {
		return nil, err
	}
	t.read(r, len(header))
	return t, nil
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	return err
}

func (t *table) read(r *csv.Reader, width int) {
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			var pe *csv.ParseError
			line := 0
			if errors.As(err, &pe) {
				line, err = pe.StartLine, pe.Err
			}
			t.bad = append(t.bad, badRow{line, err})
			return // what follows cannot be told apart
		}
		line, _ := r.FieldPos(0)
		switch {
		case len(cells) != width:
			t.bad = append(t.bad, badRow{line, fmt.Errorf("the row has %d values and the header %d", len(cells), width)})
		case strings.TrimSpace(strings.Join(cells, "")) != "":
			t.rows = append(t.rows, row{line, cells, t})
		}
	}
}

// separator is the character that stands most often in the first line.
func separator(body []byte) rune {
	first, _, _ := bytes.Cut(body, []byte("\n"))
	best := ','
	for _, c := range []rune{';', '\t'} {
		if bytes.Count(first, []byte(string(c))) > bytes.Count(first, []byte(string(best))) {
			best = c
		}
	}
	return best
}

// places finds the columns: those that the settings name must be there, others
// are recognized by their header.
func places(part string, header []string, named map[string]string) (map[string]int, error) {
	at, twice := map[string]int{}, map[string]bool{}
	for i, h := range header {
		f := fold(strings.TrimSpace(h))
		if _, there := at[f]; there {
			twice[f] = true
		}
		at[f] = i
	}
	out := map[string]int{}
	for holds, known := range headers[part] {
		name, own := named[holds]
		if own && name != "" {
			known = []string{fold(name)}
			if _, there := at[fold(name)]; !there {
				return nil, fmt.Errorf("there is no column %q; the header has %s", name, strings.Join(header, ", "))
			}
		} else if own {
			continue // by the settings, no column holds it
		}
		for _, k := range known {
			i, there := at[k]
			if !there || !own && slices.Contains(columnsOf(named, at), i) {
				continue
			}
			if twice[k] {
				return nil, fmt.Errorf("the header has the column %q twice", header[i])
			}
			out[holds] = i
			break
		}
	}
	return out, needed(part, header, out)
}

// columnsOf are the columns that the settings give a meaning of their own.
func columnsOf(named map[string]string, at map[string]int) []int {
	var out []int
	for _, name := range named {
		if i, ok := at[fold(name)]; ok {
			out = append(out, i)
		}
	}
	return out
}

// needed refuses a table that lacks what its rows cannot be read without.
func needed(part string, header []string, got map[string]int) error {
	_, id := got["id"]
	_, email := got["email"]
	missing := ""
	switch {
	case part == people && !id:
		missing = "id"
	case part != people && !id && !email:
		missing = "id or email"
	}
	for _, holds := range map[string][]string{trainings: {"course", "at"}, checks: {"at"}}[part] {
		if _, ok := got[holds]; !ok {
			missing = holds
		}
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("no column is recognized as %s; name it in `columns:`; the header has %s", missing, strings.Join(header, ", "))
}

func (t *table) has(holds string) bool {
	_, ok := t.columns[holds]
	return ok
}

// text is a cell without surrounding space; "" where there is no such column.
func (r row) text(holds string) string {
	i, ok := r.of.columns[holds]
	if !ok {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// date reads a cell as an instant. ok is false where it holds nothing.
func (r row) date(holds string, e edge) (t time.Time, ok bool, err error) {
	text := r.text(holds)
	if text == "" {
		return t, false, nil
	}
	t, err = instant(text, e, r.of.layouts, r.of.zone)
	if err != nil {
		return t, false, fmt.Errorf("%s: %w", holds, err)
	}
	return t, true, nil
}

// stated is the date that a table's own column gives, the same in every row.
func (t *table) stated() (time.Time, error) {
	var at time.Time
	for i, r := range t.rows {
		got, ok, err := r.date("asOf", start)
		switch {
		case err != nil:
			return at, fmt.Errorf("line %d: %w", r.line, err)
		case !ok:
			return at, fmt.Errorf("line %d does not say its date", r.line)
		case i > 0 && !got.Equal(at):
			return at, fmt.Errorf("line %d says another date than the lines before it", r.line)
		}
		at = got
	}
	if at.IsZero() {
		return at, errors.New("it does not say when it was made; put the day in its name and set `dates: name`, or set `dates: modified`")
	}
	return at, nil
}
