package mapping

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"tieout/internal/canonical"
)

// A scanner walks JSON text without building values. It is as strict as
// RFC 8259 and canonical.MaxDepth. The text must be valid UTF-8.
type scanner struct {
	b []byte
	i int
}

type syntaxError struct {
	at  int
	why string
}

func (e syntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.at, e.why) }

func (s *scanner) fail(why string) error { return syntaxError{s.i, why} }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that is no space, or 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// skip passes over one value and returns its bytes.
func (s *scanner) skip(depth int) ([]byte, error) {
	c := s.peek()
	start := s.i
	var err error
	switch {
	case depth > canonical.MaxDepth:
		err = s.fail(fmt.Sprintf("nested deeper than %d", canonical.MaxDepth))
	case c == '{':
		err = s.object(func([]byte) error { _, err := s.skip(depth + 1); return err })
	case c == '[':
		err = s.array(func() error { _, err := s.skip(depth + 1); return err })
	case c == '"':
		_, _, err = s.str()
	case c == '-' || c >= '0' && c <= '9':
		_, err = s.number()
	default:
		_, err = s.word()
	}
	return s.b[start:s.i], err
}

// object calls member for each key, raw and without its quotes, with the
// scanner before the value, which member must pass over.
func (s *scanner) object(member func(rawKey []byte) error) error {
	s.i++
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.fail("a key is missing")
		}
		key, _, err := s.str()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.fail("a colon is missing")
		}
		s.i++
		if err := member(key); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case '}':
			s.i++
			return nil
		default:
			return s.fail("a comma or the end of the object is missing")
		}
	}
}

func (s *scanner) array(element func() error) error {
	s.i++
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case ']':
			s.i++
			return nil
		default:
			return s.fail("a comma or the end of the list is missing")
		}
	}
}

// str passes over a string and returns what is between its quotes, and
// whether that holds escapes.
func (s *scanner) str() (raw []byte, escaped bool, err error) {
	start := s.i + 1
	for i := start; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			return s.b[start:i], escaped, nil
		case c < 0x20:
			s.i = i
			return nil, false, s.fail("a control character stands in a string")
		case c == '\\':
			escaped = true
			n, err := escapeLen(s.b[i:])
			if err != nil {
				s.i = i
				return nil, false, s.fail(err.Error())
			}
			i += n - 1
		}
	}
	s.i = len(s.b)
	return nil, false, s.fail("a string does not end")
}

func escapeLen(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, fmt.Errorf("a string does not end")
	}
	if b[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) < 0 {
			return 0, fmt.Errorf("there is no escape \\%c", b[1])
		}
		return 2, nil
	}
	r, ok := hex4(b)
	if !ok {
		return 0, fmt.Errorf("an escape is cut short")
	}
	if !utf16.IsSurrogate(r) {
		return 6, nil
	}
	if low, ok := hex4(b[6:]); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
		return 12, nil
	}
	return 0, fmt.Errorf("a string holds half of a surrogate pair")
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}

// unescape appends the text of a raw string that str has passed over.
func unescape(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		n := 2
		switch raw[1] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(raw)
			n = 6
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw[6:])
				r, n = utf16.DecodeRune(r, low), 12
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, raw[1])
		}
		raw = raw[n:]
	}
	return dst
}

func (s *scanner) number() ([]byte, error) {
	start := s.i
	if s.b[s.i] == '-' {
		s.i++
	}
	zero := s.i < len(s.b) && s.b[s.i] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		return nil, s.fail("a number is malformed")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if s.digits() == 0 {
			return nil, s.fail("a number is malformed")
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			return nil, s.fail("a number is malformed")
		}
	}
	return s.b[start:s.i], nil
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// word passes over true, false or null.
func (s *scanner) word() ([]byte, error) {
	for _, w := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(w)) {
			s.i += len(w)
			return s.b[s.i-len(w) : s.i], nil
		}
	}
	if s.i >= len(s.b) {
		return nil, s.fail("the JSON text ends too early")
	}
	return nil, s.fail("a value is malformed")
}
