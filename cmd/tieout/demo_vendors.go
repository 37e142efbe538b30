package main

import (
	"context"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/demo"
	"tieout/period"
	"tieout/program"
)

// demoVendors enters two subservice organizations with their reports: one whose
// reports and letter reach over the year, and one whose report ends in March and
// was found wanting.
func demoVendors(ctx context.Context, p *period.Program, book *program.Book, lead *signIn) error {
	for _, x := range []struct {
		v       program.Vendor
		reports []program.VendorReport
		end     string // conclusion of the reports' reviews; "": they are open
	}{
		{program.Vendor{Name: "Cumulo Hosting", Service: "Cloud hosting", Tier: "critical", Kind: "cloud"}, []program.VendorReport{
			{Type: program.ReportSOC2Type2, Issuer: "Ferrule & Dace LLP", System: "Cumulo Compute", Ours: "yes", First: "2024-10-01", Last: "2025-09-30", Dated: "2025-11-14", Categories: []string{"S", "A"}, Opinion: "unqualified",
				Received: "2025-12-01", Assessor: "CPA firm", Physical: true, Samples: "25 of 240 leavers, 25 of 1,310 changes, 4 of 4 access reviews", Procedures: []string{"inquiry", "observation", "inspection"},
				Inquiry: "none", Firm: "Licensed in the state of its office, pass in its last peer review; looked up on 1 December 2025",
				Duties: []program.VendorDuty{{Ref: "U-1", Text: "Users remove the accounts of their leavers.", Controls: []string{"IAM-02"}}, {Ref: "U-2", Text: "Users choose the region of their data.", Needless: "Halyard runs in one region, which its contract names"}},
				Next:   "2026-11-15"},
			{Type: program.ReportLetter, Issuer: "Cumulo Hosting", System: "Cumulo Compute", Ours: "yes", First: "2025-10-01", Last: "2025-12-31", Dated: "2026-01-09", Received: "2026-01-12", Assessor: "management"},
		}, "It speaks of the service in use, found nothing that touches it, and its letter speaks of the last quarter of 2025."},
		{program.Vendor{Name: "Signet Identity", Service: "Identity provider", Tier: "critical", Kind: "software"}, []program.VendorReport{
			{Type: program.ReportSOC2Type2, Issuer: "Ferrule & Dace LLP", System: "Signet Sign-in", Ours: "yes", First: "2024-04-01", Last: "2025-03-31", Dated: "2025-05-20", Categories: []string{"S"}, Opinion: "qualified",
				Modified: "Changes to the factor service were not approved for five of the twelve months.", CarvedOut: []string{"Cumulo Hosting"}, Behind: []program.VendorBehind{{Name: "Cumulo Hosting", Vendor: "V-1"}},
				Received: "2025-09-02", Assessor: "CPA firm", Samples: "25 of 612 changes, 25 of 96 leavers", Procedures: []string{"inquiry", "inspection"}, Inquiry: "AC-9",
				Firm:       "Licensed in the state of its office, pass in its last peer review; looked up on 2 September 2025",
				Exceptions: []program.VendorException{{Control: "CM-3", Text: "For 9 of 25 changes to the factor service no approval was found.", Assumed: "CSOC-02"}},
				Duties:     []program.VendorDuty{{Ref: "1", Text: "Users review who administers their tenant."}}, Next: "2026-05-20"},
		}, ""},
	} {
		if err := demoVendor(ctx, p, book, lead, x.v, x.reports, x.end); err != nil {
			return fmt.Errorf("vendor %s: %w", x.v.Name, err)
		}
	}
	return nil
}

func demoVendor(ctx context.Context, p *period.Program, book *program.Book, lead *signIn, v program.Vendor, reports []program.VendorReport, conclusion string) error {
	v.Status, v.Owner, v.Subservice, v.Terms = "active", lead.id, true, true
	v.Started, v.Approved = time.Date(2023, 5, 2, 16, 0, 0, 0, time.UTC), time.Date(2023, 4, 24, 16, 0, 0, 0, time.UTC)
	v, err := book.SetVendor(ctx, lead.by, v)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(demo.Zone)
	if err != nil {
		return err
	}
	for _, r := range reports {
		file, err := demoReportFile(r)
		if err != nil {
			return err
		}
		rec, err := p.SealDocument(ctx, audit.Actor{Kind: audit.ActorPerson, Name: lead.id}, file)
		if err != nil {
			return err
		}
		r.Vendor, r.Evidence = v.ID, rec.Ref()
		if r, err = book.SetVendorReport(ctx, lead.by, r); err != nil {
			return err
		}
		if conclusion != "" {
			if err := book.ConcludeVendorReport(ctx, lead.by, r.ID, program.VendorConclusion{Conclusion: conclusion}, r.Revision, zone); err != nil {
				return err
			}
		}
	}
	return nil
}

// demoReportFile is the file of an invented report, as evidence of its days.
func demoReportFile(r program.VendorReport) (period.Document, error) {
	words := fmt.Sprintf("An invented report.\n%s of %s, %s to %s, by %s.\n", r.Type, r.System, r.First, r.Last, r.Issuer)
	span, err := audit.NewPeriod(r.First, r.Last, demo.Zone)
	return period.Document{Title: string(r.Type) + " of " + r.System, File: "report.txt", Body: []byte(words), About: span.Span}, err
}
