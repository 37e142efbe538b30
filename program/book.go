package program

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/store"
)

// A Book keeps the registers of one workspace in memory, at the newest entry of
// its log. It is safe for concurrent use, also by several processes on one store.
type Book struct {
	seal *evidence.Sealer
	now  func() time.Time

	making sync.Mutex // one number at a time is given to what is new

	mu    sync.RWMutex
	state *State
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

// Open returns the registers of the workspace whose log seal writes.
func Open(seal *evidence.Sealer, now func() time.Time) *Book {
	return &Book{seal: seal, now: now, state: newState()}
}

// Read calls f with the registers as of the newest entry of the log. f keeps
// nothing of the state beyond its return and changes nothing of it.
func (b *Book) Read(ctx context.Context, f func(*State) error) error {
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return f(b.state)
}

// catchUp reads the entries that were written since the last time, by whomever.
func (b *Book) catchUp(ctx context.Context) error {
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
	err = b.seal.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordEntry, From: from, To: head.Size}, func(rec audit.Record) error {
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
func (b *Book) add(ctx context.Context, rec audit.Record) error {
	var e Entry
	body, err := b.seal.Body(ctx, rec)
	if err == nil {
		e, err = Parse(body)
	}
	e.ID, e.Record, e.At, e.By = rec.ID, rec.Index, rec.Recorded, rec.Actor
	switch {
	case err == nil:
		b.state.take(e)
	case errors.Is(err, audit.ErrInvalid), errors.Is(err, audit.ErrNotFound):
		b.state.Void = append(b.state.Void, Void{e, err})
	default:
		return fmt.Errorf("entry %s: %w", rec.Ref(), err)
	}
	return nil
}

// write seals an entry and returns it once it counts. Where somebody else
// changed the object first it is audit.ErrConflict: the entry stays in the log
// and counts for nothing. Who may write it was asked before.
func (b *Book) write(ctx context.Context, by access.Subject, kind, on string, base int64, data any) (Entry, error) {
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
	draft := evidence.Draft{Kind: audit.RecordEntry, Media: "application/json", Body: body, Actor: audit.Actor{Kind: by.Kind, Name: by.Account},
		Detail: entryFacts(by, e)}
	if draft.ID, err = b.id(by); err != nil {
		return Entry{}, err
	}
	index, err := b.seal.SealOnce(ctx, draft)
	if err != nil {
		return Entry{}, err
	}
	return b.counted(ctx, index, e)
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
func (b *Book) id(by access.Subject) (string, error) {
	if by.Once == "" {
		return evidence.NewID(b.now())
	}
	return OnceID(by), nil
}

// wouldCount refuses an entry that cannot count before it is sealed, so that the
// log holds no slips of the pen. What is decided here is decided again in the
// order of the log.
func (b *Book) wouldCount(ctx context.Context, by access.Subject, e Entry) error {
	if err := b.catchUp(ctx); err != nil {
		return err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	e.At, e.By, e.Record = audit.Instant(b.now()), audit.Actor{Kind: by.Kind, Name: by.Account}, audit.Unsequenced
	if by.Once != "" {
		return nil // it may have been written before; counted says
	}
	_, err := b.state.weigh(e)
	return err
}

// counted returns the entry as it was sealed, or why it is void.
func (b *Book) counted(ctx context.Context, index int64, want Entry) (e Entry, err error) {
	err = b.Read(ctx, func(s *State) error {
		for i := len(s.Void) - 1; i >= 0; i-- {
			if s.Void[i].Entry.Record == index {
				return s.Void[i].Why
			}
		}
		lines := s.history[want.On]
		for i := len(lines) - 1; i >= 0; i-- {
			if e = lines[i].Entry; e.Record == index && e.Kind == want.Kind && bytes.Equal(e.Data, want.Data) {
				return nil
			}
		}
		return ErrKeyUsed
	})
	return e, err
}
