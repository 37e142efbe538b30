package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
)

func TestAnswers(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	eva := w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	form := []string{"revision", "0", "question", "Do you use a second factor? " + evil, "text", "**Everywhere** " + evil, "controls", "IAM-06"}
	for name, change := range map[string][]string{"there is no control": {"controls", "XXX-99"}, "Question is missing": {"question", " "}, "no report of an examination": {"report", "EN-9"}} {
		got := lead.post("/answers/new", changed(append([]string(nil), form...), change)...)
		if got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Code)
		}
		inert(t, got.Body.String())
		mustHold(t, got.Body.String(), name)
	}
	if got := lead.post("/answers/new", form...); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/answers/A-1" {
		t.Fatalf("writing: %d\n%s", got.Code, got.Body)
	}
	page := lead.page("/answers/A-1")
	inert(t, page)
	mustHold(t, page, "<strong>Everywhere</strong>", "A draft: nobody has approved it as it is.", `href="/controls/IAM-06"`)
	for name, got := range map[string]int{"an employee reads": eva.get("/answers").Code, "a reader writes": reader.get("/answers/new").Code,
		"who wrote it approves": lead.post("/answers/A-1/approve", "revision", "1").Code, "the signer retires": signer.post("/answers/A-1/retire", "revision", "1", "why", "x").Code} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if got := signer.post("/answers/A-1/approve", "revision", "1"); got.Code != http.StatusSeeOther {
		t.Fatalf("approving: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, reader.page("/answers"), "1 to be given as they stand")
	mustHold(t, lead.page("/answers?q=factor"), "A-1")
	mustHold(t, lead.page("/answers?state=stale"), "No answer is like that")
	if got := lead.get("/answers?format=csv"); !strings.Contains(got.Body.String(), "A-1,") {
		t.Errorf("as CSV: %s", got.Body)
	}
	w.at = w.at.Add(366 * 24 * time.Hour)
	lead = w.visit(s, "lead2", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	mustHold(t, lead.page("/answers"), "Look again", "nobody has reviewed it for a year")
}

// TestReadinessFile: who reads all of it gets a page to keep and the burn-up; who
// reads a part gets neither.
func TestReadinessFile(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	admin := w.visit(s, "root", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace})
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	mustHold(t, lead.page("/readiness"), `href="/readiness/progress"`)
	got := lead.get("/readiness/progress")
	if got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Content-Disposition"), `filename="readiness-2026-04-01.html"`) {
		t.Fatalf("the page: %d %v", got.Code, got.Header())
	}
	mustHold(t, got.Body.String(), "nobody examined it", "its root was")
	if strings.Contains(got.Body.String(), "has no control") || strings.Contains(got.Body.String(), "<script") {
		t.Errorf("the page tells what a gap says: %s", got.Body)
	}
	if got := lead.get("/readiness/progress?format=csv"); !strings.HasPrefix(got.Body.String(), "at,found,closed,open,change of scope") {
		t.Errorf("the burn-up: %s", got.Body)
	}
	for name, v := range map[string]*visitor{"who reads no findings": admin, "who reads one control": owner} {
		if got := v.get("/readiness/progress").Code; got != http.StatusForbidden {
			t.Errorf("%s: %d", name, got)
		}
		if strings.Contains(v.page("/readiness"), "/readiness/progress") {
			t.Errorf("%s is offered the file", name)
		}
	}
}

// TestSystemSize: what nothing tells is not known, and never a zero.
func TestSystemSize(t *testing.T) {
	w := newWorld(t).tested()
	lead := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	mustHold(t, lead.page("/examinations"), `href="/system/size"`)
	page := lead.page("/system/size")
	inert(t, page)
	mustHold(t, page, "Not known", "no source gives it", "People", "Security", "access.leavers.accounts")
	if got := lead.get("/system/size?format=json"); !strings.Contains(got.Body.String(), `"n": null`) || !strings.Contains(got.Body.String(), "tieout.system-size/1") {
		t.Errorf("as JSON: %s", got.Body)
	}
}
