package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

var accounts = audit.StreamKey{Source: "okta", Scope: "", Type: "account"}

func at(hours int) time.Time { return t0.Add(time.Duration(hours) * time.Hour) }

// row makes one version of an item.
func row(item string, hours int, body string) store.VersionRow {
	v := audit.Version{From: audit.Bound{After: at(hours - 1), At: at(hours)}, Body: json.RawMessage(body), Record: int64(hours)}
	if body == "" {
		v.Body, v.Gone = nil, true
	}
	return store.VersionRow{Item: item, Version: v}
}

func load(t *testing.T, s *store.Store, typ string) *audit.Timeline {
	t.Helper()
	tl, err := s.Timeline(t.Context(), typ)
	must(t, err)
	return tl
}

func wantTimeline(t *testing.T, got, want *audit.Timeline) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("timeline (-want +got):\n%s", d)
	}
}

func timelineOrder(t *testing.T, e *engine) {
	s := e.Open(t)
	// The order of bytes, which no language's collation has.
	ids := []string{"", "A", "Z", "a", "a\x00b", "a-b", "a b", "a_b", "ab", "z", "\u00e9", "\uffff", "\U0001f600", "\xff"}
	want := &audit.Timeline{Type: "account", Streams: []audit.Stream{{StreamKey: accounts, Mode: audit.ModeSnapshot}}}
	var rows []store.VersionRow
	for _, id := range bytewise(ids) {
		r := row(id, 1, `{"login":"`+fmt.Sprintf("%x", id)+`"}`)
		rows = append(rows, r)
		want.Histories = append(want.Histories, audit.History{ID: id, Versions: []audit.Version{r.Version}})
	}
	rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, rows, store.Coverage{}))
	wantTimeline(t, load(t, s, "account"), want)
	tail, err := s.Tail(t.Context(), accounts, audit.ModeSnapshot)
	must(t, err)
	for i, h := range want.Histories {
		if d := cmp.Diff(store.VersionRow{Item: h.ID, Version: h.Versions[0]}, tail[i]); d != "" {
			t.Fatalf("tail %d (-want +got):\n%s", i, d)
		}
	}
}

func bytewise(ids []string) []string {
	out := append([]string(nil), ids...)
	for i := range out {
		for j := i + 1; j < len(out); j++ {
			if bytes.Compare([]byte(out[j]), []byte(out[i])) < 0 {
				out[i], out[j] = out[j], out[i]
			}
		}
	}
	return out
}

func timePrecision(t *testing.T, e *engine) {
	s := e.Open(t)
	instants := []time.Time{{}, time.Unix(0, 0).UTC(), t0, t0.Add(time.Microsecond), audit.Never}
	key := audit.StreamKey{Source: "git", Scope: "api", Type: "change"}
	var rows []store.VersionRow
	var cov store.Coverage
	for i, at := range instants {
		rows = append(rows, store.VersionRow{Item: "x", Version: audit.Version{From: audit.Bound{After: instants[0], At: at}, Body: json.RawMessage(`{}`), Record: int64(i)}})
		cov.Points = append(cov.Points, audit.Point{At: at, Record: int64(i)})
	}
	cov.Covered = []audit.Stretch{{Span: audit.Span{From: instants[1], To: t0}, Record: 1}, {Span: audit.At(t0), Record: 2}}
	cov.Holes = []audit.Hole{{Span: audit.At(t0.Add(time.Microsecond)), Reason: "page 3 of 7: \u201c502\u201d\n", Record: 3}}
	must(t, s.AppendVersions(t.Context(), key, audit.ModeChanges, rows, cov))
	st := audit.Stream{StreamKey: key, Mode: audit.ModeChanges, Points: cov.Points, Covered: cov.Covered, Holes: cov.Holes}
	want := &audit.Timeline{Type: "change", Streams: []audit.Stream{st}, Histories: []audit.History{{ID: "x"}}}
	for _, r := range rows {
		want.Histories[0].Versions = append(want.Histories[0].Versions, r.Version)
	}
	wantTimeline(t, load(t, s, "change"), want)
	got, err := s.Stream(t.Context(), key, audit.ModeChanges)
	must(t, err)
	if d := cmp.Diff(st, got); d != "" {
		t.Fatalf("stream (-want +got):\n%s", d)
	}
	_, err = s.Stream(t.Context(), key, audit.ModeEvents)
	wantError(t, "a stream there is not", err, audit.ErrNotFound)
}

