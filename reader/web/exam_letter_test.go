package web

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/pdf"
	"tieout/report/letter"
)

const examLetters = "/examinations/EN-1/letters"

// assertion is the form of a good assertion, with changes.
func assertionForm(change ...string) []string {
	return changedFields([]string{"by", "Acme " + evil, "description", "yes", "design", "yes", "operation", "no", "except", "Some leavers kept an account " + evil, "text", "We described the system as it is " + evil, "dated", "2026-04-01",
		"title", "Chief Executive Officer", "passphrase", examPhrase}, change...)
}

func representationForm(change ...string) []string {
	return changedFields([]string{"by", "Acme " + evil, "text", "We told you all there is " + evil, "dated", "2026-04-01", "title", "Chief Executive Officer", "passphrase", examPhrase}, change...)
}

func changedFields(pairs []string, change ...string) []string {
	for i := 0; i+1 < len(change); i += 2 {
		for n := 0; n < len(pairs); n += 2 {
			if pairs[n] == change[i] {
				pairs[n+1] = change[i+1]
			}
		}
	}
	return pairs
}

// asserted is finished with assertion and letter of representation signed.
func (w *examWorld) asserted() *examWorld {
	w.t.Helper()
	w.finished()
	w.key(w.signer)
	w.signer.went(w.signer.post(examLetters+"/assertion", assertionForm()...))
	w.signer.went(w.signer.post(examLetters+"/representation", representationForm()...))
	w.exchange()
	return w
}

// issuedReport is a report on Acme, qualified on operation, signed by the partner.
func (w *examWorld) issuedReport() attest.Report {
	r := attesttest.TypeII()
	r.ID, r.Client.Name, r.System, r.Zone, r.First, r.Last, r.Dated = "RPT-EN-1-1", "Acme "+evil, "Acme Cloud "+evil, "UTC", "2026-03-01", "2026-03-31", "2026-04-01"
	r.Opinions = []attest.Opinion{{Part: "description", Word: "Unmodified", Text: "It is fair " + evil}, {Part: "design", Word: "Unmodified", Text: "They are suitable."}, {Part: "operation", Word: "Qualified", Text: "But for leavers.", Basis: "Some kept an account " + evil}}
	return r
}

// sent has the firm send a packet, which comes here.
func (w *examWorld) sent(kind engagement.Kind, payload any, files ...packet.File) {
	w.t.Helper()
	post, err := w.firm.s.firm.Post(w.t.Context(), "EN-1", "")
	gridCheck(w.t, err)
	_, err = post.Send(w.t.Context(), packet.Outgoing{Kind: kind, By: audit.Actor{Kind: audit.ActorConnector, Name: "exchange"}, Payload: payload, Files: files})
	gridCheck(w.t, err)
	w.carry(w.firm.s.home, w.here, w.firm.s.firm.Flush, w.firm.s.firm.Post, w.s.exam.Post, w.s.exam.Take)
}

