package restic

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/backups"
	"tieout/source/backups/backupstest"
	"tieout/source/sourcetest"
)

const secret = "correct-horse-battery"

// Two snapshots as restic 0.18 prints them, one as 0.14 does, one before the window.
const (
	first  = "4bba301e8b2e9a3b5b4d4e1f0c9a8b7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
	second = "5ccb412f9c3fab4c6c5e5f2a1d0b9c8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c"
	old    = "6ddc5230ad40bc5d7d6f603b2e1cad9f807b6c5d4e3f201bac9d8e7f605b4c3d"

	printed = `[{"time":"2025-01-03T02:00:00Z","tree":"aa","paths":["/srv/db"],"hostname":"db1","username":"backup","id":"` + old + `","short_id":"6ddc5230"},
{"time":"2026-10-30T03:00:01.685882601+01:00","tree":"bb","paths":["/srv/db"],"hostname":"db1","username":"backup","uid":0,"gid":0,"tags":["orders","nightly"],
 "program_version":"restic 0.18.0","summary":{"backup_start":"2026-10-30T03:00:01+01:00","backup_end":"2026-10-30T03:04:01+01:00","total_files_processed":3,"total_bytes_processed":4096},"id":"` + first + `","short_id":"4bba301e"},
{"time":"2026-10-31T02:00:00Z","parent":"` + first + `","tree":"cc","paths":["/srv/files"],"hostname":"web1","username":"backup","id":"` + second + `","short_id":"5ccb412f"}]`
	listed = old + "\n" + first + "\n" + second + "\n"

	journal = `{"at":"2026-10-15T09:30:00Z","snapshot":"` + first + `","datastore":"aws/orders","result":"success","test":true,"verified":true,"by":"ana@halyard.example","minutes":42}

{"at":"2024-10-15T09:30:00Z","snapshot":"x","result":"failure"}
`
)

func good() []backupstest.Answer {
	return []backupstest.Answer{
		{When: "list *", Stdout: listed}, {When: "snapshots *", Stdout: printed}, {When: "check *"},
	}
}

func connection(t testing.TB, with string, answers ...backupstest.Answer) (sourcetest.Connection, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "restores.jsonl"), []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	program := backupstest.Program(t, answers...)
	return sourcetest.Connection{
		Driver: Driver, Name: "nightly", Env: backupstest.Env(dir, secret), Window: backupstest.Window(),
		With: `{"repository":"rest:https://backup@vault.halyard.example/halyard","password":"env:RESTIC_PASSWORD","program":"` + program + `"` + with + `}`,
	}, program
}

const settingsWhole = `,"check":true,"restores":["*.jsonl"],"separate":true,"environment":{"AWS_SECRET_ACCESS_KEY":"env:KEY"},
"datastores":[{"datastore":"aws/orders","host":"db*","tag":"orders"},{"datastore":"aws/files","path":"/srv/files"}]`

func TestConform(t *testing.T) {
	c, _ := connection(t, settingsWhole, good()...)
	sourcetest.Conform(t, c, "backup", "restore", "finding")
}

func TestItems(t *testing.T) {
	c, program := connection(t, settingsWhole, good()...)
	r := sourcetest.Record(t, c)
	want := map[string]string{
		"nightly/" + first:  `{"bytes":4096,"datastore":"aws/orders","encrypted":true,"location":"rest:https://vault.halyard.example/halyard","result":"success","separate":true}`,
		"nightly/" + second: `{"datastore":"aws/files","encrypted":true,"location":"rest:https://vault.halyard.example/halyard","result":"success","separate":true}`,
		"nightly/check":     `{"check":"restic check","detail":"","status":"met","subject":"rest:https://vault.halyard.example/halyard","title":"The repository's structure is whole","tool":"restic"}`,
		"nightly/restore/2026-10-15T09:30:00Z/" + first: `{"by":"ana@halyard.example","datastore":"aws/orders","minutes":42,"result":"success","test":true,"verified":true}`,
	}
	if len(r.Items) != len(want) {
		t.Errorf("%d items, want %d", len(r.Items), len(want))
	}
	for _, it := range r.Items {
		if string(it.Body) != want[it.ID] {
			t.Errorf("%s:\n got %s\nwant %s", it.ID, it.Body, want[it.ID])
		}
	}
	if at := r.ByType("backup")[0].At; !at.Equal(time.Date(2026, 10, 30, 2, 0, 1, 685882000, time.UTC)) {
		t.Errorf("the first backup is at %v", at)
	}
	if called := backupstest.Called(t, program); strings.Contains(called, "args: "+secret) || !strings.Contains(called, "RESTIC_PASSWORD="+secret) ||
		!strings.Contains(called, "AWS_SECRET_ACCESS_KEY="+secret) || strings.Contains(called, "GOFLAGS") || strings.Count(called, "--no-lock") != 3 {
		t.Errorf("restic was called with\n%s", called)
	}
	noSecret(t, r)
}

