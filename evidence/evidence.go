// Stage 2 of 8: evidence seals what a source read, before anyone parses it.

// Package evidence makes bytes into sealed records: durable first, then
// recorded, then numbered by the log. A record that has an index is evidence;
// one that has none yet is on its way and is found again after a crash.
package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tieout/audit"
	"tieout/blob"
	"tieout/internal/canonical"
	"tieout/ledger"
	"tieout/store"
)

// InlineMax is the size in bytes up to which a body is kept in the store's own
// row; larger ones are blobs. Small pages in rows cost one transaction for
// many, and a year of them no million files.
const InlineMax = 256 << 10

// clockTolerance is how far the clock may go back without being recorded.
const clockTolerance = 2 * time.Second

// A Draft is a record before it is sealed: its facts and its bytes.
type Draft struct {
	ID         string // UUIDv7 of what is sealed once whatever happens, see SealOnce; "": a new one
	Kind       audit.RecordKind
	Source     string
	Collection string
	PageKind   string
	Scope      string
	Query      string
	Media      string
	About      audit.Span
	Collected  time.Time // zero: the moment of sealing
	Body       []byte
	Kept       *Kept // bytes too large for memory, in place of Body
	Detail     any   // small structured facts, or nil
	Actor      audit.Actor
}

// Kept are bytes that are in the Sealer's blob store already, as its Put
// returned them.
type Kept struct {
	Digest string // "sha256:" and hex
	Size   int64
}

// A Sealer seals drafts into one workspace's log. It is safe for concurrent use.
type Sealer struct {
	Store *store.Store
	Blobs blob.Store
	Log   *ledger.Log
	Now   func() time.Time
	// AllInBlobs keeps no bytes in the store's rows: where blobs are encrypted at
	// rest, no evidence may lie beside them in the clear.
	AllInBlobs bool

	numbering sync.Mutex
	mu        sync.Mutex
	last      time.Time // latest Recorded this sealer has given
	saved     time.Time // latest that the store knows of
}

// Seal makes drafts into records, in order, and returns them with their place
// in the log. When it returns nil all of them are durable and numbered; on
// error none counts as evidence until a later Sequence numbers those that
// had become durable.
func (s *Sealer) Seal(ctx context.Context, drafts ...Draft) ([]audit.Record, error) {
	return s.SealUnder(ctx, store.Lease{}, drafts...)
}

// SealUnder is Seal for one who may seal only while a lock is theirs: once it has
// ended or changed hands the error is store.ErrNotHeld, and nothing becomes durable.
// The zero Lease asks for none.
func (s *Sealer) SealUnder(ctx context.Context, lock store.Lease, drafts ...Draft) ([]audit.Record, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	now, jump, err := s.clock(ctx)
	if err != nil {
		return nil, err
	}
	if jump != nil {
		drafts = append([]Draft{*jump}, drafts...)
	}
	sealed := make([]store.Sealed, len(drafts))
	for i, d := range drafts {
		if sealed[i], err = s.prepare(ctx, d, now); err != nil {
			return nil, err
		}
	}
	if err := s.Store.InsertRecordsUnder(ctx, lock, sealed); err != nil {
		return nil, fmt.Errorf("record %d pieces of evidence: %w", len(sealed), err)
	}
	recs, err := s.number(ctx, sealed)
	if err != nil {
		return nil, err
	}
	if jump == nil {
		return recs, nil
	}
	// Only now is the jump on record; had this failed, the next Seal says it.
	s.mu.Lock()
	defer s.mu.Unlock()
	return recs[1:], s.tick(ctx, now)
}

// SealOnce seals a draft that has an ID, and returns its place in the log. An ID
// that is sealed already, also by another process, keeps the record it has.
func (s *Sealer) SealOnce(ctx context.Context, d Draft) (index int64, err error) {
	if d.ID == "" {
		return 0, fmt.Errorf("%w: what is sealed once needs an ID", audit.ErrInvalid)
	}
	index, known, err := s.known(ctx, d.ID)
	if err != nil || known {
		return index, err
	}
	recs, err := s.Seal(ctx, d)
	if err == nil {
		return recs[0].Index, nil
	}
	if !errors.Is(err, audit.ErrConflict) { // it may have become durable all the same: the next call finds it
		return 0, err
	}
	if index, known, again := s.known(ctx, d.ID); again == nil && known {
		return index, nil
	}
	return 0, err
}

