package bundle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tieout/audit"
	"tieout/internal/canonical"
)

// maxLine bounds a line of items or results.
const maxLine = 8 << 20

// decodeExact reads canonical JSON into v and demands that v encodes to the
// same bytes: nothing was ignored, nothing has a second spelling.
func decodeExact(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	again, err := canonical.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("it is not in its one spelling")
	}
	return nil
}

// json reads a member that every bundle has.
func (b *reader) json(name string, v any) error {
	content, err := b.must(name)
	if err != nil {
		return err
	}
	if err := decodeExact(content, v); err != nil {
		return altered(name, "%v", err)
	}
	return nil
}

// eachRecord calls yield with every record, in the order of the log.
func (b *reader) eachRecord(ctx context.Context, yield func(packed) error) error {
	last := int64(-1)
	for _, m := range b.under("records/") {
		if err := ctx.Err(); err != nil {
			return err
		}
		content, err := b.content(m)
		if err != nil {
			return err
		}
		first := int64(-1)
		var refused error
		last, err = unpack(content, last, func(p packed) error {
			if first < 0 {
				first = p.index
			}
			refused = yield(p)
			return refused
		})
		if refused != nil {
			return refused
		}
		if err == nil && m.Name != partName("records/", first) {
			err = fmt.Errorf("its first entry is %d", first)
		}
		if err != nil {
			return altered(m.Name, "%v", err)
		}
	}
	return nil
}

// body opens the raw bytes of a record; nil if the bundle does not hold them.
func (b *reader) body(p packed) io.Reader {
	switch p.how {
	case bodyInline:
		return bytes.NewReader(p.body)
	case bodyApart:
		return b.stream(partName("bodies/", p.index) + "/")
	}
	return nil
}

// bodyBytes reads the raw bytes of a record into memory.
func (b *reader) bodyBytes(p packed) ([]byte, error) {
	if p.how == bodyInline {
		return p.body, nil
	}
	out, err := io.ReadAll(io.LimitReader(b.body(p), p.size+1))
	if err == nil && int64(len(out)) != p.size {
		err = altered(audit.EvidenceRef(p.index), "it has %d bytes, it says %d", len(out), p.size)
	}
	return out, err
}

// stream reads the parts under prefix as one. Their names must number them.
func (b *reader) stream(prefix string) io.Reader {
	return &partReader{b: b, prefix: prefix, parts: b.under(prefix)}
}

type partReader struct {
	b      *reader
	prefix string
	parts  []member
	n      int64
	buf    []byte
}

// Read implements io.Reader.
func (r *partReader) Read(p []byte) (int, error) {
	for len(r.buf) == 0 {
		if len(r.parts) == 0 {
			return 0, io.EOF
		}
		m := r.parts[0]
		if want := partName(r.prefix, r.n); m.Name != want {
			return 0, altered(m.Name, "expected %s", want)
		}
		content, err := r.b.content(m)
		if err != nil {
			return 0, err
		}
		r.buf, r.parts, r.n = content, r.parts[1:], r.n+1
	}
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	return n, nil
}

// lines reads lines, each ended by a newline, and calls yield with them,
// newline left out. The slice is valid until yield returns.
func lines(ctx context.Context, r io.Reader, name string, yield func(n int, line []byte) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 1<<16), maxLine)
	sc.Split(wholeLines)
	for n := 1; sc.Scan(); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := yield(n, sc.Bytes()); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil && !errors.Is(err, audit.ErrAltered) {
		return altered(name, "%v", err)
	}
	return sc.Err()
}

// wholeLines splits at newlines and refuses a last line without one.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errors.New("its last line is cut off")
	}
	return 0, nil, nil
}

// eachItem reads the item lines. A part is named by the number of its first line.
func (b *reader) eachItem(ctx context.Context, yield func(line []byte) error) error {
	n := int64(0)
	for _, m := range b.under("items/") {
		content, err := b.content(m)
		if err != nil {
			return err
		}
		if m.Name != partName("items/", n) {
			return altered(m.Name, "its first line is line %d", n)
		}
		err = lines(ctx, bytes.NewReader(content), m.Name, func(_ int, line []byte) error {
			n++
			return yield(line)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// procedures reads the tests as they ran.
func (b *reader) procedures() ([]Procedure, error) {
	var out []Procedure
	for _, m := range b.under("definitions/procedures/") {
		content, err := b.content(m)
		if err != nil {
			return nil, err
		}
		var p Procedure
		if err := decodeExact(content, &p); err != nil {
			return nil, altered(m.Name, "%v", err)
		}
		if procedureName(p.ID) != m.Name {
			return nil, altered(m.Name, "it holds procedure %q", p.ID)
		}
		out = append(out, p)
	}
	return out, nil
}

// commitments reads the log's commitments one after the other.
type commitments struct {
	b     *reader
	parts []member
	next  int64
	buf   []byte
}

func (b *reader) commitments() *commitments {
	return &commitments{b: b, parts: b.under("log/commitments/")}
}

// count is how many there are by the sizes of the members.
func (c *commitments) count() (n int64) {
	for _, m := range c.b.under("log/commitments/") {
		n += m.Size / 32
	}
	return n
}

// at returns the commitment with that index; indexes rise from call to call.
func (c *commitments) at(index int64) ([32]byte, error) {
	for {
		if have := int64(len(c.buf) / 32); index < c.next+have {
			return [32]byte(c.buf[(index-c.next)*32:]), nil
		} else if c.next += have; len(c.parts) == 0 {
			return [32]byte{}, altered(audit.EvidenceRef(index), "the log in the bundle has %d entries", c.next)
		}
		m := c.parts[0]
		if m.Name != partName("log/commitments/", c.next) || m.Size == 0 || m.Size%32 != 0 {
			return [32]byte{}, altered(m.Name, "expected whole commitments from %d on", c.next)
		}
		content, err := c.b.content(m)
		if err != nil {
			return [32]byte{}, err
		}
		c.buf, c.parts = content, c.parts[1:]
	}
}
