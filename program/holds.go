package program

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A Hold keeps records from being erased: for a dispute, an inquiry, a duty.
type Hold struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Reason  string    `json:"reason"`
	Records []int64   `json:"records"`       // log indexes; none: those of the days
	From    time.Time `json:"from,omitzero"` // what it holds is about any instant between; both zero: everything
	To      time.Time `json:"to,omitzero"`
	By      string    `json:"by"`
	Set     time.Time `json:"set,omitzero"`

	LiftedBy   string    `json:"liftedBy"` // "": it holds
	LiftReason string    `json:"liftReason"`
	Lifted     time.Time `json:"lifted,omitzero"`
	Revision   int64     `json:"revision"`
}

// Stands reports whether the hold still holds.
func (h Hold) Stands() bool { return h.Lifted.IsZero() }

// Holds reports whether the hold, while it stands, keeps a record.
func (h Hold) Holds(rec audit.Record) bool {
	switch {
	case !h.Stands():
		return false
	case len(h.Records) > 0:
		return slices.Contains(h.Records, rec.Index)
	case h.From.IsZero() && h.To.IsZero():
		return true
	case rec.About.Empty():
		return !rec.Recorded.Before(h.From) && rec.Recorded.Before(h.To)
	}
	return rec.About.From.Before(h.To) && h.From.Before(rec.About.To)
}

var holdTakers = map[string]taker{"hold.set": setHold, "hold.lift": liftHold}

type holdData struct {
	Title   string  `json:"title"`
	Reason  string  `json:"reason"`
	Records []int64 `json:"records"`
	From    string  `json:"from"` // RFC 3339, or "" where no days are named
	To      string  `json:"to"`
}

func (d holdData) check(e Entry) error {
	return allOf(
		text("title", d.Title, 1, 200), text("reason", d.Reason, 1, 20_000), instantText("from", d.From), instantText("to", d.To),
		within("records", len(d.Records), 0, 10_000),
		when((d.From == "") != (d.To == ""), "days have a first and a last"),
		when(d.From != "" && !instantOf(d.From).Before(instantOf(d.To)), "the last day is before the first"),
		when(d.From != "" && len(d.Records) > 0, "a hold names records, or days, or neither, which is everything"),
		when(slices.ContainsFunc(d.Records, func(n int64) bool { return n < 0 || e.Record != audit.Unsequenced && n >= e.Record }), "a record is named that the log does not hold"),
	)
}

func setHold(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[holdData](e)
	if err == nil {
		err = d.check(e)
	}
	if err != nil {
		return book.Change{}, err
	}
	if s.Holds[e.Of()] != nil {
		return book.Change{}, fmt.Errorf("%w: hold %s is set already; lift it and set another", audit.ErrConflict, e.Of())
	}
	return book.Change{What: "set: " + d.Title, Do: func() {
		s.Holds[e.Of()] = &Hold{ID: e.Of(), Title: d.Title, Reason: d.Reason, Records: d.Records, From: instantOf(d.From), To: instantOf(d.To),
			By: e.By.Name, Set: e.At, Revision: e.Base + 1}
	}}, nil
}

func liftHold(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[struct {
		Reason string `json:"reason"`
	}](e)
	if err == nil {
		err = text("reason", d.Reason, 1, 20_000)
	}
	if err != nil {
		return book.Change{}, err
	}
	h := s.Holds[e.Of()]
	if h == nil {
		return book.Change{}, fmt.Errorf("%w: hold %s", audit.ErrNotFound, e.Of())
	}
	if !h.Stands() {
		return book.Change{}, fmt.Errorf("%w: hold %s is lifted already", audit.ErrConflict, h.ID)
	}
	return book.Change{What: "lifted", Do: func() {
		h.LiftedBy, h.LiftReason, h.Lifted, h.Revision = e.By.Name, d.Reason, e.At, e.Base+1
	}}, nil
}

// SetHold sets a hold on records, on days or on everything, and returns it with
// its number. It needs register.write for the whole workspace.
func (b *Book) SetHold(ctx context.Context, by access.Subject, h Hold) (Hold, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Hold{}, err
	}
	d := holdData{h.Title, h.Reason, append([]int64{}, h.Records...), timeText(h.From), timeText(h.To)}
	id, err := b.numbered(ctx, by, "hold", "H", func(id string) error {
		_, err := b.write(ctx, by, "hold.set", "hold:"+id, 0, d)
		return err
	})
	if err != nil {
		return Hold{}, err
	}
	return b.Hold(ctx, id)
}

// LiftHold ends a hold, with the reason. It needs register.write for the whole
// workspace.
func (b *Book) LiftHold(ctx context.Context, by access.Subject, id, reason string) (Hold, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Hold{}, err
	}
	h, err := b.Hold(ctx, id)
	if err != nil {
		return h, err
	}
	_, err = b.write(ctx, by, "hold.lift", "hold:"+id, h.Revision, struct {
		Reason string `json:"reason"`
	}{reason})
	if err != nil {
		return h, err
	}
	return b.Hold(ctx, id)
}

// Hold returns one hold, or audit.ErrNotFound.
func (b *Book) Hold(ctx context.Context, id string) (Hold, error) {
	return one(ctx, b, "hold", id, func(s *State) *Hold { return s.Holds[id] })
}

// AllHolds returns the register, the newest first.
func (b *Book) AllHolds(ctx context.Context) (out []Hold, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, h := range sorted(s.Holds) {
			out = append(out, *h)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Hold) int { return b.Set.Compare(a.Set) })
	return out, err
}
