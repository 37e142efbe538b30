package sqlquery

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

// server returns the address of a real server, and a schema of the test's own
// in it that is dropped again.
func server(t *testing.T) (dsn, schema string, db *sql.DB) {
	t.Helper()
	dsn = os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn == "" {
		const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./source/sqlquery"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	schema = "sql_" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec(t, db, "drop schema "+schema+" cascade")
		db.Close()
	})
	exec(t, db, "create schema "+schema)
	exec(t, db, strings.ReplaceAll(tables, "SCHEMA", schema))
	return dsn, schema, db
}

const tables = `
create table SCHEMA.buckets (arn text, name text, region text, public bool, versioning bool, policy json);
insert into SCHEMA.buckets values
	('arn:aws:s3:::halyard-exports', 'halyard-exports', 'eu-central-1', false, true, E'{"a":\n  1}'),
	('arn:aws:s3:::halyard-www', 'halyard-www', 'eu-central-1', true, null, null);
create table SCHEMA.backups (job text, finished timestamptz, outcome text);
insert into SCHEMA.backups values ('nightly-1', '2026-03-14 02:00:00+01', 'ok'), ('nightly-0', '2019-12-31 02:00:00+01', 'ok');
create function SCHEMA.writes() returns text language sql as $$ insert into SCHEMA.backups values ('x', now(), 'ok') returning job $$;`

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func backups(schema string) string {
	return `{"query":"select * from ` + schema + `.backups where finished >= {from} and finished < {to}","type":"backup","mode":"events","scope":"jobs",
		"id":"jobs/{job}","at":"finished","fields":{"result":{"column":"outcome","values":{"ok":"success","failed":"failure"}}}}`
}

func TestLiveConform(t *testing.T) {
	dsn, schema, _ := server(t)
	sourcetest.Conform(t, connection(dsn, with(buckets("select * from "+schema+".buckets;"), backups(schema))), "datastore", "backup")
}

func TestLiveItems(t *testing.T) {
	dsn, schema, _ := server(t)
	r := sourcetest.Record(t, connection(dsn, with(buckets("select * from "+schema+".buckets -- all of them"), backups(schema))))
	foldertest.Wants(t, "a bucket", foldertest.Body(t, r, "halyard-exports"), map[string]any{"public": false, "versioning": true, "region": "eu-central-1", "kind": "bucket"})
	foldertest.Wants(t, "null is not collected", foldertest.Body(t, r, "halyard-www"), map[string]any{"public": true, "versioning": nil})
	if b := r.ByType("backup"); len(b) != 1 || b[0].At.Format("15:04Z07:00") != "01:00Z" {
		t.Errorf("backups %+v; want the one of the window, at 01:00 UTC", b)
	}
	secret := strings.Replace(dsn, "tieout@", "tieout:correct-horse@", 1) // the server does not ask for it
	for _, table := range []string{".buckets", ".nothing"} {
		got := sourcetest.Record(t, connection(secret, with(buckets("select * from "+schema+table))))
		said := fmt.Sprintf("%s %+v %v", got.Config, got.Manifests, got.Errs)
		for _, p := range got.Pages {
			said += p.Query + string(p.Body)
		}
		if strings.Contains(said, "correct-horse") || secret == dsn {
			t.Errorf("the password is in a page, a query, the configuration or a reason: %s", said)
		}
	}
	none := sourcetest.Record(t, connection(dsn, with(buckets("select * from "+schema+".buckets where false"))))
	if m := none.Manifest("datastore"); !m.Complete || m.Pages != 1 || none.Pages[0].Body == nil || len(none.Items) != 0 {
		t.Errorf("no rows: %+v; want complete, one page without rows", m)
	}
	m := r.Manifest("datastore")
	if !m.Complete || len(m.Checks) != 1 || m.Checks[0].Want != "2" || m.Checks[0].Got != "2" {
		t.Errorf("%+v; want complete, two rows reconciled with the database's count", m)
	}
}

