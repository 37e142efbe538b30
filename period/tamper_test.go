package period

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/ledger"
)

// watched are the tables whose every column is evidence or the log, and what of
// them may change without anything being said otherwise.
var watched = map[string]map[string]string{
	"records":     {"inserted": "the order of numbering; every record has its number"},
	"bodies":      {},
	"log_heads":   {"n": "the order of heads; sizes order them as well"},
	"log_hashes":  {},
	"collections": {"source": "an index", "started": "an index", "ended": "an index: closing again seals it", "complete": "an index"},
	"definitions": {"hash": "a name: definitions that are not found are an error where they are used"},
}

// unwatched are the other tables, and why nothing sealed rests on them.
var unwatched = map[string]string{
	"counters": "numbers to come", "doomed_blobs": "work to do", "log_state": "numbers to come", "cosignatures": "VerifyLog checks each",
	"cursors": "work to do", "streams": "rebuilt from evidence", "coverage": "rebuilt from evidence", "segments": "rebuilt from evidence",
	"revisions": "which definitions are in force: a run names its own", "runs": "an index of sealed runs",
	"run_results": "an index of sealed runs", "decisions": "not read", "meta": "work to do; keys are checked by the log", "leases": "locks",
	"goose_db_version": "the schema", "sqlite_sequence": "the engine's",
	"accounts": "who may sign in: each change is an activity, and activities are sealed", "account_grants": "as accounts", "recovery_codes": "as accounts",
	"invitations": "as accounts", "sessions": "as accounts", "api_tokens": "as accounts", "attempts": "counts of failed sign-ins, forgotten in time",
	"activities": "what waits to be sealed; the sealed record is what counts",
	"passkeys":   "as accounts", "challenges": "work to do", "identities": "as accounts", "directory_users": "as accounts",
	"directory_groups": "as accounts", "directory_members": "as accounts",
	"jobs": "work to do, and how it went: what it collected is sealed", "job_parts": "as jobs", "schedules": "work to do",
}

// TestAnyColumnChanged changes a value of every column of every table that
// holds evidence or the log: opening or verifying finds it and names the record.
func TestAnyColumnChanged(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	findings(t, p)
	columns := columnsOf(t, p)
	must(t, p.Close())
	for i, c := range columns {
		if testing.Short() && i%8 != 0 {
			continue
		}
		t.Run(c.table+"."+c.column, func(t *testing.T) {
			t.Parallel()
			w := w.copy(t)
			ref := spoil(t, w, c)
			found := detect(t, w)
			if len(found) == 0 {
				t.Errorf("%s.%s was changed and nothing says so", c.table, c.column)
			}
			if c.table == "records" && c.column != "idx" && !strings.Contains(strings.Join(found, "\n"), ref) {
				t.Errorf("%s was changed; what is said names another:\n%s", ref, strings.Join(found, "\n"))
			}
		})
	}
}

type column struct{ table, column string }

// columnsOf lists the watched columns as the schema has them.
func columnsOf(t *testing.T, p *Program) (out []column) {
	t.Helper()
	db := rawDB(t, p.path(p.Def.Config.Store))
	rows, err := db.Query(`select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' order by 1, c.cid`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var c column
		must(t, rows.Scan(&c.table, &c.column))
		free, known := watched[c.table]
		if _, let := unwatched[c.table]; !known && !let {
			t.Errorf("table %s is new: say above whether changing it must be found", c.table)
		}
		if known && free[c.column] == "" {
			out = append(out, c)
		}
	}
	must(t, rows.Err())
	if len(out) < 20 {
		t.Fatalf("the schema has %d watched columns", len(out))
	}
	return out
}

func rawDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// spoil changes the column in the row of a page, or in the middle row.
func spoil(t *testing.T, w *world, c column) (ref string) {
	t.Helper()
	db := rawDB(t, filepath.Join(w.dir, ".tieout/store.db"))
	where := `rowid = (select rowid from ` + c.table + ` order by rowid limit 1 offset (select count(*)/2 from ` + c.table + `))`
	if c.table == "records" {
		where, ref = "idx = 4", "E-4"
	}
	var v any
	must(t, db.QueryRow(`select `+c.column+` from `+c.table+` where `+where).Scan(&v))
	switch x := v.(type) {
	case []byte:
		x[len(x)/2] ^= 1
	case string:
		v = x + "x"
	case int64:
		v = x + 1_000_000
	default:
		t.Fatalf("%s.%s holds %T", c.table, c.column, v)
	}
	_, err := db.Exec(`update `+c.table+` set `+c.column+` = ? where `+where, v)
	must(t, err)
	must(t, db.Close())
	return ref
}

// detect says what opening and verifying find.
func detect(t *testing.T, w *world) (found []string) {
	t.Helper()
	p, err := Open(t.Context(), w.dir, w.options(false))
	if err != nil {
		if !errors.Is(err, audit.ErrAltered) {
			t.Errorf("Open fails, and not because something was altered: %v", err)
		}
		return []string{err.Error()}
	}
	defer p.Close()
	_, faults, err := p.VerifyStore(t.Context(), nil)
	if err != nil {
		faults = append(faults, err)
	}
	if _, err := p.VerifyLog(t.Context(), ledger.TSATrust{}, nil); err != nil {
		faults = append(faults, err)
	}
	for _, f := range faults {
		if !errors.Is(f, audit.ErrAltered) {
			t.Errorf("not said to be altered: %v", f)
		}
		found = append(found, f.Error())
	}
	return found
}

