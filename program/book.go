package program

import (
	"context"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/evidence"
)

// A Book keeps the registers of one workspace in memory, at the newest entry of
// its log. It is safe for concurrent use, also by several processes on one store.
type Book struct {
	book *book.Book[*State]
	seal *evidence.Sealer
	now  func() time.Time
}

// The forms of an entry, and what became of it.
type (
	Entry = book.Entry
	Line  = book.Line
	Void  = book.Void
)

// Anyway is the Base of an entry that counts whatever was written before it.
const Anyway = book.Anyway

// ErrKeyUsed says that an idempotency key was used for another request. It is an
// audit.ErrConflict.
var ErrKeyUsed = book.ErrKeyUsed

// OnceID is the ID of the record that a request with an idempotency key writes.
func OnceID(by access.Subject) string { return book.OnceID(by) }

// Parse reads an entry as it is sealed; what is not one wraps audit.ErrInvalid.
func Parse(body []byte) (Entry, error) { return book.Parse(body) }

// Open returns the registers of the workspace whose log seal writes.
func Open(seal *evidence.Sealer, now func() time.Time) *Book {
	return &Book{book.Open(seal, now, audit.RecordEntry, newState()), seal, now}
}

// Read calls f with the registers as of the newest entry of the log. f keeps
// nothing of the state beyond its return and changes nothing of it.
func (b *Book) Read(ctx context.Context, f func(*State) error) error { return b.book.Read(ctx, f) }

// one is the thing of a register that has an ID, or audit.ErrNotFound.
func one[T any](ctx context.Context, b *Book, what, id string, find func(*State) *T) (out T, err error) {
	err = b.Read(ctx, func(s *State) error {
		x := find(s)
		if x == nil {
			return fmt.Errorf("%w: %s %.80q", audit.ErrNotFound, what, id)
		}
		out = *x
		return nil
	})
	return out, err
}

// write seals an entry and returns it once it counts, see book.Book.Write.
func (b *Book) write(ctx context.Context, by access.Subject, kind, on string, base int64, data any) (Entry, error) {
	return b.book.Write(ctx, by, kind, on, base, data)
}

// numbered writes something new under the next free ID of its register, see
// book.Book.Numbered.
func (b *Book) numbered(ctx context.Context, by access.Subject, kind, prefix string, write func(id string) error) (string, error) {
	return b.book.Numbered(ctx, by, kind, prefix, write)
}
