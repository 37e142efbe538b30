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

// A Vendor is one supplier.
type Vendor struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Service    string    `json:"service"`            // what it does for the company, Markdown
	Tier       string    `json:"tier"`               // "critical", "high", "medium", "low"; "" while not tiered
	Status     string    `json:"status"`             // "proposed", "active", "ended"
	Owner      string    `json:"owner"`              // account that answers for it
	Subservice bool      `json:"subservice"`         // a subservice organization: its controls are relied on
	Terms      bool      `json:"terms"`              // the contract carries security and confidentiality terms
	Personal   bool      `json:"personal"`           // it processes personal data for the company; where Role is said it follows from it
	Role       string    `json:"role"`               // of VendorRoles, with personal data; "" while nobody said
	Kind       string    `json:"kind"`               // of VendorKinds; "" while nobody said
	Associate  bool      `json:"associate"`          // a business associate under HIPAA
	Agreement  time.Time `json:"agreement,omitzero"` // when the business associate agreement was signed
	Approved   time.Time `json:"approved,omitzero"`
	Started    time.Time `json:"started,omitzero"`
	Reviewed   time.Time `json:"reviewed,omitzero"`
	ReportEnd  time.Time `json:"reportEnd,omitzero"` // end of the period of its newest SOC report
	Mapped     time.Time `json:"mapped,omitzero"`    // when what its report expects of users was mapped to own controls
	Ended      time.Time `json:"ended,omitzero"`
	ChangedBy  string    `json:"changedBy"`
	Changed    time.Time `json:"changed,omitzero"`
	Revision   int64     `json:"revision"`
	Since      time.Time `json:"-"` // when it was started with, as stated, else when it was first written

	stated vendorStated
}

// A vendorStated is what was stated of a vendor by itself, beside what the concluded
// reviews of its reports give.
type vendorStated struct{ reviewed, reportEnd, mapped time.Time }

// Values of a vendor's fields.
var (
	VendorTiers    = []string{"critical", "high", "medium", "low"}
	VendorStatuses = []string{"proposed", "active", "ended"}
	VendorRoles    = []string{"processor", "controller", "joint controller", "none"}
	VendorKinds    = []string{"cloud", DataCenter, "software", "professional service", "payroll", "other"}
)

// DataCenter is the kind of a vendor in whose rooms the company's own machines stand.
const DataCenter = "data center or colocation"

var vendorTakers = map[string]taker{"vendor.set": setVendor}

// A vendorData is what an entry says of a vendor: the whole of it, each time.
type vendorData struct {
	Name       string `json:"name"`
	Service    string `json:"service"`
	Tier       string `json:"tier"`
	Status     string `json:"status"`
	Owner      string `json:"owner"`
	Subservice bool   `json:"subservice"`
	Terms      bool   `json:"terms"`
	Personal   bool   `json:"personal"`
	Role       string `json:"role"`
	Kind       string `json:"kind"`
	Associate  bool   `json:"associate"`
	Agreement  string `json:"agreement"`
	Approved   string `json:"approved"`
	Started    string `json:"started"`
	Reviewed   string `json:"reviewed"`
	ReportEnd  string `json:"reportEnd"`
	Mapped     string `json:"mapped"`
	Ended      string `json:"ended"`
}

func (d vendorData) check() error {
	return allOf(
		text("name", d.Name, 1, 200), text("what it does", d.Service, 0, 20_000), text("owner", d.Owner, 0, 100),
		oneOf("tier", d.Tier, append([]string{""}, VendorTiers...)...), oneOf("status", d.Status, VendorStatuses...),
		oneOf("role", d.Role, append([]string{""}, VendorRoles...)...), oneOf("kind", d.Kind, append([]string{""}, VendorKinds...)...),
		when(d.Role != "" && d.Personal != (d.Role == "processor"), "whether it processes personal data follows from its role"),
		when(d.Agreement != "" && !d.Associate, "only a business associate has a business associate agreement"),
		instantText("start", d.Started), instantText("end of its report", d.ReportEnd), instantText("end", d.Ended),
		when(d.Status == "active" && d.Started == "", "an active vendor has a day on which its use started"),
		when((d.Status == "ended") != (d.Ended != ""), "a vendor that ended has a day on which its use ended, and no other has one"),
		when(d.Ended != "" && d.Started != "" && instantOf(d.Ended).Before(instantOf(d.Started)), "its use cannot end before it started"),
	)
}

