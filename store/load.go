package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"tieout/audit"
)

// Streams returns the keys of all streams, sorted by type, source and scope;
// one that comes in two modes is there once.
func (s *Store) Streams(ctx context.Context) (keys []audit.StreamKey, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var k audit.StreamKey
		err := r.Scan(&k.Source, &k.Scope, &k.Type)
		keys = append(keys, k)
		return err
	}, `select distinct source, scope, type from streams`)
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	slices.SortFunc(keys, compareKeys)
	return keys, nil
}

func compareKeys(a, b audit.StreamKey) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope))
}

// Timeline returns everything the cache knows of one item type. Streams are
// sorted by source, scope and mode, histories by ID and stream, versions by
// time; they are the rows as they were appended, which timeline.Settle makes a
// history of. Bodies lie in large shared buffers: they are read-only, and stay in memory as long as
// any of them is in use. A type without streams gives an empty Timeline,
// which covers nothing.
func (s *Store) Timeline(ctx context.Context, typ string) (*audit.Timeline, error) {
	t := &audit.Timeline{Type: typ}
	numbers, err := s.coverage(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", typ, err)
	}
	for i, id := range numbers {
		hs, err := s.histories(ctx, id, i)
		if err != nil {
			return nil, fmt.Errorf("timeline of %s from %s %s: %w", typ, t.Streams[i].Source, t.Streams[i].Scope, err)
		}
		t.Histories = append(t.Histories, hs...)
	}
	byID := func(a, b audit.History) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Stream, b.Stream)) }
	if !slices.IsSortedFunc(t.Histories, byID) {
		slices.SortFunc(t.Histories, byID)
	}
	return t, nil
}