func noSecret(t *testing.T, r *sourcetest.Recorder) {
	t.Helper()
	b, err := json.Marshal(r.Manifests)
	if err != nil || strings.Contains(string(b), secret) || strings.Contains(string(r.Config), secret) {
		t.Errorf("the secret is in a manifest or the configuration (%v)", err)
	}
	for _, p := range r.Pages {
		if strings.Contains(string(p.Body), secret) {
			t.Errorf("the secret is in the page %s", p.Query)
		}
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name    string
		answers []backupstest.Answer
		want    string // in the reason of the stream of backups
		items   int    // backups all the same
	}{
		{"wrong password", []backupstest.Answer{{When: "*", Stderr: "Fatal: wrong password " + secret + " or no key found", Exit: 12}}, "ended with 12: Fatal: wrong password *** or no key found", 0},
		{"the list breaks", []backupstest.Answer{{When: "list *", Stdout: listed}, {When: "snapshots *", Stdout: printed[:900]}}, "not a list", 0},
		{"not JSON", []backupstest.Answer{{When: "list *"}, {When: "snapshots *", Stdout: "created new cache"}}, "not a list", 0},
		{"a snapshot that cannot be decoded is missing", []backupstest.Answer{{When: "list *", Stdout: listed + "77aa\n"}, {When: "snapshots *", Stdout: printed}}, "not reached: 77aa", 2},
		{"listing fails after the first", []backupstest.Answer{{When: "list *", Stdout: listed}, {When: "snapshots *", Stderr: "Fatal: 503", Exit: 1}}, "503", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := connection(t, `,"restores":["*.jsonl"]`, tt.answers...)
			r := sourcetest.Record(t, c)
			m := r.Manifest("backup")
			if m.Complete || !strings.Contains(m.Reason, tt.want) {
				t.Errorf("backups: complete %v, %q; want %q", m.Complete, m.Reason, tt.want)
			}
			if got := len(r.ByType("backup")); got != tt.items {
				t.Errorf("%d backups, want %d", got, tt.items)
			}
			if m := r.Manifest("restore"); !m.Complete || len(r.ByType("restore")) != 1 {
				t.Errorf("restores: %+v; the rest is still read", m)
			}
			noSecret(t, r)
		})
	}
}

func TestNotInstalled(t *testing.T) {
	c, _ := connection(t, `,"restores":["none/*.jsonl"]`)
	c.With = strings.Replace(c.With, `/tool"`, `/no-such-tool"`, 1)
	r := sourcetest.Record(t, c)
	if m := r.Manifest("backup"); m.Complete || !strings.Contains(m.Reason, "is not installed where Tieout runs") {
		t.Errorf("backups: %+v", m)
	}
	if m := r.Manifest("restore"); m.Complete || !strings.Contains(m.Reason, "no file matches none/*.jsonl") {
		t.Errorf("restores: %+v", m)
	}
}

func TestSecretMissing(t *testing.T) {
	c, _ := connection(t, `,"check":true`, good()...)
	c.Env.Secret = nil
	r := sourcetest.Record(t, c)
	for _, typ := range []string{"backup", "finding"} {
		if m := r.Manifest(typ); m.Complete || !strings.Contains(m.Reason, "resolves no secrets") {
			t.Errorf("%s: %+v", typ, m)
		}
	}
}

func TestCheckSays(t *testing.T) {
	tests := []struct {
		name   string
		answer backupstest.Answer
		want   string
	}{
		{"whole", backupstest.Answer{When: "check *"}, "met"},
		{"errors", backupstest.Answer{When: "check *", Stderr: "pack 12ab: not referenced\nFatal: repository contains errors", Exit: 1}, "not met"},
		{"could not look", backupstest.Answer{When: "check *", Stderr: "Fatal: unable to open config file", Exit: 1}, "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := connection(t, `,"check":true`, tt.answer)
			got := sourcetest.Record(t, c).ByType("finding")
			if len(got) != 1 || !strings.Contains(string(got[0].Body), `"status":"`+tt.want+`"`) {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestJournalLines(t *testing.T) {
	c, _ := connection(t, `,"restores":["*.jsonl"]`, good()...)
	broken := journal + `{"at":"2026-10-16T09:30:00Z","snapshot":"a","result":"fine"}` + "\n" + `{"at":"2026-10-17T09:30:00Z"` + "\n" + `{"at":"2026-10-18T09:30:00Z","snapshot":"b","result":"failure","who":"x"}`
	if err := os.WriteFile(filepath.Join(c.Env.Dir, "restores.jsonl"), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	r := sourcetest.Record(t, c)
	var bad source.BadRows
	if len(r.Errs) != 1 || !errors.As(r.Errs[0], &bad) || len(bad) != 3 || bad[0].Where != "line 4" {
		t.Errorf("errors %v; want lines 4, 5 and 6", r.Errs)
	}
	if len(r.ByType("restore")) != 1 {
		t.Errorf("%d restores, want the one that can be read", len(r.ByType("restore")))
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{
		`{}`, `{"repository":"/srv/r"}`, `{"repository":"/srv/r","password":"hunter2"}`,
		`{"repository":"rest:https://u:p@host/","password":"env:P"}`, `{"repository":"-o x","password":"env:P"}`,
		`{"repository":"/srv/r","password":"env:P","program":"restic"}`, `{"repository":"/srv/r","password":"env:P","environment":{"LD_PRELOAD":"env:X"}}`,
		`{"repository":"/srv/r","password":"env:P","environment":{"AWS_SECRET_ACCESS_KEY":"abc"}}`,
		`{"repository":"/srv/r","password":"env:P","datastores":[{"host":"x"}]}`, `{"repository":"/srv/r","password":"env:P","restores":["["]}`,
	} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

var kinds = []string{kindSnapshots, kindList, kindCheck, backups.KindRestores, source.KindFailed}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{printed, "null", listed, journal, `{"exit":1,"stdout":"","stderr":"repository contains errors"}`} {
		for i := range kinds {
			f.Add(uint8(i), []byte(seed))
		}
	}
	config := json.RawMessage(`{"location":"r","datastores":[{"datastore":"d","path":"/srv/*"}]}`)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		items, _ := Driver.Normalize(config, audit.Page{Source: "x", Kind: kinds[int(kind)%len(kinds)], Body: body, About: backupstest.Window().Span})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestUnknownKind(t *testing.T) {
	if _, err := Driver.Normalize(json.RawMessage(`{"location":"r"}`), audit.Page{Kind: "other"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if slices.Contains(kinds, "other") {
		t.Error("the kind is known")
	}
}
