package osquery

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var start = time.Date(2026, 10, 28, 9, 0, 0, 0, time.UTC)

func window(asOf time.Time) audit.Window {
	return audit.Window{Span: audit.Span{From: start.AddDate(0, 0, -1), To: start.AddDate(0, 1, 0)}, AsOf: asOf, Zone: "UTC"}
}

// snap is a snapshot line of the pack, as osqueryd 5 writes it.
func snap(host, query string, at time.Time, rows string) string {
	return fmt.Sprintf(`{"snapshot":%s,"action":"snapshot","name":"pack_tieout_%s","hostIdentifier":"%s","calendarTime":"%s","unixTime":%d,"epoch":0,"counter":0,"numerics":false,"decorations":{"host_uuid":"x"}}`,
		rows, query, host, at.Format("Mon Jan 2 15:04:05 2006 UTC"), at.Unix())
}

// diff is a line of a difference, of a query of the company's own.
func diff(host, action string, at time.Time, counter int, columns string) string {
	return fmt.Sprintf(`{"name":"pack_halyard_admins","hostIdentifier":"%s","calendarTime":"x","unixTime":"%d","epoch":0,"counter":%d,"columns":%s,"action":"%s"}`, host, at.Unix(), counter, columns, action)
}

const identityRow = `[{"hostname":"lap-12","serial":"C02ABC","uuid":"0000-11"}]`

// macbook is two days of one computer: on the second its disk is not encrypted.
func macbook() []string {
	next := start.Add(24 * time.Hour)
	return []string{
		snap("lap-12", "identity", start, identityRow),
		snap("lap-12", "os", start.Add(time.Second), `[{"name":"macOS","version":"15.1","platform":"darwin","platform_like":"darwin"}]`),
		snap("lap-12", "disks_posix", start.Add(2*time.Second), `[{"name":"/","encrypted":"1"},{"name":"/Volumes/data","encrypted":"1"}]`),
		snap("lap-12", "screen_lock", start.Add(3*time.Second), `[{"enabled":"1"}]`),
		snap("lap-12", "firewall_darwin", start.Add(3*time.Second), `[{"enabled":"0"}]`),
		snap("lap-12", "patched_darwin", start.Add(3*time.Second), `[{"at":"1793000000"}]`),
		snap("lap-12", "admins_posix", start.Add(4*time.Second), `[{"username":"root"},{"username":"ana"},{"username":"ana"}]`),
		`{"name":"pack_other_processes","hostIdentifier":"lap-12","unixTime":1793178005,"action":"added","columns":{"pid":"1"}}`,
		snap("lap-12", "disks_posix", next, `[{"name":"/","encrypted":"1"},{"name":"/Volumes/data","encrypted":"0"}]`),
	}
}

func connection(t testing.TB, asOf time.Time, with string, files map[string][]string) sourcetest.Connection {
	t.Helper()
	dir := t.TempDir()
	for name, lines := range files {
		body := []byte(strings.Join(lines, "\n") + "\n")
		if strings.HasSuffix(name, ".gz") {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(body); err != nil || z.Close() != nil {
				t.Fatal(err)
			}
			body = b.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sourcetest.Connection{Driver: Driver, Name: "osq", Env: source.Env{Dir: dir}, Window: window(asOf), With: `{"files":["*.log","*.log.gz"]` + with + `}`}
}

func TestConform(t *testing.T) {
	sourcetest.Conform(t, connection(t, start.AddDate(0, 0, 2), "", map[string][]string{"osqueryd.results.log": macbook()}), "device")
}

func TestDays(t *testing.T) {
	lines := macbook()
	for name, files := range map[string]map[string][]string{
		"one file":             {"a.log": lines},
		"rotated, newer first": {"a.log": lines[4:], "b.log.gz": lines[:4]},
	} {
		t.Run(name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, start.AddDate(0, 0, 2), "", files))
			want := []string{
				`{"admins":["ana","root"],"diskEncrypted":true,"firewall":false,"hostname":"lap-12","os":{"patchedAt":"2026-10-26T07:33:20Z","version":"15.1"},"platform":"macos","screenLock":{"enabled":true},"serial":"C02ABC","status":"active"}`,
				`{"admins":["ana","root"],"diskEncrypted":false,"firewall":false,"hostname":"lap-12","os":{"patchedAt":"2026-10-26T07:33:20Z","version":"15.1"},"platform":"macos","screenLock":{"enabled":true},"serial":"C02ABC","status":"active"}`,
			}
			if len(r.Items) != 2 {
				t.Fatalf("%d items: %+v", len(r.Items), r.Manifests)
			}
			for i, it := range r.Items {
				at := []time.Time{start.Add(4 * time.Second), start.Add(24 * time.Hour)}[i]
				if it.ID != "osq/lap-12" || string(it.Body) != want[i] || r.Manifests[i].Covers != audit.At(at) || r.Manifests[i].Scope != "lap-12" {
					t.Errorf("day %d about %v:\n got %s\nwant %s", i+1, r.Manifests[i].Covers.From, it.Body, want[i])
				}
			}
			for _, line := range strings.Split(strings.TrimSpace(string(r.Pages[0].Body)), "\n") {
				if !slices.Contains(lines, line) {
					t.Errorf("a line is not as it was: %s", line)
				}
			}
		})
	}
}