// TestTampering changes what is more than one value.
func TestTampering(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	findings(t, p)
	must(t, p.Close())
	run := func(name, query, want string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w.copy(t)
			_, err := rawDB(t, filepath.Join(w.dir, ".tieout/store.db")).Exec(query)
			must(t, err)
			if found := strings.Join(detect(t, w), "\n"); !strings.Contains(found, want) {
				t.Errorf("got %q, want something of %q", found, want)
			}
		})
	}
	run("a page emptied as if erased", `update records set canonical = null, salt = null, digest = null, size = 0 where idx = 4`, "E-4")
	run("a body gone", `delete from bodies where record = (select id from records where idx = 2)`, "E-2")
	run("a record gone", `delete from records where idx = 4`, "E-4")
	run("the last record gone", `delete from records where idx = (select max(idx) from records)`, "E-")
	run("a record out of the log", `update records set idx = null where idx = 4`, "E-4")
	run("two records exchanged", `update records set idx = case idx when 4 then -4 when 5 then 4 else idx end; update records set idx = 5 where idx = -4`, "E-4")
	run("a collection gone", `delete from collections; insert into collections select 'other', source, started, ended, complete, 99, end_record, body, end_body from collections`, "")
	run("hashes gone", `delete from log_hashes where id > 3`, "")
	run("the newest head gone", `delete from log_heads where n = (select max(n) from log_heads)`, "")
	run("all heads gone", `delete from log_heads`, "")
}

// TestBlobFlipped flips a byte of a blob file, and takes one away.
func TestBlobFlipped(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	large := slices.IndexFunc(records(t, p, audit.RecordPage), func(r audit.Record) bool { return r.Size > 300<<10 })
	ref := records(t, p, audit.RecordPage)[large].Ref()
	must(t, p.Close())
	var blobs []string
	must(t, filepath.WalkDir(filepath.Join(w.dir, ".tieout/blobs"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			blobs = append(blobs, path)
		}
		return err
	}))
	if len(blobs) != 1 {
		t.Fatalf("blobs: %v", blobs)
	}
	whole, err := os.ReadFile(blobs[0])
	must(t, err)
	for _, at := range []int{0, len(whole) / 2, len(whole) - 1} {
		flipped := slices.Clone(whole)
		flipped[at] ^= 0x10
		must(t, os.WriteFile(blobs[0], flipped, 0o600))
		if found := strings.Join(detect(t, w), "\n"); !strings.Contains(found, ref) {
			t.Errorf("byte %d flipped: got %q, want something of %s", at, found, ref)
		}
	}
	must(t, os.Remove(blobs[0]))
	if found := strings.Join(detect(t, w), "\n"); !strings.Contains(found, ref) {
		t.Errorf("blob gone: got %q, want something of %s", found, ref)
	}
	must(t, os.WriteFile(blobs[0], whole, 0o600))
	if found := detect(t, w); len(found) > 0 {
		t.Errorf("all is back, and still: %v", found)
	}
}

// TestTimelineChanged changes the timeline's cache: rebuilding shows it. Taken
// away as a whole it comes back as it was.
func TestTimelineChanged(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 3)
	want := timelines(t, p)
	for name, query := range map[string]string{
		"coverage moved": `update coverage set to_at = to_at + 3600000000 where kind = 'stretch'`,
		"a point made":   `insert into coverage select stream, kind, from_at + 1, to_at + 1, record, reason from coverage where kind = 'point'`,
		"versions gone":  `delete from segments where n = 1`,
		"a stream gone":  `delete from streams where type = 'account'`,
		"all gone":       `delete from streams; delete from coverage; delete from segments`,
	} {
		execSQL(t, p, query)
		changed := fmt.Sprint(timelines(t, p)) != fmt.Sprint(want)
		must(t, p.RebuildAll(t.Context()))
		if !changed {
			t.Errorf("%s: the stored timeline is the same", name)
		}
		if got := timelines(t, p); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: the rebuilt timeline differs: %v", name, got)
		}
	}
}

// TestResultsChanged changes a run's results: reading them says so.
func TestResultsChanged(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 3)
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	digest := strings.TrimPrefix(run.Results[0].Digest, "sha256:")
	path := filepath.Join(w.dir, ".tieout/blobs", digest[:2], digest)
	whole, err := os.ReadFile(path)
	must(t, err)
	whole[len(whole)-6] ^= 1
	must(t, os.WriteFile(path, whole, 0o600))
	err = p.Results(t.Context(), run, run.Results[0].Procedure, func(*audit.Result) error { return nil })
	if !errors.Is(err, audit.ErrAltered) {
		t.Errorf("reading changed results: %v", err)
	}
}
