// Package store keeps a workspace's saved state: sealed records, the log's
// numbers, collections, the timeline's cache, definitions, runs and decisions.
// It is the only place with SQL. One workspace is one store: one SQLite file
// (package store/sqlite) or one PostgreSQL schema (package store/postgres).
//
// The SQL text is the same for both engines; what differs is in Dialect.
// Everything a method wrote is durable when it returns nil: it survives a
// crash of the process and of the machine. A method that returns an error
// wrote nothing, except where the answer to a commit was lost; calling again
// is safe for every method that says so.
//
// A Store is safe for concurrent use, also by several processes.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
)

// A Dialect is all that differs between the engines.
type Dialect struct {
	Name     string             // "sqlite" or "postgres"
	Now      string             // SQL expression: the store's clock, microseconds UTC
	Rows     int                // rows a bulk statement holds; 1 means a prepared statement in a loop
	Snapshot sql.IsolationLevel // under which a read transaction sees one instant

	// SkipLocked ends a select of a row that no other transaction is writing, and
	// keeps the row for this one; "" where only one transaction writes at a time.
	SkipLocked string

	// Lock keeps other processes from migrating until unlock is called.
	Lock func(ctx context.Context, db *sql.DB) (unlock func() error, err error)
	// AfterErase takes erased bytes out of side files; nil where there are none.
	AfterErase func(ctx context.Context, db *sql.DB) error
	// BackupInto writes the whole store to a new file by the engine's own means;
	// nil where the rows have to be copied.
	BackupInto func(ctx context.Context, path string) error
	// OpenFile opens a backup file, or makes a new one, as a store.
	OpenFile func(ctx context.Context, path string) (*Store, error)
}

// A Store is one workspace's saved state.
type Store struct {
	dialect Dialect
	writer  *sql.DB
	reader  *sql.DB
}

// Open brings the schema up to what this program knows and returns the store.
// It owns both pools from here on, also when it fails. A schema that is newer
// than this program is refused: audit.ErrConflict.
func Open(ctx context.Context, d Dialect, writer, reader *sql.DB) (*Store, error) {
	s := &Store{dialect: d, writer: writer, reader: reader}
	if err := migrate(ctx, d, writer); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends all connections. Calls that are under way fail.
func (s *Store) Close() error { return errors.Join(s.reader.Close(), s.writer.Close()) }

// Engine is the name of the database engine underneath.
func (s *Store) Engine() string { return s.dialect.Name }

// inTx runs f in one write transaction. Any error rolls all of it back.
func (s *Store) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// ignoreDone drops the error of rolling back a transaction that a canceled
// context has rolled back already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// next reserves k numbers of a counter and returns the first. Until the
// transaction ends nobody else gets numbers of it.
func next(ctx context.Context, tx *sql.Tx, counter string, k int) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `update counters set n = n + $1 where name = $2 returning n`, int64(k), counter).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("counter %s: %w", counter, err)
	}
	return last - int64(k) + 1, nil
}

// found turns "no rows" into audit.ErrNotFound with the name of what was asked.
func found(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	name := fmt.Sprintf(what, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: %s", audit.ErrNotFound, name)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// checkText refuses what one of the engines could not keep in a text column.
func checkText(name, s string) error {
	if strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("%w: %s %q holds a NUL byte", audit.ErrInvalid, name, s)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %s %q is not UTF-8", audit.ErrInvalid, name, s)
	}
	return nil
}

// checkTexts is checkText for pairs of name and value.
func checkTexts(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := checkText(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// eachRow runs a query on the reader pool and calls scan for every row.
func (s *Store) eachRow(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows *sql.Rows, scan func(*sql.Rows) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// hash32 reads a column of exactly 32 bytes.
type hash32 struct{ to *[32]byte }

// Scan implements sql.Scanner.
func (h hash32) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != 32 {
		return fmt.Errorf("%w: want 32 bytes in the store, got %T of %d", audit.ErrAltered, v, len(b))
	}
	copy(h.to[:], b)
	return nil
}
