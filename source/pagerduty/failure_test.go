package pagerduty

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// TestFailures: what breaks makes its own streams incomplete, says where, and
// no others.
func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		with       http.HandlerFunc
		want       map[string]string // stream -> part of the reason
	}{
		{"users refused", "/users", refuse(403, "Forbidden to you"), map[string]string{"account": "403 Forbidden: Forbidden to you", "link": "403"}},
		{"second page of users fails", "/users+2", refuse(502, "bad gateway"), map[string]string{"account": "page 2: 502", "link": "page 2: 502"}},
		{"users broken", "/users", says(`{"users":[{"id":`), map[string]string{"account": "page 1", "link": "page 1"}},
		{"more is not told", "/users", says(`{"users":[]}`), map[string]string{"account": "does not say whether more follows", "link": "whether more follows"}},
		{"the place is not told", "/users", says(`{"users":[{"id":"P1"}],"more":true}`), map[string]string{"account": "where the next page begins", "link": "where the next page begins"}},
		{"beyond what is listed", "/users", says(`{"users":[{"id":"P1"}],"more":true,"offset":9900,"limit":100}`), map[string]string{"account": "lists no more than 10000", "link": "lists no more"}},
		{"fewer users than counted", "/users+2", says(`{"users":[],"more":false,"offset":2,"limit":2,"total":4}`), map[string]string{"account": "count at source: 2 of 4", "link": "count at source: 2 of 4"}},
		{"policies refused", "/escalation_policies", refuse(403, "no"), map[string]string{"rota": "403"}},
		{"on-calls fail", "/oncalls", refuse(500, "oops"), map[string]string{"rota": "who is on call in Engineering: 500"}},
		{"second page of on-calls fails", "/oncalls+2", refuse(500, "oops"), map[string]string{"rota": "who is on call in Engineering: 500"}},
		{"first incident broken", "/incidents", says(`{"incidents":[{}]}`), map[string]string{"alert": "the first incident does not say when", "incident": "the first incident"}},
		{"incidents refused", "/incidents", refuse(401, "no"), map[string]string{"alert": "401", "incident": "401"}},
		{"second page of incidents fails", "/incidents+2", refuse(500, "oops"), map[string]string{"alert": "page 2: 500", "incident": "page 2: 500"}},
		{"one incident in the place of another", "/incidents+2", says(`{"incidents":[{"id":"Q0INC0005","created_at":"2026-06-01T03:00:00Z"}],"more":false,"total":3}`), map[string]string{"alert": "count at source: 2 of 3", "incident": "count at source: 2 of 3"}},
		{"one log fails", "/incidents/Q0INC0002/log_entries", refuse(500, "oops"), map[string]string{"alert": "log of incident 2: 500", "incident": "log of incident 2: 500"}},
		{"second page of a log fails", "/incidents/Q0INC0001/log_entries+2", refuse(500, "oops"), map[string]string{"alert": "log of incident 1: 500", "incident": "log of incident 1"}},
		{"logs refused", "/incidents/Q0INC0001/log_entries", refuse(403, "no"), map[string]string{"alert": "log of incident 1: 403", "incident": "log of incident 1: 403"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAccount(t)
			if tc.path == "/incidents+2" { // all in one stretch
				a.Incidents = a.Incidents[2:]
			}
			a.fail[tc.path] = tc.with
			r, _ := record(t, serve(t, a))
			for _, m := range r.Manifests {
				want, fails := tc.want[m.Type]
				if m.Complete == fails || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, %q; want %q", m.Type, m.Complete, m.Reason, want)
				}
			}
			if len(r.Manifests) != 5 {
				t.Errorf("%d streams were closed, want 5", len(r.Manifests))
			}
		})
	}
}

