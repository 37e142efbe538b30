package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/store"
)

// anIssue is a form of an issue, as pairs.
func anIssue(change ...string) []string {
	return changed([]string{"title", "Leavers kept access " + evil, "detail", "**Two** of them " + evil, "severity", "high", "owner", "eva@example.com", "due", "2026-04-20", "remedy", "changed control",
		"controls", "IAM-02", "criteria", "CC6.2"}, change)
}

// sealedPage is a page of a source, as evidence.
func (w *world) sealedPage() (ref string) {
	w.t.Helper()
	p := w.open("", false)
	defer w.close(p)
	err := p.Store.Records(w.t.Context(), store.RecordFilter{Kind: audit.RecordPage}, func(rec audit.Record) error {
		ref = rec.Ref()
		return nil
	})
	if err != nil || ref == "" {
		w.t.Fatalf("no page is sealed: %v", err)
	}
	return ref
}

func TestIssues(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	eva := w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	bob := w.visit(s, "bob", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	mustHold(t, lead.page("/issues"), "No issue is in the register.", "Open an issue")
	for name, change := range map[string][]string{
		"there is no control": {"controls", "XXX-99"}, "nobody here is called": {"owner", "x@example.com"}, "Title is missing": {"title", " "}, "no criterion": {"criteria", "XX9.9"},
		"here is no deviation": {"deviation", "D-9999"}, "here is no incident": {"incident", "INC-77"}, "here is no exception": {"exception", "EN-9/X-1"}, "here is no vendor report": {"report", "VR-7"},
		"a date that is to come": {"due", "2026-03-01"},
	} {
		got := lead.post("/issues/new", anIssue(append(change, "revision", "0")...)...)
		if got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Code)
		}
		inert(t, got.Body.String())
		mustHold(t, got.Body.String(), name)
	}
	if got := lead.post("/issues/new", anIssue("revision", "0")...); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/issues/I-1" {
		t.Fatalf("opening: %d\n%s", got.Code, got.Body)
	}
	page := lead.page("/issues/I-1")
	inert(t, page)
	mustHold(t, page, "<strong>Two</strong>", "High severity, with Eva", "due 20 Apr 2026.", `href="/controls/IAM-02"`, "CC6.2")
	mustHold(t, lead.page("/issues"), "I-1", "No test reads this register")
	mustHold(t, eva.page("/me/work"), "/issues/I-1", "due 20 Apr 2026", "1 issue waits for you.")
	if strings.Contains(bob.page("/issues"), "I-1") {
		t.Error("a list shows what its reader may not open")
	}
	for name, got := range map[string]int{
		"another employee reads": bob.get("/issues/I-1").Code, "an employee opens one": eva.post("/issues/new", anIssue()...).Code,
		"the lead mends what is Eva's": lead.post("/issues/I-1/mend", "revision", "1", "words", "x", "evidence", "E-3").Code,
		"the owner closes":             eva.post("/issues/I-1/close", "revision", "1", "looked", "x").Code,
	} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if got := eva.post("/issues/I-1/mend", "revision", "1", "words", "My words", "evidence", "E-99999"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("evidence that is not there: %d", got.Code)
	} else {
		mustHold(t, got.Body.String(), "My words")
	}
	if got := eva.post("/issues/I-1/mend", "revision", "1", "words", "Removed both.", "evidence", w.sealedPage()); got.Code != http.StatusSeeOther {
		t.Fatalf("mending: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, signer.page("/me/work"), "Look at it and close it: I-1")
	if got := signer.post("/issues/I-1/close", "revision", "2", "looked", "The list shows neither."); got.Code != http.StatusSeeOther {
		t.Fatalf("closing: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, lead.page("/issues/I-1"), "Closed on 1 Apr 2026 by Signer", "The list shows neither.", "Open it again")
	if got := lead.get("/issues?format=csv"); !strings.Contains(got.Body.String(), "I-1,") {
		t.Errorf("as CSV: %s", got.Body)
	}
}

// TestIssueDates: a date moves with a reason; one that had passed is shown.
func TestIssueDates(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	lead.post("/issues/new", anIssue("revision", "0", "controls", "", "criteria", "")...)
	if got := lead.post("/issues/I-1/move", "revision", "1", "due", "2026-05-01", "why", " "); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", got.Code)
	}
	w.at = w.at.AddDate(0, 0, 25)
	lead = w.visit(s, "lead2", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	mustHold(t, lead.page("/issues/I-1"), "was due 20 Apr 2026", "past its date")
	if got := lead.post("/issues/I-1/move", "revision", "1", "due", "2026-05-01", "why", "Forgotten"); got.Code != http.StatusSeeOther {
		t.Fatalf("moving: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, lead.page("/issues/I-1"), "due 1 May 2026", "It had passed 20 Apr 2026 before that date was set.", "Due date moved: Forgotten")
}

// TestIssueOnAThing: a finding, an incident and a gap offer to open one, which
// begins with what they say, and then show it.
func TestIssueOnAThing(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	lead.post("/incidents/new", "detail", "A list went astray", "noticed", "2026-03-27T10:00")
	var finding string
	for _, l := range linksOf(lead.page("/")) {
		if ref, ok := strings.CutPrefix(l, "/deviations/"); ok && finding == "" {
			finding, _, _ = strings.Cut(ref, "?")
		}
	}
	mustHold(t, lead.page("/deviations/"+finding), `href="/issues/new?deviation=`+finding)
	mustHold(t, lead.page("/issues/new?deviation="+finding), `value="`+finding+`"`, `id="controls" name="controls" maxlength="2000" value="IAM-`)
	mustHold(t, lead.page("/incidents/INC-1"), `href="/issues/new?incident=INC-1"`)
	mustHold(t, lead.page("/issues/new?incident=INC-1"), "A list went astray")
	page := lead.page("/readiness")
	_, rest, ok := strings.Cut(page, `href="/issues/new?gap=`)
	if !ok {
		t.Fatal("no gap offers to open an issue")
	}
	escaped, _, _ := strings.Cut(rest, `"`)
	key, err := url.QueryUnescape(strings.ReplaceAll(escaped, "&#43;", "+"))
	if err != nil {
		t.Fatal(err)
	}
	if got := lead.post("/issues/new", anIssue("revision", "0", "title", "Mend it", "deviation", finding, "incident", "INC-1", "gap", key)...); got.Code != http.StatusSeeOther {
		t.Fatalf("opening: %d\n%s", got.Code, got.Body)
	}
	for _, at := range []string{"/deviations/" + finding, "/incidents/INC-1", "/readiness"} {
		mustHold(t, lead.page(at), `href="/issues/I-1"`, "due 20 Apr 2026")
	}
	if strings.Contains(lead.page("/readiness?criterion=CC1.1"), "Gaps of this kind") {
		t.Error("filtered by criterion, it says of this kind")
	}
}

// TestReadinessByCriterion: the filter shows the gaps that stand in the way of one
// criterion and no other.
func TestReadinessByCriterion(t *testing.T) {
	w := newWorld(t).tested()
	lead := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := lead.page("/readiness?criterion=CC6.2")
	mustHold(t, page, "Gaps before CC6.2")
	if strings.Contains(page, "has no control<") {
		t.Error("a gap of another criterion is shown")
	}
}
