package web

import (
	"bytes"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
	"tieout/store"
	"tieout/trust"
)

const accessTerms = "# Terms of access\n\nYou show the report to **nobody else** and use it for the reason you gave. "

// askForm is a request of somebody outside; change replaces single fields.
func askForm(change ...string) []string {
	return changed([]string{"report", "EN-1", "name", "Ana Lima " + evil, "organization", "Meridian " + evil, "mail", "ana@meridian.example", "class", "prospect", "reason", "We choose a ledger this quarter " + evil}, change)
}

// giveForm is what the lead fills in to give access.
func giveForm(change ...string) []string {
	return changed([]string{"engagement", "EN-1", "name", "Ben Roe", "organization", "Harbor", "mail", "ben@harbor.example", "class", "customer", "basis", "", "ground", "Master agreement, clause 14", "until", ""}, change)
}

var linkShown = regexp.MustCompile(`/trust/access/[A-Za-z0-9_-]{43}`)

// given has the lead give access, and returns the path of its link.
func (w *examWorld) given(at string, form ...string) string {
	w.t.Helper()
	got := w.lead.post(at, form...)
	path := linkShown.FindString(got.Body.String())
	if got.Code != http.StatusOK || path == "" {
		w.t.Fatalf("give access: %d\n%s", got.Code, got.Body)
	}
	return path
}

// published is issued with the report published and the terms of access set.
func (w *examWorld) published() *examWorld {
	w.t.Helper()
	w.issued()
	w.lead.went(w.lead.post("/trust/settings/publish", "engagement", "EN-1"))
	w.signer.went(w.signer.post("/trust/settings/terms", "text", accessTerms+evil, "revision", hiddenOf(w.t.(*testing.T), w.signer.page("/trust/settings"), "revision")))
	return w
}

// inside are words of the report that nobody outside sees before they may.
var inside = []string{"Qualified", "But for leavers", "Acme Cloud", "Cloudhost", "Some kept an account", "report.pdf"}

func mustHide(t *testing.T, where string, got *httptest.ResponseRecorder) {
	t.Helper()
	for _, word := range inside {
		if strings.Contains(got.Body.String(), word) {
			t.Errorf("%s tells %q", where, word)
		}
	}
	inert(t, got.Body.String())
	if h := got.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s: %v", where, h)
	}
}

// TestTrustPublic: there is no public page until somebody publishes, and then it
// speaks of the report without what it says. Who asks gets one answer, whoever asks.
func TestTrustPublic(t *testing.T) {
	w := newExamWorld(t)
	w.issued()
	out := w.browser(w.s)
	for _, path := range []string{"/trust", "/trust.json", "/trust/open/EN-1", "/trust/badge/EN-1"} {
		if got := out.get(path); got.Code != http.StatusNotFound || strings.Contains(got.Body.String(), "Acme") {
			t.Errorf("%s before anything is published: %d\n%s", path, got.Code, got.Body)
		}
	}
	if got := out.post("/trust", askForm()...); got.Code != http.StatusNotFound {
		t.Errorf("asked for before it is published: %d", got.Code)
	}
	w.lead.went(w.lead.post("/trust/settings/publish", "engagement", "EN-1"))
	for _, path := range []string{"/trust", "/trust.json"} {
		got := out.get(path)
		mustHide(t, path, got)
		mustHold(t, got.Body.String(), "SOC 2 Type II", "2026")
	}
	mustHold(t, out.page("/trust"), "Security", "Availability", "not examined", "1 day since", "The days after 31 Mar 2026", "Ask for a report")
	if got := out.get("/trust/badge/EN-1"); got.Code != http.StatusOK || got.Header().Get("Content-Type") != "image/svg+xml; charset=utf-8" {
		t.Errorf("the badge: %d", got.Code)
	}
	if got := out.get("/trust/open/EN-1"); got.Code != http.StatusNotFound {
		t.Errorf("a SOC 2 is open to everybody: %d", got.Code)
	}
	w.later(2 * time.Minute)
	got := out.post("/trust", askForm("reason", "please", "class", "regulator")...)
	if got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a request without a reason: %d", got.Code)
	}
	mustHold(t, got.Body.String(), "too short", "Meridian", `value="regulator" selected`)
	inert(t, got.Body.String())
	if got := out.post("/trust", askForm("reason", strings.Repeat("x", maxOutside))...); got.Code != http.StatusUnprocessableEntity || strings.Contains(got.Body.String(), "xxx") {
		t.Errorf("a request as long as a book: %d, %d bytes", got.Code, got.Body.Len())
	}
	if got := out.post("/trust", askForm("report", "EN-9")...); got.Code != http.StatusNotFound {
		t.Errorf("a report there is none of: %d", got.Code)
	}
	if page := out.went(out.post("/trust", askForm()...)); !strings.Contains(page, thanks) {
		t.Errorf("after asking:\n%s", page)
	}
	w.later(3 * askEvery)
	for i := range askBurst + 1 { // a mail address that has asked, and one of somebody with an account
		got := out.post("/trust", askForm("mail", []string{"ana@meridian.example", "lead@example.com"}[i%2])...)
		switch {
		case i < askBurst && (got.Code != http.StatusSeeOther || !strings.Contains(out.page("/trust"), thanks)):
			t.Errorf("request %d is answered otherwise: %d\n%s", i, got.Code, got.Body)
		case i == askBurst && got.Code != http.StatusTooManyRequests:
			t.Errorf("request %d: %d", i, got.Code)
		}
	}
	w.lead.went(w.lead.post("/trust/settings/unpublish", "engagement", "EN-1"))
	if got := out.get("/trust"); got.Code != http.StatusNotFound {
		t.Errorf("after it was taken off: %d", got.Code)
	}
	if got := w.firm.browser(w.firm.s).get("/trust"); got.Code != http.StatusSeeOther {
		t.Errorf("a firm's workspace has a public page: %d", got.Code)
	}
}

