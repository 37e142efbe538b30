package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// TestFailures: what breaks makes its own streams incomplete, says where, and
// no others.
func TestFailures(t *testing.T) {
	const d = "/admin/directory/v1/"
	broken := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"kind":`)) }
	other := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"kind":"admin#directory#groups"}`)) }
	for _, tc := range []struct {
		name, path string
		with       http.HandlerFunc
		want       map[string]string // stream -> part of the reason
	}{
		{"users refused", d + "users", refuse(403, "Not Authorized to access this resource/api"), map[string]string{"account": "403 Forbidden: Not Authorized", "link": "403", "key": "could not be read"}},
		{"second page of users fails", d + "users?page=p2", refuse(502, "bad"), map[string]string{"account": "page 2: 502", "link": "page 2: 502", "key": "could not be read"}},
		{"users broken", d + "users", broken, map[string]string{"account": "page 1", "link": "page 1", "key": "could not be read"}},
		{"another list", d + "users", other, map[string]string{"account": `calls itself "admin#directory#groups"`, "link": "calls itself", "key": "could not be read"}},
		{"the log of suspensions fails", "/admin/reports/v1/activity/users/all/applications/admin?SUSPEND_USER", refuse(500, "oops"), map[string]string{"account": "when accounts were suspended: 500"}},
		{"the log of suspensions refused", "/admin/reports/v1/activity/users/all/applications/admin?SUSPEND_USER", refuse(403, "no"), nil},
		{"second page of members fails", d + "groups/g1/members?page=m2", refuse(500, "oops"), map[string]string{"membership": "members of prod-admins@halyard.example: page 2: 500"}},
		{"a group that holds a role", d + "groups/g-help/members", refuse(500, "oops"), map[string]string{"membership administrator roles": "holds _HELP_DESK_ADMIN_ROLE: 500"}},
		{"assignments refused", d + "customer/my_customer/roleassignments", refuse(403, "no"), map[string]string{"membership administrator roles": "403"}},
		{"rules fail", "/v1/policies?page=q2", refuse(500, "oops"), map[string]string{"authPolicy": "page 2: 500"}},
		{"mobile devices refused", d + "customer/my_customer/devices/mobile", refuse(403, "no"), map[string]string{"device mobile": "403", "link mobile": "403"}},
		{"ChromeOS devices broken", d + "customer/my_customer/devices/chromeos", broken, map[string]string{"device chromeos": "page 1", "link chromeos": "page 1"}},
		{"tokens of one fail", d + "users/102/tokens", refuse(500, "oops"), map[string]string{"key": "500"}},
		{"sign-ins fail", "/admin/reports/v1/activity/users/all/applications/login?page=l2", refuse(500, "oops"), map[string]string{"signIn": "page 2: 500"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOrg(t)
			o.fail[tc.path] = tc.with
			r, _ := record(t, serve(t, o))
			streams(t, r, tc.want)
		})
	}
}

// streams holds what was closed to what was to fail.
func streams(t *testing.T, r *sourcetest.Recorder, wants map[string]string) {
	t.Helper()
	for _, m := range r.Manifests {
		name := strings.TrimSpace(m.Type + " " + m.Scope)
		want, fails := wants[name]
		if m.Complete == fails || !strings.Contains(m.Reason, want) {
			t.Errorf("%s: complete %v, %q; want %q", name, m.Complete, m.Reason, want)
		}
		delete(wants, name)
	}
	for name := range wants {
		t.Errorf("stream %s was not closed", name)
	}
	if len(r.Manifests) != 11 {
		t.Errorf("%d streams were closed, want 11", len(r.Manifests))
	}
}

// TestScopeNotDelegated: a permission that was not delegated takes its own
// streams with it, and no others.
func TestScopeNotDelegated(t *testing.T) {
	const says = "no token: the token endpoint answers 401 Unauthorized: Client is unauthorized"
	for _, tc := range []struct {
		scope string
		want  map[string]string
	}{
		{scopeUsers, map[string]string{"account": says, "link": says, "key": "could not be read"}},
		{scopeGroups, map[string]string{"membership": says, "membership administrator roles": says}},
		{scopeRoles, map[string]string{"membership administrator roles": says}},
		{scopePolicies, map[string]string{"authPolicy": says}},
		{scopeMobile, map[string]string{"device mobile": says, "link mobile": says}},
		{scopeChrome, map[string]string{"device chromeos": says, "link chromeos": says}},
		{scopeReports, map[string]string{"signIn": says}},
		{scopeTokens, map[string]string{"key": says}},
	} {
		t.Run(tc.scope, func(t *testing.T) {
			o := newOrg(t)
			o.denied = []string{tc.scope}
			r, _ := record(t, serve(t, o))
			streams(t, r, tc.want)
			m := r.Manifest("account")
			if tc.scope == scopeReports && !slices.ContainsFunc(m.Cannot, func(s string) bool { return strings.Contains(s, "suspended could not be collected") }) {
				t.Errorf("limits %q", m.Cannot)
			}
		})
	}
}