func beside(name, media string, data []byte) packet.File {
	return packet.File{Name: name, Media: media, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// issued is asserted with the report out: its packet is the firm's, with files.
func (w *examWorld) issued() (*examWorld, attest.Report) {
	w.t.Helper()
	w.asserted()
	r := w.issuedReport()
	value, err := attest.Marshal(r)
	gridCheck(w.t, err)
	digest, err := attest.Digest(r)
	gridCheck(w.t, err)
	_, pages, err := pdf.Pages(r)
	gridCheck(w.t, err)
	sheets, err := pdf.Render(attesttest.Signed(r, pages))
	gridCheck(w.t, err)
	w.sent(engagement.SendReport, engagement.Release{Report: digest, Files: []string{"report.json", "report.pdf"}, Dated: "2026-04-01", Signed: engagement.Signature{Name: "Paula", Title: "Partner", Value: "x"}},
		beside("report.json", "application/json", value), beside("report.pdf", "application/pdf", sheets))
	w.side(func(x *management.Side) {
		if len(x.Releases) != 1 {
			w.t.Fatalf("%d releases", len(x.Releases))
		}
	})
	return w, r
}

var (
	formFields = regexp.MustCompile(`(?s)<(?:input|textarea)[^>]*\bname="([^"]*)"[^>]*>`)
	formValue  = regexp.MustCompile(`\bvalue="([^"]*)"`)
)

// formTo is the form of a page that is posted to a path, as it stands.
func formTo(page, path string) url.Values {
	out := url.Values{}
	_, form, _ := strings.Cut(page, `action="`+path+`" method="post"`)
	form, _, _ = strings.Cut(form, "</form>")
	for _, m := range formFields.FindAllStringSubmatch(form, -1) {
		value := ""
		if v := formValue.FindStringSubmatch(m[0]); v != nil {
			value = html.UnescapeString(v[1])
		}
		out.Add(html.UnescapeString(m[1]), value)
	}
	return out
}

// TestExamAssertion: nothing is filled in, each part is decided, and who signs
// does it with a key of their own, after the description is finished.
func TestExamAssertion(t *testing.T) {
	w := newExamWorld(t)
	const at = examLetters + "/assertion"
	if page := w.signer.page(examLetters); !strings.Contains(page, "no version of the description is finished") || strings.Contains(page, "Write and sign<") {
		t.Errorf("before the description\n%s", page)
	}
	w.key(w.signer)
	if got := w.signer.post(at, assertionForm()...); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "the description, which is not finished") {
		t.Errorf("before the description: %d", got.Code)
	}
	w.finished()
	page := w.signer.page(at)
	if strings.Contains(page, "checked") || !strings.Contains(page, "nothing is filled in before") || !strings.Contains(page, `name="passphrase"`) {
		t.Errorf("the form\n%s", page)
	}
	tests := []struct {
		name   string
		fields []string
		code   int
		says   string
	}{
		{"a part left open", assertionForm("design", ""), http.StatusUnprocessableEntity, "Decide on each part"},
		{"not asserted, without a word", assertionForm("except", ""), http.StatusUnprocessableEntity, "what does not hold"},
		{"a placeholder", assertionForm("text", "We describe [insert system]."), http.StatusConflict, "still holds"},
		{"no text", assertionForm("text", ""), http.StatusUnprocessableEntity, "text"},
		{"no day", assertionForm("dated", "soon"), http.StatusUnprocessableEntity, "dated"},
		{"another passphrase", assertionForm("passphrase", "wrong"), http.StatusUnprocessableEntity, "not the one of your key"},
		{"no capacity", assertionForm("title", ""), http.StatusUnprocessableEntity, "in which capacity"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := w.signer.post(at, tt.fields...)
			if got.Code != tt.code || !strings.Contains(got.Body.String(), tt.says) {
				t.Errorf("%d, want %d and %q", got.Code, tt.code, tt.says)
			}
		})
	}
	if got := w.lead.post(at, assertionForm()...); got.Code != http.StatusForbidden {
		t.Errorf("the lead asserts: %d", got.Code)
	}
	other := w.visit(w.s, "otto", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	if got := other.post(at, assertionForm()...); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "no key to sign with") {
		t.Errorf("without a key: %d", got.Code)
	}
	if got := w.signer.post(examLetters+"/representation", representationForm()...); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "has not signed its assertion yet") {
		t.Errorf("the letter before the assertion: %d", got.Code)
	}
	if got := w.signer.get(at + "?by=Nobody"); got.Code != http.StatusNotFound {
		t.Errorf("a party there is none of: %d", got.Code)
	}
	w.signer.went(w.signer.post(at, assertionForm()...))
	page = w.signer.went(w.signer.post(examLetters+"/representation", representationForm()...))
	if !strings.Contains(page, "Everything that management signs is signed.") || !strings.Contains(page, "Not asserted") {
		t.Errorf("after both\n%s", page)
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if a := x.Assertions["Acme "+evil]; a == nil || a.Decision.Operation || !a.Decision.Design || x.Representations["Acme "+evil] == nil {
			t.Errorf("the firm has %+v", x.Assertions)
		}
	})
}