func TestDifferences(t *testing.T) {
	base := []string{
		snap("h", "identity", start.Add(-time.Minute), identityRow),
		diff("h", "added", start, 0, `{"username":"root"}`), diff("h", "added", start, 0, `{"username":"ana"}`),
		diff("h", "added", start.Add(time.Hour), 1, `{"username":"bob"}`), diff("h", "removed", start.Add(2*time.Hour), 2, `{"username":"ana"}`),
	}
	batch := []string{fmt.Sprintf(`{"diffResults":{"added":[{"username":"eve"}],"removed":""},"name":"pack_halyard_admins","hostIdentifier":"h","unixTime":%d,"epoch":0,"counter":0,"numerics":false}`, start.Unix())}
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"from the beginning", base, `"admins":["bob","root"]`},
		{"the beginning may be in a file that is gone", base[2:], ""},
		{"only changes", append(base[:1:1], base[3:]...), ""},
		{"a new epoch begins anew", append(base[:5:5], strings.Replace(diff("h", "added", start.Add(3*time.Hour), 0, `{"username":"dan"}`), `"epoch":0`, `"epoch":1`, 1)), `"admins":["dan"]`},
		{"in a batch", batch, `"admins":["eve"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, start.AddDate(0, 0, 1), `,"queries":{"pack_halyard_admins":"admins"}`, map[string][]string{"a.log": tt.lines}))
			if len(r.Items) != 1 || tt.want == "" && strings.Contains(string(r.Items[0].Body), "admins") || !strings.Contains(string(r.Items[0].Body), tt.want) {
				t.Errorf("got %v, want %s; errors %v", r.Items, tt.want, r.Errs)
			}
		})
	}
}

func TestMeanings(t *testing.T) {
	tests := []struct {
		name, query, rows string
		field             string
		want              any
	}{
		{"a volume of which nothing is told", "disks_posix", `[{"name":"/","encrypted":"1"},{"name":"/x","encrypted":""}]`, "diskEncrypted", nil},
		{"one that is not encrypted decides", "disks_posix", `[{"name":"/","encrypted":"0"},{"name":"/x","encrypted":""}]`, "diskEncrypted", false},
		{"no volume", "disks_posix", `[]`, "diskEncrypted", nil},
		{"BitLocker unknown", "disks_windows", `[{"name":"C:","encrypted":"2"}]`, "diskEncrypted", nil},
		{"numbers", "disks_windows", `[{"name":"C:","encrypted":1}]`, "diskEncrypted", true},
		{"no admin", "admins_posix", `[]`, "admins", []any{}},
		{"another column", "admins_posix", `[{"name":"ana"}]`, "admins", nil},
		{"not told", "firewall_windows", `[{"enabled":""}]`, "firewall", nil},
		{"no row", "screen_lock", `[]`, "screenLock", nil},
		{"locks after ten minutes", "screen_lock_windows", `[{"enabled":"1","seconds":"600"}]`, "screenLock", map[string]any{"enabled": true, "seconds": 600}},
		{"after how long is not told", "screen_lock", `[{"enabled":"1","seconds":""}]`, "screenLock", map[string]any{"enabled": true}},
		{"no seconds are no bound", "screen_lock", `[{"enabled":"1","seconds":"0"}]`, "screenLock", map[string]any{"enabled": true}},
		{"set to never", "screen_lock_windows", `[{"enabled":"0","seconds":"0"}]`, "screenLock", map[string]any{"enabled": false}},
		{"what runs is installed", "antivirus", `[{"enabled":"1"}]`, "antivirus", map[string]any{"installed": true, "running": true}},
		{"installed and off", "antivirus", `[{"enabled":"0","installed":"1"}]`, "antivirus", map[string]any{"installed": true, "running": false}},
		{"none is installed", "antivirus", `[{"enabled":"0","installed":"0"}]`, "antivirus", map[string]any{"installed": false, "running": false}},
		{"never patched is not told", "patched_windows", `[{"at":""}]`, "os", nil},
		{"ubuntu", "os", `[{"version":"24.04","platform":"ubuntu","platform_like":"debian"}]`, "platform", "linux"},
		{"an unknown platform", "os", `[{"version":"1","platform":"plan9","platform_like":""}]`, "platform", nil},
		{"serial number of zeros", "identity", `[{"hostname":"h","serial":"0","uuid":"AB-1"}]`, "serial", "AB-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, start.AddDate(0, 0, 1), "", map[string][]string{"a.log": {snap("h", tt.query, start, tt.rows)}}))
			var body map[string]any
			if len(r.Items) != 1 || json.Unmarshal(r.Items[0].Body, &body) != nil {
				t.Fatalf("%v %v", r.Items, r.Errs)
			}
			if got := body[tt.field]; fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("%s = %v, want %v", tt.field, got, tt.want)
			}
		})
	}
}

func TestSignatures(t *testing.T) {
	tests := []struct{ name, rows, want string }{
		{"a day", `[{"enabled":"1","at":"1793000000"}]`, `"antivirus":{"updatedAt":"2026-10-26T07:33:20Z"}`},
		{"of another product: not told", `[{"enabled":"1","at":""}]`, ""},
		{"no instant", `[{"enabled":"1","at":"-1"}]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, start.AddDate(0, 0, 1), "", map[string][]string{"a.log": {snap("h", "antivirus", start, tt.rows)}}))
			if len(r.Items) != 1 || !strings.Contains(string(r.Items[0].Volatile), tt.want) || strings.Contains(string(r.Items[0].Volatile), "antivirus") != (tt.want != "") {
				t.Errorf("got %v, want %s; errors %v", r.Items, tt.want, r.Errs)
			}
		})
	}
}

