package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tieout/access"
	"tieout/report"
)

var controlLink = regexp.MustCompile(`/controls/([A-Z]+-[0-9]+)`)

// TestOwnControlsOnly: the owner of one control sees it, its findings and its
// evidence, on no screen another control, and no record of what people did.
func TestOwnControlsOnly(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	other := w.visit(s, "other", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "GOV-01"})
	seen := map[string]int{}
	for _, v := range []*visitor{owner, other} {
		for _, path := range []string{"/", "/controls", "/deviations", "/gaps", "/populations", "/connectors", "/evidence", "/search?q=a"} {
			body := v.page(path)
			for _, m := range controlLink.FindAllStringSubmatch(body, -1) {
				if v == owner {
					seen[m[1]]++
				} else if m[1] != "GOV-01" {
					t.Errorf("%s shows %s to the owner of GOV-01", path, m[1])
				}
			}
			if strings.Contains(body, "session.began") || strings.Contains(body, "account.invited") {
				t.Errorf("%s shows what people did", path)
			}
			if v == other && strings.Contains(body, "ben &lt;") {
				t.Errorf("%s shows an account's name to the owner of GOV-01", path)
			}
		}
	}
	if seen["IAM-02"] == 0 {
		t.Error("the owner of IAM-02 sees it nowhere")
	}
	for id := range seen {
		if id != "IAM-02" && !strings.Contains(owner.page("/deviations"), id) { // a finding names every control it touches
			t.Errorf("%s is shown to the owner of IAM-02", id)
		}
	}
	if got := other.get("/controls/IAM-02"); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "eaver") {
		t.Errorf("IAM-02 to the owner of GOV-01: %d\n%s", got.Code, got.Body)
	}
	if a, b := owner.page("/"), other.page("/"); said.FindString(a) == said.FindString(b) {
		t.Errorf("both read the same sentence: %s", said.FindString(a))
	}
}

// TestGuest: an auditor's guest reads the period the engagement covers, and
// finds nothing to press.
func TestGuest(t *testing.T) {
	w := newWorld(t).tested()
	v := w.visit(w.server(), "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-03"})
	post := regexp.MustCompile(`<form[^>]*action="([^"]*)"[^>]*method="post"`)
	for _, path := range []string{"/", "/controls", "/controls/IAM-02", "/deviations", "/evidence", "/log", "/access"} {
		for _, m := range post.FindAllStringSubmatch(v.page(path), -1) {
			if m[1] != "/sign-out" {
				t.Errorf("%s: a form to %s", path, m[1])
			}
		}
	}
}

// TestWhoseWords: an auditor's guest reads in an outsider's words.
func TestWhoseWords(t *testing.T) {
	for role, want := range map[access.RoleID]report.Reader{access.AuditorsGuest: report.Outsider, access.ComplianceLead: report.Management, access.Reader: report.Management} {
		if got := readerOf(access.Subject{Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}); got != want {
			t.Errorf("%s reads as %d, want %d", role, got, want)
		}
	}
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	guest := w.visit(s, "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-03"})
	if lead.page("/controls/IAM-02") == "" || strings.Contains(guest.page("/")+guest.page("/controls"), "On track") {
		t.Error("an outsider reads that something is on track")
	}
}

// TestEmployeeHome: who reads no period begins with what is theirs.
func TestEmployeeHome(t *testing.T) {
	w := newWorld(t)
	v := w.visit(w.server(), "emil", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	if got := v.get("/"); got.Code != http.StatusSeeOther || got.Header().Get("Location") != ownStart {
		t.Errorf("/: %d to %q", got.Code, got.Header().Get("Location"))
	}
	if body := v.page(ownStart); strings.Contains(body, `href="/controls"`) || strings.Contains(body, `href="/log"`) {
		t.Errorf("an employee is led to what is not theirs:\n%s", body)
	}
}

// TestSourceOfOthers: a source of files is reached by who owns a control that is
// tested with what its own streams give, not with what any file could hold.
func TestSourceOfOthers(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	other := w.visit(s, "other", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "HR-02"})
	refs := regexp.MustCompile(`/evidence/E-[0-9]+`).FindAllString(lead.page("/evidence?source=okta&kind=page"), -1)
	if len(refs) == 0 {
		t.Fatal("no page of okta is listed")
	}
	for _, path := range []string{refs[0], refs[0] + "/raw"} {
		if got := owner.get(path).Code; got != http.StatusOK {
			t.Errorf("%s to the owner of a control tested with it: %d", path, got)
		}
		if got := other.get(path).Code; got != http.StatusForbidden {
			t.Errorf("%s to the owner of a control not tested with it: %d", path, got)
		}
	}
	if strings.Contains(other.page("/evidence?source=okta"), refs[0]) {
		t.Error("the list names a record of accounts to the owner of HR-02")
	}
}
