package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"tieout/audit"
)

// A VersionRow is one version of one item of a stream.
type VersionRow struct {
	Item    string
	Version audit.Version
}

// Versions are kept in segments: some hundred to some thousand rows of one
// stream, one after the other, compressed. docs/formats/store.md has the form.
// Reading a year is then a few hundred large reads, not a million small ones.
const (
	segmentForm = 1
	segmentRaw  = 1 << 20 // bytes after which a segment is closed
	flagGone    = 1
)

// appendRow writes one row after b.
func appendRow(b []byte, r *VersionRow) []byte {
	v := &r.Version
	b = binary.AppendUvarint(b, uint64(len(r.Item)))
	b = append(b, r.Item...)
	b = binary.AppendVarint(b, micros(v.From.At))
	b = binary.AppendVarint(b, micros(v.From.After))
	b = append(b, byte(bit(v.Gone))*flagGone)
	b = binary.AppendVarint(b, v.Record)
	b = binary.AppendUvarint(b, uint64(len(v.Body)))
	return append(b, v.Body...)
}

var errSegment = errors.New("segment of the timeline's cache is damaged; drop the stream and rebuild it from evidence")

// eachVersion calls yield for every row of an unpacked segment. The slices
// lie in raw. It refuses anything appendRow does not write.
func eachVersion(raw []byte, yield func(item []byte, v audit.Version) error) error {
	if len(raw) == 0 || raw[0] != segmentForm {
		return fmt.Errorf("%w: %w: unknown form", audit.ErrAltered, errSegment)
	}
	d := &cutter{rest: raw[1:]}
	for len(d.rest) > 0 {
		item := d.bytes()
		var v audit.Version
		v.From.At, v.From.After = d.time(), d.time()
		flags := d.byte()
		v.Gone = flags == flagGone
		v.Record = d.varint()
		v.Body = d.bytes()
		if len(v.Body) == 0 {
			v.Body = nil
		}
		if d.bad || flags > flagGone {
			return fmt.Errorf("%w: %w: at byte %d of %d", audit.ErrAltered, errSegment, len(raw)-len(d.rest), len(raw))
		}
		if err := yield(item, v); err != nil {
			return err
		}
	}
	return nil
}

// A cutter takes values off the front of rest; after the first that is not
// there bad is set and everything else is empty.
type cutter struct {
	rest []byte
	bad  bool
}

func (c *cutter) fail() { c.bad, c.rest = true, nil }

func (c *cutter) bytes() []byte {
	n, k := binary.Uvarint(c.rest)
	if k <= 0 || n > uint64(len(c.rest)-k) {
		c.fail()
		return nil
	}
	end := k + int(n)
	b := c.rest[k:end:end]
	c.rest = c.rest[end:]
	return b
}

func (c *cutter) varint() int64 {
	n, k := binary.Varint(c.rest)
	if k <= 0 {
		c.fail()
		return 0
	}
	c.rest = c.rest[k:]
	return n
}

func (c *cutter) byte() byte {
	if len(c.rest) == 0 {
		c.fail()
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *cutter) time() time.Time { return instant(c.varint()) }

// A packed is one segment on its way into the store.
type packed struct {
	versions int
	raw      int
	data     []byte
}

// pack splits rows into segments in their order.
func pack(rows []VersionRow) ([]packed, error) {
	var out []packed
	buf := make([]byte, 1, min(segmentRaw+segmentRaw/4, 256+512*len(rows)))
	buf[0] = segmentForm
	first := 0
	for i := range rows {
		if len(rows[i].Version.Body) > math.MaxInt32 {
			return nil, fmt.Errorf("%w: item %q has a body of %d bytes", audit.ErrInvalid, rows[i].Item, len(rows[i].Version.Body))
		}
		buf = appendRow(buf, &rows[i])
		if len(buf) < segmentRaw && i+1 < len(rows) {
			continue
		}
		out = append(out, packed{i + 1 - first, len(buf), packer.EncodeAll(buf, nil)})
		buf, first = buf[:1], i+1
	}
	return out, nil
}

// unpack returns a segment's rows' bytes. Its checksum is part of the packing.
func unpack(data []byte, raw int64) ([]byte, error) {
	if raw < 1 || raw > maxRaw {
		return nil, fmt.Errorf("%w: %w: size %d", audit.ErrAltered, errSegment, raw)
	}
	b, err := unpacker.DecodeAll(data, make([]byte, 0, raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %w", audit.ErrAltered, errSegment, err)
	}
	if int64(len(b)) != raw {
		return nil, fmt.Errorf("%w: %w: %d bytes, want %d", audit.ErrAltered, errSegment, len(b), raw)
	}
	return b, nil
}
