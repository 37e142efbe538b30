package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
)

// planned is accepted, with a test planned and the client's log and key named.
func (w *firmWorld) planned() *firmWorld {
	w.t.Helper()
	w.accepted()
	x := engagement.Test{ID: "T-CHG-01-1", Control: "CHG-01", Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected each change " + evil, Population: true, Criteria: []string{"CC8.1"},
		Attributes: []engagement.Attribute{{Name: "A", Text: "Somebody else approved it."}}}
	if err := w.s.files.SetTest(w.t.Context(), w.by(w.partner, access.Partner), "EN-1", x, "", 0); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// answered brings an answer of the client's.
func (w *firmWorld) answered(rq string, as engagement.RequestStatus) {
	w.t.Helper()
	receiver := access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}
	if err := w.s.files.TakeAnswers(w.t.Context(), receiver, "EN-1", []engagement.Answer{{Request: rq, Status: as, Text: "Here it is " + evil, Files: []string{"list.csv"}}}, 0); err != nil {
		w.t.Fatal(err)
	}
}

// TestRequestsOnBothSides: drafted from the tests, released, answered, returned,
// accepted; days run on the side that has it.
func TestRequestsOnBothSides(t *testing.T) {
	w := newFirmWorld(t).planned()
	v, at := w.partner, "/engagements/EN-1/requests"
	page := v.page(at)
	holdPage(t, at, page)
	holds(t, page, "Nothing is asked of the client yet", "Draft 1 from the tests")
	holdPage(t, at+"/draft", v.page(at+"/draft"))
	if got := v.post(at + "/draft"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("no draft chosen: %d", got.Code)
	}
	page = v.went(v.post(at+"/draft", "take", "all"))
	holds(t, page, "RQ-1", "Of 1 request, 0 are with the client and 1 is with the firm", "Release all 1")
	holds(t, v.page(at+"/draft"), "Every planned test has a request that serves it.")
	v = w.later(48 * time.Hour)
	page = v.went(v.post(at + "/RQ-1/release"))
	holdPage(t, at+"/RQ-1", page)
	holds(t, page, "The request is open and with the client; the client has had it 0 days in all, the firm 2 days.", "Nothing is sent: the terms do not name")
	v = w.later(72 * time.Hour)
	w.answered("RQ-1", engagement.RequestSubmitted)
	page = v.page(at + "/RQ-1")
	holds(t, page, "Here it is", "list.csv", "Accept it", "the client has had it 3 days in all")
	if got := v.post(at+"/RQ-1/decide", "to", "Returned", "revision", "3"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("returned without a reason: %d\n%s", got.Code, got.Body)
	}
	got := v.post(at+"/RQ-1/decide", "to", "Returned", "why", "June is missing "+evil, "revision", "1")
	if got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "June is missing") {
		t.Errorf("a stale form: %d, or what was typed is lost\n%s", got.Code, got.Body)
	}
	v.went(v.post(at+"/RQ-1/decide", "to", "Returned", "why", "June is missing "+evil, "revision", "3"))
	holds(t, v.page(at+"?status=Returned&holder=client"), "RQ-1", "1 is with the client")
	holds(t, v.page(at+"?status=Accepted"), "No request is like that.")
	w.answered("RQ-1", engagement.RequestSubmitted)
	v.went(v.post(at+"/RQ-1/decide", "to", "Accepted", "revision", "5"))
	holds(t, v.page(at), "Of 1 request, none is open.")
}

// TestRequestForms: writing one by hand, and lists that go out and come in.
func TestRequestForms(t *testing.T) {
	w := newFirmWorld(t).planned()
	v, at := w.partner, "/engagements/EN-1/requests"
	holdPage(t, at+"/new", v.page(at+"/new"))
	if got := v.post(at+"/new", "kind", "document", "title", "Policy "+evil, "asks", "The policy.", "tests", "T-NONE"); got.Code == http.StatusSeeOther || !strings.Contains(got.Body.String(), "T-NONE") {
		t.Errorf("a test there is not: %d\n%s", got.Code, got.Body)
	}
	v.went(v.post(at+"/new", "kind", "document", "title", "Policy "+evil, "asks", "The policy.", "tests", "T-CHG-01-1", "due", "2026-04-03"))
	holdPage(t, at+"/RQ-1/edit", v.page(at+"/RQ-1/edit"))
	v.went(v.post(at+"/RQ-1/edit", "kind", "document", "title", "=Policy", "asks", "The policy, signed.", "tests", "T-CHG-01-1", "due", "2026-04-03", "revision", "1"))
	v.went(v.post(at + "/release"))
	v = w.later(9 * 24 * time.Hour)
	holds(t, v.page(at), "the client is late with 1", "3 Apr 2026, past")
	csv := v.get("/engagements/EN-1/request-list/requests.csv")
	if csv.Code != http.StatusOK || !strings.Contains(csv.Body.String(), "RQ-1") || strings.Contains(csv.Body.String(), ",=Policy") {
		t.Fatalf("the list as CSV: %d\n%s", csv.Code, csv.Body)
	}
	if got := v.get("/engagements/EN-1/request-list/requests.xlsx"); got.Code != http.StatusOK || !strings.HasPrefix(got.Body.String(), "PK") {
		t.Errorf("the list as XLSX: %d", got.Code)
	}
	if got := v.get("/engagements/EN-1/request-list/passwords.csv"); got.Code != http.StatusNotFound {
		t.Errorf("another file: %d", got.Code)
	}
	if got := v.postFile(at+"/import", "file", "bad.csv", "id,kind\n,poem\n"); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "ad.csv:1:1: column title is missing") {
		t.Errorf("a bad list: %d\n%s", got.Code, got.Body)
	}
	page := v.went(v.postFile(at+"/import", "file", "more.csv", "id,kind,title,asks,tests,items,due\n,evidence,Minutes,The minutes.,T-CHG-01-1,,2026-05-01\n"))
	holds(t, page, "1 request is imported", "RQ-2", "Minutes")
	quality := w.visit(w.s, "quinn", access.Grant{Role: access.QualityReviewer, Scope: access.ScopeEngagement, Object: "EN-1"})
	if got := quality.post(at + "/RQ-2/release"); got.Code != http.StatusForbidden {
		t.Errorf("the quality reviewer releases a request: %d", got.Code)
	}
}

func TestSayRequests(t *testing.T) {
	for _, c := range []struct {
		all, ours, theirs, late int
		want                    string
	}{
		{0, 0, 0, 0, "Nothing is asked of the client yet; what is needed follows from the planned tests."},
		{2, 0, 0, 0, "Of 2 requests, none is open."},
		{1, 1, 0, 0, "Of 1 request, 0 are with the client and 1 is with the firm."},
		{7, 2, 3, 1, "Of 7 requests, 3 are with the client and 2 are with the firm; the client is late with 1."},
	} {
		if got := sayRequests(c.all, c.ours, c.theirs, c.late); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
