package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
	"tieout/source/sourcetest"
)

const token = "made-up-token"

// A site answers as Jira does: Cloud by tokens of pages, Data Center by counts.
type site struct {
	projects []string
	issues   map[string][]string // of a project, as JSON
	history  map[string][]string // of a ticket whose list is cut off: its edits
	page     int                 // tickets in an answer
	total    int                 // added to Data Center's count
	count    int                 // added to Cloud's
	fail     func(path string, n int) (status int, body string)
	asked    []string
	limited  int // answers that ask to wait first
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json")
	user, pass, basic := r.BasicAuth()
	if basic && (user != "audit@example.com" || pass != token) || !basic && r.Header.Get("Authorization") != "Bearer "+token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s.limited > 0 {
		s.limited--
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	if s.fail != nil {
		if status, body := s.fail(r.URL.Path, len(s.asked)); status != 0 {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return
		}
	}
	s.answer(w, r)
}

func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	start, _ := strconv.Atoi(q.Get("startAt") + q.Get("nextPageToken"))
	cut := func(all []string) (string, int, bool) {
		end := min(len(all), start+s.page)
		return strings.Join(all[min(start, end):end], ","), end, end == len(all)
	}
	_, key, _ := strings.Cut(q.Get("jql"), `project = "`)
	key, _, _ = strings.Cut(key, `"`)
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/rest/api/3"), "/rest/api/2")
	switch {
	case path == "/project/search":
		list, _, last := cut(s.projects)
		fmt.Fprintf(w, `{"startAt":%d,"total":%d,"isLast":%v,"values":[%s]}`, start, len(s.projects), last, list)
	case path == "/project":
		fmt.Fprintf(w, "[%s]", strings.Join(s.projects, ","))
	case path == "/search/jql":
		list, end, last := cut(s.issues[key])
		next := fmt.Sprintf(`,"nextPageToken":"%d"`, end)
		if last {
			next = ""
		}
		fmt.Fprintf(w, `{"isLast":%v,"issues":[%s]%s}`, last, list, next)
	case path == "/search":
		list, _, _ := cut(s.issues[key])
		fmt.Fprintf(w, `{"startAt":%d,"total":%d,"issues":[%s]}`, start, len(s.issues[key])+s.total, list)
	case path == "/search/approximate-count":
		var b struct{ JQL string }
		json.NewDecoder(r.Body).Decode(&b)
		_, key, _ = strings.Cut(b.JQL, `"`)
		key, _, _ = strings.Cut(key, `"`)
		fmt.Fprintf(w, `{"count":%d}`, len(s.issues[key])+s.count)
	case strings.HasSuffix(path, "/changelog"):
		all := s.history[strings.TrimSuffix(strings.TrimPrefix(path, "/issue/"), "/changelog")]
		list, _, last := cut(all)
		fmt.Fprintf(w, `{"startAt":%d,"total":%d,"isLast":%v,"values":[%s]}`, start, len(all), last, list)
	case strings.HasPrefix(path, "/issue/"):
		key := strings.TrimPrefix(path, "/issue/")
		all := s.history[key]
		fmt.Fprintf(w, `{"key":%q,"changelog":{"total":%d,"histories":[%s]}}`, key, len(all), strings.Join(all, ","))
	default:
		http.NotFound(w, r)
	}
}

// edit is one edit of a ticket, as Jira writes it; by "" is nobody.
func edit(at, by, field, to string) string {
	author := `"author":{"accountId":"5b10","emailAddress":"` + by + `","displayName":"` + by + `"},`
	if by == "" {
		author = ""
	}
	return `{"id":"1",` + author + `"created":"` + at + `.000+0200","items":[{"field":"` + field + `","fieldtype":"jira","fieldId":"` + strings.ToLower(field) + `","fromString":"x","toString":"` + to + `"}]}`
}

