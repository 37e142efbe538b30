package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source/sourcetest"
)

const accountRules = `{"type":"account","mode":"snapshot","id":"okta/{login}","fields":{
 "login":"login","email":{"column":"mail","none":["",null]},"status":{"column":"state","values":{"ACTIVE":"active","OFF":"disabled"}},
 "kind":{"value":"human"},"mfa.enforced":{"column":"mfa","true":["yes","1"],"false":["no","0"]},"mfa.factors":{"column":"factors","split":";","none":[""]},
 "createdAt":"created","lastUsedAt":{"column":"seen","none":["never",""]}}}`

func program(t testing.TB, rules string) *Program {
	t.Helper()
	var r Rules
	if err := json.Unmarshal([]byte(rules), &r); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(r, zone)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one reads a single JSON row with one mapped field.
func one(t *testing.T, typ, field, value, row string) string {
	t.Helper()
	p := program(t, fmt.Sprintf(`{"type":%q,"mode":"snapshot","id":"{id}","fields":{%q:%s}}`, typ, field, value))
	items, err := p.Read(Format{Kind: "jsonl"}, "x", audit.Span{}, 1, []byte(`{"id":"1",`+row+`}`))
	if err != nil {
		return "error: " + err.Error()
	}
	if err := sourcetest.Valid(items[0]); err != nil {
		t.Error(err)
	}
	return string(items[0].Body)
}

func TestValues(t *testing.T) {
	for _, tc := range []struct{ name, typ, field, value, row, want string }{
		{"column", "account", "login", `"a"`, `"a":"x"`, `{"login":"x"}`},
		{"dotted path", "account", "login", `"a.b"`, `"a":{"c":1,"b":"x"}`, `{"login":"x"}`},
		{"dot in a key", "account", "login", `"a\\.b"`, `"a.b":"x"`, `{"login":"x"}`},
		{"key with an escape", "account", "login", `"ä"`, `"\u00e4":"x"`, `{"login":"x"}`},
		{"missing key", "account", "login", `"a"`, `"b":"x"`, `{}`},
		{"null", "account", "login", `"a"`, `"a":null`, `{}`},
		{"null listed as absent", "account", "email", `{"column":"a","none":[null]}`, `"a":null`, `{"email":""}`},
		{"empty text nobody explained", "account", "email", `"a"`, `"a":""`, `{}`},
		{"empty text listed as absent", "account", "email", `{"column":"a","none":[""]}`, `"a":""`, `{"email":""}`},
		{"number as text", "account", "login", `"a"`, `"a":12`, `{"login":"12"}`},
		{"object as text", "account", "login", `"a"`, `"a":{}`, `error: x:1: login: column "a": "{}" is not a single value`},
		{"enumeration", "account", "status", `"a"`, `"a":"ACTIVE"`, `error: x:1: status: column "a": "ACTIVE" is not one of ["active" "pending" "suspended" "disabled"]; say under values what it means`},
		{"else a value", "account", "status", `{"column":"a","values":{"A":"active"},"else":"disabled"}`, `"a":"Z"`, `{"status":"disabled"}`},
		{"else unknown", "account", "status", `{"column":"a","values":{"A":"active"},"else":"unknown"}`, `"a":"Z"`, `{}`},
		{"native bool", "account", "admin", `"a"`, `"a":true`, `{"admin":true}`},
		{"bool by text", "account", "admin", `{"column":"a","true":["J"],"false":["N",""]}`, `"a":""`, `{"admin":false}`},
		{"bool that fits nothing", "account", "admin", `{"column":"a","true":["J"],"false":["N"]}`, `"a":"true"`, `error: x:1: admin: column "a": "true" is neither listed as true nor as false`},
		{"number is no bool", "account", "admin", `"a"`, `"a":1`, `error: x:1: admin: column "a": "1" is neither listed as true nor as false`},
		{"day without saying which end", "person", "endedAt", `"a"`, `"a":"2026-03-29"`, `error: x:1: endedAt: column "a": "2026-03-29" is a day, not an instant; say ` + "`date: start` or `date: end`"},
		{"start of a day when clocks change", "person", "startedAt", `{"column":"a","date":"start"}`, `"a":"2026-03-29"`, `{"startedAt":"2026-03-28T23:00:00Z"}`},
		{"end of it", "person", "endedAt", `{"column":"a","date":"end"}`, `"a":"2026-03-29"`, `{"endedAt":"2026-03-29T22:00:00Z"}`},
		{"end of the day an instant lies in", "person", "endedAt", `{"column":"a","date":"end"}`, `"a":"2026-01-31T00:00:00"`, `{"endedAt":"2026-01-31T23:00:00Z"}`},
		{"instant without offset", "account", "createdAt", `"a"`, `"a":"2026-01-02 03:04"`, `{"createdAt":"2026-01-02T02:04:00Z"}`},
		{"instant with decimals", "account", "createdAt", `"a"`, `"a":"2026-01-02T03:04:05.123456789Z"`, `{"createdAt":"2026-01-02T03:04:05.123456Z"}`},
		{"no such day", "account", "createdAt", `"a"`, `"a":"2026-02-30T00:00:00Z"`, `error: x:1: createdAt: column "a": "2026-02-30T00:00:00Z" is not an instant such as 2026-01-31T09:00:00Z; say its layout`},
		{"own layout", "account", "createdAt", `{"column":"a","layout":"DD.MM.YYYY","date":"start"}`, `"a":"02.01.2026"`, `{"createdAt":"2026-01-01T23:00:00Z"}`},
		{"seconds since 1970", "account", "createdAt", `{"column":"a","layout":"unix"}`, `"a":1767225600`, `{"createdAt":"2026-01-01T00:00:00Z"}`},
		{"milliseconds since 1970", "account", "createdAt", `{"column":"a","layout":"unixms"}`, `"a":1767225600001`, `{"createdAt":"2026-01-01T00:00:00.001Z"}`},
		{"year beyond", "account", "createdAt", `{"column":"a","layout":"unix"}`, `"a":999999999999`, `error: x:1: createdAt: column "a": "999999999999" lies outside of the years 1 to 9998`},
		{"never", "person", "endedAt", `{"column":"a","none":["N/A"]}`, `"a":"N/A"`, `{"endedAt":"never"}`},
		{"list", "account", "mfa.factors", `"a"`, `"a":["x","y"]`, `{"mfa":{"factors":["x","y"]}}`},
		{"empty list", "account", "mfa.factors", `"a"`, `"a":[]`, `{"mfa":{"factors":[]}}`},
		{"path through a list", "account", "mfa.factors", `"a.t"`, `"a":[{"t":"x"},{"u":1},{"t":"y"}]`, `{"mfa":{"factors":["x","y"]}}`},
		{"split", "account", "mfa.factors", `{"column":"a","split":";"}`, `"a":"x; y;"`, `{"mfa":{"factors":["x","y"]}}`},
		{"escapes", "account", "login", `"a"`, `"a":"\ud83d\ude00\n\"\\"`, `{"login":"😀\n\"\\"}`},
		{"NUL", "account", "login", `"a"`, `"a":"x\u0000y"`, "{\"login\":\"x\uFFFDy\"}"},
		{"half a surrogate", "account", "login", `"a"`, `"a":"\ud83d"`, `error: x:1: byte 15: a string holds half of a surrogate pair`},
		{"template", "account", "system", `{"template":"aws/{a}"}`, `"a":"12"`, `{"system":"aws/12"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := one(t, tc.typ, tc.field, tc.value, tc.row); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestIntegers(t *testing.T) {
	for row, want := range map[string]string{
		`"a":7`: `{"retentionDays":7}`, `"a":"7"`: `{"retentionDays":7}`, `"a":-1`: `{"retentionDays":-1}`,
		`"a":1.5`:              `error: x:1: retentionDays: column "a": "1.5" is not an integer below 2^53`,
		`"a":9007199254740992`: `error: x:1: retentionDays: column "a": "9007199254740992" is not an integer below 2^53`,
		`"a":true`:             `error: x:1: retentionDays: column "a": "true" is not a number`,
	} {
		if got := one(t, "datastore", "retentionDays", `"a"`, row); got != want {
			t.Errorf("%s: got %s; want %s", row, got, want)
		}
	}
}

func TestRulesSurviveTheirOwnEncoding(t *testing.T) {
	p := program(t, accountRules)
	b, err := canonical.Marshal(p.rules)
	if err != nil {
		t.Fatal(err)
	}
	q := program(t, string(b))
	body := rows(50, "csv")
	x, errX := p.Read(Format{Kind: "csv"}, "x", audit.Span{}, 2, body)
	y, errY := q.Read(Format{Kind: "csv"}, "x", audit.Span{}, 2, body)
	if fmt.Sprint(x, errX) != fmt.Sprint(y, errY) || len(x) != 50 || errX != nil {
		t.Errorf("%d items and %v; then %d and %v", len(x), errX, len(y), errY)
	}
}

// The formats tell the same of the same table.
func TestFormatsAgree(t *testing.T) {
	p := program(t, accountRules)
	want, err := p.Read(Format{Kind: "csv"}, "x", audit.Span{}, 2, rows(200, "csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []Format{{Kind: "jsonl"}, {Kind: "json", Rows: "data.users"}} {
		got, err := p.Read(f, "x", audit.Span{}, 1, rows(200, f.Kind))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v; the items differ from those of the CSV", f.Kind, err)
		}
	}
	for _, it := range want {
		if err := sourcetest.Valid(it); err != nil {
			t.Fatalf("%s: %v", it.ID, err)
		}
	}
}

// rows makes n accounts in a format.
func rows(n int, format string) []byte {
	var b bytes.Buffer
	if format == "csv" {
		b.WriteString("login,mail,state,mfa,factors,created,seen,department,note\n")
	}
	if format == "json" {
		b.WriteString(`{"meta":{"x":[1,2]},"data":{"users":[`)
	}
	for i := range n {
		state := [...]string{"ACTIVE", "OFF"}[i%2]
		if format == "csv" {
			fmt.Fprintf(&b, "user%d,user%d@example.com,%s,yes,webauthn;totp,2025-03-0%dT08:15:30Z,never,Research,\"likes, commas\"\n", i, i, state, 1+i%9)
			continue
		}
		if format == "json" && i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, `{"login":"user%d","mail":"user%d@example.com","state":%q,"mfa":"yes","factors":"webauthn;totp","created":"2025-03-0%dT08:15:30Z","seen":"never","profile":{"department":"Research"},"note":"likes, commas"}`, i, i, state, 1+i%9)
		if format == "jsonl" {
			b.WriteByte('\n')
		}
	}
	if format == "json" {
		b.WriteString(`]},"end":null}`)
	}
	return b.Bytes()
}

func BenchmarkRead(b *testing.B) {
	const n = 100_000
	for _, kind := range []string{"csv", "jsonl", "json"} {
		b.Run(kind, func(b *testing.B) {
			p := program(b, accountRules)
			body := rows(n, kind)
			f := Format{Kind: kind}
			if kind == "json" {
				f.Rows = "data.users"
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if items, err := p.Read(f, "x", audit.Span{}, 2, body); err != nil || len(items) != n {
					b.Fatal(len(items), err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func TestScanCounts(t *testing.T) {
	p := program(t, accountRules)
	var ids []string
	n := p.Scan(Format{Kind: "csv"}, []string{"department"}, rows(3, "csv"), func(id []byte, texts []string) {
		ids = append(ids, string(id)+" "+texts[0])
	})
	if n != 3 || strings.Join(ids, ";") != "okta/user0 Research;okta/user1 Research;okta/user2 Research" {
		t.Errorf("%d rows, %v", n, ids)
	}
}

func TestAt(t *testing.T) {
	for _, tc := range []struct{ doc, path, want string }{
		{`{"meta":{"total":12}}`, "meta.total", "12"},
		{`{"meta":{"next":"a\u0026b"}}`, "meta.next", "a&b"},
		{`{"meta":{}}`, "meta.total", "error"},
		{`{"meta":null}`, "meta.total", "error"},
		{`[]`, "x", "error"}, {``, "x", "error"}, {`{"x":1`, "x", "error"}, {`{"x":[1]}`, "x", "error"},
	} {
		got, err := At([]byte(tc.doc), tc.path)
		if err != nil {
			got = "error"
		}
		if got != tc.want {
			t.Errorf("%s at %s: got %q, %v; want %q", tc.doc, tc.path, got, err, tc.want)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("login,mail,state,mfa,factors,created,seen\na,,ACTIVE,yes,x;y,2026-01-01T00:00:00Z,never\n\"b\"\"c\",,OFF,no,,,\n"))
	f.Add([]byte("\xef\xbb\xbflogin,mail,state,mfa,factors,created,seen\r\n\"a\r\nb\""))
	fuzzFormat(f, Format{Kind: "csv"})
}

func FuzzJSONL(f *testing.F) {
	f.Add([]byte(`{"login":"a","state":"ACTIVE","factors":["x",{"y":1}],"mfa":"no","created":"2026-01-01T00:00:00Z"}`))
	f.Add([]byte("{\"login\":\"\\u00e4\\ud83d\\ude00\",\"mail\":null}\n\n{}"))
	fuzzFormat(f, Format{Kind: "jsonl"})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[{"login":"x","seen":1e9},3]},"c":-0.5}`))
	f.Add([]byte(`{"a":{"b":{"login":"x"}}} `))
	fuzzFormat(f, Format{Kind: "json", Rows: "a.b"})
}

func FuzzXLSX(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	fuzzFormat(f, Format{Kind: "xlsx"})
}

// fuzzFormat: whatever comes, items are valid, reading is pure, JSON is
// accepted only where encoding/json accepts it, and bad rows are named.
func fuzzFormat(f *testing.F, format Format) {
	p := program(f, accountRules)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := p.Read(format, "x", audit.Span{}, 1, body)
		again, err2 := p.Read(format, "x", audit.Span{}, 1, body)
		if fmt.Sprint(items, err) != fmt.Sprint(again, err2) {
			t.Error("two readings differ")
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s: %v", it.ID, err)
			}
		}
		if format.Kind == "json" && err == nil && !json.Valid(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) {
			t.Errorf("%q is not JSON and was read", body)
		}
		if n := p.Scan(format, nil, body, nil); n < len(items) {
			t.Errorf("%d rows counted and %d items read", n, len(items))
		}
	})
}

func TestAppendInstant(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2026, 2, 3, 4, 5, 6, 100_000_000, time.UTC), time.Date(2026, 2, 3, 4, 5, 6, 1000, time.UTC),
		time.Date(2026, 2, 3, 4, 5, 6, 20_300_000, time.FixedZone("", 5400)), time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(appendInstant(nil, at)), audit.FormatTime(at); got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}
