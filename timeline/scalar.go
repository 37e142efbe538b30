package timeline

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tieout/audit"
)

func (s *scanner) boolean(n *node) bool {
	for _, w := range [...]string{"true", "false"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(w)) {
			s.i += len(w)
			return true
		}
	}
	return s.fail(n.path, "want true or false")
}

const maxInt = 1<<53 - 1

func (s *scanner) integer(n *node) bool {
	start := s.i
	s.take('-')
	digits := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == digits || s.b[digits] == '0' && s.i-start > 1 || s.i-digits > 16 {
		return s.fail(n.path, "want an integer below 2^53")
	}
	v, err := strconv.ParseInt(string(s.b[start:s.i]), 10, 64)
	if err != nil || v > maxInt || v < -maxInt {
		return s.fail(n.path, "want an integer below 2^53")
	}
	return true
}

// raw reads a canonical JSON string and returns what stands between its
// quotes, escapes not resolved.
func (s *scanner) raw(n *node) ([]byte, bool) {
	if !s.take('"') {
		return nil, s.fail(n.path, "want a string")
	}
	start, ascii := s.i, true
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			out := s.b[start:s.i]
			s.i++
			if !ascii && !utf8.Valid(out) {
				return nil, s.fail(n.path, "invalid UTF-8")
			}
			return out, true
		case c == '\\':
			if !s.escape() {
				return nil, s.fail(n.path, "an escape that canonical JSON does not use")
			}
		case c < 0x20:
			return nil, s.fail(n.path, "a control character")
		default:
			ascii = ascii && c < utf8.RuneSelf
			s.i++
		}
	}
	return nil, s.fail(n.path, "the string does not end")
}

// escape moves past one escape of RFC 8785 3.2.2.2: the two-character ones, and
// \u00xx in lower case for the control characters that have none.
func (s *scanner) escape() bool {
	rest := s.b[s.i+1:]
	if len(rest) > 0 && strings.IndexByte(`"\bfnrt`, rest[0]) >= 0 {
		s.i += 2
		return true
	}
	if len(rest) < 5 || string(rest[:3]) != "u00" || rest[3] != '0' && rest[3] != '1' {
		return false
	}
	if strings.IndexByte("0123456789abcdef", rest[4]) < 0 || rest[3] == '0' && strings.IndexByte("89acd", rest[4]) >= 0 {
		return false
	}
	s.i += 6
	return true
}

func (s *scanner) text(n *node, mayBeEmpty bool) bool {
	v, ok := s.raw(n)
	if !ok {
		return false
	}
	if len(v) == 0 {
		if !mayBeEmpty {
			return s.fail(n.path, `the schema gives "" no meaning here; leave the field out if it was not collected`)
		}
		return true
	}
	enum := n.field.Enum
	if len(enum) > 0 && !slices.ContainsFunc(enum, func(e string) bool { return e == string(v) }) {
		return s.fail(n.path, fmt.Sprintf("%q is not one of %s", v, strings.Join(enum, ", ")))
	}
	return true
}

func (s *scanner) time(n *node) bool {
	v, ok := s.raw(n)
	if !ok {
		return false
	}
	if string(v) == audit.NeverText {
		if n.field.None == "" {
			return s.fail(n.path, `the schema gives "never" no meaning here; leave the field out if it was not collected`)
		}
		return true
	}
	if !isInstant(v) {
		return s.fail(n.path, fmt.Sprintf("%q is not an instant in UTC such as 2026-03-17T02:14:07.5Z", v))
	}
	return true
}

// isInstant reports whether v is what audit.FormatTime writes for some instant
// other than Never. It reads the digits itself: this runs for every time field
// of every item.
func isInstant(v []byte) bool {
	if len(v) < 20 || len(v) > 27 || v[len(v)-1] != 'Z' {
		return false
	}
	const shape = "0000-00-00T00:00:00"
	for i := range len(shape) {
		if digit := v[i] >= '0' && v[i] <= '9'; digit != (shape[i] == '0') || !digit && v[i] != shape[i] {
			return false
		}
	}
	if !isFraction(v[19 : len(v)-1]) {
		return false
	}
	two := func(i int) int { return int(v[i]-'0')*10 + int(v[i+1]-'0') }
	month, day := two(5), two(8)
	year := two(0)*100 + two(2)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	return string(v) != "9999-12-31T23:59:59.999999Z"
}

// isFraction accepts nothing, or a point and one to six digits, the last not 0.
func isFraction(f []byte) bool {
	if len(f) == 0 {
		return true
	}
	if f[0] != '.' || len(f) < 2 || len(f) > 7 || f[len(f)-1] == '0' {
		return false
	}
	for _, c := range f[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
