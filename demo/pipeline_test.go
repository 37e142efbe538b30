package demo_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/demo"
	"tieout/procedure"
	"tieout/source"
	"tieout/source/files"
	"tieout/timeline"
)

// findsTheTruth holds what the pipeline finds in the workspace to what was
// seeded, both ways.
func findsTheTruth(t *testing.T, dir string, truth *demo.Truth) {
	t.Helper()
	missing, extra := truth.Compare(run(t, dir))
	for _, m := range missing {
		t.Errorf("missing: %s", m)
	}
	for _, e := range extra {
		t.Errorf("extra: %s", e)
	}
}

// run collects every source of the workspace in memory, makes the timelines
// and runs every procedure over the year.
func run(t *testing.T, dir string) []audit.Tested {
	t.Helper()
	ws, err := definition.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	asOf := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	w := audit.Window{Span: audit.Span{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: asOf}, AsOf: asOf, Zone: demo.Zone}
	all := &memory{}
	for _, s := range ws.Sources {
		all.collect(t, dir, s, w)
	}
	lines, err := timeline.Observe(all.observations)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ws.Period("2025")
	if err != nil {
		t.Fatal(err)
	}
	in := procedure.Input{Period: p.Period, AsOf: asOf, Holidays: ws.Config.Holidays,
		Timeline: func(typ string) (*audit.Timeline, error) { return lines[typ], nil }}
	tested, err := procedure.Run(t.Context(), in, selected(ws), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tested
}

// selected are the procedures that the program performs here.
func selected(ws *definition.Workspace) []*procedure.Procedure {
	return ws.Select(func(string) []string { return files.Driver.Types }).Procedures
}

// memory is a sink that keeps observations and seals nothing.
type memory struct {
	observations []audit.Observation
	records      int64
	source       string
	driver       *source.Driver
	config       []byte
	pages        []keptPage
}

// A keptPage is a page's items until the manifest that takes them comes.
type keptPage struct {
	kind, scope string
	about       audit.Span
	items       []audit.Seen
	bad         string
}

func (m *memory) collect(t *testing.T, dir string, s definition.SourceDef, w audit.Window) {
	t.Helper()
	m.source, m.driver, m.pages = s.Name, files.Driver, nil
	c, config, err := m.driver.Open(s.Name, s.With, source.Env{Dir: dir})
	if err != nil {
		t.Fatalf("%s: %v", s.File, err)
	}
	m.config = config
	if err := c.Collect(t.Context(), w, m); err != nil {
		t.Fatalf("%s: %v", s.File, err)
	}
}

// Page implements source.Sink.
func (m *memory) Page(_ context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		m.records++
		items, err := m.driver.Normalize(m.config, p)
		k := keptPage{kind: p.Kind, scope: p.Scope, about: p.About}
		if err != nil {
			k.bad = err.Error()
		}
		for _, it := range items {
			k.items = append(k.items, audit.Seen{Item: it, Record: m.records})
		}
		m.pages = append(m.pages, k)
	}
	return nil
}

// Close implements source.Sink.
func (m *memory) Close(_ context.Context, f audit.Manifest) error {
	m.records++
	o := audit.Observation{Stream: audit.StreamKey{Source: m.source, Scope: f.Scope, Type: f.Type}, Mode: f.Mode, Covers: f.Covers,
		Complete: f.Complete, Reason: f.Reason, Record: m.records}
	for _, c := range f.Checks {
		if !c.OK {
			o.Complete, o.Reason = false, fmt.Sprintf("%s: expected %s, read %s", c.Name, c.Want, c.Got)
		}
	}
	for _, k := range m.pages {
		if !f.Takes(k.kind, k.scope, k.about) {
			continue
		}
		if k.bad != "" {
			o.Complete, o.Reason = false, k.bad
		}
		for _, it := range k.items {
			if it.Type == f.Type {
				o.Items = append(o.Items, it)
			}
		}
	}
	m.observations = append(m.observations, o)
	m.forget()
	return nil
}

// forget drops pages long closed: a stream's manifests follow its pages.
func (m *memory) forget() {
	if len(m.pages) > 256 {
		m.pages = slices.Delete(m.pages, 0, len(m.pages)-256)
	}
}

// Progress implements source.Sink.
func (m *memory) Progress(string, int, int) {}
