package postgres_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tieout/store"
	"tieout/store/postgres"
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
