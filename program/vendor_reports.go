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

// A VendorReport is what a supplier gave of an examination of itself, with what a
// review took out of it: whether it is of the service in use, over which days,
// with which opinion, what it leaves out, and what it expects of its users.
type VendorReport struct {
	ID         string            `json:"id"`
	Vendor     string            `json:"vendor"` // ID in the register
	Type       VendorReportType  `json:"type"`
	Issuer     string            `json:"issuer"`     // who examined; of a letter, the supplier's management
	System     string            `json:"system"`     // as the report names it
	Ours       string            `json:"ours"`       // "yes": it is the service in use, "in part", "no"
	First      string            `json:"first"`      // first day it covers; "" of a report as of a day
	Last       string            `json:"last"`       // last day, or the day
	Dated      string            `json:"dated"`      // day of the report
	Received   string            `json:"received"`   // day on which it came; "" while nobody said
	Assessor   string            `json:"assessor"`   // what kind of firm or body the issuer is, of VendorAssessors; ""
	Categories []string          `json:"categories"` // letters of the trust services categories
	Opinion    string            `json:"opinion"`    // "unqualified", "qualified", "adverse", "disclaimer"; "" of what has none
	Modified   string            `json:"modified"`   // why it is not unqualified
	CarvedOut  []string          `json:"carvedOut"`  // organizations whose controls it leaves out
	Included   []string          `json:"included"`   // organizations whose controls it examines too
	Behind     []VendorBehind    `json:"behind"`     // which of those are which vendor of the register, as a person said
	Physical   bool              `json:"physical"`   // physical and environmental controls are examined in it
	Samples    string            `json:"samples"`    // sizes of the samples its tests give
	Procedures []string          `json:"procedures"` // kinds of procedures its tests use, of VendorProcedures
	Inquiry    string            `json:"inquiry"`    // what it tested by inquiry alone, or "none"; "" while nobody looked
	Firm       string            `json:"firm"`       // license and peer review of the firm, as they were looked up
	Terms      VendorTerms       `json:"terms"`      // under which it was given
	Exceptions []VendorException `json:"exceptions"` // those that touch the service in use
	Duties     []VendorDuty      `json:"duties"`     // what it expects of its users (CUEC)
	Events     string            `json:"events"`     // incidents and changes known since
	Next       string            `json:"next"`       // day on which the next is expected; ""
	Evidence   string            `json:"evidence"`   // record that holds the file, such as E-41
	Conclusion string            `json:"conclusion"` // of the review; "" while there is none
	FollowUp   string            `json:"followUp"`   // what is done about it
	ReviewedBy string            `json:"reviewedBy"` // account
	Reviewed   time.Time         `json:"reviewed,omitzero"`
	Accepted   VendorAcceptance  `json:"accepted"`   // the exception by which its review counts, where one is needed
	PreparedBy []string          `json:"preparedBy"` // accounts that wrote it or concluded its review
	Revision   int64             `json:"revision"`
	ChangedBy  string            `json:"changedBy"`
	Changed    time.Time         `json:"changed,omitzero"`

	ends   time.Time // of a concluded review: the last second of Last, in the organization's zone
	before bool      // its review was concluded before exceptions were asked for
}

// ofOurs reports whether it is of the service in use, or of a part of it.
func (r *VendorReport) ofOurs() bool { return r.Ours != "no" }

// Concluded reports whether its review is.
func (r *VendorReport) Concluded() bool { return !r.Reviewed.IsZero() }

// Shows reports whether tests of suppliers can rest on it once its review is
// concluded: only a SOC 2 Type II of the service in use says how controls of the
// trust services criteria operated over a period.
func (r *VendorReport) Shows() bool { return r.Type == ReportSOC2Type2 && r.ofOurs() }

// reviews reports whether its review is one of the supplier: what its management
// writes of itself, or what is about another system, is none.
func (r *VendorReport) reviews() bool { return r.Type != ReportLetter && r.ofOurs() }

// A VendorException is an exception of a supplier's report.
type VendorException struct {
	Control string `json:"control"` // the supplier's, as its report names it
	Text    string `json:"text"`
	Assumed string `json:"assumed"` // control assumed of the supplier (CSOC) that it touches; ""
	Effect  string `json:"effect"`  // on the company; "" while nobody said
}

// A VendorDuty is a control that a supplier's report expects of its users.
type VendorDuty struct {
	Ref      string   `json:"ref"`
	Text     string   `json:"text"`
	Controls []string `json:"controls"` // own ones that do it
	Needless string   `json:"needless"` // why none is needed; "" where one is
}

