package bamboohr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

const key = "made-up-key"

// Answers of the shape that BambooHR's API pages show (Request a custom report,
// Get Updated Employee IDs, Gets all updated employee table data). The people are made up.
const (
	reportAnswer = `{"title":"Tieout","fields":[{"id":"id","type":"int","name":"EEID"}],"employees":[
{"id":"1","employeeNumber":"100","firstName":"Ana","lastName":"Ruiz","workEmail":"ana@example.com","hireDate":"2020-02-03","terminationDate":"0000-00-00","status":"Active","employmentHistoryStatus":"Full-Time","supervisorEId":null,"department":"Executive","jobTitle":"President","customCheck":"2020-01-15"},
{"id":"2","employeeNumber":"101","firstName":"Li","lastName":"Wei","workEmail":"li@example.com","hireDate":"2021-05-03","terminationDate":"2026-03-06","status":"Inactive","employmentHistoryStatus":"Terminated","supervisorEId":"1","department":"Operations","jobTitle":"Engineer","customCheck":""},
{"id":"3","employeeNumber":"102","firstName":"Max","lastName":"Ott","workEmail":null,"hireDate":"2026-06-01","terminationDate":null,"status":"Active","employmentHistoryStatus":"Contractor","supervisorEId":"2","department":null,"jobTitle":"Tester","customCheck":null},
{"id":"4","employeeNumber":"103","firstName":"Eve","lastName":"Kim","workEmail":"eve@example.com","hireDate":"2019-01-07","terminationDate":"","status":"Inactive","employmentHistoryStatus":"Terminated","supervisorEId":"9","department":"Sales","jobTitle":"Clerk","customCheck":null},
{"id":"5","employeeNumber":"104","firstName":"Noa","lastName":"Levi","workEmail":"noa@example.com","hireDate":"2019-01-07","terminationDate":"","status":"Active","employmentHistoryStatus":"Leave of Absence","supervisorEId":"1","department":"Sales","jobTitle":"Clerk","customCheck":null}]}`
	jobsAnswer = `{"table":"jobInfo","employees":{"1":{"lastChanged":"2025-07-02T20:13:43Z","rows":[{"date":"2022-04-01","department":"Executive","jobTitle":"President","reportsTo":""},{"date":"2020-02-03","department":"Sales","jobTitle":"Clerk"},{"date":"2023-01-01","department":"Executive","jobTitle":"President"},{"date":"2027-01-01","department":"Board","jobTitle":"Chair"}]},
"2":{"lastChanged":"2025-07-02T20:13:43Z","rows":[{"date":"2021-05-03","department":"Operations","jobTitle":"Engineer"}]}}}`
	changesAnswer = `{"latest":"2026-05-01T00:00:00+00:00","employees":{"1":{"id":"1","action":"Updated","lastChanged":"2025-07-02T20:13:43+00:00"},"2":{"id":"2","action":"Inserted"},"8":{"id":"8","action":"Deleted"}}}`
)

type service struct {
	report, jobs, changes string
	status                map[string]int // of a part of the path
	limited               int
	asked                 []string
}

