package definition

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

const twoPeriods = "periods:\n  - { first: 2025-01-01, last: 2025-12-31 }\n  - { name: now, first: 2026-01-01, last: 2026-12-31 }"

// TestNextPeriod: it begins the day after the last one, and is as long.
func TestNextPeriod(t *testing.T) {
	const year = "period: { first: 2026-01-01, last: 2026-12-31 }"
	for _, c := range []struct{ name, config, want string }{
		{"after a year", setupText, "2027-01-01 to 2027-12-31 type II"},
		{"after the last of several", strings.Replace(setupText, year, twoPeriods, 1), "2027-01-01 to 2027-12-31 type II"},
		{"in another order", strings.Replace(setupText, year, "periods: [{ first: 2026-07-01, last: 2026-12-31 }, { first: 2026-01-01, last: 2026-06-30 }]", 1), "2027-01-01 to 2027-06-30 type II"},
		{"after the date of a type I", strings.Replace(setupText, year, "period: { first: 2026-01-01, last: 2026-03-31, report: type I }", 1), "2026-04-01 to 2027-03-31 type II"},
	} {
		got, err := setupWorkspace(t, c.config).NextPeriod()
		if have := got.First + " to " + got.Last + " " + got.Report; err != nil || have != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, have, err, c.want)
		}
	}
}

func TestAddPeriod(t *testing.T) {
	const year = "period: { first: 2026-01-01, last: 2026-12-31 }"
	for _, c := range []struct {
		name   string
		config string
		add    PeriodConfig
		want   []string // the periods then
		words  []string
		holes  int
	}{
		{"as proposed", setupText, PeriodConfig{}, []string{"2026-01-01 to 2026-12-31", "2027-01-01 to 2027-12-31"}, []string{"periods:\n", "# Both days.", "# Ours.", "# the company", `collect: "06:00"} # early`, "#   witnesses: []"}, 0},
		{"to several", strings.Replace(setupText, year, twoPeriods, 1), PeriodConfig{}, []string{"2025-01-01 to 2025-12-31", "now", "2027-01-01 to 2027-12-31"}, []string{"name: now"}, 0},
		{"with a name and a length", setupText, PeriodConfig{Name: "H1", Last: "2027-06-30"}, []string{"2026-01-01 to 2026-12-31", "H1"}, []string{"name: H1"}, 0},
		{"days are left out", setupText, PeriodConfig{First: "2027-02-01", Last: "2028-01-31"}, []string{"2026-01-01 to 2026-12-31", "2027-02-01 to 2028-01-31"}, nil, 1},
		{"a block", strings.Replace(setupText, year, "period:\n  first: 2026-01-01 # we began\n  last: 2026-03-31\n  report: type I", 1), PeriodConfig{}, []string{"2026-01-01 to 2026-03-31", "2026-04-01 to 2027-03-31"}, []string{"# we began", "report: type I"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setupWorkspace(t, c.config)
			files, err := w.AddPeriod(c.add)
			if err != nil {
				t.Fatal(err)
			}
			next, err := w.With(files)
			if err != nil {
				t.Fatalf("%v in\n%s", err, files[configFile])
			}
			var names []string
			for _, p := range next.Periods {
				names = append(names, p.Name)
			}
			if !slices.Equal(names, c.want) || len(next.Holes()) != c.holes {
				t.Errorf("got periods %q with holes %v; want %q", names, next.Holes(), c.want)
			}
			for _, want := range c.words {
				if !strings.Contains(string(files[configFile]), want) {
					t.Errorf("%q is missing from\n%s", want, files[configFile])
				}
			}
			if !next.Periods[0].From.Equal(w.Periods[0].From) || !next.Periods[0].To.Equal(w.Periods[0].To) || next.ReportOf(next.Periods[0].Name) != w.ReportOf(w.Periods[0].Name) {
				t.Errorf("the period that was there has changed: %v, was %v", next.Periods[0], w.Periods[0])
			}
			plan := NewPlan(w, next, next.Periods[0].Period, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)).String()
			if strings.Contains(plan, "no period holds these days") != (c.holes > 0) {
				t.Errorf("the plan says\n%s", plan)
			}
		})
	}
}

func TestAddPeriodRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		add   PeriodConfig
		words string
	}{
		{"days that a period holds", PeriodConfig{First: "2026-12-31", Last: "2027-12-31"}, "begins on 2027-01-01 or later"},
		{"a first day alone", PeriodConfig{First: "2027-02-01"}, "needs its last day"},
	} {
		if _, err := setupWorkspace(t, setupText).AddPeriod(c.add); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: got %v; want ErrInvalid saying %q", c.name, err, c.words)
		}
	}
}

// TestPlanSaysLength: a short period is worth a second look, once, when it is new
// or changed.
func TestPlanSaysLength(t *testing.T) {
	w := setupWorkspace(t, setupText)
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	plan := func(a, b *Workspace) string { return NewPlan(a, b, b.Periods[0].Period, at).String() }
	short := setupWorkspace(t, strings.Replace(setupText, "last: 2026-12-31", "last: 2026-02-28", 1))
	date := setupWorkspace(t, strings.Replace(setupText, "last: 2026-12-31", "last: 2026-02-28, report: type I", 1))
	if got := plan(w, short); !strings.Contains(got, "! 2026-01-01 to 2026-02-28 59 days show little of a year") {
		t.Errorf("a short period:\n%s", got)
	}
	if got := plan(short, short); strings.Contains(got, "show little") {
		t.Errorf("it is said again:\n%s", got)
	}
	if got := plan(w, date); strings.Contains(got, "show little") {
		t.Errorf("of a Type I:\n%s", got)
	}
}
