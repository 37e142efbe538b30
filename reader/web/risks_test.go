package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/program"
)

// aRisk is a form of a risk, as pairs; change replaces single fields.
func aRisk(change ...string) []string {
	form := []string{"title", "A key is lost " + evil, "owner", "lead@example.com", "category", "technology", "likelihood", "4", "impact", "5", "treatment", "mitigate", "plan", "**Two** keys " + evil,
		"level", "medium", "status", "open", "due", "2026-03-20", "controls", "IAM-02, IAM-06"}
	return changed(form, change)
}

func changed(form, change []string) []string {
next:
	for i := 0; i+1 < len(change); i += 2 {
		for n := 0; n < len(form); n += 2 {
			if form[n] == change[i] {
				form[n+1] = change[i+1]
				continue next
			}
		}
		form = append(form, change[i], change[i+1])
	}
	return form
}

func TestRisks(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	other := w.visit(s, "other", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "SDL-02"})
	eva := w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})

	page := lead.page("/risks")
	mustHold(t, page, "The register holds no risk yet.", "Examples, in no register yet", "/me/work")
	if n := strings.Count(page, ">example<"); n != len(program.Examples()) {
		t.Errorf("%d examples are marked as such, want %d", n, len(program.Examples()))
	}
	if strings.Contains(signer.page("/risks"), "Adopt") {
		t.Error("who cannot write the register is offered examples")
	}
	mustHold(t, lead.page("/risks/new?from=laptop-lost"), "A laptop with customer data is lost", "This began as an example.")
	if got := lead.get("/risks/new?from=nothing").Code; got != http.StatusNotFound {
		t.Errorf("an example there is not: %d", got)
	}
	for name, change := range map[string][]string{
		"there is no control": {"controls", "XXX-99"}, "nobody here is called": {"owner", "x@example.com"}, "Plan: say what": {"plan", ""},
		"is not written like": {"due", "soon"}, "a number from 1 to 5": {"impact", "grave"}, "Title is missing": {"title", " "}, "1 to 5, not 9": {"likelihood", "9"},
	} {
		got := lead.post("/risks/new", aRisk(append(change, "revision", "0")...)...)
		if got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Code)
		}
		inert(t, got.Body.String())
		mustHold(t, got.Body.String(), name)
	}
	if got := lead.post("/risks/new", aRisk("revision", "0")...); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/risks/R-1" {
		t.Fatalf("adding: %d\n%s", got.Code, got.Body)
	}
	page = lead.page("/risks")
	inert(t, page)
	mustHold(t, page, `href="/risks?impact=5&amp;likelihood=4"`, `aria-label="1 risk of likelihood 4 and impact 5"`, "Past its date", "1 waits for management")
	mustHold(t, lead.page("/risks?impact=5&likelihood=4"), "R-1")
	mustHold(t, lead.page("/risks?impact=1&likelihood=1"), "No risk is like that")
	page = lead.page("/risks/R-1")
	inert(t, page)
	mustHold(t, page, "<strong>Two</strong>", "assessed 1 Apr 2026 by Lead", `href="/controls/IAM-06"`, "Assessed: ", "The treatment was due on 20 Mar 2026.")
	if strings.Contains(page, "/accept") {
		t.Error("the lead is offered to accept for management")
	}
	mustHold(t, owner.page("/risks/R-1"), "A key is lost")
	for name, got := range map[string]int{
		"an employee reads": eva.get("/risks").Code, "the owner of another control reads": other.get("/risks/R-1").Code,
		"the signer writes": signer.post("/risks/new", aRisk()...).Code, "the lead accepts": lead.post("/risks/R-1/accept", "revision", "1").Code,
		"the owner of a control writes": owner.get("/risks/R-1/edit").Code,
	} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if strings.Contains(other.page("/risks"), "R-1") {
		t.Error("a list shows what its reader may not open")
	}
	if got := signer.post("/risks/R-1/accept", "revision", "0"); got.Code != http.StatusConflict {
		t.Errorf("accepting an older one: %d", got.Code)
	}
	if got := signer.post("/risks/R-1/accept", "revision", hiddenOf(t, signer.page("/risks/R-1"), "revision")); got.Code != http.StatusSeeOther {
		t.Fatalf("accepting: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, lead.page("/risks/R-1"), "1 Apr 2026 by Signer", "Accepted for management: mitigate")
	got := lead.post("/risks/R-1/edit", aRisk("revision", "1", "title", "My title "+evil)...)
	if got.Code != http.StatusConflict {
		t.Errorf("an older page: %d", got.Code)
	}
	mustHold(t, got.Body.String(), "My title", "has changed since you opened it")
	inert(t, got.Body.String())
	if got := lead.post("/risks/R-1/edit", aRisk("revision", hiddenOf(t, got.Body.String(), "revision"), "status", "closed")...); got.Code != http.StatusSeeOther {
		t.Errorf("sent again: %d\n%s", got.Code, got.Body)
	}
	if strings.Contains(lead.page("/risks"), `aria-label="1 risk of`) {
		t.Error("a closed risk is counted in the table")
	}
}

// aVendor is a form of a vendor, as pairs.
func aVendor(change ...string) []string {
	return changed([]string{"name", "Mailer " + evil, "service", "**Sends** mail " + evil, "tier", "high", "status", "active", "owner", "lead@example.com", "role", "processor", "started", "2025-02-01", "reviewed", "2025-03-01"}, change)
}

func TestVendors(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	eva := w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	mustHold(t, lead.page("/vendors"), "No vendor is in the register yet.", "Add a vendor")
	got := lead.post("/vendors/new", aVendor("revision", "0", "reviewed", "2027-01-01")...)
	if got.Code != http.StatusUnprocessableEntity {
		t.Errorf("reviewed in the future: %d", got.Code)
	}
	inert(t, got.Body.String())
	mustHold(t, got.Body.String(), "in the future", `value="2027-01-01"`, `<option value="processor" selected>`)
	if got := lead.post("/vendors/new", aVendor("revision", "0")...); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/vendors/V-1" {
		t.Fatalf("adding: %d\n%s", got.Code, got.Body)
	}
	for _, at := range []string{"/vendors", "/vendors/V-1"} {
		page := reader.page(at)
		inert(t, page)
		if strings.Contains(page, "/edit") || strings.Contains(page, "Add a vendor") {
			t.Errorf("%s: a reader is offered to write", at)
		}
	}
	mustHold(t, lead.page("/vendors"), "1 was not reviewed within the last year", "Not within a year")
	mustHold(t, lead.page("/vendors?status=ended"), "No vendor is like that")
	mustHold(t, lead.page("/vendors/V-1"), "<strong>Sends</strong>", "It was last reviewed on 1 Mar 2025, more than a year ago.", "Written: Mailer")
	for name, got := range map[string]int{"an employee reads": eva.get("/vendors").Code, "a reader writes": reader.post("/vendors/new", aVendor()...).Code, "a reader opens the form": reader.get("/vendors/V-1/edit").Code} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if got := lead.post("/vendors/V-1/edit", aVendor("revision", "1", "status", "ended", "ended", "2026-03-01")...); got.Code != http.StatusSeeOther {
		t.Errorf("ending it: %d\n%s", got.Code, got.Body)
	}
	if got := lead.post("/vendors/V-1/edit", aVendor("revision", "1", "name", "Other words")...); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "Other words") {
		t.Errorf("an older page: %d", got.Code)
	}
}

