package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A reader reads a container. It is for one goroutine.
type reader struct {
	r       io.ReaderAt
	size    int64
	indexAt int64
	members []member
	id      string // digest of the index
}

// openReader reads the tail and the index and checks them: what they say must
// encode to the bytes they were read from. Errors wrap audit.ErrAltered and
// name the head, the index or the tail.
func openReader(r io.ReaderAt, size int64) (*reader, error) {
	b := &reader{r: r, size: size}
	if size < int64(len(magic)+tailSize) {
		return nil, altered("head", "a file of %d bytes is no bundle, or it is cut off", size)
	}
	head := make([]byte, len(magic))
	if err := b.read(head, 0, "head"); err != nil {
		return nil, err
	}
	if string(head) != magic {
		return nil, altered("head", "it does not begin with %q", magic)
	}
	index, err := b.tail()
	if err != nil {
		return nil, err
	}
	if err := b.parseIndex(index); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *reader) read(p []byte, at int64, where string) error {
	if _, err := b.r.ReadAt(p, at); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", where, err)
	} else if err != nil && at+int64(len(p)) > b.size {
		return altered(where, "the file ends too early")
	}
	return nil
}

// tail reads the tail and returns the bytes of the index.
func (b *reader) tail() ([]byte, error) {
	tail := make([]byte, tailSize)
	if err := b.read(tail, b.size-int64(tailSize), "tail"); err != nil {
		return nil, err
	}
	at, size := int64(binary.BigEndian.Uint64(tail)), int64(binary.BigEndian.Uint64(tail[8:]))
	sum := [sha256.Size]byte(tail[16:])
	if !bytes.Equal(tail, encodeTail(at, size, sum)) {
		return nil, altered("tail", "the file does not end as a bundle does: cut off, added to or changed")
	}
	if size < 0 || size > maxIndex || at < int64(len(magic)) || at+size != b.size-int64(tailSize) {
		return nil, altered("tail", "its index of %d bytes at %d does not fit a file of %d bytes", size, at, b.size)
	}
	index := make([]byte, size)
	if err := b.read(index, at, "index"); err != nil {
		return nil, err
	}
	if sha256.Sum256(index) != sum {
		return nil, altered("index", "it does not match its digest")
	}
	b.indexAt, b.id = at, digestText(sum)
	return index, nil
}

// parseIndex reads the list of members and demands that they fill the file
// without a gap, in order, and that the list has its one spelling.
func (b *reader) parseIndex(index []byte) error {
	var list struct {
		Format  int      `json:"format"`
		Members []member `json:"members"`
	}
	dec := json.NewDecoder(bytes.NewReader(index))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil {
		return altered("index", "%v", err)
	}
	again, err := encodeIndex(list.Members)
	if err != nil || list.Format != 1 || !bytes.Equal(again, index) {
		return altered("index", "it is not in its one spelling")
	}
	if len(list.Members) > maxMembers {
		return altered("index", "more than %d members", maxMembers)
	}
	at, last := int64(len(magic)), ""
	for i := range list.Members {
		m := &list.Members[i]
		m.at = at
		if err := m.check(); err != nil {
			return altered("index", "%v", err)
		}
		if !follows(last, m.Name) {
			return altered("index", "member %s stands after %q", m.Name, last)
		}
		at, last = m.end(), m.Name
	}
	if at != b.indexAt {
		return altered("index", "its members end at %d, it begins at %d", at, b.indexAt)
	}
	b.members = list.Members
	return nil
}

// stored reads a member as it is stored and checks header and digest.
func (b *reader) stored(m member) ([]byte, error) {
	head := m.header()
	buf := make([]byte, int64(len(head))+m.Stored)
	if err := b.read(buf, m.at, m.Name); err != nil {
		return nil, err
	}
	if !bytes.Equal(buf[:len(head)], head) {
		return nil, altered(m.Name, "its header is not what the index says")
	}
	buf = buf[len(head):]
	if digestText(sha256.Sum256(buf)) != m.Digest {
		return nil, altered(m.Name, "it does not match its digest")
	}
	return buf, nil
}

// content reads a member, checked and unpacked.
func (b *reader) content(m member) ([]byte, error) {
	buf, err := b.stored(m)
	if err != nil || m.Pack == plain {
		return buf, err
	}
	c, err := coder()
	if err != nil {
		return nil, err
	}
	out, err := c.unpack.DecodeAll(buf, make([]byte, 0, m.Size))
	if err != nil {
		return nil, altered(m.Name, "it cannot be unpacked: %v", err)
	}
	if int64(len(out)) != m.Size {
		return nil, altered(m.Name, "unpacked it has %d bytes, the index says %d", len(out), m.Size)
	}
	return out, nil
}

// find returns the member called name, false if there is none.
func (b *reader) find(name string) (member, bool) {
	i := slices.IndexFunc(b.members, func(m member) bool { return m.Name == name })
	if i < 0 {
		return member{}, false
	}
	return b.members[i], true
}

// must returns the content of a member that every bundle has.
func (b *reader) must(name string) ([]byte, error) {
	m, ok := b.find(name)
	if !ok {
		return nil, altered(name, "the bundle does not hold it")
	}
	return b.content(m)
}

// under returns the members whose names start with prefix, in order.
func (b *reader) under(prefix string) []member {
	i := slices.IndexFunc(b.members, func(m member) bool { return strings.HasPrefix(m.Name, prefix) })
	if i < 0 {
		return nil
	}
	n := i
	for n < len(b.members) && strings.HasPrefix(b.members[n].Name, prefix) {
		n++
	}
	return b.members[i:n]
}

// walk reads every member once and checks that it is what the index says: with
// openReader before it, every byte of the file.
func (b *reader) walk(ctx context.Context, progress func(done, total int64)) error {
	for _, m := range b.members {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := b.stored(m); err != nil {
			return err
		}
		progress(m.end(), b.size)
	}
	return nil
}