// TestSupportedAsStated: what the organization states of systems is held against
// each day's version, and is part of the configuration that pages are read with.
func TestSupportedAsStated(t *testing.T) {
	const with = `,"supported":[{"platform":"macos","from":"15.0","until":"2026-10-28"},{"platform":"linux","name":"ubuntu","from":"22.04","until":"2032-04-30"}]`
	next := start.Add(24 * time.Hour)
	mac := `[{"version":"15.1","platform":"darwin","platform_like":"darwin"}]`
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"until its last day", []string{snap("h", "os", start, mac), snap("h", "os", next, mac)}, []string{`"supported":true`, `"supported":false`}},
		{"a distribution", []string{snap("h", "os", start, `[{"version":"22.04.4 LTS (Jammy Jellyfish)","platform":"ubuntu","platform_like":"debian"}]`)}, []string{`"supported":true`}},
		{"another distribution", []string{snap("h", "os", start, `[{"version":"12 (bookworm)","platform":"debian","platform_like":""}]`)}, []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, next.Add(time.Hour), with, map[string][]string{"a.log": tt.lines}))
			if len(r.Items) != len(tt.want) {
				t.Fatalf("%v %v", r.Items, r.Errs)
			}
			for i, want := range tt.want {
				if got := string(r.Items[i].Body); !strings.Contains(got, want) || strings.Contains(got, "supported") != (want != "") {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
}

// TestDraw: another source that holds rows of osquery's reads them alike.
func TestDraw(t *testing.T) {
	f := source.Fields{}
	if err := Draw("patched", []json.RawMessage{json.RawMessage(`{"at":"1793000000"}`)}, f); err != nil || f["os.patchedAt"] != time.Unix(1793000000, 0).UTC() {
		t.Errorf("%v, %v", f, err)
	}
	for _, row := range []string{`[]`, `null`, `"x"`} {
		if err := Draw("patched", []json.RawMessage{json.RawMessage(row)}, f); err == nil {
			t.Errorf("row %s gave no error", row)
		}
	}
	if err := Draw("taste", nil, f); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a meaning nobody knows gave %v", err)
	}
}

