package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
)

// TestFailures: what breaks makes its own streams incomplete, says where, and
// no others.
func TestFailures(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`[{"id":`)) }
	for _, tc := range []struct {
		name, path string
		with       http.HandlerFunc
		want       map[string]string // stream -> part of the reason
	}{
		{"users refused", "/api/v1/users", refuse(403, "You do not have permission"), map[string]string{"account": "403 Forbidden: You do not have permission", "membership": "403", "link": "403"}},
		{"second page of users fails", "/api/v1/users?after=3", refuse(502, "bad gateway"), map[string]string{"account": "page 2: 502", "membership": "page 2: 502", "link": "page 2: 502"}},
		{"users broken", "/api/v1/users", broken, map[string]string{"account": "page 1", "membership": "page 1", "link": "page 1"}},
		{"factors fail", "/api/v1/users/" + ana + "/factors", refuse(500, "oops"), map[string]string{"account": "factors: 500"}},
		{"roles refused", "/api/v1/users/" + ana + "/roles", refuse(403, "no"), map[string]string{"membership": "administrator roles: 403"}},
		{"one group's members fail", "/api/v1/groups/" + everyone + "/users?after=2", refuse(500, "oops"), map[string]string{"membership": "members of Everyone: page 2: 500"}},
		{"groups refused", "/api/v1/groups", refuse(403, "no"), map[string]string{"membership": "403"}},
		{"applications broken", "/api/v1/apps", broken, map[string]string{"application": "page 1"}},
		{"tokens refused", "/api/v1/api-tokens", refuse(403, "no"), map[string]string{"key": "403"}},
		{"log page fails", "/api/v1/logs?after=2", refuse(500, "oops"), map[string]string{"signIn": "page 2: 500"}},
		{"password policies refused", "/api/v1/policies?type=PASSWORD", refuse(403, "no"), map[string]string{"authPolicy PASSWORD": "403"}},
		{"rules of one fail", "/api/v1/policies/00psignon2/rules", refuse(500, "oops"), map[string]string{"authPolicy OKTA_SIGN_ON": "rules of Default Policy: 500"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOrg(t)
			o.fail[tc.path] = tc.with
			r, _ := record(t, serve(t, o))
			for _, m := range r.Manifests {
				name := strings.TrimSpace(m.Type + " " + m.Scope)
				want, fails := tc.want[name]
				if m.Complete == fails || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, %q; want %q", name, m.Complete, m.Reason, want)
				}
				delete(tc.want, name)
			}
			for name := range tc.want {
				t.Errorf("stream %s was not closed", name)
			}
			if len(r.Manifests) != 10 {
				t.Errorf("%d streams were closed, want 10", len(r.Manifests))
			}
		})
	}
}

// TestRefusedFields: a refusal about single users leaves fields out, is said,
// and is not asked for again and again.
func TestRefusedFields(t *testing.T) {
	o := newOrg(t)
	for _, u := range []string{ana, ben, cleo, svc} {
		o.fail["/api/v1/users/"+u+"/factors"] = refuse(403, "no")
	}
	r, _ := record(t, serve(t, o))
	if b := r.Text("account", "okta/"+ana); strings.Contains(b, "enrolled") || strings.Contains(b, "factors") || !strings.Contains(b, `"admin":true`) {
		t.Errorf("got %s", b)
	}
	m := r.Manifest("account")
	if !m.Complete || !strings.Contains(strings.Join(m.Cannot, "|"), "factors are not collected: 403") {
		t.Errorf("complete %v, limits %q", m.Complete, m.Cannot)
	}
	n := 0
	for _, a := range o.asked {
		if strings.HasSuffix(a, "/factors") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("asked for factors %d times, want once", n)
	}
}

// TestMembersHeldToUsers: somebody in a group who is not on the list of users
// shows that the list is not whole.
func TestMembersHeldToUsers(t *testing.T) {
	o := newOrg(t)
	o.answers["/api/v1/users?after=3"] = json.RawMessage(`[]`)
	r, _ := record(t, serve(t, o))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "members of groups that are on the list of users: 3 of 4") {
		t.Errorf("complete %v: %s", m.Complete, m.Reason)
	}
}

func TestRateLimit(t *testing.T) {
	o := newOrg(t)
	tries := 0
	o.fail["/api/v1/apps"] = func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
			w.Header().Set("Date", now.Format(http.TimeFormat))
			w.Header().Set("X-Rate-Limit-Reset", "1781092830") // 30 s later
			refuse(429, "API call exceeded rate limit due to too many requests.")(w, r)
			return
		}
		w.Write([]byte(`[]`))
	}
	r, pauses := record(t, serve(t, o))
	if m := r.Manifest("application"); !m.Complete {
		t.Errorf("incomplete: %s", m.Reason)
	}
	if len(pauses) != 2 || pauses[0] < 31*time.Second || pauses[0] > 32*time.Second {
		t.Errorf("pauses %v, want two of 31 s and a part of one", pauses)
	}
}

