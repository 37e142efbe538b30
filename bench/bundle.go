package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tieout/audit"
	"tieout/bundle"
	"tieout/period"
	"tieout/source"
)

// The bundle's year: so many accounts on each day's pages, ten on a page.
const (
	bundleAccounts = 2_740
	perPage        = 10
)

// bundleRows take a year of small pages through the whole flow into a bundle of
// 100,000 records, verify it and re-perform it.
func bundleRows(ctx context.Context, b *bench) ([]row, error) {
	accounts := b.scaled(bundleAccounts, perPage)
	dir := filepath.Join(b.dir, "bundle")
	if err := workspace(dir); err != nil {
		return nil, err
	}
	drivers := source.Registry{directory(accounts)}
	path := filepath.Join(b.dir, "year.bundle")
	sealed, records, err := makeBundle(ctx, dir, path, drivers)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	verify, err := measure(func() error { return verifyAll(ctx, f, st.Size(), records) })
	if err != nil {
		return nil, err
	}
	again, err := measure(func() error { return reperformAll(ctx, f, st.Size(), drivers, accounts) })
	if err != nil {
		return nil, err
	}
	each := func(c cost) string { return fmt.Sprintf("%s, %s a record", c, short(c.cpu/time.Duration(records))) }
	return []row{
		plain(fmt.Sprintf("collect, seal, test and write a bundle of %s records, %s", thousands(records), mib(st.Size())), each(sealed), 1, "x"),
		plain("tieout verify", each(verify), ratio(verify, sealed), "x making it"),
		plain("tieout reperform: verify, parse and test everything again", each(again), ratio(again, sealed), "x making it"),
	}, nil
}

func verifyAll(ctx context.Context, f *os.File, size int64, records int) error {
	c, err := bundle.Verify(ctx, f, size, bundle.Options{Now: time.Now()})
	if err == nil && c.Records != records {
		err = fmt.Errorf("verified %d records of %d", c.Records, records)
	}
	return err
}

// reperformAll repeats everything and asserts that all of it agrees.
func reperformAll(ctx context.Context, f *os.File, size int64, drivers source.Registry, accounts int) error {
	r, err := bundle.Reperform(ctx, f, size, bundle.Options{Now: time.Now()}, drivers)
	if err != nil {
		return err
	}
	if r.Items.Agree != r.Items.Of || r.Items.Of != int64(accounts*days) || r.Results.Agree != r.Results.Of || r.Results.Of == 0 || r.Figures.Agree != r.Figures.Of {
		return fmt.Errorf("re-performed: items %v, results %v, figures %v", r.Items, r.Results, r.Figures)
	}
	return nil
}

// workspace writes a workspace with one source and ten of the checks.
func workspace(dir string) error {
	files := map[string]string{
		"tieout.yaml":            "organization: { name: Example, system: Example, zone: UTC }\nperiod: { first: 2025-01-01, last: 2025-12-31 }\n",
		"sources/directory.yaml": "kind: directory\n",
	}
	for i, c := range newSet(true).checks[:10] {
		files[fmt.Sprintf("procedures/check%d.yaml", i)] = string(c.document(i))
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// makeBundle runs the flow and returns what it took and how many records the
// bundle holds.
func makeBundle(ctx context.Context, dir, path string, drivers source.Registry) (c cost, records int, err error) {
	p, err := period.Open(ctx, dir, period.Options{
		Drivers: drivers, Now: time.Now, Getenv: os.Getenv, Create: true, Tieout: "bench", Actor: audit.Actor{Kind: audit.ActorCommand, Name: "bench"},
	})
	if err != nil {
		return c, 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	c, err = measure(func() error { return flow(ctx, p, path) })
	return c, int(p.Log.Checkpoint().Size), err
}

func flow(ctx context.Context, p *period.Program, path string) error {
	if _, _, err := p.Apply(ctx); err != nil {
		return err
	}
	got, err := p.Collect(ctx, nil, nil)
	if err != nil {
		return err
	}
	for _, c := range got {
		if c.Err != nil || !c.End.Complete {
			return fmt.Errorf("collect %s: complete %v: %w", c.Source, c.End.Complete, c.Err)
		}
	}
	run, err := p.Check(ctx, period.CheckOptions{})
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = p.Bundle(ctx, f, run)
	return errors.Join(err, f.Close())
}

// directory is an invented system that shows its accounts every day of 2025, a
// few of which are without a second factor for some days.
func directory(accounts int) *source.Driver {
	return &source.Driver{
		Name: "directory", Version: 1, Title: "An invented directory", Types: []string{"account"},
		Open: func(_ string, with json.RawMessage, _ source.Env) (source.Collector, json.RawMessage, error) {
			return collector(accounts), with, nil
		},
		Normalize: readPage,
	}
}

type collector int

// Collect hands over a snapshot a day, its pages together.
func (n collector) Collect(ctx context.Context, _ audit.Window, sink source.Sink) error {
	for d := range days {
		about := audit.At(time.Date(2025, 1, 1+d, 0, 0, 0, 0, time.UTC))
		var pages []audit.Page
		for first := 0; first < int(n); first += perPage {
			body, err := page(first, min(first+perPage, int(n)), d)
			if err != nil {
				return err
			}
			pages = append(pages, audit.Page{Kind: "directory.accounts", Query: fmt.Sprintf("GET /accounts?from=%d", first), Media: "application/json",
				Body: body, About: about, Collected: about.From})
		}
		if err := sink.Page(ctx, pages...); err != nil {
			return err
		}
		m := audit.Manifest{Type: "account", Mode: audit.ModeSnapshot, Covers: about, Complete: true, Kinds: []string{"directory.accounts"},
			Queries: []string{"GET /accounts"}, Pages: len(pages), Items: int(n)}
		if err := sink.Close(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// listed is an account on a page.
type listed struct {
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

func page(from, to, d int) ([]byte, error) {
	var list []listed
	for i := from; i < to; i++ {
		v := min(d/80, versions-1)
		list = append(list, listed{fmt.Sprintf("u%06d", i), body(i, v, 80*v+i%30-365)})
	}
	return json.Marshal(list)
}

func readPage(_ json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var list []listed
	if err := json.Unmarshal(p.Body, &list); err != nil {
		return nil, err
	}
	out := make([]audit.Item, len(list))
	for i, a := range list {
		out[i] = audit.Item{Type: "account", ID: p.Source + "/" + a.ID, Body: a.Body}
	}
	return out, nil
}
