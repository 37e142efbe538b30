package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"tieout/audit"
	"tieout/procedure"
	"tieout/store"
	"tieout/store/sqlite"
	"tieout/timeline"
)

// storedRows are the engine over a year that lies in a SQLite file: reading,
// unpacking, settling and testing, in one measured time.
func storedRows(ctx context.Context, b *bench) (out []row, err error) {
	ps, err := newSet(false).procedures()
	if err != nil {
		return nil, err
	}
	tl := year(b.items)
	decode, err := median(5, func() error { return decodeAll(tl) })
	if err != nil {
		return nil, err
	}
	st, err := sqlite.Open(ctx, filepath.Join(b.dir, "year", "store.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := keep(ctx, st, tl); err != nil {
		return nil, err
	}
	want, err := tested(ctx, ps, tl)
	if err != nil {
		return nil, err
	}
	tl = nil
	c, err := median(3, func() error {
		read, err := load(ctx, st)
		if err != nil {
			return err
		}
		got, err := tested(ctx, ps, read)
		if err == nil && got != want {
			err = errors.New("the year from the store gives other figures than the year in memory")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return []row{under(fmt.Sprintf("engine from the store: read %s versions from SQLite, then the same", thousands(b.items*versions)), c.String(), ratio(c, decode), 5, "x decode-only")}, nil
}

// keep writes the year as daily collections do: what changed on a day together.
func keep(ctx context.Context, st *store.Store, tl *audit.Timeline) error {
	byDay := map[int64][]store.VersionRow{}
	for i := range tl.Histories {
		for _, v := range tl.Histories[i].Versions {
			byDay[v.Record] = append(byDay[v.Record], store.VersionRow{Item: tl.Histories[i].ID, Version: v})
		}
	}
	key := tl.Streams[0].StreamKey
	for _, p := range tl.Streams[0].Points {
		cov := store.Coverage{Points: []audit.Point{p}}
		if err := st.AppendVersions(ctx, key, audit.ModeSnapshot, byDay[p.Record], cov); err != nil {
			return err
		}
	}
	return nil
}

// load reads the year as a run does.
func load(ctx context.Context, st *store.Store) (*audit.Timeline, error) {
	tl, err := st.Timeline(ctx, "account")
	if err != nil {
		return nil, err
	}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		h.Versions = timeline.Settle(tl.Streams[h.Stream].Mode, h.Versions)
	}
	return tl, nil
}

// tested runs the engine and returns its figures as text: counts, and every
// deviation by name and time.
func tested(ctx context.Context, ps []*procedure.Procedure, tl *audit.Timeline) (string, error) {
	in := procedure.Input{Period: fullYear(), AsOf: midnight(days), Timeline: func(string) (*audit.Timeline, error) { return tl, nil }}
	all, err := procedure.Run(ctx, in, ps, nil)
	if err != nil {
		return "", err
	}
	if err := sane(all, len(tl.Histories)); err != nil {
		return "", err
	}
	var figures []byte
	for _, t := range all {
		figures = fmt.Appendf(figures, "%s %d %v\n", t.Procedure, t.Items, t.Counts)
		slices.SortFunc(t.Deviations, func(a, b audit.Deviation) int { return a.Span.From.Compare(b.Span.From) })
		for _, d := range t.Deviations {
			figures = fmt.Appendf(figures, "%s %s %v\n", d.Ref, d.Item, d.Span)
		}
	}
	return string(figures), nil
}
