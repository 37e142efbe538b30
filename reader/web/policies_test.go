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
	"tieout/audit"
	texts "tieout/policy"
	"tieout/program"
	"tieout/reader/policies"
)

var (
	employeeRole = access.Grant{Role: access.Employee, Scope: access.ScopeOwn}
	leadRole     = access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}
	signerRole   = access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace}
)

// expect ends the test where the answer has another status.
func expect(t *testing.T, v *visitor, status int, method, target string, pairs ...string) string {
	t.Helper()
	got := v.get
	rec := func() (code int, body string) {
		if method == "GET" {
			r := got(target)
			return r.Code, r.Body.String()
		}
		r := v.post(target, pairs...)
		return r.Code, r.Body.String()
	}
	code, body := rec()
	if code != status {
		t.Fatalf("%s %s: %d, want %d\n%s", method, target, code, status, body)
	}
	return body
}

// policyFields is a whole form of a policy.
func policyFields(change ...string) []string {
	f := []string{"revision", "0", "id", "laptops", "title", "Laptops " + evil, "summary", evil, "owner", "lead@example.com", "audience", "all", "acknowledge", "yes",
		"review", "year", "controls", "IAM-02", "text", "# Laptops\n\nLock **the** screen. " + evil, "note", evil}
	for i := 0; i+1 < len(change); i += 2 {
		for j := 0; j < len(f); j += 2 {
			if f[j] == change[i] {
				f[j+1] = change[i+1]
			}
		}
	}
	return f
}

var fieldValue = regexp.MustCompile(`name="(hash|revision)" value="([^"]*)"`)

// hiddenField is the value of the first hidden field of that name on a page.
func hiddenField(page, name string) string {
	for _, m := range fieldValue.FindAllStringSubmatch(page, -1) {
		if m[1] == name {
			return html.UnescapeString(m[2])
		}
	}
	return ""
}

func approveAs(t *testing.T, v *visitor, id string) {
	t.Helper()
	page := v.page("/policies/" + id)
	if hiddenField(page, "hash") == "" {
		t.Fatalf("no form to approve %s:\n%s", id, page)
	}
	expect(t, v, http.StatusSeeOther, "POST", "/policies/"+id+"/approve", "revision", hiddenField(page, "revision"), "hash", hiddenField(page, "hash"))
}

func escaped(t *testing.T, page string) {
	t.Helper()
	if strings.Contains(page, evil) {
		t.Errorf("a name is not escaped:\n%s", page)
	}
}

// TestPolicyJourney is a policy from the first draft to an employee's agreement
// and back again after a change, all of it by links and forms.
func TestPolicyJourney(t *testing.T) {
	w := newWorld(t)
	w.write("training/basics.md", testCourse)
	s := w.server()
	lead, signer, ana := w.visit(s, "lead", leadRole), w.visit(s, "signer", signerRole, employeeRole), w.visit(s, "ana", employeeRole)
	if page := lead.page("/policies"); !strings.Contains(page, "No policy is kept here yet") || !strings.Contains(page, "starter set") {
		t.Errorf("the empty list:\n%s", page)
	}
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/new", policyFields()...)
	if page := lead.page("/policies/laptops"); !strings.Contains(page, "Version 1 waits for approval") || strings.Contains(page, "Approve version 1</button>") {
		t.Errorf("its author sees a button to approve it, or not that it waits:\n%s", page)
	}
	expect(t, ana, http.StatusNotFound, "GET", "/me/policies/laptops")
	approveAs(t, signer, "laptops")
	escaped(t, lead.page("/policies"))
	escaped(t, lead.page("/policies/laptops"))
	if page := ana.page("/me"); !strings.Contains(page, "Two things, 4 minutes.") {
		t.Errorf("what is asked of ana:\n%s", page)
	}
	read := ana.page("/me/policies/laptops")
	escaped(t, read)
	expect(t, ana, http.StatusSeeOther, "POST", "/me/policies/laptops/agree", "hash", hiddenField(read, "hash"))
	done := ana.page("/me")
	if !strings.Contains(done, "One thing, 3 minutes.") || !strings.Contains(done, "It is sealed as E-") {
		t.Errorf("after agreeing:\n%s", done)
	}
	page := lead.page("/policies/laptops/edit")
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/laptops/edit", append(policyFields("revision", hiddenField(page, "revision"), "text", "# Laptops\n\nLock the screen. Report a lost one."), "material", "yes")...)
	approveAs(t, signer, "laptops")
	read = ana.page("/me/policies/laptops")
	for _, text := range []string{"You agreed to version 1 on 1 Apr 2026", "<ins>", "Report a lost one", "Version 2: "} {
		if !strings.Contains(read, text) {
			t.Errorf("what changed lacks %q:\n%s", text, read)
		}
	}
	list := lead.page("/policies/laptops/agreements?show=missing")
	if !strings.Contains(list, "0 of 4 people agreed to version 2.") || !strings.Contains(list, "the text has changed since") || !strings.Contains(list, "lacks the role employee") {
		t.Errorf("who has not agreed:\n%s", list)
	}
	escaped(t, list)
	escaped(t, lead.page("/policies/laptops/compare?from=1&to=2"))
	escaped(t, lead.page("/policies/laptops/versions/1"))
}

func TestAgreeToWhatChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead, signer, ana := w.visit(s, "lead", leadRole), w.visit(s, "signer", signerRole), w.visit(s, "ana", employeeRole)
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/new", policyFields()...)
	approveAs(t, signer, "laptops")
	hash := hiddenField(ana.page("/me/policies/laptops"), "hash")
	edit := lead.page("/policies/laptops/edit")
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/laptops/edit", policyFields("revision", hiddenField(edit, "revision"), "text", "Another text")...)
	approveAs(t, signer, "laptops")
	page := expect(t, ana, http.StatusConflict, "POST", "/me/policies/laptops/agree", "hash", hash)
	if !strings.Contains(page, "changed meanwhile") || !strings.Contains(page, "Another text") {
		t.Errorf("the new text is not shown with why:\n%s", page)
	}
}

func TestPolicyFormKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", leadRole)
	page := expect(t, lead, http.StatusUnprocessableEntity, "POST", "/policies/new", policyFields("owner", "nobody@example.com", "text", "My long text "+evil)...)
	if !strings.Contains(page, "My long text") || !strings.Contains(page, "nobody here has the address") || !strings.Contains(page, `role="alert"`) {
		t.Errorf("a form with a wrong owner:\n%s", page)
	}
	escaped(t, page)
	page = expect(t, lead, http.StatusOK, "POST", "/policies/new", append(policyFields("text", "Seen **before** {organization}"), "do", "preview")...)
	if !strings.Contains(page, "<strong>before</strong>") || !strings.Contains(page, "<code>{organization}</code>") {
		t.Errorf("the preview:\n%s", page)
	}
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/new", policyFields()...)
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/laptops/edit", policyFields("revision", "1", "text", "What the other wrote")...)
	page = expect(t, lead, http.StatusConflict, "POST", "/policies/laptops/edit", policyFields("revision", "1", "text", "What I wrote")...)
	if !strings.Contains(page, "What I wrote") || !strings.Contains(page, "What the other wrote") && !strings.Contains(page, "the other") {
		t.Errorf("a conflict loses what was typed, or hides what the other wrote:\n%s", page)
	}
}

func TestPolicyRights(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead, ana := w.visit(s, "lead", leadRole), w.visit(s, "ana", employeeRole)
	both := w.visit(s, "both", leadRole, signerRole)
	guest := w.visit(s, "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-03"})
	stranger := w.visit(s, "stranger", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2019"})
	expect(t, both, http.StatusSeeOther, "POST", "/policies/new", policyFields()...)
	tests := []struct {
		name, method, path string
		who                *visitor
		status             int
	}{
		{"an employee writes", "POST", "/policies/new", ana, 403},
		{"an employee sees who agreed", "GET", "/policies/laptops/agreements", ana, 403},
		{"an employee reads a draft", "GET", "/policies/laptops", ana, 404},
		{"an author approves", "POST", "/policies/laptops/approve", both, 403},
		{"a lead approves", "POST", "/policies/laptops/approve", lead, 403},
		{"a lead without the role agrees", "POST", "/me/policies/laptops/agree", lead, 403},
		{"a lead without the role answers", "POST", "/me/training/incident-reporting", lead, 403},
		{"an employee retires", "POST", "/policies/laptops/retire", ana, 403},
		{"an author of what is in force retires it", "POST", "/policies/laptops/retire", both, 403},
		{"an employee discards a draft", "POST", "/policies/laptops/discard", ana, 403},
		{"a lead discards a draft", "POST", "/policies/laptops/discard", lead, 303},
		{"a guest of another examination", "GET", "/policies/laptops/agreements", stranger, 403},
		{"a guest of this examination", "GET", "/policies/laptops/versions/1", guest, 200},
		{"what is not there", "GET", "/policies/none", lead, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { expect(t, tt.who, tt.status, tt.method, tt.path, "revision", "1", "why", "x") })
	}
}

