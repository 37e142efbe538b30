package html

import (
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func TestAWordStandsWhereNothingCoversIt(t *testing.T) {
	for _, c := range []struct {
		name string
		busy [][2]int
		want int
	}{
		{"an empty block", nil, 200},
		{"a tick at its beginning", [][2]int{{210, 219}}, 219},
		{"ticks up to the middle", [][2]int{{205, 214}, {290, 299}}, 299},
		{"room between two ticks", [][2]int{{210, 219}, {330, 339}}, 219},
		{"a finding before the block", [][2]int{{100, 190}}, 200},
		{"a finding into the block", [][2]int{{180, 230}}, 230},
		{"no room anywhere", [][2]int{{250, 260}, {340, 350}, {430, 440}}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &controlStrip{busy: c.busy}
			if got := s.clear(200, 500); got != c.want {
				t.Errorf("the word begins at %d, want %d", got, c.want)
			}
		})
	}
}

func TestNamesOfMonthsDoNotRunIntoEachOther(t *testing.T) {
	for _, c := range []struct {
		name, from, to, want string
	}{
		{"whole months", "2026-01-01", "2026-04-01", "Jan Feb Mar"},
		{"begins on the 23rd", "2025-11-23", "2026-03-01", "Dec Jan Feb"},
		{"begins on the 10th", "2025-11-10", "2026-02-01", "Nov Dec Jan"},
		{"ends on the 3rd", "2026-01-01", "2026-04-04", "Jan Feb Mar"},
		{"a week of one month", "2026-01-20", "2026-01-27", "Jan"},
		{"a week of two months", "2026-01-28", "2026-02-04", "Feb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			period := audit.Period{Span: audit.Span{From: day(t, c.from), To: day(t, c.to)}}
			var months []month
			for at := period.From; at.Before(period.To); at = nextMonth(at, time.UTC) {
				months = append(months, month{Name: at.Format("Jan")})
			}
			var got []string
			for _, m := range roomy(months, period, time.UTC) {
				got = append(got, m.Name)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("the ruler names %s, want %s", s, c.want)
			}
		})
	}
}

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
