package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// csv reads a table of separated values (RFC 4180). The first record is the
// header; firstLine is the line of the file that the second stands on.
func (b *build) csv(firstLine int, separator byte, body []byte) {
	b.expect(bytes.Count(body, []byte("\n")))
	body, err := plainText(body)
	if err != nil {
		b.refuse(0, err)
		return
	}
	r := &records{rest: body, separator: separator, line: 1}
	header, _, err := r.next()
	if err != nil || header == nil {
		b.refuse(1, fmt.Errorf("the header cannot be read: %w", orEmpty(err)))
		return
	}
	t := table{build: b, header: cloneAll(header), valid: utf8.Valid(body)}
	if t.places, err = b.places(header); err != nil {
		b.refuse(1, err)
		return
	}
	r.line = firstLine
	for {
		fields, line, err := r.next()
		if err != nil {
			b.refuse(line, err)
			return
		}
		if fields == nil {
			return
		}
		t.record(fields, line)
	}
}

// A table is a build whose rows are records under a header.
type table struct {
	*build
	header [][]byte
	places []int // of each column in a record, -1 if it is not there
	valid  bool  // the whole table is UTF-8
	sheet  bool  // from a spreadsheet, where numbers may be dates
	base   int   // of those dates
}

func (t *table) record(fields [][]byte, line int) {
	if len(fields) != len(t.header) {
		t.refuse(line, fmt.Errorf("the row has %d values and the header %d", len(fields), len(t.header)))
		return
	}
	for i, at := range t.places {
		if at < 0 {
			t.cells[i] = cell{}
			continue
		}
		if !t.valid && !utf8.Valid(fields[at]) {
			t.refuse(line, fmt.Errorf("column %q is not UTF-8: %s", t.columns[i].name, shorten(fields[at])))
			return
		}
		t.cells[i] = cell{kind: textCell, text: fields[at], date: t.sheet, base: t.base}
		if t.sheet && looksNumeric(fields[at]) {
			t.cells[i].kind = numberCell
		}
	}
	if err := t.tableFollows(t.header, fields); err != nil {
		t.refuse(line, err)
		return
	}
	t.row(line)
}

func cloneAll(fields [][]byte) [][]byte {
	out := make([][]byte, len(fields))
	for i, f := range fields {
		out[i] = bytes.Clone(f)
	}
	return out
}

// places finds the columns in a header; -1 for an optional one that is not there.
func (p *Program) places(header [][]byte) ([]int, error) {
	places := make([]int, len(p.columns))
	for i, c := range p.columns {
		name := []byte(c.name)
		at := slices.IndexFunc(header, func(h []byte) bool { return bytes.Equal(h, name) })
		if at < 0 && (!c.optional || c.key) {
			return nil, fmt.Errorf("there is no column %q; the header has %s", c.name, list(header))
		}
		if at >= 0 && slices.ContainsFunc(header[at+1:], func(h []byte) bool { return bytes.Equal(h, name) }) {
			return nil, fmt.Errorf("the header has the column %q twice", c.name)
		}
		places[i] = at
	}
	return places, nil
}

func list(header [][]byte) string {
	var names []string
	for i, h := range header {
		if i == 40 {
			names = append(names, fmt.Sprintf("and %d more", len(header)-i))
			break
		}
		names = append(names, shorten(h))
	}
	return strings.Join(names, ", ")
}

func orEmpty(err error) error {
	if err == nil {
		return fmt.Errorf("the file is empty")
	}
	return err
}

// plainText takes a byte order mark off and refuses other encodings by name.
func plainText(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("\xfe\xff")):
		return nil, fmt.Errorf("the file is UTF-16; save it as UTF-8")
	}
	return body, nil
}

// records cuts a table into records. Fields lie in the table's own bytes, or in
// a buffer where quotes had to be undone, and are valid until the next record.
type records struct {
	rest      []byte
	separator byte
	line      int
	fields    [][]byte
	buf       []byte
}

// next returns the next record and the line it starts on; nil at the end.
func (r *records) next() ([][]byte, int, error) {
	for len(r.rest) > 0 && (r.rest[0] == '\n' || len(r.rest) > 1 && r.rest[0] == '\r' && r.rest[1] == '\n') {
		r.rest = r.rest[bytes.IndexByte(r.rest, '\n')+1:]
		r.line++
	}
	start := r.line
	if len(r.rest) == 0 {
		return nil, start, nil
	}
	r.fields, r.buf = r.fields[:0], r.buf[:0]
	for {
		var end bool
		var err error
		if len(r.rest) > 0 && r.rest[0] == '"' {
			end, err = r.quoted()
		} else {
			end, err = r.plain()
		}
		if err != nil {
			return nil, start, err
		}
		if end {
			return r.fields, start, nil
		}
	}
}

// plain takes a field without quotes and reports whether the record ends.
func (r *records) plain() (bool, error) {
	for i, c := range r.rest {
		switch c {
		case r.separator:
			r.fields = append(r.fields, r.rest[:i])
			r.rest = r.rest[i+1:]
			return false, nil
		case '\n':
			r.fields = append(r.fields, bytes.TrimSuffix(r.rest[:i], []byte("\r")))
			r.rest = r.rest[i+1:]
			r.line++
			return true, nil
		case '"':
			return true, fmt.Errorf("a quote stands within a value that does not start with one")
		}
	}
	r.fields = append(r.fields, bytes.TrimSuffix(r.rest, []byte("\r")))
	r.rest = nil
	return true, nil
}

func (r *records) quoted() (bool, error) {
	r.rest = r.rest[1:]
	start := len(r.buf)
	doubled := false
	from := r.rest
	for {
		i := bytes.IndexByte(r.rest, '"')
		if i < 0 {
			return true, fmt.Errorf("a quote is opened here and never closed")
		}
		r.line += bytes.Count(r.rest[:i], []byte("\n"))
		after := r.rest[i+1:]
		if len(after) > 0 && after[0] == '"' {
			doubled = true
			r.buf = append(r.buf, r.rest[:i+1]...)
			r.rest = after[1:]
			continue
		}
		field := from[:len(from)-len(after)-1]
		if doubled {
			r.buf = append(r.buf, r.rest[:i]...)
			field = r.buf[start:len(r.buf):len(r.buf)]
		}
		r.fields = append(r.fields, field)
		return r.afterQuote(after)
	}
}

func (r *records) afterQuote(after []byte) (bool, error) {
	switch {
	case len(after) == 0:
		r.rest = nil
		return true, nil
	case after[0] == r.separator:
		r.rest = after[1:]
		return false, nil
	case after[0] == '\n', len(after) > 1 && after[0] == '\r' && after[1] == '\n':
		r.rest = after[bytes.IndexByte(after, '\n')+1:]
		r.line++
		return true, nil
	case len(after) == 1 && after[0] == '\r':
		r.rest = nil
		return true, nil
	}
	return true, fmt.Errorf("%s follows a closing quote", shorten(after[:1]))
}
