package workspace

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

const subject, issuer = "auditor@halyard.example", "tieout@halyard.iam.gserviceaccount.example"

var privateKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// keyFile is what Google gives for a service account.
var keyFile = sync.OnceValue(func() string {
	der, err := x509.MarshalPKCS8PrivateKey(privateKey())
	if err != nil {
		panic(err)
	}
	b, err := json.Marshal(map[string]string{"type": "service_account", "client_email": issuer, "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://elsewhere.example/token"})
	if err != nil {
		panic(err)
	}
	return string(b)
})

// An org answers as Google does, from testdata/org.json.
type org struct {
	t       testing.TB
	mu      sync.Mutex
	docs    []document
	answers map[string]json.RawMessage
	fail    map[string]http.HandlerFunc // by key: instead of the answer
	denied  []string                    // scopes that were not delegated
	asked   []string
}

func newOrg(t testing.TB) *org {
	t.Helper()
	b, err := os.ReadFile("testdata/org.json")
	if err != nil {
		t.Fatal(err)
	}
	o := &org{t: t, docs: discovery(t), fail: map[string]http.HandlerFunc{}}
	if err := json.Unmarshal(b, &o.answers); err != nil {
		t.Fatal(err)
	}
	return o
}

// key is where testdata/org.json has the answer.
func key(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Get("pageToken") != "":
		return r.URL.Path + "?page=" + q.Get("pageToken")
	case q.Get("eventName") != "":
		return r.URL.Path + "?" + q.Get("eventName")
	}
	return r.URL.Path
}

func (o *org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/token" {
		o.token(w, r)
		return
	}
	k := key(r)
	o.asked = append(o.asked, r.URL.RequestURI())
	scope, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ya29.")
	if err := checkRequest(o.docs, r, scope); err != nil || !ok {
		o.t.Errorf("a request that Google does not know: %v", err)
	}
	if f := o.fail[k]; f != nil {
		f(w, r)
		return
	}
	if body, ok := o.answers[k]; ok {
		w.Write(body)
		return
	}
	refuse(404, "Resource Not Found: "+k)(w, r)
}

// token answers a signed assertion (RFC 7523) with a token that names its scope.
func (o *org) token(w http.ResponseWriter, r *http.Request) {
	claims, err := verify(r.FormValue("assertion"))
	if err != nil || r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		o.t.Errorf("assertion: %v", err)
	}
	if claims.Iss != issuer || claims.Sub != subject || claims.Aud != "http://"+r.Host+"/token" {
		o.t.Errorf("claims %+v", claims)
	}
	if slices.Contains(o.denied, claims.Scope) {
		w.WriteHeader(401)
		w.Write([]byte(`{"error":"unauthorized_client","error_description":"Client is unauthorized to retrieve access tokens using this method."}`))
		return
	}
	fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"ya29.%s"}`, claims.Scope)
}

type claims struct{ Iss, Sub, Aud, Scope string }

func verify(assertion string) (c claims, err error) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return c, errors.New("it has not three parts")
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&privateKey().PublicKey, crypto.SHA256, sum[:], sig); err != nil {
		return c, err
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(b, &c)
}

func refuse(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"errors":[{"domain":"global","reason":"forbidden"}]}}`, status, words)
	}
}

func env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "file:key.json" {
			return "", errors.New("not set")
		}
		return keyFile() + "\n", nil
	}}
}

func serve(t testing.TB, o *org) sourcetest.Connection {
	t.Helper()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	with := fmt.Sprintf(`{"key":"file:key.json","subject":%q,"baseURL":%q,"policyURL":%q,"tokenURL":"%s/token","tokens":true,
	 "person":"hr/{employeeNumber}","privileged":["prod-*"],"service":["svc-*"],"allow":"loopback"}`, subject, s.URL, s.URL, s.URL)
	return sourcetest.Connection{Driver: Driver, Name: "google", With: with, Env: env(), Window: window}
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
	sourcetest.Conform(t, serve(t, newOrg(t)), Driver.Types...)
}

