package entra

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
)

// TestFailures: what breaks makes its own streams incomplete, says where, and
// no others.
func TestFailures(t *testing.T) {
	broken := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"value":[{"id":`)) }
	license := refuse(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C or tenant doesn't have premium license")
	for _, tc := range []struct {
		name, path string
		with       http.HandlerFunc
		want       map[string]string // stream -> part of the reason
	}{
		{"users refused", "/v1.0/users", refuse(403, "Authorization_RequestDenied", "Insufficient privileges"), map[string]string{"account": "403 Forbidden: Insufficient privileges", "link": "403"}},
		{"second page of users fails", "/v1.0/users?skip=2", refuse(502, "x", "bad"), map[string]string{"account": "page 2: 502", "link": "page 2: 502"}},
		{"users broken", "/v1.0/users", broken, map[string]string{"account": "page 1", "link": "page 1"}},
		{"another number of users", "/v1.0/users/$count", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("\uFEFF9")) }, map[string]string{"account": "count at source: 4 of 9", "link": "count at source: 4 of 9"}},
		{"the report fails", "/v1.0/reports/authenticationMethods/userRegistrationDetails", refuse(500, "x", "oops"), map[string]string{"account": "registered methods: 500"}},
		{"the per-user setting fails", "/beta/users/" + glass + "/authentication/requirements", refuse(403, "x", "no"), nil},
		{"assignments refused", "/v1.0/roleManagement/directory/roleAssignments", refuse(403, "x", "no"), map[string]string{"membership directory roles": "403"}},
		{"a group that holds a role", "/v1.0/groups/g-helpdesk/transitiveMembers", refuse(500, "x", "oops"), map[string]string{"membership": "members of Helpdesk: 500", "membership directory roles": "holds Helpdesk Administrator: 500"}},
		{"second page of members fails", "/v1.0/groups/g-prod/transitiveMembers?skip=2", refuse(500, "x", "oops"), map[string]string{"membership": "members of prod-admins: page 2: 500"}},
		{"conditional access refused", "/v1.0/identity/conditionalAccess/policies", refuse(403, "x", "no"), map[string]string{"authPolicy conditional access": "403"}},
		{"security defaults broken", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", broken, map[string]string{"authPolicy security defaults": "page 1"}},
		{"domains refused", "/v1.0/domains", refuse(403, "x", "no"), map[string]string{"authPolicy passwords": "403"}},
		{"settings refused", "/v1.0/groupSettings", refuse(403, "x", "no"), map[string]string{"authPolicy lockout": "403"}},
		{"applications broken", "/v1.0/servicePrincipals", broken, map[string]string{"application": "page 1", "key": "page 1"}},
		{"registrations refused", "/v1.0/applications", refuse(403, "x", "no"), map[string]string{"key app registrations": "403"}},
		{"no license for sign-ins", "/v1.0/auditLogs/signIns", license, map[string]string{"signIn": "403 Forbidden: Neither tenant is B2C"}},
		{"a page of sign-ins fails", "/v1.0/auditLogs/signIns?skip=2", refuse(500, "x", "oops"), map[string]string{"signIn": "page 2: 500"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := newTenant(t)
			n.fail[tc.path] = tc.with
			r, _ := record(t, serve(t, n))
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
			if len(r.Manifests) != 12 {
				t.Errorf("%d streams were closed, want 12", len(r.Manifests))
			}
		})
	}
}

// TestNoToken closes every stream with what the token endpoint says.
func TestNoToken(t *testing.T) {
	n := newTenant(t)
	c := serve(t, n)
	c.With = strings.Replace(c.With, `"app-1"`, `"app-2"`, 1)
	r, _ := record(t, c)
	if len(r.Items) > 0 || len(r.Manifests) != 12 {
		t.Errorf("%d items, %d streams", len(r.Items), len(r.Manifests))
	}
	for _, m := range r.Manifests {
		if m.Complete || !strings.Contains(m.Reason, "no token: the token endpoint answers 401 Unauthorized: AADSTS7000215: Invalid client secret provided.") {
			t.Errorf("%s: complete %v, %q", m.Type, m.Complete, m.Reason)
		}
	}
}

// TestNoLicense: what a license withholds is left out and said.
func TestNoLicense(t *testing.T) {
	n := newTenant(t)
	license := refuse(403, "x", "Neither tenant is B2C or tenant doesn't have premium license")
	for _, p := range []string{"/v1.0/users?activity", "/v1.0/reports/authenticationMethods/userRegistrationDetails", "/v1.0/auditLogs/directoryAudits"} {
		n.fail[p] = license
	}
	r, _ := record(t, serve(t, n))
	m := r.Manifest("account")
	for _, what := range []string{"the last sign-in could not be collected: 403", "registered methods could not be collected: 403", "when accounts were disabled could not be collected: 403"} {
		if !m.Complete || !slices.ContainsFunc(m.Cannot, func(s string) bool { return strings.Contains(s, what) }) {
			t.Errorf("complete %v, limits %q; want %q", m.Complete, m.Cannot, what)
		}
	}
	if got := r.Text("account", "entra/"+ben); strings.Contains(got, "enrolled") || strings.Contains(got, "disabledAt") {
		t.Errorf("got %s", got)
	}
	if i := slices.IndexFunc(n.asked, func(s string) bool { return strings.Contains(s, "select=id,userPrincipalName") }); strings.Contains(n.asked[i], "signInActivity") {
		t.Errorf("asked %s", n.asked[i])
	}
}

func TestRateLimit(t *testing.T) {
	n := newTenant(t)
	tries := 0
	n.fail["/v1.0/applications"] = func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries < 3 {
			w.Header().Set("Retry-After", "17")
			refuse(429, "TooManyRequests", "Please retry again later.")(w, r)
			return
		}
		w.Write([]byte(`{"value":[]}`))
	}
	r, pauses := record(t, serve(t, n))
	if len(pauses) != 2 || pauses[0] < 17*time.Second || pauses[0] > 18*time.Second {
		t.Errorf("pauses %v, want two of 17 s and a part of one", pauses)
	}
	for _, m := range r.Manifests {
		if !m.Complete {
			t.Errorf("%s: %s", m.Type, m.Reason)
		}
	}
}

// TestSecondFactor: whether an account needs a second factor is said only
// where it can be told.
func TestSecondFactor(t *testing.T) {
	policy := func(users, grant, more string) string {
		return `{"value":[{"id":"p","state":"enabled","conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"],"excludeApplications":[]},"users":` + users + more + `},"grantControls":` + grant + `}]}`
	}
	const all, mfa = `{"includeUsers":["All"]}`, `{"operator":"OR","builtInControls":["mfa"]}`
	for _, tc := range []struct{ name, policies, perUser, defaults, want string }{
		{"everyone, always", policy(all, mfa, ""), "disabled", "false", "true"},
		{"or a managed device", policy(all, `{"operator":"OR","builtInControls":["mfa","compliantDevice"]}`, ""), "disabled", "false", ""},
		{"and a managed device", policy(all, `{"operator":"AND","builtInControls":["mfa","compliantDevice"]}`, ""), "disabled", "false", "true"},
		{"from some places", policy(all, mfa, `,"locations":{"includeLocations":["All"],"excludeLocations":["AllTrusted"]}`), "disabled", "false", ""},
		{"a condition nobody knows", policy(all, mfa, `,"moonPhases":["full"]`), "disabled", "false", ""},
		{"a weaker strength", policy(all, `{"operator":"OR","builtInControls":[],"authenticationStrength":{"requirementsSatisfied":"none"}}`, ""), "disabled", "false", ""},
		{"not this account", policy(`{"includeUsers":["All"],"excludeUsers":["`+glass+`"]}`, mfa, ""), "disabled", "false", "false"},
		{"by role", policy(`{"includeRoles":["62e90394-69f5-4237-9190-012177145e10"]}`, mfa, ""), "disabled", "false", "true"},
		{"by another role", policy(`{"includeRoles":["729827e3-9c14-49f7-bb1b-9608f156bbb8"]}`, mfa, ""), "disabled", "false", "false"},
		{"by group", policy(`{"includeGroups":["g-breakglass"]}`, mfa, ""), "disabled", "false", "true"},
		{"by a group that cannot be read", policy(`{"includeGroups":["g-nowhere"]}`, mfa, ""), "disabled", "false", ""},
		{"guests only", policy(`{"includeUsers":["GuestsOrExternalUsers"]}`, mfa, ""), "disabled", "false", "false"},
		{"no policy, the older setting", `{"value":[]}`, "enforced", "false", "true"},
		{"no policy, the older setting half way", `{"value":[]}`, "enabled", "false", ""},
		{"nothing at all", `{"value":[]}`, "disabled", "false", "false"},
		{"security defaults ask when they see need", `{"value":[]}`, "disabled", "true", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := newTenant(t)
			n.answers["/v1.0/identity/conditionalAccess/policies"] = json.RawMessage(tc.policies)
			n.answers["/beta/users/"+glass+"/authentication/requirements"] = json.RawMessage(`{"perUserMfaState":"` + tc.perUser + `"}`)
			n.answers["/v1.0/policies/identitySecurityDefaultsEnforcementPolicy"] = json.RawMessage(`{"isEnabled":` + tc.defaults + `}`)
			r, _ := record(t, serve(t, n))
			got := r.Text("account", "entra/"+glass)
			if strings.Contains(got, "enforced") != (tc.want != "") || tc.want != "" && !strings.Contains(got, `"enforced":`+tc.want) {
				t.Errorf("got %s, want %q", got, tc.want)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no tenant", `{"client":"a","secret":"env:S"}`, "tenant"},
		{"a tenant that is a path", `{"tenant":"a/../b","client":"a","secret":"env:S"}`, "tenant"},
		{"no client", `{"tenant":"x","secret":"env:S"}`, "client"},
		{"no secret", `{"tenant":"x","client":"a"}`, "secret: it is needed"},
		{"the secret itself", `{"tenant":"x","client":"a","secret":"abc~"}`, "never the secret itself"},
		{"plain http", `{"tenant":"x","client":"a","secret":"env:S","baseURL":"http://x"}`, "https only"},
		{"plain http to the token endpoint", `{"tenant":"x","client":"a","secret":"env:S","loginURL":"http://x"}`, "https only"},
		{"a broken glob", `{"tenant":"x","client":"a","secret":"env:S","service":["["]}`, "glob"},
		{"allow", `{"tenant":"x","client":"a","secret":"env:S","allow":"all"}`, "allow"},
	} {
		_, _, err := Driver.Open("entra", json.RawMessage(tc.with), env())
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "source entra: ") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	r := sourcetest.Record(f, serve(f, newTenant(f)))
	for _, p := range r.Pages {
		f.Add(p.Kind, p.Body)
	}
	f.Add("failed", []byte(`{}`))
	f.Add("other", []byte(`{}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		items, err := Driver.Normalize(r.Config, audit.Page{Kind: kind, Body: body, About: audit.At(window.AsOf)})
		if !strings.HasPrefix(kind, "entra.") && kind != "failed" && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("a page of kind %q gave %v", kind, err)
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}

