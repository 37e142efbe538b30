package postgres_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"tieout/audit"
	"tieout/store"
	"tieout/store/postgres"
	"tieout/store/sqlite"
	"tieout/store/storetest"
)

// server returns the address of a test server. Without one the test is
// skipped on a person's machine and fails in CI.
func server(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn != "" {
		return dsn
	}
	const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./store/..."
	if os.Getenv("CI") == "true" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

func place(t testing.TB) storetest.Place {
	dsn := server(t)
	schema := "test_" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec(`drop schema if exists ` + schema + ` cascade`); err != nil {
			t.Errorf("drop schema %s: %v", schema, err)
		}
		db.Close()
	})
	return storetest.Place{
		Open: func(ctx context.Context) (*store.Store, error) { return postgres.Open(ctx, dsn, schema) },
		Exec: func(t testing.TB, query string) { exec(t, db, schema, query) },
	}
}

func exec(t testing.TB, db *sql.DB, schema, query string) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(fmt.Sprintf(`set local search_path = %s; %s`, schema, query)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) { storetest.Run(t, place) }

// TestBackupCrossesEngines moves a store from PostgreSQL to SQLite and back.
func TestBackupCrossesEngines(t *testing.T) {
	ctx := t.Context()
	from, err := place(t).Open(ctx)
	must(t, err)
	defer from.Close()
	storetest.Fill(t, from)
	want := storetest.Contents(t, from)
	folder := t.TempDir()
	must(t, from.Backup(ctx, filepath.Join(folder, "from-postgres.db")))

	lite, err := sqlite.Open(ctx, filepath.Join(folder, "store.db"))
	must(t, err)
	defer lite.Close()
	must(t, lite.Restore(ctx, filepath.Join(folder, "from-postgres.db")))
	if d := cmp.Diff(want, storetest.Contents(t, lite)); d != "" {
		t.Fatalf("in SQLite (-want +got):\n%s", d)
	}
	must(t, lite.Backup(ctx, filepath.Join(folder, "from-sqlite.db")))

	back, err := place(t).Open(ctx)
	must(t, err)
	defer back.Close()
	must(t, back.Restore(ctx, filepath.Join(folder, "from-sqlite.db")))
	if d := cmp.Diff(want, storetest.Contents(t, back)); d != "" {
		t.Fatalf("back in PostgreSQL (-want +got):\n%s", d)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		dsn, schema string
		want        error
	}{
		"a schema that needs quoting": {"postgres://127.0.0.1/x", `a"; drop schema public`, audit.ErrInvalid},
		"no schema":                   {"postgres://127.0.0.1/x", "", audit.ErrInvalid},
		"an address that is none":     {"postgres://[", "tieout", audit.ErrInvalid},
		"nobody there":                {"postgres://127.0.0.1:1/x?connect_timeout=2", "tieout", audit.ErrUnavailable},
	} {
		if _, err := postgres.Open(t.Context(), tc.dsn, tc.schema); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
