package audit

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// maxResultLine is the longest line of one result, in bytes.
const maxResultLine = 64 << 20

// A ResultReader reads results as AppendJSON writes them, one a line, and takes no
// other spelling: what it reads is written as the very bytes it was read from.
// Mostly it needs no general decoder and has several times the speed of one.
type ResultReader struct {
	in    *bufio.Reader
	line  []byte
	words *wordShelf
	lines int
}

// NewResultReader returns a reader of lines of results.
func NewResultReader(r io.Reader) *ResultReader {
	return &ResultReader{in: bufio.NewReaderSize(r, 1<<18), words: &wordShelf{}}
}

// Read returns the next result, io.EOF after the last. What is no result is an
// error that wraps ErrAltered and names the line.
func (d *ResultReader) Read() (*Result, error) {
	r := &Result{}
	if err := d.Next(r); err != nil {
		return nil, err
	}
	return r, nil
}

// Next is Read into r, whose lists are written over.
func (d *ResultReader) Next(r *Result) error {
	line, err := d.Line()
	if err != nil {
		return err
	}
	if err := d.parse(line, r); err != nil {
		return fmt.Errorf("%w: results, line %d: %w", ErrAltered, d.lines, err)
	}
	return nil
}

// Line returns the next line that is not empty, without its end, valid until the
// next call; io.EOF after the last.
func (d *ResultReader) Line() ([]byte, error) {
	for {
		line, err := d.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line, err = d.long(line)
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return nil, err
		}
		d.lines++
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			return line, nil
		}
	}
}

// long reads the rest of a line that is longer than the buffer.
func (d *ResultReader) long(begun []byte) ([]byte, error) {
	d.line = append(d.line[:0], begun...)
	for {
		more, err := d.in.ReadSlice('\n')
		d.line = append(d.line, more...)
		switch {
		case len(d.line) > maxResultLine:
			return nil, fmt.Errorf("%w: results, line %d: longer than %d bytes", ErrAltered, d.lines+1, maxResultLine)
		case !errors.Is(err, bufio.ErrBufferFull):
			return d.line, err
		}
	}
}

func (d *ResultReader) parse(line []byte, r *Result) error {
	c := resultCursor{b: line, words: d.words, bad: !plainText(line)}
	*r = Result{Attributes: r.Attributes[:0], Values: r.Values[:0], Records: r.Records[:0]}
	if c.result(r); !c.bad && c.i == len(line) {
		return nil
	}
	*r = Result{}
	return general(line, r)
}

// general reads what the cursor did not, which is rare.
func general(line []byte, r *Result) error {
	if err := json.Unmarshal(line, r); err != nil {
		return err
	}
	if !bytes.Equal(r.AppendJSON(nil), line) {
		return errors.New("it is not written in the one way in which results are")
	}
	return nil
}

// ValuePaths calls yield with the path of each value that a line of a result
// holds, without reading the rest of it. The bytes are valid during the call.
func ValuePaths(line []byte, yield func(path []byte)) error {
	const key = `,"values":[` // within a string its quotes would be escaped
	at := bytes.LastIndex(line, []byte(key))
	if at < 0 {
		return nil
	}
	c := resultCursor{b: line, i: at + len(key), bad: !plainText(line[at:])}
	for !c.bad {
		c.need(`{"path":`)
		path := c.raw()
		c.need(`,"value":`)
		c.raw()
		c.need("}")
		if !c.bad {
			yield(path)
		}
		if !c.is(",") {
			break
		}
	}
	if c.need("]}"); !c.bad && c.i == len(line) {
		return nil
	}
	var r Result
	if err := general(line, &r); err != nil {
		return fmt.Errorf("%w: results: %w", ErrAltered, err)
	}
	for _, v := range r.Values {
		yield([]byte(v.Path))
	}
	return nil
}