// TestLeftOut: what an answer that failed was to tell is in no item.
func TestLeftOut(t *testing.T) {
	a := newAccount(t)
	a.fail["/oncalls+2"] = refuse(500, "oops")
	a.fail["/incidents/Q0INC0001/log_entries+2"] = refuse(500, "oops")
	a.fail["/incidents/Q0INC0002/log_entries"] = refuse(403, "no")
	r, _ := record(t, serve(t, a))
	for _, tc := range []struct{ name, typ, id, want string }{
		{"half of the on-calls", "rota", "oncall/PPOLENG", `{"name":"Engineering","service":"API, Web"}`},
		{"half of a log", "incident", "oncall/Q0INC0001", `{"detectedAt":"2025-11-20T10:00:00Z","kind":"availability","resolvedAt":"2025-11-20T10:40:00Z","severity":"sev1","status":"resolved","title":"API answers slowly"}`},
		{"not asked for any more", "incident", "oncall/Q0INC0006", `{"detectedAt":"2026-06-09T23:00:00Z","kind":"availability","owner":"Ben Ode","resolvedAt":"never","severity":"sev2","status":"open","title":"Disk fills"}`},
	} {
		if got := body(r, tc.typ, tc.id); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	logs := 0
	for _, s := range a.asked {
		if strings.Contains(s, "/log_entries") && !strings.Contains(s, "Q0INC0001") {
			logs++
		}
	}
	if logs != 1 {
		t.Errorf("asked for %d logs after a refusal, want the one that was refused", logs)
	}
}

// TestOnCallsThatCannotBeRead: a stretch without its edges, its level or its
// policy never closes a gap.
func TestOnCallsThatCannotBeRead(t *testing.T) {
	for _, e := range []string{
		`{"user":{"id":"P1"},"escalation_policy":{"id":"PPOLOLD"},"escalation_level":1}`,
		`{"user":{"id":"P1"},"escalation_policy":{"id":"PPOLOLD"},"start":null,"end":null}`,
		`{"user":{"id":"P1"},"escalation_policy":{"id":"PPOLENG"},"escalation_level":1,"start":null,"end":null}`,
		`{"escalation_policy":{"id":"PPOLOLD"},"escalation_level":1,"start":null,"end":null}`,
	} {
		a := newAccount(t)
		a.OnCalls["PPOLOLD"] = []json.RawMessage{json.RawMessage(e)}
		r, _ := record(t, serve(t, a))
		if got := body(r, "rota", "oncall/PPOLOLD"); got != `{"name":"Old"}` || len(r.Errs) != 1 {
			t.Errorf("%s: got %s, errors %v", e, got, r.Errs)
		}
	}
}

// TestPeopleOnCall: somebody on call who is not on the list of users shows that
// the list is not whole.
func TestPeopleOnCall(t *testing.T) {
	a := newAccount(t)
	a.Users = a.Users[1:]
	r, _ := record(t, serve(t, a))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "people on call who are on the list of users: 2 of 3") {
		t.Errorf("complete %v: %s", m.Complete, m.Reason)
	}
}

// TestUncounted: where PagerDuty counts nothing, that is said.
func TestUncounted(t *testing.T) {
	a := newAccount(t)
	a.uncounts = true
	r, _ := record(t, serve(t, a))
	for _, m := range r.Manifests {
		if !m.Complete || !strings.Contains(strings.Join(m.Cannot, "|"), "told no count") {
			t.Errorf("%s: complete %v, limits %q", m.Type, m.Complete, m.Cannot)
		}
	}
}

// TestTooManyAtOnce: more incidents in a moment than PagerDuty lists are not read.
func TestTooManyAtOnce(t *testing.T) {
	a := newAccount(t)
	a.fail["/incidents"] = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("since") == "" {
			fmt.Fprint(w, `{"incidents":[{"id":"Q1","created_at":"2026-06-10T11:55:00Z"}]}`)
			return
		}
		fmt.Fprint(w, `{"incidents":[{"id":"Q1"}],"offset":0,"limit":100,"more":true,"total":10001}`)
	}
	r, _ := record(t, serve(t, a))
	if m := r.Manifest("alert"); m.Complete || !strings.Contains(m.Reason, "there are more than the 10000 incidents") || len(r.ByType("alert")) != 0 {
		t.Errorf("complete %v: %s", m.Complete, m.Reason)
	}
}

