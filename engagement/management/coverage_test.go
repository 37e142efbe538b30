package management_test

import (
	"slices"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/management"
)

// TestCoverage: reports in force, then letters, and the days between, over all
// engagements of one system.
func TestCoverage(t *testing.T) {
	day := func(s string) time.Time { d, _ := time.Parse(time.DateOnly, s); return d }
	over := func(id, first, last string) engagement.Terms {
		return engagement.Terms{ID: id, Type: engagement.SOC2TypeII, System: "Cloud", Zone: "UTC", First: first, Last: last}
	}
	issued := func(terms engagement.Terms, more ...func(*management.Side)) *management.Side {
		r := management.Release{Terms: terms}
		r.Report = "r" + terms.ID
		x := &management.Side{Terms: terms, State: engagement.Issued, Agreed: &engagement.Agreed{}, Releases: []management.Release{r}}
		for _, f := range more {
			f(x)
		}
		return x
	}
	letter := func(report, from, to string) func(*management.Side) {
		return func(x *management.Side) {
			x.Bridges = append(x.Bridges, management.Bridge{ID: "L-1", BridgeData: management.BridgeData{Report: report, From: from, To: to, Signed: engagement.Signature{Name: "Sam"}}})
		}
	}
	withdrawn := func(x *management.Side) { x.Releases[0].Withdrawn = "it was wrong" }
	running := func(terms engagement.Terms) *management.Side {
		return &management.Side{Terms: terms, State: engagement.Observing, Agreed: &engagement.Agreed{}}
	}
	dated := engagement.Terms{ID: "EN-1", Type: engagement.SOC2TypeI, System: "Cloud", Zone: "UTC", AsOf: "2025-12-31"}
	soc1 := over("EN-3", "2025-01-01", "2026-12-31")
	soc1.Type = engagement.SOC1TypeII
	y2025, y2026 := over("EN-1", "2025-01-01", "2025-12-31"), over("EN-2", "2026-01-01", "2026-12-31")
	late := over("EN-2", "2026-02-01", "2027-01-31")
	for _, c := range []struct {
		name  string
		sides []*management.Side
		seen  []management.Days
		today string
		want  []string
	}{
		{"no report", []*management.Side{running(y2025)}, nil, "2026-03-01", nil},
		{"on the last day", []*management.Side{issued(y2025)}, nil, "2025-12-31", []string{"2025-01-01..2025-12-31 examined EN-1"}},
		{"nothing since", []*management.Side{issued(y2025)}, nil, "2026-03-01", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-03-01 nothing"}},
		{"monitored since", []*management.Side{issued(y2025)}, []management.Days{{"2025-01-01", "2025-12-31"}, {"2026-01-01", "2026-02-15"}}, "2026-03-01", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-02-15 monitored, not examined", "2026-02-16..2026-03-01 nothing"}},
		{"a letter, then monitored", []*management.Side{issued(y2025, letter("rEN-1", "2026-01-01", "2026-01-31"))}, []management.Days{{"2026-01-01", "2026-03-01"}}, "2026-03-01", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-01-31 management's letter EN-1 L-1", "2026-02-01..2026-03-01 monitored, not examined"}},
		{"the next report speaks of these days", []*management.Side{issued(y2025, letter("rEN-1", "2026-01-01", "2026-03-31")), issued(y2026)}, nil, "2026-12-31", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-12-31 examined EN-2"}},
		{"a hole between two", []*management.Side{issued(y2025), issued(late)}, nil, "2027-01-31", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-01-31 nothing", "2026-02-01..2027-01-31 examined EN-2"}},
		{"the next is under way", []*management.Side{issued(y2025), running(late)}, nil, "2026-03-01", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-01-31 nothing", "2026-02-01..2026-03-01 nothing, EN-2 under way"}},
		{"withdrawn", []*management.Side{issued(y2025, withdrawn, letter("rEN-1", "2026-01-01", "2026-01-31"))}, []management.Days{{"2025-01-01", "2026-01-10"}}, "2026-01-10", []string{"2025-01-01..2025-12-31 withdrawn EN-1", "2026-01-01..2026-01-10 monitored, not examined"}},
		{"the letter of an older report", []*management.Side{issued(y2025, letter("other", "2026-01-01", "2026-01-31"))}, nil, "2026-01-10", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-01-10 nothing"}},
		{"a date, then the period after it", []*management.Side{issued(dated), issued(y2026)}, nil, "2026-12-31", []string{"2025-12-31..2025-12-31 examined as of the day EN-1", "2026-01-01..2026-12-31 examined EN-2"}},
		{"a date alone", []*management.Side{issued(dated)}, nil, "2026-01-05", []string{"2025-12-31..2025-12-31 examined as of the day EN-1", "2026-01-01..2026-01-05 nothing"}},
		{"objectives are another matter", []*management.Side{issued(y2025), issued(soc1)}, nil, "2026-01-05", []string{"2025-01-01..2025-12-31 examined EN-1", "2026-01-01..2026-01-05 nothing", "2025-01-01..2026-12-31 examined EN-3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &management.State{Sides: map[string]*management.Side{}}
			for _, x := range c.sides {
				s.Sides[x.Terms.ID] = x
			}
			var got []string
			for _, covered := range s.Coverage(c.seen, day(c.today)) {
				for _, x := range covered.Stretches {
					line := x.First + ".." + x.Last + " " + string(x.By)
					for _, more := range []string{x.Engagement, x.Letter} {
						if more != "" {
							line += " " + more
						}
					}
					if x.UnderWay != "" {
						line += ", " + x.UnderWay + " under way"
					}
					got = append(got, line)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}