// made is a ticket; more are further fields as JSON.
func made(key, kind, status, category, more string, edits ...string) string {
	return fmt.Sprintf(`{"id":"1","key":%q,"fields":{"summary":"About %s","issuetype":{"name":%q},"status":{"name":%q,"statusCategory":{"key":%q}},
"created":"2026-03-02T09:00:00.000+0100","reporter":{"accountId":"a","emailAddress":"ana@example.com"}%s},"changelog":{"startAt":0,"maxResults":%d,"total":%d,"histories":[%s]}}`,
		key, key, kind, status, category, more, len(edits), len(edits), strings.Join(edits, ","))
}

const settings = `,"projects":["OPS","SEC"],"kinds":{"Change":"change","label:access-*":"access"},"requests":{"Erasure":"delete","label:do-not-*":"opt out"},"rejected":["Declined"],"approval":{"statuses":["Approved"]},
"incidents":["*Incident"],"incidentKinds":{"outage":"availability"},"severities":{"highest":"sev1"},
"times":{"acknowledgedAt":["Investigating"],"containedAt":["Contained"],"resolvedAt":["Resolved"]},
"fields":{"subject":"customfield_1","significant":"label:big","rootCauseAt":"customfield_2","expiresAt":"customfield_3"}`

func company() *site {
	return &site{page: 2, projects: []string{`{"key":"OPS"}`, `{"key":"HR"}`, `{"key":"SEC"}`}, issues: map[string][]string{
		"OPS": {
			made("OPS-1", "Change", "Done", "done", `,"resolutiondate":"2026-03-05T10:00:00.000+0000","duedate":"2026-03-31","assignee":null,"labels":["big"],"customfield_1":{"value":"db"},"customfield_3":null`,
				edit("2026-03-04T12:00:00", "li@example.com", "status", "Done"), edit("2026-03-03T12:00:00", "max@example.com", "status", "Approved")),
			made("OPS-2", "Service Request", "Declined", "done", `,"duedate":null,"labels":["access-db"],"assignee":{"emailAddress":"li@example.com"}`, edit("2026-03-03T12:00:00", "li@example.com", "status", "Declined")),
			made("OPS-4", "Story", "Doing", "indeterminate", `,"labels":[]`),
		},
		"SEC": {
			made("SEC-1", "[System] Incident", "Resolved", "done", `,"priority":{"name":"Highest"},"labels":["outage"],"customfield_2":"2026-03-10","assignee":{"emailAddress":"li@example.com"}`,
				edit("2026-03-02T10:30:00", "li@example.com", "status", "Investigating"), edit("2026-03-02T12:00:00", "li@example.com", "status", "Resolved"),
				edit("2026-03-02T13:00:00", "li@example.com", "status", "Investigating"), edit("2026-03-02T14:00:00", "li@example.com", "status", "Resolved")),
			strings.Replace(made("SEC-2", "Task", "Approved", "new", ""), `"total":0`, `"total":3`, 1),
		},
	}, history: map[string][]string{"SEC-2": {edit("2026-03-03T10:00:00", "max@example.com", "status", "Approved"), edit("2026-03-03T11:00:00", "max@example.com", "status", "Open"), edit("2026-03-03T12:00:00", "", "status", "Approved")}}}
}

func window() audit.Window {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: from, To: from.AddDate(1, 0, 0)}, AsOf: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}
}

func connect(t testing.TB, s http.Handler, more string) (sourcetest.Connection, *[]time.Duration) {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	var waits []time.Duration
	drv := *Driver
	drv.Open = func(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
		c, conf, err := open(name, with, env)
		if c != nil {
			c.(*collector).wait = func(_ context.Context, d time.Duration) error {
				waits = append(waits, d.Round(time.Second))
				return nil
			}
		}
		return c, conf, err
	}
	return sourcetest.Connection{Driver: &drv, Name: "jira", Window: window(), Env: source.Env{Secret: func(context.Context, string) (string, error) { return token, nil }},
		With: `{"url":"` + srv.URL + `","token":"env:T","allow":"loopback"` + more + `}`}, &waits
}