// What a register holds runs in no spreadsheet.
func TestRegisterCSV(t *testing.T) {
	w := newWorld(t)
	lead := w.serve()
	const formula = "=cmd|' /C calc'!A0"
	lead.post("/risks/new", aRisk("revision", "0", "title", formula, "plan", "@SUM(A1)")...)
	lead.post("/vendors/new", aVendor("revision", "0", "name", formula, "service", "+1")...)
	for _, at := range []string{"/risks?format=csv", "/vendors?format=csv"} {
		got := lead.get(at)
		if got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/csv") {
			t.Errorf("%s: %d, %v", at, got.Code, got.Header())
		}
		body := got.Body.String()
		if !strings.Contains(body, ",'"+formula) || strings.Contains(body, ",=") || strings.Contains(body, ",@") || strings.Contains(body, ",+") {
			t.Errorf("%s: a spreadsheet runs what somebody wrote:\n%s", at, body)
		}
	}
}

// Reading a list is bounded to a page, however long the register is.
func TestManyRisks(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	who := access.Subject{Workspace: access.Company, Kind: "person", Account: lead.account, Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
	for range 101 {
		if _, err := s.book.SetRisk(t.Context(), who, program.Risk{Title: "A risk", Owner: lead.account, Category: "other", Likelihood: 1, Impact: 1, Level: "low", Status: "open", Due: w.at.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	mustHold(t, lead.page("/risks"), "1 to 100 of 101", "101 risks are in the register", ">101</a>")
	mustHold(t, lead.page("/risks?from=100"), "R-101", "101 to 101 of 101")
}
