package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"tieout/audit"
)

// A node is a key on the way to the columns that are read.
type node struct {
	keys   map[string]*node
	column int   // -1: none ends here
	below  []int // columns that end here or deeper
	depth  int
	row    int // the row that had this key last
}

func (p *Program) tree() *node {
	root := &node{column: -1}
	for i, c := range p.columns {
		n := root
		n.below = append(n.below, i)
		for d, k := range c.path {
			if n.keys == nil {
				n.keys = map[string]*node{}
			}
			next := n.keys[k]
			if next == nil {
				next = &node{column: -1, depth: d + 1}
				n.keys[k] = next
			}
			n = next
			n.below = append(n.below, i)
		}
		n.column = i
	}
	return root
}

// A jsonReader fills a build's cells from JSON objects.
type jsonReader struct {
	*build
	s    scanner
	root *node
	row  int
}

// jsonl reads one JSON object a line; empty lines are passed over. firstLine
// is the line of the file that body starts on.
func (b *build) jsonl(firstLine int, body []byte) {
	b.expect(bytes.Count(body, []byte("\n")) + 1)
	body, err := plainText(body)
	if err != nil {
		b.refuse(0, err)
		return
	}
	r := &jsonReader{build: b, root: b.tree()}
	for line := firstLine; len(body) > 0; line++ {
		row, rest, _ := bytes.Cut(body, []byte("\n"))
		body = rest
		if len(bytes.TrimSpace(row)) == 0 {
			continue
		}
		if !utf8.Valid(row) {
			b.refuse(line, fmt.Errorf("the line is not UTF-8"))
			continue
		}
		if err := r.line(row); err != nil {
			b.refuse(line, err)
			continue
		}
		b.jsonRow(line, row)
	}
}

// line reads the one object in row.
func (r *jsonReader) line(row []byte) error {
	r.s = scanner{b: row}
	if r.s.peek() != '{' {
		return r.s.fail("the line is not a JSON object")
	}
	if err := r.object(); err != nil {
		return err
	}
	if r.s.peek(); r.s.i < len(row) {
		return r.s.fail("data follow the object")
	}
	return nil
}

// object reads the object the scanner stands before into the cells.
func (r *jsonReader) object() error {
	r.row++
	r.text = r.text[:0]
	clear(r.cells)
	return r.members(r.root, 0)
}

func (r *jsonReader) members(n *node, depth int) error {
	return r.s.object(func(raw []byte) error {
		next := n.keys[string(raw)]
		if next == nil && bytes.IndexByte(raw, '\\') >= 0 {
			next = n.keys[string(unescape(nil, raw))]
		}
		if next == nil {
			_, err := r.s.skip(depth + 1)
			return err
		}
		if next.row == r.row {
			return r.s.fail(fmt.Sprintf("the key %q appears twice", raw))
		}
		next.row = r.row
		return r.value(next, depth+1)
	})
}

func (r *jsonReader) value(n *node, depth int) error {
	start := r.s.i
	switch c := r.s.peek(); c {
	case '{':
		if n.keys == nil || depth > 60 {
			return r.raw(n, objectCell, depth)
		}
		if n.column >= 0 {
			if err := r.raw(n, objectCell, depth); err != nil {
				return err
			}
			r.s.i = start
		}
		return r.members(n, depth)
	case '[':
		return r.raw(n, listCell, depth)
	}
	return r.scalar(n, depth)
}

// raw keeps the bytes of an object or a list. A list may stand anywhere on the
// way to a column: the rest of the way is then taken within its elements.
func (r *jsonReader) raw(n *node, kind cellKind, depth int) error {
	raw, err := r.s.skip(depth)
	if err != nil {
		return err
	}
	for _, i := range n.below {
		if kind == listCell || i == n.column {
			r.cells[i] = cell{kind: kind, text: raw, rest: r.columns[i].path[n.depth:]}
		}
	}
	return nil
}

func (r *jsonReader) scalar(n *node, depth int) error {
	var c cell
	if r.s.peek() == '"' {
		raw, escaped, err := r.s.str()
		if err != nil {
			return err
		}
		if escaped {
			at := len(r.text)
			r.text = unescape(r.text, raw)
			raw = r.text[at:len(r.text):len(r.text)]
		}
		c = cell{kind: textCell, text: raw}
	} else {
		raw, err := r.s.skip(depth)
		if err != nil {
			return err
		}
		c = cell{kind: numberCell, text: raw}
		switch raw[0] {
		case 't', 'f':
			c.kind = boolCell
		case 'n':
			c = cell{kind: nullCell}
		}
	}
	if n.column >= 0 {
		r.cells[n.column] = c
	}
	return nil
}

