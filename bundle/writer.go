package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"tieout/internal/canonical"
)

// A writer writes the container, one member after the other. After an error
// what was written is no bundle.
type writer struct {
	w       io.Writer
	at      int64
	members []member
	err     error
}

// coder packs and unpacks members, each in bounded memory; it is safe for
// concurrent use.
var coder = sync.OnceValues(func() (c struct {
	pack   *zstd.Encoder
	unpack *zstd.Decoder
}, err error) {
	if c.pack, err = zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(zstd.SpeedDefault)); err != nil {
		return c, err
	}
	c.unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxContent), zstd.WithDecoderMaxWindow(maxContent))
	return c, err
})

func newWriter(w io.Writer) (*writer, error) {
	b := &writer{w: w}
	return b, b.write([]byte(magic))
}

func (b *writer) write(p []byte) error {
	if b.err != nil {
		return b.err
	}
	n, err := b.w.Write(p)
	b.at += int64(n)
	if err != nil {
		b.err = fmt.Errorf("write bundle: %w", err)
	}
	return b.err
}

// add writes one member. Members come in the order of their sections and names.
func (b *writer) add(name string, content []byte, pack packing) error {
	m := member{Name: name, Pack: pack, Size: int64(len(content)), at: b.at}
	stored := content
	if pack == zipped {
		c, err := coder()
		if err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		stored = c.pack.EncodeAll(content, nil)
	}
	m.Stored, m.Digest = int64(len(stored)), digestText(sha256.Sum256(stored))
	if err := m.check(); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	last := ""
	if n := len(b.members); n > 0 {
		last = b.members[n-1].Name
	}
	if !follows(last, name) {
		return fmt.Errorf("write bundle: member %s cannot stand after %q", name, last)
	}
	if len(b.members) == maxMembers {
		return fmt.Errorf("write bundle: more than %d members", maxMembers)
	}
	b.members = append(b.members, m)
	if err := b.write(m.header()); err != nil {
		return err
	}
	return b.write(stored)
}

// close writes the index and the tail and returns the bundle's identity: the
// digest of its index, which every byte before it is bound to.
func (b *writer) close() (id string, err error) {
	index, err := encodeIndex(b.members)
	if err != nil {
		return "", fmt.Errorf("write bundle: %w", err)
	}
	at := b.at
	if err := b.write(index); err != nil {
		return "", err
	}
	sum := sha256.Sum256(index)
	return digestText(sum), b.write(encodeTail(at, int64(len(index)), sum))
}

func encodeIndex(members []member) ([]byte, error) {
	if members == nil {
		members = []member{}
	}
	index, err := canonical.Marshal(struct {
		Format  int      `json:"format"`
		Members []member `json:"members"`
	}{1, members})
	if err != nil {
		return nil, err
	}
	if len(index) > maxIndex {
		return nil, fmt.Errorf("an index of %d bytes; at most %d", len(index), maxIndex)
	}
	return index, nil
}

// encodeTail is the file's end: offset and length of the index (8 bytes each,
// big-endian), its SHA-256, a CRC-32C of these 48 bytes, and the end mark. The
// CRC tells a damaged tail from a damaged index; it protects against nothing.
func encodeTail(at, size int64, sum [sha256.Size]byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(at))
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b = append(b, sum[:]...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return append(b, endMagic...)
}
