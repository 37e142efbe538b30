package definition

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each archive in testdata/plan holds two revisions, old/ and new/, and the
// plan on the afternoon of 14 September 2026 as a person reads it.
func TestPlan(t *testing.T) {
	cases, err := filepath.Glob("testdata/plan/*.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	now := time.Date(2026, 9, 14, 20, 0, 0, 0, time.UTC)
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			old, new := load(t, parts(a, "old/")), load(t, parts(a, "new/"))
			plan := NewPlan(old, new, new.Periods[0].Period, now)
			compareGolden(t, a, name, plan.String())
			if plan.Old != old.Hash() || plan.New != new.Hash() {
				t.Errorf("got %s to %s, want %s to %s", plan.Old, plan.New, old.Hash(), new.Hash())
			}
		})
	}
}

func TestPlanOfFirstRevisionAddsEverything(t *testing.T) {
	w := load(t, minimal())
	plan := NewPlan(nil, w, w.Periods[0].Period, time.Date(2026, 9, 14, 0, 0, 0, 0, time.UTC))
	if want := len(w.Controls) + len(w.Procedures) + 1; plan.Add != want || plan.Change != 0 || plan.Retire != 0 {
		t.Errorf("got %d to add, %d to change, %d to retire; want %d, 0, 0", plan.Add, plan.Change, plan.Retire, want)
	}
	if plan.Old != "" {
		t.Errorf("old revision: got %s, want none", plan.Old)
	}
}

func TestFirstDue(t *testing.T) {
	for _, c := range []struct{ frequency, from, want string }{
		{"monthly", "2026-10-01", "2026-10-31"},
		{"monthly", "2026-02-14", "2026-02-28"},
		{"quarterly", "2026-10-01", "2026-12-31"},
		{"quarterly", "2026-09-30", "2026-09-30"},
		{"semi-annual", "2026-10-01", "2026-12-31"},
		{"semi-annual", "2026-06-30", "2026-06-30"},
		{"annual", "2026-02-01", "2026-12-31"},
		{"weekly", "2026-09-14", "2026-09-20"},
		{"weekly", "2026-09-20", "2026-09-20"},
		{"daily", "2026-09-14", "2026-09-14"},
		{"continuous", "2026-09-14", ""},
		{"per event", "2026-09-14", ""},
	} {
		if got := firstDue(c.frequency, c.from); got != c.want {
			t.Errorf("%s from %s: got %q, want %q", c.frequency, c.from, got, c.want)
		}
	}
}
