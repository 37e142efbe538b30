package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"tieout/audit"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies what is missing, one process at a time. Each migration is
// one transaction together with the note that it was applied, so a crash
// leaves it either whole or undone.
func migrate(ctx context.Context, d Dialect, db *sql.DB) (err error) {
	unlock, err := d.Lock(ctx, db)
	if err != nil {
		return fmt.Errorf("store: lock for migration: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	p, err := provider(d, db)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if err := refuseNewer(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

func provider(d Dialect, db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if d.Name == "postgres" {
		dialect = goose.DialectPostgres
	}
	return goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
}

func refuseNewer(ctx context.Context, p *goose.Provider) error {
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("store: read schema version: %w", err)
	}
	known := newest(p.ListSources())
	if have > known {
		return fmt.Errorf("%w: the store has schema version %d, this program knows %d; use the newer tieout that made it", audit.ErrConflict, have, known)
	}
	return nil
}

func newest(sources []*goose.Source) (v int64) {
	for _, s := range sources {
		v = max(v, s.Version)
	}
	return v
}
