package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
)

// TestProcedurePage: what is tested, how and on what, what revisions changed of it
// and which sealed runs performed it, for readers of the period.
func TestProcedurePage(t *testing.T) {
	w := newWorld(t).tested()
	w.write("procedures/starter.yaml", "use: starter\n")
	w.write("procedures/review.yaml", "use: access.leavers.accounts\nparameters: { time: 2bd }\n")
	p := w.open("", false)
	_, _, err := p.Apply(t.Context())
	w.close(p)
	if err != nil {
		t.Fatal(err)
	}
	w.tested()
	s := w.server()
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	page := reader.page("/procedures/access.leavers.accounts")
	inert(t, page)
	mustHold(t, page, "What was done", "On which population", "Examples", "In force here", "2 business days", "procedures/review.yaml", "History of this text",
		"Applied revisions that changed it", "Sealed runs of this period", `href="/controls/IAM-`)
	if n := strings.Count(page, "<th scope=\"row\"><a class=\"mono\""); n < 2 && strings.Count(page, "E-") < 2 {
		t.Errorf("two runs were sealed, the page names %d", n)
	}
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	mustHold(t, lead.page("/populations/access.leavers.accounts"), `href="/procedures/access.leavers.accounts"`)
	mustHold(t, lead.page("/controls/IAM-02"), `href="/procedures/`)
	for _, l := range linksOf(lead.page("/deviations")) {
		if strings.HasPrefix(l, "/deviations/D-") {
			mustHold(t, lead.page(l), `href="/procedures/`)
			break
		}
	}
	for name, tt := range map[string]struct {
		v    *visitor
		path string
		want int
	}{
		"nobody's":                    {lead, "/procedures/no.such", http.StatusNotFound},
		"an employee":                 {w.visit(s, "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn}), "/procedures/access.leavers.accounts", http.StatusForbidden},
		"the owner of something else": {w.visit(s, "other", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "SDL-02"}), "/procedures/access.leavers.accounts", http.StatusForbidden},
	} {
		if got := tt.v.get(tt.path).Code; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestSayProcedure(t *testing.T) {
	w := newWorld(t)
	p := w.open("", false)
	defer w.close(p)
	proc := p.Selection().Procedures[0]
	for _, tt := range []struct {
		revised, runs int
		more          bool
		want          string
	}{
		{0, 0, false, "No applied revision holds it yet; no sealed run of this period performed it."},
		{1, 1, false, "1 applied revision brought or changed it; 1 sealed run of this period performed it."},
		{3, 20, true, "3 applied revisions brought or changed it; more sealed runs of this period performed it than one page shows."},
	} {
		if got := sayProcedure(proc, tt.revised, tt.runs, tt.more); !strings.HasSuffix(got, tt.want) {
			t.Errorf("got %q, want it to end with %q", got, tt.want)
		}
	}
}

func TestWordsScreen(t *testing.T) {
	w := newWorld(t)
	v := w.visit(w.server(), "eva", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	page := v.page("/words")
	inert(t, page)
	mustHold(t, page, "SSAE 16", "Superseded", "15 June 2011", "WebTrust", "ISO/IEC 17021", "Gramm-Leach-Bliley", "It is no certificate", "FedRAMP")
	page = v.page("/words?q=SysTrust")
	mustHold(t, page, "entries speak of “SysTrust”", "SysTrust")
	if strings.Contains(page, "Gramm-Leach") {
		t.Error("the filter leaves in what does not speak of it")
	}
	mustHold(t, v.page("/words?q=zzzz"), "No entry speaks of “zzzz”.")
	mustHold(t, v.page("/search?q=SysTrust"), `href="/words#t-SysTrust"`)
}

func TestCoverageByPrinciple(t *testing.T) {
	w := newWorld(t).tested()
	v := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := v.page("/coverage?by=coso")
	inert(t, page)
	mustHold(t, page, "Control environment, principles 1 to 5", "Monitoring activities, principles 16 to 17", "COSO principle 17")
	if strings.Contains(page, `id="CC6.1"`) {
		t.Error("CC6.1 follows no principle")
	}
	if strings.Index(page, `id="CC3.1"`) > strings.Index(page, `id="CC2.1"`) {
		t.Error("principle 13 stands before principle 6")
	}
	page = v.page("/coverage")
	mustHold(t, page, "COSO principle 1<", "of 33", `href="/coverage#CC9.1"`, `href="/words"`)
}

// TestStatedOnScreen: where a file came from is shown as the word of who added it.
func TestStatedOnScreen(t *testing.T) {
	w := newWorld(t)
	v := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := v.page("/evidence/new")
	mustHold(t, page, "Where it came from", "It is a screenshot")
	p := w.open("", false)
	rows := int64(12)
	rec, err := p.SealDocument(t.Context(), audit.Actor{Kind: audit.ActorPerson, Name: v.account}, statedDocument(&rows))
	w.close(p)
	if err != nil {
		t.Fatal(err)
	}
	page = v.page("/evidence/" + rec.Ref())
	inert(t, page)
	mustHold(t, page, "As stated by who added it", "It proves one moment", "Clock on the screen", "Kept until", "class evidence, 5 years")
}

// TestDataOfAnIncident: data named in an incident puts the laws about it first, and
// authorities of the workspace are offered where a telling is recorded.
func TestDataOfAnIncident(t *testing.T) {
	w := newWorld(t)
	w.write("systems/main.yaml", "name: Clinic\ndata:\n  - { id: charts, name: Charts, class: restricted, regulated: [phi], handling: Encrypted at rest. }\n")
	w.write("tieout.yaml", "organization: { name: Acme, system: Clinic, zone: UTC, categories: [S] }\nperiod: { name: \"2026-03\", first: 2026-03-01, last: 2026-03-31 }\n"+
		"regulators:\n  - { name: Office for Civil Rights, law: HIPAA, reach: the portal, account: privacy@example.com }\n")
	p := w.open("", false)
	_, _, err := p.Apply(t.Context())
	w.close(p)
	if err != nil {
		t.Fatal(err)
	}
	v := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	v.post("/incidents/new", "detail", "A list went astray", "noticed", "2026-03-27T10:00")
	mustHold(t, v.page("/incidents/INC-1/write/describe"), "Data it concerns", "<code>charts</code>", "(phi)")
	form := []string{"title", "A list", "severity", "sev2", "kind", "privacy", "lead", "", "personal", "yes", "subjects", "", "controls", "", "systems", "", "promises", "", "criteria", "", "data", "charts", "revision", "1"}
	if got := v.post("/incidents/INC-1/write/describe", form...); got.Code != http.StatusSeeOther {
		t.Fatalf("describe: %d %s", got.Code, got.Body)
	}
	mustHold(t, v.page("/incidents/INC-1"), "Charts")
	page := v.page("/incidents/INC-1/write/clock")
	mustHold(t, page, "About data named here")
	if strings.Index(page, ">HIPAA: decide") > strings.Index(page, ">NIS2: decide") {
		t.Error("the law about the data does not stand first")
	}
	mustHold(t, v.page("/incidents/INC-1/write/told"), "Office for Civil Rights", "the portal", "privacy@example.com")
	if got := v.post("/incidents/INC-1/write/describe", changed(form, []string{"data", "nothing", "revision", "2"})...); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a class of data that no system has: %d", got.Code)
	}
	mustHold(t, v.page("/system"), "regulated: phi", "Handling: Encrypted at rest.", "Scope changes")
}

// TestOtherDocuments: a plan, and a diagram that is a sealed file, are kept like
// policies, without anybody being asked to agree.
func TestOtherDocuments(t *testing.T) {
	w := newWorld(t)
	v := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	p := w.open("", false)
	rec, err := p.SealDocument(t.Context(), audit.Actor{Kind: audit.ActorPerson, Name: v.account}, statedDocument(nil))
	w.close(p)
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, v.page("/policies/new?kind=plan"), "Write a plan", `<option selected>plan</option>`)
	form := func(change ...string) []string {
		return changed([]string{"id", "network", "title", "Network diagram", "owner", "lead@example.com", "audience", "all", "review", "year", "kind", "diagram", "file", rec.Ref(), "text", "", "revision", "0", "do", "keep"}, change)
	}
	for name, change := range map[string][]string{
		"no sealed document":   {"file", "E-0"},
		"not both":             {"text", "# Network"},
		"a sealed file is not": {"acknowledge", "yes"},
		"Kind is":              {"kind", "spell"},
	} {
		got := v.post("/policies/new", form(change...)...)
		if got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	if got := v.post("/policies/new", form()...); got.Code != http.StatusSeeOther {
		t.Fatalf("keeping: %d %s", got.Code, got.Body)
	}
	mustHold(t, v.page("/policies/network"), "Diagram", `href="/evidence/`+rec.Ref()+`"`)
	v.post("/policies/starters", "contact", "security@example.com", "revision", "0", "policy", "continuity-plan", "policy", "remote-work")
	page := v.page("/policies")
	mustHold(t, page, "Every kind", "kind=plan", "kind=diagram")
	page = v.page("/policies?kind=plan")
	mustHold(t, page, "Continuity and recovery plan")
	if strings.Contains(page, "Network diagram") || strings.Contains(page, "Remote work") {
		t.Error("the list of plans holds others")
	}
	mustHold(t, v.page("/policies/continuity-plan"), "cannot be approved before", program.DocumentKinds[1])
}

// statedDocument is a picture of a screen, with what is said of it.
func statedDocument(rows *int64) period.Document {
	day := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)
	return period.Document{Title: "Screen", File: "screen.png", Body: []byte("\x89PNG\r\n\x1a\n"), About: audit.Span{From: day, To: day.AddDate(0, 0, 1)},
		Stated: period.Stated{System: "Console " + evil, Rows: rows, Screenshot: true, Address: "https://console.example.com", Clock: "20 March 2026, 14:05"}}
}
