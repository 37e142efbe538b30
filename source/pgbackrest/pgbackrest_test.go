package pgbackrest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// As pgBackRest 2.45 prints it, with two repositories.
const orders = `{"archive":[],"backup":[
 {"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":100,"repository":{"delta":10,"size":10},"size":22992540},"label":"20240101-020000F","timestamp":{"start":1704074400,"stop":1704074500},"type":"full"},
 {"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":100,"repository":{"delta":10,"size":10},"size":22992540},"label":"20261030-020000F","timestamp":{"start":1793325600,"stop":1793325700},"type":"full"},
 {"database":{"id":1,"repo-key":2},"error":true,"info":{"size":22992541},"label":"20261031-020000F","timestamp":{"start":1793412000,"stop":1793412100},"type":"full"}],
 "cipher":"mixed","db":[],"name":"orders","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":0,"message":"ok"}},{"cipher":"none","key":2,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"message":"ok"}}`

const empty = `{"archive":[],"backup":[],"cipher":"none","db":[],"name":"billing","repo":[{"cipher":"none","key":1,"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"message":"no valid backups"}}`

func good() []backupstest.Answer {
	return []backupstest.Answer{
		{When: "*--stanza=orders", Stdout: "[" + orders + "]"}, {When: "*--stanza=billing", Stdout: "[" + empty + "]"},
		{When: "info *", Stdout: "[" + orders + "," + empty + "]"},
	}
}

