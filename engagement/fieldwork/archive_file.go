package fieldwork

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/internal/canonical"
)

// An archive is one file: the line archiveMagic, the head as canonical JSON, then
// the bytes of every member in the order of the index, then those of the
// additions. Each is written in chunks of archiveChunk bytes, the last one
// shorter: a big-endian uint32 before each chunk is its length, and 0 ends it. The
// SHA-256 of all that is the end. So a state has one archive, and every byte of it
// counts.
const (
	archiveMagic = "tieout archive 1\n"
	archiveChunk = 64 << 10
	maxHead      = 64 << 20
)

// An ArchiveHead is what an archive says of itself.
type ArchiveHead struct {
	Engagement string     `json:"engagement"`
	Client     string     `json:"client"`
	Firm       string     `json:"firm"`
	Digest     string     `json:"digest"` // of the index, as the entry of the firm's log that assembled it says
	Locked     time.Time  `json:"locked"`
	LockedBy   string     `json:"lockedBy"`
	Record     int64      `json:"record"` // of the lock, in the firm's log
	Members    []Document `json:"members"`
	Added      []Addition `json:"added"`
}

// WriteArchive writes the locked file of an engagement as one file that can be
// checked by itself (VerifyArchive), in memory that does not grow with what it
// holds beside the state. The same locked file gives the same bytes. It needs
// file.assemble.
func (b *Book) WriteArchive(ctx context.Context, by access.Subject, id string, w io.Writer) error {
	if err := access.Require(by, "file.assemble", in(id)); err != nil {
		return err
	}
	head, index, err := b.archive(ctx, id)
	if err != nil {
		return err
	}
	body, err := canonical.Marshal(head)
	if err != nil {
		return fmt.Errorf("archive of %s: %w", id, err)
	}
	sum := sha256.New()
	all := io.MultiWriter(w, sum)
	if err := writeHead(all, body); err != nil {
		return err
	}
	for _, m := range index {
		if err := b.writeMember(ctx, all, m); err != nil {
			return fmt.Errorf("archive of %s: %s: %w", id, m.Name, err)
		}
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

func writeHead(w io.Writer, head []byte) error {
	if _, err := io.WriteString(w, archiveMagic); err != nil {
		return err
	}
	return writeChunks(w, bytes.NewReader(head))
}

// archive is the head of a locked file's archive, and its documents with the
// additions, as they were kept when it was assembled.
func (b *Book) archive(ctx context.Context, id string) (head ArchiveHead, index Index, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		a := f.Archive
		if a == nil || a.Locked.IsZero() {
			return tooEarly("the file of %s is not locked yet", id)
		}
		head = ArchiveHead{f.Terms.ID, f.Terms.Client.Name, f.Terms.Firm.Name, a.Digest, a.Locked, a.LockedBy, a.Record, nil, slices.Clone(book.List(a.Added))}
		return nil
	})
	if err != nil {
		return head, nil, err
	}
	if index, err = b.keptIndex(ctx, head.Digest); err != nil {
		return head, nil, fmt.Errorf("index of the file of %s: %w", id, err)
	}
	head.Members = index
	for _, x := range head.Added {
		index = append(index, Document{Name: x.Name, Digest: x.Digest})
	}
	return head, index, nil
}

// keptIndex reads the index that was kept under its digest.
func (b *Book) keptIndex(ctx context.Context, digest string) (index Index, err error) {
	r, err := b.seal.Blobs.Get(ctx, blobName(digest))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err := closeAlso(r, err); err != nil {
		return nil, err
	}
	return index, book.Strict(body, &index)
}

func (b *Book) writeMember(ctx context.Context, w io.Writer, m Document) error {
	r, err := b.seal.Blobs.Get(ctx, blobName(m.Digest))
	if err != nil {
		return err
	}
	return closeAlso(r, writeChunks(w, r))
}

func writeChunks(w io.Writer, r io.Reader) error {
	buf := make([]byte, archiveChunk)
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if werr := binary.Write(w, binary.BigEndian, uint32(n)); werr != nil || n == 0 {
			return werr
		}
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
	}
}

