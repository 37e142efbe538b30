package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/program"
)

// scheduled is a workspace whose board meets every quarter, on 10 March 2026.
func scheduled(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.write("tieout.yaml", "organization: { name: Acme, system: Ledger, zone: UTC, categories: [S] }\nperiod: { name: \"2026\", first: 2026-01-01, last: 2026-12-31 }\n")
	w.write("controls/own.yaml", "controls:\n  - use: GOV-02\n    owner: CEO\n  - use: RSK-01\n    owner: CEO\n  - use: IAM-02\n")
	w.write("procedures/own.yaml", "use: starter\n")
	w.write("sources/program.yaml", "kind: program\n")
	w.at = time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
	p := w.open("", false)
	defer w.close(p)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

var workspaceWide = access.ScopeWorkspace

func grant(r access.RoleID) access.Grant {
	if r == access.Employee {
		return access.Grant{Role: r, Scope: access.ScopeOwn}
	}
	return access.Grant{Role: r, Scope: workspaceWide}
}

// send posts a form with a file.
func (v *visitor) sendFile(target, name string, data []byte, pairs ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := m.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	if data != nil {
		part, err := m.CreateFormFile("file", name)
		if err != nil {
			v.t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		v.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", target, &b)
	r.Host = host
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// wants checks an answer's code and where it leads to.
func wants(t *testing.T, got *httptest.ResponseRecorder, code int, parts ...string) {
	t.Helper()
	if got.Code != code {
		t.Fatalf("got %d, want %d\n%s", got.Code, code, got.Body)
	}
	for _, part := range parts {
		if !strings.Contains(got.Header().Get("Location")+"\n"+got.Body.String(), part) {
			t.Errorf("no %q in\n%s%s", part, got.Header().Get("Location"), got.Body)
		}
	}
}

const q1 = "/me/work/board.meeting@2026-Q1"

var eRef = regexp.MustCompile(`E-\d+`)

func TestTaskFromAssignedToSealed(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, eva, signer := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "eva", grant(access.Employee)), w.visit(s, "sam", grant(access.ManagementSigner))

	wants(t, eva.get("/me/work"), http.StatusOK, "Nothing to do, and nothing more comes in this period.")
	wants(t, eva.get(q1), http.StatusForbidden)
	wants(t, lead.get("/tasks?who=nobody"), http.StatusOK, "Board meeting, 2026-Q1", "Nobody")
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "nobody@example.com", "revision", "0"), http.StatusUnprocessableEntity, "nobody@example.com", "This was not kept")
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "Eva@example.com", "revision", "0", "why", "<script>alert(1)</script>"), http.StatusSeeOther, q1)

	wants(t, eva.get("/me/work"), http.StatusOK, "1 thing, 10 minutes, first due 31 Mar 2026.", `href="/me/work/board.meeting@2026-Q1"`)
	wants(t, eva.get(q1), http.StatusOK, "Done after 31 Mar 2026 it counts as late; missing 30 Apr 2026 is a deviation.", "Minutes were kept.", "It is not mine", "It did not happen")

	// What was typed is not lost where something is wrong with it, nor the file.
	got := eva.sendFile(q1+"/done", "minutes.txt", nil, "revision", "1", "day", "2026-03-09", "outcome", `Four "decisions" <b>`, "actions", "2")
	wants(t, got, http.StatusUnprocessableEntity, "without one it does not count", `value="Four &#34;decisions&#34; &lt;b&gt;"`, `value="2026-03-09"`)
	got = eva.sendFile(q1+"/done", "minutes.txt", []byte("minutes"), "revision", "1", "day", "2026-03-09", "outcome", "", "actions", "2")
	wants(t, got, http.StatusUnprocessableEntity, "Outcome is missing")
	ref := regexp.MustCompile(`name="documents" value="(E-\d+)"`).FindStringSubmatch(got.Body.String())
	if ref == nil {
		t.Fatalf("the file that was sealed is not named in the form\n%s", got.Body)
	}
	got = eva.sendFile(q1+"/done", "", nil, "revision", "1", "day", "2026-03-09", "outcome", "Four decisions "+evil, "actions", "2", "documents", ref[1])
	wants(t, got, http.StatusSeeOther, q1)
	after := eva.page(q1)
	if !strings.Contains(after, "the auditor sees it") || strings.Contains(after, evil) {
		t.Errorf("after it was recorded:\n%s", after)
	}
	wants(t, eva.get("/me/work"), http.StatusOK, "Nothing to do")
	wants(t, eva.sendFile(q1+"/done", "", nil, "revision", "1", "day", "2026-03-08", "outcome", "Six decisions", "documents", ref[1]), http.StatusConflict, "Six decisions")
	wants(t, eva.post(q1+"/approve", "revision", "2"), http.StatusForbidden)
	wants(t, signer.get(q1), http.StatusOK)

	history := lead.page(q1)
	for _, part := range []string{"Assigned to Eva", "Done: Four decisions", "/evidence/E-"} {
		if !strings.Contains(history, part) {
			t.Errorf("the history has no %q", part)
		}
	}
	if strings.Contains(history, "<script>alert") {
		t.Error("a reason is markup")
	}
}

