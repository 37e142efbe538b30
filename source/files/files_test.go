package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var window = audit.Window{Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Zone: "Europe/Berlin"}

// A folder is a workspace: file name -> content.
type folder map[string]string

func (f folder) connection(t testing.TB, streams string) sourcetest.Connection {
	t.Helper()
	dir := t.TempDir()
	for name, content := range f {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return sourcetest.Connection{Driver: Driver, Name: "exports", With: `{"streams":[` + streams + `]}`, Env: source.Env{Dir: dir}, Window: window}
}

const accounts = `{"files":"a/*.csv","format":"csv","type":"account","mode":"snapshot","asOf":{"path":"(\\d{4}-\\d{2}-\\d{2})"},
 "id":"okta/{login}","fields":{"login":"login","status":{"column":"state","values":{"ACTIVE":"active","SUSPENDED":"suspended"}},
 "mfa.enforced":{"column":"mfa","true":["yes"],"false":["no"],"unknown":["?"]},"mfa.enrolled":{"column":"mfa","true":["yes"],"false":["no"],"unknown":["?"]},
 "kind":{"value":"human"},"lastUsedAt":{"column":"seen","none":["never"]}},
 "links":{"person":"hr/{number}","account":"okta/{login}","basis":"employee number in the identity provider"}}`

const accountsCSV = "\ufefflogin,state,mfa,seen,number\r\nann,ACTIVE,yes,2026-02-28T23:00:00Z,7\r\n\"b,o\",SUSPENDED,?,never,\r\n"

func TestConform(t *testing.T) {
	c := folder{"a/2026-03-01.csv": accountsCSV, "a/2026-03-08.csv": accountsCSV}.connection(t, accounts)
	sourcetest.Conform(t, c, "account", "link")
}

func TestSnapshots(t *testing.T) {
	c := folder{"a/2026-03-01.csv": accountsCSV, "a/2026-03-08.csv": accountsCSV, "a/2025-12-30.csv": "old"}.connection(t, accounts)
	r := sourcetest.Record(t, c)
	if len(r.Errs) > 0 || len(r.Pages) != 2 || len(r.Manifests) != 4 {
		t.Fatalf("errors %v, %d pages, %d manifests; want none, 2 and 4", r.Errs, len(r.Pages), len(r.Manifests))
	}
	it := r.Items[0]
	want := `{"kind":"human","login":"ann","mfa":{"enforced":true,"enrolled":true},"status":"active"}`
	if it.ID != "okta/ann" || string(it.Body) != want || string(it.Volatile) != `{"lastUsedAt":"2026-02-28T23:00:00Z"}` {
		t.Errorf("got %s %s %s", it.ID, it.Body, it.Volatile)
	}
	if l := r.Items[1]; l.ID != "hr/7|okta/ann" || string(l.Body) != `{"account":"okta/ann","basis":"employee number in the identity provider","confirmed":true,"person":"hr/7"}` {
		t.Errorf("link %s %s", l.ID, l.Body)
	}
	if it := r.Items[2]; string(it.Body) != `{"kind":"human","login":"b,o","status":"suspended"}` || string(it.Volatile) != `{"lastUsedAt":"never"}` {
		t.Errorf("got %s %s; want no mfa at all", it.Body, it.Volatile)
	}
	// The day 2026-03-01 starts in Berlin an hour before it does in UTC.
	if m := r.Manifests[0]; !m.Covers.From.Equal(time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)) || !m.Complete || m.Items != 2 {
		t.Errorf("manifest %+v", m)
	}
}

