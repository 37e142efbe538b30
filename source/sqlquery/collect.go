package sqlquery

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tieout/audit"
	"tieout/source"
	"tieout/source/mapping"
)

const (
	pageSize = 1 << 20  // bytes of rows after which a page is sealed
	maxRow   = 16 << 20 // bytes of one row as JSON
)

type collector struct {
	name    string
	env     source.Env
	dsn     string
	allow   string
	timeout time.Duration
	streams []stream
}

type stream struct {
	Stream
	rules mapping.Rules
}

// Collect runs every query. One that cannot be read to its end closes its
// stream as incomplete, and the others are still run.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	zone, err := loadZone(w.Zone)
	if err != nil {
		return fmt.Errorf("source %s: %w", c.name, err)
	}
	db, err := c.connect(ctx)
	if db != nil {
		defer func() { _ = db.Close() }() // nothing was written
	}
	for i := range c.streams {
		r := c.reading(run, &c.streams[i], zone)
		if err == nil {
			r.read(ctx, db)
		} else {
			r.fail(err.Error())
		}
		if r.sinkErr != nil {
			return fmt.Errorf("source %s: %w", c.name, r.sinkErr)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("source %s: %w", c.name, ctx.Err())
		}
		if err := run.Close(ctx, r.open...); err != nil {
			return fmt.Errorf("source %s: %w", c.name, err)
		}
	}
	if err != nil {
		return fmt.Errorf("source %s: %w", c.name, err)
	}
	return nil
}

// connect fails on settings that cannot work; a server that does not answer
// shows when it is asked.
func (c *collector) connect(ctx context.Context) (*sql.DB, error) {
	dsn, err := c.env.ResolveSecret(ctx, "dsn", c.dsn)
	if err != nil {
		return nil, err
	}
	return database(dsn, c.allow)
}

// A reading is one stream being read.
type reading struct {
	*collector
	*stream
	run       *source.Run
	open      []*source.Stream // of the type, and of links
	zone      *time.Location
	about     audit.Span
	statement string
	prog      *mapping.Program
	page      bytes.Buffer
	first     int // row the page starts with, from 1
	rows      int
	pages     int
	ids       map[uint64]struct{}
	seed      maphash.Seed
	sinkErr   error
}

func (c *collector) reading(run *source.Run, st *stream, zone *time.Location) *reading {
	r := &reading{collector: c, stream: st, run: run, zone: zone, first: 1, ids: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	types := []string{st.Type}
	if st.Links != nil && st.Type != "link" {
		types = append(types, "link")
	}
	for _, typ := range types {
		r.open = append(r.open, r.streamOf(typ))
	}
	r.about = r.open[0].Covers
	r.statement = st.Stream.statement(run.Covers())
	for _, s := range r.open {
		s.Asked(r.statement)
	}
	return r
}

func (r *reading) streamOf(typ string) *source.Stream {
	kind := "sql." + r.Name
	switch r.Mode {
	case audit.ModeEvents:
		return r.run.Events(typ, r.Scope, cannot, kind)
	case audit.ModeChanges:
		return r.run.Changes(r.run.Covers(), typ, r.Scope, cannot, kind)
	}
	return r.run.Snapshot(typ, r.Scope, cannot, kind)
}

func (r *reading) fail(why string) {
	for _, s := range r.open {
		s.Fail(why)
	}
}

// read reads the stream; what goes wrong is its reason, or sinkErr.
func (r *reading) read(ctx context.Context, db *sql.DB) {
	var err error
	if r.prog, err = mapping.Compile(r.rules, r.zone); err != nil {
		r.fail(err.Error())
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := begin(ctx, db, r.timeout)
	if err != nil {
		r.fail("the database does not answer: " + reason(err))
		return
	}
	defer tx.Rollback()
	counted := 0
	if err := tx.QueryRowContext(ctx, "select count(*) from (\n"+r.statement+"\n) as counted").Scan(&counted); err != nil {
		r.fail("counting the rows: " + reason(err))
		return
	}
	if err := r.pass(ctx, cancel, tx, counted); err != nil {
		r.fail(fmt.Sprintf("row %d of %d: %s", r.rows+1, counted, reason(err)))
		return
	}
	for _, s := range r.open {
		s.Reconcile("count at source", counted, r.rows)
	}
}

// pass reads rows as JSON objects and seals them page by page.
func (r *reading) pass(ctx context.Context, cancel func(), tx *sql.Tx, counted int) error {
	rows, err := tx.QueryContext(ctx, "select row_to_json(named)::text from (\n"+r.statement+"\n) as named")
	if err != nil {
		return err
	}
	defer rows.Close()
	defer cancel() // first, or closing would wait for the rows that are left
	for rows.Next() {
		var row sql.RawBytes
		if err := rows.Scan(&row); err != nil {
			return err
		}
		if err := r.take(ctx, row, counted); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return r.flush(ctx, counted)
}

// take adds a row to the page: one line, whatever white space its JSON holds.
func (r *reading) take(ctx context.Context, row []byte, counted int) error {
	if len(row) > maxRow {
		return fmt.Errorf("it is larger than %d bytes; leave columns out", maxRow)
	}
	if err := json.Compact(&r.page, row); err != nil {
		return err
	}
	r.page.WriteByte('\n')
	r.rows++
	if r.page.Len() < pageSize {
		return nil
	}
	return r.flush(ctx, counted)
}

// flush seals the page and only then looks into it. A query without rows gives
// one page without rows: that there were none is evidence too.
func (r *reading) flush(ctx context.Context, counted int) error {
	if r.page.Len() == 0 && r.pages > 0 {
		return nil
	}
	p := audit.Page{Kind: "sql." + r.Name, Scope: r.Scope, Query: pageQuery(r.statement, r.first, r.zone.String()),
		Media: format.Media(), Body: append([]byte{}, r.page.Bytes()...), About: r.about}
	if r.sinkErr = r.run.Seal(ctx, p, r.open...); r.sinkErr != nil {
		return r.sinkErr
	}
	r.pages++
	items, err := r.prog.Read(format, "row", audit.Span{}, r.first, p.Body)
	if err != nil {
		r.fail(err.Error())
	}
	r.page.Reset()
	r.first = r.rows + 1
	r.run.Progress(r.Name, r.rows, counted)
	return r.repeated(items)
}

// repeated refuses an id that an earlier page had. It keeps eight bytes a row.
func (r *reading) repeated(items []audit.Item) error {
	if r.Mode == audit.ModeChanges {
		return nil
	}
	for _, it := range items {
		if it.Type != r.Type {
			continue
		}
		n := len(r.ids)
		if r.ids[maphash.String(r.seed, it.ID)] = struct{}{}; len(r.ids) == n {
			return fmt.Errorf("the id %q appears a second time", it.ID)
		}
	}
	return nil
}

// reason is an error without what the driver says of its connection string.
func reason(err error) string {
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &connect):
		return connect.Unwrap().Error()
	case errors.As(err, &pg):
		return fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	return err.Error()
}
