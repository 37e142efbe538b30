package timeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tieout/audit"
)

// drawObservations draws a stream's observations in the order they are
// recorded, with refused items, items shown twice, failures, and times that
// overlap, repeat and (unless inOrder) go back.
func drawObservations(t *rapid.T, mode audit.Mode, inOrder bool) []audit.Observation {
	key := audit.StreamKey{Source: "s", Scope: rapid.SampledFrom([]string{"", "eu"}).Draw(t, "scope"), Type: "account"}
	if mode == audit.ModeEvents {
		key.Type = "deployment"
	}
	var obs []audit.Observation
	at := 0
	for i := range rapid.IntRange(0, 7).Draw(t, "observations") {
		step := rapid.IntRange(-3, 3).Draw(t, "step")
		if inOrder {
			step = max(step, 1)
		}
		at = max(at+step, 1)
		o := audit.Observation{Stream: key, Mode: mode, Complete: rapid.IntRange(0, 2).Draw(t, "fails") > 0, Record: int64(100 * (i + 1))}
		if !o.Complete {
			o.Reason = fmt.Sprintf("failed %d", i)
		}
		o.Covers = audit.At(day(at))
		if mode != audit.ModeSnapshot {
			o.Covers = span(at, at+rapid.IntRange(0, 4).Draw(t, "length"))
		}
		o.Items = drawItems(t, key.Type, mode, o.Record)
		obs = append(obs, o)
	}
	return obs
}

func drawItems(t *rapid.T, typ string, mode audit.Mode, record int64) []audit.Seen {
	bodies := []string{`{"status":"active"}`, `{"status":"disabled"}`, `{}`, `{"status":"active"}`, `{"status":"great"}`}
	if typ == "deployment" {
		bodies = []string{`{"result":"success"}`, `{"result":"failure"}`, `{}`, `{"result":"?"}`}
	}
	var items []audit.Seen
	for range rapid.IntRange(0, 5).Draw(t, "items") {
		it := audit.Item{Type: typ, ID: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")}
		it.Body = json.RawMessage(rapid.SampledFrom(bodies).Draw(t, "body"))
		if mode != audit.ModeSnapshot {
			it.At = day(rapid.IntRange(1, 12).Draw(t, "at"))
		}
		if mode == audit.ModeChanges && rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
			it.Gone, it.Body = true, nil
		}
		items = append(items, audit.Seen{Item: it, Record: record - int64(rapid.IntRange(1, 2).Draw(t, "page"))})
	}
	return items
}

var modes = []audit.Mode{audit.ModeSnapshot, audit.ModeChanges, audit.ModeEvents}

func encodeAll(t *rapid.T, tls map[string]*audit.Timeline, err error) []byte {
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, typ := range slices.Sorted(maps.Keys(tls)) {
		b = append(append(b, Encode(tls[typ])...), '\n')
	}
	return b
}

func observed(t *rapid.T, obs []audit.Observation) []byte {
	tls, err := Observe(obs)
	return encodeAll(t, tls, err)
}

// TestOrderDoesNotMatter: shuffled observations with shuffled items give the same bytes.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var obs []audit.Observation
		for _, m := range modes {
			obs = append(obs, drawObservations(t, m, false)...)
		}
		want := observed(t, obs)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffled := slices.Clone(obs)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			items := slices.Clone(shuffled[i].Items)
			r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
			shuffled[i].Items = items
		}
		if got := observed(t, shuffled); !bytes.Equal(got, want) {
			t.Fatalf("in order:\n%s\nshuffled:\n%s", want, got)
		}
	})
}

// TestIncrementalIsObserve: a tracker that is thrown away and resumed from what
// was stored at random moments gives the same bytes as Observe, in any mode.
func TestIncrementalIsObserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom(modes).Draw(t, "mode")
		obs := drawObservations(t, mode, mode == audit.ModeSnapshot)
		if len(obs) == 0 {
			return
		}
		stored := StreamRows{Stream: audit.Stream{StreamKey: obs[0].Stream, Mode: mode}}
		var tr *Tracker
		for _, o := range obs {
			if tr == nil || rapid.Bool().Draw(t, "resume") {
				tr = resumed(t, &stored)
			}
			feed(t, tr, &stored, o)
		}
		tl := Assemble(obs[0].Stream.Type, []StreamRows{stored})
		if got, want := append(Encode(tl), '\n'), observed(t, obs); !bytes.Equal(got, want) {
			t.Fatalf("incremental:\n%s\nobserved:\n%s", got, want)
		}
	})
}

