package web

import (
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/reader/answer"
)

// year is a readiness with runs in the middle of every month of 2026 up to one.
func year(t *testing.T, months int, asOf time.Time) *answer.Readiness {
	t.Helper()
	p, err := audit.NewPeriod("2026-01-01", "2026-12-31", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	r := &answer.Readiness{Period: p, By: p.To.Add(-time.Microsecond), AsOf: asOf}
	totals, closed := []int{34, 36, 36, 41, 41, 39, 39, 42}, []int{0, 4, 9, 12, 20, 24, 30, 33}
	notes := map[int]string{3: "4 controls added: SDL-02, SDL-03", 5: "2 controls retired: PHY-01, PHY-02"}
	for i := range months {
		r.Burn = append(r.Burn, answer.BurnPoint{At: time.Date(2026, time.Month(i+1), 15, 9, 0, 0, 0, time.UTC), Total: totals[i], Closed: closed[i], Note: notes[i]})
	}
	return r
}

func TestSayBurn(t *testing.T) {
	asOf := time.Date(2026, 8, 15, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		months int
		want   string
	}{
		{0, "No run is sealed yet, so there is nothing to draw."},
		{1, "Up to 15 Jan 2026, 34 gaps were found by runs and 0 of them closed; the date is 31 Dec 2026. The picture begins with the second day on which something is tested."},
		{3, "Up to 15 Mar 2026, 36 gaps were found by runs and 9 of them closed; the date is 31 Dec 2026."},
		{4, "Up to 15 Apr 2026, 41 gaps were found by runs and 12 of them closed; the date is 31 Dec 2026. The definitions changed 1 time."},
		{8, "Up to 15 Aug 2026, 42 gaps were found by runs and 33 of them closed; the date is 31 Dec 2026. The definitions changed 2 times."},
	} {
		if got := sayBurn(year(t, c.months, asOf)); got != c.want {
			t.Errorf("%d runs\ngot  %s\nwant %s", c.months, got, c.want)
		}
	}
}

func TestDrawBurn(t *testing.T) {
	asOf := time.Date(2026, 8, 15, 9, 0, 0, 0, time.UTC)
	for _, months := range []int{0, 1} {
		if got := drawBurn(year(t, months, asOf)); got != "" {
			t.Errorf("%d runs: got a picture", months)
		}
	}
	got := string(drawBurn(year(t, 8, asOf)))
	for _, want := range []string{`role="img"`, "42 found", "33 closed", "31 Dec 2026", `class="bu-n"`, "Jan 2026"} {
		if !strings.Contains(got, want) {
			t.Errorf("misses %q", want)
		}
	}
	if n := strings.Count(got, `class="bu-note"`); n != 2 {
		t.Errorf("got %d changes of scope marked, want 2", n)
	}
	if strings.Contains(got, "style=") || strings.Contains(got, "NaN") {
		t.Errorf("holds what it must not: %s", got)
	}
}

// The table says what the picture says: every point at which something moved.
func TestBurnLines(t *testing.T) {
	r := year(t, 8, time.Time{})
	r.Burn[2].Closed = r.Burn[1].Closed // nothing moved in March
	got := burnLines(r)
	if len(got) != 7 || got[2].N != 1 || got[2].Note == "" || got[6].Closed != "33" {
		t.Errorf("got %d lines: %+v", len(got), got)
	}
}

func TestSayByControl(t *testing.T) {
	for _, c := range []struct {
		all, shown, pairs int
		filtered          bool
		want              string
	}{
		{0, 0, 0, false, "No control is in scope."},
		{1, 1, 1, false, "1 control meets criteria, 1 link in all."},
		{85, 85, 214, false, "85 controls meet criteria, 214 links in all."},
		{85, 1, 3, true, "1 of 85 controls is shown."},
		{85, 12, 30, true, "12 of 85 controls are shown."},
		{2, 0, 0, true, "Zero of two controls are shown."},
	} {
		if got := sayByControl(c.all, c.shown, c.pairs, c.filtered); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// What is offered to be put into a file reads back as what was meant.
func TestQuoteYAML(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"repository", "repository"}, {"yes", `"yes"`}, {"", `""`}, {"halyard/*", `"halyard/*"`}, {"a: b # c", `"a: b # c"`},
		{`say "hi" \ bye`, `"say \"hi\" \\ bye"`}, {"two\nlines\t", `"two\u000alines\u0009"`}, {"zürich", `"zürich"`}, {"0123", `"0123"`},
	} {
		if got := quoteYAML(c.in); got != c.want {
			t.Errorf("%q: got %s, want %s", c.in, got, c.want)
		}
	}
}
