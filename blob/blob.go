// Package blob keeps bytes by their digest: in a folder, or in a bucket of any
// S3-compatible service. They are compressed, and encrypted at rest if an
// identity is given. docs/formats/store.md describes the stored form.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"tieout/audit"
)

// A Store keeps bytes by the digest of the plain bytes, "sha256:" and 64
// lower-case hex digits. It is safe for concurrent use, also by several
// processes over the same place.
type Store interface {
	// Put keeps what r gives. When it returns nil the bytes are durable. Bytes
	// that are there already are checked, not written again; damaged ones are
	// written anew. On error nothing counts, and calling again is safe.
	Put(ctx context.Context, r io.Reader) (digest string, size int64, err error)
	// Get returns the bytes; audit.ErrNotFound if they are not there. Only after
	// the reader has given io.EOF have the bytes been checked: in place of it
	// comes an audit.ErrAltered that names the digest if they are not the ones.
	Get(ctx context.Context, digest string) (io.ReadCloser, error)
	// Has reports whether there is a blob of that digest; it does not read it.
	Has(ctx context.Context, digest string) (bool, error)
	// Delete removes a blob; one that is not there is no error.
	Delete(ctx context.Context, digest string) error
	// List calls yield with the digest of every blob, in no order, and stops at
	// its first error.
	List(ctx context.Context, yield func(digest string) error) error
}

const digestPrefix = "sha256:"

// sum is the digest as bytes.
type sum [sha256.Size]byte

func (s sum) String() string { return digestPrefix + hex.EncodeToString(s[:]) }

func parseDigest(digest string) (s sum, err error) {
	digits, ok := strings.CutPrefix(digest, digestPrefix)
	if !ok || len(digits) != 2*len(s) || strings.ToLower(digits) != digits {
		return s, fmt.Errorf("%w: digest %q is not sha256: and 64 lower-case hex digits", audit.ErrInvalid, digest)
	}
	if _, err := hex.Decode(s[:], []byte(digits)); err != nil {
		return s, fmt.Errorf("%w: digest %q: %w", audit.ErrInvalid, digest, err)
	}
	return s, nil
}

// A cover turns compressed bytes into stored ones, and digests into names.
type cover interface {
	wrap(w io.Writer) (io.WriteCloser, error)
	unwrap(r io.Reader) (io.Reader, error)
	name(s sum) string
	sum(name string) (sum, bool)
}

// packed is a Store over Objects.
type packed struct {
	objects Objects
	cover   cover
}

// New returns the store of unencrypted blobs in o.
func New(o Objects) Store { return &packed{o, plain{}} }

// Put implements Store.
func (p *packed) Put(ctx context.Context, r io.Reader) (string, int64, error) {
	d, err := p.objects.Begin(ctx)
	if err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	s, n, err := p.fill(d, r)
	if err == nil {
		err = p.keep(ctx, d, s)
	}
	if err := errors.Join(err, d.Close()); err != nil {
		return "", 0, fmt.Errorf("put blob: %w", err)
	}
	return s.String(), n, nil
}

// fill writes what r gives into d in its stored form.
func (p *packed) fill(d Draft, r io.Reader) (s sum, n int64, err error) {
	w, err := p.cover.wrap(d)
	if err != nil {
		return s, 0, err
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return s, 0, err
	}
	h := sha256.New()
	n, err = io.Copy(io.MultiWriter(h, z), r)
	if err := errors.Join(err, z.Close(), w.Close()); err != nil {
		return s, 0, err
	}
	return sum(h.Sum(nil)), n, nil
}

// keep publishes d unless the same bytes are there and whole.
func (p *packed) keep(ctx context.Context, d Draft, s sum) error {
	have, err := p.objects.Has(ctx, p.cover.name(s))
	if err != nil {
		return err
	}
	if have {
		err := p.check(ctx, s)
		if err == nil {
			return nil
		}
		if !errors.Is(err, audit.ErrAltered) && !errors.Is(err, audit.ErrNotFound) {
			return err
		}
	}
	return d.Commit(ctx, p.cover.name(s), true)
}

func (p *packed) check(ctx context.Context, s sum) error {
	r, err := p.Get(ctx, s.String())
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// Get implements Store.
func (p *packed) Get(ctx context.Context, digest string) (io.ReadCloser, error) {
	s, err := parseDigest(digest)
	if err != nil {
		return nil, err
	}
	raw, err := p.objects.Open(ctx, p.cover.name(s))
	if err != nil {
		return nil, fmt.Errorf("get blob %s: %w", digest, err)
	}
	return newReader(s, raw, p.cover), nil
}

// Has implements Store.
func (p *packed) Has(ctx context.Context, digest string) (bool, error) {
	s, err := parseDigest(digest)
	if err != nil {
		return false, err
	}
	have, err := p.objects.Has(ctx, p.cover.name(s))
	if err != nil {
		return false, fmt.Errorf("look for blob %s: %w", digest, err)
	}
	return have, nil
}

// Delete implements Store.
func (p *packed) Delete(ctx context.Context, digest string) error {
	s, err := parseDigest(digest)
	if err != nil {
		return err
	}
	if err := p.objects.Remove(ctx, p.cover.name(s)); err != nil {
		return fmt.Errorf("delete blob %s: %w", digest, err)
	}
	return nil
}

// List implements Store.
func (p *packed) List(ctx context.Context, yield func(string) error) error {
	return p.objects.Names(ctx, func(name string) error {
		s, ok := p.cover.sum(name)
		if !ok {
			return nil
		}
		return yield(s.String())
	})
}

// A reader gives a blob's plain bytes and checks them at the end. The bytes
// are opened at the first Read, so that what cannot be opened is an error of
// the blob by name.
type reader struct {
	want  sum
	raw   io.ReadCloser
	cover cover
	z     *zstd.Decoder
	h     hash.Hash
	err   error
}

func newReader(want sum, raw io.ReadCloser, c cover) *reader {
	return &reader{want: want, raw: raw, cover: c, h: sha256.New()}
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.z == nil {
		if r.err = r.open(); r.err != nil {
			return 0, r.err
		}
	}
	n, err := r.z.Read(b)
	r.h.Write(b[:n])
	if err != nil {
		r.err = r.end(err)
	}
	return n, r.err
}

func (r *reader) open() error {
	in, err := r.cover.unwrap(&source{r.raw})
	if err != nil {
		return r.end(err)
	}
	r.z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return r.end(err)
	}
	return nil
}

// end says what the end of the stream means: io.EOF only if every byte was
// there and is what was kept.
func (r *reader) end(err error) error {
	var broken *readError
	switch {
	case errors.As(err, &broken):
		return fmt.Errorf("read blob %s: %w", r.want, broken.err)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("%w: blob %s: %w", audit.ErrAltered, r.want, err)
	}
	if got := sum(r.h.Sum(nil)); got != r.want {
		return fmt.Errorf("%w: blob %s: its bytes have digest %s", audit.ErrAltered, r.want, got)
	}
	return io.EOF
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.z != nil {
		r.z.Close()
	}
	if r.err == nil {
		r.err = errors.New("read after close")
	}
	return r.raw.Close()
}

// A source marks errors of reading, to tell a disk or network that fails from
// bytes that are wrong.
type source struct{ r io.Reader }

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}