func TestIncomplete(t *testing.T) {
	events := `{"files":"e/*","format":"csv","type":"training","mode":"events","covers":{"path":"(\\d{4}-\\d{2})"},"id":"{id}","at":{"column":"day","date":"start"},"sequence":"id","fields":{"person":"who"}}`
	for _, tc := range []struct {
		name, streams string
		files         folder
		reason, bad   string
	}{
		{"no file", accounts, folder{}, "no file matches a/*.csv", ""},
		{"all outside of the window", accounts, folder{"a/2020-01-01.csv": ""}, "none of the 1 files", ""},
		{"no date in the name", accounts, folder{"a/x.csv": ""}, "a/x.csv: asOf", ""},
		{"one file without a date beside one with", accounts, folder{"a/2026-03-01.csv": accountsCSV, "a/rest.csv": accountsCSV}, "a/rest.csv: asOf", ""},
		{"wrong columns", accounts, folder{"a/2026-03-01.csv": "user,state\n"}, "", `a/2026-03-01.csv:1: there is no column "login"; the header has "user", "state"`},
		{"duplicate header column", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number,login\n"}, "", `the column "login" twice`},
		{"value that fits nothing", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number\na,ODD,yes,never,1\n"}, "", `a/2026-03-01.csv:2: status: column "state": "ODD" is not listed`},
		{"same id twice in a file", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number\na,ACTIVE,yes,never,1\na,ACTIVE,no,never,1\n"}, "", `a/2026-03-01.csv:3: "okta/a" stands in an earlier row`},
		{"same id in two files of a snapshot", strings.Replace(accounts, "a/*.csv", "a/*/*.csv", 1), folder{"a/1/2026-03-01.csv": accountsCSV, "a/2/2026-03-01.csv": accountsCSV}, "stands in more than one row", ""},
		{"ragged row", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number\na,ACTIVE\n"}, "", "a/2026-03-01.csv:2: the row has 2 values and the header 5"},
		{"bad bytes", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number\na\xff,ACTIVE,yes,never,1\n"}, "", `a/2026-03-01.csv:2: column "login" is not UTF-8`},
		{"UTF-16", accounts, folder{"a/2026-03-01.csv": "\xff\xfel\x00"}, "", "save it as UTF-8"},
		{"open quote", accounts, folder{"a/2026-03-01.csv": "login,state,mfa,seen,number\n\"a,b\n"}, "", "a/2026-03-01.csv:2: a quote is opened"},
		{"gap in a sequence", events, folder{"e/2026-05.csv": "id,day,who\n1,2026-05-01,a\n3,2026-05-02,b\n"}, "numbers without a gap: id: 2 from 1 to 3, not 3 from 1 to 3", ""},
		{"outside of the stretch", events, folder{"e/2026-05.csv": "id,day,who\n1,2026-06-01,a\n"}, "", "lies outside of what the file covers"},
		{"count at source", `{"files":"*.json","format":"json","rows":"data","count":{"field":"meta.total"},"type":"account","mode":"snapshot","asOf":"2026-03-01","id":"{login}","fields":{"login":"login"}}`,
			folder{"x.json": `{"meta":{"total":3},"data":[{"login":"a"},{"login":"b"}]}`}, "count at source: 2, not 3", ""},
		{"rows of different dates", `{"files":"*.csv","format":"csv","type":"account","mode":"snapshot","asOf":{"column":"at"},"id":"{login}","fields":{"login":"login"}}`,
			folder{"1.csv": "at,login\n2026-03-01,a\n2026-03-02,b\n"}, "1.csv: it gives 2 dates", ""},
		{"field that is not there", `{"files":"*.json","format":"json","rows":"data","type":"account","mode":"snapshot","asOf":{"field":"at"},"id":"{login}","fields":{"login":"login"}}`,
			folder{"1.json": `{"data":[{"login":"a"}]}`}, "1.json: asOf: not found", ""},
		{"json key twice", `{"files":"*.jsonl","format":"jsonl","type":"account","mode":"snapshot","asOf":"2026-03-01","id":"{login}","fields":{"login":"login"}}`,
			folder{"x.jsonl": "{\"login\":\"a\"}\n{\"login\":\"a\",\"login\":\"b\"}\n"}, "", `x.jsonl:2: byte 21: the key "login" appears twice`},
		{"nested too deep", `{"files":"*.json","format":"json","type":"account","mode":"snapshot","asOf":"2026-03-01","id":"{login}","fields":{"login":"login"}}`,
			folder{"x.json": `[{"login":"a","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]`}, "", "x.json:1: byte 82: nested deeper than 64"},
		{"broken workbook", `{"files":"*.xlsx","format":"xlsx","type":"account","mode":"snapshot","asOf":"2026-03-01","id":"{login}","fields":{"login":"login"}}`,
			folder{"x.xlsx": "PK\x03\x04 no zip"}, "", "the workbook cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := sourcetest.Record(t, tc.files.connection(t, tc.streams))
			m := r.Manifests[0]
			if tc.reason != "" && (m.Complete || !strings.Contains(m.Reason, tc.reason)) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
			if got := fmt.Sprint(r.Errs); tc.bad != "" && !strings.Contains(got, tc.bad) {
				t.Errorf("errors %s; want %q", got, tc.bad)
			} else if tc.bad == "" && len(r.Errs) > 0 {
				t.Errorf("errors %s; want none", got)
			}
		})
	}
}

func TestRefusedSettings(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown field", `"login":"login"`, `"loginn":"login"`, `no field "loginn"`},
		{"value outside of the enumeration", `"active"`, `"actve"`, `"actve" is not one of`},
		{"id without a column", `"okta/{login}"`, `"okta"`, "names no column"},
		{"unknown key in a value", `"true":["yes"]`, `"treu":["yes"]`, "treu"},
		{"mode that the type does not have", `"snapshot"`, `"events"`, "covers"},
		{"no date", `"asOf":{"path":"(\\d{4}-\\d{2}-\\d{2})"},`, ``, "needs asOf"},
		{"absence the schema does not know", `"login":"login"`, `"login":{"column":"login","none":[""]}`, "knows no absence"},
		{"format", `"format":"csv"`, `"format":"tsv"`, "write csv, json, jsonl or xlsx"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			with := `{"streams":[` + strings.Replace(accounts, tc.old, tc.new, 1) + `]}`
			_, _, err := Driver.Open("exports", json.RawMessage(with), source.Env{Dir: t.TempDir()})
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("got %v; want ErrInvalid with %q", err, tc.want)
			}
		})
	}
	two := `{"streams":[` + accounts + "," + accounts + `]}`
	if _, _, err := Driver.Open("exports", json.RawMessage(two), source.Env{}); err == nil || !strings.Contains(err.Error(), "its own scope") {
		t.Errorf("two streams of the same type and scope gave %v", err)
	}
}

func TestEventsByMonth(t *testing.T) {
	s := `{"files":"e/*.jsonl","format":"jsonl","type":"training","mode":"events","covers":{"path":"(\\d{4}-\\d{2})"},"id":"{id}",
	 "at":"done","fields":{"person":"who.id","topic":{"value":"security"},"result":{"column":"ok","values":{"true":"completed","false":"not completed"}}}}`
	r := sourcetest.Record(t, folder{
		"e/2026-05.jsonl": "{\"id\":1,\"done\":\"2026-05-01 00:30\",\"who\":{\"id\":\"x\\u0041\"},\"ok\":true}\n\n{\"ok\":false,\"id\":2,\"done\":\"2026-05-31T23:59:59+02:00\",\"who\":{\"id\":\"y\"}}",
		"e/2026-11.jsonl": "",
	}.connection(t, s))
	if len(r.Errs) > 0 || len(r.Items) != 2 {
		t.Fatalf("errors %v, items %v", r.Errs, r.Items)
	}
	if it := r.Items[0]; !it.At.Equal(time.Date(2026, 4, 30, 22, 30, 0, 0, time.UTC)) || string(it.Body) != `{"person":"xA","result":"completed","topic":"security"}` {
		t.Errorf("got %v %s", it.At, it.Body)
	}
	may, nov := r.Manifests[0], r.Manifests[1]
	if !may.Covers.To.Equal(time.Date(2026, 5, 31, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("May ends at %v", may.Covers.To)
	}
	if !nov.Covers.To.Equal(time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("November ends at %v; want the instant the file was written", nov.Covers.To)
	}
}

func TestChangesWithGone(t *testing.T) {
	s := `{"files":"c.csv","format":"csv","separator":";","type":"membership","mode":"changes","covers":{"from":"2026-01-01","to":"2026-06-30"},"id":"{a}/{g}",
	 "at":{"column":"when","layout":"DD.MM.YYYY HH:mm"},"gone":{"column":"op","equals":["removed"]},"fields":{"account":"a","group":"g"}}`
	r := sourcetest.Record(t, folder{"c.csv": "a;g;op;when\nx;admins;added;01.02.2026 10:00\nx;admins;removed;01.03.2026 10:00\n"}.connection(t, s))
	if len(r.Errs) > 0 || len(r.Items) != 2 || r.Items[0].Gone || !r.Items[1].Gone || r.Items[1].Body != nil {
		t.Fatalf("errors %v, items %+v", r.Errs, r.Items)
	}
	if m := r.Manifests[0]; !m.Complete || m.Mode != audit.ModeChanges || !m.Covers.To.Equal(time.Date(2026, 6, 30, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("manifest %+v", m)
	}
}

func TestExcel(t *testing.T) {
	f := excelize.NewFile()
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for i, row := range [][]any{{"id", "name", "end", "active", "n"}, {}, {"007", "Ann", day, true, 5}, {"8", "Bob", nil, false}} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	s := `{"files":"x.xlsx","format":"xlsx","sheet":"Sheet1","type":"person","mode":"snapshot","asOf":{"modified":true},"id":"hr/{id}",
	 "fields":{"name":"name","endedAt":{"column":"end","date":"end","none":[""]},"status":{"column":"active","values":{"1":"active","0":"ended"}}}}`
	r := sourcetest.Record(t, folder{"x.xlsx": b.String()}.connection(t, s))
	if len(r.Errs) > 0 || len(r.Items) != 2 {
		t.Fatalf("errors %v, items %v", r.Errs, r.Items)
	}
	got := string(r.Items[0].Body) + string(r.Items[1].Body)
	want := `{"endedAt":"2026-01-31T23:00:00Z","name":"Ann","status":"active"}{"endedAt":"never","name":"Bob","status":"ended"}`
	if got != want || r.Items[0].ID != "hr/007" {
		t.Errorf("got %s %s; want %s", r.Items[0].ID, got, want)
	}
	if r.Manifests[0].Items != 2 {
		t.Errorf("%d items in the manifest; want 2", r.Manifests[0].Items)
	}
}

func TestSchema(t *testing.T) {
	s := `{"files":"x.csv","format":"csv","type":"account","mode":"snapshot","asOf":"2026-03-01","schema":"row.json","id":"{login}","fields":{"login":"login"}}`
	r := sourcetest.Record(t, folder{"x.csv": "login,mail\na,a@x\nb,nope\n", "row.json": `{"properties":{"mail":{"pattern":"@"}}}`}.connection(t, s))
	if len(r.Items) != 1 || !strings.Contains(fmt.Sprint(r.Errs), `x.csv:3: schema: at "/mail"`) {
		t.Errorf("items %v, errors %v", r.Items, r.Errs)
	}
}

func TestSplitter(t *testing.T) {
	csv := "a,b\n1,\"x\ny\"\n2,z\n3,w\n"
	sp := &splitter{in: strings.NewReader(csv), limit: 14, csv: true}
	var parts []string
	for {
		body, line, err := sp.next()
		if err != nil {
			break
		}
		parts = append(parts, fmt.Sprintf("%d %q", line, body))
	}
	want := `[2 "a,b\n1,\"x\ny\"\n" 4 "a,b\n2,z\n3,w\n"]`
	if got := fmt.Sprint(parts); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	sp = &splitter{in: strings.NewReader(strings.Repeat("x", 50)), limit: 20}
	if _, _, err := sp.next(); err == nil {
		t.Error("a row longer than a page was cut")
	}
	sp = &splitter{in: strings.NewReader(""), limit: 20}
	if body, line, err := sp.next(); len(body) != 0 || line != 1 || err != nil {
		t.Errorf("empty file: %q %d %v; want one empty part", body, line, err)
	}
}

func TestDatedInside(t *testing.T) {
	snapshot := `{"files":"*.json","format":"json","rows":"data","type":"account","mode":"snapshot","asOf":{"field":"at"},"id":"{login}","fields":{"login":"login"}}`
	c := folder{"1.json": `{"at":"2026-03-01","data":[{"login":"a"}]}`, "2.json": `{"at":"2026-03-01","data":[{"login":"b"}]}`,
		"3.json": `{"at":"2026-03-02T10:00:00Z","data":[{"login":"a"}]}`}.connection(t, snapshot)
	r := sourcetest.Record(t, c)
	if len(r.Errs) > 0 || len(r.Items) != 3 || len(r.Manifests) != 2 || len(r.Pages) != 6 {
		t.Fatalf("errors %v, %d items, %d manifests, %d pages; want 3, 2 and 6", r.Errs, len(r.Items), len(r.Manifests), len(r.Pages))
	}
	if m := r.Manifests[1]; !m.Complete || m.Covers != audit.At(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)) || m.Items != 1 {
		t.Errorf("manifest %+v", m)
	}
	t.Run("conforms", func(t *testing.T) { sourcetest.Conform(t, c, "account") })
	events := `{"files":"*.csv","format":"csv","type":"training","mode":"events","covers":{"from":"first","to":"last"},"id":"{id}","at":"at","fields":{"person":"who"}}`
	r = sourcetest.Record(t, folder{"e.csv": "first,last,id,at,who\n2026-01-01,2026-01-31,1,2026-01-05T10:00:00Z,a\n"}.connection(t, events))
	if m := r.Manifests[0]; !m.Complete || len(r.Items) != 1 || !m.Covers.To.Equal(time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("manifest %+v, items %v", m, r.Items)
	}
}