func TestTaskApproved(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, both := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "sam", grant(access.ManagementSigner))
	const id = "/me/work/risk.assessment@2026"
	wants(t, lead.sendFile(id+"/done", "", nil, "revision", "0", "day", "2026-03-09", "outcome", "42 risks"), http.StatusSeeOther)
	wants(t, both.get("/me/work"), http.StatusOK, "1 thing", "Approve: Risk assessment, 2026")
	wants(t, both.get(id), http.StatusOK, "Approve for management", "management has not approved it")
	wants(t, both.post(id+"/approve", "revision", "1"), http.StatusSeeOther)
	wants(t, both.get("/me/work"), http.StatusOK, "Nothing to do")
}

func TestNotMineAndDidNot(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, eva := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "eva", grant(access.Employee))
	wants(t, lead.get("/tasks/duties"), http.StatusOK, "CEO", "nobody here yet")
	wants(t, lead.post("/tasks/duties", "name", "CEO", "account", "eva@example.com", "revision", "0"), http.StatusSeeOther)
	wants(t, lead.post("/tasks/duties", "name", "CEO", "account", "lead@example.com", "revision", "0"), http.StatusConflict, "lead@example.com")
	wants(t, eva.post(q1+"/not-mine", "revision", "0", "why", ""), http.StatusUnprocessableEntity, "Reason is too short")
	wants(t, eva.post(q1+"/not-mine", "revision", "0", "why", "The office keeps them.", "whose", "Office "+evil), http.StatusSeeOther, "/me/work")
	wants(t, eva.get(q1), http.StatusForbidden)
	wants(t, lead.get("/tasks?who=nobody"), http.StatusOK, "Board meeting, 2026-Q1")
	page := lead.page(q1)
	if !strings.Contains(page, "handed back as not theirs") || strings.Contains(page, evil) {
		t.Errorf("handed back:\n%s", page)
	}
	wants(t, lead.post(q1+"/did-not", "revision", "1", "why", "No quorum."), http.StatusSeeOther)
	wants(t, lead.get(q1), http.StatusOK, "It stays a deviation.")
}

func TestAway(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, eva, bob := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "eva", grant(access.Employee)), w.visit(s, "bob", grant(access.Employee))
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "eva@example.com", "revision", "0"), http.StatusSeeOther)
	wants(t, eva.post("/me/away", "to", "x@example.com", "from", "2026-03-10", "till", "2026-03-12"), http.StatusUnprocessableEntity, `value="x@example.com"`, `value="2026-03-12"`)
	wants(t, eva.post("/me/away", "to", "bob@example.com", "from", "2026-03-12", "till", "2026-03-10"), http.StatusUnprocessableEntity, "in this order")
	wants(t, eva.post("/me/away", "to", "bob@example.com", "from", "2026-03-10", "till", "2026-03-12"), http.StatusSeeOther)
	wants(t, bob.get("/me/work"), http.StatusOK, "1 thing")
	wants(t, eva.get("/me/work"), http.StatusOK, "Nothing to do", "Your tasks go to Bob", "10 to 12 Mar 2026")
	wants(t, bob.get(q1), http.StatusOK, "It took place")
	wants(t, eva.post("/me/away", "back", "yes"), http.StatusSeeOther)
	wants(t, bob.get("/me/work"), http.StatusOK, "Nothing to do")
}