func appendAgain(t *testing.T, e *engine) {
	s := e.Open(t)
	rows := []store.VersionRow{row("a", 1, `{"n":1}`), row("b", 1, `{"n":1}`), row("a", 2, `{"n":2}`), row("a", 3, ""), row("a", 4, `{"n":2}`)}
	cov := store.Coverage{Points: []audit.Point{{At: at(4), Record: 9}}, Holes: []audit.Hole{{Span: audit.At(at(5)), Reason: "403", Record: 10}}}
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, rows, cov))
	once := load(t, s, "account")
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, rows, cov))
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, nil, cov))
	wantTimeline(t, load(t, s, "account"), once)
	wantEqual(t, "versions of a", len(once.Find("a").Versions), 4)
}

// appendMore fills several segments in several calls, out of order of time too.
func appendMore(t *testing.T, e *engine) {
	s := e.Open(t)
	body := `{"x":"` + string(bytes.Repeat([]byte("y"), 500)) + `"}`
	want := map[string][]int64{}
	for call := range 5 {
		var rows []store.VersionRow
		for i := range 3000 {
			id := fmt.Sprintf("item-%04d", (i*7)%2000)
			rows = append(rows, row(id, 10*((call*3)%5)+i/2000, fmt.Sprintf(`{"call":%d,"x":%s}`, call, body)))
			want[id] = append(want[id], 0)
		}
		must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, rows, store.Coverage{}))
	}
	tl := load(t, s, "account")
	wantEqual(t, "histories", len(tl.Histories), 2000)
	for _, h := range tl.Histories {
		wantEqual(t, "versions of "+h.ID, len(h.Versions), len(want[h.ID]))
		for i := 1; i < len(h.Versions); i++ {
			if h.Versions[i].From.At.Before(h.Versions[i-1].From.At) {
				t.Fatalf("versions of %s: %v before %v", h.ID, h.Versions[i-1].From.At, h.Versions[i].From.At)
			}
		}
	}
	tail, err := s.Tail(t.Context(), accounts, audit.ModeSnapshot)
	must(t, err)
	wantEqual(t, "items of the tail", len(tail), 2000)
	for i, r := range tail {
		vs := tl.Histories[i].Versions
		if d := cmp.Diff(vs[len(vs)-1], r.Version); d != "" || r.Item != tl.Histories[i].ID {
			t.Fatalf("tail of %s (-timeline +tail):\n%s", r.Item, d)
		}
	}
}

func largeBodies(t *testing.T, e *engine) {
	s := e.Open(t)
	noise := make([]byte, 5<<20)
	src := rand.NewChaCha8([32]byte{1})
	if _, err := src.Read(noise); err != nil {
		t.Fatal(err)
	}
	r := Record(0)
	r.Body = noise
	insert(t, s, r)
	got, err := s.Body(t.Context(), r.Record.ID)
	must(t, err)
	wantEqual(t, "5 MiB of noise", bytes.Equal(got, noise), true)
	text := fmt.Sprintf(`{"x":"%x"}`, noise)
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot,
		[]store.VersionRow{row("a", 1, text), row("b", 1, `{}`), row("c", 1, text)}, store.Coverage{}))
	tl := load(t, s, "account")
	wantEqual(t, "histories", len(tl.Histories), 3)
	wantEqual(t, "10 MiB body", string(tl.Histories[2].Versions[0].Body) == text, true)
}