func TestOldResultsCountNoMore(t *testing.T) {
	later := start.Add(72 * time.Hour)
	lines := []string{snap("h", "disks_posix", start, `[{"name":"/","encrypted":"1"}]`), snap("h", "identity", later, identityRow)}
	r := sourcetest.Record(t, connection(t, later, "", map[string][]string{"a.log": lines}))
	if len(r.Items) != 2 || strings.Contains(string(r.Items[1].Body), "diskEncrypted") {
		t.Errorf("three days later: %v", r.Items)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		asOf  time.Time
		scope string
		want  string
		items int
	}{
		{"a line that was cut", append(macbook(), `{"snapshot":[{"na`), start.AddDate(0, 0, 2), "", "a.log:10: it is not a JSON object", 2},
		{"a line without its time", append(macbook(), `{"name":"a","hostIdentifier":"b","action":"added"}`), start.AddDate(0, 0, 2), "", "a.log:10: it has no unixTime", 2},
		{"from the future", append(macbook(), snap("lap-12", "os", start.AddDate(1, 0, 0), "[]")), start.AddDate(0, 0, 2), "", "lies ahead", 2},
		{"silent", macbook(), start.AddDate(0, 0, 20), "lap-12", "host lap-12 is silent: its last line is of 2026-10-29T09:00:00Z", 2},
		{"an earlier day comes late", append(macbook(), snap("lap-12", "os", start, "[]")), start.AddDate(0, 0, 2), "", "1 lines are of an earlier day", 2},
		{"nothing of ours", []string{macbook()[7]}, start.AddDate(0, 0, 2), "", "no line is of a query whose meaning is known", 0},
		{"a line longer than any", append(macbook(), strings.Repeat("x", maxLine+1)), start.AddDate(0, 0, 2), "", "token too long", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, tt.asOf, "", map[string][]string{"a.log": tt.lines}))
			last := r.Manifests[len(r.Manifests)-1]
			if last.Complete || last.Scope != tt.scope || !strings.Contains(last.Reason, tt.want) {
				t.Errorf("%+v, want %q", last, tt.want)
			}
			if len(r.Items) != tt.items {
				t.Errorf("%d items, want %d", len(r.Items), tt.items)
			}
		})
	}
	if m := sourcetest.Record(t, connection(t, start, "", nil)).Manifest("device"); m.Complete || !strings.Contains(m.Reason, "no file matches") {
		t.Errorf("%+v", m)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{}`, `{"files":["["]}`, `{"files":["a"],"queries":{"q":"taste"}}`, `{"files":["a"],"maxAgeHours":-1}`, `{"files":["a"],"supported":[{"platform":"macos"}]}`} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// TestPack holds the pack we document to osquery's schema: every table and
// column it names is there, for the platforms it is for, and every query has a
// meaning.
func TestPack(t *testing.T) {
	var pack struct {
		Queries map[string]struct {
			Query    string `json:"query"`
			Platform string `json:"platform"`
			Snapshot bool   `json:"snapshot"`
		} `json:"queries"`
	}
	load(t, "../../docs/sources/osquery-pack.json", &pack)
	var tables []struct {
		Name      string                  `json:"name"`
		Platforms []string                `json:"platforms"`
		Columns   []struct{ Name string } `json:"columns"`
	}
	load(t, "testdata/schema-5.23.1.json", &tables)
	column := regexp.MustCompile(`\b([a-z_]+)\.([a-z_]+)\b`)
	table := regexp.MustCompile(`\b(?:FROM|JOIN) ([a-z_]+)`)
	platforms := map[string][]string{"": {"darwin", "linux", "windows"}, "posix": {"darwin", "linux"}, "darwin": {"darwin"}, "windows": {"windows"}}
	for name, q := range pack.Queries {
		if (config{}).means(packPrefix+name) == "" {
			t.Errorf("%s: nobody says what it means", name)
		}
		if !q.Snapshot {
			t.Errorf("%s is not a snapshot", name)
		}
		for _, m := range table.FindAllStringSubmatch(q.Query, -1) {
			i := slices.IndexFunc(tables, func(x struct {
				Name      string                  `json:"name"`
				Platforms []string                `json:"platforms"`
				Columns   []struct{ Name string } `json:"columns"`
			}) bool {
				return x.Name == m[1]
			})
			if i < 0 {
				t.Errorf("%s: osquery has no table %s", name, m[1])
				continue
			}
			for _, p := range platforms[q.Platform] {
				if !slices.Contains(tables[i].Platforms, p) {
					t.Errorf("%s: table %s is not there on %s", name, m[1], p)
				}
			}
			for _, c := range column.FindAllStringSubmatch(q.Query, -1) {
				if c[1] == m[1] && !slices.ContainsFunc(tables[i].Columns, func(x struct{ Name string }) bool { return x.Name == c[2] }) {
					t.Errorf("%s: table %s has no column %s", name, m[1], c[2])
				}
			}
		}
	}
	if len(pack.Queries) < 10 {
		t.Errorf("%d queries", len(pack.Queries))
	}
}

func load(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	f.Add([]byte(strings.Join(macbook(), "\n")))
	f.Add([]byte(diff("lap-12", "added", start, 0, `{"username":"ana"}`) + "\n" + diff("lap-12", "removed", start, 1, `{"username":"ana"}`)))
	config := json.RawMessage(`{"maxAgeHours":48,"queries":{"pack_halyard_admins":"admins"}}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, _ := Driver.Normalize(config, audit.Page{Source: "x", Kind: kindHost, Scope: "lap-12", Body: body, About: audit.At(start.Add(time.Hour))})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