func connection(t testing.TB, with string, answers ...backupstest.Answer) sourcetest.Connection {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "r.jsonl"), []byte(`{"at":"2026-10-15T09:30:00Z","snapshot":"20261014-020000F","result":"success","test":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return sourcetest.Connection{Driver: Driver, Name: "pg", Env: backupstest.Env(dir, ""), Window: backupstest.Window(),
		With: `{"program":"` + backupstest.Program(t, answers...) + `"` + with + `}`}
}

func TestConform(t *testing.T) {
	sourcetest.Conform(t, connection(t, `,"restores":["*.jsonl"],"stanzas":["orders","billing"]`, good()...), "backup", "restore")
}

func TestItems(t *testing.T) {
	r := sourcetest.Record(t, connection(t, `,"separate":false,"datastores":[{"datastore":"aws/orders","name":"orders"}]`, good()...))
	want := map[string]string{
		"pg/orders/repo1/20261030-020000F": `{"bytes":22992540,"datastore":"aws/orders","encrypted":true,"location":"stanza orders, repo1","result":"success","separate":false}`,
		"pg/orders/repo2/20261031-020000F": `{"bytes":22992541,"datastore":"aws/orders","encrypted":false,"location":"stanza orders, repo2","result":"partial","separate":false}`,
	}
	if len(r.Items) != len(want) {
		t.Errorf("%d items, want %d", len(r.Items), len(want))
	}
	for _, it := range r.Items {
		if string(it.Body) != want[it.ID] {
			t.Errorf("%s:\n got %s\nwant %s", it.ID, it.Body, want[it.ID])
		}
	}
	if len(r.Items) > 0 && r.Items[0].At.Unix() != 1793325700 {
		t.Errorf("at %v, want the end of the backup", r.Items[0].At)
	}
}

func TestFailures(t *testing.T) {
	broken := strings.Replace(orders, `"key":2,"status":{"code":0,"message":"ok"}`, `"key":2,"status":{"code":99,"message":"[CryptoError] cipher header invalid"}`, 1)
	tests := []struct {
		name    string
		with    string
		answers []backupstest.Answer
		want    map[string]string // scope -> reason; "": complete
	}{
		{"one stanza does not answer", "", []backupstest.Answer{{When: "*--stanza=billing", Stderr: "ERROR: [041]: unable to open", Exit: 41}, good()[0], good()[2]},
			map[string]string{"orders": "", "billing": "ended with 41: ERROR: [041]"}},
		{"a repository cannot be read", "", []backupstest.Answer{{When: "*", Stdout: "[" + broken + "]"}}, map[string]string{"orders": "repository 2: [CryptoError]"}},
		{"a stanza that must be is not listed", `,"stanzas":["orders","billing","ledger"]`, append(good()[:2:2], backupstest.Answer{When: "*--stanza=ledger", Stdout: "[]"}, good()[2]),
			map[string]string{"": "not reached: ledger", "orders": "", "ledger": "tells nothing of stanza ledger"}},
		{"none", "", []backupstest.Answer{{When: "*", Stdout: "[]"}}, map[string]string{"": "lists no stanza"}},
		{"broken JSON", "", []backupstest.Answer{{When: "*", Stdout: "[{"}}, map[string]string{"": "not a list of stanzas"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sourcetest.Record(t, connection(t, tt.with, tt.answers...))
			got := map[string]audit.Manifest{}
			for _, m := range r.Manifests {
				got[m.Scope] = m
			}
			for scope, want := range tt.want {
				if m, ok := got[scope]; !ok || m.Complete != (want == "") || !strings.Contains(m.Reason, want) {
					t.Errorf("stanza %q: %+v, want %q", scope, m, want)
				}
			}
		})
	}
}

func TestNotInstalled(t *testing.T) {
	c := connection(t, "")
	c.With = `{"program":"/nowhere/pgbackrest"}`
	if m := sourcetest.Record(t, c).Manifest("backup"); m.Complete || !strings.Contains(m.Reason, "is not installed") {
		t.Errorf("%+v", m)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{`{"config":"x.conf"}`, `{"program":"pgbackrest"}`, `{"stanzas":["--x"]}`, `{"datastores":[{"name":"a"}]}`, `{"password":"x"}`} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// TestLive makes a real cluster, backs it up into an encrypted repository, and
// reads that.
func TestLive(t *testing.T) {
	backrest := live.Program(t, "pgbackrest")
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		live.Missing(t, "PostgreSQL's server")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "tieout-pgbackrest-") // t.TempDir is closed to the server's user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conf := filepath.Join(dir, "pgbackrest.conf")
	script := fmt.Sprintf(`set -e
cd %[1]s
%[2]s/initdb -D data -A trust -U postgres >/dev/null
cat >>data/postgresql.conf <<X
port=%[4]d
listen_addresses=''
unix_socket_directories='%[1]s'
archive_mode=on
archive_command='%[3]s --config=%[5]s --stanza=orders archive-push %%p'
X
cat >%[5]s <<X
[global]
repo1-path=%[1]s/repo
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=made-up
log-path=%[1]s
lock-path=%[1]s/lock
start-fast=y
repo1-retention-full=2
[orders]
pg1-path=%[1]s/data
pg1-port=%[4]d
pg1-socket-path=%[1]s
X
%[2]s/pg_ctl -D data -l log -w start >/dev/null
trap '%[2]s/pg_ctl -D data -m immediate stop >/dev/null' EXIT
%[3]s --config=%[5]s --stanza=orders stanza-create
%[3]s --config=%[5]s --stanza=orders --type=full backup
`, dir, bin, backrest, live.Port(t), conf)
	file := filepath.Join(dir, "make.sh")
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	name, args := "bash", []string{file}
	if os.Geteuid() == 0 { // the server refuses to run as root
		if out, err := exec.Command("chown", "postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		name, args = "runuser", []string{"-u", "postgres", "--", "bash", file}
	}
	live.Run(t, dir, nil, name, args...)
	now := audit.Instant(time.Now())
	c := sourcetest.Connection{Driver: Driver, Name: "pg", With: `{"config":"` + conf + `","stanzas":["orders"],"datastores":[{"datastore":"orders","name":"orders"}]}`,
		Window: audit.Window{Span: audit.Span{From: now.Add(-time.Hour), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"}}
	r := sourcetest.Record(t, c)
	got := r.ByType("backup")
	if m := r.Manifest("backup"); !m.Complete || len(got) != 1 || !strings.Contains(string(got[0].Body), `"encrypted":true,"location":"stanza orders, repo1","result":"success"`) {
		t.Errorf("%+v\n%v", m, got)
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	f.Add(true, []byte("["+orders+","+empty+"]"))
	f.Add(false, []byte(`{"at":"2026-10-15T09:30:00Z","snapshot":"a","result":"success"}`))
	f.Fuzz(func(t *testing.T, info bool, body []byte) {
		kind := backups.KindRestores
		if info {
			kind = kindInfo
		}
		items, _ := Driver.Normalize(json.RawMessage(`{}`), audit.Page{Source: "x", Kind: kind, Body: body, About: backupstest.Window().Span})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
