package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement/gatestest"
	"tieout/engagement/management"
)

// clientAttempt is a case of the company's side as a request; false for one that
// has no call: a population is frozen out of a run alone.
func clientAttempt(t testing.TB, c gatestest.Case) (attempt, bool) {
	t.Helper()
	a, one := c.Args, "/examinations/"+gatestest.ID
	switch c.Act {
	case "Agree":
		return attempt{"POST", one + "/agreement", map[string]any{"digest": a.Digest, "signed": a.Signed}, false}, true
	case "MoveState":
		return attempt{"PUT", one + "/state", StateText{string(a.State), a.Why}, true}, true
	case "Answer":
		return attempt{"POST", one + "/requests/" + a.Answer.Request + "/answers", AnswerText{string(a.Answer.Status), a.Answer.Text, a.Answer.Records, a.Answer.Files}, true}, true
	case "Respond":
		r := a.Response
		return attempt{"PUT", one + "/findings/" + r.Finding + "/response", Response{r.Agrees, r.Cause, r.Effect, r.Done, r.Status, r.Owner, r.Final}, true}, true
	case "FinishResponse":
		return attempt{"POST", one + "/findings/" + c.Args.Response.Finding + "/response/final", nil, true}, true
	case "WriteSection":
		return attempt{"PUT", one + "/description/" + url.PathEscape(a.Section.DC), map[string]any{"paragraphs": a.Section.Paragraphs}, true}, true
	case "FinishDescription":
		return attempt{"POST", one + "/description", map[string]any{"controls": a.Controls, "seen": a.Seen}, false}, true
	case "Comment":
		return attempt{"POST", one + "/comments", map[string]any{"where": a.What, "text": a.Text}, false}, true
	case "SignAssertion":
		return attempt{"POST", one + "/assertions", a.Assertion, false}, true
	case "SignRepresentation":
		return attempt{"POST", one + "/representations", a.Representation, false}, true
	case "SignBridge":
		return attempt{"POST", one + "/bridge-letters", a.Bridge, false}, true
	}
	return attempt{}, false
}

// people are the company's, by who tries, with a token of each.
func (w *world) people(keys *gatestest.Keys) (map[string]string, map[string]*client) {
	w.t.Helper()
	accounts, clients := map[string]string{}, map[string]*client{}
	for who, g := range map[string]access.Grant{gatestest.Lead: {Role: access.ComplianceLead, Scope: access.ScopeWorkspace}, gatestest.Signer: {Role: access.ManagementSigner, Scope: access.ScopeWorkspace},
		gatestest.Owner: {Role: access.Employee, Scope: access.ScopeOwn}} {
		accounts[who] = w.account(strings.ReplaceAll(who, " ", "-"), g)
		clients[who] = w.with(accounts[who], able([]access.Grant{g})...)
	}
	return accounts, clients
}

// TestClientGates: every forbidden order of the company's side is refused through
// the interface for programs, and what only a person may do a token never does.
func TestClientGates(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, keys := newWorld(t), &gatestest.Keys{}
	accounts, clients := w.people(keys)
	n := 0
	gatestest.WalkClient(&gatestest.Client{T: t, Side: w.web.Client().Side, Seal: w.web.Home().Seal, Now: w.now, People: accounts, Keys: keys}, func(c gatestest.Case) {
		x, ok := clientAttempt(t, c)
		if !ok {
			return
		}
		n++
		if c.Act == "MoveState" {
			c.Args.Base = w.sideRevision("terms:" + gatestest.ID)
		}
		got := x.try(t, clients[c.By], keys, c.Args.Base)
		if c.Act == "MoveState" && !c.Args.State.ByManagement() { // the call has no such step
			want(t, c.Name, got, http.StatusUnprocessableEntity)
		} else if c.Act == "SignBridge" && c.By == gatestest.Signer { // what is on record is looked up here, and is another list than the case's own
			if got.Code != http.StatusConflict && got.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", c.Name, got.Code, got.Body)
			}
		} else {
			refusedAs(t, c, got)
		}
		if got := x.try(t, clients[c.By], nil, c.Args.Base); got.Code != c.Status() && got.Code != http.StatusForbidden && got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s (%s) by a token: %d %s; want it refused", c.Name, c.Act, got.Code, got.Body)
		}
	})
	if n < 30 {
		t.Errorf("%d forbidden orders tried; want 30 or more", n)
	}
	lead := clients[gatestest.Lead]
	for _, path := range []string{"/examinations", "/examinations/EN-1/requests", "/examinations/EN-1/populations", "/examinations/EN-1/samples", "/examinations/EN-1/findings", "/examinations/EN-1/description", "/examinations/EN-1/comments"} {
		if got := lead.get(path); in(got, "summary", "text") == "" {
			t.Errorf("%s: %v", path, got)
		}
	}
	one := lead.get("/examinations/EN-1")
	if in(one, "result", "reports", "releases", 0, "opinions", "operation") != "Qualified" || in(one, "result", "statements", "asserted", 1) != "Nimbus Hosting" {
		t.Errorf("the examination: %v", one)
	}
	want(t, "a firm's call in a company's workspace", lead.send("GET", "/engagements", ""), http.StatusForbidden)
}

