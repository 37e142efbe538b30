package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/period"
	"tieout/reader/jobs"
	"tieout/source"
	"tieout/store"
	"tieout/worker"
)

// A system is what the sources of these tests read: an address that answers
// with pages of backups, one by one, and then with accounts.
type system struct {
	*httptest.Server
	mu      sync.Mutex
	before  func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	answers map[string]int                                    // by path
}

const (
	backupPages  = 12
	accountPages = 4
	perPage      = 25
)

func newSystem(t testing.TB) *system {
	s := &system{answers: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// intercept lets f answer, until f is nil again.
func (s *system) intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// ServeHTTP answers /SOURCE/STREAM/PAGE.
func (s *system) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	var page int
	name, stream, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	stream, number, _ := strings.Cut(stream, "/")
	if _, err := fmt.Sscan(number, &page); err != nil {
		http.Error(w, "no such page", http.StatusNotFound)
		return
	}
	s.mu.Lock()
	s.answers[r.URL.Path]++
	s.mu.Unlock()
	var rows []row
	for i := range perPage {
		n := (page-1)*perPage + i
		if stream == "backup" {
			rows = append(rows, row{Type: "backup", ID: fmt.Sprintf("b%03d", n), At: start.Add(-time.Duration(1000-n) * time.Minute).Format(time.RFC3339),
				Body: map[string]any{"datastore": "db", "result": "success", "location": "b", "separate": true, "encrypted": n%7 != 0, "immutable": true}})
			continue
		}
		rows = append(rows, row{Type: "account", ID: fmt.Sprintf("u%03d", n), Body: map[string]any{
			"kind": "human", "status": "active", "login": fmt.Sprintf("%s-%d", name, n), "mfa": map[string]any{"enforced": n%9 != 0}}})
	}
	json.NewEncoder(w).Encode(rows)
}

// A row is one item on a page.
type row struct {
	Type string         `json:"type"`
	ID   string         `json:"id"`
	At   string         `json:"at,omitempty"`
	Body map[string]any `json:"body"`
}

// remote reads a system.
var remote = &source.Driver{
	Name: "remote", Version: 1, Title: "A system of the tests", Types: []string{"account", "backup"},
	Open: func(name string, with json.RawMessage, _ source.Env) (source.Collector, json.RawMessage, error) {
		var c collector
		if err := json.Unmarshal(with, &c); err != nil || c.URL == "" {
			return nil, nil, fmt.Errorf("%w: a system has a url", audit.ErrInvalid)
		}
		c.name = name
		return &c, with, nil
	},
	Normalize: normalize,
}

func normalize(_ json.RawMessage, p audit.Page) (out []audit.Item, err error) {
	var rows []row
	if err := json.Unmarshal(p.Body, &rows); err != nil {
		return nil, err
	}
	for _, r := range rows {
		it := audit.Item{Type: r.Type, ID: p.Source + "/" + r.ID}
		if it.Body, err = canonical.Marshal(r.Body); err != nil {
			return out, err
		}
		if r.At != "" {
			if it.At, err = time.Parse(time.RFC3339, r.At); err != nil {
				return out, err
			}
		}
		out = append(out, it)
	}
	return out, nil
}

type collector struct {
	URL  string `json:"url"`
	name string
}

func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	if err := c.stream(ctx, w, sink, "backup", backupPages, audit.ModeEvents, audit.Span{From: w.From, To: w.AsOf}); err != nil {
		return err
	}
	return c.stream(ctx, w, sink, "account", accountPages, audit.ModeSnapshot, audit.At(w.AsOf))
}

func (c *collector) stream(ctx context.Context, w audit.Window, sink source.Sink, typ string, pages int, mode audit.Mode, about audit.Span) error {
	kind := "remote." + typ
	m := audit.Manifest{Type: typ, Mode: mode, Covers: about, Complete: true, Kinds: []string{kind}, Queries: []string{"GET /" + typ}}
	done := 0
	if cursor := w.Since[kind+"\x1f"]; mode == audit.ModeEvents && cursor != "" {
		if _, err := fmt.Sscan(cursor, &done); err != nil {
			return err
		}
	}
	for page := done + 1; page <= pages; page++ {
		path := fmt.Sprintf("/%s/%s/%d", c.name, typ, page)
		body, err := c.get(ctx, path)
		if err != nil {
			return fmt.Errorf("page %d of %d: %w", page, pages, err)
		}
		p := audit.Page{Kind: kind, Query: "GET " + path, Media: "application/json", Body: body, About: about, Collected: w.AsOf}
		if mode == audit.ModeEvents {
			p.Cursor = fmt.Sprint(page)
		}
		if err := sink.Page(ctx, p); err != nil {
			return err
		}
		m.Pages, m.Items = m.Pages+1, m.Items+perPage
		sink.Progress(typ, page*perPage, pages*perPage)
	}
	return sink.Close(ctx, m)
}