// A chunkReader reads what writeChunks wrote; anything else is audit.ErrAltered.
type chunkReader struct {
	r     io.Reader
	left  int
	short bool // the last chunk was shorter: the end has to follow
	done  bool
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.left == 0 && !c.done {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.done {
		return 0, io.EOF
	}
	n, err := io.ReadFull(c.r, p[:min(len(p), c.left)])
	c.left -= n
	if err != nil {
		return n, fmt.Errorf("%w: the file ends in the middle", audit.ErrAltered)
	}
	return n, nil
}

func (c *chunkReader) next() error {
	var length [4]byte
	if _, err := io.ReadFull(c.r, length[:]); err != nil {
		return fmt.Errorf("%w: the file ends in the middle", audit.ErrAltered)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > archiveChunk || c.short && n != 0 {
		return fmt.Errorf("%w: a length that no archive has", audit.ErrAltered)
	}
	c.left, c.short, c.done = int(n), n < archiveChunk, n == 0
	return nil
}

// VerifyArchive reads an archive and checks all of it from the file alone: the
// index against its digest, every document against the index, and that nothing
// stands between or behind them. What it returns is what the archive says of
// itself; that the firm's log says so too is the log's to show (Record). An
// altered one is audit.ErrAltered and names the first document that does not match.
func VerifyArchive(r io.Reader) (ArchiveHead, error) {
	return ReadArchive(r, func(string, io.Reader) error { return nil })
}

// ReadArchive is VerifyArchive that gives f every document while it is read. What
// f got counts once ReadArchive returns nil.
func ReadArchive(r io.Reader, f func(name string, body io.Reader) error) (ArchiveHead, error) {
	sum := sha256.New()
	read := io.TeeReader(r, sum)
	head, err := readHead(read)
	if err != nil {
		return head, err
	}
	for _, m := range head.Members {
		if err := readMember(read, m.Name, m.Digest, f); err != nil {
			return head, err
		}
	}
	for _, a := range head.Added {
		if err := readMember(read, a.Name, a.Digest, f); err != nil {
			return head, err
		}
	}
	return head, readEnd(r, sum.Sum(nil))
}

// readEnd holds the end of an archive to what was read before it.
func readEnd(r io.Reader, want []byte) error {
	end := make([]byte, sha256.Size+1)
	n, err := io.ReadFull(r, end)
	switch {
	case n != sha256.Size || !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the archive does not end where its last document does", audit.ErrAltered)
	case !bytes.Equal(end[:n], want):
		return fmt.Errorf("%w: the archive is not what its own SHA-256 says", audit.ErrAltered)
	}
	return nil
}

func readHead(r io.Reader) (head ArchiveHead, err error) {
	magic := make([]byte, len(archiveMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != archiveMagic {
		return head, fmt.Errorf("%w: this is no archive of an engagement's file", audit.ErrInvalid)
	}
	body, err := io.ReadAll(io.LimitReader(&chunkReader{r: r}, maxHead+1))
	if err != nil {
		return head, err
	}
	if len(body) > maxHead {
		return head, fmt.Errorf("%w: the head of an archive has at most %d bytes", audit.ErrInvalid, maxHead)
	}
	if err := canonical.Check(body); err != nil {
		return head, fmt.Errorf("%w: head: %w", audit.ErrAltered, err)
	}
	if err := book.Strict(body, &head); err != nil {
		return head, fmt.Errorf("%w: head: %w", audit.ErrAltered, err)
	}
	if again, err := canonical.Marshal(head); err != nil || !bytes.Equal(again, body) {
		return head, fmt.Errorf("%w: head: it is not written as an archive writes it", audit.ErrAltered)
	}
	if Index(head.Members).Digest() != head.Digest {
		return head, fmt.Errorf("%w: the index is not the one that was locked", audit.ErrAltered)
	}
	return head, nil
}

func readMember(r io.Reader, name, digest string, f func(string, io.Reader) error) error {
	sum := sha256.New()
	body := io.TeeReader(&chunkReader{r: r}, sum)
	if err := f(name, body); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return fmt.Errorf("%w: %s is not what was locked", audit.ErrAltered, name)
	}
	return nil
}
