package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
	"tieout/store"
)

// TestExamDraft: a draft is read as a page that says it is one, commented on at a
// place, and the firm's answer is shown.
func TestExamDraft(t *testing.T) {
	w := newExamWorld(t)
	const at = "/examinations/EN-1/drafts"
	if page := w.lead.page(at); !strings.Contains(page, "The firm has given no draft") {
		t.Errorf("before a draft\n%s", page)
	}
	r := w.issuedReport()
	r.Draft, r.Opinions = true, nil
	raw, err := attest.Marshal(r)
	gridCheck(t, err)
	digest, err := attest.Digest(r)
	gridCheck(t, err)
	w.sent(engagement.SendDraft, engagement.Draft{Digest: digest, Due: "2026-04-20"}, beside("draft.json", "application/json", raw))
	page := w.lead.page(at)
	for _, want := range []string{"1 draft was given; nobody has commented on its facts.", "Read draft 1", "20 Apr 2026", `<option value="Section III, DC 4">`, `<option value="Section IV, `} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	got := w.lead.get(at + "/1/read")
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "Draft for factual review") || !strings.HasPrefix(got.Header().Get("Content-Security-Policy"), "sandbox;") || strings.Contains(got.Body.String(), evil) {
		t.Errorf("the draft: %d %v", got.Code, got.Header())
	}
	for _, path := range []string{at + "/2/read", at + "/x/read", at + "/0/read"} {
		if got := w.lead.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := w.lead.post(at, "where", "", "text", "It is otherwise."); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "It is otherwise.") {
		t.Errorf("a comment on nowhere: %d", got.Code)
	}
	if got := w.signer.post(at, "where", "Section III", "text", "It is otherwise."); got.Code != http.StatusForbidden {
		t.Errorf("the signer comments: %d", got.Code)
	}
	w.lead.went(w.lead.post(at, "where", "Section III, DC 4", "text", "The region is named wrongly "+evil))
	w.sent(engagement.SendComments, []engagement.Comment{{ID: "M-1", Draft: digest, Where: "Section III, DC 4", Text: "The region is named wrongly " + evil, Answer: "It is corrected " + evil}})
	page = w.lead.page(at)
	for _, want := range []string{"1 comment is answered", "Section III, DC 4", "It is corrected"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	guest := w.visit(w.s, "guest", access.Grant{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "EN-1"})
	if got := guest.post(at, "where", "Section I", "text", "x"); got.Code != http.StatusForbidden {
		t.Errorf("the auditor's guest comments: %d", got.Code)
	}
	reader := w.visit(w.s, "rita", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	for _, v := range []*visitor{guest, reader} {
		for _, path := range []string{at, at + "/1/read"} {
			if got := v.get(path); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "region is named wrongly") {
				t.Errorf("a draft to who reads reports alone: %s: %d", path, got.Code)
			}
		}
	}
	w.sealedFrom(guest)
	employee := w.visit(w.s, "emp", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	if got := employee.get(at + "/1/read"); got.Code != http.StatusForbidden {
		t.Errorf("an employee reads the draft: %d", got.Code)
	}
}

// TestExamReport: the report says its opinion in words, its exceptions and its
// days; its files are those the firm released, and a copy is an entry before it
// leaves.
func TestExamReport(t *testing.T) {
	w := newExamWorld(t)
	const at = "/examinations/EN-1/report"
	if page := w.lead.page(at); !strings.Contains(page, "No report has been issued yet.") {
		t.Errorf("before the report\n%s", page)
	}
	for _, path := range []string{at + "/read", at + "/check", at + "/files/report.pdf"} {
		if got := w.lead.get(path); got.Code != http.StatusNotFound {
			t.Errorf("before the report, %s: %d", path, got.Code)
		}
	}
	_, r := w.issued()
	page := w.lead.page(at)
	for _, want := range []string{"The opinion is qualified on operating effectiveness of controls", "Basis", "Qualified", "The report of EN-1 speaks of these days.", "report.pdf", "Nobody was given a copy from here."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := len(examExceptions(&r)); n == 0 || strings.Count(page, " tested</p>") != n {
		t.Errorf("%d exceptions on the page, %d in the report", strings.Count(page, " tested</p>"), n)
	}
	if got := w.lead.get(at + "/read"); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "Draft for factual review") || !strings.Contains(got.Body.String(), "Acme &lt;script&gt;") {
		t.Errorf("the report as a page: %d", got.Code)
	}
	if page := w.lead.page(at + "/check"); !strings.Contains(page, "As it was issued, as far as the file shows") || !strings.Contains(page, "Holds") {
		t.Errorf("the check\n%s", page)
	}
	file := w.lead.get(at + "/files/report.pdf")
	if checks, err := pdf.Verify(file.Body.Bytes(), "", attest.Trust{}); err != nil || file.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("the PDF: %v %+v", err, checks)
	}
	if got := w.lead.get(at + "/files/draft.json"); got.Code != http.StatusNotFound {
		t.Errorf("a file there is none of: %d", got.Code)
	}
	if got := w.signer.post(at+"/copies", "for", "Ana", "mail", "ana@example.com", "why", "Procurement", "mark", "yes"); got.Code != http.StatusForbidden {
		t.Errorf("the signer gives a copy: %d", got.Code)
	}
	if got := w.lead.post(at+"/copies", "for", "", "mail", "ana@example.com", "why", "Procurement", "mark", "yes"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "Procurement") {
		t.Errorf("a copy for nobody: %d", got.Code)
	}
	if got := w.lead.post(at+"/copies", "for", "Ana", "mail", "ana@example.com", "why", "Procurement"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a copy that is neither marked nor encrypted: %d", got.Code)
	}
	got := w.lead.post(at+"/copies", "for", "Ana Lima", "mail", "ana@example.com", "why", "Procurement", "mark", "yes")
	if got.Code != http.StatusOK || !pdf.Is(got.Body.Bytes()) {
		t.Fatalf("a copy: %d\n%s", got.Code, got.Body)
	}
	if page := w.lead.page(at); !strings.Contains(page, "Ana Lima") || !strings.Contains(page, "CP-1") || !strings.Contains(page, "Marked on every page") {
		t.Errorf("the copy is not on the page\n%s", page)
	}
	w.side(func(x *management.Side) {
		if len(x.Copies) != 1 || x.Copies[0].Report != x.Releases[0].Report {
			t.Errorf("copies: %+v", x.Copies)
		}
	})
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if len(x.Issues) != 0 {
			t.Errorf("the company's reading wrote to the firm's file: %+v", x.Issues)
		}
	})
}

