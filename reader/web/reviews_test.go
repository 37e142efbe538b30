package web

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/period"
	"tieout/program"
)

// reviewWorld is a workspace with one system, of which an access review can be
// opened: ben left and his account works, ci belongs to nobody.
func reviewWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	w.write("tieout.yaml", "organization: { name: Acme, system: Ledger, zone: UTC, categories: [S] }\nperiod: { name: \"2026\", first: 2026-01-01, last: 2026-12-31 }\n")
	w.write("hr/people-2026-03-31.csv", "number,name,status,last_day,email\n1,Lea Lead,Active,,lead@example.com\n3,"+quoted("Ana "+evil)+",Active,,ana@example.com\n7,Ben Okafor,Terminated,2026-03-06,ben@example.com\n9,Oda Owner,Active,,owner@example.com\n")
	w.accounts("2026-03-31", "active")
	w.write("sources/hr.yaml", `kind: files
with:
  streams:
    - files: hr/people-*.csv
      format: csv
      type: person
      mode: snapshot
      asOf: { path: "people-(\\d{4}-\\d{2}-\\d{2})" }
      id: "hr/{number}"
      fields:
        name: name
        email: email
        kind: { value: employee }
        status: { column: status, values: { Active: active, Terminated: ended } }
        startedAt: { value: "2025-01-06T00:00:00Z" }
        endedAt: { column: last_day, date: end, none: [""] }
`)
	w.write("sources/okta.yaml", `kind: files
with:
  streams:
    - files: okta/accounts-*.csv
      format: csv
      type: account
      mode: snapshot
      asOf: { path: "accounts-(\\d{4}-\\d{2}-\\d{2})" }
      id: "okta/{login}"
      fields:
        login: login
        system: { value: okta }
        kind: kind
        status: status
        admin: admin
        createdAt: { value: "2025-02-01T00:00:00Z" }
        lastUsedAt: { column: used, none: ["never"] }
      links: { person: "hr/{person}", account: "okta/{login}", basis: employee number }
    - files: okta/groups-*.csv
      format: csv
      type: membership
      mode: snapshot
      asOf: { path: "groups-(\\d{4}-\\d{2}-\\d{2})" }
      id: "okta/{account}|{group}"
      fields:
        account: { template: "okta/{account}" }
        system: { value: okta }
        group: group
        role: { value: member }
        privileged: privileged
`)
	w.write("sources/registers.yaml", "kind: program\n")
	p := w.open("", true)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	w.collect()
	return w
}

// accounts is the system's export of a day; ben is ben's status in it.
func (w *world) accounts(day, ben string) {
	w.write("okta/accounts-"+day+".csv", "login,person,kind,status,admin,used\nana,3,human,active,false,2026-03-30T08:00:00Z\nben,7,human,"+ben+",false,2026-03-02T08:00:00Z\nci,,service,active,true,never\nlea,1,human,active,false,2026-03-31T07:00:00Z\n"+
		quoted("x "+evil)+",,human,active,false,never\n")
	w.write("okta/groups-"+day+".csv", "account,group,privileged\nana,everyone,false\nana,"+quoted("deploy "+evil)+",true\nlea,everyone,false\n")
}

func (w *world) collect() {
	w.t.Helper()
	p := w.open("", false)
	defer w.close(p)
	done, err := p.Collect(w.t.Context(), nil, func(period.Progress) {})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range done {
		if len(c.End.Problems) > 0 {
			w.t.Fatalf("collecting %s: %q", c.Source, c.End.Problems)
		}
	}
}

// link confirms whose an account of this workspace is.
func (v *visitor) link(account, person string) {
	v.t.Helper()
	by := access.Subject{Workspace: access.Company, Kind: "person", Account: v.account, Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}
	if _, err := v.s.book.LinkIdentity(v.t.Context(), by, program.OfTieout, account, person, "same e-mail address", 0); err != nil {
		v.t.Fatal(err)
	}
}

var reviewField = regexp.MustCompile(`name="(revision|system|keep|remove|decisions)" value="([^"]*)"`)

// reviewFields are the hidden fields of the form that goes to a path.
func reviewFields(page, action string) (out []string) {
	_, form, ok := strings.Cut(page, `action="`+action+`"`)
	if !ok {
		return nil
	}
	form, _, _ = strings.Cut(form, "</form>")
	for _, m := range reviewField.FindAllStringSubmatch(form, -1) {
		out = append(out, m[1], html.UnescapeString(m[2]))
	}
	return out
}

// submit sends the form of a page, with what else is typed, and wants to be led
// on; it returns the page it led to.
func (v *visitor) submit(page, action string, typed ...string) string {
	v.t.Helper()
	fields := reviewFields(page, action)
	if fields == nil {
		v.t.Fatalf("no form goes to %s in\n%s", action, page)
	}
	got := v.post(action, append(fields, typed...)...)
	if got.Code != http.StatusSeeOther {
		v.t.Fatalf("%s: %d\n%s", action, got.Code, got.Body)
	}
	return v.page(got.Header().Get("Location"))
}