const cloud, server = `,"user":"audit@example.com"`, `,"edition":"server"`

func TestConform(t *testing.T) {
	for name, edition := range map[string]string{"cloud": cloud, "server": server} {
		t.Run(name, func(t *testing.T) {
			c, _ := connect(t, company(), edition+settings)
			sourcetest.Conform(t, c, "ticket", "incident")
		})
	}
}

func TestItems(t *testing.T) {
	want := map[string]string{
		"ticket OPS-1":   `{"approvedAt":"2026-03-03T10:00:00Z","approvedBy":"max@example.com","closedAt":"2026-03-05T10:00:00Z","createdAt":"2026-03-02T08:00:00Z","dueAt":"2026-03-31T22:00:00Z","expiresAt":"never","kind":"change","owner":"","requester":"ana@example.com","significant":true,"status":"done","subject":"db","system":"jira","title":"About OPS-1"}`,
		"ticket OPS-2":   `{"approvedAt":"never","approvedBy":"","closedAt":"2026-03-03T10:00:00Z","createdAt":"2026-03-02T08:00:00Z","dueAt":"never","kind":"access","owner":"li@example.com","requester":"ana@example.com","significant":false,"status":"rejected","system":"jira","title":"About OPS-2"}`,
		"ticket OPS-4":   `{"approvedAt":"never","approvedBy":"","closedAt":"never","createdAt":"2026-03-02T08:00:00Z","kind":"task","requester":"ana@example.com","significant":false,"status":"in progress","system":"jira","title":"About OPS-4"}`,
		"ticket SEC-2":   `{"approvedAt":"2026-03-03T10:00:00Z","closedAt":"never","createdAt":"2026-03-02T08:00:00Z","kind":"task","requester":"ana@example.com","status":"open","system":"jira","title":"About SEC-2"}`, // who approved is not told
		"incident SEC-1": `{"acknowledgedAt":"2026-03-02T08:30:00Z","containedAt":"never","detectedAt":"2026-03-02T08:00:00Z","kind":"availability","owner":"li@example.com","resolvedAt":"2026-03-02T12:00:00Z","rootCauseAt":"2026-03-10T23:00:00Z","severity":"sev1","status":"resolved","title":"About SEC-1"}`,
	}
	for name, edition := range map[string]string{"cloud": cloud, "server": server} {
		t.Run(name, func(t *testing.T) {
			c, _ := connect(t, company(), edition+settings)
			r := sourcetest.Record(t, c)
			got := map[string]string{}
			for _, it := range r.Items {
				got[it.Type+" "+it.ID] = string(it.Body)
			}
			for k, w := range want {
				if got[k] != w {
					t.Errorf("%s\ngot  %s\nwant %s", k, got[k], w)
				}
			}
			if len(got) != 6 {
				t.Errorf("%d items, want 5 tickets and an incident", len(got))
			}
			for _, p := range r.Pages {
				if strings.Contains(string(p.Body)+p.Query, token) {
					t.Errorf("page %s holds the token", p.Kind)
				}
			}
		})
	}
}

func TestCompleteness(t *testing.T) {
	c, _ := connect(t, company(), server+settings)
	r := sourcetest.Record(t, c)
	if m := r.Manifest("ticket"); m.Scope != "OPS" || len(m.Checks) != 2 || m.Checks[1].Name != "count at source" || m.Checks[1].Want != "3" {
		t.Errorf("scope %q, checks %+v", m.Scope, m.Checks)
	}
	if m := r.Manifest("ticket"); !strings.Contains(strings.Join(m.Cannot, "\n"), "1 of the 4 numbers given in the project") {
		t.Errorf("the number that no ticket has is not named: %q", m.Cannot)
	}
	s := company()
	s.count = 2
	c, _ = connect(t, s, cloud+settings)
	if m := sourcetest.Record(t, c).Manifest("ticket"); !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), "an approximate one only, 5") {
		t.Errorf("Cloud's estimate: complete %v, %q", m.Complete, m.Cannot)
	}
}

