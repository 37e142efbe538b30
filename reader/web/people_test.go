package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tieout/access"
	"tieout/program"
)

func (w *world) withDevices() *world {
	w.write("mdm/devices-2026-03-31.csv", "serial,name,person,encrypted,users\nC1,"+quoted("ana-mbp "+evil)+",3,false,ana\nC2,pool-1,,true,oda.owner\n")
	w.write("sources/mdm.yaml", `kind: files
with:
  streams:
    - files: mdm/devices-*.csv
      format: csv
      type: device
      mode: snapshot
      asOf: { path: "devices-(\\d{4}-\\d{2}-\\d{2})" }
      id: "mdm/{serial}"
      fields:
        serial: serial
        hostname: name
        kind: { value: laptop }
        platform: { value: macos }
        status: { value: active }
        diskEncrypted: encrypted
        assignedTo: { template: "hr/{person}" }
        users: { column: users, split: ";" }
`)
	p := w.open("", false)
	if _, _, err := p.Apply(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.close(p)
	w.collect()
	return w
}

func TestPeople(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := lead.page("/people")
	wantTexts(t, page, "3 people work here. 1 leaver still has access, 1 account belongs to nobody, and something is missing of 1 person.", "no account is linked", "same e-mail address",
		`href="/people/hr%2F3"`, `aria-label="Started 6 Jan 2025; 1 account, 1 still works"`)
	if strings.Contains(page, evil) {
		t.Error("a name is markup")
	}
	wantTexts(t, lead.page("/people?missing=access"), "Ben Okafor", "1 account still works after the last day, 6 Mar 2026")
	if got := lead.page("/people?q=nobody-is-called-so"); !strings.Contains(got, "Nobody is like that.") {
		t.Error("a search that finds nobody says nothing")
	}
	wantTexts(t, lead.page("/people/hr%2F7"), "Ben Okafor left on 6 Mar 2026, with 1 account and no device.", "k-dev", "Works after leaving", "employee number")
	wantTexts(t, lead.page("/people/accounts?show=loose"), "x &lt;script&gt;", "Nobody is confirmed")
	if got := lead.get("/people/hr%2F99"); got.Code != http.StatusNotFound {
		t.Errorf("nobody of that ID: %d", got.Code)
	}
}

func TestLinkPeople(t *testing.T) {
	w := reviewWorld(t).withDevices()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	emma := w.visit(s, "ana", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	wantTexts(t, emma.page("/people"), "Nobody confirmed yet which person you are")
	if got := emma.get("/people/hr%2F3"); got.Code != http.StatusForbidden {
		t.Errorf("a stranger reads a person: %d", got.Code)
	}
	wantTexts(t, lead.page("/people/links"), "same e-mail address", "has a local account oda.owner", "3 proposals wait for a person, and count for nothing before")

	form := []string{"of", program.OfTieout, "thing", emma.account, "person", "hr/3", "basis", "same e-mail address", "revision", "0", "back", "/people/links"}
	got := lead.post("/people/links", append(form, "do", "confirm")...)
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/people/links" {
		t.Fatalf("confirm: %d\n%s", got.Code, got.Body)
	}
	if got := emma.get("/people"); got.Header().Get("Location") != "/people/hr%2F3" {
		t.Errorf("an employee's people: %d %s", got.Code, got.Header())
	}
	page := emma.page("/people/hr%2F3")
	wantTexts(t, page, "disk is not encrypted", "Switch on FileVault", "works here since 6 Jan 2025, with 1 account and 1 device.")
	if strings.Contains(page, "Take back") || strings.Contains(page, "/evidence/") || strings.Contains(page, evil) {
		t.Error("an employee's own page offers what is not theirs, or a name is markup")
	}
	if got := emma.get("/people/hr%2F7"); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "Okafor") {
		t.Errorf("somebody else: %d", got.Code)
	}
	wantTexts(t, emma.page("/people/devices/mdm%2FC1"), "1 thing is not as expected")

	if got := lead.post("/people/links", append(form, "do", "confirm")...); got.Code != http.StatusConflict {
		t.Errorf("confirming what somebody confirmed: %d", got.Code)
	}
	wantTexts(t, lead.page("/people/links?show=confirmed"), "in Tieout", "Take back")
	device := []string{"of", program.OfDevice, "thing", "mdm/C2", "revision", "0", "back", "/people/devices/mdm%2FC2"}
	got = lead.post("/people/links", append(device, "do", "link", "person", "nobody")...)
	if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `value="nobody"`) {
		t.Errorf("a person nobody knows: %d\n%s", got.Code, got.Body)
	}
	got = lead.post("/people/links", append(device, "do", "link", "person", "owner@example.com")...)
	if got.Code != http.StatusSeeOther {
		t.Fatalf("linking by hand: %d\n%s", got.Code, got.Body)
	}
	page = lead.page("/people/devices/mdm%2FC2")
	wantTexts(t, page, "pool-1 belongs to Oda Owner", "Take back whose it is", "It belongs to Oda Owner now.")
	page = lead.submitUndo(page, "mdm/C2", "hr/9")
	wantTexts(t, page, "pool-1 belongs to nobody", "Proposed")
	lead.post("/people/links", "of", program.OfDevice, "thing", "mdm/C2", "revision", "2", "person", "hr/9", "do", "reject", "back", "/people")
	page = lead.page("/people/devices/mdm%2FC2")
	wantTexts(t, page, "Said not to be theirs")
	if strings.Contains(page, "has a local account") {
		t.Error("a rejected pair is proposed again")
	}
	if got := lead.post("/people/links", "of", program.OfDevice, "thing", "mdm/C2", "revision", "3", "person", "hr/9", "do", "undo", "back", "https://elsewhere.example/"); got.Header().Get("Location") != "/" {
		t.Errorf("led to %q", got.Header().Get("Location"))
	}
}

