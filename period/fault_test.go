package period

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"tieout/blob"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
)

// A fault makes the at-th write of a program fail: lost, or kept though it is
// reported as failed. A dead one fails everything after it too, as a full disk
// does; one that kills ends the process there and then.
type fault struct {
	mu    sync.Mutex
	n, at int // at 0: only count
	kept  bool
	dead  bool
	kill  bool
	names []string
}

// errFault is what a full disk says.
var errFault = fmt.Errorf("injected: %w", syscall.ENOSPC)

// write runs one write, or not.
func (f *fault) write(name string, do func() error) error {
	f.mu.Lock()
	f.n++
	n, hit := f.n, f.at > 0 && f.n == f.at
	gone := f.at > 0 && f.n > f.at && f.dead
	if f.at == 0 {
		f.names = append(f.names, name)
	}
	f.mu.Unlock()
	switch {
	case gone, hit && !f.kept && !f.kill:
		return fmt.Errorf("write %d, %s: %w", n, name, errFault)
	case hit && f.kill && !f.kept:
		die()
	}
	if err := do(); err != nil {
		return err
	}
	if hit && f.kill {
		die()
	}
	if hit {
		return fmt.Errorf("write %d, %s: %w", n, name, errFault)
	}
	return nil
}

// die ends this process as kill -9 does.
func die() {
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// faulty makes an open program's writes go through f: its store, its blobs and
// its anchor. Opening itself is left alone.
func faulty(t testing.TB, p *Program, f *fault) {
	t.Helper()
	ctx := t.Context()
	engine := p.Store.Engine()
	must(t, p.Store.Close())
	dialect, writer, reader := sqlitePools(p, f)
	if engine == "postgres" {
		dialect, writer, reader = postgresPools(t, p, f)
	}
	dialect.Lock = func(context.Context, *sql.DB) (func() error, error) { return func() error { return nil }, nil }
	open := f.at
	f.at = -1 // migrating is not among the writes that are counted
	st, err := store.Open(ctx, dialect, writer, reader)
	must(t, err)
	f.at, f.n, f.names = open, 0, nil
	p.Store = st
	p.Blobs = faultyBlobs{p.Blobs, f}
	keyPath, err := p.keyPath()
	must(t, err)
	signer, err := ledger.LoadSigner(keyPath)
	must(t, err)
	anchor := faultyAnchor{ledger.FileAnchor{Path: p.anchorPath()}, f}
	p.Log, err = ledger.Open(ctx, evidence.Backend{Store: st}, signer, ledger.Options{Holder: "faulty", Anchor: anchor, Keys: p.Log.Keys()})
	must(t, err)
	p.Seal = &evidence.Sealer{Store: st, Blobs: p.Blobs, Log: p.Log, Now: p.Now}
}

func sqlitePools(p *Program, f *fault) (d store.Dialect, writer, reader *sql.DB) {
	path := p.path(p.Def.Config.Store)
	driver := &sqlite.Driver{}
	writer = sql.OpenDB(connector{f, driver, dsnOf(path, "_txlock=immediate", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)")})
	writer.SetMaxOpenConns(1)
	reader = sql.OpenDB(connector{nil, driver, dsnOf(path, "", "query_only(on)")})
	return store.Dialect{Name: "sqlite", Now: "cast(unixepoch('subsec') * 1000000 as integer)", Rows: 1}, writer, reader
}

func postgresPools(t testing.TB, p *Program, f *fault) (d store.Dialect, writer, reader *sql.DB) {
	t.Helper()
	dsn, err := p.Env.Secret(t.Context(), p.Def.Config.Store)
	must(t, err)
	dsn += "&search_path=" + schemaName
	driver := stdlib.GetDefaultDriver()
	writer, reader = sql.OpenDB(connector{f, driver, dsn}), sql.OpenDB(connector{nil, driver, dsn})
	d = store.Dialect{
		Name: "postgres", Now: "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)", Rows: 500, Snapshot: sql.LevelRepeatableRead,
	}
	return d, writer, reader
}

func dsnOf(path, option string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(20000)", "foreign_keys(on)"}, pragmas...)}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	if option != "" {
		u.RawQuery += "&" + option
	}
	return u.String()
}

type faultyBlobs struct {
	blob.Store
	f *fault
}

func (b faultyBlobs) Put(ctx context.Context, r io.Reader) (digest string, n int64, err error) {
	err = b.f.write("blob put", func() error {
		var err error
		digest, n, err = b.Store.Put(ctx, r)
		return err
	})
	return digest, n, err
}

func (b faultyBlobs) Delete(ctx context.Context, digest string) error {
	return b.f.write("blob delete", func() error { return b.Store.Delete(ctx, digest) })
}

type faultyAnchor struct {
	ledger.Anchor
	f *fault
}

func (a faultyAnchor) Save(ctx context.Context, note []byte) error {
	return a.f.write("anchor save", func() error { return a.Anchor.Save(ctx, note) })
}

// A connector gives connections whose writes go through f: each statement that
// is a transaction of its own, and each commit. f nil: none does.
type connector struct {
	f     *fault
	inner sqldriver.Driver
	dsn   string
}

func (c connector) Driver() sqldriver.Driver { return c.inner }

func (c connector) Connect(context.Context) (sqldriver.Conn, error) {
	inner, err := c.inner.Open(c.dsn)
	if err != nil || c.f == nil {
		return inner, err
	}
	return &conn{inner.(fullConn), c.f, false}, nil
}

// fullConn is what database/sql asks of a connection, and the driver gives.
type fullConn interface {
	sqldriver.Conn
	sqldriver.ConnBeginTx
	sqldriver.ConnPrepareContext
	sqldriver.ExecerContext
	sqldriver.QueryerContext
}

type conn struct {
	fullConn
	f    *fault
	inTx bool
}

func (c *conn) BeginTx(ctx context.Context, o sqldriver.TxOptions) (sqldriver.Tx, error) {
	inner, err := c.fullConn.BeginTx(ctx, o)
	c.inTx = err == nil
	return &tx{inner, c}, err
}

func (c *conn) ExecContext(ctx context.Context, query string, args []sqldriver.NamedValue) (res sqldriver.Result, err error) {
	if c.inTx {
		return c.fullConn.ExecContext(ctx, query, args)
	}
	err = c.f.write(first(query), func() error {
		var err error
		res, err = c.fullConn.ExecContext(ctx, query, args)
		return err
	})
	return res, err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []sqldriver.NamedValue) (rows sqldriver.Rows, err error) {
	if c.inTx {
		return c.fullConn.QueryContext(ctx, query, args)
	}
	err = c.f.write(first(query), func() error {
		var err error
		rows, err = c.fullConn.QueryContext(ctx, query, args)
		return err
	})
	if err != nil && rows != nil {
		drain(rows)
		return nil, err
	}
	return rows, err
}

// drain lets a statement end that returns rows nobody will see.
func drain(rows sqldriver.Rows) {
	values := make([]sqldriver.Value, len(rows.Columns()))
	for rows.Next(values) == nil {
	}
	rows.Close()
}

func first(query string) string {
	words := strings.Fields(query)
	return strings.Join(words[:min(3, len(words))], " ")
}

type tx struct {
	sqldriver.Tx
	c *conn
}

func (t *tx) Commit() error {
	t.c.inTx = false
	err := t.c.f.write("commit", t.Tx.Commit)
	if err != nil && errors.Is(err, errFault) {
		_ = t.Tx.Rollback() // of nothing, where the commit was kept
	}
	return err
}

func (t *tx) Rollback() error {
	t.c.inTx = false
	return t.Tx.Rollback()
}