// json reads the array at the dotted path rows; "" is the document itself. A
// single object at that path is one row.
func (b *build) json(rows string, body []byte) {
	body, err := plainText(body)
	if err == nil && !utf8.Valid(body) {
		err = fmt.Errorf("the file is not UTF-8, first in line %d", invalidLine(body))
	}
	if err != nil {
		b.refuse(0, err)
		return
	}
	r := &jsonReader{build: b, root: b.tree(), s: scanner{b: body}}
	lines := &lineCounter{b: body}
	err = eachRow(&r.s, rows, func() error {
		start := r.s.i
		line := lines.at(start)
		if r.s.peek() != '{' {
			_, err := r.s.skip(1)
			b.refuse(line, fmt.Errorf("the element is not an object"))
			return err
		}
		if err := r.object(); err != nil {
			return err
		}
		b.jsonRow(line, body[start:r.s.i])
		return nil
	})
	if err != nil {
		b.refuse(lines.of(err, r.s.i), err)
	}
}

func invalidLine(body []byte) int {
	line := 1
	for l := range bytes.Lines(body) {
		if !utf8.Valid(l) {
			return line
		}
		line++
	}
	return line
}

// A lineCounter tells the line of rising offsets.
type lineCounter struct {
	b    []byte
	done int
	line int
}

func (l *lineCounter) at(offset int) int {
	if offset < l.done {
		l.done, l.line = 0, 0
	}
	l.line += bytes.Count(l.b[l.done:offset], []byte("\n"))
	l.done = offset
	return l.line + 1
}

func (l *lineCounter) of(err error, offset int) int {
	var syntax syntaxError
	if errors.As(err, &syntax) {
		offset = syntax.at
	}
	return l.at(min(offset, len(l.b)))
}

var errNoRows = errors.New("no rows")

// eachRow calls row with the scanner before each element of the array at path
// and then checks the rest of the document.
func eachRow(s *scanner, path string, row func() error) error {
	keys := []string{}
	if path != "" {
		keys = splitPath(path)
	}
	found, err := descend(s, keys, row, 0)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: there is nothing at %q", errNoRows, path)
	}
	if s.peek(); s.i < len(s.b) {
		return s.fail("data follow the document")
	}
	return nil
}

func descend(s *scanner, keys []string, row func() error, depth int) (found bool, err error) {
	c := s.peek()
	if len(keys) == 0 {
		switch c {
		case '[':
			return true, s.array(func() error { s.space(); return row() })
		case '{':
			return true, row()
		}
		return false, s.fail("a list of rows was expected here")
	}
	if c != '{' {
		return false, s.fail(fmt.Sprintf("an object with the key %q was expected here", keys[0]))
	}
	err = s.object(func(raw []byte) error {
		if string(unescape(nil, raw)) != keys[0] {
			_, err := s.skip(depth + 1)
			return err
		}
		if found {
			return s.fail(fmt.Sprintf("the key %q appears twice", keys[0]))
		}
		var err error
		found, err = descend(s, keys[1:], row, depth+1)
		return err
	})
	return found, err
}

// At returns the text of the single value at a dotted path of a JSON document.
// Errors wrap audit.ErrNotFound where there is none.
func At(doc []byte, path string) (string, error) {
	r := &jsonReader{build: (&Program{columns: []column{{name: path, path: splitPath(path)}}}).build("", audit.Span{})}
	doc, err := plainText(doc)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(doc) {
		return "", fmt.Errorf("%w: the document is not UTF-8", audit.ErrInvalid)
	}
	r.root = r.tree()
	r.s = scanner{b: doc}
	if r.s.peek() != '{' {
		return "", fmt.Errorf("%w: %q: the document is not an object", audit.ErrNotFound, path)
	}
	if err := r.object(); err != nil {
		return "", fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	switch c := r.cells[0]; c.kind {
	case textCell, numberCell, boolCell:
		return string(c.text), nil
	}
	return "", fmt.Errorf("%w: there is no single value at %q", audit.ErrNotFound, path)
}