func made() *service {
	return &service{report: reportAnswer, jobs: jobsAnswer, changes: changesAnswer, status: map[string]int{}}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	if user, _, _ := r.BasicAuth(); user != key {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if s.limited > 0 {
		s.limited--
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for part, status := range s.status {
		if strings.Contains(r.URL.Path, part) {
			w.WriteHeader(status)
			return
		}
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/api/gateway.php/halyard/v1"); path {
	case "/reports/custom":
		fmt.Fprint(w, s.report)
	case "/employees/changed/tables/jobInfo":
		fmt.Fprint(w, s.jobs)
	case "/employees/changed":
		fmt.Fprint(w, s.changes)
	default:
		http.NotFound(w, r)
	}
}

const settings = `,"leave":["leave of absence"],"fields":{"backgroundCheckedAt":"customCheck"}`

func connect(t testing.TB, s *service, more string) (sourcetest.Connection, *[]time.Duration) {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	var waits []time.Duration
	drv := *Driver
	drv.Open = func(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
		c, conf, err := open(name, with, env)
		if c != nil {
			c.(*collector).wait = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
		}
		return c, conf, err
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return sourcetest.Connection{Driver: &drv, Name: "hr",
		Window: audit.Window{Span: audit.Span{From: from, To: from.AddDate(1, 0, 0)}, AsOf: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), Zone: "America/New_York"},
		Env:    source.Env{Secret: func(context.Context, string) (string, error) { return key, nil }},
		With:   `{"company":"halyard","apiKey":"env:K","url":"` + srv.URL + `","allow":"loopback"` + more + `}`}, &waits
}

func TestConform(t *testing.T) {
	c, _ := connect(t, made(), settings)
	sourcetest.Conform(t, c, "person")
}

func TestPeople(t *testing.T) {
	s := made()
	c, _ := connect(t, s, settings)
	r := sourcetest.Record(t, c)
	want := []string{
		`hr/1 {"backgroundCheckedAt":"2020-01-15T05:00:00Z","department":"Executive","email":"ana@example.com","endedAt":"never","kind":"employee","manager":"","name":"Ana Ruiz","roleChangedAt":"2022-04-01T04:00:00Z","startedAt":"2020-02-03T05:00:00Z","status":"active","title":"President"}`,
		`hr/2 {"backgroundCheckedAt":"never","department":"Operations","email":"li@example.com","endedAt":"2026-03-07T05:00:00Z","manager":"hr/1","name":"Li Wei","roleChangedAt":"never","startedAt":"2021-05-03T04:00:00Z","status":"ended","title":"Engineer"}`,
		`hr/3 {"backgroundCheckedAt":"never","department":"","email":"","endedAt":"never","kind":"contractor","manager":"hr/2","name":"Max Ott","startedAt":"2026-06-01T04:00:00Z","status":"pending","title":"Tester"}`,
		`hr/4 {"backgroundCheckedAt":"never","department":"Sales","email":"eve@example.com","name":"Eve Kim","startedAt":"2019-01-07T05:00:00Z","status":"ended","title":"Clerk"}`, // left; when is not told
		`hr/5 {"backgroundCheckedAt":"never","department":"Sales","email":"noa@example.com","endedAt":"never","manager":"hr/1","name":"Noa Levi","startedAt":"2019-01-07T05:00:00Z","status":"leave","title":"Clerk"}`,
	}
	for i, it := range r.ByType("person") {
		if got := it.ID + " " + string(it.Body); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
	m := r.Manifest("person")
	if len(m.Checks) != 2 || !m.Checks[1].OK || m.Checks[1].Want != "2" || !strings.Contains(strings.Join(m.Cannot, "\n"), "the 1 employees whose records were deleted") {
		t.Errorf("checks %+v, limits %q", m.Checks, m.Cannot)
	}
	if !strings.Contains(s.asked[0], "onlyCurrent=false") || !strings.Contains(s.asked[0], `"customCheck"`) {
		t.Errorf("asked %s", s.asked[0])
	}
	for _, p := range r.Pages {
		if strings.Contains(string(p.Body)+p.Query, key) {
			t.Errorf("page %s holds the key", p.Kind)
		}
	}
}

func TestIDs(t *testing.T) {
	c, _ := connect(t, made(), settings+`,"ids":"employeeNumber"`)
	got := sourcetest.Record(t, c).ByType("person")[1]
	if got.ID != "hr/101" || !strings.Contains(string(got.Body), `"manager":"hr/100"`) {
		t.Errorf("got %s %s", got.ID, got.Body)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*service)
		complete bool
		why      string // of the manifest, or among its limits where it is complete
	}{
		{"not allowed", func(s *service) { s.status["reports"] = 403 }, false, "403 Forbidden"},
		{"a failure of theirs", func(s *service) { s.status["reports"] = 500 }, false, "500"},
		{"broken", func(s *service) { s.report = s.report[:200] }, false, `no list "employees"`},
		{"nobody", func(s *service) { s.report = `{"employees":[]}` }, false, "names nobody"},
		{"one twice", func(s *service) { s.report = strings.Replace(s.report, `"id":"5"`, `"id":"1"`, 1) }, false, "employees with an id of their own: 4 of 5"},
		{"one that the report lacks", func(s *service) { s.changes = strings.Replace(s.changes, "Deleted", "Updated", 1) }, false, "not reached: 8"},
		{"an answer without a list of changes", func(s *service) { s.changes = `{"error":"try later"}` }, true, "it is not the list of changes"},
		{"no list of changes", func(s *service) { s.status["changed"] = 403 }, true, "list of changes cannot be had: 403"},
		{"no job tables", func(s *service) { s.status["jobInfo"] = 403 }, true, "moved to another role or department: 403"},
		{"a field that is hidden", func(s *service) { s.report = strings.ReplaceAll(s.report, `"terminationDate"`, `"x"`) }, true, "terminationDate: the API key's user may not see it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := made()
			c.change(s)
			conn, _ := connect(t, s, settings)
			m := sourcetest.Record(t, conn).Manifest("person")
			if m.Complete != c.complete || !strings.Contains(m.Reason+strings.Join(m.Cannot, "\n"), c.why) {
				t.Errorf("complete %v, reason %q, limits %q; want %q", m.Complete, m.Reason, m.Cannot, c.why)
			}
		})
	}
}

// A field that is hidden is not collected: it is not taken for empty.
func TestHiddenFields(t *testing.T) {
	s := made()
	s.report = strings.NewReplacer(`"terminationDate"`, `"x"`, `"supervisorEId"`, `"y"`, `"workEmail"`, `"z"`, `"customCheck"`, `"w"`).Replace(s.report)
	s.status["jobInfo"] = 403
	c, _ := connect(t, s, settings)
	for _, it := range sourcetest.Record(t, c).ByType("person") {
		for _, name := range []string{"endedAt", "manager", "email", "backgroundCheckedAt", "roleChangedAt"} {
			if strings.Contains(string(it.Body), `"`+name+`"`) {
				t.Errorf("%s: %s is given: %s", it.ID, name, it.Body)
			}
		}
	}
}

func TestBadRows(t *testing.T) {
	s := made()
	s.report = strings.Replace(s.report, "2026-03-06", "03/06/2026", 1)
	c, _ := connect(t, s, settings)
	r := sourcetest.Record(t, c)
	if len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), `element 2: employee 2: terminationDate: "03/06/2026" is not a day`) || len(r.Items) != 4 {
		t.Errorf("errors %v, %d items", r.Errs, len(r.Items))
	}
}

