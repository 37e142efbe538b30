package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const secret, token = "s3cr3t~value", "eyJ-access-token"

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

// Ids of testdata/tenant.json.
const (
	ana, ben, cleo, glass = "00000000-aaaa-4000-8000-000000000001", "00000000-aaaa-4000-8000-000000000002", "00000000-aaaa-4000-8000-000000000003", "00000000-aaaa-4000-8000-000000000004"
	factorPolicy          = "a205d789-8090-43d1-b42b-0d915b08fbfd"
	wiki, app             = "87657956-a32f-4535-a46a-4289d0fe597a", "123456c3-bb2e-462a-a89e-9520273e018c"
)

// A tenant answers as Graph and its token endpoint do, from testdata/tenant.json.
type tenant struct {
	mu      sync.Mutex
	answers map[string]json.RawMessage
	fail    map[string]http.HandlerFunc // by key: instead of the answer
	asked   []string
	tokens  int
}

func newTenant(t testing.TB) *tenant {
	t.Helper()
	b, err := os.ReadFile("testdata/tenant.json")
	if err != nil {
		t.Fatal(err)
	}
	n := &tenant{fail: map[string]http.HandlerFunc{}}
	if err := json.Unmarshal(b, &n.answers); err != nil {
		t.Fatal(err)
	}
	return n
}

// key is where testdata/tenant.json has the answer.
func key(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Get("$skiptoken") != "":
		return r.URL.Path + "?skip=" + q.Get("$skiptoken")
	case q.Get("$select") == "id,signInActivity":
		return r.URL.Path + "?activity"
	}
	return r.URL.Path
}

func (n *tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") {
		n.token(w, r)
		return
	}
	k := key(r)
	n.asked = append(n.asked, r.URL.RequestURI())
	if f := n.fail[k]; f != nil {
		f(w, r)
		return
	}
	body, ok := n.answers[k]
	switch {
	case r.Header.Get("Authorization") != "Bearer "+token:
		refuse(401, "InvalidAuthenticationToken", "Access token is empty.")(w, r)
	case strings.HasSuffix(k, "$count") && r.Header.Get("ConsistencyLevel") != "eventual":
		refuse(400, "Request_BadRequest", "$count is not currently supported.")(w, r)
	case !ok:
		refuse(404, "Request_ResourceNotFound", "Resource "+k+" does not exist")(w, r)
	default:
		if strings.HasSuffix(k, "$count") {
			w.Header().Set("Content-Type", "text/plain")
		}
		w.Write([]byte(strings.ReplaceAll(string(body), "{origin}", "http://"+r.Host)))
	}
}

func (n *tenant) token(w http.ResponseWriter, r *http.Request) {
	n.tokens++
	id, given, basic := r.BasicAuth()
	if !basic {
		id, given = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if f := n.fail["token"]; f != nil {
		f(w, r)
		return
	}
	if id != "app-1" || given != secret || r.FormValue("scope") != "http://"+r.Host+"/.default" || r.FormValue("grant_type") != "client_credentials" {
		w.WriteHeader(401)
		w.Write([]byte(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`))
		return
	}
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, token)
}

func refuse(status int, code, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%q,"message":%q,"innerError":{"request-id":"1"}}}`, code, words)
	}
}

func env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:ENTRA_SECRET" {
			return "", errors.New("not set")
		}
		return secret + "\n", nil
	}}
}

func serve(t testing.TB, n *tenant) sourcetest.Connection {
	t.Helper()
	s := httptest.NewServer(n)
	t.Cleanup(s.Close)
	with := fmt.Sprintf(`{"tenant":"halyard.example","client":"app-1","secret":"env:ENTRA_SECRET","baseURL":%q,"loginURL":%q,
	 "person":"hr/{employeeNumber}","privileged":["prod-*"],"service":["svc-*"],"allow":"loopback"}`, s.URL, s.URL)
	return sourcetest.Connection{Driver: Driver, Name: "entra", With: with, Env: env(), Window: window}
}

// record collects and counts pauses instead of sleeping.
func record(t testing.TB, c sourcetest.Connection) (*sourcetest.Recorder, []time.Duration) {
	t.Helper()
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	col.(*collector).wait = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	r := &sourcetest.Recorder{Driver: Driver, Config: config}
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatal(err)
	}
	return r, pauses
}

func TestConform(t *testing.T) {
	sourcetest.Conform(t, serve(t, newTenant(t)), Driver.Types...)
}

