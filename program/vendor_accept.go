package program

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// ExceptionDays is how many days after its review's conclusion a statement that is
// no SOC 2 Type II can stand in for one, at most.
const ExceptionDays = 366

// A VendorAcceptance is the exception by which a statement that is no SOC 2 Type II
// counts as a review of its supplier: asked for with the conclusion, accepted by
// management.
type VendorAcceptance struct {
	Why   string    `json:"why"`         // "": none is asked for
	Until string    `json:"until"`       // last day on which it counts
	By    string    `json:"by"`          // account that accepted it for management; "" while nobody did
	At    time.Time `json:"at,omitzero"` // when

	over time.Time // first instant after Until, in the organization's zone
}

// NeedsException reports whether a concluded review of it counts as one of the
// supplier only by an exception that management accepts: it is of the service in
// use, and no SOC 2 Type II. A letter is no review with any exception.
func (r *VendorReport) NeedsException() bool { return r.reviews() && r.Type != ReportSOC2Type2 }

// Counts reports whether its review is one of the supplier at an instant. What was
// concluded before exceptions were asked for counts without one.
func (r *VendorReport) Counts(at time.Time) bool {
	switch {
	case !r.Concluded() || !r.reviews():
		return false
	case !r.NeedsException() || r.before:
		return true
	}
	return !r.Accepted.At.IsZero() && at.Before(r.Accepted.over)
}

// Waits reports whether management is asked for an exception and has not accepted
// it.
func (r *VendorReport) Waits() bool {
	return r.Concluded() && r.Accepted.Why != "" && r.Accepted.At.IsZero()
}

// check weighs what is asked for with the conclusion on r at an instant in the
// organization's zone.
func (d *vendorAsking) check(r *VendorReport, at time.Time) error {
	if d == nil || d.Why == "" && d.Until == "" {
		return nil
	}
	today, last := at.Format(time.DateOnly), at.AddDate(0, 0, ExceptionDays).Format(time.DateOnly)
	return book.First(text("why it is accepted", d.Why, 1, 5_000), book.Day("until when it is accepted", d.Until, true),
		when(!r.NeedsException(), "a "+string(r.Type)+" of this system is not accepted by exception"),
		when(d.Until <= today, "it is accepted until a day to come"),
		when(d.Until > last, fmt.Sprintf("it is accepted for %d days at most, until %s", ExceptionDays, last)))
}

// asked is what a conclusion asks for, as the report keeps it.
func (d *vendorAsking) asked(zone *time.Location) VendorAcceptance {
	if d == nil || d.Why == "" {
		return VendorAcceptance{}
	}
	return VendorAcceptance{Why: d.Why, Until: d.Until, over: endOfDay(d.Until, zone).Add(time.Second)}
}

func acceptVendorReport(s *State, e Entry) (book.Change, error) {
	r := s.VendorReports[e.Of()]
	switch {
	case r == nil:
		return book.Change{}, fmt.Errorf("%w: vendor's report %.80q", audit.ErrNotFound, e.Of())
	case !r.Waits():
		return book.Change{}, fmt.Errorf("%w: no exception of %s waits to be accepted", audit.ErrConflict, r.ID)
	case !e.At.Before(r.Accepted.over):
		return book.Change{}, fmt.Errorf("%w: the exception of %s was asked for until %s, which is over. Conclude its review anew", audit.ErrConflict, r.ID, r.Accepted.Until)
	}
	return book.Change{What: "accepted for management by exception until " + r.Accepted.Until, Do: func() {
		r.Accepted.By, r.Accepted.At, r.Revision = e.By.Name, e.At, e.Base+1
		s.reviewed(s.Vendors[r.Vendor], e, "the "+string(r.Type)+" to "+r.Last+" counts by exception until "+r.Accepted.Until+": "+r.ID)
	}}, nil
}

// AcceptVendorReport accepts for management that a statement which is no SOC 2 Type
// II counts as a review of its supplier, until the day that was asked for. It needs
// risk.accept, which nobody has on what they wrote or concluded.
func (b *Book) AcceptVendorReport(ctx context.Context, by access.Subject, id string, revision int64) (VendorReport, error) {
	r, err := b.VendorReport(ctx, id)
	if err != nil {
		return r, err
	}
	if err := b.second(ctx, by, "risk.accept", access.Object{Prepared: r.PreparedBy}); err != nil {
		return r, err
	}
	if _, err := b.write(ctx, by, "vendorreport.accept", "vendorreport:"+id, revision, struct{}{}); err != nil {
		return r, err
	}
	return b.VendorReport(ctx, id)
}

// andBy adds an account to those that prepared something, once.
func andBy(prepared []string, account string) []string {
	if slices.Contains(prepared, account) {
		return prepared
	}
	return append(slices.Clone(prepared), account)
}

// A lapse is what a vendor becomes at the end of an exception that its review rests
// on, unless an entry before then says otherwise.
type lapse struct {
	fact audit.Fact
	said bool // an entry after it has told the vendor anew: it took place
}

// tellVendor says a vendor as evidence, as it is and as it will be when exceptions
// end.
func (s *State) tellVendor(e Entry, v *Vendor) {
	s.lapses = slices.DeleteFunc(s.lapses, func(l lapse) bool { return l.fact.ID == v.ID && !l.said && !l.fact.At.Before(e.At) })
	for i := range s.lapses {
		s.lapses[i].said = s.lapses[i].said || s.lapses[i].fact.ID == v.ID
	}
	s.fact(e, audit.Fact{Type: "vendor", ID: v.ID, Fields: v.fields(s)})
	var ends []time.Time
	for _, r := range s.VendorReports {
		if r.Vendor == v.ID && !r.Accepted.At.IsZero() && r.Accepted.over.After(e.At) {
			ends = append(ends, r.Accepted.over)
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	reviewed := v.Reviewed
	for _, at := range ends {
		then := *v
		if s.settle(&then, at); then.Reviewed.Equal(reviewed) {
			continue
		}
		reviewed = then.Reviewed
		s.lapses = append(s.lapses, lapse{fact: audit.Fact{Type: "vendor", ID: v.ID, Fields: then.fields(s), At: at, Record: e.Record, Recorded: at}})
	}
}

// FactsAt is what the registers say as evidence up to an instant, in the order of
// the log; what follows from the end of an exception stands at its instant.
func (s *State) FactsAt(now time.Time) []audit.Fact {
	out := slices.Clone(s.Facts)
	past := slices.DeleteFunc(slices.Clone(s.lapses), func(l lapse) bool { return !l.fact.At.Before(now) })
	slices.SortStableFunc(past, func(a, b lapse) int { return cmp.Or(a.fact.At.Compare(b.fact.At), cmp.Compare(a.fact.ID, b.fact.ID)) })
	for _, l := range past {
		i := slices.IndexFunc(out, func(f audit.Fact) bool { return f.Recorded.After(l.fact.Recorded) })
		if i < 0 {
			i = len(out)
		}
		out = slices.Insert(out, i, l.fact)
	}
	return out
}