// sealedFrom wants no record of what management does in an examination, and no
// packet, to be open to somebody: not in the list, not by itself, not as bytes.
func (w *examWorld) sealedFrom(v *visitor) {
	w.t.Helper()
	n := 0
	gridCheck(w.t, w.s.home.Store.Records(w.t.Context(), store.RecordFilter{}, func(rec audit.Record) error {
		if rec.Kind != audit.RecordFieldwork && rec.Kind != audit.RecordPacket {
			return nil
		}
		n++
		for _, path := range []string{"/evidence/" + rec.Ref(), "/evidence/" + rec.Ref() + "/raw"} {
			if got := v.get(path); got.Code != http.StatusForbidden {
				w.t.Errorf("%s, a record of kind %s: %d", path, rec.Kind, got.Code)
			}
			if got := w.lead.get(path); got.Code != http.StatusOK {
				w.t.Errorf("%s to the lead: %d", path, got.Code)
			}
		}
		return nil
	}))
	if n == 0 {
		w.t.Error("there is no such record to look at")
	}
}

func TestExamCoverage(t *testing.T) {
	terms := engagement.Terms{Type: engagement.SOC2TypeII, Zone: "UTC", First: "2026-03-01", Last: "2026-03-31"}
	longer := terms
	longer.Last = "2026-06-30" // agreed on for the report that takes its place
	out := func(r management.Release) []management.Release {
		r.Report = "ab"
		if r.Terms.Type == "" {
			r.Terms = terms
		}
		return []management.Release{r}
	}
	letters := []management.Bridge{{ID: "L-1", BridgeData: management.BridgeData{Report: "ab", From: "2026-04-01", To: "2026-04-20", Signed: engagement.Signature{Name: "Sam"}}}}
	older := []management.Bridge{letters[0]}
	older[0].Report = "cd"
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	tests := []struct {
		name  string
		side  management.Side
		now   time.Time
		words []string
	}{
		{"on the last day", management.Side{Releases: out(management.Release{})}, day("2026-03-31"), []string{"Examined"}},
		{"later", management.Side{Releases: out(management.Release{})}, day("2026-05-01"), []string{"Examined", "Nothing"}},
		{"with a letter", management.Side{Releases: out(management.Release{}), Bridges: letters}, day("2026-05-01"), []string{"Examined", "Management's letter", "Nothing"}},
		{"within the letter", management.Side{Releases: out(management.Release{}), Bridges: letters}, day("2026-04-20"), []string{"Examined", "Management's letter"}},
		{"with the letter of an older report", management.Side{Releases: out(management.Release{}), Bridges: older}, day("2026-04-20"), []string{"Examined", "Nothing"}},
		{"withdrawn", management.Side{Releases: out(management.Release{Withdrawn: "it was wrong"}), Bridges: letters}, day("2026-04-20"), []string{"Nothing", "Nothing"}},
		{"while the terms are longer", management.Side{Terms: longer, Releases: out(management.Release{})}, day("2026-05-01"), []string{"Examined", "Nothing"}},
		{"as of a date", management.Side{Releases: out(management.Release{Terms: engagement.Terms{Type: engagement.SOC2TypeI, AsOf: "2026-03-31"}})}, day("2026-05-01"), []string{"Examined"}},
		{"as of a date, withdrawn", management.Side{Releases: out(management.Release{Terms: engagement.Terms{Type: engagement.SOC2TypeI, AsOf: "2026-03-31"}, Withdrawn: "x"})}, day("2026-05-01"), []string{"Nothing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range examCoverage(&tt.side, tt.now) {
				got = append(got, s.Word)
			}
			if !slices.Equal(got, tt.words) {
				t.Errorf("got %v, want %v", got, tt.words)
			}
		})
	}
}