func TestFailures(t *testing.T) {
	at := func(part string, nth, status int, body string) func(string, int) (int, string) {
		seen := 0
		return func(path string, _ int) (int, string) {
			if !strings.Contains(path, part) {
				return 0, ""
			}
			if seen++; seen >= nth {
				return status, body
			}
			return 0, ""
		}
	}
	twice := company()
	twice.issues["OPS"][1] = twice.issues["OPS"][0]
	short := company()
	short.total = 1
	for _, c := range []struct {
		name, edition string
		site          *site
		fail          func(string, int) (int, string)
		scope, why    string
		others        bool // the other project's tickets are complete
	}{
		{"not allowed", cloud, company(), at("/search/jql", 1, 403, `{"errorMessages":["no"]}`), "OPS", "403 Forbidden: no", false},
		{"page 2 fails", cloud, company(), at("/search/jql", 2, 500, ``), "OPS", "page 2: 500 Internal Server Error", false},
		{"page 2 of one project", server, company(), func() func(string, int) (int, string) {
			n := 0
			return func(p string, _ int) (int, string) {
				if p != "/rest/api/2/search" {
					return 0, ""
				}
				if n++; n == 2 {
					return 400, `{"errorMessages":["odd"]}`
				}
				return 0, ""
			}
		}(), "OPS", "page 2: 400 Bad Request: odd", true},
		{"broken", cloud, company(), at("/search/jql", 1, 200, `{"issues":[`), "OPS", "page 1", false},
		{"no list", cloud, company(), at("/search/jql", 1, 200, `{}`), "OPS", "no list", false},
		{"more to come, and no next", cloud, company(), at("/search/jql", 1, 200, `{"isLast":false,"issues":[]}`), "OPS", "names no next", false},
		{"no total", server, company(), at("/search", 1, 200, `{"startAt":0,"issues":[]}`), "OPS", "does not say whether it is the last", false},
		{"a ticket twice", server, twice, nil, "OPS", "tickets listed once each: 2 of 3", true},
		{"fewer than counted", server, short, nil, "OPS", "an empty page at 3 of 4", false},
		{"a history", cloud, company(), at("/changelog", 2, 500, ``), "SEC", "history of SEC-2: 500", false},
		{"projects", cloud, company(), at("/project/search", 1, 401, ``), "OPS", "projects: 401 Unauthorized", false},
		{"a project that is not there", cloud, &site{page: 2, projects: []string{`{"key":"OPS"}`}}, nil, "SEC", "not among the projects", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.site.fail = c.fail
			conn, _ := connect(t, c.site, c.edition+settings)
			r := sourcetest.Record(t, conn)
			closed := 0
			for _, m := range r.Manifests {
				if m.Scope != c.scope {
					if m.Complete != c.others && c.others {
						t.Errorf("%s %s: %s", m.Type, m.Scope, m.Reason)
					}
					continue
				}
				closed++
				if m.Complete || !strings.Contains(m.Reason, c.why) {
					t.Errorf("%s %s: complete %v, reason %q; want %q", m.Type, m.Scope, m.Complete, m.Reason, c.why)
				}
			}
			if closed != 2 {
				t.Errorf("%d streams of %s were closed, want tickets and incidents", closed, c.scope)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	s := company()
	s.limited = 2
	c, waits := connect(t, s, cloud+settings)
	if m := sourcetest.Record(t, c).Manifest("ticket"); !m.Complete {
		t.Error(m.Reason)
	}
	if len(*waits) != 2 || (*waits)[0] < 7*time.Second || (*waits)[0] > 9*time.Second {
		t.Errorf("waited %v, want about 7 s twice", *waits)
	}
}

// Answers that others recorded: a ticket of Data Center without a history in
// the list, and its projects.
func TestRecorded(t *testing.T) {
	projects, err := os.ReadFile("testdata/projects.json")
	if err != nil {
		t.Fatal(err)
	}
	issues, err := os.ReadFile("testdata/issues.json")
	if err != nil {
		t.Fatal(err)
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/api/2/project":
			w.Write(projects)
		case "/rest/api/2/search":
			w.Write(issues)
		default:
			fmt.Fprintf(w, `{"key":"AR-86","changelog":{"startAt":0,"maxResults":1,"total":1,"histories":[%s]}}`, edit("2015-12-03T10:00:00", "person-02@example.com", "status", "Ready"))
		}
	})
	c, _ := connect(t, h, server+`,"projects":["AGILA"],"approval":{"statuses":["Ready"]}`)
	r := sourcetest.Record(t, c)
	for _, err := range r.Errs {
		t.Error(err)
	}
	want := `{"approvedAt":"2015-12-03T08:00:00Z","approvedBy":"person-02@example.com","closedAt":"never","createdAt":"2015-12-02T15:39:15Z","kind":"task","owner":"person-01@example.com","status":"open","system":"jira"}`
	if got := r.ByType("ticket"); len(got) != 1 || string(got[0].Body) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	if m := r.Manifest("ticket"); !m.Complete {
		t.Error(m.Reason)
	}
}

func TestApprovalByField(t *testing.T) {
	yes, no, again := edit("2026-03-03T10:00:00", "max@example.com", "Decision", "Yes"), edit("2026-03-03T11:00:00", "li@example.com", "Decision", "No"), edit("2026-03-03T12:00:00", "eve@example.com", "Decision", "Yes")
	for _, c := range []struct {
		name  string
		edits []string
		by    string
	}{
		{"never", nil, ""}, {"once", []string{yes}, "max@example.com"}, {"withdrawn", []string{yes, no}, ""}, {"given again", []string{yes, no, again}, "eve@example.com"}, {"another value", []string{no}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &site{page: 5, projects: []string{`{"key":"OPS"}`}, issues: map[string][]string{"OPS": {made("OPS-1", "Task", "Open", "new", "", c.edits...)}}}
			conn, _ := connect(t, s, cloud+`,"approval":{"field":"decision","values":["yes"]}`)
			var got struct{ ApprovedBy *string }
			if err := json.Unmarshal(sourcetest.Record(t, conn).ByType("ticket")[0].Body, &got); err != nil {
				t.Fatal(err)
			}
			if got.ApprovedBy == nil || *got.ApprovedBy != c.by {
				t.Errorf("approved by %v, want %q", got.ApprovedBy, c.by)
			}
		})
	}
}

