package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/program"
)

func TestReportAnIncident(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	eva := w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})

	mustHold(t, lead.page("/incidents"), "No incident is recorded.", "Report an incident")
	mustHold(t, eva.page("/incidents"), "You have reported no incident.")
	page := eva.page("/incidents/new")
	if got := strings.Count(page, `<div class="field">`); got != 2 {
		t.Errorf("the form has %d fields, want 2", got)
	}
	got := eva.post("/incidents/new", "detail", "Mail gone astray "+evil, "noticed", "2027-01-01T10:00")
	if got.Code != http.StatusUnprocessableEntity {
		t.Errorf("noticed in the future: %d", got.Code)
	}
	mustHold(t, got.Body.String(), "Mail gone astray", "in the future", "2027-01-01T10:00")
	inert(t, got.Body.String())
	got = eva.post("/incidents/new", "detail", "Mail gone astray "+evil+"\n[x](javascript:alert(1))", "noticed", "2026-03-31T10:00")
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/incidents/INC-1" {
		t.Fatalf("reporting: %d to %s\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	page = eva.page("/incidents/INC-1")
	inert(t, page)
	mustHold(t, page, "An incident nobody has judged yet", "31 Mar 2026 10:00 UTC", "Nobody has taken it on yet")
	if strings.Contains(page, "/write/") {
		t.Error("who reported it is offered to run it")
	}
	if got := owner.post("/incidents/new", "detail", "A control did not hold", "noticed", "2026-03-31T11:00"); got.Code != http.StatusSeeOther {
		t.Errorf("a control's owner reports: %d", got.Code)
	}
	for _, c := range []struct {
		name string
		got  int
	}{
		{"a reader reads", reader.get("/incidents/INC-1").Code},
		{"a reader reports", reader.post("/incidents/new", "detail", "x").Code},
		{"an employee reads another's", eva.get("/incidents/INC-2").Code},
		{"an employee runs one", eva.post("/incidents/INC-1/write/cause", "cause", "x").Code},
		{"the lead decides for management", lead.post("/incidents/INC-1/disclose", "disclose", "disclose", "why", "x").Code},
	} {
		if c.got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", c.name, c.got)
		}
	}
	if strings.Contains(eva.page("/incidents"), "INC-2") {
		t.Error("an employee's list holds what somebody else reported")
	}
	mustHold(t, lead.page("/incidents"), "INC-1", "INC-2", "2 wait for somebody to say how severe they are")
}

func TestRunAnIncident(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	if got := lead.post("/incidents/new", "detail", "A list went astray", "noticed", "2026-03-27T10:00"); got.Code != http.StatusSeeOther {
		t.Fatalf("reporting: %d", got.Code)
	}
	const at = "/incidents/INC-1"
	write := func(v *visitor, path string, want int, pairs ...string) string {
		t.Helper()
		seen := hiddenOf(t, v.page(path), "revision")
		to, _, _ := strings.Cut(path, "?")
		got := v.post(to, append([]string{"revision", seen}, pairs...)...)
		if got.Code != want {
			t.Fatalf("%s: %d, want %d\n%s", path, got.Code, want, got.Body)
		}
		return got.Body.String()
	}
	const done, refused = http.StatusSeeOther, http.StatusUnprocessableEntity
	page := write(lead, at+"/write/describe", refused, "title", "T "+evil, "severity", "sev2", "kind", "privacy", "personal", "yes", "subjects", "forty", "lead", "nobody@example.com")
	inert(t, page)
	mustHold(t, page, "nobody here is called", `value="forty"`)
	write(lead, at+"/write/describe", refused, "title", "T", "controls", "XXX-99")
	write(lead, at+"/write/describe", done, "title", "T "+evil, "severity", "sev2", "kind", "privacy", "personal", "yes", "subjects", "40", "lead", "lead@example.com",
		"systems", evil, "controls", "IAM-02", "promises", "C1", "criteria", "CC6.1")
	write(lead, at+"/write/step", refused, "step", "contained", "took", "2026-03-27T09:00")
	write(lead, at+"/write/step", refused, "step", "note", "text", "x", "took", "2026-03-27T11:00", "evidence", "E-999999")
	write(lead, at+"/write/step", done, "step", "contained", "took", "2026-03-27T13:00", "text", "Deleted "+evil, "evidence", "E-1")
	mustHold(t, lead.page(at+"/write/clock"), "GDPR: decide", "Within 72 hours of becoming aware")
	page = write(lead, at+"/write/clock?rule=gdpr-authority", refused, "rule", "gdpr-authority", "applies", "yes", "began", "2026-03-27T10:00", "why", "")
	mustHold(t, page, "The reason is missing")
	write(lead, at+"/write/clock?rule=gdpr-authority", done, "rule", "gdpr-authority", "applies", "yes", "began", "2026-03-27T10:00", "why", "People in the EU "+evil)
	write(lead, at+"/write/clock?rule=own", done, "rule", "own", "law", "Contract "+evil, "source", "s9 "+evil, "tell", "Acme "+evil, "audience", "customers", "within", "2", "unit", "hours", "starts", "awareness",
		"applies", "yes", "began", "2026-03-31T23:00", "why", "It says so.")
	page = lead.page(at)
	inert(t, page)
	mustHold(t, page, "30 Mar 2026 10:00 UTC", "Missed", "2 deadlines to tell somebody were missed", "contained after 3 hours")
	write(lead, at+"/write/told?rule=gdpr-authority", done, "rule", "gdpr-authority", "to", "CNPD "+evil, "took", "2026-03-30T09:59", "text", "Their form "+evil)
	write(lead, at+"/write/told", done, "to", "All customers", "audience", "customers", "took", "2026-03-31T09:59", "text", "By mail")
	write(lead, at+"/write/assess", done, "recipient", "One customer "+evil, "happened", "2026-03-27T09:30", "assessed", "2026-03-28T09:30", "text", "Names "+evil, "decision", "not required")
	write(lead, at+"/write/settle", done, "why", "Nobody else "+evil)
	write(lead, at+"/write/cause", done, "cause", "**Two** names "+evil)
	write(lead, at+"/write/lessons", done, "lessons", "No more mail "+evil)
	write(signer, at+"/disclose", done, "disclose", "leave out", "why", "No commitment broken "+evil)
	page = lead.page(at)
	inert(t, page)
	mustHold(t, page, "Told in time", "they need not be told", "<strong>Two</strong>", "The description leaves it out", "Say when it was resolved")
	if got := lead.post(at+"/write/step", "revision", hiddenOf(t, lead.page(at+"/write/step"), "revision"), "step", "closed", "took", "2026-03-31T12:00"); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "cannot be closed yet") {
		t.Errorf("closing it with a deadline open: %d", got.Code)
	}
	write(signer, at+"/disclose", done, "disclose", "open", "why", "New facts")
	mustHold(t, signer.page(at), "to be decided anew")
}