// TestPolicyUnderConditions: a policy that asks for a second factor in one
// application, or from some places, does not say that it asks for one.
func TestPolicyUnderConditions(t *testing.T) {
	const head = `{"value":[{"id":"p","displayName":"P","state":"enabled","conditions":{"clientAppTypes":["all"],"users":{"includeUsers":["All"]},`
	const tail = `},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}]}`
	for name, tc := range map[string]struct{ conditions, want string }{
		"always":          {`"applications":{"includeApplications":["All"]}`, `"mfaRequired":true`},
		"one application": {`"applications":{"includeApplications":["wiki"]}`, ""},
		"some places":     {`"applications":{"includeApplications":["All"]},"locations":{"includeLocations":["AllTrusted"]}`, ""},
		"high risk":       {`"applications":{"includeApplications":["All"]},"signInRiskLevels":["high"]`, ""},
	} {
		n := newTenant(t)
		n.answers["/v1.0/identity/conditionalAccess/policies"] = json.RawMessage(head + tc.conditions + tail)
		r, _ := record(t, serve(t, n))
		got := r.Text("authPolicy", "entra/p")
		if strings.Contains(got, "mfaRequired") != (tc.want != "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s; want %q", name, got, tc.want)
		}
	}
}

// TestNoSecret: without it every stream closes as incomplete, and Collect says why.
func TestNoSecret(t *testing.T) {
	c := serve(t, newTenant(t))
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
	n := newTenant(t)
	n.fail["/v1.0/users"] = func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"value":[]}`)) }
	r, _ := record(t, serve(t, n))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "names nobody") {
		t.Errorf("complete %v, %q", m.Complete, m.Reason)
	}
}
