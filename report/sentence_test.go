package report

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func year(t *testing.T) audit.Period {
	t.Helper()
	p, err := audit.NewPeriod("2026-01-01", "2026-12-31", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	day257 = time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC)
	after  = time.Date(2027, 1, 20, 12, 0, 0, 0, time.UTC)
	before = time.Date(2026, 12, 20, 12, 0, 0, 0, time.UTC).AddDate(-1, 0, 0)
)

func TestSentence(t *testing.T) {
	p := year(t)
	at := func(when time.Time, s Standing) Standing {
		s.Period, s.AsOf = p, when
		return s
	}
	for _, c := range []struct {
		name   string
		s      Standing
		reader Reader
		want   string
	}{
		{"running", at(day257, Standing{Total: 67, OnTrack: 59, Deviations: 3, Unanswered: 3, Gaps: 2, AtRisk: 3}), Management,
			"On day 257 of 365, 59 of 67 controls are on track. Three have deviations to explain, two are missing evidence you can still find, and three could slip."},
		{"one not started", at(day257, Standing{Total: 68, OnTrack: 59, Deviations: 3, Unanswered: 3, Gaps: 2, AtRisk: 3, NotStarted: 1}), Management,
			"On day 257 of 365, 59 of 68 controls are on track. Three have deviations to explain, two are missing evidence you can still find, three could slip, and one has not started."},
		{"for an outsider", at(day257, Standing{Total: 67, OnTrack: 59, Deviations: 3, Unanswered: 3, Gaps: 2, AtRisk: 3}), Outsider,
			"On day 257 of 365, 59 of 67 controls have no known deviation. Three have deviations, two lack evidence for part of the time, and three are at risk."},
		{"one of each", at(day257, Standing{Total: 5, OnTrack: 1, Deviations: 1, Unanswered: 1, Gaps: 1, AtRisk: 1, NotStarted: 1}), Management,
			"On day 257 of 365, one of five controls is on track. One has a deviation to explain, one is missing evidence you can still find, one could slip, and one has not started."},
		{"some answered", at(day257, Standing{Total: 20, OnTrack: 17, Deviations: 3, Unanswered: 1}), Management,
			"On day 257 of 365, 17 of 20 controls are on track. Three have deviations (one still to explain)."},
		{"all answered", at(day257, Standing{Total: 20, OnTrack: 18, Deviations: 2}), Outsider,
			"On day 257 of 365, 18 of 20 controls have no known deviation. Two have deviations, all with a response."},
		{"ten and more in digits", at(day257, Standing{Total: 1200, OnTrack: 1176, Deviations: 12, Unanswered: 12, Gaps: 12}), Management,
			"On day 257 of 365, 1,176 of 1,200 controls are on track. 12 have deviations to explain and 12 are missing evidence you can still find."},
		{"all good", at(day257, Standing{Total: 68, OnTrack: 68}), Management, "On day 257 of 365, all 68 controls are on track."},
		{"all good, few, outsider", at(day257, Standing{Total: 3, OnTrack: 3}), Outsider, "On day 257 of 365, all three controls have no known deviation."},
		{"none good", at(day257, Standing{Total: 2, Deviations: 1, Unanswered: 1, Gaps: 1}), Management,
			"On day 257 of 365, none of two controls is on track. One has a deviation to explain and one is missing evidence you can still find."},
		{"none good, outsider", at(day257, Standing{Total: 2, Deviations: 1, Unanswered: 1, Gaps: 1}), Outsider,
			"On day 257 of 365, of two controls one has deviations and one lacks evidence for part of the time."},
		{"one control, good", at(day257, Standing{Total: 1, OnTrack: 1}), Management, "On day 257 of 365, the one control in scope is on track."},
		{"one control, deviation", at(day257, Standing{Total: 1, Deviations: 1, Unanswered: 1}), Management, "On day 257 of 365, the one control in scope has a deviation to explain."},
		{"one control, gap, outsider", at(day257, Standing{Total: 1, Gaps: 1}), Outsider, "On day 257 of 365, the one control in scope lacks evidence for part of the time."},
		{"no controls", at(day257, Standing{}), Management, "On day 257 of 365, no control is in scope."},
		{"no controls before the period", at(before, Standing{}), Management, "Before the period starts on 1 Jan 2026, no control is in scope."},
		{"no evidence at all", at(day257, Standing{Total: 68, Gaps: 60, NotStarted: 8, NoEvidence: true}), Management,
			"On day 257 of 365, there is no evidence yet for any of 68 controls."},
		{"no evidence, one control, ended", at(after, Standing{Total: 1, Gaps: 1, NoEvidence: true}), Outsider,
			"Over the 365 days to 31 Dec 2026, there is no evidence yet for the one control in scope."},
		{"some untested", at(day257, Standing{Total: 10, OnTrack: 8, Untested: 2}), Management,
			"On day 257 of 365, 8 of 10 controls are on track. Two have no test that can run here."},
		{"one untested", at(day257, Standing{Total: 10, OnTrack: 9, Untested: 1}), Outsider,
			"On day 257 of 365, 9 of 10 controls have no known deviation. One has no test that can run here."},
		{"only untested", at(day257, Standing{Total: 4, Untested: 4}), Management, "On day 257 of 365, none of four controls has a test that can run here."},
		{"ended", at(after, Standing{Total: 60, OnTrack: 50, Deviations: 4, Unanswered: 4, Gaps: 2, AtRisk: 3, NotStarted: 1}), Management,
			"Over the 365 days to 31 Dec 2026, 50 of 60 controls had no known deviation. Four have deviations to explain, two are missing evidence you can still find, three were late at least once, and one had nothing to act on."},
		{"ends at its last instant", at(p.To, Standing{Total: 1, OnTrack: 1}), Management, "Over the 365 days to 31 Dec 2026, the one control in scope had no known deviation."},
		{"last day", at(p.To.Add(-time.Second), Standing{Total: 1, OnTrack: 1}), Management, "On day 365 of 365, the one control in scope is on track."},
		{"first day", at(p.From, Standing{Total: 2, NotStarted: 2}), Management, "On day 1 of 365, none of two controls is on track. Two have not started."},
		{"future", at(before, Standing{Total: 68, NotStarted: 68, NoEvidence: true}), Management, "The period starts on 1 Jan 2026, in 12 days, with 68 controls in scope."},
		{"tomorrow", at(p.From.Add(-time.Hour), Standing{Total: 1, NotStarted: 1}), Outsider, "The period starts on 1 Jan 2026, tomorrow, with one control in scope."},
		{"future, untested", at(before, Standing{Total: 9, NotStarted: 7, Untested: 2}), Management,
			"The period starts on 1 Jan 2026, in 12 days, with nine controls in scope. Two controls have no test that can run here."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Sentence(c.s, c.reader); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

var forbidden = regexp.MustCompile(`(?i)\b(complian(t|ce)|certified|audit-ready|scores?|pass(ed|es)?|fail(ed|s)?|secure|effective(ly)?|no exceptions? noted)\b`)

// TestSentenceAlways walks small standings: whatever the counts, the sentence
// uses no forbidden word, is closed, and is punctuated and capitalized as a
// sentence is.
func TestSentenceAlways(t *testing.T) {
	p := year(t)
	for _, when := range []time.Time{before, day257, after} {
		for n := range 3 * 3 * 3 * 3 * 3 * 3 {
			k := func() int { v := n % 3; n /= 3; return v * 6 }
			s := Standing{Period: p, AsOf: when, OnTrack: k(), AtRisk: k(), Gaps: k(), Deviations: k(), NotStarted: k(), Untested: k()}
			s.Unanswered = s.Deviations / 2
			s.Total = s.OnTrack + s.AtRisk + s.Gaps + s.Deviations + s.NotStarted + s.Untested
			for _, reader := range []Reader{Outsider, Management} {
				checkSentence(t, s, Sentence(s, reader))
			}
		}
	}
}

func checkSentence(t *testing.T, s Standing, got string) {
	t.Helper()
	switch {
	case forbidden.MatchString(got):
		t.Errorf("%+v: forbidden word in %q", s, got)
	case !strings.HasSuffix(got, ".") || strings.Contains(got, "  ") || strings.Contains(got, "..") || strings.Contains(got, " ,") || strings.Contains(got, ", ."):
		t.Errorf("%+v: badly formed %q", s, got)
	case strings.Contains(got, "zero"):
		t.Errorf("%+v: a zero is spelled out in %q", s, got)
	}
	for _, part := range strings.Split(got, ". ")[1:] {
		if part[0] >= 'a' && part[0] <= 'z' {
			t.Errorf("%+v: a sentence starts small in %q", s, got)
		}
	}
}
