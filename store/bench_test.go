package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"tieout/audit"
	"tieout/store"
	"tieout/store/sqlite"
	"tieout/store/storetest"
)

// The benchmarks stand beside the least anyone could do with the same bytes:
// hash each with SHA-256 and insert it into one table of a SQLite file with the
// same durability. "ratio" is our time over that: 2 means twice as long.

func openBench(b *testing.B) *store.Store {
	b.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// least hashes and inserts n bodies and returns the time it took.
func least(b *testing.B, n, batch int, body func(i int) []byte) time.Duration {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "plain.db")+
		"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`create table t (hash blob, body blob)`); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	for i := 0; i < n; i += batch {
		if err := leastBatch(db, i, min(i+batch, n), body); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

func leastBatch(db *sql.DB, from, to int, body func(i int) []byte) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := tx.Prepare(`insert into t (hash, body) values ($1, $2)`)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		h := sha256.Sum256(body(i))
		if _, err := stmt.Exec(h[:], body(i)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func BenchmarkInsertRecords(b *testing.B) {
	for _, batch := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			n := min(20*batch, 10_000)
			recs := storetest.Records(0, n)
			var ours, theirs time.Duration
			for b.Loop() {
				s := openBench(b)
				start := time.Now()
				for i := 0; i < n; i += batch {
					if err := s.InsertRecords(context.Background(), recs[i:i+batch]); err != nil {
						b.Fatal(err)
					}
				}
				ours += time.Since(start)
				theirs += least(b, n, batch, func(i int) []byte { return recs[i].Canonical })
			}
			report(b, n, ours, theirs)
		})
	}
}

func report(b *testing.B, n int, ours, theirs time.Duration) {
	b.ReportMetric(float64(n)*float64(b.N)/ours.Seconds(), "rows/s")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
}

var benchStream = audit.StreamKey{Source: "okta", Type: "account"}

// benchRows makes versions of about 300 bytes: items with a version in each round.
func benchRows(items, round int) []store.VersionRow {
	rows := make([]store.VersionRow, items)
	at := time.Date(2026, 1, 1+round, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		h := sha256.Sum256(fmt.Append(nil, i, round))
		body := fmt.Sprintf(`{"createdAt":"2024-05-01T08:00:00Z","groups":["engineering","everyone"],"kind":"human","login":"user%06d@example.com","mfa":{"enforced":%v},"note":"%x","passwordChangedAt":"never","person":"hr/%d","privileged":false,"status":"active","system":"okta","unit":"platform"}`, i, round%2 == 0, h[:8], i)
		rows[i] = store.VersionRow{Item: fmt.Sprintf("okta/%06d", i), Version: audit.Version{
			From: audit.Bound{After: at.Add(-24 * time.Hour), At: at}, Body: json.RawMessage(body), Record: int64(round)}}
	}
	return rows
}

func BenchmarkAppendVersions(b *testing.B) {
	const items, rounds = 100_000, 4
	var all [rounds][]store.VersionRow
	for r := range all {
		all[r] = benchRows(items, r)
	}
	b.SetBytes(int64(items * rounds * len(all[0][0].Version.Body)))
	var ours, theirs time.Duration
	for b.Loop() {
		s := openBench(b)
		start := time.Now()
		for _, rows := range all {
			if err := s.AppendVersions(context.Background(), benchStream, audit.ModeSnapshot, rows, store.Coverage{}); err != nil {
				b.Fatal(err)
			}
		}
		ours += time.Since(start)
		theirs += least(b, items*rounds, items, func(i int) []byte { return all[i/items][i%items].Version.Body })
	}
	report(b, items*rounds, ours, theirs)
}

// BenchmarkTimelineLoad loads 1.2 million versions: 400,000 items, three each.
func BenchmarkTimelineLoad(b *testing.B) {
	const items, rounds = 400_000, 3
	s := openBench(b)
	for r := range rounds {
		if err := s.AppendVersions(context.Background(), benchStream, audit.ModeSnapshot, benchRows(items, r), store.Coverage{}); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var tl *audit.Timeline
	for b.Loop() {
		var err error

		if tl, err = s.Timeline(context.Background(), "account"); err != nil || len(tl.Histories) != items {
			b.Fatal(err, len(tl.Histories))
		}
	}
	b.ReportMetric(float64(items*rounds)*float64(b.N)/b.Elapsed().Seconds(), "versions/s")
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-held")
	runtime.KeepAlive(tl)
}

// BenchmarkCommit numbers leaves, two hashes each, as the log's sequencer does.
func BenchmarkCommit(b *testing.B) {
	for _, batch := range []int{1, 1000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			n := min(50*batch, 20_000)
			recs := storetest.Records(0, n)
			var ours time.Duration
			for b.Loop() {
				s := openBench(b)
				for i := 0; i < n; i += 1000 {
					if err := s.InsertRecords(context.Background(), recs[i:min(i+1000, n)]); err != nil {
						b.Fatal(err)
					}
				}
				start := time.Now()
				if err := commitAll(s, n, batch); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
			}
			b.ReportMetric(float64(n)*float64(b.N)/ours.Seconds(), "leaves/s")
		})
	}
}

func commitAll(s *store.Store, n, batch int) error {
	ctx := context.Background()
	fence, err := s.Fence(ctx, "bench")
	if err != nil {
		return err
	}
	var head store.Head
	for head.Size < int64(n) {
		leaves, err := s.Pending(ctx, batch)
		if err != nil {
			return err
		}
		next := store.Head{Epoch: 1, Size: head.Size + int64(len(leaves)), Note: []byte("note")}
		b := store.Batch{Prev: head, Head: next, Leaves: leaves, FirstHash: 2 * head.Size, Hashes: make([][32]byte, 2*len(leaves))}
		if err := s.Commit(ctx, fence, b); err != nil {
			return err
		}
		head = next
	}
	return nil
}