func TestRateLimit(t *testing.T) {
	s := made()
	s.limited = 2
	c, waits := connect(t, s, settings)
	if m := sourcetest.Record(t, c).Manifest("person"); !m.Complete || len(*waits) != 2 || (*waits)[0] < 5*time.Second {
		t.Errorf("complete %v (%s), waited %v", m.Complete, m.Reason, *waits)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, with, want string }{
		{"no company", `{"apiKey":"env:K"}`, "company"},
		{"a path", `{"company":"a/b","apiKey":"env:K"}`, "company"},
		{"no key", `{"company":"a"}`, "apiKey"},
		{"the key itself", `{"company":"a","apiKey":"abcdef"}`, "never the secret itself"},
		{"ids", `{"company":"a","apiKey":"env:K","ids":"email"}`, "id or employeeNumber"},
		{"kind", `{"company":"a","apiKey":"env:K","kinds":{"X":"boss"}}`, `"boss" is not one of`},
		{"field", `{"company":"a","apiKey":"env:K","fields":{"salary":"payRate"}}`, `"salary" is not one of`},
		{"allow", `{"company":"a","apiKey":"env:K","allow":"all"}`, "allow"},
		{"http", `{"company":"a","apiKey":"env:K","url":"http://x.example"}`, "https only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Driver.Open("hr", json.RawMessage(c.with), source.Env{})
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add(reportAnswer, jobsAnswer)
	f.Add(`{"employees":[{"id":7,"status":"active"}]}`, `{"employees":{"7":{"rows":[{"date":"0000-00-00"}]}}}`)
	conf := json.RawMessage(`{"connection":"hr","ids":"id","fields":{"reviewedAt":"customCheck"}}`)
	f.Fuzz(func(t *testing.T, report, jobs string) {
		s := rest.NewSheet(facts{"America/New_York"})
		s.Add(partReport, rest.Answer{Query: "POST /", Status: 200, Body: []byte(report)})
		s.Add(partJobs, rest.Answer{Query: "GET /", Status: 200, Body: []byte(jobs)})
		for _, body := range [][]byte{s.Encode(), []byte(report)} {
			items, _ := normalize(conf, audit.Page{Kind: kindPeople, Body: body, About: audit.At(time.Unix(1_770_000_000, 0))})
			for _, it := range items {
				if err := sourcetest.Valid(it); err != nil {
					t.Errorf("%s: %v", it.ID, err)
				}
			}
		}
	})
}