func TestWhatIsAsked(t *testing.T) {
	s := company()
	c, _ := connect(t, s, cloud+`,"projects":["O*"],"since":"2025-01-01","jql":"issuetype = Change"`)
	sourcetest.Record(t, c)
	all := strings.Join(s.asked, "\n")
	if !strings.Contains(all, "jql=project+%3D+%22OPS%22+AND+created+%3E%3D+%222025-01-01%22+AND+%28issuetype+%3D+Change%29+ORDER+BY+created+ASC") || strings.Contains(all, "SEC") {
		t.Error(all)
	}
}

// TestRequests: what a data subject asks for is told by issue type or label, and
// left out where neither says.
func TestRequests(t *testing.T) {
	s := &site{page: 2, projects: []string{`{"key":"OPS"}`, `{"key":"SEC"}`}, issues: map[string][]string{"SEC": {}, "OPS": {
		made("OPS-1", "Erasure", "Doing", "indeterminate", `,"labels":[]`), made("OPS-2", "Task", "Doing", "indeterminate", `,"labels":["do-not-sell"]`),
		made("OPS-3", "Task", "Doing", "indeterminate", `,"labels":["sale"]`),
	}}}
	c, _ := connect(t, s, cloud+settings)
	r := sourcetest.Record(t, c)
	want := map[string]string{"OPS-1": `"request":"delete"`, "OPS-2": `"request":"opt out"`, "OPS-3": ""}
	for _, it := range r.ByType("ticket") {
		if body := string(it.Body); !strings.Contains(body, want[it.ID]) || strings.Contains(body, `"request"`) != (want[it.ID] != "") {
			t.Errorf("%s: %s, want %s", it.ID, body, want[it.ID])
		}
		delete(want, it.ID)
	}
	if len(want) > 0 {
		t.Errorf("not read: %v; errors %v", want, r.Errs)
	}
}

