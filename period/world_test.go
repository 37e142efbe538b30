package period

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/store"
	"tieout/timeline"
)

// A synth is an invented system: accounts come as a snapshot of several pages,
// people as changes, backups as events. What it shows depends on the instant
// alone, so that two runs can be compared.
type synth struct {
	pages  int                                                 // of accounts
	about  func(w audit.Window) time.Time                      // the snapshot's instant; nil: AsOf
	fail   func(w audit.Window, stream string, page int) error // a page that cannot be read
	before func(ctx context.Context, stream string, page int)  // called before a page is handed over
	since  func(since map[string]string)                       // what a collection was told to go on from
	sealed func(source string, n int)                          // n pages were reported sealed
}

// A row is one item on a page of a synth.
type row struct {
	Type string         `json:"type"`
	ID   string         `json:"id"`
	At   string         `json:"at,omitempty"`
	Gone bool           `json:"gone,omitempty"`
	Body map[string]any `json:"body,omitempty"`
}

type synthPage struct {
	Rows []row  `json:"rows"`
	Pad  string `json:"pad,omitempty"`
}

func (s *synth) driver() *source.Driver {
	return &source.Driver{
		Name: "synth", Version: 1, Title: "An invented system", Types: []string{"account", "backup", "person"},
		Open: func(name string, with json.RawMessage, _ source.Env) (source.Collector, json.RawMessage, error) {
			return &synthCollector{s, name}, with, nil
		},
		Normalize: normalizeSynth,
	}
}

func normalizeSynth(_ json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var page synthPage
	if err := json.Unmarshal(p.Body, &page); err != nil {
		return nil, err
	}
	var out []audit.Item
	for _, r := range page.Rows {
		it := audit.Item{Type: r.Type, ID: p.Source + "/" + r.ID, Gone: r.Gone}
		if r.At != "" {
			at, err := time.Parse(time.RFC3339, r.At)
			if err != nil {
				return out, err
			}
			it.At = at
		}
		if !r.Gone {
			body, err := canonical.Marshal(r.Body)
			if err != nil {
				return out, err
			}
			it.Body = body
		}
		out = append(out, it)
	}
	return out, nil
}

type synthCollector struct {
	*synth
	name string
}

func (c *synthCollector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	if c.since != nil {
		c.since(w.Since)
	}
	at := w.AsOf
	if c.about != nil {
		at = c.about(w)
	}
	if err := c.stream(ctx, sink, w, audit.At(at), "account", accountPages(at, c.pages), audit.ModeSnapshot); err != nil {
		return err
	}
	history := audit.Span{From: w.From, To: w.AsOf}
	if err := c.stream(ctx, sink, w, history, "person", [][]row{personRows(history)}, audit.ModeChanges); err != nil {
		return err
	}
	return c.stream(ctx, sink, w, history, "backup", backupPages(history), audit.ModeEvents)
}

func (c *synthCollector) stream(ctx context.Context, sink source.Sink, w audit.Window, about audit.Span, typ string, pages [][]row, mode audit.Mode) error {
	kind := "synth." + typ
	m := audit.Manifest{Type: typ, Mode: mode, Covers: about, Complete: true, Kinds: []string{kind}, Queries: []string{"GET /" + typ}}
	for i, rows := range pages {
		cursor := fmt.Sprint(i + 1)
		if mode == audit.ModeEvents && cursorReached(w.Since[kind+"\x1f"], i) {
			continue
		}
		if c.before != nil {
			c.before(ctx, typ, i+1)
		}
		if c.fail != nil {
			if err := c.fail(w, typ, i+1); err != nil {
				m.Complete, m.Reason = false, fmt.Sprintf("page %d of %d: %v", i+1, len(pages), err)
				continue
			}
		}
		page := synthPage{Rows: rows}
		if typ == "account" && i == 1 {
			page.Pad = strings.Repeat("x", 300<<10) // large enough for the blob store
		}
		body, err := json.Marshal(page)
		if err != nil {
			return err
		}
		p := audit.Page{Kind: kind, Query: fmt.Sprintf("GET /%s?page=%d", typ, i+1), Media: "application/json", Body: body, About: about, Collected: w.AsOf}
		if mode == audit.ModeEvents {
			p.Cursor = cursor
		}
		if err := sink.Page(ctx, p); err != nil {
			return err
		}
		m.Pages, m.Items = m.Pages+1, m.Items+len(rows)
		if c.sealed != nil {
			c.sealed(c.name, 1)
		}
	}
	return sink.Close(ctx, m)
}

