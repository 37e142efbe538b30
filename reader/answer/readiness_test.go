package answer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/definition"
)

func mustPeriod(t *testing.T, first, last string) audit.Period {
	t.Helper()
	p, err := audit.NewPeriod(first, last, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 9, 0, 0, 0, time.UTC) }

func gaps(hours ...int) (out []ReadinessGap) {
	for _, h := range hours {
		out = append(out, ReadinessGap{Key: "k", What: "CC6.1 has no control", Hours: h, Owner: "Ana"})
	}
	return out
}

func TestReadinessSentence(t *testing.T) {
	p := mustPeriod(t, "2026-01-01", "2026-12-31")
	for _, c := range []struct {
		name string
		asOf time.Time
		gaps []ReadinessGap
		bare bool
		want string
	}{
		{"nothing tested, nothing known", day(2026, 12, 30), nil, true, "Nothing was tested yet: the sources are read first, and what they say is tested."},
		{"no gap", day(2026, 12, 30), nil, false, "No gap is open, with 2 working days left to 31 Dec 2026."},
		{"no gap, last day", day(2026, 12, 31), nil, false, "No gap is open, with 1 working day left to 31 Dec 2026."},
		{"no gap, past", day(2027, 1, 4), nil, false, "No gap is open; 31 Dec 2026 has passed."},
		{"one", day(2026, 12, 30), gaps(1), false, "1 gap stands between here and 31 Dec 2026: about 1 hour of work, with 2 working days left."},
		{"one, not tested", day(2026, 12, 30), gaps(9), true, "1 gap stands between here and 31 Dec 2026: about 2 working days of work, with 2 working days left. Nothing was tested yet, so findings and evidence gaps are not among them."},
		{"many", day(2026, 6, 1), gaps(24, 2), false, "2 gaps stand between here and 31 Dec 2026: about 4 working days of work, with 153 working days left. The longest: CC6.1 has no control, 3 working days."},
		{"too many for one person", day(2026, 12, 30), gaps(24, 2), false, "2 gaps stand between here and 31 Dec 2026: about 4 working days of work, with 2 working days left. The longest: CC6.1 has no control, 3 working days. Ana alone has 4 working days of it."},
		{"one, past", day(2027, 1, 4), gaps(8), false, "1 gap is open, and 31 Dec 2026 has passed: about 1 working day of work."},
		{"many, past", day(2027, 1, 4), gaps(8, 3), false, "2 gaps are open, and 31 Dec 2026 has passed: about 2 working days of work. The longest: CC6.1 has no control, 1 working day."},
	} {
		r := &Readiness{Period: p, By: p.To.Add(-time.Microsecond), AsOf: c.asOf, Gaps: c.gaps, Tested: !c.bare, holidays: map[string]bool{"2026-12-25": true}}
		if got := r.Sentence(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestDaysLeft(t *testing.T) {
	p := mustPeriod(t, "2026-01-01", "2026-12-31")
	r := &Readiness{Period: p, By: p.To.Add(-time.Microsecond), holidays: map[string]bool{"2026-12-25": true}}
	for _, c := range []struct {
		asOf time.Time
		want int
	}{
		{day(2026, 12, 31), 1}, {day(2026, 12, 26), 4}, {day(2026, 12, 24), 5}, {day(2027, 1, 1), 0}, {day(2026, 12, 28).Add(14 * time.Hour), 4},
	} {
		if r.AsOf = c.asOf; r.DaysLeft() != c.want {
			t.Errorf("at %s: got %d, want %d", c.asOf, r.DaysLeft(), c.want)
		}
	}
	if r.AsOf = day(2026, 2, 27); r.For(day(2026, 3, 2)).DaysLeft() != 2 {
		t.Errorf("another date: got %d, want 2", r.For(day(2026, 3, 2)).DaysLeft())
	}
}

func control(id, owner string, criteria ...string) audit.Control {
	return audit.Control{ID: id, Title: "Control " + id, Owner: owner, Criteria: criteria}
}

func finding(ref, procedure string, d audit.Disposition, response string) audit.Deviation {
	return audit.Deviation{Ref: ref, Result: audit.Result{Procedure: procedure, Item: "x"}, Title: "Access is removed", Controls: []string{"IAM-02"}, Disposition: d, Response: response}
}

// work is a view with one gap of every kind that runs record.
func work() view {
	return view{
		at: day(2026, 2, 1), defs: "one",
		criteria: []audit.Criterion{{ID: "CC6.1", Summary: "Access"}, {ID: "CC6.2", Summary: "Joiners"}},
		controls: []audit.Control{control("IAM-02", "Ana", "CC6.1"), control("IAM-03", "Ben", "CC6.1"), control("PHY-01", "", "CC6.1")},
		untested: []definition.NotTested{{Control: control("IAM-03", "Ben"), Why: "No source gives what it reads."}, {Control: control("PHY-01", ""), Why: "A person tests it: doors."}},
		lacking:  map[string][]string{"accessReview": {"IAM-03"}},
		tested: []audit.Tested{{Procedure: "access.leavers", Controls: []string{"IAM-02"}, Gaps: []audit.Gap{
			{Procedure: "access.leavers", Controls: []string{"IAM-02"}, Stream: audit.StreamKey{Source: "okta", Type: "account"}, Reason: "no answer."},
			{Procedure: "access.leavers", Controls: []string{"IAM-02"}, Stream: audit.StreamKey{Source: "okta", Type: "account"}, Reason: "no answer"},
		}}},
		devs: []audit.Deviation{finding("D-1", "access.leavers", audit.Candidate, ""), finding("D-2", "access.leavers", audit.Candidate, ""),
			finding("D-3", "access.leavers", audit.Confirmed, ""), finding("D-4", "access.leavers", audit.Confirmed, "Closed."), finding("D-5", "access.leavers", audit.NotDeviation, "")},
	}
}

func TestGapsIn(t *testing.T) {
	var got []string
	for _, g := range gapsIn(work()) {
		owner := g.Owner
		if owner == "" {
			owner = "nobody"
		}
		got = append(got, g.Key+" | "+g.What+" | "+owner)
		if g.Hours < 1 || g.Fix.Screen == "" || g.Fix.Command == "" {
			t.Errorf("%s: %d hours, mended at %+v", g.Key, g.Hours, g.Fix)
		}
	}
	want := []string{
		"criterion CC6.2 | CC6.2 has no control | nobody",
		"source accessReview | No source gives items of type accessReview | Ben",
		"test PHY-01 | PHY-01 is tested by a person | nobody",
		"owner PHY-01 | PHY-01 has no owner | nobody",
		"findings to decide access.leavers | 2 findings to decide: access is removed | Ana",
		"findings to answer access.leavers | 1 finding to answer: access is removed | Ana",
		"evidence okta: account | Evidence is missing of okta: account | Ana",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBurn(t *testing.T) {
	first, second, third := work(), work(), work()
	second.at, second.devs = day(2026, 3, 1), nil // all findings are answered
	third.at, third.defs, third.devs = day(2026, 4, 1), "two", nil
	third.controls = append(third.controls[:2:2], control("SDL-02", "Ana", "CC6.2")) // PHY-01 retires, SDL-02 comes
	third.untested = third.untested[:1]
	got := burn([]view{first, second, third})
	want := []BurnPoint{{first.at, 7, 0, ""}, {second.at, 7, 2, ""}, {third.at, 5, 3, "1 control added, 1 control retired"}}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if burn(nil) != nil {
		t.Error("no run, and still a picture")
	}
}

func TestScopeNote(t *testing.T) {
	a, b, c := control("A", ""), control("B", ""), control("C", "")
	for _, x := range []struct {
		before, after []audit.Control
		want          string
	}{
		{[]audit.Control{a}, []audit.Control{a}, "Definitions changed, the controls in scope did not"},
		{[]audit.Control{a}, []audit.Control{a, b}, "1 control added: B"},
		{[]audit.Control{a, b, c}, []audit.Control{a}, "2 controls retired: B, C"},
		{[]audit.Control{a}, []audit.Control{b, c}, "2 controls added, 1 control retired"},
	} {
		if got := scopeNote(x.before, x.after); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

// What nobody looked at never goes on.
func TestRehearsalOfNothing(t *testing.T) {
	r := &audit.Report{Period: mustPeriod(t, "2026-01-01", "2026-12-31")}
	for _, s := range rehearse(view{at: day(2026, 2, 1), criteria: []audit.Criterion{{ID: "CC6.1"}}}, r, &System{}, nil) {
		known := s.Check == "Completeness was compared with an independent number" || strings.HasPrefix(s.Check, "Management has") || strings.HasPrefix(s.Check, "Somebody has")
		if s.State == GoesOn && !known {
			t.Errorf("%s goes on: %s", s.Check, s.Says)
		}
	}
}

func TestRehearsal(t *testing.T) {
	v := work()
	v.tested[0].Streams = []audit.StreamSummary{{Holes: []audit.Hole{{Reason: "502"}}}}
	r := &audit.Report{Period: mustPeriod(t, "2026-01-01", "2026-12-31")}
	sys := &System{Systems: []definition.System{{Subservices: []definition.Subservice{{Name: "Cumulo", Method: "carve-out"}}}}}
	docs := []document{{id: "a", Title: "Security policy", Kind: "policy", Status: "approved", ApprovedAt: "2026-01-02T00:00:00Z"},
		{id: "b", Title: "Backup policy", Kind: "policy", Status: "draft", ApprovedAt: "never"}, {id: "c", Title: "Plan", Kind: "plan"}}
	want := map[string]string{
		"Every population is complete":                         "Would stop: One of one populations have a hole or a count that does not agree.",
		"Completeness was compared with an independent number": "Would ask: One of one populations have no independent number to compare with.",
		"Management has answered every finding":                "Would stop: 3 findings have no response.",
		"Somebody has decided what each finding is":            "Would stop: 2 findings are candidates nobody has decided about.",
		"Policies are approved":                                "Would stop: One of two policies show no approval.",
		"Every criterion has a control":                        "Would stop: Of two criteria, 1 has no control.",
		"Every control can be tested":                          "Would ask: Two of three controls have no test that can run here.",
		"What others must do is written down":                  "Would ask: One of one subservice organizations lack what is assumed of them or a control that watches them.",
		"Somebody outside has seen the log":                    "Would ask: Nobody outside has signed the log's head: its order rests on this server's clock.",
		"The evidence reaches to the end of the period":        "Would ask: What was tested reaches to 1 Feb 2026; the period ends on 31 Dec 2026.",
	}
	stops := rehearse(v, r, sys, docs)
	for _, s := range stops {
		if got := s.State + ": " + s.Says; got != want[s.Check] {
			t.Errorf("%s\ngot  %s\nwant %s", s.Check, got, want[s.Check])
		}
	}
	if got := (&Readiness{Stops: stops}).StopsSentence(); len(stops) != len(want) || got != "5 of 10 checks of an auditor would stop today, and five would ask." {
		t.Errorf("%d checks: %s", len(stops), got)
	}
}

func TestStopsSentence(t *testing.T) {
	for _, c := range []struct {
		states []string
		want   string
	}{
		{[]string{GoesOn, GoesOn}, "None of two checks of an auditor would stop today."},
		{[]string{GoesOn, Asks}, "None of two checks of an auditor would stop today, and one would ask."},
		{[]string{Stops, GoesOn}, "One of two checks of an auditor would stop today."},
		{[]string{Stops, Stops, Asks}, "Two of three checks of an auditor would stop today, and one would ask."},
	} {
		r := &Readiness{}
		for _, s := range c.states {
			r.Stops = append(r.Stops, Stop{State: s})
		}
		if got := r.StopsSentence(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	r := &Readiness{Gaps: gapsIn(work()), Burn: []BurnPoint{{}}, Stops: []Stop{{}}}
	got := r.Within(func(id string) bool { return id == "IAM-02" })
	if len(got.Gaps) != 3 || got.Burn != nil || got.Stops != nil {
		t.Errorf("got %+v", got)
	}
	for _, g := range got.Gaps {
		if !slices.Equal(g.Controls, []string{"IAM-02"}) {
			t.Errorf("%s names %q", g.Key, g.Controls)
		}
	}
	if len(r.Gaps) != 7 {
		t.Error("the whole was changed")
	}
}

func TestWithout(t *testing.T) {
	v := work()
	r := &Readiness{Gaps: gapsIn(v), Stops: rehearse(v, &audit.Report{}, &System{}, nil)}
	got := r.Without(func(k GapKind) bool { return k == Undecided || k == Unanswered })
	if len(got.Gaps) != 5 || len(got.Stops) != len(r.Stops)-2 {
		t.Errorf("got %d gaps and %d checks, want 5 and %d", len(got.Gaps), len(got.Stops), len(r.Stops)-2)
	}
	if r.Without(func(GapKind) bool { return false }) != r {
		t.Error("nothing is hidden, and it is another value")
	}
}
