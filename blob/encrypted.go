package blob

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"

	"tieout/audit"
)

// keyObject is the one object that an age identity opens: the place's master
// secret. Everything else is derived from it or wrapped by what is.
const keyObject = "key.age"

const masterSize = 32

// LoadIdentity reads an age identity file: the first identity in it.
func LoadIdentity(path string) (age.Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("age identity: %w", err)
	}
	defer f.Close()
	ids, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("%w: age identity file %s: %w", audit.ErrInvalid, path, err)
	}
	return ids[0], nil
}

func recipient(id age.Identity) (age.Recipient, error) {
	switch id := id.(type) {
	case *age.X25519Identity:
		return id.Recipient(), nil
	case *age.HybridIdentity:
		return id.Recipient(), nil
	}
	return nil, fmt.Errorf("%w: age identity of type %T cannot be encrypted to", audit.ErrInvalid, id)
}

// NewEncrypted returns the store of encrypted blobs in o. Each blob has an
// AES-256-GCM data key of its own, wrapped by a key that identity opens; names
// do not tell the digest. On first use it makes that key. Another identity
// than the one the place was made with is audit.ErrForbidden.
func NewEncrypted(ctx context.Context, o Objects, identity age.Identity) (Store, error) {
	master, err := openMaster(ctx, o, identity)
	if errors.Is(err, audit.ErrNotFound) {
		if err = makeMaster(ctx, o, identity); err == nil || errors.Is(err, audit.ErrConflict) {
			master, err = openMaster(ctx, o, identity)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("encrypted blobs: %w", err)
	}
	s, err := newSealed(master)
	if err != nil {
		return nil, err
	}
	return &packed{o, s}, nil
}

func openMaster(ctx context.Context, o Objects, identity age.Identity) ([]byte, error) {
	r, err := o.Open(ctx, keyObject)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(bytes.NewReader(data), identity)
	var no *age.NoIdentityMatchError
	if errors.As(err, &no) {
		return nil, fmt.Errorf("%w: %s is encrypted to another age identity", audit.ErrForbidden, keyObject)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrAltered, keyObject, err)
	}
	master, err := io.ReadAll(io.LimitReader(plain, masterSize+1))
	if err != nil || len(master) != masterSize {
		return nil, fmt.Errorf("%w: %s: %d bytes of secret: %w", audit.ErrAltered, keyObject, len(master), noEOF(err))
	}
	return master, nil
}

func makeMaster(ctx context.Context, o Objects, identity age.Identity) error {
	to, err := recipient(identity)
	if err != nil {
		return err
	}
	d, err := o.Begin(ctx)
	if err != nil {
		return err
	}
	err = writeMaster(d, to)
	if err == nil {
		err = d.Commit(ctx, keyObject, false)
	}
	return errors.Join(err, d.Close())
}

func writeMaster(w io.Writer, to age.Recipient) error {
	z, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	master := make([]byte, masterSize)
	rand.Read(master)
	if _, err := z.Write(master); err != nil {
		return err
	}
	return z.Close()
}

// sealed covers bytes with AES-256-GCM and names with a synthetic IV: equal
// digests have equal names, and only the key's holder can tell either from
// the other.
type sealed struct {
	wrapKey  cipher.AEAD
	nameTag  []byte
	nameMask []byte
}