// TestTrustAccess: a link shows the terms and nothing else, then the report; every
// look and every copy is in the log; when access ends it shows that and nothing else.
func TestTrustAccess(t *testing.T) {
	w := newExamWorld(t).published()
	out := w.browser(w.s)
	out.went(out.post("/trust", askForm()...))
	mustHold(t, w.lead.page("/trust/requests"), "1 request waits", "AQ-1", "Meridian")
	page := w.lead.page("/trust/requests/AQ-1")
	inert(t, page)
	mustHold(t, page, "nobody has checked who they are", "We choose a ledger", "ana@meridian.example")
	if got := w.lead.post("/trust/requests/AQ-1/grant", giveForm("class", "prospect", "basis", "contract")...); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "Basis of a prospective customer") {
		t.Errorf("a prospect on the ground of a contract: %d", got.Code)
	}
	at := w.given("/trust/requests/AQ-1/grant", giveForm("name", "Ana Lima "+evil, "organization", "Meridian "+evil, "mail", "ana@meridian.example", "class", "prospect")...)
	if page := w.lead.page("/trust/grants/G-1"); strings.Contains(page, strings.TrimPrefix(at, linkPath)) {
		t.Error("the link is shown twice")
	}
	w.termsFirst(t, out, at)
	w.opened(t, out, at)
	mustHold(t, w.lead.page("/trust/grants/G-1"), "Version 1, Ana Lima", "CP-1", "the holder of the link", "they took 1 copy of it")
	w.side(func(x *management.Side) {
		if len(x.Copies) != 1 || x.Copies[0].Grant != "G-1" || x.Copies[0].By != trust.Door || !x.Copies[0].Marked {
			t.Errorf("copies: %+v", x.Copies)
		}
	})
	w.later(doorEvery * doorBurst)
	w.lead.went(w.lead.post("/trust/grants/G-1/revoke", "why", "They bought elsewhere."))
	w.ended(t, out, at, "revoked")
	w.recordsHidden(t)
}

