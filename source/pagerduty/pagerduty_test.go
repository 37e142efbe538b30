package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const secret = "u+s3cr3t-key"

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

// An account answers as PagerDuty does, from testdata/account.json.
type account struct {
	Users     []json.RawMessage            `json:"users"`
	Policies  []json.RawMessage            `json:"escalation_policies"`
	OnCalls   map[string][]json.RawMessage `json:"oncalls"`
	Incidents []json.RawMessage            `json:"incidents"`
	Logs      map[string][]json.RawMessage `json:"log_entries"`

	page     int // elements in an answer
	most     int // PagerDuty lists nothing beyond this place
	uncounts bool
	fail     map[string]http.HandlerFunc // by path, with the offset where it is not 0: instead of the answer
	asked    []string
	raised   []string // when each incident was, once the list was asked for
}

func newAccount(t testing.TB) *account {
	t.Helper()
	b, err := os.ReadFile("testdata/account.json")
	if err != nil {
		t.Fatal(err)
	}
	a := &account{page: 2, most: 10_000, fail: map[string]http.HandlerFunc{}}
	if err := json.Unmarshal(b, a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked = append(a.asked, r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json")
	at, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	key := r.URL.Path
	if at > 0 {
		key += "+" + strconv.Itoa(at)
	}
	if f := a.fail[key]; f != nil {
		f(w, r)
		return
	}
	if r.Header.Get("Authorization") != "Token token="+secret || r.Header.Get("Accept") != "application/vnd.pagerduty+json;version=2" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name, list := a.list(r)
	if name == "" {
		refuse(http.StatusNotFound, "Not Found")(w, r)
		return
	}
	a.cut(w, r, name, list, at)
}

// list is what a request is about.
func (a *account) list(r *http.Request) (name string, list []json.RawMessage) {
	q := r.URL.Query()
	switch p := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case r.URL.Path == "/users":
		return "users", a.Users
	case r.URL.Path == "/escalation_policies":
		return "escalation_policies", a.Policies
	case r.URL.Path == "/oncalls":
		return "oncalls", a.OnCalls[q.Get("escalation_policy_ids[]")]
	case r.URL.Path == "/incidents":
		return "incidents", a.between(q.Get("since"), q.Get("until"))
	case len(p) == 3 && p[2] == "log_entries":
		return "log_entries", a.Logs[p[1]]
	}
	return "", nil
}

// between are the incidents of a stretch, both ends included.
func (a *account) between(since, until string) (list []json.RawMessage) {
	for n, e := range a.Incidents {
		if n == len(a.raised) {
			var i incident
			if err := json.Unmarshal(e, &i); err != nil {
				panic(err)
			}
			a.raised = append(a.raised, stamp(i.Created))
		}
		if at := a.raised[n]; since == "" || since <= at && at <= until {
			list = append(list, e)
		}
	}
	return list
}

// cut answers with a page of the list.
func (a *account) cut(w http.ResponseWriter, r *http.Request, name string, list []json.RawMessage, at int) {
	if at >= a.most {
		refuse(http.StatusBadRequest, "Offset must be less")(w, r)
		return
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	limit = min(limit, a.page)
	out := map[string]any{name: append([]json.RawMessage{}, list[min(at, len(list)):min(at+limit, len(list))]...), "offset": at, "limit": limit, "more": at+limit < len(list), "total": nil}
	if r.URL.Query().Get("total") == "true" && !a.uncounts {
		out["total"] = len(list)
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		panic(err)
	}
}

func refuse(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"message":%q,"code":2010}}`, words)
	}
}

func env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:PAGERDUTY_TOKEN" {
			return "", errors.New("not set")
		}
		return secret + "\n", nil
	}}
}

const rulesOfTests = `"kinds":{"siem*":"security","*":"availability","jobs":"processing"},"severities":{"p1":"critical"},"decisions":{"Noise":"false"},
	"incidents":{"priorities":["P1","SEV-*"]},"incidentSeverities":{"P1":"sev1"},"person":"hr/{email}","service":["svc-*"]`

func serve(t testing.TB, a *account) sourcetest.Connection {
	t.Helper()
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	with := fmt.Sprintf(`{"baseURL":%q,"token":"env:PAGERDUTY_TOKEN","allow":"loopback",%s}`, s.URL, rulesOfTests)
	return sourcetest.Connection{Driver: Driver, Name: "oncall", With: with, Env: env(), Window: window}
}

// record collects and counts pauses instead of making them.
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
	sourcetest.Conform(t, serve(t, newAccount(t)), Driver.Types...)
}

func body(r *sourcetest.Recorder, typ, id string) string {
	for _, it := range r.ByType(typ) {
		if it.ID == id {
			return string(it.Body)
		}
	}
	return "no such item"
}

func TestItems(t *testing.T) {
	r, _ := record(t, serve(t, newAccount(t)))
	for _, tc := range []struct{ name, typ, id, want string }{
		{"the owner", "account", "oncall/PANA001", `{"admin":true,"createdAt":"2025-02-03T09:00:00Z","disabledAt":"never","email":"ana@halyard.example","kind":"human","login":"ana@halyard.example","status":"active","system":"oncall"}`},
		{"a responder", "account", "oncall/PBEN002", `{"admin":false,"disabledAt":"never","email":"ben@halyard.example","kind":"human","login":"ben@halyard.example","status":"active","system":"oncall"}`},
		{"invited", "account", "oncall/PCLE003", `{"admin":false,"disabledAt":"never","email":"cleo@halyard.example","kind":"human","login":"cleo@halyard.example","status":"pending","system":"oncall"}`},
		{"a role nobody knows", "account", "oncall/PSVC004", `{"disabledAt":"never","email":"svc-deploy@halyard.example","kind":"service","login":"svc-deploy@halyard.example","system":"oncall"}`},
		{"a proposal", "link", "oncall/link/PBEN002", `{"account":"oncall/PBEN002","basis":"e-mail proposed","by":"","confirmed":false,"device":"","person":"hr/ben@halyard.example"}`},
		{"covered on two levels", "rota", "oncall/PPOLENG", `{"gapHours":0,"levels":2,"name":"Engineering","onCall":["Ana Lima","Ben Ode"],"service":"API, Web"}`},
		{"office hours: 6 h of today, 12.5 h of tomorrow", "rota", "oncall/PPOLSEC", `{"gapHours":150,"levels":1,"name":"Security","onCall":["Ben Ode"],"service":"SIEM"}`},
		{"nobody", "rota", "oncall/PPOLOLD", `{"gapHours":168,"levels":0,"name":"Old","onCall":[]}`},
		{"taken on, lost, taken on, ended", "alert", "oncall/Q0INC0001", `{"acknowledgedAt":"2025-11-20T10:04:00Z","closedAt":"2025-11-20T10:40:00Z","decision":"incident","kind":"availability","owner":"Ana Lima","raisedAt":"2025-11-20T10:00:00Z","severity":"critical","status":"closed","system":"oncall","ticket":"oncall/Q0INC0001","title":"API answers slowly"}`},
		{"the same as an incident", "incident", "oncall/Q0INC0001", `{"acknowledgedAt":"2025-11-20T10:04:00Z","detectedAt":"2025-11-20T10:00:00Z","kind":"availability","owner":"Ana Lima","resolvedAt":"2025-11-20T10:40:00Z","severity":"sev1","status":"resolved","title":"API answers slowly"}`},
		{"ended by itself", "alert", "oncall/Q0INC0002", `{"acknowledgedAt":"never","closedAt":"2026-02-18T10:05:00Z","kind":"availability","owner":"","raisedAt":"2026-02-18T10:00:00Z","severity":"low","status":"closed","system":"oncall","title":"Certificate expires"}`},
		{"a priority that tells no severity", "alert", "oncall/Q0INC0004", `{"acknowledgedAt":"2026-05-01T08:12:00Z","closedAt":"never","decision":"false","kind":"security","owner":"Ben Ode","raisedAt":"2026-05-01T08:00:00Z","status":"acknowledged","system":"oncall","title":"Sign-in from two countries"}`},
		{"acknowledged by a program", "alert", "oncall/Q0INC0005", `{"closedAt":"2026-06-01T03:10:00Z","kind":"processing","raisedAt":"2026-06-01T03:00:00Z","severity":"high","status":"closed","system":"oncall","title":"Queue grows"}`},
		{"open", "alert", "oncall/Q0INC0006", `{"acknowledgedAt":"never","closedAt":"never","decision":"incident","kind":"availability","owner":"Ben Ode","raisedAt":"2026-06-09T23:00:00Z","status":"open","system":"oncall","ticket":"oncall/Q0INC0006","title":"Disk fills"}`},
		{"named by its severity", "incident", "oncall/Q0INC0006", `{"acknowledgedAt":"never","detectedAt":"2026-06-09T23:00:00Z","kind":"availability","owner":"Ben Ode","resolvedAt":"never","severity":"sev2","status":"open","title":"Disk fills"}`},
		{"not counted", "incident", "oncall/Q0INC0004", "no such item"},
	} {
		if got := body(r, tc.typ, tc.id); got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	for typ, want := range map[string]int{"account": 4, "link": 4, "rota": 3, "alert": 5, "incident": 2} {
		if got := len(r.ByType(typ)); got != want {
			t.Errorf("%s: got %d items, want %d", typ, got, want)
		}
	}
	if m := r.Manifest("alert"); !slices.Contains(m.Cannot, "1 of the 6 numbers that PagerDuty gave: those incidents are hidden from the key's owner, or are no more") {
		t.Errorf("limits %q", m.Cannot)
	}
}

// TestNothingTold: without settings, only what PagerDuty's own words say.
func TestNothingTold(t *testing.T) {
	c := serve(t, newAccount(t))
	c.With = strings.Replace(c.With, ","+rulesOfTests, "", 1)
	r, _ := record(t, c)
	if got, want := body(r, "alert", "oncall/Q0INC0001"), `{"acknowledgedAt":"2025-11-20T10:04:00Z","closedAt":"2025-11-20T10:40:00Z","owner":"Ana Lima","raisedAt":"2025-11-20T10:00:00Z","status":"closed","system":"oncall","title":"API answers slowly"}`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, typ := range []string{"incident", "link"} {
		if len(r.ByType(typ)) > 0 || r.Manifest(typ).Type != "" {
			t.Errorf("%s is given although nobody asked for it", typ)
		}
	}
}

// TestStretches: incidents are asked for from the first on, or from a day on in
// the organization's own time, never more than three months at once; one on
// the edge of two stretches is read once.
func TestStretches(t *testing.T) {
	for _, tc := range []struct {
		name, since string
		asked       []string
		alerts      int
	}{
		{"all", "", []string{"2025-11-20T10:00:00Z 2026-02-18T10:00:00Z", "2026-02-18T10:00:00Z 2026-05-19T10:00:00Z", "2026-05-19T10:00:00Z 2026-06-10T12:00:00Z"}, 5},
		{"from a day on", "2026-05-01", []string{"2026-04-30T22:00:00Z 2026-06-10T12:00:00Z"}, 3},
		{"from tomorrow on", "2026-06-11", nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAccount(t)
			c := serve(t, a)
			c.With = strings.Replace(c.With, `{`, fmt.Sprintf(`{"since":%q,`, tc.since), 1)
			r, _ := record(t, c)
			if got := stretches(a); !slices.Equal(got, tc.asked) {
				t.Errorf("asked for %q, want %q", got, tc.asked)
			}
			if got := len(r.ByType("alert")); got != tc.alerts || !r.Manifest("alert").Complete {
				t.Errorf("%d alerts, complete %v (%s); want %d", got, r.Manifest("alert").Complete, r.Manifest("alert").Reason, tc.alerts)
			}
		})
	}
}

// stretches are what was asked of the list of incidents, first pages only.
func stretches(a *account) (out []string) {
	for _, s := range a.asked {
		r, err := http.NewRequest(http.MethodGet, strings.TrimPrefix(s, "GET "), nil)
		if err != nil {
			continue
		}
		if q := r.URL.Query(); r.URL.Path == "/incidents" && q.Get("since") != "" && q.Get("offset") == "" {
			out = append(out, q.Get("since")+" "+q.Get("until"))
		}
	}
	return out
}

// TestMoreThanListed: a stretch with more incidents than PagerDuty lists is
// halved until it has fewer.
func TestMoreThanListed(t *testing.T) {
	a := newAccount(t)
	a.page, a.Incidents, a.Logs = 100, nil, nil
	first := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxListed + 500 {
		a.Incidents = append(a.Incidents, fmt.Appendf(nil, `{"id":"Q%d","incident_number":%d,"title":"x","status":"triggered","created_at":%q}`, i, i+1, stamp(first.Add(time.Duration(i)*time.Minute))))
	}
	a.fail["/incidents/Q0/log_entries"] = refuse(403, "no") // so that no other log is asked for
	r, _ := record(t, serve(t, a))
	m := r.Manifest("alert")
	counted := audit.Reconciling{Name: "count at source", Want: "10500", Got: "10500", OK: true}
	if got := len(r.ByType("alert")); got != len(a.Incidents) || !slices.Contains(m.Checks, counted) || m.Reason != "log of incident 1: 403 Forbidden: no" {
		t.Errorf("%d alerts of %d, checks %v: %s", got, len(a.Incidents), m.Checks, m.Reason)
	}
	if got := len(stretches(a)); got != 7 {
		t.Errorf("asked for %d stretches, want three that hold too many and their four parts", got)
	}
}

func TestSecretIsNowhere(t *testing.T) {
	a := newAccount(t)
	a.fail["/users"] = refuse(403, "no")
	r, _ := record(t, serve(t, a))
	all, err := json.Marshal([]any{r.Pages, r.Manifests, r.Config})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Pages {
		all = append(all, p.Body...)
	}
	if strings.Contains(string(all), secret) {
		t.Error("the key is in a page, a manifest or the configuration")
	}
}