func TestRateLimit(t *testing.T) {
	a := newAccount(t)
	tries := 0
	a.fail["/escalation_policies"] = func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			w.Header().Set("Ratelimit-Reset", "41")
			refuse(429, "Rate Limit Exceeded")(w, r)
			return
		}
		fmt.Fprint(w, `{"escalation_policies":[],"offset":0,"limit":100,"more":false,"total":0}`)
	}
	r, pauses := record(t, serve(t, a))
	if m := r.Manifest("rota"); !m.Complete || len(pauses) != 2 || pauses[0] < 41*time.Second || pauses[0] > 42*time.Second {
		t.Errorf("complete %v (%s), pauses %v; want two of 41 s and a part of one", m.Complete, m.Reason, pauses)
	}
}

// TestNoToken: streams are closed with the reason, and the collection fails.
func TestNoToken(t *testing.T) {
	c := serve(t, newAccount(t))
	c.With = strings.Replace(c.With, "env:PAGERDUTY_TOKEN", "env:OTHER", 1)
	col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), window, r); err == nil || !strings.Contains(err.Error(), "env:OTHER") {
		t.Errorf("got %v", err)
	}
	for _, m := range r.Manifests {
		if m.Complete || !strings.Contains(m.Reason, "env:OTHER") {
			t.Errorf("%s: complete %v: %s", m.Type, m.Complete, m.Reason)
		}
	}
	if len(r.Manifests) != 5 {
		t.Errorf("%d streams were closed, want 5", len(r.Manifests))
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no token", `{}`, "token: it is needed"},
		{"the token itself", `{"token":"u+abc"}`, "never the secret itself"},
		{"plain http", `{"token":"env:T","baseURL":"http://api.pagerduty.com"}`, "https only"},
		{"no day", `{"token":"env:T","since":"yesterday"}`, "since"},
		{"a kind nobody knows", `{"token":"env:T","kinds":{"*":"fire"}}`, `kinds: *: "fire" is not one of security`},
		{"a broken glob", `{"token":"env:T","kinds":{"[":"security"}}`, "glob"},
		{"a severity nobody knows", `{"token":"env:T","severities":{"P1":"sev1"}}`, "severities: P1"},
		{"a decision nobody knows", `{"token":"env:T","decisions":{"P1":"maybe"}}`, "decisions: P1"},
		{"a severity of incidents", `{"token":"env:T","incidentSeverities":{"P1":"critical"}}`, "incidentSeverities: P1"},
		{"incidents of nothing", `{"token":"env:T","incidents":{}}`, "name services, priorities, or both"},
		{"incidents by a broken glob", `{"token":"env:T","incidents":{"services":["["]}}`, "incidents: services"},
		{"a number PagerDuty does not hold", `{"token":"env:T","person":"hr/{employeeNumber}"}`, "no employee number"},
		{"no name of a person", `{"token":"env:T","person":"hr/1"}`, "person"},
		{"allow", `{"token":"env:T","allow":"all"}`, "allow"},
		{"broken", `{`, "unexpected EOF"},
	} {
		_, _, err := Driver.Open("oncall", json.RawMessage(tc.with), env())
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "source oncall: ") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	r := sourcetest.Record(f, serve(f, newAccount(f)))
	for _, p := range r.Pages {
		f.Add(p.Kind, p.Body)
	}
	f.Add(source.KindFailed, []byte(`{}`))
	f.Add("other", []byte(`{}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		items, err := Driver.Normalize(r.Config, audit.Page{Kind: kind, Body: body, About: audit.At(window.AsOf)})
		if !strings.HasPrefix(kind, "pagerduty.") && kind != source.KindFailed && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("a page of kind %q gave %v", kind, err)
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}
