package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// postFile sends a form with one file.
func (v *visitor) postFile(target, field, name, body string, pairs ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := m.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	if name != "" {
		part, err := m.CreateFormFile(field, name)
		if err != nil {
			v.t.Fatal(err)
		}
		if _, err := part.Write([]byte(body)); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		v.t.Fatal(err)
	}
	r := httptest.NewRequest("POST", target, &b)
	r.Host = host
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// went wants a form to be taken, and returns the page it leads to.
func (v *visitor) went(got *httptest.ResponseRecorder) string {
	v.t.Helper()
	if got.Code != http.StatusSeeOther {
		v.t.Fatalf("%d, want 303\n%s", got.Code, got.Body)
	}
	return v.page(got.Header().Get("Location"))
}

// aTerms are the fields of good terms, with changes.
func aTerms(change ...string) []string {
	pairs := []string{"type", "soc2-type2", "client", "Halyard " + evil, "system", "Halyard Cloud " + evil, "zone", "America/New_York", "first", "2026-01-01", "last", "2026-12-31",
		"in-A", "yes", "why-A", "promised " + evil, "why-PI", "no commitment", "why-C", "no commitment", "why-P", "no consumers"}
	for i := 0; i+1 < len(change); i += 2 {
		if at := slices.Index(pairs, change[i]); at >= 0 && at%2 == 0 {
			pairs[at+1] = change[i+1]
		} else {
			pairs = append(pairs, change[i], change[i+1])
		}
	}
	return pairs
}

// TestEngagementFromOpeningToAcceptance: the partner opens an engagement, declares,
// makes the team, answers the checklist; the page says at each step what is missing.
func TestEngagementFromOpeningToAcceptance(t *testing.T) {
	w := newFirmWorld(t)
	v := w.partner
	holdPage(t, "/engagements/new", v.page("/engagements/new"))
	if got := v.post("/engagements/new", aTerms("first", "", "why-P", "")...); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "This was not kept") {
		t.Fatalf("terms without a first day and a reason: %d\n%s", got.Code, got.Body)
	}
	page := v.went(v.post("/engagements/new", aTerms("subservices", "Cumulo | hosting | carve-out | VEN-01", "expected", "Cumulo | CS-1 | Doors are locked. | CC6.4")...))
	holdPage(t, "/engagements/EN-1", page)
	holds(t, page, "stands at criteria selected, step 1 of 12", "Declare your independence", "A partner accepts the client and the engagement", "Stated by itself, checked by nobody:", "license: MA 1234",
		"Nothing can be exchanged yet", "Nobody is on the team yet", "Missing: a partner has accepted", "Missing: a request has gone to the client", "Cumulo, hosting: carved out", "Has not agreed")
	if strings.Contains(page, "Go on to Fieldwork") {
		t.Error("the step is offered though its gates are shut")
	}
	holds(t, v.page("/engagements/EN-1/accept"), "you have not declared your independence", "you are not on the team as its partner")
	if got := v.post("/engagements/EN-1/independence", "free", "no", "conflict", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a conflict without words: %d", got.Code)
	}
	v.went(v.post("/engagements/EN-1/independence", "free", "yes"))
	page = v.went(v.post("/engagements/EN-1/team", "person", "paula@example.com", "duty", "partner"))
	holds(t, page, "Independent, declared 1 Apr 2026", "partner, since", "Accept the client and the engagement")
	if got := v.post("/engagements/EN-1/team", "person", "nobody@example.com", "duty", "staff"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("somebody who is nobody: %d", got.Code)
	}
	answers := []string{}
	for i := range fieldwork.Preconditions {
		answers = append(answers, fmt.Sprintf("a%d", i+1), "Looked at "+evil)
	}
	if got := v.postFile("/engagements/EN-1/accept", "letter", "", "", answers...); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "choose the file of the letter") {
		t.Errorf("without a letter: %d\n%s", got.Code, got.Body)
	}
	page = v.went(v.postFile("/engagements/EN-1/accept", "letter", "letter.pdf", "the letter", answers...))
	holdPage(t, "/engagements/EN-1", page)
	holds(t, page, "Accepted by", "Agree to the terms")
	page = v.went(v.post("/engagements/EN-1/milestones", "milestones", "2027-01-15 | Draft", "revision", "1"))
	holds(t, page, "15 Jan 2027")
	got := v.post("/engagements/EN-1/milestones", "milestones", "2027-01-20 | Kept draft", "revision", "1")
	if got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "Kept draft") {
		t.Errorf("stale milestones: %d\n%s", got.Code, got.Body)
	}
	holds(t, v.page("/"), "1 thing waits for clients", "Agree to the terms")
}

// TestTermsChange: a change says why; a day is taken away with a judgment alone.
func TestTermsChange(t *testing.T) {
	w := newFirmWorld(t).accepted()
	v := w.partner
	page := v.page("/engagements/EN-1/terms")
	holdPage(t, "/engagements/EN-1/terms", page)
	holds(t, page, "2026-12-31", "no personal data of consumers")
	shorter := aTerms("last", "2026-06-30", "why", "a merger")
	if got := v.post("/engagements/EN-1/terms", append(shorter, "revision", "1")...); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "written judgment") {
		t.Errorf("a shorter period without a judgment: %d\n%s", got.Code, got.Body)
	}
	page = v.went(v.post("/engagements/EN-1/terms", append(shorter, "revision", "1", "judgment", "Nothing was found in the second half, which is examined with the next year.")...))
	holds(t, page, "30 Jun 2026")
	if got := v.post("/engagements/EN-1/state", "to", "fieldwork", "revision", "0"); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "management has agreed") {
		t.Errorf("fieldwork with gates shut: %d\n%s", got.Code, got.Body)
	}
	holds(t, v.page("/engagements/EN-1/end"), "cannot be undone")
	page = v.went(v.post("/engagements/EN-1/end", "as", "canceled", "why", "The client was bought and wants no report any more.", "revision", "0"))
	holds(t, page, "is canceled.")
}