// TestSecondFactor: whether everyone needs a second factor is said only where
// it can be told.
func TestSecondFactor(t *testing.T) {
	const mfa, plain = `{"signon":{"access":"ALLOW","requireFactor":true}}`, `{"signon":{"access":"ALLOW","requireFactor":false}}`
	rule := func(system, conditions, actions string) string {
		return `{"id":"r","status":"ACTIVE","priority":1,"system":` + system + `,"conditions":` + conditions + `,"actions":` + actions + `}`
	}
	app := func(mode string) string {
		return `[` + rule("true", "null", `{"appSignOn":{"access":"ALLOW","verificationMethod":{"factorMode":"`+mode+`","type":"ASSURANCE"}}}`) + `]`
	}
	const anybody, zone = `{"network":{"connection":"ANYWHERE"}}`, `{"network":{"connection":"ZONE"}}`
	for _, tc := range []struct {
		name, pipeline, first, last, apps string
		want                              string
	}{
		{"classic: all rules that can apply ask", "v1", rule("false", anybody, mfa), rule("true", "null", plain), "", `"enforced":true`},
		{"classic: outside a zone the next policy decides", "v1", rule("false", zone, mfa), rule("true", "null", plain), "", ""},
		{"classic: none asks", "v1", rule("false", zone, plain), rule("true", "null", plain), "", `"enforced":false`},
		{"classic: a condition nobody knows", "v1", rule("false", `{"moon":"full"}`, mfa), rule("true", "null", plain), "", ""},
		{"classic: refused where no factor", "v1", rule("false", zone, mfa), rule("true", "null", `{"signon":{"access":"DENY"}}`), "", `"enforced":true`},
		{"applications ask", "idx", rule("false", zone, plain), rule("true", "null", plain), app("2FA"), `"enforced":true`},
		{"nothing asks", "idx", rule("false", zone, plain), rule("true", "null", plain), app("1FA"), `"enforced":false`},
		{"applications with a chain of methods", "idx", rule("false", zone, plain), rule("true", "null", plain), app(""), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOrg(t)
			o.answers["/.well-known/okta-organization"] = json.RawMessage(`{"id":"00o","pipeline":"` + tc.pipeline + `"}`)
			o.answers["/api/v1/policies/00psignon1/rules"] = json.RawMessage("[" + tc.first + "]")
			o.answers["/api/v1/policies/00psignon2/rules"] = json.RawMessage("[" + tc.last + "]")
			if tc.apps != "" {
				o.answers["/api/v1/policies/rst1access/rules"] = json.RawMessage(tc.apps)
			}
			r, _ := record(t, serve(t, o))
			got := r.Text("account", "okta/"+ana)
			if strings.Contains(got, "enforced") != (tc.want != "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %s, want %q", got, tc.want)
			}
		})
	}
}

// TestSecondFactorByGroup: a policy for a group is for its members, and the
// next one for the others and for those that its rule leaves out.
func TestSecondFactorByGroup(t *testing.T) {
	const group = "00gs5m97vplNeUXoG697" // of ben and cleo
	const rule = `[{"id":"r","status":"ACTIVE","priority":1,"system":false,"conditions":{"people":{"users":{"exclude":[%s]}}},"actions":{"signon":{"access":"ALLOW","requireFactor":%t}}}]`
	policies := func(people string) string {
		return `[{"id":"00psignon1","type":"OKTA_SIGN_ON","name":"One","status":"ACTIVE","priority":1,"conditions":{"people":` + people + `}},
			{"id":"00psignon2","type":"OKTA_SIGN_ON","name":"Default Policy","status":"ACTIVE","priority":2,"system":true,"conditions":{"people":{"groups":{"include":["` + everyone + `"]}}}}]`
	}
	for _, tc := range []struct {
		name, people, leavesOut string
		fail                    bool
		want                    map[string]string
	}{
		{"a group", `{"groups":{"include":["` + group + `"]}}`, "", false, map[string]string{ana: "false", ben: "true", cleo: "true"}},
		{"a group, its rule leaves one out", `{"groups":{"include":["` + group + `"]}}`, `"` + ben + `"`, false, map[string]string{ana: "false", ben: "false", cleo: "true"}},
		{"all but a group", `{"groups":{"include":["` + everyone + `"],"exclude":["` + group + `"]}}`, "", false, map[string]string{ana: "true", ben: "false", cleo: "false"}},
		{"all but one", `{"groups":{"include":["` + everyone + `"]},"users":{"exclude":["` + ana + `"]}}`, "", false, map[string]string{ana: "false", ben: "true", cleo: "true"}},
		{"one", `{"users":{"include":["` + ana + `"]}}`, "", false, map[string]string{ana: "true", ben: "false", cleo: "false"}},
		{"a group that cannot be read", `{"groups":{"include":["` + group + `"]}}`, "", true, map[string]string{ana: "", ben: "", cleo: ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOrg(t)
			o.answers["/.well-known/okta-organization"] = json.RawMessage(`{"id":"00o","pipeline":"v1"}`)
			o.answers["/api/v1/policies?type=OKTA_SIGN_ON"] = json.RawMessage(policies(tc.people))
			o.answers["/api/v1/policies/00psignon1/rules"] = fmt.Appendf(nil, rule, tc.leavesOut, true)
			o.answers["/api/v1/policies/00psignon2/rules"] = fmt.Appendf(nil, rule, "", false)
			if tc.fail {
				o.fail["/api/v1/groups/"+group+"/users"] = refuse(500, "oops")
			}
			r, _ := record(t, serve(t, o))
			for id, want := range tc.want {
				got := r.Text("account", "okta/"+id)
				if strings.Contains(got, "enforced") != (want != "") || want != "" && !strings.Contains(got, `"enforced":`+want) {
					t.Errorf("got %s, want %q", got, want)
				}
			}
		})
	}
}