func TestStarters(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", leadRole)
	page := lead.page("/policies/starters")
	expect(t, lead, http.StatusUnprocessableEntity, "POST", "/policies/starters", "revision", hiddenField(page, "revision"))
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/starters", "revision", hiddenField(page, "revision"), "contact", "security@example.com", "policy", "security-policy", "policy", "code-of-conduct")
	list := lead.page("/policies?show=draft")
	if !strings.Contains(list, "2 drafts wait for approval") || strings.Contains(list, "to fill in") {
		t.Errorf("the drafts:\n%s", list)
	}
	if page = lead.page("/policies/security-policy"); !strings.Contains(page, "security@example.com") || strings.Contains(page, "{organization}") {
		t.Errorf("the placeholders are not filled in:\n%s", page)
	}
	escaped(t, page)
	if page = lead.page("/policies/starters"); !strings.Contains(page, "You have one of that name") || !strings.Contains(page, `value="security@example.com"`) {
		t.Errorf("what was taken is offered again:\n%s", page)
	}
}

func TestPolicyInFile(t *testing.T) {
	w := newWorld(t)
	w.write("policies/access.md", "---\ntitle: Access\nversion: \"1.2\"\nstatus: approved\napprovedBy: Ana\napprovedAt: 2026-03-01\nacknowledge: true\n---\nAsk first.\n")
	w.write("policies/broken.md", "nothing")
	s := w.server()
	lead, ana := w.visit(s, "lead", leadRole), w.visit(s, "ana", employeeRole)
	list := lead.page("/policies")
	if !strings.Contains(list, "policies/access.md") || !strings.Contains(list, "Cannot be read") {
		t.Errorf("the list:\n%s", list)
	}
	expect(t, lead, http.StatusConflict, "GET", "/policies/access/edit")
	expect(t, lead, http.StatusUnprocessableEntity, "POST", "/policies/new", policyFields("id", "access")...)
	expect(t, ana, http.StatusSeeOther, "POST", "/me/policies/access/agree", "hash", hiddenField(ana.page("/me/policies/access"), "hash"))
	if page := lead.page("/policies/access"); !strings.Contains(page, "1 of 3 people agreed to version 1.2.") || !strings.Contains(page, "Change the file") {
		t.Errorf("the policy:\n%s", page)
	}
	w.write("policies/access.md", "---\ntitle: Access\nversion: \"1.3\"\nstatus: approved\napprovedBy: Ana\napprovedAt: 2026-03-01\nacknowledge: true\n---\nAsk first, and wait.\n")
	if page := ana.page("/me/policies/access"); !strings.Contains(page, "You agreed to version 1.2") || !strings.Contains(page, "and wait.") || !strings.Contains(page, "<ins>") {
		t.Errorf("what changed in the file:\n%s", page)
	}
}

const testCourse = `---
title: Basics
topic: security
minutes: 3
questions:
  - ask: What first?
    options:
      - { text: Report, right: true, why: Minutes count. }
      - { text: Wait, right: false, why: Nobody looks then. }
  - ask: Which of these?
    options:
      - { text: A, right: true, why: Yes. }
      - { text: B, right: true, why: Yes. }
      - { text: C, right: false, why: No. }
---
Read this.
`

