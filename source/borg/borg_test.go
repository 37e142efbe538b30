package borg

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
	"tieout/source/backups"
	"tieout/source/backups/backupstest"
	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

const secret = "correct-horse-battery"

const printed = `{"archives":[
 {"archive":"db1-2025-01-01","barchive":"db1-2025-01-01","id":"aa","name":"db1-2025-01-01","start":"2025-01-01T02:00:00.000000","end":"2025-01-01T02:10:00.000000","time":"2025-01-01T02:00:00.000000","hostname":"db1","username":"root"},
 {"archive":"db1-2026-10-30","barchive":"db1-2026-10-30","id":"bb","name":"db1-2026-10-30","start":"2026-10-30T02:00:00.123456","end":"2026-10-30T02:10:00.000000","time":"2026-10-30T02:00:00.000000","hostname":"db1","username":"root"},
 {"archive":"web-2026-10-31.checkpoint","id":"cc","name":"web-2026-10-31.checkpoint","start":"2026-10-31T02:00:00.000000","hostname":"web1"}],
 "encryption":{"mode":"repokey-blake2"},"repository":{"id":"08ad","last_modified":"2026-10-31T02:10:00.000000","location":"/srv/borg"}}`

func connection(t testing.TB, with string, answers ...backupstest.Answer) (sourcetest.Connection, string) {
	t.Helper()
	dir := t.TempDir()
	journal := `{"at":"2026-10-15T09:30:00Z","snapshot":"db1-2026-10-14","result":"partial","by":"ana@halyard.example"}`
	if err := os.WriteFile(filepath.Join(dir, "restores.jsonl"), []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	program := backupstest.Program(t, answers...)
	return sourcetest.Connection{Driver: Driver, Name: "borg", Env: backupstest.Env(dir, secret), Window: backupstest.Window(),
		With: `{"repository":"ssh://borg@vault.halyard.example/./halyard","passphrase":"env:BORG_PASSPHRASE","program":"` + program + `"` + with + `}`}, program
}

var good = backupstest.Answer{When: "list *", Stdout: printed}

func TestConform(t *testing.T) {
	c, _ := connection(t, `,"restores":["*.jsonl"],"immutable":true,"datastores":[{"datastore":"aws/orders","name":"db1-*"}]`, good)
	sourcetest.Conform(t, c, "backup", "restore")
}

func TestItems(t *testing.T) {
	tests := []struct {
		name, mode string
		want       map[string]string
	}{
		{"encrypted", "repokey-blake2", map[string]string{
			"borg/bb": `{"datastore":"aws/orders","encrypted":true,"immutable":true,"location":"ssh://vault.halyard.example/./halyard","result":"success"}`,
			"borg/cc": `{"encrypted":true,"immutable":true,"location":"ssh://vault.halyard.example/./halyard","result":"partial"}`,
		}},
		{"not encrypted", "none", map[string]string{"borg/bb": `{"datastore":"aws/orders","encrypted":false,"immutable":true,"location":"ssh://vault.halyard.example/./halyard","result":"success"}`}},
		{"signed only", "authenticated-blake2", map[string]string{"borg/cc": `{"encrypted":false,"immutable":true,"location":"ssh://vault.halyard.example/./halyard","result":"partial"}`}},
		{"mode not told", "", map[string]string{"borg/cc": `{"immutable":true,"location":"ssh://vault.halyard.example/./halyard","result":"partial"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, program := connection(t, `,"immutable":true,"datastores":[{"datastore":"aws/orders","name":"db1-*"}]`,
				backupstest.Answer{When: "list *", Stdout: strings.Replace(printed, "repokey-blake2", tt.mode, 1)})
			r := sourcetest.Record(t, c)
			got := map[string]string{}
			for _, it := range r.Items {
				got[it.ID] = string(it.Body)
			}
			if len(got) != 2 {
				t.Errorf("items %v; the one before the window is none", got)
			}
			for id, want := range tt.want {
				if got[id] != want {
					t.Errorf("%s:\n got %s\nwant %s", id, got[id], want)
				}
			}
			if at := r.Items[0].At; !at.Equal(time.Date(2026, 10, 30, 2, 0, 0, 123456000, time.UTC)) {
				t.Errorf("at %v", at)
			}
			called := backupstest.Called(t, program)
			if !strings.Contains(called, "BORG_PASSPHRASE="+secret) || strings.Contains(called, "args: "+secret) || !strings.Contains(called, "TZ=UTC") || !strings.Contains(called, "--bypass-lock") {
				t.Errorf("borg was called with\n%s", called)
			}
			for _, p := range r.Pages {
				if strings.Contains(string(p.Body)+p.Query, secret) {
					t.Error("the passphrase is in a page")
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		name   string
		answer backupstest.Answer
		want   string
	}{
		{"wrong passphrase", backupstest.Answer{When: "*", Stderr: "passphrase " + secret + " supplied in BORG_PASSPHRASE is incorrect.", Exit: 2}, "ended with 2: passphrase *** supplied"},
		{"cut", backupstest.Answer{When: "*", Stdout: printed[:300]}, "not the list of archives"},
		{"another answer", backupstest.Answer{When: "*", Stdout: `{"error":"x"}`}, "holds no list of archives"},
		{"missing archives", backupstest.Answer{When: "*", Stdout: `{"archives":null}`}, "holds no list of archives"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := connection(t, `,"restores":["*.jsonl"]`, tt.answer)
			r := sourcetest.Record(t, c)
			if m := r.Manifest("backup"); m.Complete || !strings.Contains(m.Reason, tt.want) || len(r.ByType("backup")) != 0 {
				t.Errorf("%+v, want %q", m, tt.want)
			}
			if m := r.Manifest("restore"); !m.Complete {
				t.Errorf("the rest is still read: %+v", m)
			}
			for _, p := range r.Pages {
				if strings.Contains(string(p.Body), secret) {
					t.Error("the passphrase is in a page")
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{}`, `{"repository":"/srv/b","passphrase":"hunter2"}`, `{"repository":"ssh://u:p@h/x"}`, `{"repository":"/srv/b","program":"borg"}`, `{"repository":"/srv/b","datastores":[{"name":"["}]}`} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// TestLive reads two real repositories, one encrypted and one not.
func TestLive(t *testing.T) {
	borg := live.Program(t, "borg")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "orders.csv"), []byte("1,2,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"BORG_BASE_DIR=" + filepath.Join(dir, "base"), "BORG_PASSPHRASE=" + secret, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "TZ=Asia/Tokyo"}
	for _, mode := range []string{"repokey", "none"} {
		live.Run(t, dir, env, borg, "init", "--encryption", mode, mode)
		live.Run(t, dir, env, borg, "create", mode+"::orders-1", "orders.csv")
	}
	now := audit.Instant(time.Now())
	for mode, passphrase := range map[string]string{"repokey": `,"passphrase":"env:P"`, "none": ""} {
		c := sourcetest.Connection{Driver: Driver, Name: "borg", Env: backupstest.Env(dir, secret), With: `{"repository":"` + mode + `"` + passphrase + `,"datastores":[{"datastore":"orders","name":"orders-*"}]}`,
			Window: audit.Window{Span: audit.Span{From: now.Add(-time.Hour), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"}}
		r := sourcetest.Record(t, c)
		got := r.ByType("backup")
		want := `{"datastore":"orders","encrypted":` + map[string]string{"repokey": "true", "none": "false"}[mode] + `,"location":"` + mode + `","result":"success"}`
		if m := r.Manifest("backup"); !m.Complete || len(got) != 1 || string(got[0].Body) != want {
			t.Errorf("%s: %+v %v, want %s", mode, m, got, want)
		}
		if _, err := os.Stat(filepath.Join(dir, mode, "lock.roster")); err == nil {
			t.Error("a lock is left")
		}
	}
	c := sourcetest.Connection{Driver: Driver, Name: "borg", Env: backupstest.Env(dir, "another"), With: `{"repository":"repokey","passphrase":"env:P"}`, Window: backupstest.Window()}
	if m := sourcetest.Record(t, c).Manifest("backup"); m.Complete || !strings.Contains(m.Reason, "ended with 2") {
		t.Errorf("wrong passphrase: %+v", m)
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	f.Add(true, []byte(printed))
	f.Add(false, []byte(`{"at":"2026-10-15T09:30:00Z","snapshot":"a","result":"partial"}`))
	f.Fuzz(func(t *testing.T, isList bool, body []byte) {
		kind := backups.KindRestores
		if isList {
			kind = kindList
		}
		items, _ := Driver.Normalize(json.RawMessage(`{"location":"r"}`), audit.Page{Source: "x", Kind: kind, Body: body, About: backupstest.Window().Span})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
