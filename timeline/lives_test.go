package timeline_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/timeline"
)

func TestLives(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 6, 0, 0, 0, time.UTC) }
	scan := func(n int, complete bool, bodies ...string) audit.Observation {
		o := audit.Observation{Stream: audit.StreamKey{Source: "trivy", Scope: "api", Type: "vulnerability"}, Mode: audit.ModeSnapshot,
			Covers: audit.At(day(n)), Complete: complete, Record: int64(100 * n)}
		if !complete {
			o.Reason = "page 2: 502"
		}
		for _, b := range bodies {
			o.Items = append(o.Items, audit.Seen{Item: audit.Item{Type: "vulnerability", ID: "v", Body: json.RawMessage(b)}, Record: int64(100*n - 1)})
		}
		return o
	}
	const open, high = `{"severity":"low","status":"open"}`, `{"severity":"high","status":"open"}`
	tests := []struct {
		name string
		obs  []audit.Observation
		want []string
	}{
		{"seen once", []audit.Observation{scan(1, true, open)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`}},
		{"its severity changes", []audit.Observation{scan(1, true, open), scan(2, true, high)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`,
				`2 {"foundAt":"2026-03-01T06:00:00Z","severity":"high","status":"open"}`}},
		{"not seen any more", []audit.Observation{scan(1, true, open), scan(4, true)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`,
				`4 {"fixedAt":"2026-03-04T06:00:00Z","foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"fixed"}`}},
		{"an incomplete scan fixes nothing", []audit.Observation{scan(1, true, open), scan(4, false)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`}},
		{"an incomplete scan finds", []audit.Observation{scan(1, false, open), scan(4, true, open)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`}},
		{"back again", []audit.Observation{scan(1, true, open), scan(4, true), scan(6, true, open)},
			[]string{`1 {"foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"open"}`,
				`4 {"fixedAt":"2026-03-04T06:00:00Z","foundAt":"2026-03-01T06:00:00Z","severity":"low","status":"fixed"}`,
				`6 {"foundAt":"2026-03-06T06:00:00Z","severity":"low","status":"open"}`}},
		{"the scanner says since when", []audit.Observation{scan(3, true, `{"foundAt":"2026-02-01T00:00:00Z","status":"open"}`), scan(4, true)},
			[]string{`3 {"foundAt":"2026-02-01T00:00:00Z","status":"open"}`,
				`4 {"fixedAt":"2026-03-04T06:00:00Z","foundAt":"2026-02-01T00:00:00Z","status":"fixed"}`}},
		{"the scanner says that it is fixed", []audit.Observation{scan(3, true, `{"fixedAt":"2026-03-02T00:00:00Z","status":"fixed"}`), scan(4, true)},
			[]string{`3 {"fixedAt":"2026-03-02T00:00:00Z","foundAt":"2026-03-03T06:00:00Z","status":"fixed"}`,
				`4 {"fixedAt":"2026-03-02T00:00:00Z","foundAt":"2026-03-03T06:00:00Z","status":"fixed"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tls, err := timeline.Observe(tt.obs)
			if err != nil {
				t.Fatal(err)
			}
			tl := tls["vulnerability"]
			before := timeline.Encode(tl)
			timeline.Lives(tl)
			if d := cmp.Diff(string(before), string(timeline.Encode(tl))); d != "" {
				t.Errorf("told twice it differs:\n%s", d)
			}
			var got []string
			for _, v := range tl.Histories[0].Versions {
				got = append(got, v.From.At.Format("2 ")+string(v.Body))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("want, got:\n%s", d)
			}
		})
	}
}
