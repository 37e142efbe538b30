package timeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/timeline"
)

func TestAges(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 6, 0, 0, 0, time.UTC) }
	tests := []struct {
		name, typ, body, volatile string
		want                      string
	}{
		{"an hour ago", "account", `{"login":"ana"}`, `{"lastUsedAt":"2026-03-20T05:00:00Z"}`, `{"idleDays":0,"login":"ana"}`},
		{"eight days ago is seven", "account", `{"login":"ana"}`, `{"lastUsedAt":"2026-03-12T05:00:00Z"}`, `{"idleDays":7,"login":"ana"}`},
		{"years ago", "account", `{"login":"ana"}`, `{"lastUsedAt":"2020-01-01T00:00:00Z"}`, `{"idleDays":365,"login":"ana"}`},
		{"never, made 50 days ago", "account", `{"createdAt":"2026-01-29T00:00:00Z","login":"ana"}`, `{"lastUsedAt":"never"}`, `{"createdAt":"2026-01-29T00:00:00Z","idleDays":45,"login":"ana"}`},
		{"never, and nobody knows since when", "account", `{"login":"ana"}`, `{"lastUsedAt":"never"}`, `{"login":"ana"}`},
		{"not collected", "account", `{"login":"ana"}`, "", `{"login":"ana"}`},
		{"in the future, which no clock should say", "account", `{"login":"ana"}`, `{"lastUsedAt":"2027-01-01T00:00:00Z"}`, `{"login":"ana"}`},
		{"its source says it", "account", `{"idleDays":3,"login":"ana"}`, `{"lastUsedAt":"2026-03-12T05:00:00Z"}`, `{"idleDays":3,"login":"ana"}`},
		{"in a group that is there", "device", `{"antivirus":{"running":true},"serial":"x"}`, `{"antivirus":{"updatedAt":"2026-03-18T00:00:00Z"}}`, `{"antivirus":{"running":true,"staleDays":1},"serial":"x"}`},
		{"in a group that is not", "device", `{"serial":"x"}`, `{"antivirus":{"updatedAt":"2026-03-18T00:00:00Z"},"lastSeenAt":"2026-03-19T06:00:00Z"}`, `{"antivirus":{"staleDays":1},"serial":"x","silentDays":1}`},
		{"behind all other keys", "device", `{"admins":[]}`, `{"lastSeenAt":"2026-02-01T06:00:00Z"}`, `{"admins":[],"silentDays":45}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			it := audit.Item{Type: tt.typ, ID: "x", Body: json.RawMessage(tt.body)}
			if tt.volatile != "" {
				it.Volatile = json.RawMessage(tt.volatile)
			}
			o := audit.Observation{Stream: audit.StreamKey{Source: "s", Type: tt.typ}, Mode: audit.ModeSnapshot, Covers: audit.At(day(20)), Complete: true, Record: 2,
				Items: []audit.Seen{{Item: it, Record: 1}}}
			tls, err := timeline.Observe([]audit.Observation{o})
			if err != nil {
				t.Fatal(err)
			}
			tl := tls[tt.typ]
			if len(tl.Streams[0].Holes) > 0 {
				t.Fatalf("a hole: %s", tl.Streams[0].Holes[0].Reason)
			}
			got := tl.Histories[0].Versions[0].Body
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err := canonical.Check(got); err != nil {
				t.Error(err)
			}
		})
	}
}

// An account nobody uses makes a version where a deadline could pass, not every day.
func TestAgesMakeFewVersions(t *testing.T) {
	var obs []audit.Observation
	start := time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC)
	for d := range 100 {
		obs = append(obs, audit.Observation{Stream: audit.StreamKey{Source: "s", Type: "account"}, Mode: audit.ModeSnapshot, Covers: audit.At(start.AddDate(0, 0, d)), Complete: true,
			Record: int64(2*d + 2), Items: []audit.Seen{{Record: int64(2*d + 1), Item: audit.Item{Type: "account", ID: "x", Body: json.RawMessage(`{"login":"ana"}`), Volatile: json.RawMessage(`{"lastUsedAt":"2026-01-01T00:00:00Z"}`)}}}})
	}
	tls, err := timeline.Observe(obs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range tls["account"].Histories[0].Versions {
		got = append(got, v.From.At.Format("2 Jan")+" "+strings.TrimSuffix(strings.TrimPrefix(string(v.Body), `{"idleDays":`), `,"login":"ana"}`))
	}
	if want := "1 Jan 0, 2 Jan 1, 8 Jan 7, 15 Jan 14, 31 Jan 30, 15 Feb 45, 2 Mar 60, 1 Apr 90"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}
