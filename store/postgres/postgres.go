// Package postgres opens a store in one schema of a PostgreSQL database, for
// when one machine is not enough. Any number of processes may have it open.
// It uses plain SQL that managed offerings run, and no extension.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"tieout/audit"
	"tieout/store"
	"tieout/store/sqlite"
)

// Connections of one process.
const (
	writers = 8
	readers = 8
)

// Schema names are kept to what needs no quoting anywhere.
var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Open opens the store in a schema of the database that dsn names (a URL or
// key=value words), making the schema if it is not there.
func Open(ctx context.Context, dsn, schema string) (*store.Store, error) {
	if !schemaName.MatchString(schema) {
		return nil, fmt.Errorf("%w: schema %q is not a lower-case name such as tieout", audit.ErrInvalid, schema)
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: PostgreSQL address: %w", audit.ErrInvalid, err)
	}
	s, err := open(ctx, cfg, schema)
	if err != nil {
		return nil, fmt.Errorf("open store %s on %s: %w", schema, cfg.Host, err)
	}
	return s, nil
}

func open(ctx context.Context, cfg *pgx.ConnConfig, schema string) (*store.Store, error) {
	writer := pool(cfg, schema, writers, nil)
	if err := makeSchema(ctx, writer, schema); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader := pool(cfg, schema, readers, map[string]string{"default_transaction_read_only": "on"})
	return store.Open(ctx, dialect(schema), writer, reader)
}

// pool is a pool whose every connection works in the schema, durably.
func pool(cfg *pgx.ConnConfig, schema string, size int, params map[string]string) *sql.DB {
	c := cfg.Copy()
	c.RuntimeParams["search_path"] = schema
	c.RuntimeParams["synchronous_commit"] = "on"
	c.RuntimeParams["application_name"] = "tieout"
	for k, v := range params {
		c.RuntimeParams[k] = v
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}

// makeSchema holds the migration's lock: "if not exists" alone can fail when
// two do it at once.
func makeSchema(ctx context.Context, db *sql.DB, schema string) error {
	var n int
	err := db.QueryRowContext(ctx, `select count(*) from pg_catalog.pg_namespace where nspname = $1`, schema).Scan(&n)
	if err != nil {
		return fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	if n > 0 {
		return nil
	}
	unlock, err := lock(ctx, db, schema)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `create schema if not exists `+schema)
	return errors.Join(err, unlock())
}

func dialect(schema string) store.Dialect {
	return store.Dialect{
		Name:     "postgres",
		Now:      "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)",
		Rows:     500,
		Snapshot: sql.LevelRepeatableRead,

		SkipLocked: "for update skip locked",
		Lock: func(ctx context.Context, db *sql.DB) (func() error, error) {
			return lock(ctx, db, schema)
		},
		OpenFile: sqlite.Open,
	}
}

// lock takes the advisory lock of a schema on a connection of its own; it ends
// with the connection, however that ends.
func lock(ctx context.Context, db *sql.DB, schema string) (unlock func() error, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrUnavailable, err)
	}
	h := fnv.New64a()
	h.Write([]byte("tieout\x1f" + schema))
	key := int64(h.Sum64())
	if _, err := conn.ExecContext(ctx, `select pg_advisory_lock($1)`, key); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `select pg_advisory_unlock($1)`, key)
		return errors.Join(err, conn.Close())
	}, nil
}