func resumed(t *rapid.T, stored *StreamRows) *Tracker {
	settleStream(&stored.Stream)
	last := map[string]audit.Version{}
	for _, r := range stored.Rows {
		if v, ok := last[r.Item]; !ok || v.From.At.Before(r.Version.From.At) {
			last[r.Item] = r.Version
		}
	}
	var rows iter.Seq2[Row, error] = func(yield func(Row, error) bool) {
		for id, v := range last {
			if !yield(Row{id, v}, nil) {
				return
			}
		}
	}
	tr, err := Resume(stored.Stream, rows)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func feed(t *rapid.T, tr *Tracker, stored *StreamRows, o audit.Observation) {
	if err := tr.Open(o.Covers); err != nil {
		t.Fatal(err)
	}
	for _, it := range o.Items {
		if err := tr.Add(it.Item, it.Record); err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "drain") {
			stored.Rows = append(stored.Rows, tr.Drain()...)
		}
	}
	d, err := tr.Close(o.Complete, o.Reason, o.Record)
	if err != nil {
		t.Fatal(err)
	}
	stored.add(d)
}

// TestOnlyCompleteSnapshotsSupport: whatever is observed, a point stands for a
// complete snapshot without a refused item, an item goes only at a point, and
// a version is bounded from below only by a point or by an earlier version.
func TestOnlyCompleteSnapshotsSupport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obs := drawObservations(t, audit.ModeSnapshot, false)
		tls, err := Observe(obs)
		if err != nil {
			t.Fatal(err)
		}
		if len(obs) == 0 {
			return
		}
		tl := tls["account"]
		points := map[int64]bool{0: true}
		for _, p := range tl.Streams[0].Points {
			points[p.At.UnixMicro()] = true
			i := slices.IndexFunc(obs, func(o audit.Observation) bool { return o.Record == p.Record })
			if !obs[i].Complete || slices.ContainsFunc(obs[i].Items, func(s audit.Seen) bool { return Check(audit.ModeSnapshot, s.Item) != nil }) {
				t.Fatalf("point of %s stands for %+v", p.At, obs[i])
			}
		}
		for _, h := range tl.Histories {
			before := map[int64]bool{}
			for _, v := range h.Versions {
				if v.Gone && !points[v.From.At.UnixMicro()] {
					t.Fatalf("%s goes at %s, which is no point", h.ID, v.From.At)
				}
				if after := v.From.After; !after.IsZero() && !points[after.UnixMicro()] && !before[after.UnixMicro()] {
					t.Fatalf("%s: version bounded by %s, when nothing was known", h.ID, after)
				}
				before[v.From.At.UnixMicro()] = true
			}
		}
	})
}

// TestUnion holds the set of spans to a set of hours.
func TestUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u union
		want := map[int]bool{}
		for range rapid.IntRange(0, 8).Draw(t, "spans") {
			from := rapid.IntRange(1, 20).Draw(t, "from")
			to := from + rapid.IntRange(1, 6).Draw(t, "length")
			fresh := map[int]bool{}
			for _, s := range u.add(span(from, to)) {
				for d := s.From; d.Before(s.To); d = d.AddDate(0, 0, 1) {
					fresh[d.Day()] = true
				}
			}
			for d := from; d < to; d++ {
				if fresh[d] == want[d] {
					t.Fatalf("day %d: fresh %v, known before %v", d, fresh[d], want[d])
				}
				want[d] = true
			}
		}
		for i := 1; i < len(u); i++ {
			if !u[i-1].To.Before(u[i].From) {
				t.Fatalf("%v and %v touch", u[i-1], u[i])
			}
		}
	})
}

func BenchmarkSnapshotUnchanged(b *testing.B) {
	const n = 100_000
	items := make([]audit.Item, n)
	for i := range items {
		items[i] = audit.Item{Type: "account", ID: fmt.Sprintf("okta/%06d", i), Body: json.RawMessage(fmt.Sprintf(`{"admin":false,"email":"p%d@halyard.example","kind":"human","mfa":{"enforced":true,"factors":["totp"]},"status":"active","system":"okta"}`, i))}
	}
	tr, err := NewTracker(accounts, audit.ModeSnapshot)
	if err != nil {
		b.Fatal(err)
	}
	run := func(d int) {
		if err := tr.Open(audit.At(day(1).AddDate(0, 0, d))); err != nil {
			b.Fatal(err)
		}
		for _, it := range items {
			if err := tr.Add(it, 1); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := tr.Close(true, "", 2); err != nil {
			b.Fatal(err)
		}
	}
	run(0)
	b.ReportAllocs()
	d := 0
	for b.Loop() {
		d++
		run(d)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(d)/n, "ns/item")
}