func TestPerson(t *testing.T) {
	o := newOrg(t)
	c := serve(t, o)
	c.With = strings.Replace(c.With, "employeeNumber", "email", 1)
	r, _ := record(t, c)
	if got, want := r.Text("link", "okta/link/"+ben), `{"account":"okta/`+ben+`","basis":"e-mail proposed","by":"","confirmed":false,"device":"","person":"hr/ben@halyard.example"}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	c.With = strings.Replace(c.With, `"person":"hr/{email}",`, "", 1)
	if r, _ = record(t, c); len(r.ByType("link")) != 0 || r.Manifest("link").Type != "" {
		t.Error("links were made although nobody asked for them")
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no address", `{"token":"env:T"}`, "baseURL"},
		{"no token", `{"baseURL":"https://x.okta.com"}`, "client and key, or token"},
		{"a client without its key", `{"baseURL":"https://x.okta.com","client":"0oa"}`, "client and key, or token"},
		{"both", `{"baseURL":"https://x.okta.com","client":"0oa","key":"file:k","token":"env:T"}`, "not both"},
		{"the key itself", `{"baseURL":"https://x.okta.com","client":"0oa","key":"-----BEGIN"}`, "never the secret itself"},
		{"the token itself", `{"baseURL":"https://x.okta.com","token":"00abc"}`, "never the secret itself"},
		{"plain http", `{"baseURL":"http://x.okta.com","token":"env:T"}`, "https only"},
		{"a broken glob", `{"baseURL":"https://x.okta.com","token":"env:T","privileged":["["]}`, "glob"},
		{"no name of a person", `{"baseURL":"https://x.okta.com","token":"env:T","person":"hr/1"}`, "person"},
		{"allow", `{"baseURL":"https://x.okta.com","token":"env:T","allow":"all"}`, "allow"},
		{"broken", `{`, "unexpected EOF"},
	} {
		_, _, err := Driver.Open("okta", json.RawMessage(tc.with), env())
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "source okta: ") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	r := sourcetest.Record(f, serve(f, newOrg(f)))
	for _, p := range r.Pages {
		f.Add(p.Kind, p.Body)
	}
	f.Add("failed", []byte(`{}`))
	f.Add("other", []byte(`{}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		items, err := Driver.Normalize(r.Config, audit.Page{Kind: kind, Body: body, About: audit.At(window.AsOf)})
		if !strings.HasPrefix(kind, "okta.") && kind != "failed" && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("a page of kind %q gave %v", kind, err)
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}

// TestNoSecret: without it every stream closes as incomplete, and Collect says why.
func TestNoSecret(t *testing.T) {
	c := serve(t, newOrg(t))
	open, _ := record(t, c)
	c.Env.Secret = func(context.Context, string) (string, error) { return "", errors.New("the keyring is locked") }
	col, _, err := c.Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), c.Window, r); err == nil || !strings.Contains(err.Error(), "the keyring is locked") {
		t.Errorf("Collect says %v", err)
	}
	if len(r.Manifests) < len(open.Manifests) {
		t.Errorf("%d streams were closed; with a secret there are %d", len(r.Manifests), len(open.Manifests))
	}
	for _, m := range r.Manifests {
		if m.Complete || !strings.Contains(m.Reason, "the keyring is locked") {
			t.Errorf("%s %q: complete %v, %q", m.Type, m.Scope, m.Complete, m.Reason)
		}
	}
}

// TestNobody: a list of users that names nobody is no news that there are none.
func TestNobody(t *testing.T) {
	o := newOrg(t)
	o.fail["/api/v1/users"] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`[]`)) }
	r, _ := record(t, serve(t, o))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "names nobody") {
		t.Errorf("complete %v, %q", m.Complete, m.Reason)
	}
}
