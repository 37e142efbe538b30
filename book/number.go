package book

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
)

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
		if err = write(id); err == nil || !errors.Is(err, audit.ErrConflict) {
			return id, err
		}
		next, nerr := b.number(ctx, by, kind, prefix)
		if nerr != nil || next == id {
			return id, err // it is something else than the number that stands against it
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
// sent before and counts, the one it got then.
func (b *Book[S]) number(ctx context.Context, by access.Subject, kind, prefix string) (id string, err error) {
	err = b.Read(ctx, func(s S) error {
		past := s.counted()
		if on, _, known := past.wrote(by); known {
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

// wrote returns the object that a request with an idempotency key wrote on when
// it was sent before, and the ID of the entry's record, where that counts.
func (p *Counted) wrote(by access.Subject) (on, id string, counts bool) {
	if by.Once == "" {
		return "", "", false
	}
	for lost := 0; ; lost++ {
		id = onceID(by, lost)
		if on, counts = p.written[id]; counts {
			return on, id, true
		}
		if _, void := p.voided[id]; !void {
			return "", "", false
		}
	}
}

// Wrote returns the entry that a request with an idempotency key wrote when it was
// sent before, where that counts; known is false where it wrote none, or has no
// key. Whoever computes what they write asks first: computed again it would be
// another. An entry of another kind is ErrKeyUsed.
func (b *Book[S]) Wrote(ctx context.Context, by access.Subject, kind string) (e Entry, known bool, err error) {
	err = b.Read(ctx, func(s S) error {
		past := s.counted()
		on, id, counts := past.wrote(by)
		i := slices.IndexFunc(past.history[on], func(l Line) bool { return l.ID == id })
		if !counts || i < 0 {
			return nil
		}
		if e, known = past.history[on][i].Entry, true; e.Kind != kind {
			return ErrKeyUsed
		}
		return nil
	})
	return e, known, err
}
