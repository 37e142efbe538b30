package examination

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/engagement/packet"
	"tieout/store"
)

// An acting acts on the packets that came to one end of an exchange, in the order
// of their numbers. A packet is in the log before anybody acts on it: how far that
// went is kept in the store, so that what was sealed when a process ended, or when
// whoever waited for it went away, is acted on the next time the end is opened.
// Losing that place is harmless: acting again changes nothing.
type acting struct {
	store *store.Store
	post  *packet.Post
	act   func(context.Context, packet.Received) error
}

// take acts on a packet, and before it on those that came before it and were not
// acted on.
func (a acting) take(ctx context.Context, r packet.Received) error {
	refused, err := a.until(ctx, r.Header.Number)
	if err == nil {
		err = a.one(ctx, r)
	}
	return errors.Join(append(refused, err)...)
}

// behind acts on all packets in the log that were not acted on. What cannot be
// acted on is told of once, in the error, and does not count; where acting has to
// be tried again, nothing behind that packet is acted on before it.
func (a acting) behind(ctx context.Context) error {
	refused, err := a.until(context.WithoutCancel(ctx), 0)
	return errors.Join(append(refused, err)...)
}

// until is behind for the packets below a number; 0 for all.
func (a acting) until(ctx context.Context, number int64) (refused []error, err error) {
	last, err := a.last(ctx)
	if err != nil || number > 0 && last+1 >= number {
		return nil, err
	}
	err = a.post.Each(ctx, last, func(ctx context.Context, r packet.Received) error {
		if number > 0 && r.Header.Number >= number {
			return nil
		}
		err := a.one(ctx, r)
		if final(err) {
			refused = append(refused, err)
			return nil
		}
		return err
	})
	return refused, err
}

// one acts on one packet and, once that is decided, keeps its number.
func (a acting) one(ctx context.Context, r packet.Received) error {
	err := a.act(ctx, r)
	if err != nil && !final(err) {
		return err
	}
	last, lerr := a.last(ctx)
	if lerr == nil && r.Header.Number > last {
		lerr = a.store.SetMeta(ctx, a.name(), strconv.FormatInt(r.Header.Number, 10))
	}
	return errors.Join(err, lerr)
}

// final reports whether an error is a refusal: the same packet is refused again.
func final(err error) bool {
	return slices.ContainsFunc([]error{audit.ErrInvalid, audit.ErrNotFound, audit.ErrConflict, audit.ErrForbidden, audit.ErrAltered, audit.ErrInconclusive},
		func(kind error) bool { return errors.Is(err, kind) })
}

// name is what the number of the last packet that was acted on is kept under.
func (a acting) name() string {
	s := a.post.Sides()
	return "exchange/" + s.Engagement + "/" + s.Firm.Origin + "/" + s.Client.Origin
}

// last is the number of the last packet that was acted on; 0 before the first.
func (a acting) last(ctx context.Context) (int64, error) {
	text, err := a.store.Meta(ctx, a.name())
	if errors.Is(err, audit.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: the store says %.40q is the last packet that was acted on", audit.ErrAltered, text)
	}
	return n, nil
}