// plainText reports whether a line is valid UTF-8 without control characters.
func plainText(b []byte) bool {
	ascii, rest := true, b
	for ; len(rest) >= 8; rest = rest[8:] {
		x := binary.LittleEndian.Uint64(rest)
		if (x-0x2020202020202020)&^x&0x8080808080808080 != 0 {
			return false // or a byte above such a one, which only costs time
		}
		ascii = ascii && x&0x8080808080808080 == 0
	}
	for _, c := range rest {
		if c < 0x20 {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(b)
}

// A resultCursor walks one line in the order in which AppendJSON writes it. bad
// is set for good where the line is written any other way.
type resultCursor struct {
	b     []byte
	i     int
	bad   bool
	words *wordShelf
}

func (c *resultCursor) result(r *Result) {
	c.need("{")
	if c.is(`"attributes":[`) {
		c.attributes(r)
		c.need(",")
	}
	c.need(`"end":`)
	c.bound(&r.End)
	r.Exact = c.is(`,"exact":true`)
	c.need(`,"hash":`)
	r.Hash = c.word()
	r.InGrace = c.is(`,"inGrace":true`)
	c.need(`,"item":`)
	r.Item = c.text()
	if c.is(`,"label":`) {
		r.Label = c.text()
		c.bad = c.bad || r.Label == ""
	}
	if c.is(`,"observations":`) {
		r.Observations = int(c.number())
		c.bad = c.bad || r.Observations == 0
	}
	r.Open = c.is(`,"open":true`)
	c.need(`,"outcome":`)
	c.outcome(&r.Outcome)
	c.need(`,"procedure":`)
	r.Procedure = c.word()
	if c.is(`,"reason":`) {
		r.Reason = c.word()
		c.bad = c.bad || r.Reason == ""
	}
	if c.is(`,"records":[`) {
		c.records(r)
	}
	c.need(`,"span":{"from":`)
	c.instant(&r.Span.From)
	c.need(`,"to":`)
	c.instant(&r.Span.To)
	c.need(`},"start":`)
	c.bound(&r.Start)
	c.need(`,"stream":{"Scope":`)
	r.Stream.Scope = c.word()
	c.need(`,"Source":`)
	r.Stream.Source = c.word()
	c.need(`,"Type":`)
	r.Stream.Type = c.word()
	c.need("}")
	if c.is(`,"values":[`) {
		c.values(r)
	}
	c.need("}")
}

func (c *resultCursor) attributes(r *Result) {
	for {
		var a AttributeResult
		c.need(`{"name":`)
		a.Name = c.word()
		c.need(`,"outcome":`)
		c.outcome(&a.Outcome)
		if c.is(`,"reason":`) {
			a.Reason = c.word()
			c.bad = c.bad || a.Reason == ""
		}
		c.need(`,"text":`)
		a.Text = c.word()
		c.need("}")
		r.Attributes = append(r.Attributes, a)
		if c.bad || !c.is(",") {
			break
		}
	}
	c.need("]")
}

func (c *resultCursor) values(r *Result) {
	for {
		var v FieldValue
		c.need(`{"path":`)
		v.Path = c.word()
		c.need(`,"value":`)
		v.Value = c.word()
		c.need("}")
		r.Values = append(r.Values, v)
		if c.bad || !c.is(",") {
			break
		}
	}
	c.need("]")
}

func (c *resultCursor) records(r *Result) {
	for {
		r.Records = append(r.Records, c.number())
		if c.bad || !c.is(",") {
			break
		}
	}
	c.need("]")
}

func (c *resultCursor) bound(x *Bound) {
	c.need(`{"after":`)
	c.instant(&x.After)
	c.need(`,"at":`)
	c.instant(&x.At)
	c.need("}")
}

// is reports whether the line goes on with some text, and steps over it.
func (c *resultCursor) is(text string) bool {
	if c.bad || len(c.b)-c.i < len(text) || string(c.b[c.i:c.i+len(text)]) != text {
		return false
	}
	c.i += len(text)
	return true
}

func (c *resultCursor) need(text string) {
	if !c.is(text) {
		c.bad = true
	}
}

// raw is a string without escapes, between its quotes.
func (c *resultCursor) raw() []byte {
	if c.need(`"`); c.bad {
		return nil
	}
	end := bytes.IndexByte(c.b[c.i:], '"')
	if end < 0 || bytes.IndexByte(c.b[c.i:c.i+end], '\\') >= 0 {
		c.bad = true
		return nil
	}
	s := c.b[c.i : c.i+end]
	c.i += end + 1
	return s
}

// escaped is a string with escapes, or without.
func (c *resultCursor) escaped() (string, bool) {
	at := c.i
	if c.bad || at >= len(c.b) || c.b[at] != '"' {
		c.bad = true
		return "", false
	}
	for i := at + 1; i < len(c.b); i++ {
		switch c.b[i] {
		case '\\':
			i++
		case '"':
			if i-at-1 == bytes.IndexByte(c.b[at+1:], '"') && bytes.IndexByte(c.b[at:i], '\\') < 0 {
				return "", false
			}
			var s string
			if json.Unmarshal(c.b[at:i+1], &s) != nil || !bytes.Equal(appendString(nil, s), c.b[at:i+1]) {
				c.bad = true
			}
			c.i = i + 1
			return s, true
		}
	}
	c.bad = true
	return "", false
}

// text is a string that is mostly of this result alone.
func (c *resultCursor) text() string {
	if s, yes := c.escaped(); yes || c.bad {
		return s
	}
	return string(c.raw())
}

// word is a string that other results mostly have too.
func (c *resultCursor) word() string {
	if s, yes := c.escaped(); yes || c.bad {
		return s
	}
	return c.words.get(c.raw())
}

func (c *resultCursor) outcome(o *Outcome) {
	if s := c.raw(); !c.bad {
		c.bad = o.UnmarshalText(s) != nil
	}
}

// number is an integer as strconv writes it, of at most 18 digits.
func (c *resultCursor) number() (n int64) {
	minus := c.is("-")
	from := c.i
	for ; c.i < len(c.b) && c.b[c.i] >= '0' && c.b[c.i] <= '9' && c.i-from < 19; c.i++ {
		n = n*10 + int64(c.b[c.i]-'0')
	}
	if digits := c.i - from; digits == 0 || digits > 18 || c.b[from] == '0' && (digits > 1 || minus) {
		c.bad = true
	}
	if minus {
		return -n
	}
	return n
}

// instant is one of RFC 3339, as time.Time writes it.
func (c *resultCursor) instant(t *time.Time) {
	raw := c.raw()
	if c.bad {
		return
	}
	if !utcInstant(raw, t) {
		c.bad = t.UnmarshalText(raw) != nil || string(t.AppendFormat(nil, time.RFC3339Nano)) != string(raw)
	}
}

// utcInstant reads "2026-09-14T12:00:00.123456Z" where every part is within bounds
// that all months have.
func utcInstant(b []byte, t *time.Time) bool {
	if len(b) < 20 || len(b) > 30 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[len(b)-1] != 'Z' {
		return false
	}
	year, month, day := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
	hour, minute, second := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
	if min(year, month, day, hour, minute, second) < 0 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	nanos := 0
	if fraction := b[19 : len(b)-1]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) < 2 || len(fraction) > 10 || fraction[len(fraction)-1] == '0' {
			return false
		}
		if nanos = digits(fraction[1:]); nanos < 0 {
			return false
		}
		for n := len(fraction); n < 10; n++ {
			nanos *= 10
		}
	}
	*t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	return true
}

// digits is the number that digits spell; -1 where they are none.
func digits(b []byte) (n int) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// A wordShelf gives the same string for the same bytes, mostly without making it
// anew. It holds a fixed number of strings.
type wordShelf [1 << 11]string

func (w *wordShelf) get(b []byte) string {
	if len(b) > 256 {
		return string(b)
	}
	slot := &w[placeOf(b)%uint64(len(w))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// placeOf mixes the beginning and the end of some bytes and how many they are.
func placeOf(b []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	h := uint64(len(b))
	if len(b) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(b)) * odd
		h = (h ^ h>>29 ^ binary.LittleEndian.Uint64(b[len(b)-8:])) * odd
		return h >> 32
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * odd
	}
	return h >> 32
}