// cursorReached reports whether page i lies before the cursor.
func cursorReached(cursor string, i int) bool {
	var done int
	if _, err := fmt.Sscan(cursor, &done); err != nil {
		return false
	}
	return i < done
}

// day is an instant of March 2026.
func day(d, hour int) time.Time { return time.Date(2026, 3, d, hour, 0, 0, 0, time.UTC) }

// accountPages: ben's second factor is off on the 3rd, cem's account ends on
// the 4th, and every further page has one account more.
func accountPages(at time.Time, pages int) [][]row {
	account := func(id string, mfa bool) row {
		return row{Type: "account", ID: id, Body: map[string]any{"kind": "human", "status": "active", "login": id, "mfa": map[string]any{"enforced": mfa}}}
	}
	out := [][]row{{account("ana", true)}, {account("ben", at.Day() != 3)}}
	last := []row{account("dora", true)}
	if at.Day() < 4 {
		last = append(last, account("cem", true))
	}
	for i := 3; i < pages; i++ {
		out = append(out, []row{account(fmt.Sprintf("n%02d", i), true)})
	}
	return append(out, last)
}

// personRows: p1 began with a check, p2 without one; p1 left on the 3rd.
func personRows(within audit.Span) (out []row) {
	person := func(id string, at, started, checked time.Time) {
		body := map[string]any{"name": id, "startedAt": audit.FormatTime(started), "backgroundCheckedAt": audit.FormatTime(checked), "endedAt": "never"}
		out = append(out, row{Type: "person", ID: id, At: at.Format(time.RFC3339), Body: body})
	}
	person("p1", day(1, 1), day(2, 1), day(1, 1))
	person("p2", day(2, 2), day(2, 3), audit.Never)
	person("p1", day(3, 2), day(2, 1), day(1, 1))
	out[2].Body["endedAt"] = audit.FormatTime(day(3, 1))
	return slices.DeleteFunc(out, func(r row) bool {
		at, err := time.Parse(time.RFC3339, r.At)
		return err != nil || !within.Contains(at)
	})
}

// backupPages: one page and one backup a day; the 3rd's is not encrypted.
func backupPages(within audit.Span) (out [][]row) {
	for d := 1; d <= 9; d++ {
		if at := day(d, 2); within.Contains(at) {
			body := map[string]any{"datastore": "db", "result": "success", "location": "b", "separate": true, "encrypted": d != 3, "immutable": true}
			out = append(out, []row{{Type: "backup", ID: fmt.Sprintf("b%d", d), At: at.Format(time.RFC3339), Body: body}})
		}
	}
	return out
}

var workspaceFiles = map[string]string{
	"tieout.yaml": `organization:
  name: Invented
  system: Invented system
  zone: UTC
  categories: [S, A]
period: { first: 2026-03-01, last: 2026-03-31 }
store: STORE
`,
	"controls/own.yaml":      "controls:\n  - use: IAM-06\n  - use: HR-01\n  - use: BKP-03\n",
	"procedures/mfa.yaml":    "use: access.mfa\n",
	"procedures/people.yaml": "use: people.background\n",
	"procedures/backup.yaml": "use: backup.protected\n",
	"sources/a.yaml":         "kind: synth\nwith: { of: a }\n",
}

// A world is a workspace on disk, an invented system, and a clock.
type world struct {
	dir   string
	sys   *synth
	now   time.Time
	store string
}

func newWorld(t testing.TB, extra map[string]string) *world {
	t.Helper()
	return worldAt(t, t.TempDir(), ".tieout/store.db", extra)
}

func worldAt(t testing.TB, dir, store string, extra map[string]string) *world {
	t.Helper()
	for _, files := range []map[string]string{workspaceFiles, extra} {
		for name, text := range files {
			path := filepath.Join(dir, name)
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "STORE", store)), 0o644))
		}
	}
	return &world{dir: dir, sys: &synth{pages: 3}, now: day(2, 6), store: store}
}

func (w *world) options(create bool) Options {
	return Options{
		Drivers: source.Registry{w.sys.driver()}, Now: func() time.Time { return w.now }, Getenv: os.Getenv,
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "tester"}, Tieout: "test", Create: create,
	}
}