func TestOpenRefuses(t *testing.T) {
	const base = `"url":"https://x.example","token":"env:T"`
	for _, c := range []struct{ name, with, want string }{
		{"no url", `{"token":"env:T"}`, "url"},
		{"no token", `{"url":"https://x.example"}`, "token"},
		{"the token itself", `{"url":"https://x.example","token":"abc"}`, "never the secret itself"},
		{"http", `{"url":"http://x.example","token":"env:T"}`, "https only"},
		{"edition", `{` + base + `,"edition":"x"}`, "cloud or server"},
		{"since", `{` + base + `,"since":"01/02/2026"}`, "not a day"},
		{"project", `{` + base + `,"projects":["A\" OR \""]}`, "neither a key nor a glob"},
		{"kind", `{` + base + `,"kinds":{"A":"thing"}}`, `"thing" is not one of`},
		{"request", `{` + base + `,"requests":{"A":"forget"}}`, `"forget" is not one of`},
		{"request twice", `{` + base + `,"requests":{"A":"delete"},"fields":{"request":"customfield_1"}}`, "given by requests as well"},
		{"severity", `{` + base + `,"severities":{"A":"high"}}`, `"high" is not one of`},
		{"approval by nothing", `{` + base + `,"approval":{}}`, "name statuses, or a field"},
		{"times of no date", `{` + base + `,"times":{"title":["Open"]}}`, "is not a date"},
		{"field that is no field", `{` + base + `,"fields":{"shoe":"customfield_1"}}`, "no further field"},
		{"a date by a label", `{` + base + `,"fields":{"expiresAt":"label:x"}}`, "yes or no only"},
		{"a yes or no by a field", `{` + base + `,"fields":{"significant":"customfield_1"}}`, "write label:NAME"},
		{"a field by its name", `{` + base + `,"fields":{"subject":"My field"}}`, "not the id of a field"},
		{"order", `{` + base + `,"jql":"x ORDER BY y"}`, "leave out the order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Driver.Open("jira", json.RawMessage(c.with), source.Env{})
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range company().issues {
		f.Add(strings.Join(s, ","), "")
	}
	f.Add(company().issues["SEC"][1], strings.Join(company().history["SEC-2"], ","))
	conf := json.RawMessage(`{"system":"jira"` + strings.Replace(settings, `"projects":["OPS","SEC"],`, "", 1) + `}`)
	f.Fuzz(func(t *testing.T, list, history string) {
		sheet := rest.NewSheet(facts{"Europe/Berlin"})
		sheet.Add(partList, rest.Answer{Query: "GET /", Status: 200, Body: []byte(`{"issues":[` + list + `]}`)})
		single := rest.NewSheet(facts{"Europe/Berlin"})
		single.AddElement(partIssue, json.RawMessage(list))
		single.Add(partMore, rest.Answer{Query: "GET /", Status: 200, Body: []byte(`{"total":3,"values":[` + history + `]}`)})
		for _, p := range []audit.Page{{Kind: kindSearch, Body: sheet.Encode()}, {Kind: kindIssue, Body: single.Encode()}, {Kind: kindSearch, Body: []byte(list)}} {
			items, _ := normalize(conf, p)
			for _, it := range items {
				if err := sourcetest.Valid(it); err != nil {
					t.Errorf("%s %s: %v", it.Type, it.ID, err)
				}
			}
		}
	})
}
