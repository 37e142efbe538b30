package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/period"
	"tieout/reader/answer"
)

const ledgerText = `name: Ledger
boundary: "The service EVIL."
users:
  - { id: merchants, name: "Merchants EVIL" }
data:
  - { id: payments, name: "Payments EVIL", class: confidential }
components:
  - { id: api, name: "API EVIL", kind: software, layer: Edge, owner: Ana, data: [payments], since: 2026-03-02, claims: [ { type: account, account: okta } ] }
  - { id: queue, name: Queue, kind: infrastructure, owner: Ana }
flows:
  - { from: merchants, to: api, data: [payments], controls: [IAM-02], how: "HTTPS EVIL" }
  - { from: api, to: queue, data: [payments] }
commitments:
  - { id: C-1, text: "Access ends EVIL.", category: S, criteria: [CC6.2, CC9.1], controls: [IAM-02, SDL-02] }
subservices:
  - { id: cumulo, name: "Cumulo EVIL", service: Hosting, method: carve-out, csocs: [ { id: S-1, text: "Doors EVIL.", criteria: [CC6.4] } ] }
cuecs:
  - { id: U-1, text: "Customers remove users EVIL.", criteria: [CC6.2], controls: [IAM-02] }
excluded: ["The site EVIL"]
`

// described is a tested world with a system file whose every text is markup.
func described(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.write("systems/ledger.yaml", strings.ReplaceAll(ledgerText, "EVIL", strings.ReplaceAll(evil, `"`, `\"`)))
	p := w.open("", false)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	return w.tested()
}

func holds(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("misses %q", want)
		}
	}
}

func TestSystemScreen(t *testing.T) {
	w := described(t)
	page := w.serve().page("/system")
	holdPage(t, "/system", page)
	holds(t, page, "What this is: 2 components in 2 layers; 1 subservice organization is carved out; 1 component is read by no source.",
		`<svg class="bd"`, `role="img"`, "no control named", "systems/ledger.yaml", `href="/controls/IAM-02"`, `href="/controls?criterion=CC6.2"`,
		"No control named here meets it", "No source reads it", "Since 2 Mar 2026", "No reason given", "Everything that sources see belongs to a component")
	if n := strings.Count(page, html.EscapeString(evil)); n < 8 {
		t.Errorf("got %d escaped names, want at least eight", n)
	}
}

// Without a system file the screen says what to write, and shows what nothing claims.
func TestSystemScreenOfNothing(t *testing.T) {
	page := newWorld(t).tested().serve().page("/system")
	holdPage(t, "/system", page)
	holds(t, page, "Nothing says yet what the system is", "systems/main.yaml", "1</span> system with accounts", "Claim it for a component", "Exclude it",
		html.EscapeString(`- { type: account, source: okta, account: okta }`))
}

// Before anything is collected nothing is claimed to be complete.
func TestScreensBeforeTheFirstCollection(t *testing.T) {
	v := newWorld(t).serve()
	holds(t, v.page("/system"), "No source was read yet, so nothing can be seen")
	page := v.page("/readiness")
	holds(t, page, "Nothing was tested yet", "Would stop", "No run is sealed yet, so there is nothing to draw.")
	if strings.Contains(page, "No gap is open") {
		t.Error("claims that no gap is open")
	}
}

func TestCoverageScreen(t *testing.T) {
	v := described(t).serve()
	page := v.page("/coverage")
	holdPage(t, "/coverage", page)
	holds(t, page, "criteria, ", `href="/controls?criterion=CC6.2"`, "tested here", "Add a control of the library", "controls/starter.yaml", "HIPAA")
	none := v.page("/coverage?show=none")
	if strings.Contains(none, `<a class="m `) || strings.Count(none, "No control</span>") < 5 {
		t.Errorf("show=none shows criteria with a control, or only %d without", strings.Count(none, "No control</span>"))
	}
	holds(t, v.page("/coverage?show=untested"), "No criterion is like that")
	by := v.page("/coverage?by=control&criterion=CC6.2&group=access")
	holds(t, by, `href="/controls/IAM-02"`, "Show every control")
	holds(t, v.page("/coverage?by=control&group=privacy"), "No control in scope is like that")
	hipaa := v.page("/coverage?set=hipaa")
	holdPage(t, "/coverage?set=hipaa", hipaa)
	holds(t, hipaa, "of HIPAA (45 CFR 164)", "covers", "meeting one meets the other")
	holds(t, v.page("/coverage?set=hipaa&strength=none-such"), "No place is like that")
	if got := v.get("/coverage?set=sox"); got.Code != http.StatusNotFound {
		t.Errorf("a framework there is not: %d", got.Code)
	}
}

func TestReadinessScreen(t *testing.T) {
	w := described(t)
	v := w.serve()
	page := v.page("/readiness")
	holdPage(t, "/readiness", page)
	holds(t, page, "are open, and 31 Mar 2026 has passed", "The longest poles", "Would stop", "Management has answered every finding", `href="/coverage?show=none"`, "Nobody yet")
	holds(t, v.page("/readiness?by=2026-06-30"), "between here and 30 Jun 2026", `value="2026-06-30"`)
	holds(t, v.page("/readiness?kind=findings-to-decide"), "Gaps of this kind")
	for _, bad := range []string{"tomorrow", "2026-13-01", "2026-06-30T00:00:00Z"} {
		if got := v.get("/readiness?by=" + bad); got.Code == http.StatusOK {
			t.Errorf("%q is taken for a day", bad)
		}
	}
}

var findingRef = regexp.MustCompile(`\bD-[0-9a-f]{8}`)

// Who reads a part is told of that part, and not of findings they may not read.
func TestReadinessOfAPart(t *testing.T) {
	w := described(t)
	v := w.visit(w.server(), "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	page := v.page("/readiness")
	holds(t, page, "Of what you may read: ")
	for _, not := range []string{"Would stop", "has no control", "No source gives"} {
		if strings.Contains(page, not) {
			t.Errorf("an owner of one control is told %q", not)
		}
	}
	holds(t, v.page("/coverage"), "Of the controls you may read: ")
	admin := w.visit(w.server(), "admin", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace}).page("/readiness")
	if strings.Contains(admin, "to decide: ") || findingRef.MatchString(admin) {
		t.Error("an administrator, who may not read findings, is told of them")
	}
}

// A run that was sealed later, and what was decided, move the picture.
func TestBurnFollowsTheLog(t *testing.T) {
	w := described(t)
	w.at = w.at.Add(48 * time.Hour)
	w.tested()
	page := w.serve().page("/readiness")
	holdPage(t, "/readiness", page)
	holds(t, page, `<svg class="bu"`, "The same as a table")
}

// A decision makes another state; what sources see is taken over. Another
// collection makes it anew.
func TestInherit(t *testing.T) {
	w := described(t)
	p := w.open("", false)
	defer w.close(p)
	old, err := build(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	made, err := old.system.get(func() (*answer.System, error) { return answer.SystemOf(t.Context(), p) })
	if err != nil {
		t.Fatal(err)
	}
	st, err := build(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if st.inherit(old); st.system.v != made || !st.system.made {
		t.Error("the same evidence is looked at again")
	}
	w.at = w.at.Add(24 * time.Hour)
	if _, err := p.Collect(t.Context(), nil, func(period.Progress) {}); err != nil {
		t.Fatal(err)
	}
	later, err := build(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if later.inherit(old); later.system.made {
		t.Error("what an older collection saw is taken over")
	}
}
