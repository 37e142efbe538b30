// Package sourcetest is what every source is held to: a sink that records, and
// one conformance test that each driver runs on recorded answers.
package sourcetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// A Recorder is a Sink that keeps what it is given. With a Driver it
// normalizes each page as it comes, as the product does.
type Recorder struct {
	Driver *source.Driver // nil: pages are kept and not normalized
	Config json.RawMessage

	Fail       func(page int) error // called before page number page (from 0) is taken
	OnPage     func(page int)       // called after it was taken
	Pages      []audit.Page
	Items      []audit.Item
	ItemPages  []int // for each item, the index of the page it came from
	Errs       []error
	Manifests  []audit.Manifest
	Progresses int
}

// Page keeps copies of pages and normalizes them.
func (r *Recorder) Page(ctx context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.Fail != nil {
			if err := r.Fail(len(r.Pages)); err != nil {
				return err
			}
		}
		p.Body = bytes.Clone(p.Body)
		r.Pages = append(r.Pages, p)
		r.normalize(p)
		if r.OnPage != nil {
			r.OnPage(len(r.Pages) - 1)
		}
	}
	return nil
}

func (r *Recorder) normalize(p audit.Page) {
	if r.Driver == nil {
		return
	}
	items, err := r.Driver.Normalize(r.Config, p)
	if err != nil {
		r.Errs = append(r.Errs, err)
	}
	for range items {
		r.ItemPages = append(r.ItemPages, len(r.Pages)-1)
	}
	r.Items = append(r.Items, items...)
}

// Close keeps m.
func (r *Recorder) Close(ctx context.Context, m audit.Manifest) error {
	r.Manifests = append(r.Manifests, m)
	return ctx.Err()
}

// Progress counts the calls.
func (r *Recorder) Progress(string, int, int) { r.Progresses++ }

// Manifest returns the first manifest of an item type, or a zero one.
func (r *Recorder) Manifest(itemType string) audit.Manifest {
	for _, m := range r.Manifests {
		if m.Type == itemType {
			return m
		}
	}
	return audit.Manifest{}
}

// ByType returns the items of one type, in order.
func (r *Recorder) ByType(itemType string) []audit.Item {
	var out []audit.Item
	for _, it := range r.Items {
		if it.Type == itemType {
			out = append(out, it)
		}
	}
	return out
}

// Text returns the first item of that type and id as it is written, body and
// volatile part, or "no such item".
func (r *Recorder) Text(itemType, id string) string {
	for _, it := range r.Items {
		if it.Type == itemType && it.ID == id {
			return string(it.Body) + string(it.Volatile)
		}
	}
	return "no such item"
}

// A Connection is one way to open a driver, for Conform.
type Connection struct {
	Driver *source.Driver
	Name   string
	With   string // the settings, as JSON
	Env    source.Env
	Window audit.Window
}

// Record opens the connection, collects it and returns what came.
func Record(t testing.TB, c Connection) *Recorder {
	t.Helper()
	col, config, err := c.Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatalf("open %s: %v", c.Name, err)
	}
	r := &Recorder{Driver: c.Driver, Config: config}
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatalf("collect %s: %v", c.Name, err)
	}
	return r
}

// Conform runs the connection and holds the driver to the contract of package
// source. The connection must give at least one item of every driver type
// named in want, and every stream must close complete.
func Conform(t *testing.T, c Connection, want ...string) {
	t.Helper()
	t.Run("streams close complete", func(t *testing.T) { conformStreams(t, c, want) })
	t.Run("normalize is pure", func(t *testing.T) { conformPure(t, c) })
	t.Run("items follow the schema", func(t *testing.T) { conformItems(t, c) })
	t.Run("a sink that fails stops everything", func(t *testing.T) { conformSink(t, c) })
	t.Run("cancel stops everything", func(t *testing.T) { conformCancel(t, c) })
	t.Run("unknown settings are refused", func(t *testing.T) { conformSettings(t, c) })
}

func conformStreams(t *testing.T, c Connection, want []string) {
	r := Record(t, c)
	for _, err := range r.Errs {
		t.Errorf("normalize: %v", err)
	}
	for _, m := range r.Manifests {
		if !m.Complete {
			t.Errorf("stream %s %q is incomplete: %s", m.Type, m.Scope, m.Reason)
		}
		if m.Complete && (len(m.Queries) == 0 || m.Covers.Empty() || len(m.Cannot) == 0) {
			t.Errorf("stream %s closes without a query, a covered stretch or its limits: %+v", m.Type, m)
		}
	}
	for _, typ := range want {
		if len(r.ByType(typ)) == 0 {
			t.Errorf("no item of type %s", typ)
		}
	}
	for i, it := range r.Items {
		p := r.Pages[r.ItemPages[i]]
		takes := func(m audit.Manifest) bool { return m.Type == it.Type && m.Takes(p.Kind, p.Scope, p.About) }
		if !slices.ContainsFunc(r.Manifests, takes) {
			t.Fatalf("item %s of type %s, on a page of kind %s about %v: no stream that was closed takes it", it.ID, it.Type, p.Kind, p.About)
		}
	}
	for _, m := range r.Manifests {
		r.agree(t, m)
	}
}