func TestItems(t *testing.T) {
	r, _ := record(t, serve(t, newOrg(t)))
	for _, tc := range []struct{ name, typ, id, want string }{
		{"a super administrator", "account", "google/101", `{"admin":true,"createdAt":"2025-01-01T08:00:00Z","disabledAt":"never","email":"ana@halyard.example","kind":"human","login":"ana@halyard.example","mfa":{"enforced":true,"enrolled":true},"status":"active","system":"google"}{"lastUsedAt":"2026-06-01T08:00:00Z"}`},
		{"suspended: the log says when; a role through a group", "account", "google/102", `{"admin":true,"createdAt":"2025-01-02T08:00:00Z","disabledAt":"2026-05-05T17:00:00Z","email":"ben@halyard.example","kind":"human","login":"ben@halyard.example","mfa":{"enforced":false,"enrolled":false},"status":"suspended","system":"google"}{"lastUsedAt":"2026-06-02T08:00:00Z"}`},
		{"archived, before the log begins; never signed in", "account", "google/103", `{"admin":false,"createdAt":"2025-01-03T08:00:00Z","email":"cleo@halyard.example","kind":"human","login":"cleo@halyard.example","mfa":{"enforced":true,"enrolled":true},"status":"disabled","system":"google"}{"lastUsedAt":"never"}`},
		{"of a program", "account", "google/104", `{"admin":false,"createdAt":"2025-01-04T08:00:00Z","disabledAt":"never","email":"svc-sync@halyard.example","kind":"service","login":"svc-sync@halyard.example","mfa":{"enforced":true,"enrolled":false},"status":"active","system":"google"}{"lastUsedAt":"2026-06-04T08:00:00Z"}`},
		{"a link", "link", "google/link/101", `{"account":"google/101","basis":"employee number","by":"","confirmed":true,"device":"","person":"hr/E1"}`},
		{"no employee number", "link", "google/link/102", "no such item"},
		{"an owner of a privileged group", "membership", "google/group-g1/101", `{"account":"google/101","group":"prod-admins@halyard.example","privileged":true,"role":"owner","system":"google"}`},
		{"a manager on its second page", "membership", "google/group-g1/104", `{"account":"google/104","group":"prod-admins@halyard.example","privileged":true,"role":"maintainer","system":"google"}`},
		{"a group in a group is no account", "membership", "google/group-g1/g9", "no such item"},
		{"a role", "membership", "google/role-901", `{"account":"google/101","group":"_SEED_ADMIN_ROLE","privileged":true,"role":"admin","system":"google"}`},
		{"a role through a group", "membership", "google/role-902/102", `{"account":"google/102","group":"_HELP_DESK_ADMIN_ROLE","privileged":true,"role":"admin","system":"google"}`},
		{"passwords", "authPolicy", "google/policies/p1", `{"enabled":true,"kind":"password","name":"password (orgUnits/03ph8a2z1)","password":{"complexity":true,"maxAgeDays":0,"minLength":12},"system":"google"}`},
		{"passwords that may be used again", "authPolicy", "google/policies/p2", `{"enabled":true,"kind":"password","name":"password (orgUnits/03ph8a2z2)","password":{"complexity":true,"history":0,"maxAgeDays":30,"minLength":12},"system":"google"}`},
		{"sessions", "authPolicy", "google/policies/p3", `{"enabled":true,"kind":"session","name":"session controls (orgUnits/03ph8a2z1)","session":{"maxHours":20},"system":"google"}`},
		{"a second step", "authPolicy", "google/policies/p4", `{"enabled":true,"kind":"second factor","mfaRequired":true,"name":"two step verification enforcement (orgUnits/03ph8a2z1)","system":"google"}`},
		{"none", "authPolicy", "google/policies/p5", `{"enabled":true,"kind":"second factor","mfaRequired":false,"name":"two step verification enforcement (orgUnits/03ph8a2z3)","system":"google"}`},
		{"one in future, of a group", "authPolicy", "google/policies/p6", `{"enabled":true,"kind":"second factor","mfaRequired":false,"name":"two step verification enforcement (groups/WORKSPACE_ALL_ADMIN_GROUP)","system":"google"}`},
		{"a rule about something else", "authPolicy", "google/policies/p7", "no such item"},
		{"a phone", "device", "google/mobile/AFi1", `{"diskEncrypted":true,"kind":"phone","managed":true,"os":{"version":"iOS 18.1"},"platform":"ios","serial":"F17ABC","status":"active"}{"lastSeenAt":"2026-06-09T08:00:00Z"}`},
		{"one that is blocked, with a state nobody knows", "device", "google/mobile/AFi2", `{"os":{"version":"Android 16"},"platform":"android","serial":"35 209900 176148 1"}`},
		{"a Chromebook", "device", "google/chromeos/c1", `{"managed":true,"os":{"supported":true,"version":"137.0.7151.68"},"platform":"chromeos","retiredAt":"never","serial":"5CD1","status":"active"}{"lastSeenAt":"2026-06-09T08:00:00Z"}`},
		{"a retired one", "device", "google/chromeos/c2", `{"managed":false,"os":{"supported":false,"version":"100.0.1"},"platform":"chromeos","retiredAt":"2025-03-01T00:00:00Z","serial":"5CD2","status":"retired"}`},
		{"whose phone it is", "link", "google/link/mobile/AFi1/ana@halyard.example", `{"account":"","basis":"employee number","by":"","confirmed":true,"device":"google/mobile/AFi1","person":"hr/E1"}`},
		{"whose Chromebook it is", "link", "google/link/chromeos/c1/cleo@halyard.example", `{"account":"","basis":"employee number","by":"","confirmed":true,"device":"google/chromeos/c1","person":"hr/E3"}`},
		{"an application with access", "key", "google/token/101/77.apps.example", `{"kind":"token","owner":"google/101","status":"active","system":"google"}`},
		{"a sign-in with a second step", "signIn", "google/log/1780300800000000/-5092435972263185483/1", `{"account":"google/101","mfa":true,"result":"success","system":"google"}`},
		{"a wrong password", "signIn", "google/log/1780300860000000/7", `{"account":"google/102","result":"failure","system":"google"}`},
		{"one by nobody known", "signIn", "google/log/1780300920000000/8", `{"result":"failure","system":"google"}`},
	} {
		if got := r.Text(tc.typ, tc.id); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	for typ, want := range map[string]int{"account": 4, "membership": 4, "link": 4, "authPolicy": 6, "device": 4, "key": 1, "signIn": 3} {
		if got := len(r.ByType(typ)); got != want {
			t.Errorf("%s: got %d items, want %d", typ, got, want)
		}
	}
	for _, m := range r.Manifests {
		if m.Type == "membership" && m.Scope == "" && !slices.ContainsFunc(m.Cannot, func(s string) bool { return strings.Contains(s, "all@halyard.example: every account") }) {
			t.Errorf("a group of all accounts is not among the limits: %q", m.Cannot)
		}
	}
}

// TestWithoutTokens: the permission that could revoke is not asked for.
func TestWithoutTokens(t *testing.T) {
	o := newOrg(t)
	o.denied = []string{scopeTokens}
	c := serve(t, o)
	c.With = strings.Replace(c.With, `"tokens":true,`, "", 1)
	r, _ := record(t, c)
	if r.Manifest("key").Type != "" {
		t.Error("a stream of keys was closed")
	}
	for _, m := range r.Manifests {
		if !m.Complete {
			t.Errorf("%s: %s", m.Type, m.Reason)
		}
	}
}

func TestSecretIsNowhere(t *testing.T) {
	o := newOrg(t)
	o.denied = []string{scopeMobile}
	r, _ := record(t, serve(t, o))
	all, err := json.Marshal([]any{r.Manifests, r.Config})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Pages {
		all = append(append(all, p.Body...), p.Query...)
	}
	var k serviceKey
	if err := json.Unmarshal([]byte(keyFile()), &k); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"ya29.", "PRIVATE KEY", strings.Split(k.PrivateKey, "\n")[3]} {
		if strings.Contains(string(all), s) {
			t.Errorf("%q is in a page, a manifest or the configuration", s)
		}
	}
}