// TestRateLimit: Google says it with 403 as well as with 429.
func TestRateLimit(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		reason string
		want   time.Duration
	}{
		{"429", 429, "rateLimitExceeded", time.Minute},
		{"403 of a user", 403, "userRateLimitExceeded", 30 * time.Second},
		{"403 of all", 403, "rateLimitExceeded", 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOrg(t)
			tries := 0
			o.fail["/admin/directory/v1/groups"] = func(w http.ResponseWriter, _ *http.Request) {
				if tries++; tries < 3 {
					w.WriteHeader(tc.status)
					fmt.Fprintf(w, `{"error":{"code":%d,"message":"Request had too many calls","errors":[{"reason":%q}]}}`, tc.status, tc.reason)
					return
				}
				w.Write(o.answers["/admin/directory/v1/groups"])
			}
			r, pauses := record(t, serve(t, o))
			if len(pauses) != 2 || pauses[0] < tc.want || pauses[0] > tc.want+time.Second {
				t.Errorf("pauses %v, want two of %v and a part of a second", pauses, tc.want)
			}
			streams(t, r, nil)
		})
	}
}

func TestKey(t *testing.T) {
	for _, tc := range []struct{ name, holds, want string }{
		{"not JSON", "-----BEGIN PRIVATE KEY-----", "not the JSON key of a service account"},
		{"a client's key", `{"installed":{"client_id":"x"}}`, "not the JSON key of a service account"},
		{"nothing", " ", "is empty"},
	} {
		c := serve(t, newOrg(t))
		c.Env = source.Env{Secret: func(_ context.Context, _ string) (string, error) { return tc.holds, nil }}
		col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
		if err != nil {
			t.Fatal(err)
		}
		err = col.Collect(t.Context(), c.Window, &sourcetest.Recorder{})
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no key", `{"subject":"a@b.example"}`, "key: it is needed"},
		{"the key itself", `{"key":"{}","subject":"a@b.example"}`, "never the secret itself"},
		{"no subject", `{"key":"file:k"}`, "subject"},
		{"a customer that is a path", `{"key":"file:k","subject":"a@b.example","customer":"C1/../x"}`, "customer"},
		{"plain http", `{"key":"file:k","subject":"a@b.example","baseURL":"http://x"}`, "https only"},
		{"plain http for tokens", `{"key":"file:k","subject":"a@b.example","tokenURL":"http://x"}`, "https only"},
		{"plain http for rules", `{"key":"file:k","subject":"a@b.example","policyURL":"http://x"}`, "https only"},
		{"a broken glob", `{"key":"file:k","subject":"a@b.example","privileged":[""]}`, "glob"},
		{"allow", `{"key":"file:k","subject":"a@b.example","allow":"all"}`, "allow"},
	} {
		_, _, err := Driver.Open("google", json.RawMessage(tc.with), env())
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "source google: ") {
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
		if !strings.HasPrefix(kind, "workspace.") && kind != "failed" && !errors.Is(err, audit.ErrInvalid) {
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
		if m.Complete || m.Type != "key" && !strings.Contains(m.Reason, "the keyring is locked") { // keys are those of the accounts
			t.Errorf("%s %q: complete %v, %q", m.Type, m.Scope, m.Complete, m.Reason)
		}
	}
}

// TestNobody: a list of users that names nobody is no news that there are none.
func TestNobody(t *testing.T) {
	o := newOrg(t)
	o.fail["/admin/directory/v1/users"] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"kind":"admin#directory#users"}`)) }
	r, _ := record(t, serve(t, o))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "names nobody") {
		t.Errorf("complete %v, %q", m.Complete, m.Reason)
	}
}