func TestUpload(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, eva, rob := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "eva", grant(access.Employee)), w.visit(s, "rob", grant(access.Reader))
	days := []string{"from", "2026-03-01", "till", "2026-03-02", "title", "Pack " + evil}

	got := lead.sendFile("/evidence", `..\..\etc/pass`+"\u202e"+`wd<"x>.zip`, []byte("PK\x03\x04 an archive"), append(days, "controls", "GOV-02")...)
	wants(t, got, http.StatusSeeOther, "/evidence/E-")
	ref := eRef.FindString(got.Header().Get("Location"))
	page := lead.page("/evidence/" + ref)
	if !strings.Contains(page, "1 to 2 Mar 2026") || strings.Contains(page, evil) {
		t.Errorf("the record's page:\n%s", page)
	}
	file := lead.get("/evidence/" + ref + "/file?show=1")
	wants(t, file, http.StatusOK)
	if h := file.Header(); h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Content-Disposition") != "attachment; filename*=UTF-8''passwdx.zip" || file.Body.String() != "PK\x03\x04 an archive" {
		t.Errorf("handed over with %v", h)
	}

	tests := []struct {
		name  string
		v     *visitor
		file  []byte
		pairs []string
		code  int
		want  string
	}{
		{"a reader", rob, []byte("x"), days, http.StatusForbidden, ""},
		{"an employee, for no control", eva, []byte("x"), days, http.StatusSeeOther, "/evidence/new"},
		{"no file", lead, nil, days, http.StatusUnprocessableEntity, "Choose a file"},
		{"an empty file", lead, []byte{}, days, http.StatusUnprocessableEntity, "Choose a file"},
		{"no days", lead, []byte("x"), []string{"title", "Pack"}, http.StatusUnprocessableEntity, "of which days"},
		{"days turned round", lead, []byte("x"), []string{"title", "Pack", "from", "2026-03-02", "till", "2026-03-01"}, http.StatusUnprocessableEntity, "in this order"},
		{"the future", lead, []byte("x"), []string{"title", "Pack", "from", "2027-03-02"}, http.StatusUnprocessableEntity, "future"},
		{"no title", lead, []byte("x"), []string{"from", "2026-03-02"}, http.StatusUnprocessableEntity, "title"},
		{"another control", lead, []byte("x"), append(days, "controls", "NOPE-1"), http.StatusUnprocessableEntity, "NOPE-1"},
		{"too large", lead, make([]byte, maxUpload+1), days, http.StatusUnprocessableEntity, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var parts []string
			if tt.want != "" {
				parts = append(parts, tt.want)
			}
			wants(t, tt.v.sendFile("/evidence", "x.txt", tt.file, tt.pairs...), tt.code, parts...)
		})
	}
}

