package examination_test

import (
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/examination"
)

// TestUntestedDays: all of what no test has seen is told, not the first of it.
func TestUntestedDays(t *testing.T) {
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	span := audit.Span{From: day(4, 1), To: day(5, 1)}
	gap := audit.Tested{Title: "Leavers", Gaps: []audit.Gap{{Span: audit.Span{From: day(4, 12), To: day(4, 13)}}}}
	whole := audit.Tested{Title: "Joiners"}
	for _, tt := range []struct {
		name   string
		tested []audit.Tested
		seen   audit.Span
		want   string
	}{
		{"every day", []audit.Tested{whole}, audit.Span{From: day(3, 1), To: day(6, 1)}, ""},
		{"no run over them", []audit.Tested{whole}, audit.Span{From: day(1, 1), To: day(4, 1)}, "No test has run over any of these days."},
		{"a gap before the days and one in them and one behind", []audit.Tested{whole, gap}, audit.Span{From: day(4, 5), To: day(4, 20)},
			"No test has run over the days before 5 April 2026.|No test has run over the days from 20 April 2026 on.|Some of these days have no evidence for: Leavers."},
		{"evidence alone", []audit.Tested{gap}, audit.Span{From: day(3, 1), To: day(6, 1)}, "Some of these days have no evidence for: Leavers."},
	} {
		if got := strings.Join(examination.Untested(tt.tested, tt.seen, span), "|"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestUntestedByRuns: days that the runs of several periods saw are seen.
func TestUntestedByRuns(t *testing.T) {
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	of := func(from, to time.Time) audit.Span { return audit.Span{From: from, To: to} }
	span := of(day(3, 20), day(5, 1))
	for _, tt := range []struct {
		name string
		seen []audit.Span
		want string
	}{
		{"none", nil, "No test has run over any of these days."},
		{"two that adjoin", []audit.Span{of(day(1, 1), day(4, 1)), of(day(4, 1), day(5, 1))}, ""},
		{"the second runs still", []audit.Span{of(day(1, 1), day(4, 1)), of(day(4, 1), day(4, 15))}, "No test has run over the days from 15 April 2026 on."},
		{"days between", []audit.Span{of(day(1, 1), day(4, 1)), of(day(4, 11), day(5, 1))}, "No test has run over the days from 1 April 2026 to 10 April 2026."},
		{"one before the days", []audit.Span{of(day(1, 1), day(2, 1)), of(day(4, 1), day(5, 1))}, "No test has run over the days before 1 April 2026."},
	} {
		if got := strings.Join(examination.UntestedBy("Leavers", span, tt.seen...), "|"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