func wantTexts(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			t.Errorf("no %q in\n%s", s, page)
		}
	}
}

// A quarterly review from the list to its removals, without a browser: one is
// proved by the next collection, one is still open.
func TestReviewEndToEnd(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	owner := w.visit(s, "owner", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	employee := w.visit(s, "emma", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	wantTexts(t, lead.page("/reviews"), "No access review was opened yet.", "/reviews/new")
	wantTexts(t, lead.page("/reviews/new"), `value="okta"`, "5 accounts can sign in", `value="2026-Q2"`)
	got := lead.post("/reviews/new", "cycle", "2026-Q1", "due", "2026-04-15", "systems", "okta")
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/reviews/AR-1" {
		t.Fatalf("opened: %d %s\n%s", got.Code, got.Header(), got.Body)
	}
	page := lead.page("/reviews/AR-1")
	wantTexts(t, page, "5 accounts of okta wait for a decision; 4 look odd.", "Every account there was on 31 Mar 2026", "Nobody is assigned", "Ben Okafor left on 6 Mar 2026", "Due", "15 Apr 2026")
	if strings.Contains(page, evil) {
		t.Error("a name is markup")
	}
	lead.link(lead.account, "hr/1")
	lead.link(owner.account, "hr/9")
	page = lead.submit(page, "/reviews/AR-1/assign", "reviewers", lead.account, "reviewers", owner.account, "remover", employee.account)
	wantTexts(t, page, "okta is assigned.", "Review the next account of okta")

	page = lead.page("/reviews/AR-1/next?system=okta")
	wantTexts(t, page, ">ana ", "5 accounts of okta, none decided yet.", "It has administrative rights", `data-key="k"`, `data-key="r"`, `data-key="a"`, "privileged")
	page = lead.submit(page, "/reviews/AR-1/rows/1", "do", "roles", "roles", "okta/ana|deploy "+evil)
	wantTexts(t, page, "ana: 1 role to remove.", ">ben ", "Ben Okafor left on 6 Mar 2026", `data-key="u"`)
	page = lead.submit(page, "/reviews/AR-1/rows/2", "do", "remove", "note", "Left "+evil)
	wantTexts(t, page, "ben: to be removed.", ">ci ", "Nobody ever signed in with it", "Nobody is confirmed as its owner")
	again := lead.post("/reviews/AR-1/rows/3", append(reviewFields(page, "/reviews/AR-1/rows/3"), "do", "ask", "question", "Who runs this? "+evil)...)
	if again.Code != http.StatusUnprocessableEntity || !strings.Contains(again.Body.String(), "Say who is asked") || !strings.Contains(html.UnescapeString(again.Body.String()), "Who runs this? "+evil) || strings.Contains(again.Body.String(), evil) {
		t.Errorf("asked of nobody: %d\n%s", again.Code, again.Body)
	}
	page = lead.submit(page, "/reviews/AR-1/rows/3", "do", "ask", "question", "Who runs this?", "askof", employee.account)
	wantTexts(t, page, "is asked.", `>x `)
	page = lead.submit(page, "/reviews/AR-1/rows/5", "do", "later")
	wantTexts(t, page, "1 account is set aside by you; 1 question waits for an answer; 1 account is for another reviewer", `name="rows" value="5:1"`)
	page = lead.submit(page, "/reviews/AR-1/keep", "rows", "5:1")
	wantTexts(t, page, "1 account kept.", "1 question waits for an answer; 1 account is for another reviewer")

	if got := employee.get("/reviews/AR-1/rows/2"); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "Okafor") {
		t.Errorf("an employee reads a row that is not theirs: %d", got.Code)
	}
	wantTexts(t, employee.page("/me/work"), "Access reviews wait for you: 1 question to answer.", `href="/reviews/AR-1/rows/3"`)
	wantTexts(t, owner.page("/me/work"), "Access reviews wait for you: 2 accounts to decide about.", "Review the accounts of okta for 2026-Q1, 2 left")
	page = employee.page("/reviews/AR-1/rows/3")
	wantTexts(t, page, "You are asked: Who runs this?")
	page = employee.submit(page, "/reviews/AR-1/rows/3/answer", "answer", "The build server. "+evil)
	wantTexts(t, page, "Answered. The reviewer decides.")
	page = lead.page("/reviews/AR-1/next?system=okta")
	wantTexts(t, page, ">ci ", "answered:</b> The build server.")
	lead.submit(page, "/reviews/AR-1/rows/3", "do", "remove")
	if got := lead.post("/reviews/AR-1/rows/4", "revision", "0", "do", "keep"); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "your own") {
		t.Errorf("one's own: %d\n%s", got.Code, got.Body)
	}
	wantTexts(t, lead.page("/reviews/AR-1/finish?system=okta"), "1 account still has no decision, so the review of okta cannot be sealed yet.")
	page = owner.page("/reviews/AR-1/next?system=okta")
	wantTexts(t, page, ">lea ")
	page = owner.submit(page, "/reviews/AR-1/rows/4", "do", "keep")
	wantTexts(t, page, "Every account is decided")
	page = owner.page("/reviews/AR-1/finish?system=okta")
	wantTexts(t, page, "You are about to seal the review of okta for 2026-Q1: 2 kept, 3 to remove.", "the next collection shows it", "From deploy")
	page = owner.submit(page, "/reviews/AR-1/finish")
	wantTexts(t, page, "Sealed as E-", "3 were not collected since", "Nothing was read completely since the decision")

	w.at = w.at.AddDate(0, 0, 11)
	w.accounts("2026-04-11", "suspended")
	w.collect()
	owner.post("/sign-in", "email", "owner@example.com", "password", password) // ten days later
	employee.post("/sign-in", "email", "emma@example.com", "password", password)
	wantTexts(t, employee.page("/me/work"), "2 removals that nothing shows yet", "Take away 2 accesses to okta, decided in AR-1")
	wantTexts(t, employee.page("/reviews/AR-1/removals?system=okta"), "3 accesses to okta to take away", "Proved gone", "Still there")
	if got := employee.get("/reviews/AR-1"); got.Code != http.StatusForbidden {
		t.Errorf("who takes access away reads the whole list: %d", got.Code)
	}
	page = owner.page("/reviews/AR-1")
	wantTexts(t, page, "1 removal is proved and 2 are still there.", "Proved gone", "Still there", "Gone by 11 Apr 2026", "9 days after the decision")
	for _, text := range []string{"done by hand", evil} {
		if strings.Contains(page, text) {
			t.Errorf("the page says %q", text)
		}
	}
	fact := program.Review{}
	if err := s.book.Read(t.Context(), func(st *program.State) error { fact = *st.Reviews["AR-1"]; return nil }); err != nil || fact.Status != "complete" {
		t.Errorf("the review: %s, %v", fact.Status, err)
	}
}