// Mapped reports whether own controls answer a duty, or why none has to.
func (d VendorDuty) Mapped() bool { return len(d.Controls) > 0 || d.Needless != "" }

// A VendorReportType is a kind of statement a supplier gives.
type VendorReportType string

// Kinds of statements. Only a SOC 2 Type II speaks of how controls of the trust
// services criteria operated over a period.
const (
	ReportSOC2Type2 VendorReportType = "SOC 2 Type II"
	ReportSOC2Type1 VendorReportType = "SOC 2 Type I"
	ReportSOC1Type2 VendorReportType = "SOC 1 Type II"
	ReportSOC1Type1 VendorReportType = "SOC 1 Type I"
	ReportSOC3      VendorReportType = "SOC 3"
	ReportISO27001  VendorReportType = "ISO/IEC 27001 certificate"
	ReportFedRAMP   VendorReportType = "FedRAMP authorization"
	ReportLetter    VendorReportType = "bridge letter"
	ReportOther     VendorReportType = "other"
)

// VendorReportTypes are all kinds, VendorOpinions what an opinion can be,
// VendorAssessors who can have examined, VendorProcedures how a test can be made.
var (
	VendorReportTypes = []VendorReportType{ReportSOC2Type2, ReportSOC2Type1, ReportSOC1Type2, ReportSOC1Type1, ReportSOC3, ReportISO27001, ReportFedRAMP, ReportLetter, ReportOther}
	VendorOpinions    = []string{"unqualified", "qualified", "adverse", "disclaimer"}
	VendorAssessors   = []string{"CPA firm", "3PAO", "certification body", "management"}
	VendorProcedures  = []string{"inquiry", "observation", "inspection", "reperformance"}
)

// OverPeriod reports whether such a statement is of a period, not of a day.
func (t VendorReportType) OverPeriod() bool {
	return t != ReportSOC2Type1 && t != ReportSOC1Type1
}

// HasOpinion reports whether an auditor's opinion is in it.
func (t VendorReportType) HasOpinion() bool {
	return t != ReportISO27001 && t != ReportFedRAMP && t != ReportLetter && t != ReportOther
}

// RunsOut reports whether such a statement holds until a day to come, rather than
// speaking of days that are over.
func (t VendorReportType) RunsOut() bool { return t == ReportISO27001 || t == ReportFedRAMP }

var vendorReportTakers = map[string]taker{"vendorreport.set": setVendorReport, "vendorreport.conclude": concludeVendorReport, "vendorreport.accept": acceptVendorReport}

// A vendorReportData is what an entry says of a report: the whole of it, each time.
type vendorReportData struct {
	Vendor     string            `json:"vendor"`
	Type       VendorReportType  `json:"type"`
	Issuer     string            `json:"issuer"`
	System     string            `json:"system"`
	Ours       string            `json:"ours"`
	First      string            `json:"first"`
	Last       string            `json:"last"`
	Dated      string            `json:"dated"`
	Received   string            `json:"received"`
	Assessor   string            `json:"assessor"`
	Categories []string          `json:"categories"`
	Opinion    string            `json:"opinion"`
	Modified   string            `json:"modified"`
	CarvedOut  []string          `json:"carvedOut"`
	Included   []string          `json:"included"`
	Behind     []VendorBehind    `json:"behind"`
	Physical   bool              `json:"physical"`
	Samples    string            `json:"samples"`
	Procedures []string          `json:"procedures"`
	Inquiry    string            `json:"inquiry"`
	Firm       string            `json:"firm"`
	Terms      VendorTerms       `json:"terms"`
	Exceptions []VendorException `json:"exceptions"`
	Duties     []VendorDuty      `json:"duties"`
	Events     string            `json:"events"`
	Next       string            `json:"next"`
	Evidence   string            `json:"evidence"`
}

