package blob

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Every object starts with eight bytes: magic, form, kind.
const (
	magic         = "tieout"
	form          = 1
	kindPlain     = 0
	kindEncrypted = 1
	headerSize    = len(magic) + 2
)

func header(kind byte) []byte { return append([]byte(magic), form, kind) }

// readHeader takes the header off r; it has to be of that kind.
func readHeader(r io.Reader, kind byte) error {
	b := make([]byte, headerSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("header: %w", noEOF(err))
	}
	return parseHeader(b, kind)
}

func parseHeader(b []byte, kind byte) error {
	switch {
	case len(b) != headerSize || !bytes.HasPrefix(b, []byte(magic)):
		return fmt.Errorf("header %x: this is not a blob of Tieout", b)
	case b[len(magic)] != form:
		return fmt.Errorf("header: form %d, this program knows %d", b[len(magic)], form)
	case b[len(magic)+1] != kind:
		return fmt.Errorf("header: kind %d, want %d (0 plain, 1 encrypted)", b[len(magic)+1], kind)
	}
	return nil
}

// noEOF keeps an early end from being taken for a good one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// plain covers nothing: the object is the header and the compressed bytes,
// its name the digest.
type plain struct{}

func (plain) wrap(w io.Writer) (io.WriteCloser, error) {
	if _, err := w.Write(header(kindPlain)); err != nil {
		return nil, err
	}
	return keepOpen{w}, nil
}

func (plain) unwrap(r io.Reader) (io.Reader, error) { return r, readHeader(r, kindPlain) }

func (plain) name(s sum) string { return hex.EncodeToString(s[:]) }

func (plain) sum(name string) (s sum, ok bool) {
	if len(name) != 2*len(s) {
		return s, false
	}
	_, err := hex.Decode(s[:], []byte(name))
	return s, err == nil
}

// keepOpen is a writer whose Close does nothing.
type keepOpen struct{ io.Writer }

// Close implements io.Closer.
func (keepOpen) Close() error { return nil }
