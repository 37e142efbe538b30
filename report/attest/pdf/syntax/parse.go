package syntax

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"tieout/audit"
)

func decodeUTF16(units []uint16) string { return string(utf16.Decode(units)) }

// maxNesting is how deep arrays and dictionaries are read.
const maxNesting = 30

// A Lexer reads values from bytes: of a file, or of a page's content, where
// words that are no values are Operators.
type Lexer struct {
	data  []byte
	pos   int
	inner bool // of a content stream: no references, operators
}

// An Operator of a content stream.
type Operator string

// Content reads a content stream.
func Content(data []byte) *Lexer { return &Lexer{data: data, inner: true} }

func (l *Lexer) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: PDF, byte %d: %s", audit.ErrInvalid, l.pos, fmt.Sprintf(format, args...))
}

func white(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func delimiter(c byte) bool { return strings.IndexByte("()<>[]{}/%", c) >= 0 }

func (l *Lexer) space() {
	for l.pos < len(l.data) && white(l.data[l.pos]) {
		l.pos++
	}
}

// End reports whether nothing but spaces is left.
func (l *Lexer) End() bool {
	l.space()
	return l.pos >= len(l.data)
}

func (l *Lexer) has(s string) bool {
	return bytes.HasPrefix(l.data[min(l.pos, len(l.data)):], []byte(s))
}

func (l *Lexer) take(s string) bool {
	if !l.has(s) {
		return false
	}
	l.pos += len(s)
	return true
}

// Value reads the next value.
func (l *Lexer) Value() (any, error) { return l.value(0) }

func (l *Lexer) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, l.errorf("nested too deep")
	}
	if l.End() {
		return nil, l.errorf("ends too early")
	}
	switch c := l.data[l.pos]; {
	case l.take("<<"):
		return l.dict(depth)
	case c == '<':
		return l.hexString()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array(depth)
	case c == '/':
		return l.name()
	case c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9':
		return l.number()
	}
	return l.word()
}

func (l *Lexer) word() (any, error) {
	start := l.pos
	for l.pos < len(l.data) && !white(l.data[l.pos]) && !delimiter(l.data[l.pos]) {
		l.pos++
	}
	switch w := string(l.data[start:l.pos]); {
	case w == "true" || w == "false":
		return w == "true", nil
	case w == "null":
		return nil, nil
	case l.inner && w != "":
		return Operator(w), nil
	}
	l.pos = start
	return nil, l.errorf("no value here")
}

func (l *Lexer) digits() (string, bool) {
	start := l.pos
	for l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '9' {
		l.pos++
	}
	return string(l.data[start:l.pos]), l.pos > start
}

// number reads a number, or a reference to an object of generation 0.
func (l *Lexer) number() (any, error) {
	start := l.pos
	if c := l.data[l.pos]; c == '+' || c == '-' {
		l.pos++
	}
	_, whole := l.digits()
	fraction := false
	if l.take(".") {
		_, fraction = l.digits()
	}
	text := string(l.data[start:l.pos])
	if !whole && !fraction || len(text) > 30 {
		return nil, l.errorf("no number")
	}
	if !l.inner && l.take(" 0 R") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, l.errorf("no reference")
		}
		return Ref(n), nil
	}
	return Number(text), nil
}

func (l *Lexer) name() (any, error) {
	l.pos++
	var b []byte
	for l.pos < len(l.data) && !white(l.data[l.pos]) && !delimiter(l.data[l.pos]) {
		c := l.data[l.pos]
		if c == '#' && l.pos+2 < len(l.data) {
			v, err := hex.DecodeString(string(l.data[l.pos+1 : l.pos+3]))
			if err != nil {
				return nil, l.errorf("no name")
			}
			c = v[0]
			l.pos += 2
		}
		b = append(b, c)
		l.pos++
	}
	return Name(b), nil
}

func (l *Lexer) hexString() (any, error) {
	l.pos++
	end := bytes.IndexByte(l.data[l.pos:], '>')
	if end < 0 {
		return nil, l.errorf("a string without end")
	}
	out, err := hex.DecodeString(string(l.data[l.pos : l.pos+end]))
	if err != nil {
		return nil, l.errorf("no string")
	}
	l.pos += end + 1
	return String(out), nil
}

func (l *Lexer) literal() (any, error) {
	l.pos++
	out, depth := String{}, 1
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return out, nil
			}
		case '\\':
			var ok bool
			if out, ok = l.escape(out); !ok {
				return nil, l.errorf("no escape")
			}
			continue
		}
		out = append(out, c)
	}
	return nil, l.errorf("a string without end")
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f', '(': '(', ')': ')', '\\': '\\'}

func (l *Lexer) escape(out String) (String, bool) {
	if l.pos >= len(l.data) {
		return out, false
	}
	c := l.data[l.pos]
	if e, ok := escapes[c]; ok {
		l.pos++
		return append(out, e), true
	}
	n, start := 0, l.pos
	for l.pos < len(l.data) && l.pos < start+3 && l.data[l.pos] >= '0' && l.data[l.pos] <= '7' {
		n = n*8 + int(l.data[l.pos]-'0')
		l.pos++
	}
	return append(out, byte(n)), l.pos > start && n < 256 //nolint:gosec // below 256, or refused
}

func (l *Lexer) array(depth int) (any, error) {
	l.pos++
	out := Array{}
	for {
		if l.End() {
			return nil, l.errorf("an array without end")
		}
		if l.take("]") {
			return out, nil
		}
		v, err := l.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

func (l *Lexer) dict(depth int) (any, error) {
	out := Dict{}
	for {
		if l.End() {
			return nil, l.errorf("a dictionary without end")
		}
		if l.take(">>") {
			return out, nil
		}
		if l.data[l.pos] != '/' {
			return nil, l.errorf("a dictionary's key is a name")
		}
		k, err := l.name()
		if err != nil {
			return nil, err
		}
		key := string(k.(Name)) //nolint:forcetypeassert // what name returns
		if _, twice := out[key]; twice {
			return nil, l.errorf("the key %s twice", key)
		}
		if out[key], err = l.value(depth + 1); err != nil {
			return nil, err
		}
	}
}
