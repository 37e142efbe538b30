package program

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
)

// VendorTerms are those under which a supplier gave a report, and for whom the copy
// is marked.
type VendorTerms struct {
	Text       string `json:"text"`       // "" where none are entered
	AcceptedBy string `json:"acceptedBy"` // who accepted them for the company, in words
	AcceptedOn string `json:"acceptedOn"` // day
	Marked     string `json:"marked"`     // whose name its watermark says; ""
}

// Any reports whether anything binds whoever has the report.
func (t VendorTerms) Any() bool { return t.Text != "" || t.Marked != "" }

func (t VendorTerms) check() error {
	return book.First(text("terms", t.Text, 0, 20_000), book.OneLine("who accepted the terms", t.AcceptedBy, 0), book.Day("day on which the terms were accepted", t.AcceptedOn, false),
		book.OneLine("for whom it is marked", t.Marked, 0), when(t.Text == "" && t.AcceptedBy+t.AcceptedOn != "", "terms that were accepted say what they are"))
}

// A VendorBehind says which vendor of the register an organization is that a report
// names as behind its supplier. A person says so: names alone match nothing.
type VendorBehind struct {
	Name   string `json:"name"`   // as the report has it, carved out or included
	Vendor string `json:"vendor"` // ID in the register
}

func (d vendorReportData) checkDepth() error {
	errs := []error{oneOf("assessor", d.Assessor, append([]string{""}, VendorAssessors...)...), text("sizes of its samples", d.Samples, 0, 5_000), text("what it tested by inquiry alone", d.Inquiry, 0, 5_000),
		text("license and peer review of the firm", d.Firm, 0, 5_000), when(len(d.Procedures) > len(VendorProcedures), "a kind of procedure is named twice"),
		when(d.Type == ReportLetter && d.Assessor != "" && d.Assessor != "management", "a letter is the supplier's own; its assessor is management"),
		when(d.Type.HasOpinion() && d.Assessor != "" && d.Assessor != "CPA firm", "a "+string(d.Type)+" is a CPA firm's")}
	for i, p := range d.Procedures {
		errs = append(errs, oneOf("kind of procedure", p, VendorProcedures...), when(slices.Contains(d.Procedures[:i], p), "a kind of procedure is named twice"))
	}
	for _, b := range d.Behind {
		errs = append(errs, when(!slices.Contains(d.CarvedOut, b.Name) && !slices.Contains(d.Included, b.Name), "only an organization that the report carves out or includes is one of the register"),
			when(b.Vendor == d.Vendor, "an organization behind a supplier is not the supplier itself"))
	}
	return book.First(errs...)
}

// knowsBehind refuses organizations that are said to be a vendor there is none of.
func (s *State) knowsBehind(list []VendorBehind) error {
	for _, b := range list {
		if s.Vendors[b.Vendor] == nil {
			return fmt.Errorf("%w: %s is said to be vendor %.80q, and the register has none", audit.ErrInvalid, b.Name, b.Vendor)
		}
	}
	return nil
}

// unfinishedDepth is what a review of a SOC 2 Type II has to settle about how deep
// its tests went and who made them.
func (r *VendorReport) unfinishedDepth() (out []string) {
	if r.Type != ReportSOC2Type2 {
		return nil
	}
	for _, x := range []struct{ have, lacks string }{
		{r.Samples, "nobody wrote which sizes of samples its tests give"},
		{strings.Join(r.Procedures, " "), "nobody wrote which kinds of procedures its tests use"},
		{r.Inquiry, "nobody wrote what it tested by inquiry alone"},
		{r.Firm, "nobody looked up the license and the peer review of the firm"},
	} {
		if x.have == "" {
			out = append(out, x.lacks)
		}
	}
	return out
}

// depthLimit is what the way it was tested cannot show.
func (r *VendorReport) depthLimit() (out []string) {
	alone := strings.TrimSuffix(strings.TrimSpace(r.Inquiry), ".")
	switch {
	case slices.Equal(r.Procedures, []string{"inquiry"}):
		out = append(out, "All of its tests are inquiry: people were asked, and nothing was looked at.")
	case alone != "" && !strings.EqualFold(alone, "none"):
		out = append(out, "Tested by inquiry alone, which is people's word: "+alone+".")
	}
	return out
}

// termsLimit is what the terms leave of its use.
func (r *VendorReport) termsLimit() (out []string) {
	if r.Terms.Marked != "" {
		out = append(out, "The copy is marked for "+r.Terms.Marked+".")
	}
	if r.Terms.Text != "" {
		out = append(out, "It was given under terms. Read them before you give it to anybody.")
	}
	return out
}

// MonthsBetween is how many whole months lie from one calendar day to a later one.
func MonthsBetween(from, to time.Time) int {
	n := (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if to.Day() < from.Day() {
		n--
	}
	return max(n, 0)
}

// GivenUnderTerms are the suppliers' reports among records of evidence whose terms
// bind whoever has them, or whose copy is marked for somebody, each with its vendor's
// name.
func (b *Book) GivenUnderTerms(ctx context.Context, refs []string) (out []BoundReport, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, r := range sorted(s.VendorReports) {
			if r.Terms.Any() && slices.Contains(refs, r.Evidence) {
				out = append(out, BoundReport{*r, s.Vendors[r.Vendor].Name})
			}
		}
		return nil
	})
	return out, err
}

// A BoundReport is a supplier's report that was given under terms.
type BoundReport struct {
	VendorReport
	VendorName string
}

// Notice says what has to be read before its evidence is given to somebody else.
func (r BoundReport) Notice() string {
	s := r.Evidence + " is the " + string(r.Type) + " of " + r.VendorName + " (" + r.ID + ")"
	if r.Terms.Text != "" {
		s += ", given under terms"
	}
	if r.Terms.Marked != "" {
		s += ", marked for " + r.Terms.Marked
	}
	return s + ". See whether the firm may have it."
}