// coverage fills t.Streams and returns the streams' numbers in the same order.
func (s *Store) coverage(ctx context.Context, t *audit.Timeline) ([]int64, error) {
	var numbers []int64
	err := s.eachRow(ctx, func(r *sql.Rows) error {
		var id int64
		st := audit.Stream{StreamKey: audit.StreamKey{Type: t.Type}}
		err := r.Scan(&id, &st.Source, &st.Scope, &st.Mode)
		t.Streams, numbers = append(t.Streams, st), append(numbers, id)
		return err
	}, `select id, source, scope, mode from streams where type = $1`, t.Type)
	if err != nil {
		return nil, err
	}
	numbers = sortStreams(t.Streams, numbers)
	for i := range t.Streams {
		if err := s.cover(ctx, &t.Streams[i], numbers[i]); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

func sortStreams(streams []audit.Stream, numbers []int64) []int64 {
	type id struct {
		audit.StreamKey
		audit.Mode
	}
	of := make(map[id]int64, len(streams))
	for i, s := range streams {
		of[id{s.StreamKey, s.Mode}] = numbers[i]
	}
	slices.SortFunc(streams, func(a, b audit.Stream) int {
		return cmp.Or(compareKeys(a.StreamKey, b.StreamKey), cmp.Compare(a.Mode, b.Mode))
	})
	for i, s := range streams {
		numbers[i] = of[id{s.StreamKey, s.Mode}]
	}
	return numbers
}

func (s *Store) cover(ctx context.Context, st *audit.Stream, id int64) error {
	return s.eachRow(ctx, func(r *sql.Rows) error {
		var kind, reason string
		var from, to, record int64
		if err := r.Scan(&kind, &from, &to, &record, &reason); err != nil {
			return err
		}
		span := audit.Span{From: instant(from), To: instant(to)}
		switch kind {
		case coverPoint:
			st.Points = append(st.Points, audit.Point{At: span.From, Record: record})
		case coverStretch:
			st.Covered = appendStretch(st.Covered, audit.Stretch{Span: span, Record: record})
		case coverHole:
			st.Holes = append(st.Holes, audit.Hole{Span: span, Reason: reason, Record: record})
		}
		return nil
	}, `select kind, from_at, to_at, record, reason from coverage where stream = $1 order by from_at, to_at, record, kind`, id)
}

// appendStretch keeps stretches from overlapping: where two collections cover
// the same time, the one that starts first has it.
func appendStretch(all []audit.Stretch, c audit.Stretch) []audit.Stretch {
	if n := len(all); n > 0 && c.From.Before(all[n-1].To) {
		c.From = all[n-1].To
	}
	if c.Empty() {
		return all
	}
	return append(all, c)
}

// manyVersions is from where on a collection of garbage costs less than the
// memory it frees is worth: the buffers hold no pointers, so it is quick.
const manyVersions = 200_000

// histories reads one stream's versions into one slab.
func (s *Store) histories(ctx context.Context, id int64, stream int) ([]audit.History, error) {
	segs, total, err := s.segments(ctx, id)
	if err != nil || total == 0 {
		return nil, err
	}
	if total > manyVersions {
		runtime.GC() // the compressed copies go before the slab comes
	}
	hs, owner, err := countVersions(segs, total, stream)
	if err != nil {
		return nil, err
	}
	at := 0
	for _, raw := range segs {
		err := eachVersion(raw, func(_ []byte, v audit.Version) error {
			h := &hs[owner[at]]
			h.Versions = append(h.Versions, v)
			at++
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range hs {
		hs[i].Versions = tidy(hs[i].Versions)
	}
	return hs, nil
}

// countVersions makes every item's history with room for its versions in one
// slab, and says for each row which history it belongs to.
func countVersions(segs [][]byte, total int64, stream int) (hs []audit.History, owner []int32, err error) {
	owner = make([]int32, 0, total)
	index := map[string]int32{}
	var counts []int32
	for _, raw := range segs {
		err := eachVersion(raw, func(item []byte, _ audit.Version) error {
			i, ok := index[string(item)]
			if !ok {
				i = int32(len(counts))
				counts = append(counts, 0)
				index[string(item)] = i
			}
			counts[i]++
			owner = append(owner, i)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	hs = make([]audit.History, len(counts))
	for id, i := range index {
		hs[i].ID, hs[i].Stream = id, stream
	}
	slab := make([]audit.Version, len(owner))
	for i, n := range counts {
		hs[i].Versions, slab = slab[:0:n], slab[n:]
	}
	return hs, owner, nil
}

// tidy orders versions by time, those of one instant as they were appended,
// and drops repetitions, which a repeated AppendVersions leaves behind.
func tidy(vs []audit.Version) []audit.Version {
	byTime := func(a, b audit.Version) int { return a.From.At.Compare(b.From.At) }
	if !slices.IsSortedFunc(vs, byTime) {
		slices.SortStableFunc(vs, byTime)
	}
	return slices.CompactFunc(vs, func(a, b audit.Version) bool {
		return a.From == b.From && a.Gone == b.Gone && a.Record == b.Record && bytes.Equal(a.Body, b.Body)
	})
}

// segments reads and unpacks a stream's segments in order, on all cores.
func (s *Store) segments(ctx context.Context, id int64) (segs [][]byte, total int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	n := 0
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var versions, raw int64
		var data []byte
		if err := r.Scan(&versions, &raw, &data); err != nil {
			return err
		}
		at := n
		n, total = n+1, total+versions
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			b, err := unpack(data, raw)
			if err != nil {
				cancel(err)
			}
			mu.Lock()
			defer mu.Unlock()
			segs = append(segs, make([][]byte, max(0, at+1-len(segs)))...)
			segs[at] = b
		})
		return nil
	}, `select versions, raw_size, data from segments where stream = $1 order by n`, id)
	wg.Wait()
	return segs, total, cmp.Or(unlessCanceled(context.Cause(ctx)), err)
}

func unlessCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Stream returns one stream's coverage, without its items; audit.ErrNotFound
// if there is no such stream.
func (s *Store) Stream(ctx context.Context, key audit.StreamKey, mode audit.Mode) (audit.Stream, error) {
	st := audit.Stream{StreamKey: key, Mode: mode}
	id, err := s.streamID(ctx, key, mode)
	if err == nil {
		err = s.cover(ctx, &st, id)
	}
	return st, found(err, "stream %s %s %s as %s", key.Source, key.Scope, key.Type, mode)
}

func (s *Store) streamID(ctx context.Context, key audit.StreamKey, mode audit.Mode) (id int64, err error) {
	err = s.reader.QueryRowContext(ctx, `select id from streams where type = $1 and source = $2 and scope = $3 and mode = $4`,
		key.Type, key.Source, key.Scope, string(mode)).Scan(&id)
	return id, err
}

// Tail returns the last version of every item of a stream, sorted by item, for
// a tracker to go on from; nothing if there is no such stream. It reads the
// stream once and keeps only what it returns.
func (s *Store) Tail(ctx context.Context, key audit.StreamKey, mode audit.Mode) ([]VersionRow, error) {
	id, err := s.streamID(ctx, key, mode)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var rows []VersionRow
	if err == nil {
		rows, err = s.tail(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("tail of %v: %w", key, err)
	}
	slices.SortFunc(rows, func(a, b VersionRow) int { return cmp.Compare(a.Item, b.Item) })
	return rows, nil
}

func (s *Store) tail(ctx context.Context, id int64) (rows []VersionRow, err error) {
	index := map[string]int{}
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var raw int64
		var data []byte
		if err := r.Scan(&raw, &data); err != nil {
			return err
		}
		b, err := unpack(data, raw)
		if err != nil {
			return err
		}
		return eachVersion(b, func(item []byte, v audit.Version) error {
			i, ok := index[string(item)]
			if ok && v.From.At.Before(rows[i].Version.From.At) {
				return nil
			}
			if !ok {
				i = len(rows)
				rows = append(rows, VersionRow{Item: string(item)})
				index[rows[i].Item] = i
			}
			v.Body = append(rows[i].Version.Body[:0], v.Body...)
			if len(v.Body) == 0 {
				v.Body = nil
			}
			rows[i].Version = v
			return nil
		})
	}, `select raw_size, data from segments where stream = $1 order by n`, id)
	return rows, err
}