// What a document is is read from its bytes; only pictures and PDFs are shown,
// inside a sandbox, whatever their name says.
func TestFileShown(t *testing.T) {
	w := scheduled(t)
	v := w.visit(w.server(), "lead", grant(access.ComplianceLead))
	tests := []struct {
		name, file string
		data       []byte
		media      string
		inline     bool
	}{
		{"a PDF", "a.pdf", []byte("%PDF-1.7\n"), "application/pdf", true},
		{"a picture", "a.html", []byte("\x89PNG\r\n\x1a\n----"), "image/png", true},
		{"a page", "a.html", []byte("<html><script>alert(1)</script>"), "application/octet-stream", false},
		{"a page called a PDF", "a.pdf", []byte("<html><script>alert(1)</script>"), "application/octet-stream", false},
		{"a drawing", "a.svg", []byte(`<svg onload="alert(1)"/>`), "application/octet-stream", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := v.sendFile("/evidence", tt.file, tt.data, "title", "x", "from", "2026-03-01")
			wants(t, got, http.StatusSeeOther)
			file := v.get("/evidence/" + eRef.FindString(got.Header().Get("Location")) + "/file?show=1")
			wants(t, file, http.StatusOK)
			h := file.Header()
			if h.Get("Content-Type") != tt.media || strings.HasPrefix(h.Get("Content-Disposition"), "inline") != tt.inline || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") {
				t.Errorf("handed over with %v", h)
			}
		})
	}
	wants(t, v.get("/evidence/E-0/file"), http.StatusNotFound)
}

func TestSayAway(t *testing.T) {
	at := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	a := program.Absence{Account: "eva", To: "bob", From: at(10), Until: at(13)}
	for name, tt := range map[string]struct {
		a    program.Absence
		now  time.Time
		want string
	}{
		"nobody": {program.Absence{}, at(10), ""}, "past": {a, at(13), ""}, "now": {a, at(12), "Your tasks go to Bob: 10 to 12 Mar 2026."},
		"future": {a, at(9), "Your tasks will go to Bob: 10 to 12 Mar 2026."},
	} {
		if got := sayAway(tt.a, "Bob", tt.now, time.UTC); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestSayDuties(t *testing.T) {
	for _, tt := range []struct {
		all, bare int
		want      string
	}{
		{0, 0, "No control here is operated by people on a schedule."}, {1, 0, "The one owner in the definitions is a person here."},
		{1, 1, "The one owner in the definitions is nobody here yet; their tasks are with nobody."}, {5, 0, "All 5 owners in the definitions are people here."},
		{5, 2, "Two of five owners in the definitions are nobody here yet; their tasks are with nobody."},
	} {
		if got := sayDuties(tt.all, tt.bare); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A calendar opens by its secret address alone, until it is revoked or its
// person is suspended.
func TestCalendarFeed(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead, eva := w.visit(s, "lead", grant(access.ComplianceLead)), w.visit(s, "eva", grant(access.Employee))
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "eva@example.com", "revision", "0"), http.StatusSeeOther)
	made := eva.post("/me/calendar")
	wants(t, made, http.StatusOK)
	address := regexp.MustCompile(`http://127\.0\.0\.1:8731(/me/calendar\.ics\?token=[0-9A-Za-z_-]{43})"`).FindStringSubmatch(made.Body.String())
	if address == nil {
		t.Fatalf("no address in\n%s", made.Body)
	}
	program := w.browser(s)
	got := program.get(address[1])
	wants(t, got, http.StatusOK, "SUMMARY:Board meeting\\, 2026-Q1\r\n", "DTSTART;VALUE=DATE:20260331\r\n")
	if got.Header().Get("Content-Type") != "text/calendar; charset=utf-8" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.Header())
	}
	if strings.Contains(eva.page("/me/work"), "token=") {
		t.Error("the address is shown again")
	}
	for _, wrong := range []string{"/me/calendar.ics", "/me/calendar.ics?token=x", strings.Replace(address[1], "token=", "token=A", 1)} {
		wants(t, program.get(wrong), http.StatusNotFound)
	}
	wants(t, eva.post("/me/calendar/end"), http.StatusSeeOther)
	wants(t, program.get(address[1]), http.StatusNotFound)

	again := regexp.MustCompile(`(/me/calendar\.ics\?token=[0-9A-Za-z_-]{43})"`).FindStringSubmatch(eva.post("/me/calendar").Body.String())
	wants(t, program.get(again[1]), http.StatusOK)
	if _, err := s.people.Suspend(t.Context(), admin(t, s), eva.account); err != nil {
		t.Fatal(err)
	}
	wants(t, program.get(again[1]), http.StatusNotFound)
}