// agree holds one snapshot to one body for each id, and two streams of one
// instant and scope to pages of their own.
func (r *Recorder) agree(t *testing.T, m audit.Manifest) {
	t.Helper()
	if m.Mode != audit.ModeSnapshot {
		return
	}
	bodies := map[string]string{}
	for i, it := range r.Items {
		p := r.Pages[r.ItemPages[i]]
		if it.Type != m.Type || !m.Takes(p.Kind, p.Scope, p.About) {
			continue
		}
		if have, ok := bodies[it.ID]; ok && have != string(it.Body) {
			t.Errorf("%s %s has two bodies in one stream:\n%s\n%s", it.Type, it.ID, have, it.Body)
		}
		bodies[it.ID] = string(it.Body)
		for _, other := range r.Manifests {
			if other.Type == m.Type && other.Scope == m.Scope && !slices.Equal(other.Kinds, m.Kinds) && other.Takes(p.Kind, p.Scope, p.About) {
				t.Errorf("%s %s is on a page of kind %s, which two streams take", it.Type, it.ID, p.Kind)
			}
		}
	}
}

func conformPure(t *testing.T, c Connection) {
	r := Record(t, c)
	for i, p := range r.Pages {
		if p.Source != c.Name || p.Kind == "" || p.Media == "" || p.Query == "" || p.Collected.IsZero() {
			t.Errorf("page %d does not say its source, kind, media, query and time: %q %q %q %q %v",
				i, p.Source, p.Kind, p.Media, p.Query, p.Collected)
		}
		a, errA := c.Driver.Normalize(r.Config, p)
		// The time of reading, the cursor and the source's name are not input.
		p.Collected, p.Cursor = p.Collected.AddDate(1, 0, 0), "other"
		b, errB := c.Driver.Normalize(bytes.Clone(r.Config), p)
		if fmt.Sprint(a, errA) != fmt.Sprint(b, errB) {
			t.Errorf("page %d normalizes to two different results", i)
		}
	}
}

func conformItems(t *testing.T, c Connection) {
	r := Record(t, c)
	if len(r.Items) == 0 {
		t.Fatal("no items")
	}
	for _, it := range r.Items {
		if !slices.Contains(c.Driver.Types, it.Type) {
			t.Errorf("%s: type %s is not among the driver's", it.ID, it.Type)
		}
		if err := Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
}

func conformSink(t *testing.T, c Connection) {
	boom := errors.New("the disk is full")
	for n := range len(Record(t, c).Pages) {
		r := &Recorder{Fail: func(page int) error {
			if page == n {
				return boom
			}
			return nil
		}}
		if err := collect(t, c, t.Context(), r); !errors.Is(err, boom) {
			t.Errorf("page %d failed and Collect returned %v; want the sink's error", n, err)
		}
		if n == 0 && slices.ContainsFunc(r.Manifests, func(m audit.Manifest) bool { return m.Complete && m.Pages > 0 }) {
			t.Errorf("a stream closed complete although no page was sealed")
		}
	}
}

func conformCancel(t *testing.T, c Connection) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &Recorder{}
	if err := collect(t, c, ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled before the start, Collect returned %v", err)
	}
	if slices.ContainsFunc(r.Manifests, func(m audit.Manifest) bool { return m.Complete }) {
		t.Error("a stream closed complete after cancel")
	}
	pages := len(Record(t, c).Pages)
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	r = &Recorder{OnPage: func(int) { cancel() }}
	err := collect(t, c, ctx, r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled after the first of %d pages, Collect returned %v", pages, err)
	}
}

func conformSettings(t *testing.T, c Connection) {
	var with map[string]any
	if err := json.Unmarshal([]byte(c.With), &with); err != nil {
		t.Fatal(err)
	}
	with["no-such-setting"] = true
	b, err := canonical.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Driver.Open(c.Name, b, c.Env); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a setting nobody knows gave %v; want audit.ErrInvalid", err)
	}
}

func collect(t *testing.T, c Connection, ctx context.Context, r *Recorder) error {
	t.Helper()
	col, _, err := c.Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return col.Collect(ctx, c.Window, r)
}