// submitUndo sends the form that takes back a pair.
func (v *visitor) submitUndo(page, thing, person string) string {
	v.t.Helper()
	if !strings.Contains(page, `value="undo"`) {
		v.t.Fatalf("no way back in\n%s", page)
	}
	got := v.post("/people/links", "of", program.OfDevice, "thing", thing, "person", person, "revision", "1", "do", "undo", "back", "/people/devices/mdm%2FC2")
	if got.Code != http.StatusSeeOther {
		v.t.Fatalf("undo: %d\n%s", got.Code, got.Body)
	}
	return v.page(got.Header().Get("Location"))
}

var pairValue = regexp.MustCompile(`name="pair" value="([^"]*)"`)

// TestLinkTogether: what is sure is confirmed with one press, each as an entry of
// its own; what somebody else decided meanwhile stays as they decided it.
func TestLinkTogether(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	for _, name := range []string{"ana", "owner"} {
		w.visit(s, name, access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	}
	pairs := func() (out []string) {
		for _, m := range pairValue.FindAllStringSubmatch(lead.page("/people/links"), -1) {
			out = append(out, html.UnescapeString(m[1]))
		}
		return out
	}
	have := pairs()
	if len(have) < 2 {
		t.Fatalf("%d sure matches, want 2\n%s", len(have), lead.page("/people/links"))
	}
	wantTexts(t, lead.page("/people/links"), "Sure matches", "Confirm what is ticked")
	wants(t, lead.post("/people/links", "do", "together"), http.StatusUnprocessableEntity, "Tick 1 to 200")
	ticked := []string{"do", "together"}
	for _, p := range have {
		ticked = append(ticked, "pair", p)
	}
	before := lead.page("/people/links?show=confirmed")
	wants(t, lead.post("/people/links", ticked...), http.StatusSeeOther)
	after := lead.page("/people/links?show=confirmed")
	if got := strings.Count(after, "same e-mail address") - strings.Count(before, "same e-mail address"); got != len(have) {
		t.Errorf("%d were confirmed, want %d", got, len(have))
	}
	if got := strings.Count(lead.page("/log"), "identity.link on"); got != len(have) {
		t.Errorf("%d entries, want one for each of %d", got, len(have))
	}
	if left := pairs(); len(left) > 0 {
		t.Errorf("still proposed: %q", left)
	}
	wants(t, lead.post("/people/links", ticked...), http.StatusSeeOther)
	wantTexts(t, lead.page("/people/links"), "0 are confirmed", "2 were not: somebody else has decided")
	wants(t, lead.post("/people/links", "not", have[0]), http.StatusConflict, "Somebody has decided this")
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	wants(t, reader.post("/people/links", ticked...), http.StatusForbidden)
}

// TestConfirmToo: whose a name at a shell is, one person says and another confirms.
func TestConfirmToo(t *testing.T) {
	w := reviewWorld(t)
	s := w.server()
	first := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	second := w.visit(s, "second", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	wants(t, first.post("/people/links", "of", program.OfTieout, "thing", "ana-shell", "person", "hr/3", "revision", "0", "back", "/people/links", "do", "link"), http.StatusSeeOther)
	at := "/people/links?show=confirmed"
	page := first.page(at)
	wantTexts(t, page, "ana-shell at a shell", "Waits for a second person")
	if strings.Contains(page, "Confirm too") {
		t.Error("who said it is offered to confirm it too")
	}
	form := []string{"of", program.OfTieout, "thing", "ana-shell", "person", "hr/3", "revision", "1", "back", at, "do", "second"}
	if got := first.post("/people/links", form...); got.Code == http.StatusSeeOther {
		t.Error("one person is both")
	}
	wantTexts(t, second.page(at), "Confirm too")
	wants(t, second.post("/people/links", form...), http.StatusSeeOther)
	page = second.page(at)
	wantTexts(t, page, "Confirmed by you too", "and Second")
	if strings.Contains(page, "Waits for a second person") || strings.Contains(page, "Confirm too") {
		t.Error("it still waits")
	}
}