// known looks an ID up, after what waits is numbered.
func (s *Sealer) known(ctx context.Context, id string) (int64, bool, error) {
	if err := s.Number(ctx); err != nil {
		return 0, false, err
	}
	indexes, err := s.Store.Indexes(ctx, []string{id})
	index, ok := indexes[id]
	return index, ok, err
}

// number has the log number what is pending and reads the indexes back.
func (s *Sealer) number(ctx context.Context, sealed []store.Sealed) ([]audit.Record, error) {
	if err := s.Number(ctx); err != nil {
		return nil, fmt.Errorf("number %d records: %w", len(sealed), err)
	}
	ids, recs := make([]string, len(sealed)), make([]audit.Record, len(sealed))
	for i, x := range sealed {
		ids[i], recs[i] = x.Record.ID, x.Record
		recs[i].About = audit.Span{From: x.Record.About.From.UTC(), To: x.Record.About.To.UTC()} // as it reads back
	}
	indexes, err := s.Store.Indexes(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range recs {
		var ok bool
		if recs[i].Index, ok = indexes[recs[i].ID]; !ok {
			return nil, fmt.Errorf("%w: record %s was not numbered", audit.ErrConflict, recs[i].ID)
		}
	}
	return recs, nil
}

// renumber is how often a lost race for the sequencer is run again.
const renumber = 20

// Number has the log number whatever is durable and has no index yet. Where
// another process has taken the sequencer over in between, or the outcome of a
// commit was unknown, the log is read again and asked again.
func (s *Sealer) Number(ctx context.Context) error {
	s.numbering.Lock()
	defer s.numbering.Unlock()
	var err error
	for range renumber {
		if _, err = s.Log.Sequence(ctx); err == nil {
			return nil
		}
		if !errors.Is(err, ledger.ErrReload) && !errors.Is(err, ledger.ErrFenced) && !errors.Is(err, ledger.ErrMoved) || ctx.Err() != nil {
			return err
		}
		if err := s.Log.Reload(ctx); err != nil {
			return err
		}
	}
	return err
}

// prepare makes one draft durable outside the store, where it is large, and
// commits to its canonical record under a fresh salt.
func (s *Sealer) prepare(ctx context.Context, d Draft, now time.Time) (store.Sealed, error) {
	sum := sha256.Sum256(d.Body)
	id, err := d.ID, error(nil)
	if id == "" {
		id, err = NewID(now)
	}
	if err != nil {
		return store.Sealed{}, err
	}
	rec := audit.Record{
		ID: id, Kind: d.Kind, Source: d.Source, Collection: d.Collection, PageKind: d.PageKind,
		Scope: d.Scope, Query: d.Query, Media: d.Media, About: d.About, Collected: audit.Instant(d.Collected),
		Recorded: now, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(d.Body)), Actor: d.Actor,
		Index: audit.Unsequenced,
	}
	if d.Collected.IsZero() {
		rec.Collected = now
	}
	if d.About.From.IsZero() {
		rec.About = audit.At(rec.Collected)
	}
	if d.Detail != nil {
		if rec.Detail, err = canonical.Marshal(d.Detail); err != nil {
			return store.Sealed{}, fmt.Errorf("detail of %s record: %w", d.Kind, err)
		}
	}
	out := store.Sealed{Record: rec, Body: d.Body}
	if d.Body == nil {
		out.Body = []byte{} // nothing is kept in the row too: nil would mean a blob
	}
	if d.Kept != nil {
		if err := s.have(ctx, d); err != nil {
			return store.Sealed{}, err
		}
		out.Record.Digest, out.Record.Size, out.Body = d.Kept.Digest, d.Kept.Size, nil
		rec = out.Record
	}
	if len(d.Body) > InlineMax || s.AllInBlobs && len(d.Body) > 0 {
		digest, _, err := s.Blobs.Put(ctx, bytes.NewReader(d.Body))
		if err != nil {
			return store.Sealed{}, fmt.Errorf("keep %d bytes of %s: %w", len(d.Body), d.Source, err)
		}
		if digest != rec.Digest {
			return store.Sealed{}, fmt.Errorf("%w: blob store kept %s as %s", audit.ErrAltered, rec.Digest, digest)
		}
		out.Body = nil
	}
	if out.Canonical, err = canonical.Marshal(rec); err != nil {
		return store.Sealed{}, fmt.Errorf("canonical record of %s: %w", d.Source, err)
	}
	out.Salt = ledger.NewSalt()
	out.Commitment = ledger.Commit(out.Salt, out.Canonical)
	return out, nil
}

