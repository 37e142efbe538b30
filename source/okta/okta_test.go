package okta

import (
	"context"
	"encoding/json"
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

const secret = "00s3cr3t-token"

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

// Ids of testdata/org.json.
const (
	ana, ben, cleo, dan = "00ukwqxw9uzElXfCP1d7", "00ukwqre2mO7GsSnm1d7", "00ukwqsl25lkstK6K1d7", "00ukwqu0lz7i1KyUI1d7"
	svc                 = "00ukwqzzzzservice1d7"
	everyone, admins    = "00grp9xdc1NNG01rz697", "00grp9xddp6qDUvaD697"
)

// An org answers as Okta does, from testdata/org.json.
type org struct {
	mu       sync.Mutex
	answers  map[string]json.RawMessage
	fail     map[string]http.HandlerFunc // by path: instead of the answer
	asked    []string
	relative bool // links to next pages without a host
}

func newOrg(t testing.TB) *org {
	t.Helper()
	b, err := os.ReadFile("testdata/org.json")
	if err != nil {
		t.Fatal(err)
	}
	o := &org{fail: map[string]http.HandlerFunc{}}
	if err := json.Unmarshal(b, &o.answers); err != nil {
		t.Fatal(err)
	}
	return o
}

// key is where testdata/org.json has the answer: all of the query but the
// place in a list and the type is left out.
func key(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case strings.Contains(q.Get("filter"), "BUILT_IN"):
		return r.URL.Path + "?filter=builtin"
	case q.Get("after") != "":
		return r.URL.Path + "?after=" + q.Get("after")
	case q.Get("type") != "":
		return r.URL.Path + "?type=" + q.Get("type")
	}
	return r.URL.Path
}

// next are the lists of more than one page.
var next = map[string]string{"/api/v1/users": "3", "/api/v1/groups/" + everyone + "/users": "2", "/api/v1/logs": "2", "/api/v1/logs?after=2": "4", "/api/v1/logs?after=4": "6"}

func (o *org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k := key(r)
	o.asked = append(o.asked, r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json")
	if f := o.fail[k]; f != nil {
		f(w, r)
		return
	}
	if r.Header.Get("Authorization") != "SSWS "+secret {
		refuse(http.StatusUnauthorized, "Invalid token provided")(w, r)
		return
	}
	body, ok := o.answers[k]
	if !ok {
		refuse(http.StatusNotFound, "Not found: Resource not found: "+k)(w, r)
		return
	}
	origin := "http://" + r.Host
	if o.relative {
		origin = ""
	}
	w.Header().Add("Link", "<"+origin+r.URL.RequestURI()+`>; rel="self"`)
	if after := next[k]; after != "" {
		w.Header().Add("Link", "<"+origin+r.URL.Path+"?after="+after+`&limit=200>; rel="next"`)
	}
	w.Write(body)
}

func refuse(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errorCode":"E0000006","errorSummary":%q,"errorLink":"E0000006","errorId":"oae1","errorCauses":[]}`, words)
	}
}

func env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:OKTA_TOKEN" {
			return "", errors.New("not set")
		}
		return secret + "\n", nil
	}}
}

func connect(url string) sourcetest.Connection {
	with := fmt.Sprintf(`{"baseURL":%q,"token":"env:OKTA_TOKEN","person":"hr/{employeeNumber}","privileged":["okta admin*"],"service":["svc-*"],"allow":"loopback"}`, url)
	return sourcetest.Connection{Driver: Driver, Name: "okta", With: with, Env: env(), Window: window}
}

