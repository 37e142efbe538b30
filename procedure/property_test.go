package procedure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tieout/audit"
	"tieout/internal/canonical"
)

var propStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestIntervalsEqualPointInTime holds the interval engine to the naive answer
// at random instants of random histories: gaps, failed and incomplete looks,
// items that come and go, fields that were not collected, clock tests.
func TestIntervalsEqualPointInTime(t *testing.T) {
	for i := range 5 {
		t.Run(fmt.Sprint(i), func(t *testing.T) { rapid.Check(t, intervalsEqualPointInTime) })
	}
}

func intervalsEqualPointInTime(rt *rapid.T) {
	where, holds := drawExpr(rt, 1, false), drawExpr(rt, 3, true)
	p := continuousOf(rt, where, holds)
	looks := drawLooks(rt)
	period, err := audit.NewPeriod("2026-01-03", "2026-01-20", "UTC")
	if err != nil {
		rt.Fatal(err)
	}
	asOf := propStart.Add(time.Duration(rapid.IntRange(48, 30*24).Draw(rt, "asOf")) * time.Hour)
	tl := timelineOf(looks)
	in := Input{Period: period, AsOf: asOf, Timeline: func(string) (*audit.Timeline, error) { return tl, nil }}
	var results []audit.Result
	tested, err := Run(context.Background(), in, []*Procedure{p}, func(r *audit.Result) error { results = append(results, *r); return nil })
	if err != nil {
		rt.Fatal(err)
	}
	quiet, err := Run(context.Background(), in, []*Procedure{p}, nil)
	if err != nil {
		rt.Fatal(err)
	}
	if diff := cmp.Diff(quiet, tested); diff != "" {
		rt.Fatalf("without a listener and with one: %s", diff)
	}
	for _, id := range []string{"a", "b"} {
		for i := range 24 {
			at := drawInstant(rt, looks, results, i)
			checkInstant(rt, in, looks, results, id, at, where, holds)
		}
	}
}

func checkInstant(rt *rapid.T, in Input, looks []observed, results []audit.Result, id string, at time.Time, where, holds nexpr) {
	end := min(micros(in.Period.To), micros(in.AsOf)+1)
	if at.Before(in.Period.From) || micros(at) >= end {
		return
	}
	want, there := naiveAt(looks, 26*time.Hour, in.AsOf, at, id, where, holds)
	var got []audit.Outcome
	for _, r := range results {
		if r.Item == id && r.Span.Contains(at) {
			got = append(got, r.Outcome)
		}
	}
	switch {
	case len(got) > 1:
		rt.Fatalf("%s at %s: results overlap: %v", id, at, got)
	case !there && len(got) == 0:
	case there && len(got) == 1 && got[0] == want:
	case there && len(got) == 1 && want == audit.NoEvidence && got[0] == audit.NotApplicable && unseen(looks, in.AsOf, at, id, where):
	default:
		rt.Fatalf("%s at %s: got %v, the naive answer is %v (there: %v)\nwhere %s\nholds %s", id, at, got, want, there, where.cel(), holds.cel())
	}
}

// unseen reports whether the item, as last seen before at and as first seen
// after, is outside the population: then a gap does not touch it.
func unseen(looks []observed, asOf, at time.Time, id string, where nexpr) bool {
	for i := len(looks) - 1; i >= 0; i-- {
		if b, ok := looks[i].bodies[id]; ok && !looks[i].at.After(at) && !looks[i].at.After(asOf) {
			return pointOutcome(b, at, where, nfield("managed")) == audit.NotApplicable
		}
	}
	return false
}

var (
	propBools  = []string{"diskEncrypted", "managed", "screenLock.enabled"}
	propStates = []string{"active", "stock", "lost"}
	propNames  = []string{"one", "two"} // of the same length
)

func drawExpr(rt *rapid.T, depth int, clocks bool) nexpr {
	kind := rapid.IntRange(0, 7).Draw(rt, "kind")
	if depth == 0 || kind < 3 {
		switch leaf := rapid.IntRange(0, 6).Draw(rt, "leaf"); {
		case leaf < 2:
			return nfield(rapid.SampledFrom(propBools).Draw(rt, "field"))
		case leaf < 3:
			return nequals{"hostname", rapid.SampledFrom(propNames).Draw(rt, "name")}
		case leaf < 4 || !clocks:
			return nequals{"status", rapid.SampledFrom(propStates).Draw(rt, "state")}
		}
		return nclock{rapid.SampledFrom([]string{"within", "olderThan", "past"}).Draw(rt, "fn"), "os.patchedAt", rapid.IntRange(1, 9).Draw(rt, "days")}
	}
	a := drawExpr(rt, depth-1, clocks)
	switch kind {
	case 3:
		return nnot{a}
	case 4, 5:
		return nand{a, drawExpr(rt, depth-1, clocks)}
	case 6:
		return nor{a, drawExpr(rt, depth-1, clocks)}
	}
	return ncond{a, drawExpr(rt, depth-1, clocks), drawExpr(rt, depth-1, clocks)}
}

