package period

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/program"
)

// A Keeping says how long a record is to be kept, and what keeps it besides.
type Keeping struct {
	Class string
	Years int
	Until time.Time      // counted from what it is about, or from when it was recorded, whichever ends later
	Holds []program.Hold // that stand and keep it
	Rests []string       // running examinations that rest on it
}

// Held reports whether something other than time keeps the record.
func (k Keeping) Held() bool { return len(k.Holds)+len(k.Rests) > 0 }

// KeepingOf says how long a record is to be kept.
func (p *Program) KeepingOf(ctx context.Context, rec audit.Record) (Keeping, error) {
	k := Keeping{}
	k.Class, k.Years = p.Def.KeptFor(rec.Kind)
	from := rec.Recorded
	if rec.About.To.After(from) {
		from = rec.About.To
	}
	k.Until = from.In(p.Period.Location()).AddDate(k.Years, 0, 0)
	if p.Def.IsFirm() {
		return k, nil
	}
	var err error
	if k.Holds, err = p.holdsOn(ctx, rec); err != nil {
		return k, err
	}
	k.Rests, err = p.restOn(ctx, rec)
	return k, err
}

// holdsOn are the holds that stand and keep a record.
func (p *Program) holdsOn(ctx context.Context, rec audit.Record) (out []program.Hold, err error) {
	all, err := p.Registers().AllHolds(ctx)
	for _, h := range all {
		if h.Holds(rec) {
			out = append(out, h)
		}
	}
	return out, err
}

// restOn are the running examinations that rest on a record: an answer to one of
// their requests names it, or a population is frozen and the record is evidence
// about days they speak of.
func (p *Program) restOn(ctx context.Context, rec audit.Record) (out []string, err error) {
	err = p.Management().Read(ctx, func(s *management.State) error {
		for id, x := range s.Sides {
			if running(x.State) && (answered(x, rec.Index) || len(x.Populations) > 0 && speaksOf(x.Terms, rec)) {
				out = append(out, id)
			}
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// running reports whether an examination goes on: no report is issued, and it did
// not end without one.
func running(s engagement.State) bool { return s.Place() > 0 && s.Place() < engagement.Issued.Place() }

func answered(x *management.Side, index int64) bool {
	for _, r := range x.Requests {
		for _, a := range r.Answers {
			if slices.Contains(a.Records, index) {
				return true
			}
		}
	}
	return false
}

// speaksOf reports whether a record is about any day the terms speak of.
func speaksOf(t engagement.Terms, rec audit.Record) bool {
	first, last := t.AsOf, t.AsOf
	if t.Type.OverPeriod() {
		first, last = t.First, t.Last
	}
	days, err := audit.NewPeriod(first, last, t.Zone)
	if err != nil {
		return true // days that cannot be told let nothing go
	}
	about := rec.About
	if about.Empty() {
		return !rec.Collected.Before(days.From) && rec.Collected.Before(days.To)
	}
	return about.From.Before(days.To) && days.From.Before(about.To)
}

// mayErase refuses the erasure of what a hold keeps, or a running examination
// rests on.
func (p *Program) mayErase(ctx context.Context, rec audit.Record) error {
	if p.Def.IsFirm() {
		return nil
	}
	k, err := p.KeepingOf(ctx, rec)
	switch {
	case err != nil:
		return err
	case len(k.Holds) > 0:
		h := k.Holds[0]
		return fmt.Errorf("%w: %s is under hold %s (%s); lift the hold first: tieout hold lift %s --reason", audit.ErrForbidden, rec.Ref(), h.ID, h.Title, h.ID)
	case len(k.Rests) > 0:
		return fmt.Errorf("%w: examination %s rests on %s; it can be erased once its report is issued, or the examination has ended", audit.ErrForbidden, k.Rests[0], rec.Ref())
	}
	return nil
}