func (c *collector) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", res.Status)
	}
	return io.ReadAll(res.Body)
}

// start is when these tests begin; their clock goes on from there at the pace
// of the machine's.
var start = time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC)

// A world is a workspace on disk with its clock.
type world struct {
	dir   string
	began time.Time
	env   map[string]string
}

const config = `organization: { name: Invented, system: Invented system, zone: UTC, categories: [S, A] }
period: { first: 2026-03-01, last: 2026-03-31 }
store: STORE
jobs: { collect: "06:30", backup: "07:30", backupDir: backups }
`

// newWorld makes a workspace whose sources read sys.
func newWorld(t testing.TB, sys *system, at string, sources ...string) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), began: time.Now(), env: map[string]string{"TIEOUT_TEST_STORE": os.Getenv("TIEOUT_TEST_STORE")}}
	w.write(t, "tieout.yaml", strings.ReplaceAll(config, "STORE", at))
	w.write(t, "controls/own.yaml", "controls:\n  - use: IAM-06\n  - use: BKP-03\n")
	w.write(t, "procedures/mfa.yaml", "use: access.mfa\n")
	w.write(t, "procedures/backup.yaml", "use: backup.protected\n")
	for _, s := range sources {
		w.write(t, "sources/"+s+".yaml", "kind: remote\nwith: { url: \""+sys.URL+"\" }\n")
	}
	o := w.options()
	o.Create = true
	p, err := period.Open(t.Context(), w.dir, o)
	must(t, err)
	_, _, err = p.Apply(t.Context())
	must(t, err)
	must(t, p.Close())
	return w
}

func (w *world) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func (w *world) now() time.Time { return start.Add(time.Since(w.began)) }

func (w *world) options() period.Options {
	return period.Options{
		Drivers: source.Registry{remote}, Now: w.now, Getenv: func(k string) string { return w.env[k] },
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "tester"}, Tieout: "test",
	}
}

func (w *world) open(t testing.TB) *period.Program {
	t.Helper()
	p, err := period.Open(t.Context(), w.dir, w.options())
	must(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

// worker are the options of a worker of this workspace.
func (w *world) worker(name string) jobs.Options {
	return jobs.Options{
		Open: func(ctx context.Context, name string, by audit.Actor, lock time.Duration) (*period.Program, error) {
			o := w.options()
			o.Period, o.Actor, o.Lock = name, by, lock
			return period.Open(ctx, w.dir, o)
		},
		Name: name, Lease: 2 * time.Second, Poll: 20 * time.Millisecond,
	}
}

// once runs what is due, and what that leads to.
func (w *world) once(t testing.TB) {
	t.Helper()
	o := w.worker("once")
	o.Once = true
	must(t, jobs.Run(t.Context(), o))
}

// start asks for a job as a person does.
func (w *world) start(t testing.TB, p *period.Program, kind string, sources ...string) worker.Job {
	t.Helper()
	j, added, err := jobs.Start(t.Context(), jobs.Queue(p, "test"), p.Def, kind, jobs.Payload{Sources: sources}, worker.By{Account: "a1", Name: "Ana"})
	must(t, err)
	if !added {
		t.Fatalf("%s was not added: %+v", kind, j)
	}
	return j
}

func job(t testing.TB, p *period.Program, id string) worker.Job {
	t.Helper()
	j, err := jobs.Queue(p, "test").Job(t.Context(), id)
	must(t, err)
	return j
}

func lines(j worker.Job) string {
	var out []string
	for _, p := range j.Parts {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s/%s %s %d %s", p.Name, p.Stream, p.State, p.Done, p.Reason)))
	}
	return strings.Join(out, "\n")
}

// records lists every record of a kind.
func records(t testing.TB, p *period.Program, kind audit.RecordKind) (out []audit.Record) {
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

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}