func TestTrainingJourney(t *testing.T) {
	w := newWorld(t)
	w.write("training/basics.md", testCourse)
	w.write("training/bad.md", "no front matter")
	s := w.server()
	ana := w.visit(s, "ana", employeeRole)
	if page := w.visit(s, "lead", leadRole).page("/policies"); !strings.Contains(page, "training/bad.md:1:1") {
		t.Errorf("nobody is told that a course cannot be read:\n%s", page)
	}
	page := ana.page("/me/training/basics")
	if !strings.Contains(page, "2 questions, about 3 minutes") || strings.Contains(page, "Minutes count") {
		t.Errorf("the course tells the answers, or not what it takes:\n%s", page)
	}
	page = expect(t, ana, http.StatusOK, "POST", "/me/training/basics", "q0", "1", "q1", "0", "q1", "1")
	if !strings.Contains(page, "1 of 2 answers are right") || !strings.Contains(page, "Nobody looks then") || strings.Contains(page, "Minutes count") {
		t.Errorf("a wrong answer:\n%s", page)
	}
	expect(t, ana, http.StatusOK, "POST", "/me/training/basics", "q0", "99", "q1", "x")
	expect(t, ana, http.StatusSeeOther, "POST", "/me/training/basics", "q0", "0", "q1", "0", "q1", "1")
	if page = ana.page("/me"); !strings.Contains(page, "You are done until 2 Mar 2027.") || !strings.Contains(page, "You completed Basics") {
		t.Errorf("after the course:\n%s", page)
	}
}

func TestAudiences(t *testing.T) {
	w := newWorld(t)
	w.write("training/basics.md", strings.Replace(testCourse, "minutes: 3", "minutes: 3\naudience: engineers", 1))
	s := w.server()
	lead, ana := w.visit(s, "lead", leadRole), w.visit(s, "ana", employeeRole)
	if page := lead.page("/policies/audiences"); !strings.Contains(page, "1 group is not described yet") || !strings.Contains(page, "3 people with an account") {
		t.Errorf("before:\n%s", page)
	}
	expect(t, ana, http.StatusForbidden, "POST", "/policies/audiences", "name", "engineers", "revision", "0")
	expect(t, lead, http.StatusUnprocessableEntity, "POST", "/policies/audiences", "name", "all", "revision", "0", "departments", "x")
	expect(t, lead, http.StatusSeeOther, "POST", "/policies/audiences", "name", "engineers", "revision", "0", "departments", evil+", Platform")
	page := expect(t, lead, http.StatusConflict, "POST", "/policies/audiences", "name", "engineers", "revision", "0", "departments", "mine")
	if !strings.Contains(page, `value="mine"`) {
		t.Errorf("a conflict loses what was typed:\n%s", page)
	}
	escaped(t, lead.page("/policies/audiences"))
}