// sideRevision is the revision of something of the company's examinations.
func (w *world) sideRevision(on string) (n int64) {
	w.t.Helper()
	if err := w.web.Client().Side.Read(w.t.Context(), func(s *management.State) error { n = s.Revision(on); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestPersonSigns: a signature over a request makes it its person's for that one
// request, a few minutes long, and nobody else's.
func TestPersonSigns(t *testing.T) {
	w, keys := newWorld(t), &gatestest.Keys{}
	accounts, clients := w.people(keys)
	gatestest.WalkClient(&gatestest.Client{T: t, Side: w.web.Client().Side, Seal: w.web.Home().Seal, Now: w.now, People: accounts, Keys: keys}, func(gatestest.Case) {})
	lead := clients[gatestest.Lead]
	const path, body = "/examinations/EN-1/state", `{"state":"distributed"}`
	now := ifMatch(w.sideRevision("terms:EN-1"))
	good := append(now, lead.signing(keys, "PUT", path, body, now...)...)
	header := func(pairs []string, name, value string) []string {
		out := append([]string{}, pairs...)
		for i := 0; i+1 < len(out); i += 2 {
			if out[i] == name {
				out[i+1] = value
			}
		}
		return out
	}
	for name, try := range map[string]func() *httptest.ResponseRecorder{
		"without one":         func() *httptest.ResponseRecorder { return lead.send("PUT", path, body, now...) },
		"over another body":   func() *httptest.ResponseRecorder { return lead.send("PUT", path, `{"state":"monitoring"}`, good...) },
		"over another path":   func() *httptest.ResponseRecorder { return lead.send("PUT", path+"?period=2026-03", body, good...) },
		"over another method": func() *httptest.ResponseRecorder { return lead.send("POST", path, body, good...) },
		"under another key": func() *httptest.ResponseRecorder {
			return lead.send("PUT", path, body, header(good, "Idempotency-Key", "x")...)
		},
		"with another's token": func() *httptest.ResponseRecorder { return clients[gatestest.Signer].send("PUT", path, body, good...) },
		"of no key": func() *httptest.ResponseRecorder {
			return lead.send("PUT", path, body, header(good, PersonHeader, "bm8")...)
		},
		"without an Idempotency-Key": func() *httptest.ResponseRecorder {
			return lead.send("PUT", path, body, header(good, "Idempotency-Key", "")...)
		},
		"from another revision": func() *httptest.ResponseRecorder {
			return lead.send("PUT", path, body, header(good, "If-Match", `"1"`)...)
		},
		"by a key nobody announced": func() *httptest.ResponseRecorder {
			return lead.send("PUT", path, body, append(now, lead.signingIn(nil, &gatestest.Keys{}, "PUT", path, body, now...)...)...)
		},
	} {
		want(t, name, try(), http.StatusForbidden)
	}
	got := lead.send("PUT", path, body, good...)
	want(t, "as it was signed", got, http.StatusOK)
	want(t, "the same once more", lead.send("PUT", path, body, good...), http.StatusOK)
	w.at = w.at.Add(signedFor * 2)
	want(t, "after its time", lead.send("PUT", path, body, good...), http.StatusForbidden)
	old := append(now, lead.signing(keys, "PUT", path, body, now...)...)
	w.at = w.at.Add(-signedFor)
	want(t, "of a clock that is ahead", lead.send("PUT", path, body, old...), http.StatusForbidden)
}
