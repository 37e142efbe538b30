package packet

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/ledger"
)

// ErrNotSigned says that a packet or a request is not signed by the side it
// should come from. It is an audit.ErrAltered.
var ErrNotSigned = fmt.Errorf("%w: not signed by the other side", audit.ErrAltered)

// A Packet is a packet of which every byte was checked.
type Packet struct {
	Header     Header
	Digest     string            // SHA-256 of every byte
	Size       int64             // bytes
	By         ledger.Key        // whose signature it bears
	Checkpoint ledger.Checkpoint // of the sender's log when it was made

	parcel ledger.Parcel
	value  any
	r      io.ReaderAt
	close  func() error
}

// CheckpointNote is the sender's checkpoint as it signed it.
func (p *Packet) CheckpointNote() []byte { return slices.Clone(p.parcel.Checkpoint) }

// Name is how people name a packet: "EN-1-to-brookline-0007.packet".
func (p *Packet) Name() string { return p.Header.FileName() }

// Close lets go of the file behind an opened packet.
func (p *Packet) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// File returns a file beside the payload; audit.ErrNotFound where there is none
// of that name. Its bytes were checked when the packet was opened.
func (p *Packet) File(name string) (*io.SectionReader, error) {
	at := p.Size - p.Header.Bytes() + p.Header.Payload.Size
	for _, f := range p.Header.Files {
		if f.Name == name {
			return io.NewSectionReader(p.r, at, f.Size), nil
		}
		at += f.Size
	}
	return nil, fmt.Errorf("%w: packet %s has no file %q", audit.ErrNotFound, p.Name(), short(name))
}

// Open reads and checks a packet of size bytes whose sender's log is known by
// the key sender: the key in the terms, from which the packet shows the way to
// the one that signed it. Nothing of a packet is given before all of it was
// checked. What is not as it was signed is an audit.ErrAltered that names the
// part; ErrNotSigned where another key signed. Number, predecessor and proof are
// the Lane's to judge.
func Open(r io.ReaderAt, size int64, sender ledger.Key) (*Packet, error) {
	in := io.NewSectionReader(r, 0, size)
	h, err := readHead(in)
	if err != nil {
		return nil, err
	}
	p, err := h.verify(sender)
	if err != nil {
		return nil, err
	}
	p.r = r
	if err := h.readBody(in, io.Discard, p); err != nil {
		return nil, err
	}
	return p, nil
}

// OpenFile is Open for a file on disk.
func OpenFile(path string, sender ledger.Key) (*Packet, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p, err := Open(f, info.Size(), sender)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	p.close = f.Close
	return p, nil
}

// A head is what stands before the payload, as it was read; nobody's word until
// it is verified.
type head struct {
	header Header
	note   []byte
	raw    []byte // all bytes read so far
}

// readHead reads no further than the header, so that who sent a packet is known
// before its gigabytes are taken.
func readHead(r io.Reader) (head, error) {
	var h head
	got := make([]byte, len(magic))
	if err := readFull(r, got, "head"); err != nil {
		return h, err
	}
	if string(got) != magic {
		return h, altered("head", "it does not begin with %q: it is no packet, or of another version", magic)
	}
	note, err := readSized(r, maxNote, "signature")
	if err != nil {
		return h, err
	}
	encoded, err := readSized(r, maxHeader, "header")
	if err != nil {
		return h, err
	}
	text, err := ledger.ReadStatement(note, tag)
	if err != nil {
		return h, altered("signature", "%v", err)
	}
	h.note, h.raw = note, slices.Concat(got, length(note), note, length(encoded), encoded)
	if !strings.HasSuffix(text, "\n"+digestOf(encoded)+"\n") {
		return h, altered("header", "it is not what was signed")
	}
	if h.header, err = parseHeader(encoded); err != nil {
		return h, err
	}
	if h.header.statement(encoded) != text {
		return h, altered("signature", "it is not of this header")
	}
	return h, nil
}

func readFull(r io.Reader, b []byte, where string) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return altered(where, "the file ends too early")
	}
	if err != nil {
		return fmt.Errorf("read packet, %s: %w", where, err)
	}
	return nil
}

// readSized reads four bytes of length and what they announce.
func readSized(r io.Reader, limit uint32, where string) ([]byte, error) {
	var n [4]byte
	if err := readFull(r, n[:], where); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(n[:])
	if size == 0 || size > limit {
		return nil, altered(where, "it claims to be of %d bytes; at most %d", size, limit)
	}
	b := make([]byte, size)
	return b, readFull(r, b, where)
}

// again is the packet from its beginning, where rest is what follows the head.
func (h head) again(rest io.Reader) io.Reader { return io.MultiReader(bytes.NewReader(h.raw), rest) }

// verify checks who signed: the key in force at the end of the keys the packet
// shows, which begin with the one the receiver knows. The checkpoint has to be
// the same log's.
func (h head) verify(sender ledger.Key) (*Packet, error) {
	parcel, err := h.header.parcel()
	if err != nil {
		return nil, err
	}
	if parcel.First != sender.VKey() {
		return nil, fmt.Errorf("%w: packet %s begins with key %s, the other side is known by %s", ErrNotSigned, h.header.FileName(), short(parcel.First), sender.ID())
	}
	chain, err := parcel.Chain()
	if err != nil {
		return nil, altered("header", "the keys of the sender's log: %v", err)
	}
	_, by, err := ledger.VerifyStatement(h.note, tag, chain.Current())
	if err != nil {
		return nil, fmt.Errorf("%w: packet %s, signature: %w", ErrNotSigned, h.header.FileName(), err)
	}
	if chain.Log() != h.header.From {
		return nil, altered("header", "it comes from %s and shows the log %s", h.header.From, chain.Log())
	}
	checkpoint, err := chain.VerifyCheckpoint(parcel.Checkpoint)
	if err != nil {
		return nil, altered("header", "the checkpoint of the sender's log: %v", err)
	}
	return &Packet{Header: h.header, By: by, Checkpoint: checkpoint, parcel: parcel}, nil
}

// readBody reads what follows the header, checks it, and copies the whole packet
// to w. It fills p's digest, size and payload, and demands the end of r.
func (h head) readBody(r io.Reader, w io.Writer, p *Packet) error {
	sum := sha256.New()
	all := io.MultiWriter(w, sum)
	if _, err := all.Write(h.raw); err != nil {
		return fmt.Errorf("keep packet: %w", err)
	}
	var payload bytes.Buffer
	if err := copyPart(io.MultiWriter(all, &payload), r, h.header.Payload, "payload"); err != nil {
		return err
	}
	for _, f := range h.header.Files {
		if err := copyPart(all, r, f, fmt.Sprintf("file %q", f.Name)); err != nil {
			return err
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n != 0 {
		return altered("end", "bytes follow after its last file")
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read packet, end: %w", err)
	}
	var err error
	if p.value, err = decodePayload(h.header.Kind, payload.Bytes()); err != nil {
		return err
	}
	p.Digest, p.Size = digestHash(sum), int64(len(h.raw))+h.header.Bytes()
	return checkFiles(h.header.Kind, p.value, h.header.Files)
}

// copyPart copies one part and checks it.
func copyPart(w io.Writer, r io.Reader, p Part, where string) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, p.Size))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return altered(where, "the file ends too early")
	case err != nil:
		return fmt.Errorf("read packet, %s: %w", where, err)
	case n != p.Size:
		return altered(where, "the file ends after %d of its %d bytes", n, p.Size)
	case digestHash(sum) != p.Digest:
		return altered(where, "it is not what was signed")
	}
	return nil
}
