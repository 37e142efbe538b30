package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
	"tieout/source/sourcetest"
)

const secret = "fleet-token-9f8e7d"

var now = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// A server answers as Fleet does. Paths in fail get that status as often as the
// number says, -1 for always.
type server struct {
	t     testing.TB
	hosts []string // bodies of hosts, without the frame; the id is the place, from 1
	count int      // 0: as many as there are
	role  string   // JSON
	fail  map[string]*failure
	asked []string

	queries string           // JSON of the list; "": there are none
	reports map[int64]string // bodies, by the query's id
}

type failure struct {
	status int
	times  int
	header http.Header
	body   string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.String())
	if r.Header.Get("Authorization") != "Bearer "+secret {
		http.Error(w, `{"message":"Authentication required"}`, http.StatusUnauthorized)
		return
	}
	for path, f := range s.fail {
		if strings.HasSuffix(r.URL.String(), path) && f.times != 0 {
			f.times--
			for k, v := range f.header {
				w.Header()[k] = v
			}
			w.Header().Set("Date", now.Format(http.TimeFormat))
			w.WriteHeader(f.status)
			fmt.Fprint(w, f.body)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch p := strings.TrimPrefix(r.URL.Path, prefix); {
	case p == "/me":
		fmt.Fprintf(w, `{"user":{"id":1,"name":"api","global_role":%s,"teams":[]},"available_teams":[]}`, s.role)
	case p == "/hosts/count":
		fmt.Fprintf(w, `{"count":%d}`, s.total())
	case p == "/hosts":
		s.page(w, r)
	case p == "/queries":
		fmt.Fprintf(w, `{"queries":[%s]}`, s.queries)
	case strings.HasPrefix(p, "/queries/"):
		var id int64
		if _, err := fmt.Sscanf(p, "/queries/%d/report", &id); err != nil || s.reports[id] == "" {
			http.Error(w, `{"message":"Resource Not Found"}`, http.StatusNotFound)
			return
		}
		fmt.Fprint(w, s.reports[id])
	default:
		var id int
		if _, err := fmt.Sscanf(p, "/hosts/%d", &id); err != nil || id < 1 || id > len(s.hosts) {
			http.Error(w, `{"message":"Resource Not Found"}`, http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"host":{"id":%d,%s}}`, id, s.hosts[id-1])
	}
}

func (s *server) total() int {
	if s.count != 0 {
		return s.count
	}
	return len(s.hosts)
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	var page, per int
	fmt.Sscan(r.URL.Query().Get("page"), &page)
	fmt.Sscan(r.URL.Query().Get("per_page"), &per)
	list := []string{}
	for id := page*per + 1; id <= min((page+1)*per, len(s.hosts)); id++ {
		list = append(list, fmt.Sprintf(`{"id":%d}`, id))
	}
	fmt.Fprintf(w, `{"hosts":[%s]}`, strings.Join(list, ","))
}

const (
	mac = `"hostname":"lap-12.local","uuid":"U-1","hardware_serial":"C02ABC","platform":"darwin","platform_like":"darwin","os_version":"macOS 15.1","seen_time":"2026-11-01T07:00:00Z",
"disk_encryption_enabled":true,"mdm":{"enrollment_status":"On (automatic)","name":"Fleet"},"users":[{"uid":501,"username":"ana","shell":"/bin/zsh"},{"uid":1,"username":"daemon","shell":"/usr/bin/false"}],
"policies":[{"id":1,"name":"Firewall is on","response":"fail"},{"id":2,"name":"Screen locks","response":"pass"},{"id":3,"name":"Not run yet","response":""}],
"software":[{"id":408,"name":"glibc","version":"2.12","vulnerabilities":[{"cve":"CVE-2009-5155","cvss_score":7.5,"resolved_in_version":"2.28"},{"cve":"CVE-2020-0001"}]},{"id":1,"name":"tar","version":"1","vulnerabilities":null}]`
	ubuntu = `"hostname":"build","uuid":"U-2","hardware_serial":"","platform":"ubuntu","platform_like":"debian","os_version":"Ubuntu 24.04","seen_time":"2026-09-01T07:00:00Z","disk_encryption_enabled":null,"mdm":{"enrollment_status":null},"users":[],"policies":null,"software":[]`
)

func newServer(t testing.TB, hosts ...string) *server {
	return &server{t: t, hosts: hosts, role: `"observer"`, fail: map[string]*failure{}}
}

// open starts s and opens a connection whose pauses are counted, not slept.
func (s *server) connection(with string) (sourcetest.Connection, *[]time.Duration) {
	s.t.Helper()
	web := httptest.NewServer(s)
	s.t.Cleanup(web.Close)
	var pauses []time.Duration
	d := *Driver
	d.Open = func(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
		col, conf, err := Driver.Open(name, with, env)
		if c, ok := col.(collector); ok {
			c.wait = func(_ context.Context, p time.Duration) error { pauses = append(pauses, p); return nil }
			col = c
		}
		return col, conf, err
	}
	return sourcetest.Connection{Driver: &d, Name: "fleet", With: `{"baseURL":"` + web.URL + `","token":"env:FLEET_TOKEN","allow":"loopback"` + with + `}`,
		Env:    source.Env{Secret: func(context.Context, string) (string, error) { return secret, nil }},
		Window: audit.Window{Span: audit.Span{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"}}, &pauses
}

const policies = `,"policies":{"Firewall is on":"firewall","Screen locks":"screenLock.enabled","Not run yet":"timeSync"}`

func TestConform(t *testing.T) {
	c, _ := newServer(t, mac, ubuntu).connection(policies)
	sourcetest.Conform(t, c, "device", "vulnerability")
}

func TestItems(t *testing.T) {
	c, _ := newServer(t, mac, ubuntu).connection(policies)
	r := sourcetest.Record(t, c)
	want := map[string]string{
		"fleet/1":                   `{"diskEncrypted":true,"firewall":false,"hostname":"lap-12.local","managed":true,"os":{"version":"macOS 15.1"},"platform":"macos","screenLock":{"enabled":true},"serial":"C02ABC","status":"active","users":["ana"]}`,
		"fleet/2":                   `{"hostname":"build","os":{"version":"Ubuntu 24.04"},"platform":"linux","serial":"U-2","status":"active","users":[]}`,
		"fleet/1/408/CVE-2009-5155": `{"advisory":"CVE-2009-5155","asset":"fleet/1","fixAvailable":true,"kind":"package","package":"glibc","scanner":"fleet","severity":"high","status":"open"}`,
		"fleet/1/408/CVE-2020-0001": `{"advisory":"CVE-2020-0001","asset":"fleet/1","kind":"package","package":"glibc","scanner":"fleet","status":"open"}`,
	}
	if len(r.Items) != len(want) {
		t.Errorf("%d items, want %d", len(r.Items), len(want))
	}
	for _, it := range r.Items {
		if string(it.Body) != want[it.ID] {
			t.Errorf("%s:\n got %s\nwant %s", it.ID, it.Body, want[it.ID])
		}
	}
	if v := string(r.ByType("device")[1].Volatile); v != `{"lastSeenAt":"2026-09-01T07:00:00Z"}` {
		t.Errorf("volatile %s", v)
	}
	noSecret(t, r)
}

// body is what a device is by one connection.
func body(t *testing.T, r *sourcetest.Recorder, id string) string {
	t.Helper()
	for _, it := range r.ByType("device") {
		if it.ID == id {
			return string(it.Body)
		}
	}
	t.Fatalf("no device %s; errors %v", id, r.Errs)
	return ""
}

// TestBounds: a policy may state after how long the screen locks at most.
func TestBounds(t *testing.T) {
	const with = `,"policies":{"Screen locks":"screenLock.enabled","Within 15 minutes":{"screenLock":900},"Within 5 minutes":{"screenLock":300}}`
	tests := []struct {
		name     string
		policies string
		want     string
	}{
		{"passes", `{"name":"Within 15 minutes","response":"pass"}`, `"screenLock":{"enabled":true,"seconds":900}`},
		{"the least of those that pass", `{"name":"Within 5 minutes","response":"pass"},{"name":"Within 15 minutes","response":"pass"}`, `"screenLock":{"enabled":true,"seconds":300}`},
		{"one fails", `{"name":"Within 5 minutes","response":"fail"},{"name":"Within 15 minutes","response":"pass"}`, `"screenLock":{"enabled":true,"seconds":900}`},
		{"fails: late or never", `{"name":"Within 15 minutes","response":"fail"}`, ""},
		{"has not run", `{"name":"Within 15 minutes","response":""}`, ""},
		{"another says that it does not lock", `{"name":"Screen locks","response":"fail"},{"name":"Within 15 minutes","response":"pass"}`, `"screenLock":{"enabled":false},`},
		{"locks, and later than the bound", `{"name":"Screen locks","response":"pass"},{"name":"Within 15 minutes","response":"fail"}`, `"screenLock":{"enabled":true},`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newServer(t, strings.Replace(ubuntu, `"policies":null`, `"policies":[`+tt.policies+`]`, 1)).connection(with)
			got := body(t, sourcetest.Record(t, c), "fleet/1")
			if !strings.Contains(got, tt.want) || strings.Contains(got, "screenLock") != (tt.want != "") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

const (
	savedQueries = `{"id":7,"name":"Updates installed"},{"id":8,"name":"Signatures"}`
	withQueries  = `,"queries":{"Updates installed":"patched","Signatures":"antivirus"}`
	updates      = `{"query_id":7,"report_clipped":false,"results":[{"host_id":1,"host_name":"lap-12","last_fetched":"2026-11-01T06:00:00Z","columns":{"at":"1793000000"}},{"host_id":9,"columns":{"at":"1"}}]}`
	signatures   = `{"query_id":8,"report_clipped":false,"results":[{"host_id":1,"columns":{"enabled":"1","at":"1793100000"}},{"host_id":2,"columns":{"enabled":"0","installed":"1","at":""}}]}`
)

// TestReports: reports of saved queries tell what hosts themselves do not.
func TestReports(t *testing.T) {
	s := newServer(t, mac, ubuntu)
	s.queries, s.reports = savedQueries, map[int64]string{7: updates, 8: signatures}
	c, _ := s.connection(withQueries + `,"supported":[{"platform":"macos","from":"15.0","until":"2027-09-15"}]`)
	sourcetest.Conform(t, c, "device", "vulnerability")
	r := sourcetest.Record(t, c)
	for id, want := range map[string][]string{
		"fleet/1": {`"antivirus":{"installed":true,"running":true}`, `"os":{"patchedAt":"2026-10-26T07:33:20Z","supported":true,"version":"macOS 15.1"}`},
		"fleet/2": {`"antivirus":{"installed":true,"running":false}`, `"os":{"version":"Ubuntu 24.04"}`},
	} {
		for _, w := range want {
			if got := body(t, r, id); !strings.Contains(got, w) {
				t.Errorf("%s: got %s, want %s", id, got, w)
			}
		}
	}
	if v := string(r.ByType("device")[0].Volatile); !strings.Contains(v, `"antivirus":{"updatedAt":"2026-10-27T11:20:00Z"}`) {
		t.Errorf("volatile %s", v)
	}
	if m := r.Manifest("device"); !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), "as the organization states") {
		t.Errorf("%+v", m)
	}
	noSecret(t, r)
}

func TestReportsThatCannotBeRead(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *server)
		why    string
	}{
		{"a query that is not listed", func(s *server) { s.queries = `{"id":7,"name":"Updates installed"}` }, `query "Signatures" is not among those`},
		{"a list that is refused", func(s *server) {
			s.fail["page=0&per_page=100&order_key=id"] = &failure{status: 403, times: -1, body: `{"message":"Forbidden"}`}
		}, "403 Forbidden"},
		{"a report that is cut off", func(s *server) { s.reports[8] = strings.Replace(signatures, "false", "true", 1) }, "is cut off"},
		{"a report without results", func(s *server) { s.reports[8] = `{"query_id":8}` }, `the report of query "Signatures" cannot be read`},
		{"a report that is gone", func(s *server) { delete(s.reports, 8) }, "404 Not Found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, mac, ubuntu)
			s.queries, s.reports = savedQueries, map[int64]string{7: updates, 8: signatures}
			tt.change(s)
			c, _ := s.connection(withQueries)
			r := sourcetest.Record(t, c)
			if m := r.Manifest("device"); m.Complete || !strings.Contains(m.Reason, tt.why) {
				t.Errorf("complete %v, %q; want %q", m.Complete, m.Reason, tt.why)
			}
			if m := r.Manifest("vulnerability"); !m.Complete {
				t.Errorf("weaknesses rest on no report: %q", m.Reason)
			}
			if got := len(r.ByType("device")); got != 2 {
				t.Errorf("%d devices", got)
			}
		})
	}
}

func noSecret(t *testing.T, r *sourcetest.Recorder) {
	t.Helper()
	b, err := json.Marshal(r.Manifests)
	for _, p := range r.Pages {
		b = append(b, p.Query...)
		b = append(b, p.Body...)
	}
	if err != nil || strings.Contains(string(b)+string(r.Config), secret) {
		t.Errorf("the token is in a page, a manifest or the configuration (%v)", err)
	}
}

func TestPages(t *testing.T) {
	hosts := make([]string, 250)
	for i := range hosts {
		hosts[i] = ubuntu
	}
	s := newServer(t, hosts...)
	c, _ := s.connection("")
	r := sourcetest.Record(t, c)
	if m := r.Manifest("device"); !m.Complete || len(r.ByType("device")) != 250 || m.Checks[0].Got != "250" {
		t.Errorf("%d devices, %+v", len(r.ByType("device")), m)
	}
}

func TestFailures(t *testing.T) {
	hosts := make([]string, 250)
	for i := range hosts {
		hosts[i] = ubuntu
	}
	tests := []struct {
		name    string
		change  func(s *server)
		device  string // in the reason; "": complete
		weak    string
		devices int
	}{
		{"page 2 of 3 fails", func(s *server) {
			s.fail["page=1&per_page=100&order_key=id&disable_failing_policies=true"] = &failure{status: 502, times: -1}
		}, "page 2: 502 Bad Gateway", "page 2: 502", 100},
		{"forbidden", func(s *server) {
			s.fail["/me"] = &failure{status: 403, times: -1, body: `{"message":"Forbidden"}`}
		}, "403 Forbidden: Forbidden", "403", 250},
		{"one host is forbidden", func(s *server) {
			s.fail["/hosts/7"] = &failure{status: 403, times: -1, body: `{"message":"Forbidden"}`}
		}, "host 7: 403 Forbidden", "host 7", 249},
		{"one host is broken JSON", func(s *server) { s.hosts[6] = `"software":[],"x":` }, "", "1 of 250 hosts have no list of software", 249},
		{"one more is counted", func(s *server) { s.count = 251 }, "hosts counted by the server: 250 of 251", "250 of 251", 250},
		{"a user of teams", func(s *server) { s.role = "null" }, "no global role", "no global role", 250},
		{"no inventory of software", func(s *server) { s.hosts[0] = strings.Replace(ubuntu, `"software":[]`, `"software":null`, 1) }, "", "1 of 250 hosts have no list of software", 250},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, append([]string{}, hosts...)...)
			tt.change(s)
			c, _ := s.connection("")
			r := sourcetest.Record(t, c)
			for typ, want := range map[string]string{"device": tt.device, "vulnerability": tt.weak} {
				if m := r.Manifest(typ); m.Complete != (want == "") || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, %q; want %q", typ, m.Complete, m.Reason, want)
				}
			}
			if got := len(r.ByType("device")); got != tt.devices {
				t.Errorf("%d devices, want %d", got, tt.devices)
			}
			noSecret(t, r)
		})
	}
}

func TestRateLimit(t *testing.T) {
	s := newServer(t, mac)
	s.fail["/hosts/1"] = &failure{status: 429, times: 2, header: http.Header{"Retry-After": {"17"}}}
	c, pauses := s.connection("")
	if m := sourcetest.Record(t, c).Manifest("device"); !m.Complete {
		t.Errorf("%+v", m)
	}
	if len(*pauses) != 2 || (*pauses)[0] < 17*time.Second || (*pauses)[0] > 18*time.Second {
		t.Errorf("paused %v, want twice 17 s and a little", *pauses)
	}
}

func TestWrongToken(t *testing.T) {
	c, _ := newServer(t, mac).connection("")
	c.Env.Secret = func(context.Context, string) (string, error) { return "another", nil }
	if m := sourcetest.Record(t, c).Manifest("device"); m.Complete || !strings.Contains(m.Reason, "401 Unauthorized: Authentication required") {
		t.Errorf("%+v", m)
	}
	c.Env.Secret = nil
	if m := sourcetest.Record(t, c).Manifest("vulnerability"); m.Complete || !strings.Contains(m.Reason, "resolves no secrets") {
		t.Errorf("%+v", m)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{}`, `{"baseURL":"https://f"}`, `{"baseURL":"https://f","token":"abc"}`, `{"baseURL":"http://f","token":"env:T"}`,
		`{"baseURL":"https://f","token":"env:T","policies":{"x":"hostname"}}`, `{"baseURL":"https://f","token":"env:T","policies":{"x":{"screenLock":0}}}`,
		`{"baseURL":"https://f","token":"env:T","policies":{"x":{"seconds":900}}}`, `{"baseURL":"https://f","token":"env:T","policies":{"x":null}}`,
		`{"baseURL":"https://f","token":"env:T","queries":{"x":"taste"}}`, `{"baseURL":"https://f","token":"env:T","supported":[{"platform":"macos"}]}`, `{"baseURL":"https://f","token":"env:T","allow":"all"}`} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	for _, h := range []string{mac, ubuntu} {
		host := `{"host":{"id":1,` + h + `}}`
		f.Add(false, []byte(host))
		sheet := rest.NewSheet(struct{}{})
		sheet.Add(partHost, rest.Answer{Query: "GET /hosts/1", Status: http.StatusOK, Body: []byte(host)})
		sheet.AddElement(part("Signatures"), json.RawMessage(`{"enabled":"1","at":"1793100000"}`))
		f.Add(true, sheet.Encode())
	}
	config := json.RawMessage(`{"policies":{"Firewall is on":"firewall","Screen locks":{"screenLock":900}},"queries":{"Signatures":"antivirus"},"supported":[{"from":"15.0","platform":"macos","until":"2027-09-15"}]}`)
	f.Fuzz(func(t *testing.T, sheet bool, body []byte) {
		kind := kindHost
		if sheet {
			kind = kindSheet
		}
		items, _ := Driver.Normalize(config, audit.Page{Source: "x", Kind: kind, Body: body, About: audit.At(now)})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