// continuousOf compiles the two expressions; draws whose form alone decides the
// answer are thrown away, as Parse does.
func continuousOf(rt *rapid.T, where, holds nexpr) *Procedure {
	doc := fmt.Sprintf("id: prop\ntitle: p\ncontrols: [X]\npopulation: { items: device, where: %s }\ncontinuous: { holds: %s }\n"+
		"examples:\n  - { given: { device: {} }, expect: operated }\n  - { given: { device: {} }, expect: deviation }\n", quote(where.cel()), quote(holds.cel()))
	p, err := parse("prop.yaml", []byte(doc), nil)
	if err != nil {
		if strings.Contains(err.Error(), "always the same") {
			rt.Skip("constant")
		}
		rt.Fatalf("%s\n%v", doc, err)
	}
	return p
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func drawBody(rt *rapid.T) string {
	m := map[string]any{}
	for _, f := range propBools {
		if v := rapid.IntRange(0, 2).Draw(rt, f); v > 0 {
			put(m, f, v == 2)
		}
	}
	if v := rapid.IntRange(0, 3).Draw(rt, "status"); v > 0 {
		m["status"] = propStates[v-1]
	}
	if v := rapid.IntRange(0, 2).Draw(rt, "hostname"); v > 0 {
		m["hostname"] = propNames[v-1]
	}
	switch v := rapid.IntRange(0, 4).Draw(rt, "patched"); v {
	case 0:
	case 1:
		put(m, "os.patchedAt", "never")
	default:
		put(m, "os.patchedAt", text(micros(propStart)+int64(rapid.IntRange(-10*24, 30*24).Draw(rt, "hours"))*hour))
	}
	b, err := canonical.Marshal(m)
	if err != nil {
		rt.Fatal(err)
	}
	return string(b)
}

func drawLooks(rt *rapid.T) []observed {
	var out []observed
	at := propStart
	pool := []string{drawBody(rt), drawBody(rt), drawBody(rt)}
	for range rapid.IntRange(1, 14).Draw(rt, "looks") {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{6, 24, 24, 24, 26, 27, 70}).Draw(rt, "step")) * time.Hour)
		l := observed{at: at, complete: rapid.IntRange(0, 4).Draw(rt, "complete") > 0, bodies: map[string]string{}}
		for _, id := range []string{"a", "b"} {
			if rapid.IntRange(0, 4).Draw(rt, "there") > 0 {
				l.bodies[id] = rapid.SampledFrom(pool).Draw(rt, "body")
			}
		}
		out = append(out, l)
	}
	return out
}

// drawInstant favors the edges: looks, ends of results, and just beside them.
func drawInstant(rt *rapid.T, looks []observed, results []audit.Result, i int) time.Time {
	var at time.Time
	switch {
	case i%4 == 3:
		at = drawFlip(rt, looks)
	case i%3 == 0:
		at = looks[rapid.IntRange(0, len(looks)-1).Draw(rt, "look")].at
	case i%3 == 1 && len(results) > 0:
		r := results[rapid.IntRange(0, len(results)-1).Draw(rt, "result")]
		at = r.Span.From
		if rapid.Bool().Draw(rt, "end") {
			at = r.Span.To
		}
	default:
		at = propStart.Add(time.Duration(rapid.IntRange(0, 30*24*3600).Draw(rt, "second")) * time.Second)
	}
	return at.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "beside")) * time.Microsecond)
}

// drawFlip is an instant at which some clock test may flip.
func drawFlip(rt *rapid.T, looks []observed) time.Time {
	l := looks[rapid.IntRange(0, len(looks)-1).Draw(rt, "flip")]
	for _, id := range []string{"a", "b"} {
		var m map[string]any
		if json.Unmarshal([]byte(l.bodies[id]), &m) == nil {
			if s, ok := lookup(m, "os.patchedAt").(string); ok && s != "never" {
				us, _ := parseInstant([]byte(s))
				return instant(us + int64(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(rt, "age"))*day)
			}
		}
	}
	return l.at
}

// timelineOf writes looks as the timeline a source would give.
func timelineOf(looks []observed) *audit.Timeline {
	tl := &audit.Timeline{Type: "device", Streams: []audit.Stream{{StreamKey: audit.StreamKey{Source: "mdm", Type: "device"}, Mode: audit.ModeSnapshot}}}
	st := &tl.Streams[0]
	hist := map[string][]audit.Version{}
	for i, l := range looks {
		if l.complete {
			st.Points = append(st.Points, audit.Point{At: l.at, Record: int64(i)})
		} else {
			st.Holes = append(st.Holes, audit.Hole{Span: audit.At(l.at), Reason: "incomplete", Record: int64(i)})
		}
		for _, id := range []string{"a", "b"} {
			body, there := l.bodies[id]
			vs := hist[id]
			n := len(vs)
			switch {
			case there && (n == 0 || vs[n-1].Gone || string(vs[n-1].Body) != body):
				hist[id] = append(vs, audit.Version{From: audit.Bound{After: l.at.Add(-time.Minute), At: l.at}, Body: []byte(body), Record: int64(i)})
			case !there && l.complete && n > 0 && !vs[n-1].Gone:
				hist[id] = append(vs, audit.Version{From: audit.Bound{After: l.at.Add(-time.Minute), At: l.at}, Gone: true, Record: int64(i)})
			}
		}
	}
	for id, vs := range hist {
		tl.Histories = append(tl.Histories, audit.History{ID: id, Versions: vs})
	}
	slices.SortFunc(tl.Histories, func(a, b audit.History) int { return strings.Compare(a.ID, b.ID) })
	return tl
}