func serve(t testing.TB, o *org) sourcetest.Connection {
	t.Helper()
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	return connect(s.URL)
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
		{"an administrator with factors", "account", "okta/" + ana, `{"admin":true,"createdAt":"2025-03-13T23:27:57Z","disabledAt":"never","email":"ana@halyard.example","kind":"human","login":"ana@halyard.example","mfa":{"enforced":true,"enrolled":true,"factors":["push","question"]},"passwordChangedAt":"2026-02-01T09:00:00Z","status":"active","system":"okta"}{"lastUsedAt":"2026-06-01T08:00:00Z"}`},
		{"never signed in, no password, no factor", "account", "okta/" + ben, `{"admin":false,"createdAt":"2025-03-13T23:26:50Z","disabledAt":"never","email":"ben@halyard.example","kind":"human","login":"ben@halyard.example","mfa":{"enforced":true,"enrolled":false,"factors":[]},"passwordChangedAt":"never","status":"pending","system":"okta"}{"lastUsedAt":"never"}`},
		{"suspended, a question is no second factor, password elsewhere", "account", "okta/" + cleo, `{"admin":false,"createdAt":"2025-03-13T23:26:50Z","disabledAt":"2026-04-02T10:00:00Z","email":"cleo@halyard.example","kind":"human","login":"cleo@halyard.example","mfa":{"enforced":true,"enrolled":false,"factors":["question"]},"status":"suspended","system":"okta"}{"lastUsedAt":"2026-04-01T10:00:00Z"}`},
		{"deactivated: factors and roles are not told", "account", "okta/" + dan, `{"createdAt":"2025-03-13T23:26:50Z","disabledAt":"2026-05-05T17:00:00Z","email":"dan@halyard.example","kind":"human","login":"dan@halyard.example","passwordChangedAt":"never","status":"disabled","system":"okta"}{"lastUsedAt":"never"}`},
		{"locked out, of a program, without an address", "account", "okta/" + svc, `{"admin":false,"createdAt":"2025-03-13T23:26:50Z","disabledAt":"never","kind":"service","login":"svc-backup@halyard.example","mfa":{"enforced":true,"enrolled":false,"factors":[]},"passwordChangedAt":"never","status":"active","system":"okta"}{"lastUsedAt":"never"}`},
		{"an employee number", "link", "okta/link/" + ana, `{"account":"okta/` + ana + `","basis":"employee number","by":"","confirmed":true,"device":"","person":"hr/E1"}`},
		{"no employee number", "link", "okta/link/" + ben, "no such item"},
		{"a role", "membership", "okta/role-ra1kwqoowcOq7qi7t1d7/" + ana, `{"account":"okta/` + ana + `","grantedAt":"2025-03-13T23:27:58Z","group":"Super Administrator","privileged":true,"role":"admin","system":"okta"}`},
		{"a privileged group", "membership", "okta/group-" + admins + "/" + ana, `{"account":"okta/` + ana + `","group":"Okta Administrators","privileged":true,"role":"member","system":"okta"}`},
		{"another group, second page", "membership", "okta/group-" + everyone + "/" + svc, `{"account":"okta/` + svc + `","group":"Everyone","privileged":false,"role":"member","system":"okta"}`},
		{"a password policy", "authPolicy", "okta/00p5qwjvh5thKvnPl1d7", `{"enabled":true,"everyone":true,"exceptions":[],"kind":"password","lockout":{"attempts":10,"minutes":0},"name":"Default Policy","password":{"complexity":true,"history":5,"maxAgeDays":0,"minLength":8},"system":"okta"}`},
		{"sign-on: the longest session of its rules", "authPolicy", "okta/00psignon1", `{"enabled":true,"everyone":true,"exceptions":[],"kind":"sign-in","mfaRequired":true,"name":"Everyone with a factor","session":{"idleMinutes":120,"maxHours":12},"system":"okta"}`},
		{"sign-on: second in line is not for everyone", "authPolicy", "okta/00psignon2", `{"enabled":true,"everyone":false,"kind":"sign-in","mfaRequired":false,"name":"Default Policy","session":{"idleMinutes":120,"maxHours":0},"system":"okta"}`},
		{"enrollment", "authPolicy", "okta/00penroll1", `{"enabled":true,"everyone":true,"exceptions":[],"kind":"second factor","name":"Default Policy","system":"okta"}`},
		{"an access policy", "authPolicy", "okta/rst1access", `{"enabled":true,"kind":"conditional access","mfaRequired":true,"name":"Any two factors","system":"okta"}`},
		{"a federated application", "application", "okta/0oa1saml", `{"mfaRequired":true,"name":"HR system","provisioning":true,"signOn":"federated","status":"active","system":"okta"}`},
		{"one with passwords", "application", "okta/0oa2swa", `{"name":"Old wiki","provisioning":false,"signOn":"password","status":"disabled","system":"okta"}`},
		{"a bookmark", "application", "okta/0oa3book", `{"name":"Menu","provisioning":false,"signOn":"none","status":"active","system":"okta"}`},
		{"a token", "key", "okta/00Tdeploy", `{"createdAt":"2025-11-09T20:38:10Z","expiresAt":"2026-07-01T20:38:10Z","kind":"token","owner":"okta/` + ana + `","rotatedAt":"2025-11-09T20:38:10Z","status":"active","system":"okta"}`},
		{"a sign-in", "signIn", "okta/log/dc9fd3c0-598c-11ef-8478-2b7584bf8d01", `{"account":"okta/` + ana + `","result":"success","system":"okta"}`},
		{"by nobody known", "signIn", "okta/log/dc9fd3c0-598c-11ef-8478-2b7584bf8d03", `{"result":"blocked","system":"okta"}`},
		{"a result nobody knows", "signIn", "okta/log/dc9fd3c0-598c-11ef-8478-2b7584bf8d04", `{"account":"okta/` + ana + `","system":"okta"}`},
	} {
		if got := r.Text(tc.typ, tc.id); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	for typ, want := range map[string]int{"account": 5, "membership": 9, "link": 2, "authPolicy": 5, "application": 3, "key": 1, "signIn": 4} {
		if got := len(r.ByType(typ)); got != want {
			t.Errorf("%s: got %d items, want %d", typ, got, want)
		}
	}
}

func TestLogIsReadAsFarAsItIsKept(t *testing.T) {
	o := newOrg(t)
	r, _ := record(t, serve(t, o))
	m := r.Manifest("signIn")
	if want := (audit.Span{From: window.AsOf.Add(-kept), To: window.AsOf}); m.Covers != want || !m.Complete {
		t.Errorf("covers %v, complete %v; want %v", m.Covers, m.Complete, want)
	}
	i := slices.IndexFunc(o.asked, func(s string) bool { return strings.Contains(s, "/logs?") })
	if got := o.asked[i]; !strings.Contains(got, "since=2026-03-12T00%3A00%3A00.000Z") || !strings.Contains(got, "until=2026-06-10T00%3A00%3A00.000Z") {
		t.Errorf("asked %s", got)
	}
	if last := o.asked[len(o.asked)-1]; !strings.Contains(last, "after=4") {
		t.Errorf("after an empty page it asked %s", last)
	}
}

func TestSecretIsNowhere(t *testing.T) {
	o := newOrg(t)
	o.fail["/api/v1/apps"] = refuse(403, "no")
	c := serve(t, o)
	r, _ := record(t, c)
	all, err := json.Marshal([]any{r.Pages, r.Manifests, r.Config})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(all), secret) {
		t.Error("the token is in a page, a manifest or the configuration")
	}
	for _, p := range r.Pages {
		if strings.Contains(string(p.Body), secret) {
			t.Errorf("the token is in a page of kind %s", p.Kind)
		}
	}
}
