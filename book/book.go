// Package book keeps registers as entries of a workspace's log: what the entries
// add up to is the register, and nothing else holds it (docs/decisions/013). A
// person's change becomes a sealed record first and counts by its place in the
// log, so that several processes on one store agree without a lock.
package book

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/store"
)

// A State is registers as the entries up to one place of the log add up to. It
// embeds Counted.
type State interface {
	// Weigh says what an entry would do, or why it does not count. It changes
	// nothing. That an entry's base is the newest was looked at before.
	Weigh(e Entry) (Change, error)
	counter
}

// A counter has what became of its entries: what embeds Counted.
type counter interface{ counted() *Counted }

var _ counter = (*Counted)(nil)

// A Change is what an entry does to the registers.
type Change struct {
	What string // in words, for its object's history: "treatment is decided: mitigate"
	Do   func()
}

// A Book keeps registers in memory, at the newest entry of the log. It is safe
// for concurrent use, also by several processes on one store.
type Book[S State] struct {
	seal *evidence.Sealer
	now  func() time.Time
	kind audit.RecordKind

	making sync.Mutex // one number at a time is given to what is new

	mu    sync.RWMutex
	state S
	next  int64 // log index from which on entries are not read yet
}

// ErrKeyUsed says that an idempotency key (access.Subject.Once) was used for
// another request. It is an audit.ErrConflict.
var ErrKeyUsed = fmt.Errorf("%w: this idempotency key was used for another request", audit.ErrConflict)

// OnceID is the ID of the record that a request with an idempotency key writes:
// the same however often it is sent. It is a UUIDv8 (RFC 9562, section 5.8).
func OnceID(by access.Subject) string {
	sum := sha256.Sum256([]byte("tieout entry\x00" + by.Account + "\x00" + by.Once))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Open returns the book whose entries are the records of one kind in the log
// that seal writes. state is empty, and the book's alone from now on.
func Open[S State](seal *evidence.Sealer, now func() time.Time, kind audit.RecordKind, state S) *Book[S] {
	return &Book[S]{seal: seal, now: now, kind: kind, state: state}
}

// Read calls f with the registers as of the newest entry of the log. f keeps
// nothing of the state beyond its return and changes nothing of it.
func (b *Book[S]) Read(ctx context.Context, f func(S) error) error {
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return f(b.state)
}

// catchUp reads the entries that were written since the last time, by whomever.
func (b *Book[S]) catchUp(ctx context.Context) error {
	head, err := b.seal.Store.Head(ctx)
	if err != nil {
		return err
	}
	b.mu.RLock()
	behind := b.next < head.Size
	b.mu.RUnlock()
	if !behind {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	from := b.next
	err = b.seal.Store.Records(ctx, store.RecordFilter{Kind: b.kind, From: from, To: head.Size}, func(rec audit.Record) error {
		if err := b.add(ctx, rec); err != nil {
			return err
		}
		b.next = rec.Index + 1
		return nil
	})
	if err == nil && b.next < head.Size {
		b.next = head.Size
	}
	return err
}

// add takes one record. Bytes that are gone (an erasure) or are no entry leave
// the registers as they are and are shown as void.
func (b *Book[S]) add(ctx context.Context, rec audit.Record) error {
	var e Entry
	body, err := b.seal.Body(ctx, rec)
	if err == nil {
		e, err = Parse(body)
	}
	e.ID, e.Record, e.At, e.By = rec.ID, rec.Index, rec.Recorded, rec.Actor
	switch {
	case err == nil:
		take(b.state, e)
	case errors.Is(err, audit.ErrInvalid), errors.Is(err, audit.ErrNotFound):
		past := b.state.counted()
		past.Void = append(past.Void, Void{e, err})
	default:
		return fmt.Errorf("entry %s: %w", rec.Ref(), err)
	}
	return nil
}

// Write seals an entry and returns it once it counts. Where somebody else
// changed the object first it is audit.ErrConflict: the entry stays in the log
// and counts for nothing. Who may write it was asked before.
func (b *Book[S]) Write(ctx context.Context, by access.Subject, kind, on string, base int64, data any) (Entry, error) {
	raw, err := canonical.Marshal(data)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, on, err)
	}
	e := Entry{Format: format, Kind: kind, On: on, Base: base, Data: raw}
	body, err := e.encode()
	if err != nil {
		return Entry{}, err
	}
	if err := b.wouldCount(ctx, by, e); err != nil {
		return Entry{}, err
	}
	draft := evidence.Draft{Kind: b.kind, Media: "application/json", Body: body, Actor: audit.Actor{Kind: by.Kind, Name: by.Account},
		Detail: entryFacts(by, e)}
	if draft.ID, err = b.id(by); err != nil {
		return Entry{}, err
	}
	index, err := b.seal.SealOnce(ctx, draft)
	if err != nil {
		return Entry{}, err
	}
	return b.sealed(ctx, index, e)
}

