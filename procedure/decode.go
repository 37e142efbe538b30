package procedure

import (
	"bytes"
	"fmt"

	"tieout/audit"
)

// A slot is one field of one version: its JSON text, and its number where it
// is a bool (0, 1), an int or an instant (microseconds). No text: not collected.
type slot struct {
	raw []byte
	num int64
}

// decodeBody reads the wanted fields of a canonical body into slots; the others
// are read over. It allocates nothing. A body that is not canonical JSON after
// the type's schema is refused: the error says where.
func decodeBody(l *layout, body []byte, want uint64, slots []slot) error {
	s := bodyScanner{b: body, want: want, slots: slots, kinds: l.kinds}
	s.object(l.root)
	if s.err == nil && s.i != len(body) {
		s.fail("data after the end of the body")
	}
	return s.err
}

type bodyScanner struct {
	b     []byte
	i     int
	want  uint64
	slots []slot
	kinds []audit.FieldKind
	err   error
}

func (s *bodyScanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%w: body, byte %d: %s", audit.ErrInvalid, s.i, fmt.Sprintf(format, args...))
	}
}

func (s *bodyScanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *bodyScanner) object(b *branch) {
	if !s.take('{') {
		s.fail("want an object")
		return
	}
	if s.take('}') {
		return
	}
	for kid := 0; s.err == nil; kid++ {
		kid = s.key(b.kids, kid)
		if kid < 0 {
			return
		}
		k := b.kids[kid]
		if k.slot < 0 {
			s.object(k)
		} else {
			s.field(k.slot)
		}
		if s.take('}') {
			return
		}
		if !s.take(',') {
			s.fail("want a comma or the object's end")
		}
	}
}

// key reads `"name":` and returns which kid it is, looking from the one at
// from on, because canonical keys are sorted; -1 on failure.
func (s *bodyScanner) key(kids []*branch, from int) int {
	if !s.take('"') {
		s.fail("want a key")
		return -1
	}
	n := bytes.IndexByte(s.b[s.i:], '"')
	if n < 0 {
		s.fail("the key does not end")
		return -1
	}
	name := s.b[s.i : s.i+n]
	for ; from < len(kids); from++ {
		if kids[from].key == string(name) {
			s.i += n + 1
			if !s.take(':') {
				s.fail("want a colon")
				return -1
			}
			return from
		}
	}
	s.fail("key %q is not a field of the type, or not in order", name)
	return -1
}

func (s *bodyScanner) field(slot int) {
	start, num := s.i, int64(0)
	switch s.kinds[slot] {
	case audit.Bool:
		num = s.boolean()
	case audit.Int:
		num = s.integer()
	case audit.String:
		s.str()
	case audit.Time:
		num = s.time()
	case audit.Strings:
		s.strings()
	default:
		s.skip(0)
	}
	if s.err == nil && s.want>>slot&1 == 1 {
		s.slots[slot] = slotOf(s.b[start:s.i], num)
	}
}

func slotOf(raw []byte, num int64) slot { return slot{raw, num} }

func (s *bodyScanner) boolean() int64 {
	rest := s.b[s.i:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		s.i += 4
		return 1
	case len(rest) >= 5 && string(rest[:5]) == "false":
		s.i += 5
		return 0
	}
	s.fail("want true or false")
	return 0
}

const maxInt = 1<<53 - 1

func (s *bodyScanner) integer() int64 {
	start := s.i
	neg := s.take('-')
	digits, n := s.i, int64(0)
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 && s.i-digits < 17 {
		n = n*10 + int64(s.b[s.i]-'0')
		s.i++
	}
	if s.i == digits || n > maxInt || (s.b[digits] == '0' && s.i > digits+1) || (neg && n == 0) {
		s.i = start
		s.fail("want an integer below 2^53")
		return 0
	}
	if neg {
		return -n
	}
	return n
}

// str reads over a string.
func (s *bodyScanner) str() {
	if !s.take('"') {
		s.fail("want a string")
		return
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return
		case c == '\\':
			if !s.escape() {
				return
			}
		case c < 0x20:
			s.fail("control character in a string")
			return
		default:
			s.i++
		}
	}
	s.fail("the string does not end")
}

