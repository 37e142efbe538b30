package program

import (
	"context"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// Unfinished is what a review has to settle before it concludes.
func (r *VendorReport) Unfinished() []string {
	return append(r.unfinishedText(), r.unfinishedDepth()...)
}

// unfinishedText is what every review has to settle, also one that was concluded
// before the depth of tests was asked for.
func (r *VendorReport) unfinishedText() (out []string) {
	add := func(missing bool, format string, args ...any) {
		if missing {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(r.Evidence == "", "the file of the report is not sealed as evidence")
	add(r.Type.HasOpinion() && r.Opinion != "unqualified" && r.Modified == "", "nobody wrote why the opinion is %s", r.Opinion)
	effects, duties := 0, 0
	for _, x := range r.Exceptions {
		if x.Effect == "" {
			effects++
		}
	}
	for _, x := range r.Duties {
		if !x.Mapped() {
			duties++
		}
	}
	add(effects > 0, "for %d of %d exceptions nobody wrote the effect", effects, len(r.Exceptions))
	add(duties > 0, "for %d of %d controls expected of users no own control is named, and no reason why none is needed", duties, len(r.Duties))
	return out
}

// A vendorConcluding is the conclusion of a review.
type vendorConcluding struct {
	Conclusion string        `json:"conclusion"`
	FollowUp   string        `json:"followUp"`
	Zone       string        `json:"zone"`     // in which the report's last day ends; "" is UTC
	Accepted   *vendorAsking `json:"accepted"` // nil: sealed before exceptions were asked for
}

// A vendorAsking is what a conclusion asks management to accept; empty: nothing.
type vendorAsking struct {
	Why   string `json:"why"`
	Until string `json:"until"`
}

func (d vendorConcluding) check() error {
	return book.First(text("conclusion", d.Conclusion, 1, 20_000), text("what is done about it", d.FollowUp, 0, 20_000))
}

func concludeVendorReport(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, vendorConcluding.check)
	zone, zerr := time.LoadLocation(d.Zone)
	if err = book.First(err, when(zerr != nil, "the zone is none")); err != nil {
		return book.Change{}, err
	}
	r := s.VendorReports[e.Of()]
	if r == nil {
		return book.Change{}, fmt.Errorf("%w: vendor's report %.80q", audit.ErrNotFound, e.Of())
	}
	left := r.Unfinished()
	if d.Accepted == nil {
		left = r.unfinishedText()
	}
	if len(left) > 0 {
		return book.Change{}, fmt.Errorf("%w: the review of %s is not finished: %s", audit.ErrConflict, r.ID, left[0])
	}
	if err := d.Accepted.check(r, e.At.In(zone)); err != nil {
		return book.Change{}, err
	}
	v := s.Vendors[r.Vendor]
	return book.Change{What: "review concluded", Do: func() {
		r.Conclusion, r.FollowUp, r.ReviewedBy, r.Reviewed, r.Revision = d.Conclusion, d.FollowUp, e.By.Name, e.At, e.Base+1
		r.ends, r.PreparedBy, r.before = endOfDay(r.Last, zone), andBy(r.PreparedBy, e.By.Name), d.Accepted == nil
		r.Accepted = d.Accepted.asked(zone)
		what := "reviewed its " + string(r.Type) + " to " + r.Last + ": " + r.ID
		if r.NeedsException() && !r.before {
			what += map[bool]string{true: ", which counts once management accepts the exception", false: ", which is no review of the vendor without an exception"}[r.Accepted.Why != ""]
		}
		s.reviewed(v, e, what)
	}}, nil
}

// ConcludeVendorReport ends the review of a supplier's report. What the review
// has not settled (Unfinished) refuses it with audit.ErrConflict. The report's last
// day ends in zone, the organization's. Of a statement that counts by an exception
// alone, why and until ask management for one; both are "" where none is asked for,
// and the conclusion then counts as no review of the supplier. It needs
// register.write.
func (b *Book) ConcludeVendorReport(ctx context.Context, by access.Subject, id string, c VendorConclusion, revision int64, zone *time.Location) error {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return err
	}
	d := vendorConcluding{c.Conclusion, c.FollowUp, zone.String(), &vendorAsking{c.Why, c.Until}}
	_, err := b.write(ctx, by, "vendorreport.conclude", "vendorreport:"+id, revision, d)
	return err
}

// A VendorConclusion is what a person concludes of a supplier's report.
type VendorConclusion struct {
	Conclusion string
	FollowUp   string // what is done about it
	Why        string // why it may stand in for a SOC 2 Type II; "": that is not asked for
	Until      string // last day on which it may
}
