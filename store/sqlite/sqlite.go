// Package sqlite opens a store in one SQLite file: the default, without any
// server. One connection writes, with the write-ahead log and full
// synchronization, so that what a call has returned survives a power cut;
// others read at the same time and cannot write.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // driver "sqlite"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/store"
)

// readers is how many connections read at once.
const readers = 8

// Open opens the store in the file path, making it and its folder if they are
// not there. Several processes may have it open; on a network drive none may.
func Open(ctx context.Context, path string) (*store.Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := durable.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s, err := open(ctx, abs)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, abs string) (*store.Store, error) {
	// The file is made here and not by the driver, so that nobody else may read it.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	writer, err := sql.Open("sqlite", writerDSN(abs))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", readerDSN(abs))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readers)
	reader.SetConnMaxIdleTime(time.Minute)
	return store.Open(ctx, dialect(abs, writer), writer, reader)
}

func dialect(path string, writer *sql.DB) store.Dialect {
	return store.Dialect{
		Name:       "sqlite",
		Now:        "cast(unixepoch('subsec') * 1000000 as integer)",
		Rows:       1,
		AfterErase: truncateLog,
		Lock: func(ctx context.Context, _ *sql.DB) (func() error, error) {
			return lockFile(ctx, path+".lock")
		},
		BackupInto: func(ctx context.Context, to string) error {
			return vacuumInto(ctx, path, to)
		},
		OpenFile: Open,
	}
}

// truncateLog empties the write-ahead log, in which old pages could still be.
// It waits for those who read; who reads too long makes it fail.
func truncateLog(ctx context.Context, db *sql.DB) error {
	var busy, pages, moved int
	if err := db.QueryRowContext(ctx, `pragma wal_checkpoint(truncate)`).Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("%w: the write-ahead log is still being read", audit.ErrUnavailable)
	}
	return nil
}

// vacuumInto writes a consistent copy while others read and write.
func vacuumInto(ctx context.Context, from, to string) (err error) {
	db, err := sql.Open("sqlite", dsn(from, ""))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `vacuum into $1`, to)
	return err
}

func writerDSN(path string) string {
	return dsn(path, "_txlock=immediate", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", "cache_size(-16000)")
}

func readerDSN(path string) string { return dsn(path, "", "query_only(on)", "cache_size(-8000)") }

// dsn is the data source name of a file. Pragmas stand in it because the
// driver runs them on every connection it opens; run once on a pool they
// would set one connection.
func dsn(path, option string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(20000)", "foreign_keys(on)"}, pragmas...)}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	if option != "" {
		u.RawQuery += "&" + option
	}
	return u.String()
}