// An older page is told so, and nothing of what was typed is lost.
func TestIncidentConflict(t *testing.T) {
	w := newWorld(t)
	lead := w.serve()
	lead.post("/incidents/new", "detail", "Something", "noticed", "2026-03-31T10:00")
	seen := hiddenOf(t, lead.page("/incidents/INC-1/write/cause"), "revision")
	if got := lead.post("/incidents/INC-1/write/cause", "revision", seen, "cause", "First"); got.Code != http.StatusSeeOther {
		t.Fatalf("the first: %d", got.Code)
	}
	got := lead.post("/incidents/INC-1/write/cause", "revision", seen, "cause", "Second words "+evil)
	if got.Code != http.StatusConflict {
		t.Fatalf("an older page: %d", got.Code)
	}
	mustHold(t, got.Body.String(), "Second words", "has changed since you opened it")
	inert(t, got.Body.String())
	if hiddenOf(t, got.Body.String(), "revision") == seen {
		t.Error("sent again it would be refused again")
	}
	for _, revision := range []string{"", "x", "-1"} {
		if got := lead.post("/incidents/INC-1/write/cause", "revision", revision, "cause", "x"); got.Code != http.StatusConflict {
			t.Errorf("revision %q: %d", revision, got.Code)
		}
	}
	if got := lead.get("/incidents/INC-1/write/nothing").Code; got != http.StatusNotFound {
		t.Errorf("a form there is not: %d", got)
	}
	if got := lead.get("/incidents/INC-1/write/disclose").Code; got != http.StatusNotFound {
		t.Errorf("management's decision at the lead's address: %d", got)
	}
}

func TestIncidentsCSV(t *testing.T) {
	w := newWorld(t)
	lead := w.serve()
	lead.post("/incidents/new", "detail", "=cmd|' /C calc'!A0", "noticed", "2026-03-31T10:00")
	got := lead.get("/incidents?format=csv")
	if got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/csv") || !strings.Contains(got.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("%d, %v", got.Code, got.Header())
	}
	if body := got.Body.String(); !strings.Contains(body, "'=cmd|") || strings.Contains(body, ",=cmd") {
		t.Errorf("a spreadsheet runs what somebody wrote:\n%s", body)
	}
}

func TestDisclosureSentences(t *testing.T) {
	by := func(*program.Ruling) string { return "Sam, 2 Mar 2026" }
	for _, c := range []struct {
		name string
		in   *program.Ruling
		want string
	}{
		{"nothing decided", nil, "Management has not decided whether the description of the system discloses it. It does where controls failed or a commitment was broken."},
		{"yes", &program.Ruling{Yes: true}, "The description discloses it (Sam, 2 Mar 2026)."},
		{"no", &program.Ruling{}, "The description leaves it out (Sam, 2 Mar 2026)."},
		{"opened again", &program.Ruling{Open: true}, "It is to be decided anew whether the description discloses it (Sam, 2 Mar 2026)."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayDisclosure(c.in, by); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestReadTime(t *testing.T) {
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, in, want string
		ok             bool
	}{
		{"summer", "2026-07-01T10:00", "2026-07-01T09:00:00Z", true},
		{"winter", "2026-01-01T10:00", "2026-01-01T10:00:00Z", true},
		{"empty", "", "0001-01-01T00:00:00Z", true},
		{"no minute", "2026-07-01", "", false},
		{"long ago", "1066-10-14T09:00", "", false},
		{"no time", "yesterday", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readTime(c.in, "when", lisbon, minuteForm)
			if (err == nil) != c.ok || err == nil && got.UTC().Format(time.RFC3339) != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}
