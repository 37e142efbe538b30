package roster

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const berlin = "Europe/Berlin"

func instantOf(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func window(t testing.TB) audit.Window {
	return audit.Window{Span: audit.Span{From: instantOf(t, "2025-12-31T23:00:00Z"), To: instantOf(t, "2026-12-31T23:00:00Z")},
		AsOf: instantOf(t, "2026-05-04T10:00:00Z"), Zone: berlin}
}

// connect puts files into a folder and opens them as a connection called hr.
func connect(t testing.TB, with string, files map[string]string) sourcetest.Connection {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sourcetest.Connection{Driver: Driver, Name: "hr", With: with, Env: source.Env{Dir: dir}, Window: window(t)}
}

func body(t testing.TB, items []audit.Item, id string) map[string]any {
	t.Helper()
	for _, it := range items {
		if it.ID == id {
			var v map[string]any
			if err := json.Unmarshal(it.Body, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("there is no item %s", id)
	return nil
}

func oracle(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/people-2026-03-31.csv")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const (
	oracleWith = `{"people":{"files":["people-*.csv"],"dateFormat":"DD-MM-YYYY"},"trainings":["trainings-*.csv"],"backgroundChecks":["checks-*.csv"],"dates":"name","topics":{"Security*":"security"}}`
	trained    = "Employee ID,Course,Completion Date,Status\n100,Security Basics,2026-02-03,Completed\n101,Security Basics,,Assigned\n178,Privacy,2026-02-04 15:30,Completed\n"
	checkedCSV = "employee_id,Completed Date,Status\n100,2013-05-02,Clear\n100,2025-01-02,Clear\n101,2026-04-01,Clear\n102,N/A,Pending\n"
)

func TestConform(t *testing.T) {
	sourcetest.Conform(t, connect(t, oracleWith, map[string]string{"people-2026-03-31.csv": oracle(t), "trainings-2026-03-31.csv": trained,
		"checks-2026-04-02.csv": checkedCSV}), "person", "training")
}

// The employees of the sample schema, read as of the day in the file's name.
func TestEmployees(t *testing.T) {
	r := sourcetest.Record(t, connect(t, oracleWith, map[string]string{"people-2026-03-31.csv": oracle(t), "trainings-2026-03-31.csv": trained,
		"checks-2026-04-02.csv": checkedCSV}))
	if got := len(r.ByType("person")); got != 107 {
		t.Errorf("people: %d, want 107", got)
	}
	m := r.Manifest("person")
	if want := audit.At(instantOf(t, "2026-03-30T22:00:00Z")); m.Covers != want {
		t.Errorf("the list is about %v, want the start of 31 March in Berlin, %v", m.Covers, want)
	}
	if len(m.Checks) != 1 || m.Checks[0].Want != "107" || m.Checks[0].Got != "107" {
		t.Errorf("checks: %+v", m.Checks)
	}
	for _, c := range []struct {
		id   string
		want map[string]any
	}{
		{"hr/100", map[string]any{"name": "Steven King", "email": "sking@example.com", "startedAt": "2013-06-16T22:00:00Z", "endedAt": "never", "status": "active",
			"manager": "", "department": "Executive", "title": "President", "roleChangedAt": "never", "backgroundCheckedAt": "2013-05-01T22:00:00Z"}},
		{"hr/101", map[string]any{"backgroundCheckedAt": "never", "manager": "hr/100", "roleChangedAt": "2015-03-15T23:00:00Z"}}, // checked on 1 April: not by 31 March
		{"hr/178", map[string]any{"department": "", "manager": "hr/149", "backgroundCheckedAt": "never"}},
	} {
		got := body(t, r.Items, c.id)
		for k, v := range c.want {
			if got[k] != v {
				t.Errorf("%s: %s is %v, want %v", c.id, k, got[k], v)
			}
		}
	}
}

func TestTrainings(t *testing.T) {
	r := sourcetest.Record(t, connect(t, oracleWith, map[string]string{"people-2026-03-31.csv": oracle(t), "trainings-2026-03-31.csv": trained}))
	got := r.ByType("training")
	if len(got) != 2 {
		t.Fatalf("trainings: %d, want the two that were completed", len(got))
	}
	if want := instantOf(t, "2026-02-04T14:30:00Z"); !got[1].At.Equal(want) {
		t.Errorf("at %v, want %v", got[1].At, want)
	}
	b := body(t, got, got[0].ID)
	if b["person"] != "hr/100" || b["topic"] != "security" || b["result"] != "completed" {
		t.Errorf("got %v", b)
	}
	if _, ok := body(t, got, got[1].ID)["topic"]; ok {
		t.Error("a topic that nothing states is collected")
	}
	m := r.Manifest("training")
	if m.Covers.To != instantOf(t, "2026-03-30T22:00:00Z") || !m.Complete {
		t.Errorf("the list covers %v, complete %v (%s); want up to its date", m.Covers, m.Complete, m.Reason)
	}
}

func TestResults(t *testing.T) {
	for _, c := range []struct{ name, row, with, result, bad string }{
		{"completed", "7,X,2026-02-03,Passed", "", "completed", ""},
		{"tried", "7,X,2026-02-03,Failed", "", "not completed", ""},
		{"assigned", "7,X,,Assigned", "", "", ""},
		{"not assigned to an end", "7,X,,", "", "", ""},
		{"a date alone", "7,X,2026-02-03,", "", "completed", ""},
		{"a word nobody knows", "7,X,2026-02-03,Attended", "", "", "say in `results:` what \"Attended\" means"},
		{"a word explained", "7,X,2026-02-03,attended", `,"results":{"Attended":"completed"}`, "completed", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sourcetest.Record(t, connect(t, `{"trainings":["t-*.csv"],"dates":"name"`+c.with+`}`,
				map[string]string{"t-2026-03-31.csv": "Employee ID,Course,Completed On,Result\n" + c.row + "\n"}))
			if (len(r.Errs) > 0) != (c.bad != "") || c.bad != "" && !strings.Contains(r.Errs[0].Error(), c.bad) {
				t.Errorf("errors %v, want %q", r.Errs, c.bad)
			}
			got := ""
			for _, it := range r.Items {
				got, _ = body(t, r.Items, it.ID)["result"].(string)
			}
			if got != c.result {
				t.Errorf("result %q, want %q", got, c.result)
			}
			if m := r.Manifest("training"); m.Complete != (c.bad == "") {
				t.Errorf("complete %v: %s", m.Complete, m.Reason)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		name, format, text string
		edge               edge
		want, err          string
	}{
		{"day", "", "2026-03-31", start, "2026-03-30T22:00:00Z", ""},
		{"last working day", "", "2026-03-31", end, "2026-03-31T22:00:00Z", ""},
		{"last day before summer time", "", "2026-03-28", end, "2026-03-28T23:00:00Z", ""},
		{"month by name", "", "17-Jun-2013", start, "2013-06-16T22:00:00Z", ""},
		{"year first", "", "2013/06/17", start, "2013-06-16T22:00:00Z", ""},
		{"midnight means the day", "", "2026-03-31 00:00:00", end, "2026-03-31T22:00:00Z", ""},
		{"time of day", "", "2026-03-31 17:00", end, "2026-03-31T15:00:00Z", ""},
		{"instant", "", "2026-03-31T17:00:00Z", end, "2026-03-31T17:00:00Z", ""},
		{"ambiguous", "", "03/04/2026", start, "", "more than one way"},
		{"ambiguous even where only one reading is possible", "", "31/12/2026", start, "", "more than one way"},
		{"day first", "DD/MM/YYYY", "03/04/2026", start, "2026-04-02T22:00:00Z", ""},
		{"month first", "MM/DD/YYYY", "03/04/2026", start, "2026-03-03T23:00:00Z", ""},
		{"one digit", "M/D/YYYY", "3/4/2026 5:30 PM", start, "2026-03-04T16:30:00Z", ""},
		{"against the format", "MM/DD/YYYY", "31/12/2026", start, "", "more than one way"},
		{"two digits of a year", "", "31-12-26", start, "", "more than one way"},
		{"no such day", "", "2026-02-30", start, "", "not a date"},
		{"word", "", "no_information", start, "", "not a date"},
		{"year nobody lives in", "", "0001-01-01", start, "", "outside"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(berlin)
			if err != nil {
				t.Fatal(err)
			}
			l, err := layouts(c.format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := instant(c.text, c.edge, l, zone)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v, error %v; want %q", got, err, c.err)
				}
				return
			}
			if err != nil || audit.FormatTime(got) != c.want {
				t.Errorf("got %s, error %v; want %s", audit.FormatTime(got), err, c.want)
			}
		})
	}
}

// person reads one row of a list of people dated 31 March 2026.
func TestPerson(t *testing.T) {
	for _, c := range []struct {
		name, header, row string
		with              string // further settings
		want              map[string]any
		missing           []string
		bad               string
	}{
		{name: "any case, spaces and underscores", header: "EMPLOYEE_ID,first name,LastName,Employment Type", row: "7,Ana,Ruiz,Full-Time",
			want: map[string]any{"name": "Ana Ruiz", "kind": "employee"}, missing: []string{"status", "startedAt", "endedAt", "email"}},
		{name: "left", header: "Employee ID,Hire Date,Termination Date,Status", row: "7,2024-01-08,2026-03-06,Terminated",
			want: map[string]any{"status": "ended", "endedAt": "2026-03-06T23:00:00Z"}},
		{name: "left, and the list gives no date", header: "Employee ID,Termination Date,Status", row: "7,,Terminated",
			want: map[string]any{"status": "ended"}, missing: []string{"endedAt"}},
		{name: "status not understood", header: "Employee ID,Termination Date,Status", row: "7,,Inactive", missing: []string{"status", "endedAt"}},
		{name: "status explained", header: "Employee ID,Status", row: "7,GARDEN leave", with: `,"statuses":{"Garden Leave":"leave"}`, want: map[string]any{"status": "leave"}},
		{name: "left, by its dates", header: "Employee ID,Start Date,End Date", row: "7,2024-01-08,2026-03-06", want: map[string]any{"status": "ended"}},
		{name: "end agreed for later", header: "Employee ID,Start Date,End Date", row: "7,2024-01-08,2026-04-30", want: map[string]any{"status": "active"}},
		{name: "starts later", header: "Employee ID,Start Date,End Date", row: "7,2026-04-01,-", want: map[string]any{"status": "pending", "endedAt": "never"}},
		{name: "no status from half the dates", header: "Employee ID,Start Date", row: "7,2024-01-08", missing: []string{"status", "endedAt"}},
		{name: "no start is told", header: "Employee ID,Start Date,End Date", row: "7,,none", want: map[string]any{"endedAt": "never"}, missing: []string{"startedAt", "status"}},
		{name: "a start is a date", header: "Employee ID,Start Date", row: "7,N/A", bad: "people-2026-03-31.csv:2: startedAt"},
		{name: "ambiguous", header: "Employee ID,Start Date", row: "7,03/04/2026", bad: "people-2026-03-31.csv:2: startedAt: \"03/04/2026\" may be read"},
		{name: "an end that cannot be read", header: "Employee ID,Last Day", row: "7,soon", bad: "people-2026-03-31.csv:2: endedAt"},
		{name: "no id", header: "Employee ID,Name", row: " ,Ana", bad: "people-2026-03-31.csv:2: id"},
		{name: "a value too many", header: "Employee ID,Name", row: "7,Ruiz,Ana", bad: "people-2026-03-31.csv:2: the row has 3 values and the header 2"},
		{name: "manager by name", header: "Employee ID,Name,Manager", row: "7,Ana Ruiz,Li  Wei\n8,Li Wei,", want: map[string]any{"manager": "hr/8"}},
		{name: "manager by address", header: "Employee ID,Email,Manager Email", row: "7,a@x.example,B@x.example\n8,b@x.example,", want: map[string]any{"manager": "hr/8"}},
		{name: "manager's name of two", header: "Employee ID,Name,Manager", row: "7,Ana Ruiz,Li Wei\n8,Li Wei,\n9,Li Wei,", missing: []string{"manager"}},
		{name: "column that is not what it is called", header: "Employee ID,Background Check", row: "7,Clear", with: `,"columns":{"backgroundCheckedAt":""}`, missing: []string{"backgroundCheckedAt"}},
		{name: "column of no meaning twice", header: "Employee ID,Notes,Notes", row: "7,a,b", missing: []string{"status"}},
		{name: "named column", header: "Nr,Wer", row: "7,Ana Ruiz", with: `,"columns":{"id":"Nr","name":"Wer"}`, want: map[string]any{"name": "Ana Ruiz"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner, outer := "", c.with
			if strings.Contains(c.with, "columns") {
				inner, outer = c.with, ""
			}
			r := sourcetest.Record(t, connect(t, `{"people":{"files":["people-*.csv"]`+inner+`},"dates":"name"`+outer+`}`,
				map[string]string{"people-2026-03-31.csv": c.header + "\n" + c.row + "\n"}))
			if c.bad != "" {
				if len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), c.bad) {
					t.Errorf("errors %v; want %q", r.Errs, c.bad)
				}
				return
			}
			for _, err := range r.Errs {
				t.Error(err)
			}
			got := body(t, r.Items, "hr/7")
			for k, v := range c.want {
				if got[k] != v {
					t.Errorf("%s is %v, want %v", k, got[k], v)
				}
			}
			for _, k := range c.missing {
				if v, ok := got[k]; ok {
					t.Errorf("%s is %v; the list does not tell it", k, v)
				}
			}
		})
	}
}

func TestBackgroundChecks(t *testing.T) {
	const list = "Employee ID,Email\n7,ana@x.example\n8,li@x.example\n"
	with := `{"people":["people-*.csv"],"backgroundChecks":["checks-*.csv"],"dates":"name"}`
	for _, c := range []struct {
		name   string
		files  map[string]string
		want   map[string]any // of 7 and 8; nil: not collected
		bad    bool
		cannot string
	}{
		{"a list of the same day", map[string]string{"checks-2026-03-31.csv": "Employee ID,Completed Date\n7,2026-02-02\n"}, map[string]any{"7": "2026-02-01T23:00:00Z", "8": "never"}, false, ""},
		{"an older list cannot say that there was none", map[string]string{"checks-2026-03-01.csv": "Employee ID,Completed Date\n7,2026-02-02\n"}, map[string]any{"7": "2026-02-01T23:00:00Z", "8": nil}, false, ""},
		{"by address", map[string]string{"checks-2026-04-01.csv": "Email,Completed Date\nLI@x.example,2026-02-02\nelse@x.example,2026-02-02\n"}, map[string]any{"7": "never", "8": "2026-02-01T23:00:00Z"}, false, ""},
		{"the first of several counts", map[string]string{"checks-2026-04-01.csv": "Employee ID,Completed Date\n7,2026-02-02\n7,2025-02-02\n"}, map[string]any{"7": "2025-02-01T23:00:00Z", "8": "never"}, false, ""},
		{"N/A is none", map[string]string{"checks-2026-04-01.csv": "Employee ID,Completed Date,Status\n7,N/A,Pending\n8,n/a,\n"}, map[string]any{"7": "never", "8": "never"}, false, ""},
		{"complete and no date", map[string]string{"checks-2026-04-01.csv": "Employee ID,Completed Date,Status\n7,-,Clear\n"}, map[string]any{"7": nil, "8": "never"}, true, ""},
		{"a row without a person", map[string]string{"checks-2026-04-01.csv": "Employee ID,Completed Date\n,2026-02-02\n"}, map[string]any{"7": nil, "8": nil}, true, ""},
		{"a list that cannot be read", map[string]string{"checks-2026-04-01.csv": "What\n1\n"}, map[string]any{"7": nil, "8": nil}, false, "checks-2026-04-01.csv: no column is recognized"},
		{"no list", nil, map[string]any{"7": nil, "8": nil}, false, "no file matches checks-*.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"people-2026-03-31.csv": list}
			for k, v := range c.files {
				files[k] = v
			}
			r := sourcetest.Record(t, connect(t, with, files))
			if (len(r.Errs) > 0) != c.bad {
				t.Errorf("errors %v; want some: %v", r.Errs, c.bad)
			}
			for id, want := range c.want {
				if got := body(t, r.Items, "hr/"+id)["backgroundCheckedAt"]; got != want {
					t.Errorf("%s: %v, want %v", id, got, want)
				}
			}
			if len(r.ByType("person")) != 2 {
				t.Errorf("%d people, want each once", len(r.ByType("person")))
			}
			if m := r.Manifest("person"); !strings.Contains(strings.Join(m.Cannot, "\n"), c.cannot) {
				t.Errorf("limits %q do not name %q", m.Cannot, c.cannot)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	with := `{"people":["people-*.csv"],"trainings":["trainings-*.csv"],"dates":"name"}`
	for _, c := range []struct {
		name, typ string
		files     map[string]string
		why       string
	}{
		{"no file", "person", nil, "no file of a date up to now matches people-*.csv"},
		{"nobody", "person", map[string]string{"people-2026-03-31.csv": "Employee ID\n"}, "the list names nobody"},
		{"an id twice", "person", map[string]string{"people-2026-03-31.csv": "Employee ID\n7\n7\n"}, "rows that have an employee id of their own: 1 of 2"},
		{"from before the window", "person", map[string]string{"people-2025-03-31.csv": "Employee ID\n7\n"}, "none of the 1 files is about a time within the window"},
		{"from the future", "person", map[string]string{"people-2026-06-30.csv": "Employee ID\n7\n"}, "no file of a date up to now"},
		{"no day in its name", "person", map[string]string{"people-new.csv": "Employee ID\n7\n"}, "people-new.csv: its name holds no day"},
		{"a column twice", "person", map[string]string{"people-2026-03-31.csv": "Employee ID,employee_id\n7,7\n"}, "twice"},
		{"UTF-16", "person", map[string]string{"people-2026-03-31.csv": "\xff\xfeE\x00"}, "not UTF-8"},
		{"a training that says completed without a date", "training", map[string]string{"people-2026-03-31.csv": "Employee ID\n7\n",
			"trainings-2026-03-31.csv": "Employee ID,Course,Completed On,Status\n7,Basics,,Completed\n"}, "rows that could be read: 0 of 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sourcetest.Record(t, connect(t, with, c.files)).Manifest(c.typ)
			if m.Complete || !strings.Contains(m.Reason, c.why) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, c.why)
			}
		})
	}
}

// Each list of people is a snapshot of its own date, also where the date is in a column.
func TestSeveralDates(t *testing.T) {
	r := sourcetest.Record(t, connect(t, `{"people":["p*.csv"],"trainings":["t.csv"]}`, map[string]string{
		"p1.csv": "Employee ID;Email;As Of\n7;ana@x.example;2026-01-31\n", "p2.csv": "Employee ID;Email;As Of\n7;ana@x.example;2026-02-28\n8;li@x.example;2026-02-28\n",
		"p2b.csv": "Employee ID;Worker Type;As Of\nC1;Contractor;2026-02-28\n", "t.csv": "Email,Course,Completed,Exported at\nli@x.example,Privacy,2026-02-02,2026-03-01T08:00:00Z\n"}))
	for _, err := range r.Errs {
		t.Error(err)
	}
	var got []string
	for _, m := range r.Manifests {
		got = append(got, m.Type+" "+audit.FormatTime(m.Covers.From)+" "+m.Reason)
	}
	want := "person 2026-01-30T23:00:00Z \nperson 2026-02-27T23:00:00Z \ntraining 2025-12-31T23:00:00Z "
	if strings.Join(got, "\n") != want {
		t.Errorf("streams:\n%s\nwant:\n%s", strings.Join(got, "\n"), want)
	}
	if got := body(t, r.ByType("training"), "hr/8/Privacy/2026-02-01T23:00:00Z")["person"]; got != "hr/8" {
		t.Errorf("the training is of %v, want hr/8", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, with, want string }{
		{"nothing", `{}`, "name the files"},
		{"checks without people", `{"backgroundChecks":["c.csv"]}`, "joined to the people"},
		{"status", `{"people":["p.csv"],"statuses":{"x":"gone"}}`, `"gone" is not one of`},
		{"kind", `{"people":["p.csv"],"kinds":{"x":"boss"}}`, `"boss" is not one of`},
		{"result", `{"trainings":["p.csv"],"results":{"x":"maybe"}}`, `"maybe" is not one of`},
		{"topic", `{"trainings":["p.csv"],"topics":{"[":"security"}}`, "not a glob"},
		{"column", `{"people":{"files":["p.csv"],"columns":{"shoe":"Shoe"}}}`, `"shoe" is not one of`},
		{"format", `{"people":["p.csv"],"dateFormat":"MM/YYYY"}`, "does not say a day"},
		{"dates", `{"people":["p.csv"],"dates":"today"}`, "write name or modified"},
		{"glob", `{"people":["["]}`, "not a glob"},
		{"people elsewhere and here", `{"people":["p.csv"],"peopleIn":"x"}`, "leave it out"},
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
	f.Add("Employee ID,Name,Manager,Termination Date,Status\n7,Ana,8,2026-03-03,Left\n", "Employee ID,Completed Date\n7,-\n")
	f.Add("id\n\"7\n", "email,completed,status\n,,clear\n")
	f.Add("\xef\xbb\xbfid;name;start date\n1;A;03/04/2026\n", "")
	conf := json.RawMessage(`{"connection":"hr","people":"hr","tables":{"backgroundChecks":{},"people":{},"trainings":{}}}`)
	f.Fuzz(func(t *testing.T, list, other string) {
		for kind, part := range map[string]string{kindPeople: people, kindTrainings: trainings} {
			for _, joined := range []string{checks, people} {
				b, err := json.Marshal(page{Format: 1, Zone: berlin, Files: []file{{Table: part, Name: "a.csv", Text: list}, {Table: joined, Name: "b.csv", Text: other}}})
				if err != nil {
					t.Fatal(err)
				}
				items, _ := normalize(conf, audit.Page{Kind: kind, About: audit.At(time.Unix(1_770_000_000, 0)), Body: b})
				for _, it := range items {
					if err := sourcetest.Valid(it); err != nil {
						t.Errorf("%s: %v", it.ID, err)
					}
				}
			}
		}
		_, _ = normalize(conf, audit.Page{Kind: kindPeople, Body: []byte(list)})
	})
}