// TestLiveRefused: what fails makes its own stream incomplete and no other, and changes nothing.
func TestLiveRefused(t *testing.T) {
	dsn, schema, db := server(t)
	for _, tc := range []struct{ name, query, why string }{
		{"a function that writes", "select " + schema + ".writes() as arn", "read-only transaction"},
		{"a statement that writes", "with d as (delete from " + schema + ".backups returning job) select job as arn from d", "top level"},
		{"two statements", "select 1 as arn) as x; delete from " + schema + ".backups; select * from (select 1", "multiple commands"},
		{"leaving the transaction", "select 1 as arn) as x; commit; select * from (select 1", "multiple commands"},
		{"writing switched on", "select set_config('transaction_read_only', 'off', false) as arn", "transaction read-write mode"},
		{"too slow", "select pg_sleep(20)::text as arn", "statement timeout"},
		{"no such table", "select arn from " + schema + ".nothing", "does not exist"},
		{"one id twice", "select 'a' as arn, name from " + schema + ".buckets", "stands in an earlier row"},
		{"a count that is not kept", "select i::text as arn, 'n' as name from generate_series(1, (random() * 100000)::int) as i", "count at source"},
	} {
		w := strings.Replace(with(buckets(tc.query), backups(schema)), `"streams"`, `"timeout":2,"streams"`, 1)
		r := sourcetest.Record(t, connection(dsn, w))
		if m := r.Manifest("datastore"); m.Complete || !strings.Contains(m.Reason, tc.why) {
			t.Errorf("%s: complete %v, %q; want incomplete because %q", tc.name, m.Complete, m.Reason, tc.why)
		}
		if m := r.Manifest("backup"); !m.Complete || len(r.ByType("backup")) != 1 {
			t.Errorf("%s: the other stream is %+v; want complete", tc.name, m)
		}
	}
	var n int
	if err := db.QueryRow("select count(*) from " + schema + ".backups").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d backups, %v; want the two there were", n, err)
	}
}

// TestLivePages: many rows come in pages of bounded size, and rows that are
// added meanwhile belong to the next collection.
func TestLivePages(t *testing.T) {
	dsn, schema, db := server(t)
	exec(t, db, "insert into "+schema+".buckets select 'arn:'||i, repeat('n', 100), 'r', false, false, null from generate_series(1, 40000) as i")
	c := connection(dsn, with(buckets("select * from "+schema+".buckets")))
	col, conf, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{Driver: Driver, Config: conf}
	r.OnPage = func(int) { exec(t, db, "insert into "+schema+".buckets values ('late-'||random())") }
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatal(err)
	}
	m := r.Manifest("datastore")
	if !m.Complete || len(r.Items) != 40002 || len(r.Pages) < 5 || m.Pages != len(r.Pages) {
		t.Errorf("complete %v (%s), %d items on %d pages; want complete with 40002 on several", m.Complete, m.Reason, len(r.Items), len(r.Pages))
	}
	for i, p := range r.Pages {
		if len(p.Body) > pageSize+1<<16 {
			t.Errorf("page %d has %d bytes; want little more than %d", i, len(p.Body), pageSize)
		}
	}
}

// TestLiveRepeatedAcrossPages: an id that two pages have makes the stream incomplete.
func TestLiveRepeatedAcrossPages(t *testing.T) {
	dsn, _, _ := server(t)
	r := sourcetest.Record(t, connection(dsn, with(buckets("select (i % 30000)::text as arn, repeat('n', 100) as name, null as region, null as public, null as versioning from generate_series(1, 40000) as i"))))
	if m := r.Manifest("datastore"); m.Complete || !strings.Contains(m.Reason, "a second time") {
		t.Errorf("complete %v, %q; want incomplete because of the id", m.Complete, m.Reason)
	}
}

// TestLiveMemory: what is kept does not grow with the rows but for their ids' eight bytes.
func TestLiveMemory(t *testing.T) {
	dsn, _, _ := server(t)
	c := connection(dsn, with(buckets("select i::text as arn, repeat('n', 400) as name, null as region, null as public, null as versioning from generate_series(1, 200000) as i")))
	col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	var most uint64
	r := &sourcetest.Recorder{}
	r.OnPage = func(int) {
		r.Pages[len(r.Pages)-1].Body = nil // the product does not keep it either
		if len(r.Pages)%20 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatal(err)
	}
	t.Logf("held at most %d MiB", most>>20)
	if !r.Manifest("datastore").Complete || most == 0 || most > 60<<20 {
		t.Errorf("%+v; held %d MiB of about 100 that were read; want complete with less than 60", r.Manifest("datastore"), most>>20)
	}
}

// TestLiveAddress: this machine is asked only where the settings allow it.
func TestLiveAddress(t *testing.T) {
	dsn, schema, _ := server(t)
	w := strings.Replace(with(buckets("select * from "+schema+".buckets")), "loopback", "private", 1)
	if m := sourcetest.Record(t, connection(dsn, w)).Manifest("datastore"); m.Complete || !strings.Contains(m.Reason, "not allowed") {
		t.Errorf("%+v; want incomplete, the address not allowed", m)
	}
}