func (d vendorReportData) check() error {
	return book.First(
		book.OneOf("kind", d.Type, VendorReportTypes...), book.OneLine("issuer", d.Issuer, 1), book.OneLine("system", d.System, 1), oneOf("whether it is the service in use", d.Ours, "yes", "in part", "no"),
		book.Day("first day", d.First, d.Type.OverPeriod()), book.Day("last day", d.Last, true), book.Day("day of the report", d.Dated, true), book.Day("day of the next", d.Next, false),
		when(!d.Type.OverPeriod() && d.First != "", "a report as of a day has no first day"), when(d.First > d.Last, "its first day is after its last"),
		when(d.Dated < d.Last && !d.Type.RunsOut() && d.Type != ReportOther, "it is dated before the last day it speaks of"),
		book.Day("day of its receipt", d.Received, false), when(d.Received != "" && d.Received < d.Dated, "it is received before it is dated"),
		d.checkOpinion(), d.checkLists(), d.checkDepth(), d.Terms.check(), text("events", d.Events, 0, 20_000), book.OneLine("evidence", d.Evidence, 0),
	)
}

func (d vendorReportData) checkOpinion() error {
	if !d.Type.HasOpinion() {
		return when(d.Opinion != "" || d.Modified != "", "there is no opinion in a "+string(d.Type))
	}
	return book.First(oneOf("opinion", d.Opinion, VendorOpinions...), text("why it is modified", d.Modified, 0, 20_000),
		when(d.Opinion == "unqualified" && d.Modified != "", "an unqualified opinion is not modified"))
}

// Sizes of a report's lists.
const (
	maxVendorNames = 100
	maxVendorRows  = 500
)

func (d vendorReportData) checkLists() error {
	if err := book.First(within("organizations", max(len(d.CarvedOut), len(d.Included)), 0, maxVendorNames), within("exceptions", len(d.Exceptions), 0, maxVendorRows),
		within("controls expected of users", len(d.Duties), 0, maxVendorRows), within("categories", len(d.Categories), 0, 5)); err != nil {
		return err
	}
	for _, c := range d.Categories {
		if err := oneOf("category", c, "S", "A", "PI", "C", "P"); err != nil {
			return err
		}
	}
	for _, n := range slices.Concat(d.CarvedOut, d.Included) {
		if err := book.OneLine("organization", n, 1); err != nil {
			return err
		}
	}
	for _, x := range d.Exceptions {
		if err := book.First(book.OneLine("control of an exception", x.Control, 0), text("text of an exception", x.Text, 1, 5_000), book.OneLine("assumed control", x.Assumed, 0), text("effect of an exception", x.Effect, 0, 5_000)); err != nil {
			return err
		}
	}
	for _, x := range d.Duties {
		if err := book.First(book.OneLine("control expected of users", x.Ref, 0), text("control expected of users", x.Text, 1, 5_000), text("why no control is needed", x.Needless, 0, 5_000),
			within("own controls", len(x.Controls), 0, 50)); err != nil {
			return err
		}
	}
	return nil
}

