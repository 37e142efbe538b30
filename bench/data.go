package main

import (
	"fmt"
	"time"

	"tieout/audit"
)

// The year the benchmark looks at, and what it holds at full scale.
const (
	days     = 365
	versions = 4
)

var yearStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func midnight(day int) time.Time { return yearStart.AddDate(0, 0, day) }

// unseen are the days on which nothing was collected.
func unseen(day int) bool { return day == 100 || day == 101 }

// year is a timeline of daily snapshots: every account changes three times,
// two days were not seen, and one account of a hundred has a stretch in which
// something is wrong or was not collected.
func year(items int) *audit.Timeline {
	tl := &audit.Timeline{Type: "account", Streams: []audit.Stream{{
		StreamKey: audit.StreamKey{Source: "okta", Type: "account"}, Mode: audit.ModeSnapshot,
	}}}
	for d := range days + 1 {
		if !unseen(d) {
			tl.Streams[0].Points = append(tl.Streams[0].Points, audit.Point{At: midnight(d), Record: int64(d)})
		}
	}
	tl.Histories = make([]audit.History, items)
	for i := range items {
		h := &tl.Histories[i]
		h.ID = fmt.Sprintf("okta/u%06d", i)
		for v := range versions {
			d := changeDay(i, v)
			h.Versions = append(h.Versions, audit.Version{
				From: audit.Bound{After: lastSeenBefore(d), At: midnight(d)}, Body: body(i, v, d), Record: int64(d),
			})
		}
	}
	return tl
}

func changeDay(i, v int) int {
	d := v*80 + i%30
	if unseen(d) {
		return 102 // first seen when the set was seen again
	}
	return d
}

func lastSeenBefore(d int) time.Time {
	for d--; unseen(d); d-- {
	}
	return midnight(d)
}

// body is version v of account i, which was first seen on day d.
func body(i, v, d int) []byte {
	mfa, disabled, password := `"enforced":true,"enrolled":true,"factors":["totp","webauthn"]`, "never", d-i%7
	switch {
	case i%500 == 7 && v == 2:
		mfa = `"enforced":false,"enrolled":true,"factors":["sms"]`
	case i%500 == 109 && v == 1:
		mfa = `"enrolled":true,"factors":["totp"]`
	case i%500 == 211 && v == 1:
		password = d - 120 // too old before the next version
	case i%500 == 313 && v == 3:
		disabled = midnight(d - 1).Format(time.RFC3339)
	case i%500 == 415 && v == 0:
		mfa = `"enforced":true,"enrolled":true,"factors":[]`
	}
	kinds := []string{"human", "human", "human", "service", "shared", "guest"}
	systems := []string{"okta", "okta", "aws", "github"}
	return fmt.Appendf(nil, `{"admin":%v,"createdAt":"2025-03-0%dT08:00:00Z","disabledAt":"%s","email":"user%06d@example.com","kind":"%s",`+
		`"login":"u%06d","mfa":{%s},"passwordChangedAt":"%s","sso":%v,"status":"active","system":"%s"}`,
		i%50 == 0, i%9+1, disabled, i, kinds[i%6], i, mfa, midnight(password).Format(time.RFC3339), v%2 == 0, systems[i/6%4])
}

// fullYear is the year as a period.
func fullYear() audit.Period {
	return audit.Period{Span: audit.Span{From: midnight(0), To: midnight(days)}, Zone: "UTC"}
}
