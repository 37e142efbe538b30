package period

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"tieout/audit"
)

// stores gives a place for a store on each engine.
func stores(t *testing.T, f func(t *testing.T, store string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, ".tieout/store.db") })
	t.Run("postgres", func(t *testing.T) { f(t, onPostgres(t)) })
}

// onPostgres is a store on the test server, for this test alone. Without a
// server the test is skipped on a person's machine and fails in CI.
func onPostgres(t *testing.T) (store string) {
	t.Helper()
	dsn := os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn == "" {
		const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./period"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	t.Setenv("TIEOUT_TEST_STORE", ownDatabase(t, dsn))
	return "env:TIEOUT_TEST_STORE"
}

func ownDatabase(t *testing.T, dsn string) string {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	must(t, err)
	name := "test_" + strings.ToLower(rand.Text())
	_, err = db.Exec(`create database ` + name)
	must(t, err)
	t.Cleanup(func() {
		if _, err := db.Exec(`drop database if exists ` + name + ` with (force)`); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
		db.Close()
	})
	u, err := url.Parse(dsn)
	must(t, err)
	u.Path = "/" + name
	return u.String()
}

// TestTwoProcesses collects two sources from two programs on one store at once,
// day after day: nothing is lost, nothing doubled, the log has no gap.
func TestTwoProcesses(t *testing.T) {
	stores(t, func(t *testing.T, store string) {
		w := worldAt(t, t.TempDir(), store, map[string]string{"sources/b.yaml": "kind: synth\nwith: { of: b }\n"})
		p := w.create(t)
		q := w.open(t)
		for _, d := range []int{2, 3, 4} {
			w.now = day(d, 6)
			var wg sync.WaitGroup
			for name, prog := range map[string]*Program{"a": p, "b": q} {
				wg.Go(func() {
					got, err := prog.Collect(t.Context(), []string{name}, nil)
					if err != nil || len(got) != 1 || !got[0].End.Complete {
						t.Errorf("day %d: collect %s: %+v, %v", d, name, got, err)
					}
				})
			}
			wg.Wait()
		}
		r := w.open(t)
		pages := map[string]int{}
		digests := map[string]bool{}
		for _, rec := range records(t, r, audit.RecordPage) {
			pages[rec.Source]++
			key := strings.Join([]string{rec.Source, rec.PageKind, rec.Query, rec.About.From.String(), rec.About.To.String()}, " ")
			if digests[key] {
				t.Errorf("sealed twice: %s", key)
			}
			digests[key] = true
		}
		// Each day three pages of accounts, one of people, and one a day of backups so far.
		if want := 3*4 + 2 + 3 + 4; pages["a"] != want || pages["b"] != want {
			t.Errorf("pages %v, want %d of each", pages, want)
		}
		ended(t, r)
		intact(t, r)
		rebuilt(t, r)
		if got := findings(t, r); len(got) == 0 || strings.Contains(strings.Join(got, "\n"), "no evidence") {
			t.Errorf("findings: %v", got)
		}
	})
}

// TestSameSourceTwice: while one process reads a source, another is refused.
func TestSameSourceTwice(t *testing.T) {
	stores(t, func(t *testing.T, store string) {
		w := worldAt(t, t.TempDir(), store, nil)
		p := w.create(t)
		q := w.open(t)
		refused := false
		w.sys.before = func(ctx context.Context, stream string, page int) {
			if stream != "account" || page != 2 {
				return
			}
			w.sys.before = nil
			_, err := q.Collect(ctx, nil, nil)
			refused = errors.Is(err, audit.ErrConflict) && strings.Contains(err.Error(), "being collected by another process")
			if !refused {
				t.Errorf("the second collection: %v", err)
			}
		}
		collect(t, p)
		if !refused {
			t.Error("the second process was not asked")
		}
		if n := len(records(t, p, audit.RecordCollection)); n != 1 {
			t.Errorf("%d collections are sealed, want 1", n)
		}
		intact(t, p)
		collect(t, q) // the lock is free again
	})
}

// TestLockLost: a process whose lock another took writes nothing more.
func TestLockLost(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	lease, err := p.Store.Lock(t.Context(), "collect/a", "slept", lockTTL)
	must(t, err)
	execSQL(t, p, `update leases set holder = 'another', token = token + 1`)
	if err := p.keepLock(t.Context(), lease, 1_000_000, make(chan struct{})); !errors.Is(err, errLostLock) {
		t.Errorf("keepLock: %v", err)
	}
}

// TestLockLostInBetween: a process whose lock another took while it slept seals
// nothing more, also before it has noticed; the other closes its collection.
func TestLockLostInBetween(t *testing.T) {
	stores(t, func(t *testing.T, store string) {
		w := worldAt(t, t.TempDir(), store, nil)
		p := w.create(t)
		w.sys.before = func(_ context.Context, stream string, page int) {
			if stream == "account" && page == 2 {
				w.sys.before = nil
				dropLeases(t, p)
			}
		}
		got, err := p.Collect(t.Context(), nil, nil)
		if !errors.Is(err, errLostLock) {
			t.Errorf("collect: %+v, %v", got, err)
		}
		if n := len(records(t, p, audit.RecordPage)); n != 1 {
			t.Errorf("%d pages are sealed, want the one from before", n)
		}
		if n := len(records(t, p, audit.RecordManifest)) + len(records(t, p, audit.RecordEnd)); n != 0 {
			t.Errorf("%d manifests and ends are sealed without the lock", n)
		}
		q := w.open(t)
		again := collect(t, q)
		if len(again[0].Recovered) != 1 || !again[0].End.Complete {
			t.Errorf("the other process: %+v", again)
		}
		ended(t, q)
		intact(t, q)
		rebuilt(t, q)
	})
}
