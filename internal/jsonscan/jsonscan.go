// Package jsonscan finds the parts of a JSON document (RFC 8259) without
// decoding them: where the fields of the outermost object are, and the elements
// of its lists. It looks at structure only, in one pass at the speed of
// memory; whether what is inside a part is well formed is for who decodes it.
package jsonscan

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"unicode/utf8"
)

// A Doc is a document whose outermost parts are known. The bytes are shared
// with what was scanned.
type Doc struct {
	fields   []field
	elements []json.RawMessage // of a document that is a list
	list     bool
}

type field struct {
	name     string
	raw      json.RawMessage
	elements []json.RawMessage // where raw is a list
	list     bool
}

// MaxDepth is how deep objects and lists may nest.
const MaxDepth = 10_000

// Scan finds the fields of the outermost object and the elements of the lists
// among them, or the elements of an outermost list.
func Scan(doc []byte) (Doc, error) {
	s := scanner{b: doc}
	s.space()
	var d Doc
	var err error
	switch s.peek() {
	case '{':
		d.fields, err = s.object()
	case '[':
		d.list = true
		d.elements, err = s.array()
	default:
		return d, errors.New("the document is neither an object nor a list")
	}
	if err != nil {
		return d, err
	}
	s.space()
	if s.at != len(s.b) {
		return d, fmt.Errorf("something follows the document at byte %d", s.at)
	}
	return d, nil
}

// Field returns the field called name of the outermost object.
func (d Doc) Field(name string) (raw json.RawMessage, ok bool) {
	for i := range d.fields {
		if d.fields[i].name == name {
			return d.fields[i].raw, true
		}
	}
	return nil, false
}

// All yields the fields of the outermost object in their order.
func (d Doc) All() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for i := range d.fields {
			if !yield(d.fields[i].name, d.fields[i].raw) {
				return
			}
		}
	}
}

// Elements returns the elements of the list that is the field called name, or
// with "" of the document itself; ok is false where there is no such list.
func (d Doc) Elements(name string) (list []json.RawMessage, ok bool) {
	if d.list {
		return d.elements, name == ""
	}
	for i := range d.fields {
		if d.fields[i].name == name {
			return d.fields[i].elements, d.fields[i].list
		}
	}
	return nil, false
}

// Get returns the field called name of the object doc and looks no further than
// it. ok is false where there is none.
func Get(doc []byte, name string) (raw json.RawMessage, ok bool, err error) {
	s := scanner{b: doc}
	s.space()
	if s.peek() != '{' {
		return nil, false, errors.New("it is not an object")
	}
	s.at++
	for first := true; ; first = false {
		key, more, err := s.key(first)
		if err != nil || !more {
			return nil, false, err
		}
		start := s.at
		if err := s.skip(); err != nil {
			return nil, false, err
		}
		if key == name {
			return json.RawMessage(s.b[start:s.at]), true, nil
		}
	}
}

// Text returns the string that raw is; ok is false where it is none.
func Text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if in := raw[1 : len(raw)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
		return string(in), true
	}
	return s, json.Unmarshal(raw, &s) == nil
}

type scanner struct {
	b  []byte
	at int
}

func (s *scanner) fail(why string) error { return fmt.Errorf("at byte %d: %s", s.at, why) }

func (s *scanner) peek() byte {
	if s.at < len(s.b) {
		return s.b[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// key reads a field's name and the colon after it; more is false at the end of
// the object.
func (s *scanner) key(first bool) (name string, more bool, err error) {
	s.space()
	switch c := s.peek(); {
	case c == '}':
		s.at++
		return "", false, nil
	case c == ',' && !first:
		s.at++
		s.space()
	case !first:
		return "", false, s.fail("a comma or the end of the object is missing")
	}
	start := s.at
	if err := s.text(); err != nil {
		return "", false, err
	}
	raw := s.b[start:s.at]
	name = string(raw[1 : len(raw)-1])
	if bytes.IndexByte(raw, '\\') >= 0 {
		if err := json.Unmarshal(raw, &name); err != nil {
			return "", false, s.fail("a name cannot be read")
		}
	}
	s.space()
	if s.peek() != ':' {
		return "", false, s.fail("a colon is missing")
	}
	s.at++
	s.space()
	return name, true, nil
}

// object reads the fields of the object at s.
func (s *scanner) object() (out []field, err error) {
	s.at++
	for first := true; ; first = false {
		name, more, err := s.key(first)
		if err != nil || !more {
			return out, err
		}
		f := field{name: name}
		start := s.at
		if s.peek() == '[' {
			f.list = true
			f.elements, err = s.array()
		} else {
			err = s.skip()
		}
		if err != nil {
			return out, err
		}
		f.raw = json.RawMessage(s.b[start:s.at])
		out = append(out, f)
	}
}

// array reads the elements of the list at s.
func (s *scanner) array() (out []json.RawMessage, err error) {
	s.at++
	out = []json.RawMessage{}
	for first := true; ; first = false {
		s.space()
		switch c := s.peek(); {
		case c == ']' && (first || len(out) > 0):
			s.at++
			return out, nil
		case first:
		case c != ',':
			return out, s.fail("a comma or the end of the list is missing")
		default:
			s.at++
			s.space()
		}
		start := s.at
		if err := s.skip(); err != nil {
			return out, err
		}
		out = append(out, json.RawMessage(s.b[start:s.at]))
	}
}

// skip goes past one value.
func (s *scanner) skip() error {
	switch c := s.peek(); c {
	case '"':
		return s.text()
	case '{', '[':
		return s.nested()
	case 0, ',', ']', '}', ':':
		return s.fail("a value is missing")
	}
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return nil
		}
		s.at++
	}
	return nil
}

// text goes past the string at s.
func (s *scanner) text() error {
	if s.peek() != '"' {
		return s.fail("a string is missing")
	}
	from := s.at + 1
	for {
		end := quote(s.b, from)
		if end < 0 {
			return s.fail("a string does not end")
		}
		back := end - 1
		for s.b[back] == '\\' { // ends at the opening quote at the latest
			back--
		}
		if (end-1-back)%2 == 0 {
			s.at = end + 1
			return nil
		}
		from = end + 1
	}
}

// quote is where the next quotation mark is, -1 if there is none. Most strings
// are short: eight bytes at a time cost less than a call for each.
func quote(b []byte, from int) int {
	const ones, highs, quotes = 0x0101010101010101, 0x8080808080808080, 0x2222222222222222
	for ; from+8 <= len(b); from += 8 {
		x := binary.LittleEndian.Uint64(b[from:]) ^ quotes
		if hit := (x - ones) &^ x & highs; hit != 0 {
			return from + bits.TrailingZeros64(hit)/8
		}
	}
	for ; from < len(b); from++ {
		if b[from] == '"' {
			return from
		}
	}
	return -1
}

// nested goes past the object or list at s: brackets outside of strings.
func (s *scanner) nested() error {
	b, at, depth := s.b, s.at, 0
	for at < len(b) {
		switch b[at] {
		case '"':
			s.at = at
			if err := s.text(); err != nil {
				return err
			}
			at = s.at
			continue
		case '{', '[':
			if depth++; depth > MaxDepth {
				s.at = at
				return s.fail("it nests too deep")
			}
		case '}', ']':
			if depth--; depth == 0 {
				s.at = at + 1
				return nil
			}
		}
		at++
	}
	return s.fail("it does not end")
}
