// Package book keeps registers as entries of a workspace's log: what the entries
// add up to is the register, and nothing else holds it (docs/decisions/013). A
// person's change becomes a sealed record first and counts by its place in the
// log, so that several processes on one store agree without a lock.
package book

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tieout/audit"
	"tieout/evidence"
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
		b.state.counted().void(e, err)
	default:
		return fmt.Errorf("entry %s: %w", rec.Ref(), err)
	}
	return nil
}
