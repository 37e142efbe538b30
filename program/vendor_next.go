package program

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// An ExpectedReport is a supplier's next report that has not come yet.
type ExpectedReport struct {
	Vendor string // ID
	Name   string // of the vendor
	Owner  string // account that answers for the vendor; ""
	Report string // ID of the report that names the day
	Type   VendorReportType
	Day    string // last day on which it comes in time
}

// Overdue reports whether its day has passed on a day of the organization's zone.
func (x ExpectedReport) Overdue(today time.Time) bool {
	return x.Day < today.Format(time.DateOnly)
}

// Due is the first instant at which it is overdue, in the organization's zone.
func (x ExpectedReport) Due(zone *time.Location) time.Time {
	return endOfDay(x.Day, zone).Add(time.Second)
}

// follows reports whether b is the report that was expected after r: of the service
// in use, of the same kind whatever its type, and reaching further. After a letter
// any report comes.
func (r *VendorReport) follows(b *VendorReport) bool {
	kind := func(t VendorReportType) string { k, _, _ := strings.Cut(string(t), " Type "); return k }
	same := kind(r.Type) == kind(b.Type) || r.Type == ReportLetter && b.Type != ReportLetter
	return b.ofOurs() && same && b.Last > r.Last
}

// Expected are the next reports that one supplier's reports name and that were not
// entered since, the first first. A report of another system names none.
func Expected(list []VendorReport) (out []ExpectedReport) {
	for i := range list {
		r := &list[i]
		if r.Next == "" || !r.ofOurs() || slices.ContainsFunc(list, func(b VendorReport) bool { return r.follows(&b) }) {
			continue
		}
		out = append(out, ExpectedReport{Vendor: r.Vendor, Report: r.ID, Type: r.Type, Day: r.Next})
	}
	slices.SortStableFunc(out, func(a, b ExpectedReport) int { return strings.Compare(a.Day, b.Day) })
	return out
}

// ExpectedReports are the next reports of all suppliers whose use has not ended, the
// first first.
func (s *State) ExpectedReports() (out []ExpectedReport) {
	of := map[string][]VendorReport{}
	for _, r := range sorted(s.VendorReports) {
		of[r.Vendor] = append(of[r.Vendor], *r)
	}
	for _, v := range sorted(s.Vendors) {
		if v.Status == "ended" {
			continue
		}
		for _, x := range Expected(of[v.ID]) {
			x.Name, x.Owner = v.Name, v.Owner
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b ExpectedReport) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Report, b.Report))
	})
	return out
}