// TestExamBridge: a letter says everything that is on record for its days, or is
// not signed; signed it is given as files.
func TestExamBridge(t *testing.T) {
	w := newExamWorld(t)
	const at = "/examinations/EN-1/bridge"
	if page := w.signer.page(at); !strings.Contains(page, "there is no report yet") && !strings.Contains(page, "There is no report yet") {
		t.Errorf("before the report\n%s", page)
	}
	w.issued()
	incident, err := w.s.book.ReportIncident(t.Context(), w.asLead(), "Pages were slow "+evil, time.Date(2026, 4, 1, 5, 0, 0, 0, time.UTC))
	gridCheck(t, err)
	page := w.signer.page(at)
	for _, want := range []string{"Incident: " + incident.ID, "Opinion of the report", "Deviation of a control", "Days without tests"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not list %q\n%s", want, page)
		}
	}
	form := formTo(page, at)
	for name := range form {
		if strings.Contains(name, ":") {
			form.Set(name, "It is so "+evil)
		}
	}
	for name, value := range map[string]string{"text": "The controls are in place, but for this.", "next": "2027-06-30", "title": "Chief Executive Officer", "passphrase": examPhrase} {
		form.Set(name, value)
	}
	fields := func(change ...string) (out []string) {
		for name, values := range form {
			out = append(out, name, values[0])
		}
		return changedFields(out, change...)
	}
	tests := []struct {
		name   string
		change []string
		code   int
		says   string
	}{
		{"the incident", []string{"incident:" + incident.ID, " "}, http.StatusConflict, "does not disclose incident:" + incident.ID},
		{"the qualified opinion", []string{"opinion:operation", ""}, http.StatusConflict, "does not disclose opinion:operation"},
		{"deviations", []string{"of:" + examProcedure, ""}, http.StatusConflict, "does not disclose deviation:D-"},
		{"an older list", []string{"refs", "untested:x"}, http.StatusConflict, "has changed since you opened"},
		{"days to come", []string{"to", "2026-12-31"}, http.StatusUnprocessableEntity, "none that is still to come"},
		{"no text", []string{"text", ""}, http.StatusUnprocessableEntity, "text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := w.signer.post(at, fields(tt.change...)...); got.Code != tt.code || !strings.Contains(got.Body.String(), tt.says) {
				t.Errorf("%d, want %d and %q", got.Code, tt.code, tt.says)
			}
		})
	}
	if got := w.lead.post(at, fields()...); got.Code != http.StatusForbidden {
		t.Errorf("the lead signs: %d", got.Code)
	}
	page = w.signer.went(w.signer.post(at, fields()...))
	if !strings.Contains(page, "1 letter is signed") {
		t.Errorf("after signing\n%s", page)
	}
	file := w.lead.get(at + "/L-1/pdf")
	checks, err := letter.Verify(file.Body.Bytes(), attest.Trust{})
	if err != nil || file.Header().Get("Content-Type") != "application/pdf" || !slices.ContainsFunc(checks.List, func(c attest.Verified) bool { return strings.Contains(c.Sentence, "Signed by") }) {
		t.Errorf("%v %+v", err, checks)
	}
	for _, f := range []string{"html", "docx"} {
		if got := w.lead.get(at + "/L-1/" + f); got.Code != http.StatusOK || !strings.HasPrefix(got.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d %v", f, got.Code, got.Header())
		}
	}
	for _, path := range []string{at + "/L-2/pdf", at + "/L-1/exe"} {
		if got := w.lead.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := w.lead.post("/examinations/EN-1/description/4", "revision", "1", "text", "After the report."); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "only a superseding report") {
		t.Errorf("the description after the report: %d", got.Code)
	}
	if got := w.signer.post(examLetters+"/assertion", assertionForm()...); got.Code != http.StatusConflict {
		t.Errorf("the assertion after the report: %d", got.Code)
	}
}

func TestSayBridge(t *testing.T) {
	tests := []struct {
		name, why, want string
		signed, known   int
	}{
		{"no report", "There is no report yet.", "No letter has been signed for the days after the report. There is no report yet.", 0, 0},
		{"nothing known", "", "No letter has been signed for the days after the report; nothing is on record that a letter would have to disclose.", 0, 0},
		{"one known", "", "No letter has been signed for the days after the report; 1 thing is on record that a letter has to disclose.", 0, 1},
		{"many", "", "2 letters are signed for days after the report; 3 things are on record that a letter has to disclose.", 2, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayBridge(tt.why, tt.signed, tt.known); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSayLetters(t *testing.T) {
	tests := []struct {
		name string
		rows []examSigned
		want string
	}{
		{"nothing can be", []examSigned{{Missing: []string{"x"}}, {Missing: []string{"x"}}}, "0 of 2 texts are signed; nothing can be signed yet."},
		{"one can be", []examSigned{{}, {Missing: []string{"x"}}}, "0 of 2 texts are signed; 1 can be signed now."},
		{"all are", []examSigned{{By: "a"}, {By: "b"}}, "Everything that management signs is signed."},
		{"one anew", []examSigned{{By: "a", Anew: "x"}, {By: "b"}}, "1 text was signed before something in it changed: sign anew."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayLetters(tt.rows); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