// entryFacts are what the log's own list says of an entry without opening it.
func entryFacts(by access.Subject, e Entry) map[string]string {
	facts := map[string]string{"kind": e.Kind, "on": e.On}
	for name, v := range map[string]string{"session": by.Session, "token": by.Token, "address": by.Address} {
		if v != "" {
			facts[name] = v
		}
	}
	return facts
}

// id is that of the entry's record: of a request with an idempotency key it is
// the same however often it is sent.
func (b *Book[S]) id(by access.Subject) (string, error) {
	if by.Once == "" {
		return evidence.NewID(b.now())
	}
	return OnceID(by), nil
}

// wouldCount refuses an entry that cannot count before it is sealed, so that the
// log holds no slips of the pen. What is decided here is decided again in the
// order of the log.
func (b *Book[S]) wouldCount(ctx context.Context, by access.Subject, e Entry) error {
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	e.At, e.By, e.Record = audit.Instant(b.now()), audit.Actor{Kind: by.Kind, Name: by.Account}, audit.Unsequenced
	if by.Once != "" {
		return nil // it may have been written before; sealed says
	}
	_, err := weigh(b.state, e)
	return err
}

// sealed returns the entry as it was sealed, or why it is void.
func (b *Book[S]) sealed(ctx context.Context, index int64, want Entry) (e Entry, err error) {
	err = b.Read(ctx, func(s S) error {
		past := s.counted()
		for i := len(past.Void) - 1; i >= 0; i-- {
			if past.Void[i].Entry.Record == index {
				return past.Void[i].Why
			}
		}
		lines := past.history[want.On]
		for i := len(lines) - 1; i >= 0; i-- {
			if e = lines[i].Entry; e.Record == index && e.Kind == want.Kind && bytes.Equal(e.Data, want.Data) {
				return nil
			}
		}
		return ErrKeyUsed
	})
	return e, err
}

// Numbered writes something new under the next free ID of its register and
// returns that. Of many who make one at the same moment, here or in another
// process, each gets a number of their own: whoever finds a number taken by
// another's entry takes the next, until ctx ends. A request that was sent before
// gets the number it got then.
func (b *Book[S]) Numbered(ctx context.Context, by access.Subject, kind, prefix string, write func(id string) error) (id string, err error) {
	b.making.Lock()
	defer b.making.Unlock()
	for lost := 0; ; lost++ {
		if id, err = b.number(ctx, by, kind, prefix); err != nil {
			return "", err
		}
		if err = write(id); err == nil || by.Once != "" || !errors.Is(err, audit.ErrConflict) {
			return id, err
		}
		next, nerr := b.number(ctx, by, kind, prefix)
		if nerr != nil || next == id {
			return id, err // the number is free still: it is something else that stands against it
		}
		if stop := stepAside(ctx, lost); stop != nil {
			return id, errors.Join(err, stop)
		}
	}
}

// longestAside is the longest that one who lost a number waits before the next.
const longestAside = 64 * time.Millisecond

// stepAside waits a random while, longer the more often a number was lost, so
// that two processes that write at the same pace do not meet at every number.
func stepAside(ctx context.Context, lost int) error {
	wait := min(time.Millisecond<<min(lost, 16), longestAside)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(wait)):
		return nil
	}
}

// number is the next free ID of a register, such as R-4; of a request that was
// sent before, the one it got then.
func (b *Book[S]) number(ctx context.Context, by access.Subject, kind, prefix string) (id string, err error) {
	record, err := b.id(by)
	if err != nil {
		return "", err
	}
	err = b.Read(ctx, func(s S) error {
		past := s.counted()
		if on, known := past.written[record]; known {
			_, id, _ = strings.Cut(on, ":")
			return nil
		}
		for n := 1; ; n++ {
			id = fmt.Sprintf("%s-%d", prefix, n)
			if past.revision[kind+":"+id] == 0 {
				return nil
			}
		}
	})
	return id, err
}
