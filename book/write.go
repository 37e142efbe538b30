package book

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
)

// ErrKeyUsed says that an idempotency key (access.Subject.Once) was used for
// another request. It is an audit.ErrConflict.
var ErrKeyUsed = fmt.Errorf("%w: this idempotency key was used for another request", audit.ErrConflict)

// OnceID is the ID of the record that a request with an idempotency key writes:
// the same however often it is sent. It is a UUIDv8 (RFC 9562, section 5.8).
func OnceID(by access.Subject) string { return onceID(by, 0) }

// onceID is that of the record of a request's next try, after so many whose
// entry was sealed and is void.
func onceID(by access.Subject, lost int) string {
	name := "tieout entry\x00" + by.Account + "\x00" + by.Once
	if lost > 0 {
		name += "\x00" + strconv.Itoa(lost)
	}
	sum := sha256.Sum256([]byte(name))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Write seals an entry and returns it once it counts. Where somebody else
// changed the object first it is audit.ErrConflict: the entry stays in the log
// and counts for nothing. Who may write it was asked before.
//
// A request with an idempotency key that counted is answered alike however often
// it is sent, and writes nothing more; one that lost its race can be sent again
// under the same key, and counts then where nothing stands against it any more.
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
	for {
		id, done, err := b.weighed(ctx, by, e)
		if err != nil || done != nil {
			return orZero(done), err
		}
		actor := audit.Actor{Kind: by.Kind, Name: by.Account}
		draft := evidence.Draft{ID: id, Kind: b.kind, Media: "application/json", Body: body, Actor: actor, Detail: entryFacts(by, e)}
		index, err := b.seal.SealOnce(ctx, draft)
		if err != nil {
			return Entry{}, err
		}
		if got, err := b.sealed(ctx, index, e); !errors.Is(err, errElsewhere) {
			return got, err
		}
	}
}

// errElsewhere says that another process had sealed the same try of the same
// request in between, on another object, and lost it there: it is seen now, and
// the next try has a record of its own.
var errElsewhere = errors.New("this try of the request was lost on another object")

func orZero(e *Entry) Entry {
	if e == nil {
		return Entry{}
	}
	return *e
}

// entryFacts are what the log's own list says of an entry without opening it.
func entryFacts(by access.Subject, e Entry) map[string]string {
	facts := by.Facts()
	facts["kind"], facts["on"] = e.Kind, e.On
	return facts
}

// weighed returns the ID under which an entry is sealed, or the entry that
// counts already where the same request was sent before. It refuses what cannot
// count, so that the log holds no slips of the pen: what is decided here is
// decided again in the order of the log.
func (b *Book[S]) weighed(ctx context.Context, by access.Subject, e Entry) (id string, done *Entry, err error) {
	if by.Once == "" {
		if id, err = evidence.NewID(b.now()); err != nil {
			return "", nil, err
		}
	}
	err = b.Read(ctx, func(s S) error {
		if by.Once != "" {
			if id, done, err = s.counted().before(by, e); err != nil || done != nil {
				return err
			}
		}
		e.At, e.By, e.Record = audit.Instant(b.now()), audit.Actor{Kind: by.Kind, Name: by.Account}, audit.Unsequenced
		_, err := weigh(s, e)
		return err
	})
	return id, done, err
}

// before returns what a request with an idempotency key wrote when it was sent
// before and counts, or the ID its record has when it is written now.
func (p *Counted) before(by access.Subject, want Entry) (id string, done *Entry, err error) {
	for lost := 0; ; lost++ {
		id = onceID(by, lost)
		if on, counts := p.written[id]; counts {
			for _, l := range p.history[on] {
				if l.ID == id && l.says(want) {
					return id, &l.Entry, nil
				}
			}
			return id, nil, ErrKeyUsed
		}
		i, void := p.voided[id]
		if !void {
			return id, nil, nil
		}
		if v := p.Void[i].Entry; v.Kind != want.Kind || !bytes.Equal(v.Data, want.Data) { // its number may be another's by now
			return id, nil, ErrKeyUsed
		}
	}
}

// says reports whether an entry says what another one does.
func (e Entry) says(want Entry) bool {
	return e.Kind == want.Kind && e.On == want.On && bytes.Equal(e.Data, want.Data)
}

// sealed returns the entry as it was sealed, or why it is void.
func (b *Book[S]) sealed(ctx context.Context, index int64, want Entry) (e Entry, err error) {
	err = b.Read(ctx, func(s S) error {
		past := s.counted()
		for i := len(past.Void) - 1; i >= 0; i-- {
			if v := past.Void[i]; v.Entry.Record == index && v.Entry.On != want.On {
				return errElsewhere
			} else if v.Entry.Record == index {
				return v.Why
			}
		}
		rec := past.places[index]
		for _, l := range past.history[past.written[rec]] {
			if e = l.Entry; e.ID == rec && e.says(want) {
				return nil
			}
		}
		return ErrKeyUsed
	})
	return e, err
}