func twoModes(t *testing.T, e *engine) {
	s := e.Open(t)
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, []store.VersionRow{row("a", 1, `{}`)}, store.Coverage{}))
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeChanges, []store.VersionRow{row("a", 2, `{"n":1}`)}, store.Coverage{}))
	github := audit.StreamKey{Source: "github", Type: "account"}
	must(t, s.AppendVersions(t.Context(), github, audit.ModeSnapshot, []store.VersionRow{row("a", 3, `{}`)}, store.Coverage{}))
	tl := load(t, s, "account")
	var got []string
	for _, st := range tl.Streams {
		got = append(got, st.Source+" "+string(st.Mode))
	}
	if d := cmp.Diff([]string{"github snapshot", "okta changes", "okta snapshot"}, got); d != "" {
		t.Fatalf("streams (-want +got):\n%s", d)
	}
	wantEqual(t, "histories of a", len(tl.Histories), 3)
	for i, h := range tl.Histories {
		wantEqual(t, "stream of history", h.Stream, i)
	}
	keys, err := s.Streams(t.Context())
	must(t, err)
	if d := cmp.Diff([]audit.StreamKey{github, accounts}, keys); d != "" {
		t.Fatalf("stream keys (-want +got):\n%s", d)
	}
}

func dropStream(t *testing.T, e *engine) {
	s := e.Open(t)
	other := audit.StreamKey{Source: "git", Scope: "api", Type: "change"}
	for _, k := range []audit.StreamKey{accounts, other} {
		must(t, s.AppendVersions(t.Context(), k, audit.ModeChanges, []store.VersionRow{row("a", 1, `{}`)},
			store.Coverage{Covered: []audit.Stretch{{Span: audit.At(t0), Record: 1}}}))
	}
	kept, before := load(t, s, "change"), load(t, s, "account")
	must(t, s.DropStream(t.Context(), accounts))
	must(t, s.DropStream(t.Context(), accounts))
	wantTimeline(t, load(t, s, "account"), &audit.Timeline{Type: "account"})
	wantTimeline(t, load(t, s, "change"), kept)
	types, err := s.Types(t.Context())
	must(t, err)
	if d := cmp.Diff([]string{"change"}, types); d != "" {
		t.Fatalf("types (-want +got):\n%s", d)
	}
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeChanges, []store.VersionRow{row("a", 1, `{}`)},
		store.Coverage{Covered: []audit.Stretch{{Span: audit.At(t0), Record: 1}}}))
	wantTimeline(t, load(t, s, "account"), before)
}

func emptyTimeline(t *testing.T, e *engine) {
	s := e.Open(t)
	wantTimeline(t, load(t, s, "account"), &audit.Timeline{Type: "account"})
	tail, err := s.Tail(t.Context(), accounts, audit.ModeSnapshot)
	must(t, err)
	wantEqual(t, "tail", len(tail), 0)
	cov := store.Coverage{Holes: []audit.Hole{{Span: audit.At(t0), Reason: "403", Record: 1}}}
	must(t, s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, nil, cov))
	wantTimeline(t, load(t, s, "account"), &audit.Timeline{Type: "account",
		Streams: []audit.Stream{{StreamKey: accounts, Mode: audit.ModeSnapshot, Holes: cov.Holes}}})
}

func streamRace(t *testing.T, e *engine) {
	s := e.Open(t)
	stores := []*store.Store{s, s, e.Again(t, s), e.Again(t, s)}
	var wg sync.WaitGroup
	errs := make([]error, len(stores))
	for i, s := range stores {
		wg.Go(func() {
			for n := range 5 {
				r := row(fmt.Sprintf("%d-%d", i, n), n, `{}`)
				if err := s.AppendVersions(t.Context(), accounts, audit.ModeSnapshot, []store.VersionRow{r}, store.Coverage{}); err != nil {
					errs[i] = err
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		must(t, err)
	}
	wantEqual(t, "histories", len(load(t, s, "account").Histories), 20)
}