func TestItems(t *testing.T) {
	r, _ := record(t, serve(t, newTenant(t)))
	for _, tc := range []struct{ name, typ, id, want string }{
		{"a member under the policy for all, administrator through a group", "account", "entra/" + ana, `{"admin":true,"createdAt":"2025-01-01T08:00:00Z","disabledAt":"never","email":"ana@halyard.example","kind":"human","login":"ana@halyard.example","mfa":{"enforced":true,"enrolled":true,"factors":["microsoftAuthenticatorPush","softwareOneTimePasscode"]},"passwordChangedAt":"2025-02-01T08:00:00Z","status":"active","system":"entra"}{"lastUsedAt":"2026-05-31T08:00:00Z"}`},
		{"disabled: the log says when, the report leaves it out", "account", "entra/" + ben, `{"admin":false,"createdAt":"2025-01-02T08:00:00Z","disabledAt":"2026-06-02T10:00:00Z","email":"ben@halyard.example","kind":"human","login":"ben@halyard.example","mfa":{"enforced":true},"passwordChangedAt":"2025-02-02T08:00:00Z","status":"disabled","system":"entra"}{"lastUsedAt":"2026-01-01T08:00:00Z"}`},
		{"a guest who has not accepted, no method, no address", "account", "entra/" + cleo, `{"admin":false,"createdAt":"2025-01-03T08:00:00Z","disabledAt":"never","email":"","kind":"guest","login":"cleo_partner.example#EXT#@halyard.example","mfa":{"enforced":true,"enrolled":false,"factors":[]},"passwordChangedAt":"2025-02-03T08:00:00Z","status":"pending","system":"entra"}`},
		{"left out by a group, and nothing else asks", "account", "entra/" + glass, `{"admin":true,"createdAt":"2025-01-04T08:00:00Z","disabledAt":"never","email":"breakglass@halyard.example","kind":"human","login":"breakglass@halyard.example","mfa":{"enforced":false,"enrolled":false,"factors":[]},"passwordChangedAt":"2025-02-04T08:00:00Z","status":"active","system":"entra"}`},
		{"a link", "link", "entra/link/" + ana, `{"account":"entra/` + ana + `","basis":"employee number","by":"","confirmed":true,"device":"","person":"hr/E1"}`},
		{"a privileged group", "membership", "entra/group-g-prod/" + ana, `{"account":"entra/` + ana + `","group":"prod-admins","privileged":true,"role":"member","system":"entra"}`},
		{"its second page", "membership", "entra/group-g-prod/" + cleo, `{"account":"entra/` + cleo + `","group":"prod-admins","privileged":true,"role":"member","system":"entra"}`},
		{"another group", "membership", "entra/group-g-helpdesk/" + ana, `{"account":"entra/` + ana + `","group":"Helpdesk","privileged":false,"role":"member","system":"entra"}`},
		{"a group in a group is no account", "membership", "entra/group-g-prod/g-inner", "no such item"},
		{"a role", "membership", "entra/role-lAPpYvVpN0KRkAEhdxReEKsS0t41g7xBusEO5u7F7ls-1", `{"account":"entra/` + glass + `","group":"Global Administrator","privileged":true,"role":"admin","system":"entra"}`},
		{"a role through a group", "membership", "entra/role-lAPpYvVpN0KRkAEhdxReEN5CquO4H5BLkeZ0HCcNqOQ-1/" + ana, `{"account":"entra/` + ana + `","group":"Helpdesk Administrator","privileged":true,"role":"admin","system":"entra"}`},
		{"a role of a program", "membership", "entra/role-lAPpYvVpN0KRkAEhdxReEOpg3ULpV-pHikOiE9NqnLA-1", `{"account":"entra/` + wiki + `","group":"Helpdesk Administrator","privileged":true,"role":"admin","system":"entra"}`},
		{"a policy on sessions", "authPolicy", "entra/e430772e-f1c9-4618-9b68-4f125e80a288", `{"enabled":true,"everyone":true,"exceptions":[],"kind":"conditional access","mfaRequired":false,"name":"Live - Session Length is Limited & No persistent browser sessions","session":{"maxHours":96},"system":"entra"}`},
		{"a factor for all but a group", "authPolicy", "entra/" + factorPolicy, `{"enabled":true,"everyone":false,"exceptions":["group g-breakglass"],"kind":"conditional access","mfaRequired":true,"name":"MS.AAD.3.2v1 If phishing-resistant MFA has not been enforced, an alternative MFA method SHALL be enforced for all users","system":"entra"}`},
		{"report-only", "authPolicy", "entra/c0ffee00-0000-4000-8000-000000000001", `{"enabled":false,"everyone":false,"exceptions":["group g-breakglass"],"kind":"conditional access","mfaRequired":true,"name":"Report only: guests","system":"entra"}`},
		{"security defaults", "authPolicy", "entra/security defaults", `{"enabled":false,"everyone":true,"exceptions":[],"kind":"second factor","mfaRequired":true,"name":"Security defaults","system":"entra"}`},
		{"passwords that last for ever", "authPolicy", "entra/passwords/tqhjy.onmicrosoft.com", `{"enabled":true,"kind":"password","name":"Passwords of tqhjy.onmicrosoft.com","password":{"maxAgeDays":0},"system":"entra"}`},
		{"passwords that do not", "authPolicy", "entra/passwords/halyard.example", `{"enabled":true,"kind":"password","name":"Passwords of halyard.example","password":{"maxAgeDays":90},"system":"entra"}`},
		{"passwords of another system", "authPolicy", "entra/passwords/partner.example", "no such item"},
		{"lockout", "authPolicy", "entra/62c1305f-60f0-4096-8d72-00000000000a", `{"enabled":true,"kind":"password","lockout":{"attempts":10,"minutes":2},"name":"Password rule settings","password":{"complexity":true},"system":"entra"}`},
		{"a setting about something else", "authPolicy", "entra/62c1305f-60f0-4096-8d72-e1f74e8627f5", "no such item"},
		{"an application", "application", "entra/" + wiki, `{"name":"Wiki","signOn":"federated","status":"active","system":"entra"}`},
		{"a disabled one", "application", "entra/87657956-a32f-4535-a46a-000000000002", `{"name":"Old","status":"disabled","system":"entra"}`},
		{"its certificate", "key", "entra/" + wiki + "/k-verify", `{"createdAt":"2025-01-01T00:00:00Z","expiresAt":"2028-01-01T00:00:00Z","kind":"certificate","owner":"","rotatedAt":"2025-01-01T00:00:00Z","status":"active","system":"entra"}`},
		{"its other half", "key", "entra/" + wiki + "/k-sign", "no such item"},
		{"an expired secret", "key", "entra/" + app + "/b784bacb-acaa-44a1-8d17-6e2411baaaaa", `{"createdAt":"2024-12-12T00:18:42Z","expiresAt":"2024-12-12T07:40:00Z","kind":"access","owner":"","rotatedAt":"2024-12-12T00:18:42Z","status":"expired","system":"entra"}`},
		{"a sign-in", "signIn", "entra/log/s1", `{"account":"entra/` + ana + `","result":"success","system":"entra"}`},
		{"a wrong password", "signIn", "entra/log/s2", `{"account":"entra/` + cleo + `","result":"failure","system":"entra"}`},
		{"blocked by a policy", "signIn", "entra/log/s3", `{"account":"entra/` + cleo + `","result":"blocked","system":"entra"}`},
		{"asked for more: no result yet", "signIn", "entra/log/s4", `{"account":"entra/` + ana + `","system":"entra"}`},
		{"nobody known", "signIn", "entra/log/s5", `{"result":"failure","system":"entra"}`},
	} {
		if got := r.Text(tc.typ, tc.id); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	for typ, want := range map[string]int{"account": 4, "membership": 6, "link": 1, "authPolicy": 8, "application": 2, "key": 4, "signIn": 5} {
		if got := len(r.ByType(typ)); got != want {
			t.Errorf("%s: got %d items, want %d", typ, got, want)
		}
	}
}

func TestOneTokenForAll(t *testing.T) {
	n := newTenant(t)
	record(t, serve(t, n))
	if n.tokens != 1 {
		t.Errorf("asked for %d tokens, want 1", n.tokens)
	}
}

func TestSecretIsNowhere(t *testing.T) {
	for _, f := range []http.HandlerFunc{nil, refuse(500, "x", "oops"), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(401)
		w.Write([]byte(`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`))
	}} {
		n := newTenant(t)
		n.fail["token"] = f
		r, _ := record(t, serve(t, n))
		all, err := json.Marshal([]any{r.Manifests, r.Config})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Pages {
			all = append(append(all, p.Body...), p.Query...)
		}
		for _, s := range []string{secret, token} {
			if strings.Contains(string(all), s) {
				t.Errorf("%q is in a page, a manifest or the configuration", s)
			}
		}
	}
}
