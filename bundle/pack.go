package bundle

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	partSize     = 4 << 20 // bytes of content after which a part is closed
	inlineBody   = 1 << 20 // a longer body stands in members of its own
	maxCanonical = 1 << 20 // bytes of a canonical record
	maxBody      = 1 << 32 // bytes of a record's raw bytes
	saltSize     = 32
)

// How a record's raw bytes are kept.
const (
	bodyInline   = 'i' // they follow
	bodyApart    = 'b' // in members bodies/INDEX/PART
	bodyWithheld = 'w' // left out of the bundle
	bodyErased   = 'e' // erased, with record and salt
)

// A packed record is one entry of a member under records/.
type packed struct {
	index     int64
	how       byte
	salt      [saltSize]byte
	canonical []byte
	size      int64  // of the raw bytes
	body      []byte // if inline
}

// append encodes p: index (8 bytes), how (1); unless erased: salt (32), length
// of the canonical record (4), the record, length of the raw bytes (8); the raw
// bytes if they are inline. Numbers are big-endian.
func (p packed) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.index))
	b = append(b, p.how)
	if p.how == bodyErased {
		return b
	}
	b = append(b, p.salt[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.canonical)))
	b = append(b, p.canonical...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.size))
	if p.how == bodyInline {
		b = append(b, p.body...)
	}
	return b
}

// A cursor reads packed records. It keeps no copy: what next returns shares b.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) bytes(n int64) []byte {
	if c.err != nil || n < 0 || n > int64(len(c.b)) {
		if c.err == nil {
			c.err = io.ErrUnexpectedEOF
		}
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// next reads one record. What it accepts, append gives back unchanged: every
// byte is a length, a value or content.
func (c *cursor) next() (packed, error) {
	p := packed{index: int64(c.uint64())}
	if how := c.bytes(1); how != nil {
		p.how = how[0]
	}
	if p.how == bodyErased || c.err != nil {
		return p, c.err
	}
	if p.how != bodyInline && p.how != bodyApart && p.how != bodyWithheld {
		return p, fmt.Errorf("its bytes are kept in a way %q that is not known", p.how)
	}
	copy(p.salt[:], c.bytes(saltSize))
	if n := c.bytes(4); n != nil {
		p.canonical = c.bytes(int64(binary.BigEndian.Uint32(n)))
	}
	p.size = int64(c.uint64())
	if p.how == bodyInline {
		p.body = c.bytes(p.size)
	}
	if c.err == nil && (len(p.canonical) > maxCanonical || p.size < 0 || p.size > maxBody) {
		c.err = fmt.Errorf("a record of %d bytes with %d raw bytes is too large", len(p.canonical), p.size)
	}
	return p, c.err
}

// unpack calls yield with every record of a part, in rising order of indexes.
func unpack(part []byte, last int64, yield func(packed) error) (int64, error) {
	c := cursor{b: part}
	for len(c.b) > 0 {
		p, err := c.next()
		if err != nil {
			return last, fmt.Errorf("after entry %d: %w", last, err)
		}
		if p.index <= last {
			return last, fmt.Errorf("entry %d stands after entry %d", p.index, last)
		}
		last = p.index
		if err := yield(p); err != nil {
			return last, err
		}
	}
	return last, nil
}

// partName names a part by a number, so that names sort as numbers do.
func partName(section string, n int64) string { return fmt.Sprintf("%s%016d", section, n) }
