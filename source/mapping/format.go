package mapping

import (
	"fmt"
	"slices"

	"tieout/audit"
)

// A Format says how rows lie in a file or answer.
type Format struct {
	Kind      string `json:"format"`              // csv, json, jsonl or xlsx
	Sheet     string `json:"sheet,omitempty"`     // xlsx: "" is the first
	Rows      string `json:"rows,omitempty"`      // json: dotted path to the list; "" is the document
	Separator string `json:"separator,omitempty"` // csv: one byte; "" is a comma
}

// Check reports what is wrong with f. Errors wrap audit.ErrInvalid.
func (f Format) Check() error {
	switch f.Kind {
	case "csv", "json", "jsonl", "xlsx":
	default:
		return fmt.Errorf("%w: format %q; write csv, json, jsonl or xlsx", audit.ErrInvalid, f.Kind)
	}
	switch {
	case f.Sheet != "" && f.Kind != "xlsx":
		return fmt.Errorf("%w: only xlsx has sheets", audit.ErrInvalid)
	case f.Rows != "" && f.Kind != "json":
		return fmt.Errorf("%w: rows is a path in json; the format is %s", audit.ErrInvalid, f.Kind)
	case f.Separator != "" && f.Kind != "csv":
		return fmt.Errorf("%w: only csv has a separator", audit.ErrInvalid)
	case len(f.Separator) > 1 || f.Separator == `"` || f.Separator == "\n" || f.Separator == "\r":
		return fmt.Errorf("%w: separator %q; write one byte, such as ; or a tab", audit.ErrInvalid, f.Separator)
	}
	return nil
}

// Media is the media type of a format.
func (f Format) Media() string {
	switch f.Kind {
	case "csv":
		return "text/csv"
	case "json":
		return "application/json"
	case "jsonl":
		return "application/x-ndjson"
	}
	return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
}

func (f Format) separator() byte {
	if f.Separator == "" {
		return ','
	}
	return f.Separator[0]
}

// Read turns body into items, in the order of its rows. name is the file or
// page as messages name it; about is where events and changes must lie, if it
// is not empty; firstLine is the line body's first data row stands on (csv: 2
// for a whole file; jsonl: 1). Where rows could not be read, the items of the
// others come back with a source.BadRows.
func (p *Program) Read(f Format, name string, about audit.Span, firstLine int, body []byte) ([]audit.Item, error) {
	return p.read(f, p.build(name, about), firstLine, body)
}

func (p *Program) read(f Format, b *build, firstLine int, body []byte) ([]audit.Item, error) {
	switch f.Kind {
	case "csv":
		b.csv(firstLine, f.separator(), body)
	case "json":
		b.json(f.Rows, body)
	case "jsonl":
		b.jsonl(firstLine, body)
	case "xlsx":
		b.xlsx(f.Sheet, body)
	default:
		return nil, f.Check()
	}
	return b.done()
}

// Scan calls each with the id and the texts of columns of every row, and
// returns how many rows there are. A text is "" where the row has none. What
// each gets is valid during the call only. Rows that cannot be read are counted
// and passed over: Read names them.
func (p *Program) Scan(f Format, columns []string, body []byte, each func(id []byte, texts []string)) int {
	s := *p
	s.schema, s.columns = nil, slices.Clone(p.columns)
	at := make([]int, len(columns))
	for i, c := range columns {
		at[i] = s.column(c, true, false)
	}
	b := s.build("", audit.Span{})
	rows := 0
	texts := make([]string, len(columns))
	b.scan = func(int) {
		rows++
		id, err := b.expand(b.id)
		if err != nil || each == nil {
			return
		}
		for i, c := range at {
			texts[i] = ""
			if k := b.cells[c].kind; k >= textCell && k <= boolCell {
				texts[i] = string(b.cells[c].text)
			}
		}
		each(id, texts)
	}
	_, _ = s.read(f, b, 1, body) // what it refuses is counted here and named by Read
	return rows + len(b.bad) + b.more
}