// termsFirst wants nothing but the terms until they are agreed to.
func (w *examWorld) termsFirst(t *testing.T, out *visitor, at string) {
	t.Helper()
	got := out.get(at)
	mustHide(t, "the terms", got)
	mustHold(t, got.Body.String(), "<strong>nobody else</strong>", "Version", trust.DigestOf(accessTerms+evil))
	for _, path := range []string{at + "/controls.csv", at + "/letters/L-1"} {
		if got := out.get(path); got.Code != http.StatusForbidden {
			t.Errorf("%s before the terms: %d", path, got.Code)
		} else {
			mustHide(t, path, got)
		}
	}
	if got := out.post(at + "/copy"); got.Code != http.StatusForbidden || pdf.Is(got.Body.Bytes()) {
		t.Errorf("a copy before the terms: %d", got.Code)
	}
	agree := func(change ...string) *httptest.ResponseRecorder {
		return out.post(at+"/agree", changed([]string{"digest", trust.DigestOf(accessTerms + evil), "name", "Ana Lima", "title", "Head of risk", "agree", "yes"}, change)...)
	}
	for name, tt := range map[string]struct {
		change []string
		want   int
	}{"without a tick": {[]string{"agree", ""}, 422}, "without a title": {[]string{"title", ""}, 422}, "to another text": {[]string{"digest", trust.DigestOf("x")}, 409}, "to no text": {[]string{"digest", ""}, 422}} {
		if got := agree(tt.change...); got.Code != tt.want {
			t.Errorf("agreed to %s: %d, want %d", name, got.Code, tt.want)
		} else {
			mustHide(t, name, got)
		}
	}
	if got := agree(); got.Code != http.StatusSeeOther || got.Header().Get("Location") != at {
		t.Fatalf("agreed: %d to %q\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	if got := agree(); got.Code != http.StatusSeeOther {
		t.Errorf("agreed to twice: %d", got.Code)
	}
}

// opened wants the report behind a link, and a copy that names its reader.
func (w *examWorld) opened(t *testing.T, out *visitor, at string) {
	t.Helper()
	page := out.page(at)
	inert(t, page)
	mustHold(t, page, "The opinion is qualified on operating effectiveness of controls", "But for leavers", "No promise of security", "What no examination can do", "Controls you operate", "Subservice organizations", `<rect class="tb-ok"`, "Download my copy")
	if strings.Contains(page, "/evidence/") || strings.Contains(page, "/examinations/") || strings.Contains(page, "Sign out") {
		t.Error("the page leads into the workspace")
	}
	if got := out.get(at + "/controls.csv"); got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Type"), "text/csv") || !strings.Contains(got.Body.String(), "your control") {
		t.Errorf("controls as CSV: %d\n%s", got.Code, got.Body)
	}
	if got := out.get(at + "/letters/L-1"); got.Code != http.StatusNotFound {
		t.Errorf("a letter there is none of: %d", got.Code)
	}
	if got := out.get(at + "/copy"); got.Code == http.StatusOK {
		t.Errorf("a copy by opening a page: %d", got.Code)
	}
	got := out.post(at + "/copy")
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "application/pdf" {
		t.Fatalf("a copy: %d\n%s", got.Code, got.Body)
	}
	checks, err := pdf.Verify(got.Body.Bytes(), "", attest.Trust{})
	gridCheck(t, err)
	named := false
	for _, c := range checks.List {
		named = named || strings.Contains(c.Sentence, "EN-1/CP-1 for Ana Lima")
	}
	if !named {
		t.Errorf("the copy does not name its reader: %+v", checks.List)
	}
}

// ended wants a link to say that access ended, and nothing else, whatever is asked.
func (w *examWorld) ended(t *testing.T, out *visitor, at, how string) {
	t.Helper()
	for _, got := range []*httptest.ResponseRecorder{out.get(at), out.get(at + "/controls.csv"), out.get(at + "/letters/L-1"), out.post(at + "/copy"), out.post(at+"/agree", "agree", "yes", "name", "Ana", "title", "Head")} {
		if got.Code != http.StatusGone || !strings.Contains(got.Body.String(), "<h1>Access ended ") {
			t.Errorf("%s: %d\n%s", how, got.Code, got.Body)
		}
		mustHide(t, how, got)
		for _, word := range []string{"Acme", "Ana", "Meridian", "Harbor", "Sandgate", "SOC", "EN-1"} {
			if strings.Contains(got.Body.String(), word) {
				t.Errorf("%s: the page tells %q", how, word)
			}
		}
	}
}