func TestSayPolicies(t *testing.T) {
	now := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	row := func(status string, draft, agreed, asked, days int) policies.Row {
		r := policies.Row{Kind: program.KindPolicy, Status: status, Draft: draft, Agreed: agreed, Asked: asked}
		if status == program.PolicyApproved {
			r.ReviewDue = now.AddDate(0, 0, days)
		}
		return r
	}
	const a, d = program.PolicyApproved, program.PolicyDraft
	for _, tt := range []struct {
		rows []policies.Row
		want string
	}{
		{nil, "No policy is kept here yet. A starter set in plain words is ready, all of it marked draft."},
		{[]policies.Row{row(d, 1, 0, 0, 0)}, "No policy is in force yet, and 1 draft waits for approval."},
		{[]policies.Row{row(a, 0, 0, 0, 90)}, "1 policy is in force."},
		{[]policies.Row{row(a, 0, 3, 3, 90)}, "1 policy is in force. Everybody who is asked has agreed."},
		{[]policies.Row{row(a, 2, 2, 3, 10), row(a, 0, 0, 3, 90)}, "2 policies are in force, and 1 draft waits for approval. The review of 1 policy is due within 30 days. 4 agreements are missing."},
		{[]policies.Row{row(a, 0, 3, 3, -1), row(d, 1, 0, 0, 0), row(d, 1, 0, 0, 0)}, "1 policy is in force, and 2 drafts wait for approval. The review of 1 policy is overdue. Everybody who is asked has agreed."},
	} {
		if got := (&policies.List{Now: now, Rows: tt.rows}).Sentence(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestSayMine(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	asked := func(why string, minutes, days int) program.Asked {
		return program.Asked{Why: why, Minutes: minutes, Due: now.AddDate(0, 0, days)}
	}
	for _, tt := range []struct {
		asked []program.Asked
		want  string
	}{
		{nil, "Nothing is asked of you: no policy in force asks for your agreement, and no course is set."},
		{[]program.Asked{asked(program.AskedNew, 1, 3)}, "One thing, 1 minute. The first is due 4 Sep 2026."},
		{[]program.Asked{asked(program.AskedNew, 5, -2), asked(program.AskedYearly, 7, 3), asked(program.AskedDone, 9, 100)}, "Two things, 12 minutes. The first was due 30 Aug 2026."},
		{[]program.Asked{asked(program.AskedDone, 5, 100), asked(program.AskedDone, 5, 90)}, "You are done until 31 Oct 2026."},
	} {
		if got := policies.MySentence(tt.asked, now, time.UTC); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	var many []program.Asked
	for range 12 {
		many = append(many, asked(program.AskedNew, 1, 1))
	}
	if got := policies.MySentence(many, now, time.UTC); !strings.HasPrefix(got, "12 things, 12 minutes.") {
		t.Errorf("many: %s", got)
	}
}

func TestChangesOnly(t *testing.T) {
	old := "# Title\n\n## First\n\nSame words here.\n\n## Second\n\nThe old rule stays so.\n\n## Third\n\nAlso the same.\n"
	got := changesOnly(texts.Diff(old, strings.Replace(old, "old rule", "new rule", 1)))
	if len(got.Blocks) != 2 || got.Blocks[0].Parts[0].Text != "Second" || got.Blocks[0].Level != topLevel || got.Blocks[1].State != texts.Changed {
		t.Errorf("got %+v", got.Blocks)
	}
	if got = changesOnly(texts.Diff(old, old)); len(got.Blocks) != 0 {
		t.Errorf("of the same text: %+v", got.Blocks)
	}
}

func TestSayDevice(t *testing.T) {
	for _, tt := range []struct {
		all, open, unknown int
		want               string
	}{
		{8, 0, 0, "All 8 settings are as expected."}, {8, 1, 0, "1 setting is to be mended, 7 are as expected."},
		{8, 2, 1, "2 settings are to be mended, 1 was not collected, 5 are as expected."}, {8, 0, 8, "8 were not collected."},
	} {
		if got := sayDevice(tt.all, tt.open, tt.unknown); got != tt.want {
			t.Errorf("%s: got %q, want %q", fmt.Sprint(tt.all, tt.open, tt.unknown), got, tt.want)
		}
	}
}

// TestOwnDevices: devices show once somebody confirmed whose the account is.
func TestOwnDevices(t *testing.T) {
	w := newWorld(t)
	w.write("training/basics.md", strings.Replace(testCourse, "minutes: 3", "minutes: 3\naudience: managers", 1))
	w.write("mdm/devices-2026-03.csv", "serial,host,holder,disk,since\nC02,"+quoted("mac "+evil)+",hr/3,off,2026-03-01T00:00:00Z\n")
	w.write("sources/mdm.yaml", `kind: files
with:
  streams:
    - files: mdm/devices-2026-03.csv
      format: csv
      type: device
      mode: changes
      covers: { path: "(\\d{4}-\\d{2})" }
      id: "mdm/{serial}"
      at: { column: since }
      fields: { serial: serial, hostname: host, kind: { value: laptop }, status: { value: active }, assignedTo: holder, diskEncrypted: { column: disk, true: ["on"], false: ["off"] } }
`)
	p := w.open("", false)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	w.tested()
	s := w.server()
	ana := w.visit(s, "ana", employeeRole)
	if page := ana.page("/me"); !strings.Contains(page, "Nobody has confirmed yet which person") || !strings.Contains(page, "Basics") {
		t.Errorf("before a person is confirmed:\n%s", page)
	}
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "lea", Session: "S", Grants: []access.Grant{leadRole}}
	if _, err := s.book.LinkIdentity(t.Context(), by, program.OfTieout, ana.account, "hr/3", "employee number", 0); err != nil {
		t.Fatal(err)
	}
	page := ana.page("/me")
	for _, text := range []string{"disk is not encrypted", "FileVault", "1 setting is to be mended", "not collected"} {
		if !strings.Contains(page, text) {
			t.Errorf("the device lacks %q:\n%s", text, page)
		}
	}
	escaped(t, page)
}