func newSealed(master []byte) (*sealed, error) {
	var keys [3][]byte
	for i, use := range []string{"wrap", "name", "mask"} {
		k, err := hkdf.Key(sha256.New, master, nil, "tieout blob "+use, 32)
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	wrapKey, err := gcm(keys[0])
	return &sealed{wrapKey, keys[1], keys[2]}, err
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

const tagSize = 16

func keyed(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

func (k *sealed) name(s sum) string {
	tag := keyed(k.nameTag, s[:])[:tagSize]
	hidden := make([]byte, len(s))
	subtle.XORBytes(hidden, s[:], keyed(k.nameMask, tag))
	return hex.EncodeToString(append(tag, hidden...))
}

func (k *sealed) sum(name string) (s sum, ok bool) {
	b, err := hex.DecodeString(name)
	if err != nil || len(b) != tagSize+len(s) {
		return s, false
	}
	subtle.XORBytes(s[:], b[tagSize:], keyed(k.nameMask, b[:tagSize]))
	return s, hmac.Equal(keyed(k.nameTag, s[:])[:tagSize], b[:tagSize])
}

// Sizes of what follows the header of an encrypted object.
const (
	wrappedSize = 12 + 32 + 16 // nonce, data key, tag
	chunkSize   = 64 << 10     // plain bytes of a chunk; the last may have fewer
	overhead    = 16           // tag of a chunk
)

func (k *sealed) wrap(w io.Writer) (io.WriteCloser, error) {
	secret := make([]byte, 12+32)
	rand.Read(secret)
	nonce, dataKey := secret[:12], secret[12:]
	head := header(kindEncrypted)
	aead, err := gcm(dataKey)
	if err != nil {
		return nil, err
	}
	lead := append(bytes.Clone(head), nonce...)
	if _, err := w.Write(k.wrapKey.Seal(lead, nonce, dataKey, head)); err != nil {
		return nil, err
	}
	return &chunkWriter{w: w, aead: aead, buf: make([]byte, 0, chunkSize+overhead)}, nil
}

func (k *sealed) unwrap(r io.Reader) (io.Reader, error) {
	if err := readHeader(r, kindEncrypted); err != nil {
		return nil, err
	}
	b := make([]byte, wrappedSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("data key: %w", noEOF(err))
	}
	dataKey, err := k.wrapKey.Open(nil, b[:12], b[12:], header(kindEncrypted))
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	aead, err := gcm(dataKey)
	if err != nil {
		return nil, err
	}
	return &chunkReader{r: r, aead: aead, buf: make([]byte, chunkSize+overhead+1)}, nil
}

// chunkNonce counts chunks and marks the last one, so that chunks can be
// neither moved, dropped nor added. A data key is used for one object only.
func chunkNonce(n uint64, last bool) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[3:], n)
	if last {
		b[11] = 1
	}
	return b
}

// A chunkWriter encrypts a stream chunk by chunk.
type chunkWriter struct {
	w    io.Writer
	aead cipher.AEAD
	buf  []byte
	n    uint64
}

// Write implements io.Writer. A full chunk waits for the next byte: only then
// is it known not to be the last.
func (c *chunkWriter) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		if len(c.buf) == chunkSize {
			if err := c.flush(false); err != nil {
				return done, err
			}
		}
		k := min(chunkSize-len(c.buf), len(b)-done)
		c.buf = append(c.buf, b[done:done+k]...)
		done += k
	}
	return done, nil
}

func (c *chunkWriter) flush(last bool) error {
	_, err := c.w.Write(c.aead.Seal(c.buf[:0], chunkNonce(c.n, last), c.buf, nil))
	c.buf, c.n = c.buf[:0], c.n+1
	return err
}

// Close writes the last chunk.
func (c *chunkWriter) Close() error { return c.flush(true) }

// A chunkReader decrypts a stream chunk by chunk. It reads one byte more than
// a chunk has, to know whether it is the last.
type chunkReader struct {
	r     io.Reader
	aead  cipher.AEAD
	buf   []byte
	have  int // bytes at the start of buf, read ahead
	plain []byte
	n     uint64
	last  bool
}

// Read implements io.Reader.
func (c *chunkReader) Read(b []byte) (int, error) {
	for len(c.plain) == 0 {
		if c.last {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.plain)
	c.plain = c.plain[n:]
	return n, nil
}

func (c *chunkReader) next() error {
	k, err := io.ReadFull(c.r, c.buf[c.have:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	size := c.have + k
	c.last = err != nil
	if !c.last {
		size--
	}
	ahead := c.buf[len(c.buf)-1]
	c.plain, err = c.aead.Open(nil, chunkNonce(c.n, c.last), c.buf[:size], nil)
	if err != nil {
		return fmt.Errorf("chunk %d: %w", c.n, err)
	}
	c.buf[0], c.have, c.n = ahead, 1, c.n+1
	return nil
}