// recordsHidden wants what outsiders did open to the lead and the signer alone.
func (w *examWorld) recordsHidden(t *testing.T) {
	t.Helper()
	guest := w.visit(w.s, "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "EN-1"})
	reader := w.visit(w.s, "rita", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	n := 0
	gridCheck(t, w.s.home.Store.Records(t.Context(), store.RecordFilter{Kind: audit.RecordTrust}, func(rec audit.Record) error {
		n++
		for _, v := range []*visitor{guest, reader} {
			if got := v.get("/evidence/" + rec.Ref() + "/raw"); got.Code != http.StatusForbidden {
				t.Errorf("%s: %d", rec.Ref(), got.Code)
			}
		}
		if got := w.signer.get("/evidence/" + rec.Ref()); got.Code != http.StatusOK {
			t.Errorf("%s to the signer: %d", rec.Ref(), got.Code)
		}
		return nil
	}))
	if n < 7 {
		t.Errorf("%d entries", n)
	}
	for _, v := range []*visitor{guest, reader} {
		for _, path := range []string{"/trust/requests", "/trust/requests/AQ-1", "/trust/grants/G-1", "/trust/settings"} {
			if got := v.get(path); got.Code != http.StatusForbidden {
				t.Errorf("%s: %d", path, got.Code)
			}
		}
	}
	if got := w.signer.post("/trust/grants/new", giveForm()...); got.Code != http.StatusForbidden {
		t.Errorf("the signer gives access: %d", got.Code)
	}
}

// TestTrustEnds: wrong links open nothing, and a link opens nothing when its day is
// over or its report is not in force; whoever holds one is listed then.
func TestTrustEnds(t *testing.T) {
	w := newExamWorld(t).published()
	out := w.browser(w.s)
	short := w.given("/trust/grants/new", giveForm("until", w.at.Format(dayForm))...)
	long := w.given("/trust/grants/new", giveForm("name", "Ada Pike", "class", "regulator", "ground", "Article 30 of the act")...)
	for _, at := range []string{short, long} {
		mustHold(t, out.page(at), "But for leavers") // a contract or the law binds them: no terms
	}
	for _, secret := range []string{"x", strings.TrimPrefix(short, linkPath)[1:] + "A", strings.Repeat("A", 43), url.PathEscape("../../evidence/E-0"), "G-1", strings.Repeat("A", 4000)} {
		for _, got := range []*httptest.ResponseRecorder{out.get(linkPath + secret), out.get(linkPath + secret + "/controls.csv"), out.post(linkPath + secret + "/copy"), out.post(linkPath+secret+"/agree", "agree", "yes")} {
			if got.Code != http.StatusNotFound {
				t.Errorf("%.60s: %d", secret, got.Code)
			}
			mustHide(t, "a wrong link", got)
		}
		w.later(time.Minute)
	}
	cross := httptest.NewRequest("POST", long+"/copy", http.NoBody)
	cross.Host = host
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := out.send(cross); got.Code != http.StatusForbidden || pdf.Is(got.Body.Bytes()) {
		t.Errorf("a copy for another site: %d", got.Code)
	}
	w.later(30 * time.Hour)
	w.ended(t, out, short, "past its day")
	w.later(time.Minute)
	if got := out.post(long + "/copy"); got.Code != http.StatusOK || !pdf.Is(got.Body.Bytes()) {
		t.Errorf("a copy under the other: %d", got.Code)
	}
	digest := ""
	w.side(func(x *management.Side) { digest = x.Releases[0].Report })
	w.sent(engagement.SendReport, engagement.Release{Report: digest, Withdrawn: true, Why: "A population was not whole " + evil})
	w.ended(t, out, long, "withdrawn")
	if got := out.get("/trust"); got.Code != http.StatusNotFound {
		t.Errorf("a withdrawn report is spoken of: %d", got.Code)
	}
	if _, err := w.s.exam.TakeCopy(t.Context(), "", strings.TrimPrefix(long, linkPath)); err == nil {
		t.Error("a copy of a withdrawn report")
	}
	lead := w.visit(w.s, "lea", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := lead.page("/trust/requests")
	inert(t, page)
	mustHold(t, page, "tell who has it", "The firm withdrew it", "Ada Pike", "CP-1", "Ended with its report", "nobody outside can open a report")
	if got := lead.post("/trust/grants/new", giveForm()...); got.Code != http.StatusConflict {
		t.Errorf("access to a withdrawn report: %d", got.Code)
	}
}

// TestHushed: what is noted of a request holds no secret of a link.
func TestHushed(t *testing.T) {
	for path, want := range map[string]string{"/trust/access/secret": "/trust/access/...", "/trust/access/secret/copy": "/trust/access/...", "/trust/requests/AQ-1": "/trust/requests/AQ-1", "/": "/"} {
		if got := hushed(path); got != want {
			t.Errorf("%s is noted as %s", path, got)
		}
	}
}

func TestTrustReportOf(t *testing.T) {
	of := func(f func(*examination.Spoken)) examination.Spoken {
		s := examination.Spoken{Engagement: "EN-1", Type: engagement.SOC2TypeII, First: "2026-01-01", Last: "2026-06-30", Zone: "UTC", Dated: "2026-08-01", Firm: "Sandgate",
			Categories: []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Privacy}}}
		f(&s)
		return s
	}
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	for _, tt := range []struct {
		name  string
		s     examination.Spoken
		now   time.Time
		class string
		words []string
	}{
		{"young", of(func(*examination.Spoken) {}), day("2026-08-02"), "ok", []string{"33 days since the end of its period", "Privacy: not examined.", "The days after 30 Jun 2026."}},
		{"on the last day", of(func(*examination.Spoken) {}), day("2026-06-30"), "ok", []string{"Today is the end of its period."}},
		{"twelve months old", of(func(*examination.Spoken) {}), day("2027-06-30"), "ok", []string{"365 days since the end of its period"}},
		{"older", of(func(*examination.Spoken) {}), day("2027-07-01"), "late", []string{"more than twelve months"}},
		{"with a letter", of(func(s *examination.Spoken) { s.Until = "2026-08-31" }), day("2026-08-02"), "ok", []string{"to 31 Aug 2026, and nobody examined it"}},
		{"as of a date", of(func(s *examination.Spoken) { s.Type, s.AsOf = engagement.SOC2TypeI, "2026-06-30" }), day("2026-08-02"), "ok", []string{"as of 30 Jun 2026", "How the controls operated over time"}},
		{"of objectives", of(func(s *examination.Spoken) { s.Type = engagement.SOC1TypeII }), day("2026-08-02"), "ok", []string{"financial reporting"}},
	} {
		r := trustReportOf(tt.s, tt.now)
		all := strings.Join(append([]string{r.Days, r.Fresh}, r.Not...), "\n")
		if r.Class != tt.class {
			t.Errorf("%s: %s", tt.name, r.Class)
		}
		for _, w := range tt.words {
			if !strings.Contains(all, w) {
				t.Errorf("%s: nothing says %q:\n%s", tt.name, w, all)
			}
		}
	}
}

func TestSayDesk(t *testing.T) {
	for _, tt := range []struct {
		waits, open, held int
		want              string
	}{
		{0, 0, 0, "Nobody waits for an answer; nobody outside can open a report."},
		{1, 1, 0, "One request waits for an answer; 1 person outside can open a report."},
		{2, 3, 1, "2 requests wait for an answer; 3 people outside can open a report; somebody holds 1 report that is not in force."},
	} {
		if got := sayDesk(tt.waits, tt.open, tt.held); !strings.EqualFold(got, tt.want) && got != strings.Replace(tt.want, "One request", "1 request", 1) {
			t.Errorf("%d, %d, %d: %q", tt.waits, tt.open, tt.held, got)
		}
	}
}

func TestBadge(t *testing.T) {
	r := trustReportOf(examination.Spoken{Engagement: "EN-1", Type: engagement.SOC2TypeII, First: "2026-01-01", Last: "2026-06-30", Zone: "UTC", Dated: "2026-08-01", Firm: "Sandgate " + evil}, time.Now())
	for _, tt := range []struct {
		day string
		old bool
	}{{"2026-08-01", false}, {"2027-07-31", false}, {"2027-08-01", true}} {
		now, _ := time.Parse(time.DateOnly, tt.day)
		if got := badgeIsOld("2026-08-01", now); got != tt.old {
			t.Errorf("on %s: old is %v", tt.day, got)
		}
	}
	if !badgeIsOld("soon", time.Now()) {
		t.Error("a report without a day is current")
	}
	young, old := drawBadge(r, false), drawBadge(r, true)
	inert(t, young)
	mustHold(t, young, "days to 30 Jun 2026", "by Sandgate")
	mustHold(t, old, "older than twelve months", "1 Aug 2026")
	if strings.Contains(old, "Sandgate") || strings.Contains(young+old, "<script") {
		t.Errorf("badges:\n%s\n%s", young, old)
	}
}

// TestTrustBar: the drawing is figures of this program, whatever a letter says.
func TestTrustBar(t *testing.T) {
	l := examination.Link{Release: management.Release{Terms: engagement.Terms{Type: engagement.SOC2TypeII, Zone: "UTC", First: "2026-01-01", Last: "2026-01-10"}},
		Bridges: []management.Bridge{{BridgeData: management.BridgeData{From: "2026-01-11", To: "2026-01-15"}}}}
	got := string(trustBar(l, time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC)))
	for _, want := range []string{`class="tb-ok" x="0.00%" width="50.00%"`, `class="tb-late" x="50.00%" width="25.00%"`, `class="tb-gap" x="75.00%" width="25.00%"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, html.EscapeString(got))
		}
	}
	l.Release.Terms.Type = engagement.SOC2TypeI
	if got := trustBar(l, time.Now()); got != "" {
		t.Errorf("a date has a bar: %s", got)
	}
	if bytes.Contains([]byte(got), []byte("style=")) {
		t.Error("a style the content policy refuses")
	}
}