func setVendorReport(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[vendorReportData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	v := s.Vendors[d.Vendor]
	if v == nil {
		return book.Change{}, fmt.Errorf("%w: vendor %.80q", audit.ErrNotFound, d.Vendor)
	}
	if have := s.VendorReports[e.Of()]; have != nil && have.Vendor != d.Vendor {
		return book.Change{}, fmt.Errorf("%w: %s is a report of %s; enter another for %s", audit.ErrConflict, e.Of(), have.Vendor, d.Vendor)
	}
	tomorrow := e.At.AddDate(0, 0, 1).Format(time.DateOnly)
	if d.Dated > tomorrow {
		return book.Change{}, fmt.Errorf("%w: the report is dated %s, which is to come", audit.ErrInvalid, d.Dated)
	}
	if err := book.First(when(d.Received > tomorrow, "the day of its receipt is to come"), when(d.Terms.AcceptedOn > tomorrow, "the day on which its terms were accepted is to come"), s.knowsBehind(d.Behind)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "entered: " + string(d.Type) + " to " + d.Last, Do: func() {
		have := s.VendorReports[e.Of()]
		var prepared []string
		if have != nil {
			prepared = have.PreparedBy
		}
		s.VendorReports[e.Of()] = &VendorReport{ID: e.Of(), Vendor: d.Vendor, Type: d.Type, Issuer: d.Issuer, System: d.System, Ours: d.Ours, First: d.First, Last: d.Last, Dated: d.Dated,
			Categories: d.Categories, Opinion: d.Opinion, Modified: d.Modified, CarvedOut: d.CarvedOut, Included: d.Included, Exceptions: d.Exceptions, Duties: d.Duties, Events: d.Events,
			Received: d.Received, Assessor: d.Assessor, Behind: d.Behind, Physical: d.Physical, Samples: d.Samples, Procedures: d.Procedures, Inquiry: d.Inquiry, Firm: d.Firm, Terms: d.Terms,
			Next: d.Next, Evidence: d.Evidence, PreparedBy: andBy(prepared, e.By.Name), Revision: s.Revision(e.On) + 1, ChangedBy: e.By.Name, Changed: e.At}
		if have != nil && have.Concluded() {
			s.reviewed(v, e, "the review of "+e.Of()+" is open again: the report was corrected")
		}
	}}, nil
}

// reviewed has a vendor follow from its reports as they are now, in words.
func (s *State) reviewed(v *Vendor, e Entry, what string) {
	s.settle(v, e.At)
	v.Revision = s.Also("vendor:"+v.ID, e, what)
	s.tellVendor(e, v)
}

// settle computes what of a vendor follows from the reviews of its reports that
// count at an instant, beside what was stated of it: whichever is later.
func (s *State) settle(v *Vendor, at time.Time) {
	v.Reviewed, v.ReportEnd, v.Mapped = v.stated.reviewed, v.stated.reportEnd, v.stated.mapped
	for _, r := range s.VendorReports {
		if r.Vendor != v.ID || !r.Concluded() {
			continue
		}
		if r.Counts(at) {
			v.Reviewed = later(v.Reviewed, r.Reviewed)
		}
		if r.Shows() {
			v.ReportEnd, v.Mapped = later(v.ReportEnd, r.ends), later(v.Mapped, r.Reviewed)
		}
	}
}

// notRepeated is what was stated of a vendor in a field whose value is written: a
// form that was opened gives back what it showed, as an instant or as the day alone,
// and so states nothing new.
func notRepeated(now, shown, stated time.Time) time.Time {
	if d := shown.Sub(now); !now.IsZero() && 0 <= d && d <= 25*time.Hour {
		return stated
	}
	return now
}

// endOfDay is the last second of a calendar day in the organization's zone, as a
// person states a day: a supplier's report does not say in which zone its days are.
func endOfDay(day string, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return time.Time{}
	}
	return audit.Instant(t.AddDate(0, 0, 1).Add(-time.Second))
}

// SetVendorReport enters a supplier's report, a new one where ID is "", and
// returns it; what is no report yet gets its number here. Whatever a review concluded before is open again. It needs
// register.write. Evidence names a record that holds evidence, or nothing.
func (b *Book) SetVendorReport(ctx context.Context, by access.Subject, r VendorReport) (VendorReport, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return VendorReport{}, err
	}
	if r.Evidence != "" {
		if err := b.isEvidence(ctx, r.Evidence); err != nil {
			return VendorReport{}, err
		}
	}
	for i := range r.Duties {
		r.Duties[i].Controls = list(r.Duties[i].Controls)
	}
	d := vendorReportData{r.Vendor, r.Type, r.Issuer, r.System, r.Ours, r.First, r.Last, r.Dated, r.Received, r.Assessor, list(r.Categories), r.Opinion, r.Modified, list(r.CarvedOut), list(r.Included),
		book.List(r.Behind), r.Physical, r.Samples, list(r.Procedures), r.Inquiry, r.Firm, r.Terms, book.List(r.Exceptions), book.List(r.Duties), r.Events, r.Next, r.Evidence}
	write := func(id string) error {
		_, err := b.write(ctx, by, "vendorreport.set", "vendorreport:"+id, r.Revision, d)
		return err
	}
	id := r.ID
	var err error
	if id != "" {
		if _, err := b.VendorReport(ctx, id); err != nil {
			return VendorReport{}, err
		}
	}
	if id == "" {
		id, err = b.numbered(ctx, by, "vendorreport", "VR", write)
	} else {
		err = write(id)
	}
	if err != nil {
		return VendorReport{}, err
	}
	return b.VendorReport(ctx, id)
}

// VendorReport returns one report, or audit.ErrNotFound.
func (b *Book) VendorReport(ctx context.Context, id string) (VendorReport, error) {
	return one(ctx, b, "vendor's report", id, func(s *State) *VendorReport { return s.VendorReports[id] })
}

// ReportsOfVendor returns a supplier's reports, the one that reaches furthest
// first; of "" all suppliers'.
func (b *Book) ReportsOfVendor(ctx context.Context, vendor string) (out []VendorReport, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, r := range sorted(s.VendorReports) {
			if vendor == "" || r.Vendor == vendor {
				out = append(out, *r)
			}
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b VendorReport) int {
		switch {
		case a.Last > b.Last:
			return -1
		case a.Last < b.Last:
			return 1
		}
		return 0
	})
	return out, err
}