// open opens the workspace as a new process would.
func (w *world) open(t testing.TB) *Program {
	t.Helper()
	p, err := Open(t.Context(), w.dir, w.options(false))
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// create makes the workspace's store and applies its definitions.
func (w *world) create(t testing.TB) *Program {
	t.Helper()
	p, err := Open(t.Context(), w.dir, w.options(true))
	must(t, err)
	t.Cleanup(func() { p.Close() })
	_, _, err = p.Apply(t.Context())
	must(t, err)
	return p
}

// copy is the same workspace in another folder, as it is on disk now.
func (w *world) copy(t testing.TB) *world {
	t.Helper()
	to := t.TempDir()
	must(t, os.CopyFS(to, os.DirFS(w.dir)))
	keys, err := filepath.Glob(filepath.Join(to, stateDir, "*.key*"))
	must(t, err)
	for _, k := range keys {
		must(t, os.Chmod(k, 0o600))
	}
	return &world{dir: to, sys: &synth{pages: w.sys.pages}, now: w.now, store: w.store}
}

func collect(t testing.TB, p *Program) []Collected {
	t.Helper()
	out, err := p.Collect(t.Context(), nil, nil)
	must(t, err)
	return out
}

// collectDays collects at six o'clock of each day.
func (w *world) collectDays(t testing.TB, p *Program, days ...int) {
	t.Helper()
	for _, d := range days {
		w.now = day(d, 6)
		collect(t, p)
	}
}

// intact checks that everything sealed is what it was.
func intact(t testing.TB, p *Program) {
	t.Helper()
	n, faults, err := p.VerifyStore(t.Context(), nil)
	must(t, err)
	for _, f := range faults {
		t.Errorf("VerifyStore: %v", f)
	}
	if size := p.Log.Checkpoint().Size; n != size || n == 0 {
		t.Errorf("VerifyStore checked %d of %d records", n, size)
	}
	indexes := int64(0)
	must(t, p.Store.Records(t.Context(), store.RecordFilter{}, func(r audit.Record) error {
		if r.Index != indexes {
			t.Errorf("record %d follows record %d", r.Index, indexes-1)
		}
		indexes = r.Index + 1
		return nil
	}))
}

// timelines encodes every type's timeline.
func timelines(t testing.TB, p *Program) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, typ := range []string{"account", "person", "backup"} {
		tl, err := p.timeline(t.Context(), typ)
		must(t, err)
		out[typ] = string(timeline.Encode(tl))
	}
	return out
}

// rebuilt checks that the stored timeline is what the evidence says.
func rebuilt(t testing.TB, p *Program) {
	t.Helper()
	before := timelines(t, p)
	must(t, p.RebuildAll(t.Context()))
	for typ, after := range timelines(t, p) {
		if before[typ] != after {
			t.Errorf("timeline of %s differs from the one rebuilt from evidence:\nstored  %s\nrebuilt %s", typ, before[typ], after)
		}
	}
}

// findings are a run's results without what depends on log indexes.
func findings(t testing.TB, p *Program) []string {
	t.Helper()
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	if !run.Recorded {
		t.Error("the run was not recorded")
	}
	return resultLines(t, p, run)
}

func resultLines(t testing.TB, p *Program, run *Run) (out []string) {
	t.Helper()
	for _, r := range run.Results {
		must(t, p.Results(t.Context(), run, r.Procedure, func(x *audit.Result) error {
			out = append(out, fmt.Sprintf("%s %s %s %s..%s from %s..%s", x.Procedure, x.Item, x.Outcome, audit.FormatTime(x.Span.From),
				audit.FormatTime(x.Span.To), audit.FormatTime(x.Start.After), audit.FormatTime(x.Start.At)))
			return nil
		}))
	}
	return out
}

// records lists every record of a kind.
func records(t testing.TB, p *Program, kind audit.RecordKind) (out []audit.Record) {
	t.Helper()
	must(t, p.Store.Records(t.Context(), store.RecordFilter{Kind: kind}, func(r audit.Record) error {
		out = append(out, r)
		return nil
	}))
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// execSQL runs a statement behind the store's back, as one who has the file.
func execSQL(t testing.TB, p *Program, query string, args ...any) int64 {
	t.Helper()
	db, err := sql.Open("sqlite", p.path(p.Def.Config.Store)+"?_pragma=busy_timeout(20000)")
	must(t, err)
	defer db.Close()
	res, err := db.ExecContext(t.Context(), query, args...)
	must(t, err)
	n, err := res.RowsAffected()
	must(t, err)
	return n
}
