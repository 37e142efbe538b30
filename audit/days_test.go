package audit_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
)

func TestNextDays(t *testing.T) {
	for _, c := range []struct{ name, first, last, wantFirst, wantLast string }{
		{"a year", "2025-01-01", "2025-12-31", "2026-01-01", "2026-12-31"},
		{"a leap year", "2023-03-01", "2024-02-29", "2024-03-01", "2025-02-28"},
		{"a year from the middle of a month", "2025-04-15", "2026-04-14", "2026-04-15", "2027-04-14"},
		{"a half-year", "2025-01-01", "2025-06-30", "2025-07-01", "2025-12-31"},
		{"a month", "2026-01-01", "2026-01-31", "2026-02-01", "2026-02-28"},
		{"so many days", "2026-01-01", "2026-01-10", "2026-01-11", "2026-01-20"},
		{"one day", "2026-03-31", "2026-03-31", "2026-04-01", "2026-04-01"},
	} {
		first, last, err := audit.NextDays(c.first, c.last)
		if err != nil || first != c.wantFirst || last != c.wantLast {
			t.Errorf("%s: got %s to %s, %v; want %s to %s", c.name, first, last, err, c.wantFirst, c.wantLast)
		}
	}
	for _, bad := range [][2]string{{"soon", "2026-01-01"}, {"2026-01-02", "2026-01-01"}, {"2026-01-02", "later"}} {
		if _, _, err := audit.NextDays(bad[0], bad[1]); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%v: got %v, want ErrInvalid", bad, err)
		}
	}
}

func TestDaysBetween(t *testing.T) {
	for _, c := range []struct{ name, last, first, from, to string }{
		{"the day after", "2025-12-31", "2026-01-01", "", ""},
		{"a day is left", "2025-12-31", "2026-01-02", "2026-01-01", "2026-01-01"},
		{"a month is left", "2025-12-31", "2026-02-01", "2026-01-01", "2026-01-31"},
		{"they overlap", "2025-12-31", "2025-12-01", "", ""},
		{"no day", "", "2026-01-01", "", ""},
	} {
		if from, to := audit.DaysBetween(c.last, c.first); from != c.from || to != c.to {
			t.Errorf("%s: got %q to %q, want %q to %q", c.name, from, to, c.from, c.to)
		}
	}
}

func TestLengthWarning(t *testing.T) {
	for _, c := range []struct{ name, first, last, want string }{
		{"a year", "2026-01-01", "2026-12-31", ""},
		{"a leap year", "2024-01-01", "2024-12-31", ""},
		{"six months", "2026-01-01", "2026-06-30", ""},
		{"a day less than six months", "2026-01-01", "2026-06-29", "less than six months"},
		{"three months", "2026-01-01", "2026-03-31", "less than six months"},
		{"three short months", "2026-02-01", "2026-04-30", "less than six months"},
		{"a day less than three months", "2026-01-01", "2026-03-30", "less than three months"},
		{"a month", "2026-01-01", "2026-01-31", "31 days show little"},
		{"one day", "2026-01-01", "2026-01-01", "1 day shows little"},
		{"too long", "2025-01-01", "2026-12-31", "730 days are more than a year"},
		{"the wrong way round", "2026-02-01", "2026-01-31", ""},
		{"no day", "soon", "2026-01-31", ""},
	} {
		if got := audit.LengthWarning(c.first, c.last); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
