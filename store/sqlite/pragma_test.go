package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tieout/store"
	"tieout/store/storetest"
)

// TestEveryConnectionIsSet asks several connections of each pool: pragmas that
// were run once on a pool would be set on one of them only.
func TestEveryConnectionIsSet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for name, tc := range map[string]struct {
		dsn  string
		want map[string]string
	}{
		"writer": {writerDSN(path), map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "foreign_keys": "1", "busy_timeout": "20000", "query_only": "0"}},
		"reader": {readerDSN(path), map[string]string{"query_only": "1", "busy_timeout": "20000"}},
	} {
		db, err := sql.Open("sqlite", tc.dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for n := range 3 {
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for pragma, want := range tc.want {
				var got string
				if err := conn.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s, connection %d: %s is %q (%v), want %q", name, n, pragma, got, err, want)
				}
			}
		}
	}
}

func TestReaderCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := sql.Open("sqlite", readerDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`delete from counters`); err == nil {
		t.Fatal("the reader pool deleted rows")
	}
}

// TestErasedBytesAreGone looks for an erased body in every file of the store.
func TestErasedBytesAreGone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec := storetest.Record(7)
	rec.Record.Query = "name=Ada Lovelace"
	rec = storetest.Seal(rec.Record, []byte("x"))
	fence, err := s.Fence(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.InsertRecords(t.Context(), []store.Sealed{rec}); err != nil {
		t.Fatal(err)
	}
	b := store.Batch{Leaves: []store.Leaf{{ID: rec.Record.ID, Commitment: rec.Commitment}}, Hashes: [][32]byte{{1}}, Head: store.Head{Size: 1}}
	if err := s.Commit(t.Context(), fence, b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if got := inAnyFile(t, dir, rec.Canonical); got != want {
			t.Fatalf("canonical bytes in a file of the store: got %v, want %v", got, want)
		}
		if _, err := s.Erase(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func inAnyFile(t *testing.T, dir string, what []byte) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, what) {
			return true
		}
	}
	return false
}

func TestLockWaitsAndGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db.lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := lockFile(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("second lock: got %v, want to wait until the deadline", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
