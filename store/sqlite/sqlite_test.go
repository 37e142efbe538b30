package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"tieout/store"
	"tieout/store/sqlite"
	"tieout/store/storetest"
)

func place(t testing.TB) storetest.Place {
	// A name that a data source name could take for something else.
	path := filepath.Join(t.TempDir(), "a folder", "store ?x=1&#%41;.db")
	return storetest.Place{
		Open: func(ctx context.Context) (*store.Store, error) { return sqlite.Open(ctx, path) },
		Exec: func(t testing.TB, query string) { exec(t, path, query) },
	}
}

func exec(t testing.TB, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", sqlite.DSN(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) { storetest.Run(t, place) }
