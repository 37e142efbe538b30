package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/ledger"
	"tieout/source"
)

// A world is a small workspace in memory: a log, sealed records and a run.
type world struct {
	t       testing.TB
	log     *ledger.Log
	backend *memory
	signer  ledger.Signer
	keys    Keys
	records []Record
	about   About
	procs   []Procedure
	results []Results
	report  []byte
	defs    []byte
	sayings map[string][]byte
}

var (
	testPeriod = audit.Period{Span: audit.Span{From: noon(1).Add(-12 * time.Hour), To: noon(31).Add(12 * time.Hour)}, Zone: "UTC"}
	testActor  = audit.Actor{Kind: audit.ActorConnector, Name: "list"}
)

// noon is noon of a day of March 2026.
func noon(day int) time.Time { return time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC) }

func newWorld(t testing.TB) *world {
	t.Helper()
	skey, vkey, err := ledger.GenerateKey("example.test/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.ParseSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, backend: &memory{}, signer: signer, keys: Keys{First: vkey}, sayings: map[string][]byte{}}
	if w.log, err = ledger.Open(t.Context(), w.backend, signer, ledger.Options{Anchor: &memoryAnchor{}}); err != nil {
		t.Fatal(err)
	}
	w.defs = []byte(`{"files":{"tieout.yaml":"organization: Example\n"},"format":1,"library":"1"}`)
	w.about = About{
		Organization: audit.Organization{Name: "Example", System: "Example", Zone: "UTC", Categories: []audit.Category{audit.Security}},
		Period:       testPeriod, AsOf: noon(31), Definitions: digestText(sha256.Sum256(w.defs)), Run: audit.Unsequenced,
		Versions: audit.Versions{Tieout: "test", Schema: audit.SchemaVersion, Engine: 1, Normalizers: map[string]int{"list": 1}},
	}
	return w
}

// seal puts a record into the log and returns its index.
func (w *world) seal(rec audit.Record, body []byte) int64 {
	w.t.Helper()
	index := int64(len(w.records))
	rec.ID = fmt.Sprintf("01900000-0000-7000-8000-%012d", index)
	rec.Digest, rec.Size = digestText(sha256.Sum256(body)), int64(len(body))
	rec.Recorded = noon(31)
	if rec.Collected.IsZero() {
		rec.Collected = noon(31)
	}
	raw, err := canonical.Marshal(rec)
	if err != nil {
		w.t.Fatal(err)
	}
	salt := sha256.Sum256(fmt.Appendf(nil, "salt %d", index))
	w.backend.queue = append(w.backend.queue, ledger.Leaf{ID: rec.ID, Commitment: ledger.Commit(salt, raw)})
	w.records = append(w.records, Record{Index: index, Canonical: raw, Salt: salt, Body: opener(body)})
	return index
}

func opener(body []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

func (w *world) sealJSON(rec audit.Record, v any) int64 {
	w.t.Helper()
	body, err := canonical.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.seal(rec, body)
}

// collect seals a collection of daily account snapshots: "ana=true bob=false"
// says who signs in with a second factor. A page holds at most perPage accounts.
func (w *world) collect(day int, accounts string, perPage int) {
	w.t.Helper()
	id := fmt.Sprintf("col-%04d", day)
	base := audit.Record{Source: "okta", Collection: id, About: audit.At(noon(1).AddDate(0, 0, day-1)), Actor: testActor}
	at := base.About
	rec := func(k audit.RecordKind) audit.Record { r := base; r.Kind = k; return r }
	w.sealJSON(rec(audit.RecordCollection), audit.Collection{
		ID: id, Source: "okta", Driver: "list", Version: 1, Config: json.RawMessage(`{"prefix":"okta/"}`), Window: at, Zone: "UTC", Started: at.From})
	list := strings.Fields(accounts)
	pages := 0
	for len(list) > 0 {
		n := min(perPage, len(list))
		page := rec(audit.RecordPage)
		page.PageKind, page.Media = "list.accounts", "text/plain"
		w.seal(page, []byte(strings.Join(list[:n], "\n")))
		list, pages = list[n:], pages+1
	}
	m := audit.Manifest{Type: "account", Mode: audit.ModeSnapshot, Covers: at, Complete: true, Kinds: []string{"list.accounts"}, Queries: []string{}, Pages: pages, Items: len(strings.Fields(accounts))}
	w.sealJSON(rec(audit.RecordManifest), m)
	w.sealJSON(rec(audit.RecordEnd), audit.CollectionEnd{ID: id, Ended: at.From, Pages: pages, Manifests: 1, Complete: true})
}

// erase seals an erasure and takes a record's content away.
func (w *world) erase(index int64) {
	w.t.Helper()
	w.seal(audit.Record{Kind: audit.RecordErasure, Detail: fmt.Appendf(nil, `{"erased":%d,"why":"asked for"}`, index), Actor: testActor}, nil)
	w.records[index] = Record{Index: index, Erased: true}
}

// listDriver reads lines "name=true".
func listDriver(version int) *source.Driver {
	return &source.Driver{Name: "list", Version: version, Types: []string{"account"},
		Normalize: func(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
			var c struct{ Prefix string }
			if err := json.Unmarshal(config, &c); err != nil {
				return nil, err
			}
			var out []audit.Item
			for line := range strings.SplitSeq(string(p.Body), "\n") {
				name, enforced, ok := strings.Cut(line, "=")
				if !ok || name == "" {
					return out, errors.New("a line without =")
				}
				body := fmt.Sprintf(`{"kind":"human","login":%q,"mfa":{"enforced":%s},"status":"active"}`, name, enforced)
				out = append(out, audit.Item{Type: "account", ID: c.Prefix + name, Body: json.RawMessage(body)})
			}
			return out, nil
		}}
}

func drivers() source.Registry { return source.Registry{listDriver(1)} }

// contents signs the log as it stands and hands everything over.
func (w *world) contents() Contents {
	w.t.Helper()
	if _, err := w.log.Sequence(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	head := w.log.Head()
	return Contents{
		About: w.about, Definitions: w.defs, Procedures: w.procs, Results: w.results, Report: w.report, Drivers: drivers(),
		Log: Log{Checkpoint: head.Note, Keys: w.keys, Sayings: w.sayings, Size: head.Size, Commitments: w.backend.LeafRange},
		Records: func(_ context.Context, yield func(Record) error) error {
			for _, r := range w.records {
				if err := yield(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (w *world) bundle() []byte {
	w.t.Helper()
	var buf bytes.Buffer
	if _, err := Write(w.t.Context(), &buf, w.contents()); err != nil {
		w.t.Fatal(err)
	}
	return buf.Bytes()
}

func verify(t testing.TB, data []byte, o Options) (*Checks, error) {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = noon(31)
	}
	return Verify(t.Context(), bytes.NewReader(data), int64(len(data)), o)
}

// memory is a ledger.Backend for one process.
type memory struct {
	fence  int64
	head   ledger.Head
	queue  []ledger.Leaf
	leaves [][32]byte
	hashes [][32]byte
	notes  map[int64]ledger.Head
}

func (m *memory) Fence(context.Context, string) (int64, error) { m.fence++; return m.fence, nil }

func (m *memory) Head(context.Context) (ledger.Head, error) { return m.head, nil }

func (m *memory) Pending(_ context.Context, limit int) ([]ledger.Leaf, error) {
	return append([]ledger.Leaf(nil), m.queue[:min(limit, len(m.queue))]...), nil
}

func (m *memory) ReadHashes(_ context.Context, ids []int64) (out [][32]byte, err error) {
	for _, id := range ids {
		out = append(out, m.hashes[id])
	}
	return out, nil
}

func (m *memory) Commit(_ context.Context, _ int64, b ledger.Batch) error {
	m.queue = m.queue[len(b.Leaves):]
	for _, l := range b.Leaves {
		m.leaves = append(m.leaves, l.Commitment)
	}
	m.hashes, m.head = append(m.hashes, b.Hashes...), b.Head
	if m.notes == nil {
		m.notes = map[int64]ledger.Head{}
	}
	m.notes[b.Head.Size] = b.Head
	return nil
}

func (m *memory) Cosign(context.Context, int64, string, []byte) error { return nil }

func (m *memory) Cosignatures(context.Context, int64) (map[string][]byte, error) { return nil, nil }

func (m *memory) LeafRange(_ context.Context, from, to int64) ([][32]byte, error) {
	return m.leaves[from:to], nil
}

func (m *memory) HeadAt(_ context.Context, size int64) (ledger.Head, error) {
	h, ok := m.notes[size]
	if !ok {
		return h, fmt.Errorf("no head at %d", size)
	}
	return h, nil
}

type memoryAnchor struct{ note []byte }

func (a *memoryAnchor) Load(context.Context) ([]byte, error) { return a.note, nil }

func (a *memoryAnchor) Save(_ context.Context, note []byte) error { a.note = note; return nil }
