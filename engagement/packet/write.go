package packet

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"tieout/audit"
	"tieout/ledger"
)

// A File is put beside a payload. Open is called twice and gives the same bytes
// each time: once to sign for them, once to write them.
type File struct {
	Name  string // a plain file name
	Media string // "": application/octet-stream
	Open  func() (io.ReadCloser, error)
}

// Write writes a packet, signed with the key of the sender's log, and returns
// its header as written and its digest, which is the SHA-256 of every byte. Of
// the header it fills Format, Payload and Files. Memory is bounded by the
// payload. On error what was written is no packet.
func Write(w io.Writer, h Header, payload any, files []File, signer ledger.Signer) (Header, string, error) {
	d, err := prepare(h, payload, files)
	if err != nil {
		return Header{}, "", err
	}
	digest, err := d.write(w, signer)
	return d.header, digest, err
}

// A draft is a packet that is not signed yet.
type draft struct {
	header  Header
	payload []byte
	files   []File
}

// prepare describes payload and files in the header.
func prepare(h Header, payload any, files []File) (draft, error) {
	d := draft{header: h, files: files}
	var err error
	if d.payload, err = encodePayload(h.Kind, payload); err != nil {
		return d, err
	}
	d.header.Format = format
	d.header.Payload = Part{Size: int64(len(d.payload)), Digest: digestOf(d.payload)}
	d.header.Files = nil
	for _, f := range files {
		p, err := describe(f)
		if err != nil {
			return d, err
		}
		d.header.Files = append(d.header.Files, p)
	}
	return d, checkFiles(h.Kind, payload, d.header.Files)
}

// describe reads a file for its size and digest.
func describe(f File) (Part, error) {
	p := Part{Name: f.Name, Media: cmp.Or(f.Media, "application/octet-stream")}
	sum := sha256.New()
	err := each(f, func(r io.Reader) (err error) {
		p.Size, err = io.Copy(sum, r)
		return err
	})
	p.Digest = digestHash(sum)
	return p, err
}

func each(f File, use func(io.Reader) error) error {
	r, err := f.Open()
	if err == nil {
		err = errors.Join(use(r), r.Close())
	}
	if err != nil {
		return fmt.Errorf("file %q of a packet: %w", f.Name, err)
	}
	return nil
}

// write signs and writes; what it writes, Open reads.
func (d draft) write(w io.Writer, signer ledger.Signer) (string, error) {
	if err := d.header.check(); err != nil {
		return "", err
	}
	head, err := d.header.encode()
	if err != nil {
		return "", err
	}
	note, err := ledger.SignStatement(signer, tag, d.header.statement(head))
	if err != nil {
		return "", fmt.Errorf("sign packet: %w", err)
	}
	sum := sha256.New()
	all := io.MultiWriter(w, sum)
	for _, b := range [][]byte{[]byte(magic), length(note), note, length(head), head, d.payload} {
		if _, err := all.Write(b); err != nil {
			return "", fmt.Errorf("write packet: %w", err)
		}
	}
	for i, f := range d.files {
		if err := d.copyFile(all, f, d.header.Files[i]); err != nil {
			return "", err
		}
	}
	return digestHash(sum), nil
}

// length stands before the note and the header: four bytes, big-endian.
func length(b []byte) []byte { return binary.BigEndian.AppendUint32(nil, uint32(len(b))) }

// copyFile writes a file and refuses one that changed since it was described.
func (d draft) copyFile(w io.Writer, f File, p Part) error {
	sum := sha256.New()
	return each(f, func(r io.Reader) error {
		n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, p.Size+1))
		if err == nil && (n != p.Size || digestHash(sum) != p.Digest) {
			err = fmt.Errorf("%w: it changed while it was written", audit.ErrConflict)
		}
		return err
	})
}

func digestHash(h hash.Hash) string { return digestText([sha256.Size]byte(h.Sum(nil))) }
