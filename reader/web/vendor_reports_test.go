package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tieout/access"
)

// vendorReportForm is a form of a supplier's report to the middle of March 2026.
func vendorReportForm() []string {
	return []string{"revision", "0", "type", "SOC 2 Type II", "issuer", "Other " + evil, "system", "Mail", "ours", "yes", "categories", "S", "first", "2026-01-01", "last", "2026-03-15", "dated", "2026-03-30",
		"opinion", "qualified", "modified", "Access of leavers.", "carvedOut", "Cloud " + evil, "exceptions", "AC-4 | Two of 25 kept access " + evil + " | CSOC-1 | Own reviews catch it",
		"duties", "U-1 | Users remove their leavers | IAM-02\nU-2 | Users choose a region | none: one is offered"}
}

// TestVendorReportOnScreen: a report is entered with its file, says what it does
// not cover, and its review concludes once everything is settled.
func TestVendorReportOnScreen(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	lead.post("/vendors/new", aVendor("revision", "0", "subservice", "yes")...)
	mustHold(t, lead.page("/vendors/V-1"), "None of the 31 days is covered by a report or letter.")

	for _, c := range []struct{ field, value, want string }{
		{"duties", "U-1 | Users remove | NO-99", "no control"}, {"exceptions", "Two of 25 kept access", "is not written as"}, {"opinion", "", "Opinion is one of"},
	} {
		got := lead.sendFile("/vendors/V-1/reports/new", "report.pdf", nil, changed(vendorReportForm(), []string{c.field, c.value})...)
		if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), c.want) || !strings.Contains(got.Body.String(), "Two of 25 kept access") {
			t.Errorf("%s of %q: status %d, want %q in\n%s", c.field, c.value, got.Code, c.want, got.Body)
		}
	}
	refusedLate := lead.sendFile("/vendors/V-1/reports/new", "late.pdf", []byte("%PDF-1.7 sealed already"), changed(vendorReportForm(), []string{"categories", "X"})...)
	sealed := regexp.MustCompile(`name="evidence"[^>]*value="(E-[0-9]+)"`).FindStringSubmatch(refusedLate.Body.String())
	if refusedLate.Code != http.StatusUnprocessableEntity || sealed == nil || !strings.Contains(lead.page("/evidence/"+sealed[1]), "late.pdf") {
		t.Errorf("what was sealed before the refusal is not in the form: status %d, %q", refusedLate.Code, sealed)
	}
	noDays := lead.sendFile("/vendors/V-1/reports/new", "report.pdf", []byte("%PDF-1.7 of no days"), changed(vendorReportForm(), []string{"last", "2025-01-01"})...)
	if noDays.Code != http.StatusUnprocessableEntity || strings.Contains(noDays.Body.String(), "E-0") {
		t.Errorf("a file that was not sealed: status %d\n%s", noDays.Code, noDays.Body)
	}
	got := lead.sendFile("/vendors/V-1/reports/new", "report.pdf", []byte("%PDF-1.7 of a supplier"), vendorReportForm()...)
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/vendors/V-1/reports/VR-1" {
		t.Fatalf("status %d to %s: %s", got.Code, got.Header().Get("Location"), got.Body)
	}
	if got := lead.sendFile("/vendors/V-1/reports/MINE/edit", "report.pdf", nil, vendorReportForm()...); got.Code != http.StatusNotFound {
		t.Errorf("a report under a number somebody chose: status %d", got.Code)
	}
	mustHold(t, lead.page("/vendors/V-1"), "0 of 31 days examined; 15 in statements whose review is not concluded; 16 covered by nothing.")
	page := lead.page("/vendors/V-1/reports/VR-1")
	mustHold(t, page, "Everything is taken out of it; the review has no conclusion yet.", "Its opinion is modified: qualified.", "Controls of one organization behind it are carved out.", "IAM-02", "None needed: one is offered", "Own reviews catch it")
	if strings.Contains(page, evil) {
		t.Error("markup of a supplier's report is live")
	}
	if got := lead.post("/vendors/V-1/reports/VR-1/conclude", "revision", "1", "conclusion", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a conclusion of no words: status %d", got.Code)
	}
	if got := lead.post("/vendors/V-1/reports/VR-1/conclude", "revision", "1", "conclusion", "Enough until the next."); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	mustHold(t, lead.page("/vendors/V-1"), "15 of 31 days examined; 16 covered by nothing.", "A letter of the supplier’s management can speak of the last 16 days.", "16 Mar 2026 to 31 Mar 2026", "Reviewed its SOC 2 Type II to 2026-03-15: VR-1")
	mustHold(t, lead.page("/vendors"), "15 of 31 days examined")
	lead.post("/vendors/new", aVendor("revision", "0")...)
	if got := lead.get("/vendors/V-2/reports/VR-1").Code; got != http.StatusNotFound {
		t.Errorf("a report under another vendor: status %d", got)
	}
}
