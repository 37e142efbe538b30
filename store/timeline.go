package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tieout/audit"
)

// Coverage is what a collection adds to a stream's coverage.
type Coverage struct {
	Points  []audit.Point
	Covered []audit.Stretch
	Holes   []audit.Hole
}

const (
	coverPoint   = "point"
	coverStretch = "stretch"
	coverHole    = "hole"
)

// The timeline's cache can be thrown away and rebuilt from sealed evidence.
// Nothing in it is evidence.

// AppendVersions adds versions and coverage to a stream, all or none, and
// makes the stream where there is none. An item's versions come in the order
// of time. Rows and coverage that are there already count once, so calling
// again is safe. Coverage comes as it is to be told: not overlapping.
func (s *Store) AppendVersions(ctx context.Context, key audit.StreamKey, mode audit.Mode, rows []VersionRow, cov Coverage) error {
	if err := checkTexts("source", key.Source, "scope", key.Scope, "type", key.Type, "mode", string(mode)); err != nil {
		return fmt.Errorf("append versions: %w", err)
	}
	segs, err := pack(rows)
	if err != nil {
		return fmt.Errorf("append versions of %v: %w", key, err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		id, last, err := holdStream(ctx, tx, key, mode, len(segs))
		if err != nil {
			return err
		}
		if err := s.insertSegments(ctx, tx, id, last-int64(len(segs)), segs); err != nil {
			return err
		}
		return s.insertCoverage(ctx, tx, id, cov)
	})
	if err != nil {
		return fmt.Errorf("append %d versions of %v: %w", len(rows), key, err)
	}
	return nil
}

// holdStream finds or makes a stream, locks it until the transaction ends and
// reserves segment numbers; last is the highest of them.
func holdStream(ctx context.Context, tx *sql.Tx, key audit.StreamKey, mode audit.Mode, segments int) (id, last int64, err error) {
	id, last, err = reserve(ctx, tx, key, mode, segments)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, last, err
	}
	if id, err = next(ctx, tx, "stream", 1); err != nil {
		return 0, 0, err
	}
	_, err = tx.ExecContext(ctx, `insert into streams (id, source, scope, type, mode, segments) values ($1, $2, $3, $4, $5, 0)
		on conflict (type, source, scope, mode) do nothing`, id, key.Source, key.Scope, key.Type, string(mode))
	if err != nil {
		return 0, 0, err
	}
	return reserve(ctx, tx, key, mode, segments)
}

func reserve(ctx context.Context, tx *sql.Tx, key audit.StreamKey, mode audit.Mode, segments int) (id, last int64, err error) {
	err = tx.QueryRowContext(ctx, `update streams set segments = segments + $1
		where type = $2 and source = $3 and scope = $4 and mode = $5 returning id, segments`,
		int64(segments), key.Type, key.Source, key.Scope, string(mode)).Scan(&id, &last)
	return id, last, err
}

func (s *Store) insertSegments(ctx context.Context, tx *sql.Tx, stream, before int64, segs []packed) error {
	d := s.dialect
	d.Rows = min(d.Rows, 8) // of about a megabyte each
	_, err := insertInto("segments", "stream, n, versions, raw_size, data", "").
		run(ctx, tx, d, len(segs), func(args []any, i int) []any {
			return append(args, stream, before+1+int64(i), int64(segs[i].versions), int64(segs[i].raw), segs[i].data)
		})
	return err
}

func (s *Store) insertCoverage(ctx context.Context, tx *sql.Tx, stream int64, cov Coverage) error {
	type row struct {
		kind   string
		span   audit.Span
		record int64
		reason string
	}
	rows := make([]row, 0, len(cov.Points)+len(cov.Covered)+len(cov.Holes))
	for _, p := range cov.Points {
		rows = append(rows, row{coverPoint, audit.Span{From: p.At, To: p.At}, p.Record, ""})
	}
	for _, c := range cov.Covered {
		rows = append(rows, row{coverStretch, c.Span, c.Record, ""})
	}
	for _, h := range cov.Holes {
		if err := checkText("reason", h.Reason); err != nil {
			return err
		}
		rows = append(rows, row{coverHole, h.Span, h.Record, h.Reason})
	}
	_, err := insertInto("coverage", "stream, kind, from_at, to_at, record, reason", " on conflict (stream, kind, from_at, to_at, record) do nothing").
		run(ctx, tx, s.dialect, len(rows), func(args []any, i int) []any {
			r := rows[i]
			return append(args, stream, r.kind, micros(r.span.From), micros(r.span.To), r.record, r.reason)
		})
	return err
}

// DropStream takes a stream in all its modes, its versions and its coverage,
// out of the cache, before it is rebuilt from evidence. A stream that is not
// there is no error.
func (s *Store) DropStream(ctx context.Context, key audit.StreamKey) error {
	const of = ` (select id from streams where type = $1 and source = $2 and scope = $3)`
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, stmt := range []string{
			`update streams set segments = segments where id in` + of,
			`delete from segments where stream in` + of,
			`delete from coverage where stream in` + of,
			`delete from streams where id in` + of,
		} {
			if _, err := tx.ExecContext(ctx, stmt, key.Type, key.Source, key.Scope); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop stream %v: %w", key, err)
	}
	return nil
}

// Types returns the item types the cache has streams of, in order.
func (s *Store) Types(ctx context.Context) ([]string, error) {
	streams, err := s.Streams(ctx)
	if err != nil {
		return nil, err
	}
	var types []string
	for _, k := range streams {
		if len(types) == 0 || types[len(types)-1] != k.Type {
			types = append(types, k.Type)
		}
	}
	return types, nil
}