// have makes sure that bytes a draft only names are there.
func (s *Sealer) have(ctx context.Context, d Draft) error {
	ok, err := s.Blobs.Has(ctx, d.Kept.Digest)
	switch {
	case err != nil:
		return fmt.Errorf("bytes of %s record: %w", d.Kind, err)
	case len(d.Body) > 0:
		return fmt.Errorf("%w: a %s record with bytes of two kinds", audit.ErrInvalid, d.Kind)
	case !ok:
		return fmt.Errorf("%w: the blob store does not hold %s, which a %s record names", audit.ErrNotFound, d.Kept.Digest, d.Kind)
	}
	return nil
}

// clock returns the moment of sealing. Where the clock has gone back since the
// last record it also returns a draft that says so.
func (s *Sealer) clock(ctx context.Context) (time.Time, *Draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := audit.Instant(s.Now())
	if s.last.IsZero() {
		text, err := s.Store.Meta(ctx, "last_recorded")
		if err != nil && !errors.Is(err, audit.ErrNotFound) {
			return time.Time{}, nil, err
		}
		if text != "" {
			if s.last, err = audit.ParseTime(text); err != nil {
				return time.Time{}, nil, fmt.Errorf("meta last_recorded: %w", err)
			}
		}
	}
	var jump *Draft
	if !s.last.IsZero() && now.Before(s.last.Add(-clockTolerance)) {
		jump = &Draft{
			Kind: audit.RecordClock, Actor: audit.Actor{Kind: audit.ActorCommand, Name: "tieout"},
			Detail: map[string]string{"from": audit.FormatTime(s.last), "to": audit.FormatTime(now)},
		}
		return now, jump, nil
	}
	return now, nil, s.tick(ctx, now)
}

// tick remembers the latest moment of sealing, in the store to a second.
func (s *Sealer) tick(ctx context.Context, now time.Time) error {
	s.last = now
	if !s.saved.IsZero() && now.After(s.saved.Add(-clockTolerance/2)) && now.Before(s.saved.Add(clockTolerance/2)) {
		return nil
	}
	if err := s.Store.SetMeta(ctx, "last_recorded", audit.FormatTime(now)); err != nil {
		return err
	}
	s.saved = now
	return nil
}

// Body returns the raw bytes of a record and checks them against its digest.
// Bytes that are not what was sealed wrap audit.ErrAltered and name the record.
func (s *Sealer) Body(ctx context.Context, rec audit.Record) ([]byte, error) {
	return ReadBody(ctx, s.Store, s.Blobs, rec)
}

// ReadBody is Body for readers that seal nothing.
func ReadBody(ctx context.Context, st *store.Store, blobs blob.Store, rec audit.Record) ([]byte, error) {
	body, err := st.Body(ctx, rec.ID)
	if err != nil && !errors.Is(err, audit.ErrNotFound) {
		return nil, fmt.Errorf("bytes of %s: %w", rec.Ref(), err)
	}
	if err != nil {
		r, err := blobs.Get(ctx, rec.Digest)
		if err != nil {
			return nil, fmt.Errorf("bytes of %s: %w", rec.Ref(), err)
		}
		defer r.Close()
		if body, err = io.ReadAll(io.LimitReader(r, rec.Size+1)); err != nil {
			return nil, fmt.Errorf("bytes of %s: %w", rec.Ref(), err)
		}
	}
	sum := sha256.Sum256(body)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != rec.Digest {
		return nil, fmt.Errorf("%w: %s: its bytes have digest %s, sealed was %s", audit.ErrAltered, rec.Ref(), got, rec.Digest)
	}
	return body, nil
}

// DecodeBody reads the canonical JSON body of a record into v.
func DecodeBody(rec audit.Record, body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: %s (%s): %w", audit.ErrAltered, rec.Ref(), rec.Kind, err)
	}
	return nil
}

// NewID returns a UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then chance.
func NewID(now time.Time) (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[6:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}