func setVendor(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[vendorData](e)
	if err == nil {
		err = allOf(d.check(), s.past(e, "when it was approved", d.Approved, false), s.past(e, "when it was reviewed", d.Reviewed, false),
			s.past(e, "when user controls were mapped", d.Mapped, false), s.past(e, "when the business associate agreement was signed", d.Agreement, false))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "written: " + d.Name + ", " + d.Status, Do: func() {
		v := &Vendor{ID: e.Of(), Name: d.Name, Service: d.Service, Tier: d.Tier, Status: d.Status, Owner: d.Owner, Subservice: d.Subservice, Terms: d.Terms,
			Personal: d.Personal, Role: d.Role, Kind: d.Kind, Associate: d.Associate, Agreement: instantOf(d.Agreement), Approved: instantOf(d.Approved), Started: instantOf(d.Started), Reviewed: instantOf(d.Reviewed), ReportEnd: instantOf(d.ReportEnd),
			Mapped: instantOf(d.Mapped), Ended: instantOf(d.Ended), ChangedBy: e.By.Name, Changed: e.At, Revision: s.Revision(e.On) + 1}
		if old := s.Vendors[v.ID]; old != nil {
			v.Since = old.Since
		} else {
			v.Since = e.At
		}
		if !v.Started.IsZero() {
			v.Since = v.Started
		}
		v.stated = vendorStated{v.Reviewed, v.ReportEnd, v.Mapped}
		if old := s.Vendors[v.ID]; old != nil {
			shown := *old
			s.settle(&shown, e.At)
			v.stated = vendorStated{notRepeated(v.Reviewed, shown.Reviewed, old.stated.reviewed), notRepeated(v.ReportEnd, shown.ReportEnd, old.stated.reportEnd), notRepeated(v.Mapped, shown.Mapped, old.stated.mapped)}
		}
		s.settle(v, e.At)
		s.Vendors[v.ID] = v
		s.tellVendor(e, v)
	}}, nil
}

// fields are the vendor as evidence says it.
func (v *Vendor) fields(s *State) map[string]any {
	return map[string]any{"name": v.Name, "tier": v.Tier, "status": v.Status, "subservice": v.Subservice, "owner": s.ownerOf(v.Owner), "securityTerms": v.Terms,
		"dataProcessing": v.Personal, "approvedAt": timeOrNever(v.Approved), "startedAt": timeOrNever(v.Started), "reviewedAt": timeOrNever(v.Reviewed),
		"reportEnd": timeOrNever(v.ReportEnd), "userControlsMappedAt": timeOrNever(v.Mapped), "endedAt": timeOrNever(v.Ended)}
}

// SetVendor writes a vendor, a new one where ID is "", and returns it. Whether it
// processes personal data follows from its role, where that is said. It needs
// register.write. Revision is that of the vendor as it was opened; if it changed
// since, the error wraps audit.ErrConflict.
func (b *Book) SetVendor(ctx context.Context, by access.Subject, v Vendor) (Vendor, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Vendor{}, err
	}
	if v.Role != "" {
		v.Personal = v.Role == "processor"
	}
	d := vendorData{v.Name, v.Service, v.Tier, v.Status, v.Owner, v.Subservice, v.Terms, v.Personal, v.Role, v.Kind, v.Associate, timeText(v.Agreement), timeText(v.Approved), timeText(v.Started),
		timeText(v.Reviewed), timeText(v.ReportEnd), timeText(v.Mapped), timeText(v.Ended)}
	write := func(id string) error {
		_, err := b.write(ctx, by, "vendor.set", "vendor:"+id, v.Revision, d)
		return err
	}
	id := v.ID
	var err error
	if id == "" {
		id, err = b.numbered(ctx, by, "vendor", "V", write)
	} else {
		err = write(id)
	}
	if err != nil {
		return Vendor{}, err
	}
	return b.Vendor(ctx, id)
}

// Vendor returns one vendor, or audit.ErrNotFound.
func (b *Book) Vendor(ctx context.Context, id string) (out Vendor, err error) {
	err = b.Read(ctx, func(s *State) error {
		v := s.Vendors[id]
		if v == nil {
			return fmt.Errorf("%w: vendor %s", audit.ErrNotFound, id)
		}
		out = *v
		s.settle(&out, b.now())
		return nil
	})
	return out, err
}

// AllVendors returns the register: those in use first, the most critical first.
func (b *Book) AllVendors(ctx context.Context) (out []Vendor, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, v := range sorted(s.Vendors) {
			now := *v
			s.settle(&now, b.now())
			out = append(out, now)
		}
		return nil
	})
	rank := func(list []string, s string) int {
		if n := slices.Index(list, s); n >= 0 {
			return n
		}
		return len(list)
	}
	order := []string{"active", "proposed", "ended"}
	slices.SortStableFunc(out, func(a, b Vendor) int {
		if n := rank(order, a.Status) - rank(order, b.Status); n != 0 {
			return n
		}
		return rank(VendorTiers, a.Tier) - rank(VendorTiers, b.Tier)
	})
	return out, err
}
