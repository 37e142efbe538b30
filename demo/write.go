package demo

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A rowWriter writes one export file, row by row.
type rowWriter struct {
	f      *os.File
	w      *bufio.Writer
	cols   []column
	format string
	rows   int
	buf    []byte
}

// newRowWriter creates dir/name in one of the formats csv, json and jsonl. A
// json file is an object with an array called key and, after it, the number of
// rows the source says it has.
func newRowWriter(name, format, key string, cols []column) (*rowWriter, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, fmt.Errorf("create export folder: %w", err)
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create export: %w", err)
	}
	w := &rowWriter{f: f, w: bufio.NewWriterSize(f, 1<<16), cols: cols, format: format}
	switch format {
	case "csv":
		for i, c := range cols {
			if i > 0 {
				w.w.WriteByte(',')
			}
			w.w.WriteString(c.name)
		}
		w.w.WriteString("\n")
	case "json":
		fmt.Fprintf(w.w, "{\"%s\":[", key)
	}
	return w, nil
}

// row writes one row. Errors of writing stay in the buffer and come at close.
func (w *rowWriter) row(cells []string) {
	w.buf = w.buf[:0]
	switch w.format {
	case "csv":
		w.buf = appendCSV(w.buf, cells)
	case "json":
		if w.rows > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, '\n')
		w.buf = appendJSON(w.buf, w.cols, cells)
	default:
		w.buf = appendJSON(w.buf, w.cols, cells)
		w.buf = append(w.buf, '\n')
	}
	w.w.Write(w.buf)
	w.rows++
}

// close ends the file, last written at the instant the export was made. In
// json, total is what the source says it has.
func (w *rowWriter) close(total int, made time.Time) error {
	if w.format == "json" {
		fmt.Fprintf(w.w, "\n],\"total\":%d}\n", total)
	}
	err := w.w.Flush()
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chtimes(w.f.Name(), made, made)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", w.f.Name(), err)
	}
	return nil
}

func appendCSV(b []byte, cells []string) []byte {
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		if strings.ContainsAny(c, ",\"\n") {
			b = append(b, '"')
			b = append(b, strings.ReplaceAll(c, `"`, `""`)...)
			b = append(b, '"')
			continue
		}
		b = append(b, c...)
	}
	return append(b, '\n')
}

func appendJSON(b []byte, cols []column, cells []string) []byte {
	open := ""
	b = append(b, '{')
	for i, c := range cols {
		group, name, nested := strings.Cut(c.name, ".")
		if !nested {
			group, name = "", c.name
		}
		if open != "" && group != open {
			b = append(b, '}')
		}
		if i > 0 && (group == "" || group == open) {
			b = append(b, ',')
		}
		if group != "" && group != open {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, group)
			b = append(b, ':', '{')
		}
		open = group
		b = appendText(b, name)
		b = append(b, ':')
		b = appendValue(b, c.kind, cells[i])
	}
	if open != "" {
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendValue(b []byte, kind byte, cell string) []byte {
	switch kind {
	case 'b', 'i':
		if cell == "" {
			return append(b, "null"...)
		}
		return append(b, cell...)
	case 'l':
		b = append(b, '[')
		if cell != "" {
			for i, s := range strings.Split(cell, ";") {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendText(b, s)
			}
		}
		return append(b, ']')
	}
	return appendText(b, cell)
}

// appendText quotes s for JSON. Halyard's exports hold no control characters.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