// TestSafeguard: a conflict stands until another partner approves a safeguard.
func TestSafeguard(t *testing.T) {
	w := newFirmWorld(t).accepted()
	stef := w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	page := stef.went(stef.post("/engagements/EN-1/independence", "free", "no", "conflict", "A cousin works there "+evil))
	holds(t, page, "Conflict, declared", "Approve a safeguard for your conflict")
	if got := stef.post("/engagements/EN-1/safeguard", "account", stef.account, "safeguard", "none", "revision", "1"); got.Code != http.StatusForbidden {
		t.Errorf("staff approves: %d", got.Code)
	}
	page = w.partner.went(w.partner.post("/engagements/EN-1/safeguard", "account", stef.account, "safeguard", "Does no work on payroll.", "revision", "1"))
	holds(t, page, "Does no work on payroll.")
	stranger := w.visit(w.s, "other", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-9"})
	if got := stranger.get("/engagements/EN-1"); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "Halyard") {
		t.Errorf("somebody of another engagement: %d\n%s", got.Code, got.Body)
	}
	holds(t, stranger.page("/"), "No engagement is open that you are on.")
}

func TestSayFirmHome(t *testing.T) {
	for _, c := range []struct {
		n, mine, ours, theirs int
		want                  string
	}{
		{0, 0, 0, 0, "No engagement is open that you are on."},
		{1, 0, 0, 0, "Of 1 engagement, nothing waits for anybody."},
		{1, 1, 0, 0, "Of 1 engagement, 1 thing waits for you."},
		{3, 2, 0, 1, "Of 3 engagements, 2 things wait for you and 1 thing waits for clients."},
		{3, 2, 4, 1, "Of 3 engagements, 2 things wait for you, 4 things wait for the firm, and 1 thing waits for clients."},
	} {
		if got := sayFirmHome(c.n, c.mine, c.ours, c.theirs); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestFirmClock(t *testing.T) {
	now := time.Date(2026, 4, 11, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		w    firmWait
		want string
	}{
		{"no clock", firmWait{}, ""},
		{"runs", firmWait{Since: now.AddDate(0, 0, -3)}, "since 8 Apr 2026, 3 days"},
		{"today", firmWait{Since: now.Add(-time.Hour)}, "since 11 Apr 2026"},
		{"one day", firmWait{Since: now.AddDate(0, 0, -1)}, "since 10 Apr 2026, 1 day"},
		{"ends", firmWait{Due: now.AddDate(0, 0, 12)}, "due 23 Apr 2026, 12 days left"},
		{"is over", firmWait{Due: now.AddDate(0, 0, -2)}, "was due 9 Apr 2026, 2 days over"},
	} {
		if got := c.w.clock(now, time.UTC); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSayExchange(t *testing.T) {
	for _, c := range []struct {
		sent, received int
		waiting        int64
		want           string
	}{
		{0, 0, 0, "Nothing has gone between the sides yet."},
		{1, 0, 1, "1 packet was sent and 0 were received; of what was sent, the client has not confirmed 1."},
		{2, 1, 0, "2 packets were sent and 1 was received, the last one on 3 Apr."},
	} {
		if got := sayExchange(c.sent, c.received, c.waiting, "3 Apr"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestFirmHolder(t *testing.T) {
	for _, c := range []struct {
		status   engagement.RequestStatus
		released bool
		want     string
	}{
		{engagement.RequestOpen, false, "the firm"}, {engagement.RequestOpen, true, "the client"}, {engagement.RequestInProgress, true, "the client"}, {engagement.RequestInProgress, false, "the firm"},
		{engagement.RequestSubmitted, true, "the firm"}, {engagement.RequestReturned, true, "the client"}, {engagement.RequestAccepted, true, ""}, {engagement.RequestWithdrawn, false, ""},
	} {
		r := &fieldwork.Request{Status: c.status, Released: c.released}
		if got := firmHolder(r); got != c.want {
			t.Errorf("%s, released %t: got %q, want %q", c.status, c.released, got, c.want)
		}
	}
}

// TestFirmDeclarationShowsNoOtherFile: a declaration is one's own, and what it is
// refused with shows no file that is closed to who makes it.
func TestFirmDeclarationShowsNoOtherFile(t *testing.T) {
	t.Parallel()
	w := newFirmWorld(t).opened()
	other := w.visit(w.s, "otto", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-2"})
	soon := w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	const at = "/engagements/EN-1/independence"
	for _, c := range []struct {
		name string
		who  *visitor
		form []string
		code int
		sees bool
	}{
		{"nothing chosen, by who is of another engagement", other, nil, http.StatusForbidden, false},
		{"a conflict without words, by who is of another engagement", other, []string{"free", "no"}, http.StatusForbidden, false},
		{"independent, by who is of another engagement", other, []string{"free", "yes"}, http.StatusForbidden, false},
		{"nothing chosen, by who is to be assigned", soon, nil, http.StatusUnprocessableEntity, true},
		{"independent, by who is to be assigned", soon, []string{"free", "yes"}, http.StatusSeeOther, false},
	} {
		got := c.who.post(at, c.form...)
		if sees := strings.Contains(got.Body.String(), "Halyard"); got.Code != c.code || sees != c.sees {
			t.Errorf("%s: %d, the file is shown: %t; want %d and %t", c.name, got.Code, sees, c.code, c.sees)
		}
	}
}