// Of two who decide about one account the second is told, and loses nothing of
// what they typed.
func TestReviewConflict(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	owner := w.visit(s, "owner", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	lead.link(lead.account, "hr/1")
	lead.link(owner.account, "hr/9")
	lead.post("/reviews/new", "cycle", "2026-Q1", "systems", "okta")
	lead.submit(lead.page("/reviews/AR-1"), "/reviews/AR-1/assign", "reviewers", lead.account, "reviewers", owner.account)
	page := lead.page("/reviews/AR-1/next?system=okta")
	owner.submit(owner.page("/reviews/AR-1/next?system=okta"), "/reviews/AR-1/rows/1", "do", "keep")
	got := lead.post("/reviews/AR-1/rows/1", append(reviewFields(page, "/reviews/AR-1/rows/1"), "do", "remove", "note", "She moved to sales.")...)
	if got.Code != http.StatusConflict {
		t.Errorf("got %d", got.Code)
	}
	wantTexts(t, got.Body.String(), "has changed since you opened it", `value="She moved to sales."`)
}

func TestReviewRights(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	lead.post("/reviews/new", "cycle", "2026-Q1", "systems", "okta")
	lead.post("/reviews/AR-1/assign", "system", "okta", "revision", "0", "reviewers", lead.account)
	guest := w.visit(s, "gus", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026"})
	reader := w.visit(s, "rea", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	elsewhere := w.visit(s, "els", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "CHG-02"})
	for name, tt := range map[string]struct {
		v    *visitor
		post bool
		path string
		want int
	}{
		"the guest reads":               {guest, false, "/reviews/AR-1", http.StatusOK},
		"the guest decides":             {guest, true, "/reviews/AR-1/rows/1", http.StatusForbidden},
		"the guest opens":               {guest, true, "/reviews/new", http.StatusForbidden},
		"a reader":                      {reader, false, "/reviews/AR-1", http.StatusForbidden},
		"the owner of another control":  {elsewhere, false, "/reviews/AR-1", http.StatusForbidden},
		"a review that is not there":    {lead, false, "/reviews/AR-9", http.StatusNotFound},
		"a row that is not there":       {lead, false, "/reviews/AR-1/rows/99", http.StatusNotFound},
		"a system that is not reviewed": {lead, false, "/reviews/AR-1/next?system=aws", http.StatusNotFound},
		"a form without its revision":   {lead, true, "/reviews/AR-1/rows/1", http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			got := tt.v.get(tt.path)
			if tt.post {
				got = tt.v.post(tt.path, "do", "keep", "system", "okta")
			}
			if got.Code != tt.want {
				t.Errorf("got %d, want %d\n%s", got.Code, tt.want, got.Body)
			}
		})
	}
	if got := lead.post("/reviews/new", "cycle", "soon", "systems", "okta"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `value="soon"`) {
		t.Errorf("a cycle nobody knows: %d", got.Code)
	}
	page := lead.submit(lead.page("/reviews/AR-1/cancel"), "/reviews/AR-1/cancel", "why", fmt.Sprint("Drawn too early ", evil))
	wantTexts(t, page, "The review is canceled.", "Drawn too early")
	if strings.Contains(page, evil) {
		t.Error("a reason is markup")
	}
}
