package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/store"
)

// sends posts a form that can hold a file: pairs of names and values; the file is
// sent where body is not empty.
func (v *visitor) sends(target, body string, pairs ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		gridCheck(v.t, m.WriteField(pairs[i], pairs[i+1]))
	}
	if body != "" {
		w, err := m.CreateFormFile("file", "minutes.txt")
		gridCheck(v.t, err)
		_, err = w.Write([]byte(body))
		gridCheck(v.t, err)
	}
	gridCheck(v.t, m.Close())
	r := httptest.NewRequest("POST", target, &b)
	r.Host = host
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// pageOfSource is a sealed page of evidence.
func (w *examWorld) pageOfSource() (ref string) {
	w.t.Helper()
	gridCheck(w.t, w.s.home.Store.Records(w.t.Context(), store.RecordFilter{Kind: audit.RecordPage}, func(rec audit.Record) error { ref = rec.Ref(); return nil }))
	if ref == "" {
		w.t.Fatal("no page of evidence is sealed")
	}
	return ref
}

// TestExamRequests: a request is given to somebody, drafted, answered with a file
// and a record, returned with a reason and answered again; the firm gets what was
// submitted and nothing of the draft.
func TestExamRequests(t *testing.T) {
	w := newExamWorld(t).asked()
	const at = "/examinations/EN-1/requests"
	list := w.lead.page(at)
	mustHold(t, list, "Of 2 requests, 2 are with management and 0 with the firm; 1 is past the day asked for.", "30 Mar 2026, past", "With management")
	if strings.Contains(list, "Sandgate <b>") {
		t.Error("markup")
	}
	owner := w.visit(w.s, "owen", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	mustHold(t, owner.page(at), "No request of the auditor is given to you.")
	for _, path := range []string{at + "/RQ-2", at + "/RQ-9"} {
		if got := owner.get(path); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "Procedure for leavers") {
			t.Errorf("%s to who it was not given to: %d", path, got.Code)
		}
	}
	if got := owner.sends(at+"/RQ-2/answer", "", "revision", "1", "as", "submit", "text", "x"); got.Code != http.StatusForbidden {
		t.Errorf("who it was not given to answers: %d", got.Code)
	}
	if got := owner.post(at+"/RQ-2/owner", "revision", "1", "person", "owen@example.com"); got.Code != http.StatusForbidden {
		t.Errorf("an owner gives requests away: %d", got.Code)
	}
	if got := w.lead.post(at+"/RQ-2/owner", "revision", "1", "person", "nobody@example.com"); got.Code != 422 {
		t.Errorf("given to nobody here: %d", got.Code)
	}
	if got := w.lead.post(at+"/RQ-2/owner", "revision", "1", "person", "owen@example.com"); got.Code != 303 {
		t.Fatalf("given: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, owner.page("/me/work"), "1 request of the auditor waits for you.", "RQ-2 of ", `href="/examinations/EN-1/requests/RQ-2"`, "due 30 Mar 2026")
	if page := owner.page(at); strings.Contains(page, "RQ-1") || !strings.Contains(page, "RQ-2") {
		t.Errorf("the owner's list:\n%s", page)
	}
	mustHold(t, owner.page(at+"/RQ-2"), "Submit to the firm", "Keep as a draft")

	for _, c := range []struct {
		name, file string
		pairs      []string
		status     int
		want       string
	}{
		{"nothing", "", []string{"revision", "2", "as", "submit"}, 422, "says something or brings evidence"},
		{"no button", "", []string{"revision", "2", "text", "x"}, 422, "Choose whether"},
		{"no record", "", []string{"revision", "2", "as", "submit", "records", "E-999999"}, 422, "there is no E-999999"},
		{"no reference", "", []string{"revision", "2", "as", "submit", "records", "hello"}, 422, "no record such as"},
		{"of no days", "the minutes", []string{"revision", "2", "as", "draft"}, 422, "of which days"},
		{"old form", "", []string{"revision", "1", "as", "submit", "text", "x"}, 409, "changed since"},
		{"draft", "", []string{"revision", "2", "as", "draft", "text", "PLANTED-DRAFT " + evil}, 303, ""},
		{"submitted", "the minutes", []string{"revision", "3", "as", "submit", "text", "All of it " + evil, "title", "Procedure", "from", "2026-03-01", "till", "2026-03-31", "records", w.pageOfSource()}, 303, ""},
	} {
		if c.name == "submitted" {
			w.exchange()
			mustHold(t, owner.page(at+"/RQ-2"), "PLANTED-DRAFT", "The draft of an answer")
			w.file(func(_ *fieldwork.State, x *fieldwork.File) {
				if r := x.Requests["RQ-2"]; len(r.Answers) != 0 || r.Status != engagement.RequestOpen {
					t.Errorf("the firm has of a draft: %+v", r)
				}
			})
		}
		got := owner.sends(at+"/RQ-2/answer", c.file, c.pairs...)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
			t.Fatalf("%s: %d, want %d with %q\n%s", c.name, got.Code, c.status, c.want, mainOf(got))
		}
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		r := x.Requests["RQ-2"]
		if r.Status != engagement.RequestSubmitted || len(r.Answers) != 1 || len(r.Answers[0].Records) != 2 || len(r.Answers[0].Files) < 3 {
			t.Errorf("at the firm: %q %+v", r.Status, r.Answers)
		}
	})
	mustHold(t, w.lead.page(at), "1 is with management and 1 with the firm")
	if page := owner.page("/me/work"); strings.Contains(page, "RQ-2 of") {
		t.Error("what is with the firm waits for its owner still")
	}
	w.later(time.Minute)
	gridCheck(t, w.firm.s.files.DecideRequest(t.Context(), w.partner(), "EN-1", "RQ-2", engagement.RequestReturned, "the third page is missing "+evil, w.firmBase("request:EN-1/RQ-2")))
	w.exchange()
	mustHold(t, owner.page(at+"/RQ-2"), "the third page is missing", "Submit to the firm")
	mustHold(t, owner.page("/me/work"), ", returned")
	mustHold(t, w.lead.page("/examinations/EN-1"), "1 returned request to answer again")

	csv := w.lead.get("/examinations/EN-1/request-list/requests.csv")
	if csv.Code != 200 || !strings.Contains(csv.Body.String(), "RQ-1") || !strings.Contains(csv.Body.String(), "Returned") {
		t.Errorf("CSV: %d\n%s", csv.Code, csv.Body)
	}
	if got := owner.get("/examinations/EN-1/request-list/requests.csv"); strings.Contains(got.Body.String(), "RQ-1") || !strings.Contains(got.Body.String(), "RQ-2") {
		t.Errorf("an owner's CSV: %s", got.Body)
	}
	if got := w.lead.get("/examinations/EN-1/request-list/requests.xlsx"); got.Code != 200 || !strings.HasPrefix(got.Body.String(), "PK") {
		t.Errorf("XLSX: %d", got.Code)
	}
	if got := w.lead.get("/examinations/EN-1/request-list/others.csv"); got.Code != 404 {
		t.Errorf("another list: %d", got.Code)
	}
	w.side(func(x *management.Side) {
		if x.Requests["RQ-2"].Draft != nil {
			t.Error("a draft is left")
		}
	})
}