func TestSayExamReport(t *testing.T) {
	release := func(words map[string]string) *management.Release { return &management.Release{Opinions: words} }
	tests := []struct {
		name       string
		r          *management.Release
		exceptions int
		expected   string
		want       string
	}{
		{"none", nil, 0, "", "No report has been issued yet."},
		{"none, with a day", nil, 0, "Report, 20 Apr 2026", "No report has been issued yet. The last day both sides work towards: Report, 20 Apr 2026."},
		{"unmodified, nothing found", release(map[string]string{"design": "Unmodified"}), 0, "", "The opinion is unmodified; no exception is reported for March."},
		{"unmodified, one test", release(map[string]string{"design": "Unmodified"}), 1, "", "The opinion is unmodified; 1 test reports exceptions for March."},
		{"two parts modified", release(map[string]string{"design": "Adverse", "operation": "Qualified"}), 3, "", "The opinion is adverse on suitability of the design of controls and qualified on operating effectiveness of controls; 3 tests report exceptions for March."},
		{"withdrawn", &management.Release{Withdrawn: "x"}, 3, "", "The firm withdrew the report: nobody may rely on it."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayExamReport(tt.r, "March", tt.exceptions, tt.expected); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSayExamDrafts(t *testing.T) {
	tests := []struct {
		name     string
		drafts   int
		comments []examComment
		want     string
	}{
		{"none", 0, nil, "The firm has given no draft for factual review."},
		{"one, nothing said", 1, nil, "1 draft was given; nobody has commented on its facts."},
		{"two, one waits", 2, []examComment{{Answer: "a"}, {}}, "2 drafts were given; 1 of 2 comments wait for the firm's answer."},
		{"all answered", 1, []examComment{{Answer: "a"}}, "1 draft was given; 1 comment is answered."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayExamDrafts(tt.drafts, tt.comments); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
