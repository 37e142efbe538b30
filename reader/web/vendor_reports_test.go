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
	return []string{"revision", "0", "type", "SOC 2 Type II", "issuer", "Other " + evil, "system", "Mail", "ours", "yes", "categories", "S", "first", "2026-01-01", "last", "2026-03-15", "dated", "2026-03-30", "received", "2026-03-31", "next", "2026-03-20",
		"samples", "25 of 100", "by-inquiry", "yes", "by-inspection", "yes", "inquiry", "AC-9", "firm", "Licensed, pass in its peer review.", "terms", "Not to be passed on " + evil, "acceptedBy", "Lea", "acceptedOn", "2026-03-31", "marked", "Acme " + evil,
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
	mustHold(t, page, "Everything is taken out of it; the review has no conclusion yet.", "Its opinion is modified: qualified.", "Controls of one organization behind it are carved out.", "IAM-02", "None needed: one is offered", "Own reviews catch it",
		"Ended 15 Mar 2026, dated 30 Mar (15 days later), less than a month old at receipt, less than a month today.", "Tested by inquiry alone, which is people&#39;s word: AC-9.", "Inquiry, inspection", "Accepted by Lea on 31 Mar 2026.", "It was given under terms.")
	mustHold(t, lead.page("/vendors"), "Next report expected", "20 Mar 2026", "Overdue", "SOC 2 Type II: ended 15 Mar 2026, dated 30 Mar")
	mustHold(t, lead.page("/vendors?status=overdue"), "V-1")
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

// TestVendorExceptionOnScreen: a SOC 3 counts once a signer of management, who had no
// hand in it, has accepted the exception that the lead asked for.
func TestVendorExceptionOnScreen(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	lead.post("/vendors/new", aVendor("revision", "0")...)
	form := changed(vendorReportForm(), []string{"type", "SOC 3", "exceptions", "", "duties", "", "next", ""})
	if got := lead.sendFile("/vendors/V-1/reports/new", "report.pdf", []byte("%PDF-1.7 short"), form...); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	at := "/vendors/V-1/reports/VR-1"
	mustHold(t, lead.page(at), "Why it may stand in for one")
	if got := lead.post(at+"/conclude", "revision", "1", "conclusion", "Read.", "why", "The SOC 2 comes in May."); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "The SOC 2 comes in May.") {
		t.Errorf("an exception without an end: status %d\n%s", got.Code, got.Body)
	}
	if got := lead.post(at+"/conclude", "revision", "1", "conclusion", "Read.", "why", "The SOC 2 comes in May "+evil, "until", "2026-06-30"); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	mustHold(t, lead.page(at), "Its review does not count yet: management has not accepted the exception, which is asked for until 30 Jun 2026.")
	mustHold(t, lead.page("/vendors/V-1"), "Once management accepts it", "It was last reviewed on 1 Mar 2025")
	if got := lead.post(at+"/accept", "revision", "2"); got.Code != http.StatusForbidden {
		t.Errorf("the lead accepts: status %d", got.Code)
	}
	page := signer.page(at)
	mustHold(t, page, "Accept by exception")
	inert(t, page)
	if got := signer.post(at+"/accept", "revision", "2"); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	mustHold(t, lead.page(at), "Management accepted it by exception on", "until 30 Jun 2026.")
	if page := lead.page("/vendors/V-1"); !strings.Contains(page, "By exception until 30 Jun 2026") || strings.Contains(page, "It was last reviewed on 1 Mar 2025") {
		t.Errorf("the vendor does not count as reviewed:\n%s", page)
	}
}

// TestVendorChainOnScreen: the list says who stands behind whom, as a picture and as
// a table, and matches no name by itself.
func TestVendorChainOnScreen(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	lead.post("/vendors/new", aVendor("revision", "0", "subservice", "yes")...)
	lead.post("/vendors/new", aVendor("revision", "0", "name", "Host", "subservice", "yes", "kind", "data center or colocation", "associate", "yes", "agreement", "2026-02-02")...)
	form := changed(vendorReportForm(), []string{"carvedOut", "Host Ltd | V-2\nOther " + evil})
	if got := lead.sendFile("/vendors/V-1/reports/new", "report.pdf", []byte("%PDF-1.7 long"), form...); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	page := lead.page("/vendors")
	mustHold(t, page, "Who stands behind whom", `<svg class="bd"`, "Fourth party", "their newest reports name 2 behind them, 1 of them not in the register.", "By nobody here", "carved out")
	inert(t, page)
	if strings.Contains(lead.page("/vendors?tier=high"), "Who stands behind whom") {
		t.Error("the chain stands beside a part of the list")
	}
	mustHold(t, lead.page("/vendors/V-2"), "data center or colocation", "Yes, agreement of 2 Feb 2026", "Processor: it processes them for you")
	lead.post("/incidents/new", "detail", "A list went astray", "noticed", "2026-03-27T10:00")
	mustHold(t, lead.page("/incidents/INC-1/write/clock"), "Business associates in use", "Host, agreement of 2 Feb 2026")
	if got := lead.sendFile("/vendors/V-1/reports/VR-1/edit", "report.pdf", nil, changed(form, []string{"revision", "1", "carvedOut", "Host Ltd | V-9"})...); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("an organization said to be a vendor there is none of: status %d", got.Code)
	}
}

// TestAssumedOnScreen: what is commonly assumed of a vendor's kind is offered beside
// the system file that says nothing of it, and a data center nobody named is a gap.
func TestAssumedOnScreen(t *testing.T) {
	w := described(t)
	lead := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	if strings.Contains(lead.page("/system"), "Relied on, and not written down") {
		t.Error("something is offered of no vendor")
	}
	lead.post("/vendors/new", aVendor("revision", "0", "name", "Colo "+evil, "kind", "data center or colocation")...)
	page := lead.page("/system")
	mustHold(t, page, "Relied on, and not written down", "watches its entrances", "vendor: V-1", "CSOC-01")
	inert(t, page)
	mustHold(t, lead.page("/readiness"), "is a data center in use, and no subservice entry names CC6.4")
}