// TestSayExamRequests: the sentences of requests.
func TestSayExamRequests(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{sayExamRequests(0, 0, 0, 0, true), "The auditor has not asked for anything yet."},
		{sayExamRequests(0, 0, 0, 0, false), "No request of the auditor is given to you."},
		{sayExamRequests(2, 0, 0, 0, true), "Of 2 requests, none is open."},
		{sayExamRequests(1, 1, 0, 0, true), "Of 1 request, 1 is with management and 0 with the firm."},
		{sayExamRequests(9, 3, 4, 2, true), "Of 9 requests, 3 are with management and 4 with the firm; 2 are past the day asked for."},
		{sayAsked("Nothing is due.", false, 0), "Nothing is due."},
		{sayAsked("Nothing is due.", false, 1), "1 request of the auditor waits for you."},
		{sayAsked("One is due.", true, 2), "One is due. 2 requests of the auditor wait for you."},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	rows := []examRequestRow{{link: link{Text: "a"}, Side: "nobody"}, {link: link{Text: "b"}, Side: onFirm, held: 9}, {link: link{Text: "c"}, Side: onManagement, held: 1}, {link: link{Text: "d"}, Side: onManagement, held: 2}}
	sortBySideAndAge(rows)
	order := ""
	for _, r := range rows {
		order += r.Text
	}
	if order != "dcba" {
		t.Errorf("order %s", order)
	}
}