// escape reads over one of the escapes canonical JSON has.
func (s *bodyScanner) escape() bool {
	rest := s.b[s.i+1:]
	switch {
	case len(rest) > 0 && bytes.IndexByte([]byte(`"\bfnrt`), rest[0]) >= 0:
		s.i += 2
		return true
	case len(rest) >= 5 && rest[0] == 'u' && rest[1] == '0' && rest[2] == '0' && (rest[3] == '0' || rest[3] == '1') && hexDigit(rest[4]) >= 0:
		s.i += 6
		return true
	}
	s.fail("escape that canonical JSON does not have")
	return false
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

func (s *bodyScanner) strings() {
	if !s.take('[') {
		s.fail("want a list")
		return
	}
	if s.take(']') {
		return
	}
	for s.err == nil {
		s.str()
		if s.take(']') {
			return
		}
		if !s.take(',') {
			s.fail("want a comma or the list's end")
		}
	}
}

func (s *bodyScanner) time() int64 {
	start := s.i
	s.str()
	if s.err != nil {
		return 0
	}
	us, ok := parseInstant(s.b[start+1 : s.i-1])
	if !ok {
		s.i = start
		s.fail("want an instant such as 2026-01-31T09:00:00Z, or never")
	}
	return us
}

// skip reads over any JSON value.
func (s *bodyScanner) skip(depth int) {
	if s.i >= len(s.b) || depth > 16 {
		s.fail("want a value")
		return
	}
	switch c := s.b[s.i]; c {
	case '"':
		s.str()
	case 't', 'f':
		s.boolean()
	case '[', '{':
		s.skipAll(c+2, c == '{', depth) // ']' and '}' follow '[' and '{' by two
	default:
		s.integer()
	}
}

func (s *bodyScanner) skipAll(end byte, keys bool, depth int) {
	s.i++
	if s.take(end) {
		return
	}
	for s.err == nil {
		if keys {
			s.str()
			if s.err == nil && !s.take(':') {
				s.fail("want a colon")
			}
		}
		if s.err == nil {
			s.skip(depth + 1)
		}
		if s.take(end) {
			return
		}
		if !s.take(',') {
			s.fail("want a comma or the end")
		}
	}
}

// parseInstant reads what audit.FormatTime writes, without allocating.
func parseInstant(b []byte) (int64, bool) {
	if string(b) == audit.NeverText {
		return never, true
	}
	if len(b) < 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return 0, false
	}
	year, ok0 := number(b[0:4])
	month, ok1 := number(b[5:7])
	dom, ok2 := number(b[8:10])
	h, ok3 := number(b[11:13])
	m, ok4 := number(b[14:16])
	sec, ok5 := number(b[17:19])
	if !ok0 || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || year < 1 || month < 1 || month > 12 ||
		dom < 1 || dom > daysIn(year, month) || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	frac, ok := fraction(b[19 : len(b)-1])
	us := civil(year, month, dom)*day + h*hour + m*minute + sec*second + frac
	return us, ok && us != never
}

func number(b []byte) (int64, bool) {
	n := int64(0)
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// fraction reads "" or ".5" up to six decimals without trailing zeros.
func fraction(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0] != '.' || len(b) < 2 || len(b) > 7 || b[len(b)-1] == '0' {
		return 0, false
	}
	n, ok := number(b[1:])
	for i := len(b); i < 7; i++ {
		n *= 10
	}
	return n, ok
}

func daysIn(y, m int64) int64 {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// civil is the number of days from 1970-01-01 to the date, in the proleptic
// Gregorian calendar.
func civil(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// unquote returns the value of a canonical JSON string.
func unquote(raw []byte) string {
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return string(in)
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			out = append(out, in[i])
			continue
		}
		i++
		switch in[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			out = append(out, byte(hexDigit(in[i+3])<<4|hexDigit(in[i+4])))
			i += 4
		default:
			out = append(out, in[i])
		}
	}
	return string(out)
}

// unquoteAll returns the values of a canonical JSON list of strings.
func unquoteAll(raw []byte) []string {
	out := []string{}
	s := bodyScanner{b: raw, i: 1}
	for s.i < len(raw) && raw[s.i] == '"' {
		start := s.i
		s.str()
		out = append(out, unquote(raw[start:s.i]))
		s.i++ // comma or end
	}
	return out
}
